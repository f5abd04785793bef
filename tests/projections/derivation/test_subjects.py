"""What lies over the cases of one subject, worked out by hand for each rule."""

from uuid import UUID

import pytest

from histories.several import DAY, GEM, SVB, UWV, ZORG, Told, day, named
from knelpunt.domain.case import facts as f
from knelpunt.domain.ids import gap_id_of
from knelpunt.domain.organisation import facts as o
from knelpunt.domain.vocabulary import GapKind, OrganisationKind, RefusalGround, StrikeReason
from knelpunt.projections.derivation.shapes import Gap
from knelpunt.projections.derivation.subjects import cross_chains, subject_gaps


def three_cases() -> Told:
    """Three cases of one subject, each with an obstacle that another organisation holds from day 1, 2 and 3."""
    told = Told()
    for number, (case, holder) in enumerate(zip("abc", (GEM, UWV, SVB), strict=True)):
        told.opens(case, number + 0.5)
        told.reports(case, f"of {case}", number + 1, holder)
    return told


def at(told: Told, as_of: float, known_at: float | None = None, subject: str | None = None) -> list[Gap]:
    """The gaps over the cases at a day, by what was recorded by another."""
    return subject_gaps(told.histories(known_at), day(as_of), subject=named(subject) if subject else None)


def spans(told: Told, as_of: float, known_at: float | None = None, subject: str | None = None) -> list[tuple]:
    """Of each gap its kind, and the days from which and until which it lasts."""
    return [
        (gap.kind.value, (gap.from_ - day(0)).days, None if gap.until is None else (gap.until - day(0)).days)
        for gap in at(told, as_of, known_at, subject)
    ]


def test_three_organisations_make_it_uncoordinated():
    """From the moment that the third holds an obstacle it is so; it names them all, and lies on the subject."""
    told = three_cases()
    assert at(told, 2.9) == []
    (gap,) = at(told, 3)
    third = told.events[-1]
    assert (gap.kind, gap.from_, gap.until, gap.open) == (GapKind.UNCOORDINATED, day(3), None, True)
    assert gap.to_act == ()
    assert gap.involved == tuple(sorted((GEM, UWV, SVB)))
    assert gap.cases == (named("a"), named("b"), named("c"))
    assert gap.evidence == tuple(event.id for event in told.events if isinstance(event.data, f.ObstacleReported))
    assert (gap.lies_on, gap.begun_by, gap.obstacle) == (named("subject"), third.id, None)
    assert gap.id == gap_id_of(named("subject"), "UNCOORDINATED", third.id)


def test_it_counts_after_four_weeks():
    """Twenty-eight days are its grace: at their end it does not count yet, a moment later it does."""
    (gap,) = at(three_cases(), 100)
    assert not gap.counts(day(31))
    assert gap.counts(day(31.001))


def test_one_case_may_be_enough():
    """Three holders in one case whom nobody coordinates are uncoordinated too."""
    told = Told()
    told.opens("a", 0)
    for number, holder in enumerate((GEM, UWV, SVB)):
        told.reports("a", f"obstacle {number}", number + 1, holder)
    assert spans(told, 10) == [("UNCOORDINATED", 3, None)]


def test_two_organisations_and_obstacles_held_by_nobody_are_not_enough():
    """What nobody holds has other gaps; and one organisation with two obstacles is one."""
    told = Told()
    told.opens("a", 0)
    told.reports("a", "one", 1, GEM)
    told.reports("a", "two", 1, GEM)
    told.reports("a", "three", 1, UWV)
    told.reports("a", "four", 1, None)
    assert at(told, 50) == []


@pytest.mark.parametrize("end", ["released", "resolved", "refused"])
def test_it_ends_when_fewer_hold(end):
    """It ends when one lets go or settles, by that event; a refusal of an offer changes nothing."""
    told = three_cases()
    if end == "released":
        last = told.releases("b", "of b", 9, UWV)
    elif end == "resolved":
        last = told.resolves("b", "of b", 9, UWV)
    else:
        told.tell(named("b"), 8, f.HandoffOffered(named("offer"), named("of b"), UWV, ZORG), UWV)
        last = told.tell(named("b"), 9, f.HandoffRefused(named("offer"), RefusalGround.OTHER), ZORG)
    (gap,) = at(told, 20)
    if end == "refused":
        assert gap.open
        return
    assert (gap.until, gap.open, gap.evidence[-1]) == (day(9), False, last.id)
    assert gap.pieces == day(9) - day(3)
    assert spans(told, 8.9) == [("UNCOORDINATED", 3, None)]
    told.takes("b", "of b", 12, UWV) if end == "released" else told.reports("b", "more", 12, UWV)
    assert spans(told, 20) == [("UNCOORDINATED", 3, 9), ("UNCOORDINATED", 12, None)]


def test_who_joins_is_involved_from_then_on_and_stays():
    """A fourth joins on the day on which it takes an obstacle; who let go before the end stays involved."""
    told = three_cases()
    told.opens("d", 5)
    told.reports("d", "of d", 6, ZORG)
    told.releases("a", "of a", 8, GEM)
    assert at(told, 5.9)[0].involved == tuple(sorted((GEM, UWV, SVB)))
    for moment in (6, 7, 8, 9):
        (gap,) = at(told, moment)
        assert (gap.from_, gap.involved) == (day(3), tuple(sorted((GEM, UWV, SVB, ZORG))))


def test_passed_on_at_one_instant_it_runs_on():
    """Let go by one and taken by another at the very same moment, there never were too few."""
    told = three_cases()
    told.releases("c", "of c", 9, SVB)
    told.takes("c", "of c", 9, ZORG)
    assert spans(told, 9) == spans(told, 20) == [("UNCOORDINATED", 3, None)]
    assert at(told, 20)[0].involved == tuple(sorted((GEM, UWV, SVB, ZORG)))


def test_what_begins_and_ends_at_one_instant_never_was():
    """Three hold, and one lets go at the same moment: a gap without any length does not exist."""
    told = three_cases()
    told.releases("c", "of c", 3, SVB)
    assert at(told, 3) == at(told, 20) == []


@pytest.mark.parametrize("case", ["a", "b", "c"])
def test_a_coordinator_in_any_of_the_cases_ends_it(case):
    """Who is named in one of them keeps the overview, whichever it is."""
    told = three_cases()
    named_ = told.coordinates(case, 10)
    (gap,) = at(told, 50)
    assert (gap.until, gap.evidence[-1]) == (day(10), named_.id)


def test_a_coordinator_named_before_keeps_it_from_beginning():
    """With a coordinator from the start, there is nothing."""
    told = Told()
    told.opens("z", 0)
    told.reports("z", "of z", 0.1, ZORG)
    told.coordinates("z", 0.2)
    for number, (case, holder) in enumerate(zip("abc", (GEM, UWV, SVB), strict=True)):
        told.opens(case, number + 0.5)
        told.reports(case, f"of {case}", number + 1, holder)
    assert at(told, 100) == []
    # The overview of a case in which nothing is left to do is none of the others.
    settled = told.resolves("z", "of z", 110, ZORG)
    (gap,) = at(told, 120)
    assert (gap.from_, gap.begun_by) == (day(110), settled.id)
    # What began it happened in another case, and is evidence.
    assert gap.cases == (named("a"), named("b"), named("c"), named("z"))


def test_it_begins_by_time_alone_when_the_coordinator_ends():
    """From the day until which the coordinator was named on it is uncoordinated, begun by that naming."""
    told = three_cases()
    naming = told.coordinates("a", 10, until=40)
    assert spans(told, 39.9) == [("UNCOORDINATED", 3, 10)]
    assert spans(told, 40) == [("UNCOORDINATED", 3, 10), ("UNCOORDINATED", 40, None)]
    later = at(told, 60)[1]
    assert later.begun_by == naming.id
    assert naming.id in later.evidence
    # Somebody else until a later day: the last one named in a case counts, and the last to end.
    told.coordinates("a", 20, until=50)
    told.coordinates("b", 21, until=45)
    assert spans(told, 60) == [("UNCOORDINATED", 3, 10), ("UNCOORDINATED", 50, None)]
    told.coordinates("b", 55, by=UWV)
    assert spans(told, 60) == [("UNCOORDINATED", 3, 10), ("UNCOORDINATED", 50, 55)]


def registered(told: Told, organisation: str, parent: str | None = None) -> None:
    """An organisation is registered."""
    told.organisation(-10, o.OrganisationRegistered(organisation, organisation[-3:], OrganisationKind.OTHER, parent))


def retold(told: Told, others: Told) -> None:
    """What others told is told after it."""
    for event in others.events:
        told.tell(event.stream, (event.occurred_at - day(0)) / DAY, event.data, event.actor.organisation)


def test_units_of_one_parent_are_one():
    """Three desks under one top parent are no three organisations, at whatever level they stand."""
    told = Told()
    registered(told, ZORG)
    registered(told, GEM, ZORG)
    registered(told, UWV, GEM)
    registered(told, SVB)
    retold(told, three_cases())
    assert at(told, 50) == []


def test_a_reorganisation_begins_and_ends_it():
    """Set apart, three units become three; merged, they are fewer again, each by the organisation's own event."""
    told = Told()
    registered(told, SVB)
    registered(told, GEM, SVB)
    registered(told, UWV)
    retold(told, three_cases())
    assert at(told, 9) == []
    apart = told.organisation(10, o.ParentChanged(GEM, None))
    (gap,) = at(told, 11)
    assert (gap.from_, gap.begun_by) == (day(10), apart.id)
    assert apart.id in gap.evidence
    merged = told.organisation(60, o.OrganisationMerged(UWV, SVB))
    (gap,) = at(told, 70)
    assert (gap.from_, gap.until, gap.evidence[-1]) == (day(10), day(60), merged.id)


def test_only_cases_of_the_subject_count():
    """Another person's case adds nothing, and cases with nobody in common have nothing over them."""
    told = three_cases()
    told.resolves("c", "of c", 4, SVB)
    told.opens("d", 5, "somebody else")
    told.reports("d", "of d", 6, ZORG)
    assert spans(told, 50, subject="subject") == [("UNCOORDINATED", 3, 4)]
    assert at(told, 50) == []
    assert at(told, 50, subject="somebody else") == []


def test_those_who_share_all_their_cases_are_told_of_once():
    """Payer and receiver in the same cases have one gap, of the first named; one with cases of its own has its own."""
    told = Told()
    for case, holder in zip("abc", (GEM, UWV, SVB), strict=True):
        told.opens(case, 0, "payer", "receiver")
        told.reports(case, f"of {case}", 1, holder)
    assert [gap.lies_on for gap in at(told, 9)] == [named("payer")]
    assert at(told, 9, subject="receiver") == []
    told.opens("d", 2, "receiver")
    told.reports("d", "of d", 3, ZORG)
    assert [gap.lies_on for gap in at(told, 9, subject="payer")] == [named("payer")]
    assert [gap.involved for gap in at(told, 9, subject="receiver")] == [tuple(sorted((GEM, UWV, SVB, ZORG)))]


def test_a_late_fact_and_a_correction_change_it_from_when_they_were_recorded():
    """By what was known before, the old answer; by what is known since, as if it had always been known."""
    told = three_cases()
    told.coordinates("b", 2, recorded=20)
    assert spans(told, 50, known_at=19) == [("UNCOORDINATED", 3, None)]
    assert spans(told, 50, known_at=20) == []
    struck = told.events[-1]
    told.tell(named("b"), 30, f.EventStruck(struck.id, StrikeReason.NEVER_HAPPENED))
    assert spans(told, 50) == [("UNCOORDINATED", 3, None)]
    opening = told.events[4]
    told.tell(named("c"), 40, f.FactCorrected(opening.id, "subjects", (str(named("somebody else")),)))
    assert at(told, 50, subject="subject") == []
    assert spans(told, 50, known_at=39) == [("UNCOORDINATED", 3, None)]


def test_a_correction_reaches_no_other_case():
    """A striking recorded in one case of an event of another has no effect there, as in each case alone."""
    told = three_cases()
    told.tell(named("a"), 9, f.EventStruck(told.events[-1].id, StrikeReason.DUPLICATE))
    assert spans(told, 20) == [("UNCOORDINATED", 3, None)]


def test_a_case_is_the_subjects_from_its_opening_on():
    """Before the opening had occurred nobody could say whose it was; from then on all in it is the subject's."""
    told = three_cases()
    told.reports("d", "of d", 5, ZORG)
    told.resolves("c", "of c", 5, SVB)
    told.opens("d", 9)
    assert spans(told, 8.9) == [("UNCOORDINATED", 3, 5)]
    assert spans(told, 9) == [("UNCOORDINATED", 3, None)]


def waiting_cases() -> Told:
    """Two cases whose obstacles wait for each other, from day 11 on."""
    told = Told()
    for case, holder in (("a", GEM), ("b", UWV)):
        told.opens(case, 0)
        told.reports(case, f"of {case}", 1, holder)
    told.waits("a", "of a", 10, GEM, "of b")
    told.waits("b", "of b", 11, UWV, "of a")
    return told


def test_obstacles_of_two_cases_that_wait_for_each_other_are_deadlocked():
    """It begins with the waiting that closes the circle, and all who wait have to act."""
    told = waiting_cases()
    assert at(told, 10.9) == []
    (gap,) = at(told, 11)
    assert (gap.kind, gap.from_, gap.until) == (GapKind.DEADLOCK, day(11), None)
    assert (gap.to_act, gap.involved) == ((GEM, UWV), ())
    assert gap.evidence == tuple(event.id for event in told.events[-2:])
    assert gap.cases == (named("a"), named("b"))
    assert gap.id == gap_id_of(named("subject"), "DEADLOCK", told.events[-1].id)


@pytest.mark.parametrize("end", ["ended", "until", "settled", "moved on"])
def test_a_deadlock_ends_with_a_waiting(end):
    """A waiting that ends, runs out, or whose obstacle is settled or changes hands breaks the circle."""
    told = Told()
    for case, holder in (("a", GEM), ("b", UWV)):
        told.opens(case, 0)
        told.reports(case, f"of {case}", 1, holder)
    told.waits("a", "of a", 10, GEM, "of b", until=20 if end == "until" else None)
    told.waits("b", "of b", 11, UWV, "of a")
    if end == "ended":
        told.tell(named("a"), 20, f.WaitingEnded(named("of a")), GEM)
    elif end == "settled":
        told.resolves("a", "of a", 20, GEM)
    elif end == "moved on":
        told.releases("a", "of a", 20, GEM)
    assert spans(told, 19.9) == [("DEADLOCK", 11, None)]
    assert spans(told, 20) == spans(told, 90) == [("DEADLOCK", 11, 20)]


def test_a_circle_of_three_over_two_cases():
    """Two obstacles of one case and one of another in one circle are one deadlock, over both cases."""
    told = Told()
    told.opens("a", 0)
    told.opens("b", 0)
    told.reports("a", "one", 1, GEM)
    told.reports("a", "two", 1, UWV)
    told.reports("b", "three", 1, SVB)
    told.waits("a", "one", 2, GEM, "two")
    told.waits("a", "two", 3, UWV, "three")
    told.waits("b", "three", 4, SVB, "one")
    deadlock = next(gap for gap in at(told, 9) if gap.kind is GapKind.DEADLOCK)
    assert (deadlock.from_, deadlock.to_act) == (day(4), (GEM, SVB, UWV))


def test_a_circle_within_one_case_is_that_cases():
    """It lies on the case, and is told there; here it would be told twice."""
    told = Told()
    told.opens("a", 0)
    told.opens("b", 0)
    told.reports("a", "one", 1, GEM)
    told.reports("a", "two", 1, UWV)
    told.waits("a", "one", 2, GEM, "two")
    told.waits("a", "two", 3, UWV, "one")
    assert at(told, 9) == []


def test_obstacles_of_different_people_are_not_deadlocked():
    """They may wait for each other; it is nobody's circle until they turn out to be one person's."""
    told = Told()
    told.opens("a", 0, "one")
    told.reports("a", "of a", 1, GEM)
    opened = told.opens("b", 0, "another")
    told.reports("b", "of b", 1, UWV)
    told.waits("a", "of a", 10, GEM, "of b")
    told.waits("b", "of b", 11, UWV, "of a")
    assert at(told, 20, subject="one") == at(told, 20, subject="another") == at(told, 20) == []
    told.tell(named("b"), 30, f.FactCorrected(opened.id, "subjects", (str(named("one")),)))
    assert spans(told, 20) == [("DEADLOCK", 11, None)]


def names(chain) -> list[UUID]:
    """The obstacles of a cross-chain."""
    return [one.obstacle for one in chain.obstacles]


def test_what_set_off_an_obstacle_in_another_case_is_one_cross_chain_with_it():
    """Its figures are taken over all its obstacles: counts add up, and time that ran side by side counts once."""
    told = Told()
    told.opens("a", 0)
    told.opens("b", 0)
    told.reports("a", "first", 0, None)
    told.reports("b", "second", 10, UWV, triggered_by=named("first"))
    told.reports("a", "alone", 10, GEM)
    told.takes("a", "first", 20, GEM)
    told.tell(named("b"), 21, f.SubjectReferred(named("second"), UWV, SVB, released=True), UWV)
    told.resolves("a", "first", 25, GEM)
    (chain,) = cross_chains(told.histories(), day(35))
    assert names(chain) == [named("first"), named("second")]
    assert chain.organisations == (GEM, UWV)
    assert chain.open_for == day(35) - day(0)
    # Never taken for twenty days, and lost for fourteen: the one ended before the other began.
    assert chain.in_a_gap == day(34) - day(0)
    assert chain.longest_gap == day(20) - day(0)
    assert sum(one.figures.referrals for one in chain.obstacles) == 1


def test_a_cross_chain_runs_on_through_splits_and_only_over_one_subjects_cases():
    """A split in one case and what its parts set off in another are one; another person's case is no part of it."""
    told = Told()
    told.opens("a", 0, "one")
    told.opens("b", 0, "one", "another")
    told.opens("c", 0, "another")
    told.reports("a", "whole", 1, GEM)
    told.reports("a", "part", 2, GEM)
    told.tell(named("a"), 3, f.ObstacleSplit(named("whole"), (named("part"),)))
    told.reports("b", "further", 4, UWV, triggered_by=named("part"))
    told.reports("c", "elsewhere", 5, SVB, triggered_by=named("whole"))
    (chain,) = cross_chains(told.histories(), day(9))
    assert names(chain) == [named("whole"), named("part"), named("further")]
    assert cross_chains(told.histories(), day(3)) == []
