"""What an event that has effect does to the state of its case: one function a kind of fact.

Kinds that are not named here change nothing about who holds what: they are on record and no more.
"""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from ..defaults import offer_of
from ..event import Event
from ..ids import EventId, HandoffId, ObstacleId
from ..settings import Course
from ..vocabulary import Initiative, Stance, StepKind
from . import facts as f
from .state import CaseState, Contest, Custody, Open, Settled, Waiting

Effect = Callable[[CaseState, Event, Any, Course], None]


def _open(state: CaseState, obstacle: ObstacleId) -> Open:
    """Return an obstacle that the precondition found open."""
    found = state.obstacles[obstacle]
    assert isinstance(found, Open)
    return found


def _settled(state: CaseState, obstacle: ObstacleId) -> Settled:
    """Return an obstacle that the precondition found settled."""
    found = state.obstacles[obstacle]
    assert isinstance(found, Settled)
    return found


def _own(event: Event, organisation: str | None) -> bool:
    """Return whether the event is the organisation's own word; what an importer read in its log is."""
    return event.inferred or event.actor.organisation == organisation


def _lapse(state: CaseState, found: Open, by: EventId) -> None:
    """End every pending offer: the obstacle is settled or changes hands."""
    for offer in found.offers:
        state.ended[offer.handoff] = by


def _held(state: CaseState, obstacle: ObstacleId, organisation: str, event: Event) -> None:
    """Give custody to an organisation; offers lapse and a waiting ends."""
    found = _open(state, obstacle)
    _lapse(state, found, event.id)
    custody = Custody(organisation, not _own(event, organisation), event.occurred_at, event.id)
    if found.let_go is not None:
        before, at = found.let_go
        if at == event.occurred_at and before.organisation == organisation:
            # Let go and taken back at one instant: nobody ever was without a holder, so the custody goes on.
            claimed = before.claimed and custody.claimed
            custody = replace(before, claimed=claimed, retaken=(*before.retaken, event.id))
    state.obstacles[obstacle] = Open(since=found.since, event=found.event, custody=custody)


def _let_go(state: CaseState, obstacle: ObstacleId, event: Event, moved_to: str | None = None) -> None:
    """Leave the obstacle with nobody; offers lapse and a waiting ends."""
    found = _open(state, obstacle)
    _lapse(state, found, event.id)
    let_go = (found.custody, event.occurred_at) if found.custody else found.let_go
    # What the law moved stays moved for as long as nobody holds it, whatever else happens meanwhile.
    moved_to = moved_to or (found.moved_to if found.custody is None else None)
    state.obstacles[obstacle] = Open(since=found.since, event=found.event, let_go=let_go, moved_to=moved_to)


def _confirm(state: CaseState, obstacle: ObstacleId, organisation: str | None, event: Event) -> None:
    """Confirm a claimed custody if this is the holder's own word."""
    found = state.obstacles[obstacle]
    if (
        isinstance(found, Open)
        and found.custody is not None
        and found.custody.claimed
        and found.custody.organisation == organisation
        and _own(event, organisation)
    ):
        state.obstacles[obstacle] = replace(found, custody=replace(found.custody, claimed=False))


def _settle(state: CaseState, obstacle: ObstacleId, event: Event, resolved_by: str | None) -> None:
    """Settle the obstacle."""
    _lapse(state, _open(state, obstacle), event.id)
    resolved = isinstance(event.data, f.ObstacleResolved)
    state.obstacles[obstacle] = Settled(event.occurred_at, event.id, resolved, resolved_by)


def _case_opened(state: CaseState, event: Event, fact: f.CaseOpened, _: Course) -> None:
    state.opened, state.opened_by, state.opened_at = fact, event.id, event.occurred_at


def _case_closed(state: CaseState, event: Event, fact: f.CaseClosed, _: Course) -> None:
    state.closed_by, state.closed_at = event.id, event.occurred_at
    for obstacle, found in list(state.obstacles.items()):
        if isinstance(found, Open):
            _let_go(state, obstacle, event)


def _case_reopened(state: CaseState, event: Event, fact: f.CaseReopened, _: Course) -> None:
    state.closed_by = state.closed_at = None


def _start(organisation: str | None, event: Event) -> Open:
    """Return an obstacle that opens now, held by ``organisation`` or by nobody."""
    at = event.occurred_at
    custody = Custody(organisation, not _own(event, organisation), at, event.id) if organisation else None
    return Open(since=at, event=event.id, custody=custody)


def _reported(state: CaseState, event: Event, fact: f.ObstacleReported, _: Course) -> None:
    state.obstacles[fact.obstacle] = _start(fact.received_by, event)


def _reopened(state: CaseState, event: Event, fact: f.ObstacleReopened, _: Course) -> None:
    state.obstacles[fact.obstacle] = _start(fact.organisation, event)


def _offered(state: CaseState, event: Event, fact: f.HandoffOffered, settings: Course) -> None:
    offer = offer_of(event, fact, settings)
    found = _open(state, fact.obstacle)
    state.handoffs[fact.handoff] = offer
    state.obstacles[fact.obstacle] = replace(found, offers=(*found.offers, offer))
    _confirm(state, fact.obstacle, fact.from_, event)


def _accepted(state: CaseState, event: Event, fact: f.HandoffAccepted, _: Course) -> None:
    offer = state.handoffs[fact.handoff]
    _held(state, offer.obstacle, offer.to, event)


def _answered(state: CaseState, event: Event, fact: f.HandoffFact, _: Course) -> None:
    _end_offer(state, fact.handoff, event.id)


def _end_offer(state: CaseState, handoff: HandoffId, by: EventId) -> None:
    offer = state.handoffs[handoff]
    state.ended[handoff] = by
    found = _open(state, offer.obstacle)
    left = tuple(pending for pending in found.offers if pending.handoff != handoff)
    state.obstacles[offer.obstacle] = replace(found, offers=left)


def _referred(state: CaseState, event: Event, fact: f.SubjectReferred, _: Course) -> None:
    _confirm(state, fact.obstacle, fact.from_, event)
    if fact.released and _open(state, fact.obstacle).holder == fact.from_:
        _let_go(state, fact.obstacle, event)


def _moved(state: CaseState, event: Event, fact: f.ResponsibilityMoved, _: Course) -> None:
    _let_go(state, fact.obstacle, event, moved_to=fact.to)


def _taken(state: CaseState, event: Event, fact: f.CustodyTaken, _: Course) -> None:
    if _open(state, fact.obstacle).custody is None:
        _held(state, fact.obstacle, fact.organisation, event)
    else:
        _confirm(state, fact.obstacle, fact.organisation, event)


def _released(state: CaseState, event: Event, fact: f.CustodyReleased, _: Course) -> None:
    _let_go(state, fact.obstacle, event)


def _waiting_began(state: CaseState, event: Event, fact: f.WaitingBegan, _: Course) -> None:
    waiting = Waiting(
        event=event.id,
        position=event.position,
        organisation=fact.organisation,
        ground=fact.ground,
        began_at=event.occurred_at,
        until=fact.until,
        for_obstacle=fact.for_obstacle,
    )
    state.obstacles[fact.obstacle] = replace(_open(state, fact.obstacle), waiting=waiting)
    _confirm(state, fact.obstacle, fact.organisation, event)


def _waiting_ended(state: CaseState, event: Event, fact: f.WaitingEnded, _: Course) -> None:
    found = _open(state, fact.obstacle)
    state.obstacles[fact.obstacle] = replace(found, waiting=None)
    _confirm(state, fact.obstacle, found.holder, event)


def _step(state: CaseState, event: Event, fact: f.StepTaken, _: Course) -> None:
    found = state.obstacles[fact.obstacle]
    if not isinstance(found, Open):
        return
    moved_here = found.custody is None and found.moved_to is not None and found.moved_to == fact.organisation
    if moved_here and fact.kind is not StepKind.NOTE:
        _held(state, fact.obstacle, str(fact.organisation), event)
    else:
        _confirm(state, fact.obstacle, fact.organisation, event)


def _contact(state: CaseState, event: Event, fact: f.ContactMade, _: Course) -> None:
    if fact.initiated_by is Initiative.ORGANISATION:
        for obstacle in fact.obstacles:
            _confirm(state, obstacle, fact.organisation, event)


def _remedy(state: CaseState, event: Event, fact: f.RemedyApplied, _: Course) -> None:
    _confirm(state, fact.obstacle, fact.organisation, event)


def _resolved(state: CaseState, event: Event, fact: f.ObstacleResolved, _: Course) -> None:
    _settle(state, fact.obstacle, event, fact.organisation)


def _ended(state: CaseState, event: Event, fact: f.ObstacleFact, _: Course) -> None:
    _settle(state, fact.obstacle, event, None)


def _contested(state: CaseState, event: Event, fact: f.ResolutionContested, _: Course) -> None:
    found = _settled(state, fact.obstacle)
    contest = Contest(event.id, fact.answer_due)
    state.obstacles[fact.obstacle] = replace(found, contest=contest, unanswered=(*found.unanswered, event.id))


def _contest_answered(state: CaseState, event: Event, fact: f.ObstacleFact, _: Course) -> None:
    found = _settled(state, fact.obstacle)
    assert found.contest is not None
    left = tuple(contest for contest in found.unanswered if contest != found.contest.event)
    state.obstacles[fact.obstacle] = replace(found, contest=None, unanswered=left)


def _ruling(state: CaseState, event: Event, fact: f.RulingGiven, _: Course) -> None:
    found = state.obstacles[fact.obstacle]
    if isinstance(found, Settled):
        # A ruling answers a contest, but whether it was right to contest only an annulment or an upholding says.
        annulled = event.id if fact.annuls and found.annulled is None else found.annulled
        state.obstacles[fact.obstacle] = replace(found, contest=None, annulled=annulled)


def _account(state: CaseState, event: Event, fact: f.AccountGiven, _: Course) -> None:
    if fact.stance is not Stance.CONFIRMS or fact.event is None:
        return
    for obstacle, found in list(state.obstacles.items()):
        if isinstance(found, Open) and found.custody is not None and found.custody.rests_on(fact.event):
            _confirm(state, obstacle, fact.by.organisation, event)


def _acknowledged(state: CaseState, event: Event, fact: f.GapAcknowledged, _: Course) -> None:
    obstacle = fact.gap.obstacle
    if fact.plan is not None and obstacle is not None and obstacle in state.obstacles:
        _confirm(state, obstacle, fact.organisation, event)


EFFECTS: Final[dict[type, Effect]] = {
    f.CaseOpened: _case_opened,
    f.CaseClosed: _case_closed,
    f.CaseReopened: _case_reopened,
    f.ObstacleReported: _reported,
    f.ObstacleReopened: _reopened,
    f.ObstacleResolved: _resolved,
    f.ObstacleWithdrawn: _ended,
    f.ObstacleSplit: _ended,
    f.HandoffOffered: _offered,
    f.HandoffAccepted: _accepted,
    f.HandoffRefused: _answered,
    f.HandoffWithdrawn: _answered,
    f.SubjectReferred: _referred,
    f.CustodyTaken: _taken,
    f.CustodyReleased: _released,
    f.ResponsibilityMoved: _moved,
    f.WaitingBegan: _waiting_began,
    f.WaitingEnded: _waiting_ended,
    f.StepTaken: _step,
    f.ContactMade: _contact,
    f.RemedyApplied: _remedy,
    f.ResolutionContested: _contested,
    f.ResolutionUpheld: _contest_answered,
    f.ContestWithdrawn: _contest_answered,
    f.RulingGiven: _ruling,
    f.AccountGiven: _account,
    f.GapAcknowledged: _acknowledged,
}
"""What each kind of fact does."""
