"""The oracle says of accounts and acknowledgements what was worked out on paper: what they are about, also later."""

from uuid import UUID

from histories.several import day, named
from knelpunt.domain.case import facts as f
from knelpunt.domain.event import Event
from knelpunt.domain.ids import gap_id_of
from knelpunt.domain.vocabulary import GapKind, Stance, StrikeReason
from oracle.oracle import answer
from oracle.tale import Tale

GEM, UWV = "urn:org:GEM", "urn:org:UWV"


def let_go() -> tuple[Tale, Event]:
    """An obstacle that was held from day 0 and let go on day 10; and the event by which it was."""
    tale = Tale()
    tale.opens("A", 0)
    tale.reports("A", "a1", 0, GEM)
    return tale, tale.releases("A", "a1", 10, GEM)


def named_by(release: Event) -> UUID:
    """The name of the gap that began when it was let go."""
    return gap_id_of(named("a1"), GapKind.RELEASED.value, release.id)


def mark(release: Event) -> f.GapMark:
    return f.GapMark(named_by(release), GapKind.RELEASED, named("a1"), release.occurred_at)


def said(tale: Tale, known_at: Event | None = None) -> set[tuple[UUID, UUID]]:
    return answer(tale.cases()[named("A")], day(60), None if known_at is None else known_at.recorded_at).said


def test_an_account_is_about_its_event_or_gap() -> None:
    """One confirms that it let go on day 10; another disputes the gap that came of it: each is about just that."""
    tale, release = let_go()
    confirms = tale.says("A", 12, f.AccountGiven(f.Party(GEM), Stance.CONFIRMS, event=release.id), GEM)
    disputes = tale.says("A", 30, f.AccountGiven(f.Party(UWV), Stance.DISPUTES, gap=mark(release)), UWV)
    assert said(tale) == {(confirms.id, release.id), (disputes.id, named_by(release))}
    assert said(tale, confirms) == {(confirms.id, release.id)}


def test_what_was_said_of_a_gap_follows_it_when_a_late_fact_moves_it() -> None:
    """The release of day 10 never happened, one of day 20 did: what was said on day 30 of the one is of the other."""
    tale, release = let_go()
    owns_up = tale.says("A", 30, f.GapAcknowledged(mark(release), GEM))
    tale.says("A", 40, f.EventStruck(release.id, StrikeReason.NEVER_HAPPENED))
    assert said(tale) == set()
    late = tale.releases("A", "a1", 20, GEM)
    assert said(tale) == {(owns_up.id, named_by(late))}


def test_what_was_said_stays_with_the_gap_that_was_named() -> None:
    """It was taken back from day 15 to 20, it proves: what was said is said of the first gap, ended though it is."""
    tale, release = let_go()
    owns_up = tale.says("A", 30, f.GapAcknowledged(mark(release), GEM))
    tale.takes("A", "a1", 15, GEM)
    tale.releases("A", "a1", 20, GEM)
    assert said(tale) == {(owns_up.id, named_by(release))}


def test_a_gap_that_came_later_or_was_over_before_is_not_meant() -> None:
    """Speaking on day 30 of a gap since day 10: one that was over on day 9, and one from day 31 on, are none of it."""
    tale, release = let_go()
    owns_up = tale.says("A", 30, f.GapAcknowledged(mark(release), GEM))
    tale.says("A", 40, f.EventStruck(release.id, StrikeReason.NEVER_HAPPENED))
    tale.releases("A", "a1", 5, GEM)
    tale.takes("A", "a1", 9, GEM)
    tale.releases("A", "a1", 31, GEM)
    assert said(tale) == set()
    assert owns_up.id in answer(tale.cases()[named("A")], day(60)).conflicts
