"""Whether a command about a learning stream becomes an event: the same way for every kind.

As in a case: unknown ids, a party that is not the command's and a moment in the future are always refused; what only
the state forbids is refused too, unless the command is late. Then it is kept, without effect, until something told
later gives it effect.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from ..case.decide import Directory, mending, proposed, refuse_corrected, refuse_moment, refused, told_late
from ..case.named import moments_of, organisations_of
from ..case.rules import Objection
from ..command import Command, RefusalCode, Refused
from ..event import Event, Fact
from ..settings import UNCHANGED
from .facts import LearningEventStruck, LearningFact, LearningFactCorrected, LearningGapAcknowledged
from .kinds import RULES
from .named import CASES, OBSTACLES, STREAMS, named_in
from .rules import Rules


def decide_learning(command: Command, history: Sequence[Event], now: datetime, directory: Directory) -> Fact | Refused:
    """Return the fact to record for ``command``, or why it is refused; ``history`` is the stream's."""
    fact = command.data
    assert isinstance(fact, LearningFact)
    rules = RULES[fact.stream_kind]
    at = command.occurred_at or now
    refusal = (
        refuse_moment(at, now)
        or _refuse_stream(rules, command, history)
        or refuse_unknown(command, directory)
        or _refuse_event(fact, history)
        or _refuse_party(command)
        or rules.refuse(command, history, directory)
        or refuse_times(rules, fact, at)
    )
    if refusal is not None:
        return refusal
    event = proposed(command, history, at, now)
    if fact.mends:
        return _refuse_mending(rules, command, event, history, now, directory) or fact
    objection = _objection(rules, event, history, directory)
    if objection is None or told_late(history, at, now):
        return fact
    return refused(objection)


def _refuse_stream(rules: Rules, command: Command, history: Sequence[Event]) -> Refused | None:
    opens = isinstance(command.data, rules.opening)
    known = ((rules.noun, str(command.stream)),)
    if opens and history:
        return Refused(RefusalCode.ALREADY_EXISTS, f"The {rules.noun} has begun already.", known)
    if not opens and not history:
        return Refused(RefusalCode(f"UNKNOWN_{rules.kind}"), f"The registry knows no such {rules.noun}.", known)
    if command.expected_version is not None and command.expected_version != len(history):
        return Refused(
            RefusalCode.VERSION_CONFLICT,
            f"The {rules.noun} has moved on since it was read; read it again and decide anew.",
            (("expectedVersion", str(command.expected_version)), ("version", str(len(history)))),
        )
    return None


def refuse_unknown(command: Command, directory: Directory) -> Refused | None:
    """Refuse what names an organisation, obstacle, case or learning stream that the registry does not know."""
    fact = command.data
    for organisation in (*organisations_of(fact), *(knower.organisation for knower in command.known_to)):
        if not directory.organisation(organisation):
            message = f"The organisation {organisation} is not registered."
            return Refused(RefusalCode.UNKNOWN_ORGANISATION, message, (("organisation", organisation),))
    return refuse_unknown_ids(fact, directory)


def refuse_unknown_ids(fact: Fact, directory: Directory) -> Refused | None:
    """Refuse a fact that names an obstacle, case or learning stream that the registry does not know."""
    for name, id_ in named_in(fact):
        if name in OBSTACLES:
            code, what, known = RefusalCode.UNKNOWN_OBSTACLE, "obstacle", directory.obstacle(id_)
        elif name in CASES:
            code, what, known = RefusalCode.UNKNOWN_CASE, "case", directory.case(id_)
        else:
            kind = STREAMS[name]
            what = kind.lower().replace("_", " ")
            code, known = RefusalCode(f"UNKNOWN_{kind}"), directory.stream(id_, kind)
        if not known:
            return Refused(code, f"The registry knows no such {what}: {id_}.", ((what, str(id_)),))
    return None


def _refuse_event(fact: LearningFact, history: Sequence[Event]) -> Refused | None:
    """Refuse to mend an event that the stream does not hold."""
    if not isinstance(fact, LearningFactCorrected | LearningEventStruck):
        return None
    if any(event.id == fact.event for event in history):
        return None
    message = f"There is no such event in this stream: {fact.event}."
    return Refused(RefusalCode.UNKNOWN_EVENT, message, (("event", str(fact.event)),))


def _refuse_party(command: Command) -> Refused | None:
    fact, own = command.data, command.actor.organisation
    if not isinstance(fact, LearningGapAcknowledged) or fact.organisation == own:
        return None
    message = "An acknowledgement is somebody's own word: only the organisation itself can give it."
    return Refused(RefusalCode.WRONG_PARTY, message, (("organisation", fact.organisation), ("actor", own)))


def refuse_times(rules: Rules, fact: LearningFact, at: datetime) -> Refused | None:
    """Refuse moments within a fact without an offset, and those that lie before it though they cannot."""
    for name, shown in moments_of(type(fact)):
        value: datetime | None = getattr(fact, name)
        if value is not None and value.tzinfo is None:
            return Refused(RefusalCode.MALFORMED, f"{shown} needs its offset from UTC.")
        if value is not None and name in rules.times and value < at:
            message = f"{shown} ({value.isoformat()}) lies before it happened ({at.isoformat()})."
            return Refused(RefusalCode.MALFORMED, message)
    return None


def _refuse_mending(
    rules: Rules, command: Command, event: Event, history: Sequence[Event], now: datetime, directory: Directory
) -> Refused | None:
    """Refuse a correction or striking that cannot be applied, or that says what no command may."""
    kept = f"What a {rules.noun} begins with cannot be struck; correct it, or end the {rules.noun} instead."
    fixed = mending(event, history, rules.opening, kept)
    if fixed is None or isinstance(fixed, Refused):
        return fixed
    assert isinstance(fixed.data, LearningFact)
    others = [earlier for earlier in history if earlier.id != fixed.id]
    return (
        refuse_corrected(event, fixed, now, directory)
        or refuse_unknown_ids(fixed.data, directory)
        or rules.refuse(replace(command, data=fixed.data, actor=fixed.actor), others, directory)
        or refuse_times(rules, fixed.data, fixed.occurred_at)
    )


def _objection(rules: Rules, event: Event, history: Sequence[Event], directory: Directory) -> Objection | None:
    """Return what the state of the stream at the event's place has against it."""
    if isinstance(event.data, LearningGapAcknowledged):
        if directory.gap(history, event.data.gap, event.occurred_at):
            return None
        return Objection(RefusalCode.UNKNOWN_GAP, f"There is no such gap of this {rules.noun} at that moment.")
    after = rules.next(rules.state_at(history, event.occurred_at), event, UNCHANGED)
    return after if isinstance(after, Objection) else None
