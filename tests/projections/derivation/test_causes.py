"""Causes against a slow oracle, and the laws that hold for rows over both times, on machine-made histories."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import pairwise
from random import Random

import pytest

from histories.causes import asked_of, make_cause, retold
from knelpunt.domain.event import Event
from knelpunt.domain.vocabulary import GapKind, LearningKind
from knelpunt.projections.derivation.causes import DERIVATION, links
from knelpunt.projections.derivation.facets import GapFacet
from knelpunt.projections.derivation.learning import LearningAnswer, learning_answer
from knelpunt.projections.derivation.learning_facets import StreamFacet, StreamLinkFacet
from knelpunt.projections.derivation.learning_kinds import learning_timelines
from knelpunt.projections.derivation.shapes import Gap
from knelpunt.projections.derivation.timelines import Row, rows_of
from oracle.answers import OGap
from oracle.causes import answer as oracle_answer
from oracle.told import mend

NORMAL, LONG = 250, 20_000
KINDS = {
    GapKind.CAUSE_UNOWNED,
    GapKind.ESCALATION_UNANSWERED,
    GapKind.MEASURE_OVERDUE,
    GapKind.COMMITMENT_OVERDUE,
}

answer = partial(learning_answer, DERIVATION)


def plainly(gap: Gap, as_of: datetime) -> OGap:
    parts = gap.kind, gap.from_, gap.until, gap.open, gap.counts(as_of), gap.lasted(as_of)
    return OGap(gap.obstacle, *parts, gap.to_act, gap.involved, gap.length, gap.begun_by)


def as_the_oracle(given: LearningAnswer, as_of: datetime) -> tuple[set[OGap], set]:
    return {plainly(gap, as_of) for gap in given.gaps}, {conflict.event for conflict in given.conflicts}


def hold(seeds: range) -> None:
    """Compare with the oracle at hard pairs of times."""
    for seed in seeds:
        rng = Random(f"cause {seed}")
        history = make_cause(rng)
        for as_of, known_at in asked_of(rng, history, 6):
            given = as_the_oracle(answer(history, as_of, known_at), as_of)
            assert given == oracle_answer(history, as_of, known_at), (seed, as_of, known_at)


def test_the_oracle_sees_the_same() -> None:
    """Gaps and conflicts are those of the definitions, told by code that shares nothing with ours."""
    hold(range(NORMAL))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_oracle_sees_the_same_in_many_more() -> None:
    """The same in twenty thousand histories."""
    hold(range(NORMAL, LONG))


def test_the_histories_are_hard() -> None:
    """Each kind of gap in at least one in twenty; late events in three of ten; corrected, conflicting, tied in one."""
    found = Counter[object]()
    for seed in range(NORMAL):
        history = make_cause(Random(f"cause {seed}"))
        end = history[-1].recorded_at
        given = answer(history, end)
        found.update({gap.kind for gap in given.gaps if gap.counts(end)})
        placed = [e for e in history if not e.data.mends]
        found["late"] += any(later.occurred_at < earlier.occurred_at for earlier, later in pairwise(placed))
        found["conflicting"] += bool(given.conflicts)
        found["corrected"] += len(placed) < len(history)
        found["tied"] += len({e.occurred_at for e in placed}) < len(placed)
    assert {kind for kind in KINDS if found[kind] >= NORMAL / 20} == KINDS
    assert found["late"] >= NORMAL * 3 / 10
    assert min(found["conflicting"], found["corrected"], found["tied"]) >= NORMAL / 10


def only(history: Sequence[Event], as_of: datetime, known_at: datetime) -> list[Event]:
    """What a registry would hold that was told only what had been recorded by then, and had happened by then."""
    recorded = [e for e in history if e.recorded_at <= known_at]
    now = {e.id: e.occurred_at for e in mend(recorded)[0]}
    return [e for e in recorded if e.data.mends or now[e.id] <= as_of]


def test_the_rule_of_the_two_times() -> None:
    """The answer at two times is that of a registry that holds nothing else."""
    for seed in range(NORMAL):
        rng = Random(f"two times {seed}")
        history = make_cause(rng)
        for as_of, known_at in asked_of(rng, history, 4):
            given, fresh = answer(history, as_of, known_at), answer(only(history, as_of, known_at), as_of)
            # A mending of what is not there yet is no conflict in either, and no fresh registry would have taken it.
            assert as_the_oracle(given, as_of)[0] == as_the_oracle(fresh, as_of)[0], (seed, as_of, known_at)
            assert given.state == fresh.state


def at(rows: Sequence[Row], as_of: datetime, known_at: datetime) -> set[object]:
    """The states that are the answer at two times."""
    return {
        row.state
        for row in rows
        if row.as_of_from <= as_of
        and (row.as_of_until is None or as_of < row.as_of_until or known_at < (row.until_known_from or known_at))
        and row.known_from <= known_at
        and (row.known_until is None or known_at < row.known_until)
    }


def test_rows_say_what_the_answer_says() -> None:
    """Header, links and gaps of the rows are those of the answer, at every hard pair of times."""
    for seed in range(NORMAL):
        rng = Random(f"rows {seed}")
        history = make_cause(rng)
        rows = rows_of(history[0].stream, history, (), partial(learning_timelines, LearningKind.CAUSE, ()))
        for as_of, known_at in asked_of(rng, history, 6):
            given = answer(history, as_of, known_at)
            found = at(rows, as_of, known_at)
            assert {one.gap for one in found if isinstance(one, GapFacet)} == set(given.gaps), (seed, as_of, known_at)
            headers = [one for one in found if isinstance(one, StreamFacet)]
            if given.state is None:
                assert not headers
                continue
            (header,) = headers
            made = DERIVATION.header(given.state)
            assert (header.status, header.theme, header.marks) == (made.status, made.theme, tuple(sorted(made.marks)))
            assert header.begun_at == given.state.begun.occurred_at
            assert header.organisations == given.organisations
            assert {one for one in found if isinstance(one, StreamLinkFacet)} == set(links(given.state))


def test_any_order_of_recording_comes_to_the_same() -> None:
    """Where moments differ, the final answer hangs on what happened and not on when it was told."""
    for seed in range(NORMAL):
        rng = Random(f"order {seed}")
        history = make_cause(rng, mend=False, tie=False)
        end = history[-1].occurred_at
        first, again = answer(history, end), answer(retold(rng, history), end)
        assert as_the_oracle(first, end) == as_the_oracle(again, end), seed
        assert first.organisations == again.organisations
