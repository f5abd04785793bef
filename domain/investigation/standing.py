"""What an investigation is, and what each event does to it.

Whatever ``rules`` say of all streams that are learnt from says at which place in time an event does it.
"""

from msgspec import Struct
from msgspec.structs import replace

from ..case.rules import Objection
from ..command import RefusalCode
from ..event import Event
from ..ids import CaseId, DialogueId, EventId, FindingId, FollowUpId
from ..vocabulary import InvestigationStatus, Role
from . import facts as f


class Investigation(Struct, frozen=True):
    """An investigation that was opened. Each of its parts stands with the event that it came by.

    ``investigators`` are those who are on it, by pseudonym; ``follow_ups`` tell what was planned, as corrected, and
    ``done`` of which of these it was done.
    """

    begun: Event
    fact: f.InvestigationOpened
    investigators: dict[str, EventId]
    cases: dict[CaseId, EventId] = {}
    dialogues: dict[DialogueId, EventId] = {}
    findings: dict[FindingId, EventId] = {}
    published: EventId | None = None
    follow_ups: dict[FollowUpId, Event] = {}
    done: dict[FollowUpId, Event] = {}

    @property
    def status(self) -> InvestigationStatus:
        """Whether its report came out."""
        return InvestigationStatus.OPEN if self.published is None else InvestigationStatus.PUBLISHED

    def shown_to(self, user: str) -> bool:
        """Return whether somebody may know of it: who is on it, and everybody once it was published."""
        return self.published is not None or user in self.investigators


def advance(standing: Investigation | None, event: Event) -> Investigation | Objection:
    """Return what an investigation is after an event, or why the event has no effect.

    ``standing`` is none before the opening. Events must come in the order in which they occurred.
    """
    if isinstance(event.data, f.InvestigationOpened):
        if standing is not None:
            message = "The investigation has been opened already."
            return Objection(RefusalCode.ALREADY_EXISTS, message, (standing.begun.id,))
        # Only an investigator sees cases by an investigation, so nobody else is put on it by opening one.
        own = {event.actor.user: event.id} if event.actor.role is Role.INVESTIGATOR else {}
        return Investigation(event, event.data, own)
    if standing is None:
        return Objection(RefusalCode.UNKNOWN_INVESTIGATION, "The investigation is not open at that moment.")
    return _after(standing, event)


def _after(standing: Investigation, event: Event) -> Investigation | Objection:
    """Return what an open investigation is after an event."""
    match event.data:
        case f.InvestigatorAssigned(user=user):
            return _with(standing, "investigators", user, event, "They are on the investigation already.")
        case f.InvestigatorReleased(user=user):
            return _released(standing, user)
        case f.CaseIncluded(case=case):
            return _with(standing, "cases", case, event, "The case is part of the investigation already.")
        case f.DialogueAttached(dialogue=dialogue):
            return _with(standing, "dialogues", dialogue, event, "The dialogue is attached to it already.")
        case f.FindingRecorded(finding=finding):
            return _with(standing, "findings", finding, event, "A finding with this id has been recorded already.")
        case f.ReportPublished():
            if standing.published is not None:
                message = "The report of this investigation has been published already."
                return Objection(RefusalCode.ALREADY_EXISTS, message, (standing.published,))
            return replace(standing, published=event.id)
        case f.FollowUpPlanned(follow_up=follow_up):
            if follow_up in standing.follow_ups:
                return _again("This follow-up has been planned already.", standing.follow_ups[follow_up].id)
            return replace(standing, follow_ups={**standing.follow_ups, follow_up: event})
        case f.FollowUpDone(follow_up=follow_up):
            if follow_up not in standing.follow_ups:
                return Objection(RefusalCode.UNKNOWN_FOLLOW_UP, "No such follow-up had been planned by then.")
            if follow_up in standing.done:
                return _again("This follow-up has been done already.", standing.done[follow_up].id)
            return replace(standing, done={**standing.done, follow_up: event})
        case other:
            message = f"{type(other).__name__} is no fact of an investigation."
            raise TypeError(message)


def _with(standing: Investigation, part: str, name: object, event: Event, already: str) -> Investigation | Objection:
    """Return an investigation with one more of a part, or the objection that it is there already."""
    known: dict[object, EventId] = getattr(standing, part)
    if name in known:
        return _again(already, known[name])
    return replace(standing, **{part: {**known, name: event.id}})


def _again(already: str, event: EventId) -> Objection:
    """Object that it is there already, by which event."""
    return Objection(RefusalCode.ALREADY_EXISTS, already, (event,))


def _released(standing: Investigation, user: str) -> Investigation | Objection:
    if user not in standing.investigators:
        return Objection(RefusalCode.NOT_ASSIGNED, "They are not on the investigation.")
    others = {one: by for one, by in standing.investigators.items() if one != user}
    if not others:
        # Nobody could go on with it, nor assign anybody.
        message = "An investigation keeps at least one investigator: assign another one first."
        return Objection(RefusalCode.LAST_INVESTIGATOR, message, (standing.investigators[user],))
    return replace(standing, investigators=others)
