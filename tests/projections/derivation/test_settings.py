"""Terms and graces that change: a clock goes by what was in force when it started, as known by whoever asks."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid5

import pytest

from histories.machine import make_history, questions
from histories.settings import change, changes_within
from knelpunt.domain.event import Event
from knelpunt.domain.settings import DEFAULTS, UNCHANGED, Course, Settings
from knelpunt.domain.vocabulary import GapKind, Term
from knelpunt.projections.derivation.answer import answer
from knelpunt.projections.derivation.facets import GapFacet
from knelpunt.projections.derivation.timelines import rows_of
from knelpunt.projections.derivation.todos import TodoFacet, TodoKind
from oracle.oracle import answer as oracle_answer
from projections.derivation.plainly import in_one_order, plainly
from projections.derivation.test_timelines import at

DAY = timedelta(days=1)


def derived_at(history: list[Event], changes: Sequence[Event], as_of: datetime, known_at: datetime):
    """The gaps at two times, each with whether it counts, and the causes to be named, by answering one question."""
    course = Course.of(change for change in changes if change.recorded_at <= known_at)
    given = answer(history, as_of, known_at, None, course)
    gaps = {(gap, gap.counts(as_of)) for gap in given.gaps}
    causes = {
        (one.obstacle, one.settled_at + course.at(one.settled_at).name_cause)
        for one in given.obstacles
        if one.settled_at is not None and one.settled_at + course.at(one.settled_at).name_cause <= as_of
    }
    return gaps, causes


@pytest.mark.parametrize("start", range(0, 120, 30))
def test_rows_under_changing_settings_are_the_answer(start) -> None:
    """Whatever was changed when, rows at any two times hold the gaps that the fold over what was recorded gives."""
    counted = 0
    for seed in range(start, start + 30):
        rng = Random(seed)
        history = make_history(rng)
        changes = changes_within(history, rng, rng.randint(1, 4))
        rows = rows_of(history[0].stream, history, changes)
        for as_of, known_at, _ in questions(rng, history):
            moment = known_at or max(history[-1].recorded_at, changes[-1].recorded_at)
            states = at(rows, as_of, moment)
            gaps, causes = derived_at(history, changes, as_of, moment)
            assert {(one.gap, one.gap.counts(as_of)) for one in states if isinstance(one, GapFacet)} == gaps, seed
            asked = {
                (one.obstacle, one.since)
                for one in states
                if isinstance(one, TodoFacet) and one.kind is TodoKind.NO_CAUSE_NAMED
            }
            # Withdrawn and split obstacles ask for no cause.
            assert asked <= causes
            counted += gaps != derived_at(history, (), as_of, moment)[0]
    assert counted > 5, "the changes change next to nothing"


def test_settings_from_the_beginning_are_those_of_the_oracle() -> None:
    """A change from before everything makes of every history what the oracle makes of it under other terms."""
    other = Settings(respond_by=3 * DAY, standstill=20 * DAY, confirm_by=30 * DAY)
    differing = 0
    for seed in range(40):
        rng = Random(seed)
        history = make_history(rng)
        course = UNCHANGED.copy()
        for earlier in terms_before(history[0], {Term.RESPOND_BY: 3, Term.STANDSTILL: 20, Term.CONFIRM_BY: 30}):
            course.change(earlier)
        for as_of, known_at, _ in questions(rng, history):
            given = in_one_order(plainly(answer(history, as_of, known_at, None, course)))
            assert given == in_one_order(oracle_answer(history, as_of, known_at, None, other)), seed
            differing += given != in_one_order(oracle_answer(history, as_of, known_at, None, DEFAULTS))
    assert differing > 20


def terms_before(first: Event, terms: dict[Term, int]) -> list[Event]:
    """Changes of terms from long before an event."""
    moment = datetime(1990, 1, 1, tzinfo=UTC)
    return [change(uuid5(first.id, term), moment, term, days) for term, days in terms.items()]


def test_a_course_says_what_was_in_force() -> None:
    """Each change holds from the moment of its recording on, and leaves the rest as it was."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    course = Course.of([
        change(UUID(int=1), start, Term.STANDSTILL, 42),
        change(UUID(int=2), start + 10 * DAY, GapKind.NEVER_TAKEN, 3),
        change(UUID(int=3), start + 20 * DAY, Term.STANDSTILL, 10),
    ])  # fmt: skip
    found = [course.at(start + days * DAY) for days in (-1, 0, 10, 20)]
    assert [one.standstill.days for one in found] == [56, 42, 42, 10]
    assert [one.grace(GapKind.NEVER_TAKEN).days for one in found] == [7, 7, 3, 3]
    assert [one.grace(GapKind.MOVED).days for one in found] == [14, 14, 14, 14]
    assert UNCHANGED.at(start) == DEFAULTS
