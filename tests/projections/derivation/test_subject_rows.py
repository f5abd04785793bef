"""Rows over the cases of a subject answer what the pure function answers, at every pair of times that is hard."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

import pytest

from histories.machine import NUDGES, TERMS
from histories.several import by_stream, people_of
from infra.projecting.registries import some_registry
from knelpunt.domain.event import Event
from knelpunt.domain.vocabulary import GapKind
from knelpunt.projections.derivation.facets import GapFacet
from knelpunt.projections.derivation.shapes import Gap
from knelpunt.projections.derivation.subjects import subject_gaps, subject_rows_of
from knelpunt.projections.derivation.timelines import Row

NORMAL, LONG = 30, 1_500


def answers(rows: Sequence[Row], as_of: datetime, known_at: datetime) -> list[Gap]:
    """The gaps of the rows that are the answer at two times."""
    return sorted(
        (
            row.state.gap
            for row in rows
            if isinstance(row.state, GapFacet)
            and row.as_of_from <= as_of
            and (
                row.as_of_until is None
                or as_of < row.as_of_until
                or (row.until_known_from is not None and known_at < row.until_known_from)
            )
            and row.known_from <= known_at
            and (row.known_until is None or known_at < row.known_until)
        ),
        key=lambda gap: (gap.from_, gap.kind, str(gap.id)),
    )


def questions(rng: Random, log: Sequence[Event], count: int) -> Iterator[tuple[datetime, datetime]]:
    """Pairs of times: at an event or a term after it, on the dot and beside it; and at a moment of recording."""
    end = max(log[-1].recorded_at, *(event.occurred_at for event in log)) + timedelta(days=60)
    yield end, end
    for _ in range(count):
        event = rng.choice(log)
        terms = [event.occurred_at + term for term in TERMS] + [event.occurred_at + timedelta(days=n) for n in (10, 30)]
        yield rng.choice(terms) + rng.choice(NUDGES), rng.choice(log).recorded_at + rng.choice(NUDGES)


def hold(seeds: range) -> dict[GapKind, int]:
    """Compare in the registries of some seeds; return how many gaps of each kind were compared."""
    found: dict[GapKind, int] = {GapKind.UNCOORDINATED: 0, GapKind.DEADLOCK: 0}
    for seed in seeds:
        rng = Random(seed)
        log = some_registry(seed, cases=rng.choice((2, 3, 4)))
        asked = list(questions(rng, log, 12))
        for person in people_of(log):
            rows = subject_rows_of(person, log)
            for as_of, known_at in asked:
                known = by_stream([event for event in log if event.recorded_at <= known_at])
                expected = subject_gaps(known, as_of, subject=person)
                assert answers(rows, as_of, known_at) == expected, (seed, person, as_of, known_at)
                for gap in expected:
                    found[gap.kind] += 1
    return found


def test_rows_answer_what_the_pure_function_answers():
    """At the end, at deadlines and beside them, by all that was recorded and by less; each kind is met often."""
    assert min(hold(range(NORMAL)).values()) > NORMAL / 4


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("start", range(NORMAL, LONG, 245))
def test_rows_answer_what_the_pure_function_answers_in_many_more(start):
    """The same in fifteen hundred registries."""
    hold(range(start, start + 245))
