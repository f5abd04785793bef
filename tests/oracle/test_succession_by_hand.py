"""The oracle of mergers, ends and tasks that pass on gives the chains that were worked out on paper from domain.md."""

from histories.several import DAY, day, named
from knelpunt.domain.case import facts as f
from knelpunt.domain.organisation.facts import OrganisationDissolved, OrganisationMerged, TaskTransferred
from knelpunt.domain.vocabulary import Outcome, StepKind
from oracle.story import segments
from oracle.succession import changes_of, succeeded
from oracle.tale import Tale

OLD, NEW, LAST, SVB = (f"urn:org:{name}" for name in ("OLD", "NEW", "LAST", "SVB"))
THEME = "theme-A"


def held_by_old() -> Tale:
    """One obstacle, held by an organisation from day 0 on; and a task of the theme of the case."""
    tale = Tale()
    tale.registered(OLD, NEW, LAST)
    tale.opens("A", 0)
    tale.reports("A", "a1", 0, OLD)
    return tale


def chain(tale: Tale, now: float = 100) -> list[tuple[str | None, float, float | None]]:
    """Who held the obstacle a1, from which day until which, once the law has done what it does."""
    story = succeeded(tale.cases()[named("A")], changes_of(tale.organisations()), day(now))
    return [
        (s.holder, (s.from_ - day(0)) / DAY, None if s.until is None else (s.until - day(0)) / DAY)
        for s in segments(story, named("a1"))
    ]


def test_a_merger_moves_and_the_heir_has_to_take_it() -> None:
    """On day 50 it is nobody's, though the new one is to act; a step of the new one on day 60 gives it custody."""
    tale = held_by_old()
    tale.organisation(50, OrganisationMerged(OLD, NEW))
    assert chain(tale) == [(OLD, 0, 50), (None, 50, None)]
    assert chain(tale, 49) == [(OLD, 0, None)]
    tale.says("A", 60, f.StepTaken(named("a1"), NEW, StepKind.LETTER))
    assert chain(tale) == [(OLD, 0, 50), (None, 50, 60), (NEW, 60, None)]


def test_what_was_gone_before_the_end_is_not_moved() -> None:
    """Handed over on day 40, though that is told only afterwards: the merger on day 50 does nothing to it."""
    tale = held_by_old()
    tale.organisation(50, OrganisationMerged(OLD, NEW))
    tale.says("A", 40, f.HandoffOffered(named("h"), named("a1"), OLD, SVB), by=OLD)
    tale.says("A", 40, f.HandoffAccepted(named("h")), by=SVB)
    assert chain(tale) == [(OLD, 0, 40), (SVB, 40, None)]


def test_what_comes_after_the_end_goes_on_at_once() -> None:
    """It comes to the old one on day 70, twenty days after its end: held for no time, then the heir's; and again so."""
    tale = Tale()
    tale.registered(OLD)
    tale.opens("A", 0)
    tale.reports("A", "a1", 70, OLD)
    tale.organisation(50, OrganisationMerged(OLD, NEW))
    assert chain(tale) == [(OLD, 70, 70), (None, 70, None)]
    tale.says("A", 80, f.CustodyTaken(named("a1"), OLD))
    assert chain(tale) == [(OLD, 70, 70), (None, 70, 80), (OLD, 80, 80), (None, 80, None)]


def test_a_dissolution_lets_go_unless_the_task_had_passed() -> None:
    """With no heir the organisation lets go on day 50. What comes later is whose the task is, had it passed before."""
    tale = held_by_old()
    tale.organisation(50, OrganisationDissolved(OLD))
    tale.says("A", 60, f.StepTaken(named("a1"), NEW, StepKind.LETTER))
    assert chain(tale) == [(OLD, 0, 50), (None, 50, None)]
    passed = held_by_old()
    passed.says("A", 10, f.CustodyReleased(named("a1"), OLD))
    passed.organisation(20, TaskTransferred(OLD, THEME, NEW))
    passed.organisation(50, OrganisationDissolved(OLD))
    passed.says("A", 60, f.CustodyTaken(named("a1"), OLD))
    passed.says("A", 61, f.StepTaken(named("a1"), NEW, StepKind.LETTER))
    assert chain(passed) == [(OLD, 0, 10), (None, 10, 60), (OLD, 60, 60), (None, 60, 61), (NEW, 61, None)]


def test_a_task_takes_what_there_is_at_its_moment_and_of_its_theme() -> None:
    """The task passes on day 50; another task does nothing, and what comes on day 60 stays where it came."""
    other = held_by_old()
    other.organisation(50, TaskTransferred(OLD, "zorg", NEW))
    assert chain(other) == [(OLD, 0, None)]
    tale = held_by_old()
    tale.organisation(40, TaskTransferred(OLD, THEME, NEW, day(50)))
    assert chain(tale) == [(OLD, 0, 50), (None, 50, None)]
    tale.says("A", 60, f.CustodyTaken(named("a1"), OLD))
    assert chain(tale) == [(OLD, 0, 50), (None, 50, 60), (OLD, 60, None)]


def test_a_line_of_successors() -> None:
    """The old one merges into the new, ten days later the new into the last: untaken, the obstacle moves twice."""
    tale = held_by_old()
    tale.organisation(50, OrganisationMerged(OLD, NEW))
    tale.organisation(60, OrganisationMerged(NEW, LAST))
    tale.says("A", 65, f.StepTaken(named("a1"), NEW, StepKind.LETTER))
    assert chain(tale) == [(OLD, 0, 50), (None, 50, 60), (None, 60, None)]
    tale.says("A", 70, f.StepTaken(named("a1"), LAST, StepKind.LETTER))
    assert chain(tale)[-1] == (LAST, 70, None)
    # Had the new one ended first, it would be the last one's at once; in a circle it is nobody's.
    before = held_by_old()
    before.organisation(40, OrganisationMerged(NEW, LAST))
    before.organisation(50, OrganisationMerged(OLD, NEW))
    before.says("A", 65, f.StepTaken(named("a1"), LAST, StepKind.LETTER))
    assert chain(before) == [(OLD, 0, 50), (None, 50, 65), (LAST, 65, None)]
    circle = held_by_old()
    circle.organisation(50, OrganisationMerged(NEW, OLD))
    circle.organisation(50, OrganisationMerged(OLD, NEW))
    circle.says("A", 65, f.StepTaken(named("a1"), NEW, StepKind.LETTER))
    assert chain(circle) == [(OLD, 0, 50), (None, 50, None)]


def test_what_is_settled_is_nobodys_to_move() -> None:
    """Resolved on day 40, the obstacle stays as it was; reopened for the old one on day 60, it goes on at once."""
    tale = held_by_old()
    tale.organisation(50, OrganisationMerged(OLD, NEW))
    tale.says("A", 40, f.ObstacleResolved(named("a1"), OLD, Outcome.REMOVED))
    assert chain(tale) == [(OLD, 0, 40)]
    tale.says("A", 60, f.ObstacleReopened(named("a1"), OLD))
    assert chain(tale) == [(OLD, 0, 40), (OLD, 60, 60), (None, 60, None)]


def test_what_happens_to_one_after_its_end_did_not_happen() -> None:
    """A second merger of the same organisation, on day 60, is told of one that is no more."""
    tale = held_by_old()
    tale.organisation(60, OrganisationMerged(OLD, LAST))
    tale.organisation(50, OrganisationMerged(OLD, NEW))
    tale.says("A", 70, f.StepTaken(named("a1"), LAST, StepKind.LETTER))
    assert chain(tale) == [(OLD, 0, 50), (None, 50, None)]
