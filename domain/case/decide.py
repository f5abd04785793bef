"""Whether a command about a case becomes an event.

A command is judged at the moment at which what it tells of occurred. Unknown ids, a party that is not the command's
and a moment in the future are always refused. What only the state of the case forbids is refused too, unless the
command is late: then it is kept, has no effect, and stands as a conflict until something mends it. A fact found late is
never turned away for its place in time. The module is long because the refusals stand together, in the order in which
they are given.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from ..command import Command, RefusalCode, Refused
from ..event import Event, Fact
from ..ids import event_id_of
from ..settings import UNCHANGED, Course
from ..vocabulary import LearningKind, Role
from . import facts as f
from .corrections import Correction, Striking, corrected_event, is_mending, mend
from .history import History
from .named import moments_of, obstacles_of, organisations_of, subjects_of
from .rules import Judge, Objection

SKEW: Final = timedelta(minutes=1)
"""How far a caller's clock may run ahead of the registry's."""

LATE: Final = timedelta(days=1)
"""A command is late if what it tells of occurred longer ago than this."""


class Directory(Protocol):
    """What lies outside the case: which ids are known to the registry, and which gaps are derived."""

    def organisation(self, organisation: str) -> bool:
        """Return whether the organisation is registered."""
        ...

    def organisation_history(self, organisation: str) -> Sequence[Event]:
        """Return the events of an organisation's own stream, in order of position; none if it is not registered."""
        ...

    def case(self, case: UUID) -> bool:
        """Return whether the case has been opened."""
        ...

    def obstacle(self, obstacle: UUID) -> bool:
        """Return whether the obstacle has been reported, in whatever case."""
        ...

    def concluded(self, dialogue: UUID) -> bool | None:
        """Return whether the dialogue has been concluded; none if there is no such dialogue."""
        ...

    def stream(self, stream: UUID, kind: LearningKind) -> bool:
        """Return whether a learning stream of a kind has begun."""
        ...

    def history(self, stream: UUID) -> Sequence[Event]:
        """Return the events of any stream that can be read, in order of position; none if it has not begun."""
        ...

    def gap(self, history: Sequence[Event], mark: f.GapMark, moment: datetime) -> bool:
        """Return whether the gap that a mark names exists in this history at a moment."""
        ...


def decide(
    command: Command,
    history: Sequence[Event],
    now: datetime,
    directory: Directory,
    settings: Course = UNCHANGED,
) -> Fact | Refused:
    """Return the fact to record for ``command``, or why it is refused.

    ``history`` holds all events of the case in order of position; ``now`` is the registry's clock (aware, UTC). One
    that is a ``History`` already, and kept from command to command, spares reading all of it anew.
    """
    at = command.occurred_at or now
    history = history if isinstance(history, History) else History(history)
    refusal = (
        refuse_moment(at, now)
        or _refuse_stream(command, history)
        or _refuse_unknown(command.data, history, directory, command)
        or _refuse_party(command)
        or _refuse_times(command.data, at)
    )
    if refusal is not None:
        return refusal
    event = proposed(command, history, at, now)
    if is_mending(event):
        return _refuse_mending(event, history, now, directory) or command.data
    objection = _objection(event, history, directory, settings)
    if objection is None or _is_late(event, history, now):
        return command.data
    return refused(objection)


def refused(objection: Objection) -> Refused:
    """Return the refusal that an objection amounts to; its facts are the events that contradict the command."""
    return Refused(
        objection.code, objection.message, tuple(("event", str(event)) for event in objection.contradicted_by)
    )


def proposed(command: Command, history: Sequence[Event], at: datetime, now: datetime) -> Event:
    """Return the event that the command would become."""
    return Event(
        id=event_id_of(command.id),
        stream=command.stream,
        version=len(history) + 1,
        position=history[-1].position + 1 if history else 0,
        occurred_at=at,
        recorded_at=now,
        actor=command.actor,
        command_id=command.id,
        data=command.data,
        precision=command.precision,
        source=command.source,
        inferred=command.inferred,
        known_to=command.known_to,
    )


def _objection(event: Event, history: History, directory: Directory, settings: Course) -> Objection | None:
    """Return what the state of the case at the event's place has against it."""
    judge = Judge(lambda mark, moment: directory.gap(history, mark, moment), settings)
    return judge.objection(history.state_at(event.occurred_at, judge), event)


def _is_late(event: Event, history: Sequence[Event], now: datetime) -> bool:
    """Return whether the event is told late: a day after it occurred, or after something later was told already."""
    if now - event.occurred_at > LATE:
        return True
    about = set(obstacles_of(event.data, history))
    mended = mend(history)
    return any(
        other.occurred_at > event.occurred_at
        and other.id not in mended.struck
        and (not about or about & set(obstacles_of(other.data, history)))
        for other in mended.events
    )


def told_late(history: Sequence[Event], at: datetime, now: datetime) -> bool:
    """Return whether something is told a day after it occurred, or after what happened later in the same stream."""
    mended = mend(history)
    return now - at > LATE or any(event.occurred_at > at for event in mended.events if event.id not in mended.struck)


def refuse_moment(at: datetime, now: datetime) -> Refused | None:
    """Refuse a moment without its offset, and one that lies in the future."""
    if at.tzinfo is None:
        return Refused(RefusalCode.MALFORMED, "A moment needs its offset from UTC, such as 2024-03-04T09:00:00+01:00.")
    if at > now + SKEW:
        return Refused(
            RefusalCode.FUTURE,
            "What is recorded must have happened; the moment given lies in the future.",
            (("occurredAt", at.isoformat()), ("now", now.isoformat())),
        )
    return None


def _refuse_stream(command: Command, history: Sequence[Event]) -> Refused | None:
    opens = isinstance(command.data, f.CaseOpened)
    if opens and history:
        return Refused(
            RefusalCode.ALREADY_EXISTS, "The case has been opened already.", (("case", str(command.stream)),)
        )
    if not opens and not history:
        return Refused(RefusalCode.UNKNOWN_CASE, "No such case has been opened.", (("case", str(command.stream)),))
    if command.expected_version is not None and command.expected_version != len(history):
        return Refused(
            RefusalCode.VERSION_CONFLICT,
            "The case has moved on since it was read; read it again and decide anew.",
            (("expectedVersion", str(command.expected_version)), ("version", str(len(history)))),
        )
    return None


def _unknown(code: RefusalCode, what: str, value: object) -> Refused:
    return Refused(code, f"The registry knows no such {what}: {value}.", ((what, str(value)),))


def _refuse_unknown(fact: Fact, history: History, directory: Directory, command: Command) -> Refused | None:
    """Refuse what names an organisation, obstacle, handoff, event, case or subject that does not exist, or exists."""
    for organisation in (*organisations_of(fact), *(knower.organisation for knower in command.known_to)):
        if not directory.organisation(organisation):
            return _unknown(RefusalCode.UNKNOWN_ORGANISATION, "organisation", organisation)
    reported, offered = history.reported, history.offered
    match fact:
        case f.ObstacleReported(obstacle=obstacle) if obstacle in reported or directory.obstacle(obstacle):
            return Refused(RefusalCode.ALREADY_EXISTS, "The obstacle has been reported already.")
        case f.ObstacleReported(triggered_by=UUID() as cause) if cause not in reported and not directory.obstacle(
            cause
        ):
            return _unknown(RefusalCode.UNKNOWN_OBSTACLE, "obstacle", cause)
        case f.HandoffOffered(handoff=handoff) if handoff in offered:
            return Refused(RefusalCode.ALREADY_EXISTS, "A handoff with this id has been offered already.")
        case f.HandoffAccepted() | f.HandoffRefused() | f.HandoffWithdrawn() if fact.handoff not in offered:
            return _unknown(RefusalCode.UNKNOWN_HANDOFF, "handoff", fact.handoff)
        case f.WaitingBegan(for_obstacle=UUID() as other) if other not in reported and not directory.obstacle(other):
            return _unknown(RefusalCode.UNKNOWN_OBSTACLE, "obstacle", other)
        case f.CaseLinked(case=other) if not directory.case(other):
            return _unknown(RefusalCode.UNKNOWN_CASE, "case", other)
        case _:
            pass
    return _refuse_unknown_within(fact, history)


def _refuse_unknown_within(fact: Fact, history: History) -> Refused | None:
    """Refuse what names something that this case does not hold."""
    named: tuple[UUID, ...] = ()
    if not isinstance(fact, f.ObstacleReported):
        named = tuple(obstacles_of(fact, history)) + (fact.into if isinstance(fact, f.ObstacleSplit) else ())
    for obstacle in named:
        if obstacle not in history.reported:
            return _unknown(RefusalCode.UNKNOWN_OBSTACLE, "obstacle", obstacle)
    about = getattr(fact, "event", None)
    if isinstance(about, UUID) and all(event.id != about for event in history):
        return _unknown(RefusalCode.UNKNOWN_EVENT, "event", about)
    for subject in subjects_of(fact):
        if not history.knows(subject):
            return _unknown(RefusalCode.UNKNOWN_SUBJECT, "subject", subject)
    return None


def _refuse_party(command: Command) -> Refused | None:
    """Refuse who speaks for another where only one's own word counts, and who deals with itself."""
    fact = command.data
    own = command.actor.organisation
    speaker: str | None = None
    if isinstance(fact, f.GapAcknowledged):
        speaker = fact.organisation
    elif isinstance(fact, f.AccountGiven):
        speaker = fact.by.organisation
    if speaker is not None and speaker != own:
        message = "An account or acknowledgement is somebody's own word: only the organisation itself can give it."
        return Refused(RefusalCode.WRONG_PARTY, message, (("organisation", speaker), ("actor", own)))
    if isinstance(fact, f.GapAcknowledged | f.AccountGiven) and fact.subject is not None:
        obstacle = fact.gap.obstacle if fact.gap is not None else None
        if obstacle is not None:
            message = "A gap over several cases lies on no single obstacle."
            return Refused(RefusalCode.MALFORMED, message, (("obstacle", str(obstacle)),))
    if isinstance(fact, f.HandoffOffered | f.SubjectReferred) and fact.from_ == fact.to:
        message = "An organisation cannot hand over or refer to itself."
        return Refused(RefusalCode.WRONG_PARTY, message, (("organisation", fact.to),))
    if isinstance(fact, f.WaitingBegan) and fact.for_obstacle == fact.obstacle:
        return Refused(RefusalCode.WRONG_PARTY, "An obstacle cannot wait for itself.")
    if isinstance(fact, f.ObstacleSplit) and (fact.obstacle in fact.into or not fact.into):
        return Refused(RefusalCode.WRONG_PARTY, "An obstacle is split into one or more others, not into itself.")
    if isinstance(fact, f.CaseOpened) and not fact.subjects:
        return Refused(RefusalCode.MALFORMED, "A case is about at least one subject.")
    if isinstance(fact, f.ContactMade) and not fact.obstacles:
        return Refused(RefusalCode.MALFORMED, "A contact is about at least one obstacle.")
    if isinstance(fact, f.CaseLinked) and fact.case == command.stream:
        return Refused(RefusalCode.WRONG_PARTY, "A case cannot be linked with itself.")
    return None


def _refuse_times(fact: Fact, at: datetime) -> Refused | None:
    """Refuse moments within a fact that cannot follow each other, or that have no offset."""
    moments = moments_of(type(fact))
    if not moments:
        return None
    for name, shown in moments:
        value: datetime | None = getattr(fact, name)
        if value is not None and value.tzinfo is None:
            return Refused(RefusalCode.MALFORMED, f"{shown} needs its offset from UTC.")
    order: list[tuple[str, datetime | None, str, datetime | None]] = []
    match fact:
        case f.HandoffOffered():
            order = [
                ("the offer", at, "deliveredAt", fact.delivered_at),
                ("the delivery", fact.delivered_at or at, "respondBy", fact.respond_by),
            ]
        case f.WaitingBegan():
            order = [("the waiting began", at, "until", fact.until)]
        case f.HarmStated():
            order = [("since", fact.since, "until", fact.until)]
        case f.SubjectRelated():
            order = [("from", fact.from_, "until", fact.until)]
        case f.CoordinatorNamed():
            order = [("the naming", at, "until", fact.until)]
        case f.ResolutionContested():
            order = [("the contest", at, "answerDue", fact.answer_due)]
        case _:
            pass
    for earlier, start, later, end in order:
        if start is not None and end is not None and end < start:
            message = f"{later} ({end.isoformat()}) lies before {earlier} ({start.isoformat()})."
            return Refused(RefusalCode.MALFORMED, message)
    return None


def _mended(event: Event, history: Sequence[Event]) -> Event:
    """Return the event that a correction or striking is about, which is known to be there."""
    return next(earlier for earlier in history if earlier.id == getattr(event.data, "event", None))


def _refuse_mending(event: Event, history: Sequence[Event], now: datetime, directory: Directory) -> Refused | None:
    """Refuse a correction or striking that cannot be applied."""
    target = _mended(event, history)
    if event.actor.role is Role.SUBJECT and isinstance(target.data, f.CaseOpened | f.SubjectRelated):
        # Else they could make themselves who represents another, and read what is told about them.
        message = "Who a case is about, and how they are related, is not for one of them to correct."
        return Refused(RefusalCode.NOT_PERMITTED, message, (("role", event.actor.role),))
    if isinstance(target.data, f.CaseLinked) and isinstance(event.data, f.FactCorrected) and event.data.field == "case":
        # A link is shown to who sees both its ends, a correction to who sees the one in which it stands.
        message = "With which case one is linked cannot be corrected: strike the link, and record another."
        return Refused(RefusalCode.NOT_CORRECTABLE, message, (("field", "case"),))
    fixed = mending(event, history, f.CaseOpened, "The opening of a case cannot be struck; close the case instead.")
    if fixed is None or isinstance(fixed, Refused):
        return fixed
    return refuse_corrected(event, fixed, now, directory) or _refuse_times(fixed.data, fixed.occurred_at)


def mending(event: Event, history: Sequence[Event], first: type[Fact], kept: str) -> Event | Refused | None:
    """Return the event that a correction makes, none for a striking, or why it cannot be applied.

    ``first`` is the kind of event that a stream cannot be without, and ``kept`` says so.
    """
    target = _mended(event, history)
    if isinstance(event.data, Striking):
        if isinstance(target.data, first):
            return Refused(RefusalCode.NOT_CORRECTABLE, kept)
        if target.id in mend(history).struck:
            return Refused(RefusalCode.NOT_CORRECTABLE, "The event has been struck already.")
        return None
    assert isinstance(event.data, Correction)
    if is_mending(target):
        message = "A correction or striking cannot be corrected; strike it and record another."
        return Refused(RefusalCode.NOT_CORRECTABLE, message)
    current = next((other for other in mend(history).events if other.id == target.id), target)
    fixed = corrected_event(current, event.data)
    if fixed is None:
        message = f"The field {event.data.field} of this event cannot be corrected to that value."
        return Refused(RefusalCode.NOT_CORRECTABLE, message, (("field", event.data.field),))
    return fixed


def refuse_corrected(event: Event, fixed: Event, now: datetime, directory: Directory) -> Refused | None:
    """Refuse a correction that moves an event into the future, or names an organisation that nobody knows."""
    if fixed.occurred_at != event.occurred_at:
        refusal = refuse_moment(fixed.occurred_at, now)
        if refusal is not None:
            return refusal
    for organisation in organisations_of(fixed.data):
        if not directory.organisation(organisation):
            return _unknown(RefusalCode.UNKNOWN_ORGANISATION, "organisation", organisation)
    return None
