"""What may happen to a case, and what it does: one precondition and one effect for every kind of event.

The decider refuses by these preconditions and every derivation judges by them, so that what is refused today and what
is inert in a history told afterwards are the same thing. ``advance`` is total: an event whose precondition does not
hold changes nothing and gets an ``Objection`` that says why, and by which event. The module is long because the rules
stand together, one of each kind of event: so it can be seen that none is missing and none contradicts another.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from ..command import RefusalCode
from ..event import Event
from ..ids import EventId, ObstacleId, SubjectId
from ..settings import UNCHANGED, Course
from . import facts as f
from .effects import EFFECTS
from .state import CaseState, Open, Settled


class Objection(Struct, frozen=True):
    """Why an event has no effect: a code, a sentence, and the events that contradict it."""

    code: RefusalCode
    message: str
    contradicted_by: tuple[EventId, ...] = ()


GapExists = Callable[[f.GapMark, datetime], bool]
"""Tells whether the gap that a mark names exists at a moment; only a derivation knows."""


def no_gap(_mark: f.GapMark, _moment: datetime) -> bool:
    """Say of every gap that it is not there: for whom what is said of gaps changes nothing."""
    return False


class Judge:
    """The rules at work on one case: the terms in force, and who can tell whether a gap exists."""

    __slots__ = ("_gap_exists", "settings")

    def __init__(self, gap_exists: GapExists = no_gap, settings: Course = UNCHANGED) -> None:
        """Work with these settings."""
        self._gap_exists = gap_exists
        self.settings = settings

    def gap_exists(self, mark: f.GapMark, moment: datetime) -> bool:
        """Return whether the gap that a mark names exists at a moment."""
        return self._gap_exists(mark, moment)

    def advance(self, state: CaseState, event: Event) -> Objection | None:
        """Advance ``state`` by ``event``, or leave it as it is and say why the event has no effect.

        Events must come in the order in which they occurred. The event is known to the state afterwards in any case.
        """
        kind = type(event.data)
        objection = _CHECKS[kind](self, state, event, event.data)
        if objection is None:
            effect = EFFECTS.get(kind)
            if effect is not None:
                effect(state, event, event.data, self.settings)
        state.events.append(event.id)
        return objection

    def objection(self, state: CaseState, event: Event) -> Objection | None:
        """Return why ``event`` would have no effect on ``state``, or none; changes nothing."""
        return _CHECKS[type(event.data)](self, state, event, event.data)


# Preconditions


def _open(state: CaseState, obstacle: ObstacleId) -> Open | Objection:
    """Return the obstacle if it is open, or the objection that it is not."""
    found = state.obstacles.get(obstacle)
    if isinstance(found, Open):
        return found
    if found is None:
        return _unknown_obstacle()
    return Objection(RefusalCode.NOT_OPEN, "The obstacle is settled; reopen it first.", (found.event,))


def _unknown_obstacle() -> Objection:
    return Objection(RefusalCode.UNKNOWN_OBSTACLE, "No such obstacle has been reported in this case at that moment.")


def _exists(_: Judge, state: CaseState, event: Event, fact: Any) -> Objection | None:
    return None if fact.obstacle in state.obstacles else _unknown_obstacle()


def _any(_: Judge, state: CaseState, event: Event, fact: Any) -> Objection | None:
    return None


def _not_holder(found: Open, organisation: str | None) -> Objection | None:
    """Object unless ``organisation`` holds the obstacle."""
    if found.custody is not None and found.custody.organisation == organisation:
        return None
    if found.custody is None:
        by = (found.let_go[0].event,) if found.let_go else (found.event,)
        return Objection(RefusalCode.NOT_HOLDER, "Nobody holds the obstacle at that moment.", by)
    return Objection(
        RefusalCode.NOT_HOLDER,
        f"The obstacle is held by {found.custody.organisation} at that moment, not by {organisation or 'nobody'}.",
        (found.custody.event,),
    )


def _check_opened(_: Judge, state: CaseState, event: Event, fact: f.CaseOpened) -> Objection | None:
    if state.opened_by is None:
        return None
    return Objection(RefusalCode.ALREADY_EXISTS, "The case has been opened already.", (state.opened_by,))


def _check_coordinator(_: Judge, state: CaseState, event: Event, fact: f.CoordinatorNamed) -> Objection | None:
    if state.opened_by is not None:
        return None
    return Objection(RefusalCode.UNKNOWN_CASE, "The case has not been opened at that moment.")


def _check_closed(_: Judge, state: CaseState, event: Event, fact: f.CaseClosed) -> Objection | None:
    if state.opened_by is None:
        return Objection(RefusalCode.UNKNOWN_CASE, "The case has not been opened at that moment.")
    if state.closed_by is not None:
        return Objection(RefusalCode.CASE_CLOSED, "The case is closed already.", (state.closed_by,))
    return None


def _check_case_reopened(_: Judge, state: CaseState, event: Event, fact: f.CaseReopened) -> Objection | None:
    if state.closed_by is not None:
        return None
    by = (state.opened_by,) if state.opened_by else ()
    return Objection(RefusalCode.CASE_OPEN, "The case is not closed at that moment.", by)


def _check_reported(_: Judge, state: CaseState, event: Event, fact: f.ObstacleReported) -> Objection | None:
    found = state.obstacles.get(fact.obstacle)
    if found is None:
        return None
    return Objection(RefusalCode.ALREADY_EXISTS, "The obstacle has been reported already.", (found.event,))


def _check_offered(_: Judge, state: CaseState, event: Event, fact: f.HandoffOffered) -> Objection | None:
    found = _open(state, fact.obstacle)
    if isinstance(found, Objection):
        return found
    if fact.to == fact.from_:
        return Objection(RefusalCode.WRONG_PARTY, "An organisation cannot hand an obstacle over to itself.")
    return _not_holder(found, fact.from_)


def _check_answer(_: Judge, state: CaseState, event: Event, fact: f.HandoffFact) -> Objection | None:
    offer = state.handoffs.get(fact.handoff)
    if offer is None:
        return Objection(RefusalCode.UNKNOWN_HANDOFF, "No such handoff has been offered at that moment.")
    if offer.handoff not in state.ended:
        return None
    return Objection(
        RefusalCode.NOT_PENDING,
        "The offer is no longer pending at that moment: it was answered, withdrawn or has lapsed.",
        (state.ended[offer.handoff],),
    )


def _check_open(_: Judge, state: CaseState, event: Event, fact: f.ObstacleFact) -> Objection | None:
    found = _open(state, fact.obstacle)
    return found if isinstance(found, Objection) else None


def _check_moved(_: Judge, state: CaseState, event: Event, fact: f.ResponsibilityMoved) -> Objection | None:
    found = _open(state, fact.obstacle)
    if isinstance(found, Objection):
        return found
    return None if found.custody is None else _not_holder(found, fact.from_)


def _check_taken(_: Judge, state: CaseState, event: Event, fact: f.CustodyTaken) -> Objection | None:
    found = _open(state, fact.obstacle)
    if isinstance(found, Objection):
        return found
    held = found.custody
    if held is None or (held.organisation == fact.organisation and held.claimed):
        return None
    return Objection(
        RefusalCode.HELD,
        f"The obstacle is held by {held.organisation} at that moment; it must let go first.",
        (held.event,),
    )


def _check_holder(_: Judge, state: CaseState, event: Event, fact: f.CustodyReleased) -> Objection | None:
    found = _open(state, fact.obstacle)
    return found if isinstance(found, Objection) else _not_holder(found, fact.organisation)


def _check_term(_: Judge, state: CaseState, event: Event, fact: f.TermSet) -> Objection | None:
    # A term names no organisation: it binds the holder, and binds only by the holder's own word.
    found = _open(state, fact.obstacle)
    return found if isinstance(found, Objection) else _not_holder(found, event.actor.organisation)


def _check_waiting(_: Judge, state: CaseState, event: Event, fact: f.WaitingBegan) -> Objection | None:
    found = _open(state, fact.obstacle)
    if isinstance(found, Objection):
        return found
    objection = _not_holder(found, fact.organisation)
    if objection is None and found.waiting is not None and found.waiting.runs_at(event.occurred_at):
        return Objection(
            RefusalCode.ALREADY_WAITING, "The obstacle is waiting already at that moment.", (found.waiting.event,)
        )
    return objection


def _check_waiting_ended(_: Judge, state: CaseState, event: Event, fact: f.WaitingEnded) -> Objection | None:
    found = _open(state, fact.obstacle)
    if isinstance(found, Objection):
        return found
    if found.waiting is not None and found.waiting.runs_at(event.occurred_at):
        return None
    by = (found.waiting.event,) if found.waiting else ()
    return Objection(RefusalCode.NOT_WAITING, "Nothing is being waited for at that moment.", by)


def _check_settling(_: Judge, state: CaseState, event: Event, fact: f.ObstacleResolved) -> Objection | None:
    found = _open(state, fact.obstacle)
    if isinstance(found, Objection):
        return found
    return None if found.custody is None else _not_holder(found, fact.organisation)


def _check_split(_: Judge, state: CaseState, event: Event, fact: f.ObstacleSplit) -> Objection | None:
    # A split names no organisation: whoever records it must be the holder, or nobody holds it.
    found = _open(state, fact.obstacle)
    if isinstance(found, Objection):
        return found
    return None if found.custody is None else _not_holder(found, event.actor.organisation)


def _check_contested(_: Judge, state: CaseState, event: Event, fact: f.ResolutionContested) -> Objection | None:
    found = state.obstacles.get(fact.obstacle)
    if found is None:
        return _unknown_obstacle()
    if isinstance(found, Open) or not found.resolved:
        message = "Only a resolution can be contested, and the obstacle is not resolved at that moment."
        return Objection(RefusalCode.NOT_SETTLED, message, (found.event,))
    if found.contest is not None:
        message = "The resolution is contested already; one contest runs at a time."
        return Objection(RefusalCode.ALREADY_CONTESTED, message, (found.contest.event,))
    return None


def _check_contest_runs(_: Judge, state: CaseState, event: Event, fact: f.ObstacleFact) -> Objection | None:
    found = state.obstacles.get(fact.obstacle)
    if found is None:
        return _unknown_obstacle()
    if isinstance(found, Settled) and found.contest is not None:
        return None
    return Objection(RefusalCode.NOT_CONTESTED, "No contest of a resolution runs at that moment.", (found.event,))


def _check_reopened(_: Judge, state: CaseState, event: Event, fact: f.ObstacleReopened) -> Objection | None:
    found = state.obstacles.get(fact.obstacle)
    if found is None:
        return _unknown_obstacle()
    if isinstance(found, Settled):
        return None
    return Objection(RefusalCode.NOT_SETTLED, "The obstacle is open already at that moment.", (found.event,))


def _check_contact(_: Judge, state: CaseState, event: Event, fact: f.ContactMade) -> Objection | None:
    return None if all(obstacle in state.obstacles for obstacle in fact.obstacles) else _unknown_obstacle()


def _check_account(judge: Judge, state: CaseState, event: Event, fact: f.AccountGiven) -> Objection | None:
    if fact.gap is not None:
        return _check_gap(judge, state, event, fact.gap, fact.subject)
    if fact.event in state.events:
        return None
    return Objection(RefusalCode.UNKNOWN_EVENT, "No such event stands in this case at that moment.")


def _check_acknowledged(judge: Judge, state: CaseState, event: Event, fact: f.GapAcknowledged) -> Objection | None:
    return _check_gap(judge, state, event, fact.gap, fact.subject)


def _check_gap(
    judge: Judge, state: CaseState, event: Event, mark: f.GapMark, subject: SubjectId | None
) -> Objection | None:
    if subject is None:
        if judge.gap_exists(mark, event.occurred_at):
            return None
        return Objection(RefusalCode.UNKNOWN_GAP, "No such gap exists in this case at that moment.")
    # Whether the gap exists, only all cases of the subject tell: what is said of one that does not is about nothing.
    if state.opened is not None and subject in state.opened.subjects:
        return None
    return Objection(RefusalCode.UNKNOWN_GAP, "The case is not that subject's at that moment.")


_CHECKS: Final[dict[type, Callable[[Judge, CaseState, Event, Any], Objection | None]]] = {
    f.CaseOpened: _check_opened,
    f.SubjectRelated: _any,
    f.CaseLinked: _any,
    f.CoordinatorNamed: _check_coordinator,
    f.CaseClosed: _check_closed,
    f.CaseReopened: _check_case_reopened,
    f.ObstacleReported: _check_reported,
    f.ObstacleSplit: _check_split,
    f.HarmStated: _exists,
    f.ObstacleResolved: _check_settling,
    f.ObstacleWithdrawn: _check_open,
    f.ObstacleReopened: _check_reopened,
    f.HandoffOffered: _check_offered,
    f.HandoffAccepted: _check_answer,
    f.HandoffRefused: _check_answer,
    f.HandoffWithdrawn: _check_answer,
    f.SubjectReferred: _check_open,
    f.CustodyTaken: _check_taken,
    f.CustodyReleased: _check_holder,
    f.ResponsibilityMoved: _check_moved,
    f.TermSet: _check_term,
    f.WaitingBegan: _check_waiting,
    f.WaitingEnded: _check_waiting_ended,
    f.StepTaken: _exists,
    f.ContactMade: _check_contact,
    f.RemedyApplied: _exists,
    f.ResolutionContested: _check_contested,
    f.ResolutionUpheld: _check_contest_runs,
    f.ContestWithdrawn: _check_contest_runs,
    f.RulingGiven: _exists,
    f.AccountGiven: _check_account,
    f.GapAcknowledged: _check_acknowledged,
}
