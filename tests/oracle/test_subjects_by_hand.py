"""The oracle of what lies over a subject's cases gives the answers that were worked out on paper from gaps.md."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from histories.several import DAY, day, named
from knelpunt.domain.case import facts as f
from knelpunt.domain.organisation.facts import OrganisationMerged, ParentChanged
from knelpunt.domain.vocabulary import (
    CaseRelation,
    Channel,
    Harm,
    Initiative,
    Outcome,
    StrikeReason,
    WaitingGround,
)
from oracle.subjects import OSubjectGap, by_subject, cross_chains, linked_cases, stories_of, subject_gaps
from oracle.tale import EVER, Tale

GEM, UWV, SVB, BD = (f"urn:org:{name}" for name in ("GEM", "UWV", "SVB", "BD"))


def gaps(tale: Tale, as_of: float, known_at: datetime = EVER, subject: str = "subject") -> list[OSubjectGap]:
    stories = by_subject(stories_of(tale.cases(), day(as_of), known_at)).get(named(subject), {})
    return subject_gaps(stories, day(as_of), known_at, tale.organisations())


def outline(found: list[OSubjectGap]) -> list[tuple[str, float, float | None]]:
    """The kinds of gaps, and from which day until which."""
    return [
        (gap.kind, (gap.from_ - day(0)) / DAY, None if gap.until is None else (gap.until - day(0)) / DAY)
        for gap in found
    ]


def three_hold() -> Tale:
    """Three organisations each hold an obstacle of one person: from days 0, 10 and 20 on, in two cases."""
    tale = Tale()
    tale.opens("A", 0)
    tale.opens("B", 0)
    tale.reports("A", "a1", 0, GEM)
    tale.reports("A", "a2", 10, UWV)
    tale.reports("B", "b1", 20, SVB)
    return tale


def resolved(tale: Tale, case: str, obstacle: str, at: float, by: str) -> None:
    tale.says(case, at, f.ObstacleResolved(named(obstacle), by, Outcome.REMOVED))


def test_three_holders_that_nobody_coordinates() -> None:
    """The third comes on day 20. On day 48 it has lasted its grace of 28 days, no longer; on day 49 it counts."""
    tale = three_hold()
    assert gaps(tale, 19) == []
    for at, counts in ((20, False), (48, False), (49, True)):
        (gap,) = gaps(tale, at)
        assert (gap.kind, gap.from_, gap.until, gap.counts) == ("UNCOORDINATED", day(20), None, counts)
        assert (gap.to_act, gap.involved) == (frozenset(), {GEM, UWV, SVB})
        assert gap.lasted == (at - 20) * DAY
        assert gap.obstacles == {named("a1"), named("a2"), named("b1")}
        assert gap.begun_by == {tale.events[-1].id}


def test_it_ends_when_fewer_than_three_are_left() -> None:
    """One resolves on day 50 and reopens on day 60: two intervals. A fourth that joins meanwhile is involved."""
    tale = three_hold()
    tale.reports("B", "b2", 30, BD)
    resolved(tale, "B", "b2", 40, BD)
    resolved(tale, "A", "a1", 50, GEM)
    tale.says("A", 60, f.ObstacleReopened(named("a1"), GEM))
    assert outline(gaps(tale, 70)) == [("UNCOORDINATED", 20, 50), ("UNCOORDINATED", 60, None)]
    assert [gap.involved for gap in gaps(tale, 70)] == [{GEM, UWV, SVB, BD}, {GEM, UWV, SVB}]


def test_a_handover_at_one_instant_does_not_cut_it() -> None:
    """On day 40 one hands over to a fourth: at no moment fewer than three hold, so it is one interval, of four."""
    tale = three_hold()
    tale.says("B", 35, f.HandoffOffered(named("h"), named("b1"), SVB, BD), by=SVB)
    tale.says("B", 40, f.HandoffAccepted(named("h")), by=BD)
    (gap,) = gaps(tale, 60)
    assert outline([gap]) == [("UNCOORDINATED", 20, None)]
    assert gap.involved == {GEM, UWV, SVB, BD}


def test_let_go_and_taken_at_one_instant_does_not_cut_it_either() -> None:
    """What lasts no time is at no moment: released and taken on day 40, one after the other, by different ones."""
    tale = three_hold()
    tale.says("B", 40, f.CustodyReleased(named("b1"), SVB))
    tale.says("B", 40, f.CustodyTaken(named("b1"), BD))
    assert outline(gaps(tale, 60)) == [("UNCOORDINATED", 20, None)]
    other = three_hold()
    other.says("B", 40, f.CustodyReleased(named("b1"), SVB))
    other.says("B", 41, f.CustodyTaken(named("b1"), BD))
    assert outline(gaps(other, 60)) == [("UNCOORDINATED", 20, 40), ("UNCOORDINATED", 41, None)]


def test_a_coordinator_in_one_of_the_cases_is_enough() -> None:
    """One is named in the one case on day 40, until day 70: from then on nobody coordinates again."""
    tale = three_hold()
    named_ = tale.says("B", 40, f.CoordinatorNamed(GEM, day(70)))
    assert outline(gaps(tale, 80)) == [("UNCOORDINATED", 20, 40), ("UNCOORDINATED", 70, None)]
    assert gaps(tale, 80)[1].begun_by == {named_.id}
    assert outline(gaps(tale, 69)) == [("UNCOORDINATED", 20, 40)]
    assert outline(gaps(tale, 70))[1:] == [("UNCOORDINATED", 70, None)]


def test_the_coordinator_is_the_one_named_last() -> None:
    """One is named on day 40 for ever, another on day 45 until day 50: on day 50 there is none left."""
    tale = three_hold()
    tale.says("B", 40, f.CoordinatorNamed(GEM))
    tale.says("B", 45, f.CoordinatorNamed(UWV, day(50)))
    assert outline(gaps(tale, 60)) == [("UNCOORDINATED", 20, 40), ("UNCOORDINATED", 50, None)]


def test_a_coordinator_of_a_case_in_which_nothing_is_held_is_none_of_those() -> None:
    """A third case has a coordinator from day 5; its obstacle is held from day 30 to 40 only, and then it counts."""
    tale = three_hold()
    tale.opens("C", 0)
    tale.says("C", 5, f.CoordinatorNamed(GEM))
    tale.reports("C", "c1", 5, None)
    tale.says("C", 30, f.CustodyTaken(named("c1"), GEM))
    tale.says("C", 40, f.CustodyReleased(named("c1"), GEM))
    assert outline(gaps(tale, 60)) == [("UNCOORDINATED", 20, 30), ("UNCOORDINATED", 40, None)]


def test_units_of_one_parent_count_once() -> None:
    """Two of the three are units of one parent until day 30, when the one leaves it: it begins there."""
    tale = three_hold()
    tale.registered("urn:org:PARENT")
    tale.registered(GEM, UWV, parent="urn:org:PARENT")
    assert gaps(tale, 60) == []
    left = tale.organisation(30, ParentChanged(UWV, None))
    (gap,) = gaps(tale, 60)
    assert outline([gap]) == [("UNCOORDINATED", 30, None)]
    assert gap.begun_by == {left.id}
    assert gaps(tale, 60, known_at=tale.events[-2].recorded_at) == []
    assert gaps(tale, 29) == []


def test_a_merger_ends_it_and_the_past_stays() -> None:
    """Two of the three merge on day 45; they were different until then, and asked on day 60 that is still so."""
    tale = three_hold()
    tale.registered(GEM, UWV)
    tale.organisation(45, OrganisationMerged(UWV, GEM))
    assert outline(gaps(tale, 60)) == [("UNCOORDINATED", 20, 45)]


def test_only_the_cases_of_the_subject() -> None:
    """A case of two people is each one's: with it the one has three holders, the other only two."""
    tale = Tale()
    tale.opens("A", 0, "payer")
    tale.opens("B", 0, "payer", "receiver")
    tale.opens("C", 0, "receiver")
    tale.reports("A", "a1", 0, GEM)
    tale.reports("A", "a2", 0, UWV)
    tale.reports("B", "b1", 5, SVB)
    tale.reports("C", "c1", 5, BD)
    assert outline(gaps(tale, 60, subject="payer")) == [("UNCOORDINATED", 5, None)]
    assert gaps(tale, 60, subject="receiver") == []


def test_the_two_times_of_what_lies_over_cases() -> None:
    """That the third held it from day 20 to 40 is found late; before, nothing was known; in the end it is struck."""
    tale = Tale()
    tale.opens("A", 0)
    tale.opens("B", 0)
    tale.reports("A", "a1", 0, GEM)
    tale.reports("A", "a2", 10, UWV)
    before = tale.reports("B", "b1", 10, None)
    taken = tale.says("B", 20, f.CustodyTaken(named("b1"), SVB))
    released = tale.says("B", 40, f.CustodyReleased(named("b1"), SVB))
    tale.says("B", 60, f.EventStruck(taken.id, StrikeReason.NEVER_HAPPENED))
    assert gaps(tale, 60, before.recorded_at) == []
    assert outline(gaps(tale, 60, taken.recorded_at)) == [("UNCOORDINATED", 20, None)]
    assert outline(gaps(tale, 60, released.recorded_at)) == [("UNCOORDINATED", 20, 40)]
    assert outline(gaps(tale, 30, released.recorded_at)) == [("UNCOORDINATED", 20, None)]
    assert gaps(tale, 60) == []


def wait(tale: Tale, case: str, at: float, who: str, obstacle: str, other: str) -> UUID:
    fact = f.WaitingBegan(named(obstacle), who, WaitingGround.OTHER_OBSTACLE, for_obstacle=named(other))
    return tale.says(case, at, fact).id


def test_a_deadlock_across_cases() -> None:
    """One waits from day 30, the other back from day 33 to 40. Each case by itself holds no circle."""
    tale = three_hold()
    tale.says("B", 20, f.CoordinatorNamed(GEM))
    wait(tale, "A", 30, GEM, "a1", "b1")
    closed = wait(tale, "B", 33, SVB, "b1", "a1")
    tale.says("B", 40, f.WaitingEnded(named("b1")), by=SVB)
    (gap,) = gaps(tale, 60)
    assert outline([gap]) == [("DEADLOCK", 33, 40)]
    assert (gap.to_act, gap.involved, gap.lasted, gap.counts) == ({GEM, SVB}, frozenset(), 7 * DAY, True)
    assert (gap.obstacles, gap.begun_by) == ({named("a1"), named("b1")}, {closed})
    assert gap.cases == {named("A"), named("B")}
    assert gaps(tale, 32) == []
    (at_once,) = gaps(tale, 33)
    assert (at_once.until, at_once.counts) == (None, False)


def test_a_deadlock_of_three_broken_and_closed_at_one_instant() -> None:
    """Three in a row wait in a circle from day 32; the one ends and begins again on day 35: that is one circle."""
    tale = three_hold()
    tale.says("B", 20, f.CoordinatorNamed(GEM))
    wait(tale, "A", 30, GEM, "a1", "a2")
    wait(tale, "A", 31, UWV, "a2", "b1")
    closed = wait(tale, "B", 32, SVB, "b1", "a1")
    tale.says("A", 35, f.WaitingEnded(named("a2")), by=UWV)
    wait(tale, "A", 35, UWV, "a2", "b1")
    (gap,) = gaps(tale, 60)
    assert outline([gap]) == [("DEADLOCK", 32, None)]
    assert (gap.to_act, gap.begun_by) == ({GEM, UWV, SVB}, {closed})
    # The second turns to the first from day 40 on: another circle, of two.
    tale.says("A", 40, f.WaitingEnded(named("a2")), by=UWV)
    other = wait(tale, "A", 40, UWV, "a2", "a1")
    assert outline(gaps(tale, 60)) == [("DEADLOCK", 32, 40), ("DEADLOCK", 40, None)]
    assert (gaps(tale, 60)[1].to_act, gaps(tale, 60)[1].begun_by) == ({GEM, UWV}, {other})
    assert gaps(tale, 60)[1].cases == {named("A")}


def test_a_waiting_for_somebody_elses_obstacle_is_no_circle() -> None:
    """Two people's obstacles wait for each other: neither of them is stuck in a circle of their own."""
    tale = Tale()
    tale.opens("A", 0, "one")
    tale.opens("B", 0, "other")
    tale.reports("A", "a1", 0, GEM)
    tale.reports("B", "b1", 0, SVB)
    wait(tale, "A", 1, GEM, "a1", "b1")
    wait(tale, "B", 1, SVB, "b1", "a1")
    assert gaps(tale, 60, subject="one") == gaps(tale, 60, subject="other") == []


def chained() -> Tale:
    """What one did set off something at another; that proved to be two things, one of them in a third case."""
    tale = Tale()
    for case in "ABC":
        tale.opens(case, 0)
    tale.reports("A", "a1", 0, GEM)
    tale.reports("A", "alone", 0, GEM)
    tale.reports("B", "b1", 10, UWV, triggered_by=named("a1"))
    tale.reports("B", "b2", 20, UWV)
    tale.reports("C", "c1", 20, None)
    tale.says("B", 20, f.ObstacleSplit(named("b1"), (named("b2"), named("c1"))), by=UWV)
    return tale


def test_triggers_and_splits_join_obstacles_across_cases() -> None:
    """a1 set off b1, which was split into b2 and c1: one chain of four; the fifth obstacle is in none."""
    tale = chained()
    (chain,) = cross_chains(stories_of(tale.cases(), day(40), EVER), day(40))
    assert chain.obstacles == {named(name) for name in ("a1", "b1", "b2", "c1")}
    assert chain.cases == {named(name) for name in "ABC"}
    # Before day 20 there was no split, and before day 10 nothing to be joined.
    (before,) = cross_chains(stories_of(tale.cases(), day(19), EVER), day(19))
    assert before.obstacles == {named("a1"), named("b1")}
    assert cross_chains(stories_of(tale.cases(), day(9), EVER), day(9)) == []


def test_a_struck_split_and_an_unknown_trigger_join_nothing() -> None:
    """Two obstacles set off by one that is not there are not joined; nor are those of a split that never happened."""
    tale = chained()
    tale.says("B", 30, f.EventStruck(tale.events[-1].id, StrikeReason.NEVER_HAPPENED))
    tale.reports("C", "c2", 30, None, triggered_by=named("nowhere"))
    tale.reports("C", "c3", 30, None, triggered_by=named("nowhere"))
    (chain,) = cross_chains(stories_of(tale.cases(), day(40), EVER), day(40))
    assert chain.obstacles == {named("a1"), named("b1")}


def test_the_figures_of_a_cross_chain_count_nothing_twice() -> None:
    """a1 is open from day 0 to 15, b1 from 10 to 20, b2 and c1 from 20 on: at day 40 something was open for 40 days.

    a1 was let go from day 2 to 12: 10 days, which is longer than a week. c1 is nobody's from day 20 on: for a day as
    reported, which is within the grace of a week, and for 19 days as referred. One talk about b1 and b2 is one. Those
    that held any: GEM and SVB a1, UWV b1 and b2.
    """
    tale = chained()
    tale.says("A", 2, f.CustodyReleased(named("a1"), GEM))
    tale.says("A", 12, f.CustodyTaken(named("a1"), SVB))
    resolved(tale, "A", "a1", 15, SVB)
    about = named("b1"), named("b2")
    tale.says("B", 20, f.ContactMade(about, UWV, Initiative.SUBJECT, Channel.PHONE, story_retold=True))
    tale.says("C", 21, f.SubjectReferred(named("c1"), GEM, UWV), by=GEM)
    tale.says("A", 21, f.HarmStated(named("a1"), Harm.HOME, day(0), day(30)))
    tale.says("A", 21, f.HarmStated(named("alone"), Harm.DEBT, day(0)))
    (chain,) = cross_chains(stories_of(tale.cases(), day(40), EVER), day(40))
    figures = chain.figures
    assert (figures.organisations, figures.contacts, figures.story_retold, figures.referrals) == (3, 1, 1, 1)
    assert figures.days_open == 40 * DAY
    assert figures.days_in_gap == (10 + 19) * DAY
    assert figures.longest_gap == 19 * DAY
    assert figures.fell
    assert chain.harms == {(named("a1"), Harm.HOME, day(0), day(30))}


def test_linked_cases_and_whose_a_case_is() -> None:
    """A link is as it was told; a case is the subjects' that its opening names, and nobody's before it is opened."""
    tale = Tale()
    tale.opens("A", 5, "one")
    link = tale.says("A", 6, f.CaseLinked(named("B"), CaseRelation.CONTINUES))
    tale.says("A", 7, f.FactCorrected(tale.events[0].id, "subjects", (str(named("other")),)))
    seen = stories_of(tale.cases(), day(10), link.recorded_at)
    assert linked_cases(seen) == {(named("A"), named("B"), CaseRelation.CONTINUES)}
    assert by_subject(seen).keys() == {named("one")}
    assert by_subject(stories_of(tale.cases(), day(10), EVER)).keys() == {named("other")}
    assert by_subject(stories_of(tale.cases(), day(4), EVER)) == {}


@pytest.mark.parametrize("hours", [0, 1])
def test_claimed_custody_is_custody(hours: int) -> None:
    """That the third holds it is only another's word: the three hold it all the same, from that hour on."""
    tale = three_hold()
    tale.says("B", 30, f.CustodyReleased(named("b1"), SVB))
    at = 30 + hours / 24
    tale.says("B", at, f.CustodyTaken(named("b1"), BD), by=GEM)
    found = gaps(tale, 60)
    assert found[-1].until is None
    assert found[-1].from_ == (day(20) if hours == 0 else day(30) + timedelta(hours=1))
