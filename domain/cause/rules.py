"""What a cause is at a moment, and what each event does to it.

A cause is open from when it was identified until it is removed or accepted as it is. What ends it ends whatever was
still being asked of anyone. Obstacles are linked and measures evaluated afterwards too: that is how it shows whether it
was really gone. The module is long because the steps of a cause depend on each other, and share one state.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from ..case.decide import Directory
from ..case.rules import Objection
from ..catalogue import Catalogue
from ..command import Command, RefusalCode, Refused
from ..defaults import known_from
from ..event import Event
from ..ids import EscalationId, EventId, MeasureId, ObstacleId
from ..learning.rules import Rules
from ..organisation.standing import standing_at
from ..registry.facts import STREAM as REGISTRY_STREAM
from ..settings import Course
from ..vocabulary import EscalationReply, LearningKind, Level, Stopped
from . import facts as f


class Proposal(Struct, frozen=True):
    """An organisation was asked to own the cause; ``answered_by`` is the event with its answer, if there is one."""

    owner: str
    event: EventId
    at: datetime
    answered_by: EventId | None = None
    accepted: bool = False


class Escalation(Struct, frozen=True):
    """An organisation was asked at a level to see to the cause, by whom, and what it answered."""

    escalation: EscalationId
    event: EventId
    asked_by: str
    to: str
    level: Level
    at: datetime
    respond_by: datetime
    answered_at: datetime | None = None
    answered_by: EventId | None = None
    answer: EscalationReply | None = None
    suggests: str | None = None


class Evaluation(Struct, frozen=True):
    """What an organisation found of a measure, with whom."""

    event: EventId
    at: datetime
    organisation: str
    partners: tuple[str, ...]
    stopped: Stopped


class Measure(Struct, frozen=True):
    """A change that was committed to, and what came of it."""

    measure: MeasureId
    event: EventId
    organisation: str
    at: datetime
    due: datetime
    implemented_at: datetime | None = None
    implemented_by: EventId | None = None
    owner_then: str | None = None
    """Who owned the cause when it was implemented."""
    evaluations: tuple[Evaluation, ...] = ()


class Linked(Struct, frozen=True):
    """An obstacle was said to come from the cause."""

    obstacle: ObstacleId
    event: EventId
    at: datetime
    by: str


class Vacancy(Struct, frozen=True):
    """Nobody owned the cause any more, since which event, until an acceptance."""

    event: EventId
    at: datetime
    until: tuple[datetime, EventId] | None = None


class Ended(Struct, frozen=True):
    """The cause ended: it was removed, or accepted as it is."""

    event: EventId
    at: datetime
    organisation: str
    removed: bool


class Cause(Struct, frozen=True):
    """A cause at a moment. ``begun`` is its identification, ``owned_by`` the event by which its owner accepted it."""

    begun: Event
    fact: f.CauseIdentified
    obstacles: Mapping[ObstacleId, Linked] = MappingProxyType({})
    proposals: tuple[Proposal, ...] = ()
    owner: str | None = None
    owned_by: EventId | None = None
    first_owned_by: EventId | None = None
    first_owned_at: datetime | None = None
    vacancies: tuple[Vacancy, ...] = ()
    """When its owner was dissolved; the last one lasts until somebody accepts."""
    escalations: Mapping[EscalationId, Escalation] = MappingProxyType({})
    costs: tuple[EventId, ...] = ()
    measures: Mapping[MeasureId, Measure] = MappingProxyType({})
    ended: Ended | None = None

    @property
    def level(self) -> Level | None:
        """The highest rung that it was brought to."""
        levels = list(Level)
        return max((one.level for one in self.escalations.values()), key=levels.index, default=None)


def begins(event: Event) -> Cause:
    """Return a cause as it is when it has been identified."""
    assert isinstance(event.data, f.CauseIdentified)
    return Cause(event, event.data)


def advance(cause: Cause, event: Event, settings: Course) -> Cause | Objection:
    """Return a cause after an event, or why the event has no effect."""
    match event.data:
        case f.ObstacleLinked(obstacle=obstacle):
            return _linked(cause, event, obstacle)
        case f.MeasureEvaluated():
            return _evaluated(cause, event, event.data)
        case f.FailureCostEstimated():
            return replace(cause, costs=(*cause.costs, event.id))
        case _ if cause.ended is not None:
            how = "was removed" if cause.ended.removed else "was accepted as it is"
            return Objection(RefusalCode.CAUSE_ENDED, f"The cause {how} before that moment.", (cause.ended.event,))
        case f.OwnerProposed(owner=owner):
            return _proposed(cause, event, owner)
        case f.OwnerAccepted(organisation=organisation):
            return _proposal_answered(cause, event, organisation, accepted=True)
        case f.OwnerDeclined(organisation=organisation):
            return _proposal_answered(cause, event, organisation, accepted=False)
        case f.OwnershipPassed(organisation=organisation, to=to):
            return _passed(cause, event, organisation, to)
        case f.CauseEscalated():
            return _escalated(cause, event, event.data, settings)
        case f.EscalationAnswered():
            return _escalation_answered(cause, event, event.data)
        case f.MeasureCommitted():
            return _committed(cause, event, event.data)
        case f.MeasureImplemented():
            return _implemented(cause, event, event.data)
        case f.CauseRemoved(organisation=organisation):
            return _not_owner(cause, organisation) or replace(
                cause, ended=Ended(event.id, event.occurred_at, organisation, removed=True)
            )
        case f.CauseAcceptedAsIs(organisation=organisation):
            return _accepted_as_is(cause, event, organisation)
        case other:
            message = f"{type(other).__name__} is no fact of a cause."
            raise TypeError(message)


def _linked(cause: Cause, event: Event, obstacle: ObstacleId) -> Cause | Objection:
    known = cause.obstacles.get(obstacle)
    if known is not None:
        message = "The obstacle has been linked with this cause already."
        return Objection(RefusalCode.ALREADY_EXISTS, message, (known.event,))
    found = Linked(obstacle, event.id, event.occurred_at, event.actor.organisation)
    return replace(cause, obstacles=MappingProxyType({**cause.obstacles, obstacle: found}))


def _proposed(cause: Cause, event: Event, owner: str) -> Cause | Objection:
    if owner == cause.owner:
        assert cause.owned_by is not None
        return Objection(RefusalCode.ALREADY_EXISTS, f"{owner} owns the cause already.", (cause.owned_by,))
    pending = _pending(cause, owner)
    if pending is not None:
        message = f"{owner} has been asked to own the cause, and has not answered yet."
        return Objection(RefusalCode.ALREADY_EXISTS, message, (pending.event,))
    return replace(cause, proposals=(*cause.proposals, Proposal(owner, event.id, event.occurred_at)))


def _pending(cause: Cause, owner: str) -> Proposal | None:
    return next((one for one in cause.proposals if one.owner == owner and one.answered_by is None), None)


def _proposal_answered(cause: Cause, event: Event, organisation: str, *, accepted: bool) -> Cause | Objection:
    pending = _pending(cause, organisation)
    if pending is None:
        return Objection(RefusalCode.NOT_PENDING, f"{organisation} is not being asked to own the cause.")
    answered = replace(pending, answered_by=event.id, accepted=accepted)
    proposals = tuple(answered if one is pending else one for one in cause.proposals)
    if not accepted:
        return replace(cause, proposals=proposals)
    if cause.first_owned_by is None:
        cause = replace(cause, first_owned_by=event.id, first_owned_at=event.occurred_at)
    if cause.owner is None and cause.vacancies:
        *before, last = cause.vacancies
        cause = replace(cause, vacancies=(*before, replace(last, until=(event.occurred_at, event.id))))
    return replace(cause, proposals=proposals, owner=organisation, owned_by=event.id)


def _passed(cause: Cause, event: Event, organisation: str, to: str | None) -> Cause | Objection:
    if cause.owner is None or cause.owner != organisation:
        message = f"{organisation} does not own the cause at that moment."
        return Objection(RefusalCode.NOT_OWNER, message, () if cause.owned_by is None else (cause.owned_by,))
    if to is not None:
        return replace(cause, owner=to, owned_by=event.id)
    vacancies = (*cause.vacancies, Vacancy(event.id, event.occurred_at))
    return replace(cause, owner=None, owned_by=None, vacancies=vacancies)


def _escalated(cause: Cause, event: Event, fact: f.CauseEscalated, settings: Course) -> Cause | Objection:
    for one in cause.escalations.values():
        if one.escalation == fact.escalation:
            return Objection(RefusalCode.ALREADY_EXISTS, "An escalation with this id exists already.", (one.event,))
        if (one.to, one.level, one.answered_by) == (fact.to, fact.level, None):
            message = f"{fact.to} has been asked at this level, and has not answered yet."
            return Objection(RefusalCode.ALREADY_EXISTS, message, (one.event,))
    known = known_from(event)
    respond_by = fact.respond_by or known + settings.at(known).respond_by
    made = Escalation(
        fact.escalation,
        event.id,
        event.actor.organisation,
        fact.to,
        fact.level,
        event.occurred_at,
        max(respond_by, event.occurred_at),
    )
    return replace(cause, escalations=MappingProxyType({**cause.escalations, fact.escalation: made}))


def _escalation_answered(cause: Cause, event: Event, fact: f.EscalationAnswered) -> Cause | Objection:
    asked = cause.escalations.get(fact.escalation)
    if asked is None:
        return Objection(RefusalCode.NOT_PENDING, "The cause has not been escalated so at that moment.")
    if asked.answered_by is not None:
        return Objection(RefusalCode.NOT_PENDING, "The escalation has been answered already.", (asked.answered_by,))
    if asked.to != fact.organisation:
        message = f"It was {asked.to} that was asked; nobody answers for another."
        return Objection(RefusalCode.WRONG_PARTY, message, (asked.event,))
    answered = replace(
        asked, answered_at=event.occurred_at, answered_by=event.id, answer=fact.answer, suggests=fact.suggests
    )
    return replace(cause, escalations=MappingProxyType({**cause.escalations, fact.escalation: answered}))


def _not_owner(cause: Cause, organisation: str) -> Objection | None:
    """Object to an organisation that acts as the owner while another owns the cause."""
    if cause.owner is None or cause.owner == organisation:
        return None
    assert cause.owned_by is not None
    return Objection(RefusalCode.NOT_OWNER, f"{cause.owner} owns the cause at that moment.", (cause.owned_by,))


def _committed(cause: Cause, event: Event, fact: f.MeasureCommitted) -> Cause | Objection:
    if cause.owner is None:
        return Objection(RefusalCode.NOT_OWNER, "Nobody owns the cause at that moment: only an owner commits measures.")
    objection = _not_owner(cause, fact.organisation)
    if objection is not None:
        return objection
    known = cause.measures.get(fact.measure)
    if known is not None:
        return Objection(RefusalCode.ALREADY_EXISTS, "A measure with this id exists already.", (known.event,))
    made = Measure(fact.measure, event.id, fact.organisation, event.occurred_at, max(fact.due, event.occurred_at))
    return replace(cause, measures=MappingProxyType({**cause.measures, fact.measure: made}))


def _implemented(cause: Cause, event: Event, fact: f.MeasureImplemented) -> Cause | Objection:
    measure = cause.measures.get(fact.measure)
    if measure is None:
        return _no_measure()
    if measure.implemented_by is not None:
        message = "The measure has been implemented already."
        return Objection(RefusalCode.ALREADY_EXISTS, message, (measure.implemented_by,))
    objection = _not_owner(cause, fact.organisation)
    if objection is not None:
        return objection
    made = replace(measure, implemented_at=event.occurred_at, implemented_by=event.id, owner_then=cause.owner)
    return _with(cause, made)


def _evaluated(cause: Cause, event: Event, fact: f.MeasureEvaluated) -> Cause | Objection:
    measure = cause.measures.get(fact.measure)
    if measure is None:
        return _no_measure()
    if measure.implemented_by is None:
        message = "The measure has not been implemented at that moment, so there is nothing to evaluate."
        return Objection(RefusalCode.NOT_IMPLEMENTED, message, (measure.event,))
    found = Evaluation(event.id, event.occurred_at, fact.organisation, fact.partners, fact.stopped)
    return _with(cause, replace(measure, evaluations=(*measure.evaluations, found)))


def _no_measure() -> Objection:
    return Objection(RefusalCode.UNKNOWN_MEASURE, "No such measure has been committed at that moment.")


def _with(cause: Cause, measure: Measure) -> Cause:
    return replace(cause, measures=MappingProxyType({**cause.measures, measure.measure: measure}))


def _accepted_as_is(cause: Cause, event: Event, organisation: str) -> Cause | Objection:
    asked = {cause.owner, *(one.owner for one in cause.proposals), *(one.to for one in cause.escalations.values())}
    if organisation not in asked:
        message = f"{organisation} neither owns the cause nor was asked to: only who was can let it be."
        return Objection(RefusalCode.NOT_OWNER, message)
    return replace(cause, ended=Ended(event.id, event.occurred_at, organisation, removed=False))


def refuse(command: Command, history: Sequence[Event], directory: Directory) -> Refused | None:
    """Refuse what names something that the cause does not hold, and who speaks for another."""
    fact: Any = command.data
    match fact:
        case f.EscalationAnswered(escalation=id_) if not _holds(history, f.CauseEscalated, "escalation", id_):
            return _unknown(RefusalCode.UNKNOWN_ESCALATION, "escalation", id_)
        case f.MeasureImplemented(measure=id_) | f.MeasureEvaluated(measure=id_) if not _holds(
            history, f.MeasureCommitted, "measure", id_
        ):
            return _unknown(RefusalCode.UNKNOWN_MEASURE, "measure", id_)
        case f.CauseIdentified(barrier=str() as barrier) if not Catalogue.of(
            directory.history(REGISTRY_STREAM)
        ).has_barrier(barrier):
            return _unknown(RefusalCode.UNKNOWN_BARRIER, "barrier", barrier)
        case f.OwnershipPassed():
            return _refuse_passing(fact, command.occurred_at, directory)
        case f.CauseIdentified(statement=None):
            return Refused(RefusalCode.MALFORMED, "A cause has a statement that says what it is.")
        case f.CauseAcceptedAsIs(reason=None):
            return Refused(RefusalCode.MALFORMED, "Who accepts a cause as it is says why.")
        case _:
            return _refuse_party(command)


def _refuse_passing(fact: f.OwnershipPassed, at: datetime | None, directory: Directory) -> Refused | None:
    """Refuse to pass a cause on from who had not ended, or to another than who succeeds it."""
    standing = standing_at(directory.organisation_history(fact.organisation), at)
    if standing is not None and standing.ended is not None and standing.ended.into == fact.to:
        return None
    known = (("organisation", fact.organisation),)
    if standing is None or standing.ended is None:
        message = f"{fact.organisation} had not ended by that moment: what it owns does not pass on by itself."
    elif standing.ended.into is None:
        message = f"{fact.organisation} was dissolved: nobody succeeds it."
    else:
        message = f"{fact.organisation} went up in {standing.ended.into}: what it owned passes on to that one."
    return Refused(RefusalCode.WRONG_PARTY, message, known)


def _refuse_party(command: Command) -> Refused | None:
    fact, own = command.data, command.actor.organisation
    if isinstance(fact, _OWN_WORD) and fact.organisation != own:
        message = "That is somebody's own word: only the organisation itself can give it."
        return Refused(RefusalCode.WRONG_PARTY, message, (("organisation", fact.organisation), ("actor", own)))
    if isinstance(fact, f.EscalationAnswered) and fact.suggests == own:
        return Refused(RefusalCode.WRONG_PARTY, "An organisation cannot pass a cause on to itself.")
    return None


_OWN_WORD: Final = (f.OwnerAccepted, f.OwnerDeclined, f.EscalationAnswered, f.MeasureCommitted, f.CauseAcceptedAsIs)
"""What an organisation says of itself, and nobody says for another."""


def _holds(history: Sequence[Event], kind: type[f.CauseFact], field: str, id_: object) -> bool:
    return any(isinstance(event.data, kind) and getattr(event.data, field) == id_ for event in history)


def _unknown(code: RefusalCode, what: str, value: object) -> Refused:
    return Refused(code, f"The registry knows no such {what}: {value}.", ((what, str(value)),))


RULES: Final = Rules(LearningKind.CAUSE, f.CauseIdentified, begins, advance, refuse, times=("respond_by", "due"))
"""The rules of causes."""
