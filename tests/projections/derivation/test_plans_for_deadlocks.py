"""A plan for a deadlock within one case falls due like any other, worked out by hand; the oracle reads it so too."""

from datetime import timedelta

import pytest

from histories.several import GEM, SVB, UWV, day, named
from knelpunt.domain.case import facts as f
from knelpunt.domain.event import Event
from knelpunt.domain.ids import gap_id_of
from knelpunt.domain.text import clear
from knelpunt.domain.vocabulary import GapKind, StrikeReason
from knelpunt.projections.derivation.answer import answer
from knelpunt.projections.derivation.facets import GapFacet
from knelpunt.projections.derivation.timelines import rows_of
from oracle import oracle
from oracle.tale import Tale

CASE = named("A")


def deadlocked(until: float | None = None) -> tuple[Tale, Event]:
    """Two obstacles of one case that wait for each other from day 11 on, and the event that closed the circle."""
    tale = Tale()
    tale.opens("A", 0)
    tale.reports("A", "one", 1, GEM)
    tale.reports("A", "two", 1, UWV)
    tale.waits("A", "one", 10, GEM, "two")
    return tale, tale.waits("A", "two", 11, UWV, "one", until)


def plans(tale: Tale, at: float, due: float, began: Event, kind: GapKind = GapKind.DEADLOCK, by: str = GEM) -> Event:
    """An organisation owns up to what lies on the case since ``began``, and means to end it by a day."""
    mark = f.GapMark(gap_id_of(CASE, kind.value, began.id), kind, None, began.occurred_at)
    return tale.says("A", at, f.GapAcknowledged(mark, by, clear("Wij bellen elkaar."), day(due)))


def late(tale: Tale, as_of: float) -> list[tuple[int, int | None, tuple[str, ...]]]:
    """Of each plan that is or was late: from which day until which, and whose it is; the oracle must say the same."""
    history = tale.cases()[CASE]
    told = [gap for gap in answer(history, day(as_of)).gaps if gap.kind is GapKind.COMMITMENT_OVERDUE]
    expected = [gap for gap in oracle.answer(history, day(as_of)).gaps if gap.kind is GapKind.COMMITMENT_OVERDUE]
    assert [(gap.id, gap.from_, gap.until, gap.obstacle, gap.to_act) for gap in told] == [
        (gap.id_in(CASE), gap.from_, gap.until, gap.obstacle, gap.to_act) for gap in expected
    ]
    assert all(gap.obstacle is None and gap.lies_on == CASE for gap in told)
    return [(_day(gap.from_), None if gap.until is None else _day(gap.until), gap.to_act) for gap in told]


def _day(moment) -> int:
    return (moment - day(0)) // timedelta(days=1)


def test_it_is_overdue_from_its_due_day_until_the_circle_is_broken() -> None:
    """Due on day 20, broken on day 30: before it nothing, then a gap of who promised, which ends with the deadlock."""
    tale, began = deadlocked()
    plan = plans(tale, 12, 20, began)
    assert late(tale, 19.9) == []
    assert late(tale, 25) == [(20, None, (GEM,))]
    tale.says("A", 30, f.WaitingEnded(named("one")), GEM)
    assert late(tale, 25) == [(20, None, (GEM,))]
    assert late(tale, 40) == [(20, 30, (GEM,))]
    (gap,) = [one for one in answer(tale.cases()[CASE], day(40)).gaps if one.kind is GapKind.COMMITMENT_OVERDUE]
    assert (gap.id, gap.begun_by, gap.evidence) == (
        gap_id_of(CASE, "COMMITMENT_OVERDUE", plan.id), plan.id, (plan.id,),
    )  # fmt: skip
    assert gap.counts(day(40))
    # It makes no obstacle fall between the cracks; the deadlock lies on several.
    assert all(not one.figures.fell_between_the_cracks for one in answer(tale.cases()[CASE], day(25)).obstacles)


@pytest.mark.parametrize("ends", ["a word", "time alone"])
def test_a_plan_that_was_kept_is_never_overdue(ends) -> None:
    """The circle was broken on day 15, be it by an event or because a waiting had that end: nothing was late."""
    tale, began = deadlocked(15 if ends == "time alone" else None)
    plans(tale, 12, 20, began)
    if ends == "a word":
        tale.says("A", 15, f.WaitingEnded(named("two")), UWV)
    assert late(tale, 60) == []


def test_it_ends_by_time_alone_with_the_deadlock() -> None:
    """One waiting was to last until day 30: from then on nobody is late, though nobody recorded anything."""
    tale, began = deadlocked(30)
    plans(tale, 12, 20, began)
    assert late(tale, 29) == [(20, None, (GEM,))]
    assert late(tale, 30) == [(20, 30, (GEM,))]


def test_each_of_two_plans_is_late_by_itself_and_one_may_be_about_the_other() -> None:
    """Two promised, by day 20 and 25; on day 26 the one that was late on its promise promised anew, by day 28."""
    tale, began = deadlocked()
    first = plans(tale, 12, 20, began)
    plans(tale, 13, 25, began, by=UWV)
    plans(tale, 26, 28, first, GapKind.COMMITMENT_OVERDUE)
    assert late(tale, 60) == [(20, None, (GEM,)), (25, None, (UWV,)), (28, None, (GEM,))]
    tale.says("A", 40, f.WaitingEnded(named("one")), GEM)
    assert late(tale, 60) == [(20, 40, (GEM,)), (25, 40, (UWV,)), (28, 40, (GEM,))]


def test_without_a_plan_or_a_circle_nothing_is_taken_on() -> None:
    """Owning up alone promises nothing; and of a deadlock that never was, or ended before, nothing can be promised."""
    tale, began = deadlocked()
    mark = f.GapMark(gap_id_of(CASE, "DEADLOCK", began.id), GapKind.DEADLOCK, None, began.occurred_at)
    tale.says("A", 12, f.GapAcknowledged(mark, SVB))
    tale.says("A", 14, f.WaitingEnded(named("one")), GEM)
    plans(tale, 15, 20, began)
    assert late(tale, 60) == []


def test_a_plan_follows_a_deadlock_that_a_late_fact_moves() -> None:
    """The circle closed earlier, it proves: it goes by another name, and the plan is about it none the less."""
    tale, began = deadlocked()
    plans(tale, 12, 20, began)
    tale.says("A", 40, f.EventStruck(began.id, StrikeReason.NEVER_HAPPENED))
    assert late(tale, 60) == []
    tale.waits("A", "two", 8, UWV, "one")
    assert late(tale, 60) == [(20, None, (GEM,))]


def test_the_rows_over_both_times_tell_of_it() -> None:
    """One row, whose end is known from the recording of what broke the circle on."""
    tale, began = deadlocked()
    plan = plans(tale, 12, 20, began)
    broken = tale.says("A", 30, f.WaitingEnded(named("one")), GEM)
    rows = [
        (row, row.state.gap)
        for row in rows_of(CASE, tale.cases()[CASE])
        if isinstance(row.state, GapFacet) and row.state.gap.begun_by == plan.id
    ]
    lines = {(row.as_of_from, row.as_of_until, gap.open) for row, gap in rows if row.known_until is None}
    assert lines == {(day(20), day(30), True), (day(30), None, False)}
    assert {row.until_known_from for row, gap in rows if gap.open} == {broken.recorded_at}
