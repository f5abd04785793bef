"""Whether a command about an investigation becomes an event: who leads it decides about it, as its method allows.

To assign somebody or to include a case is to give access, so it takes an investigator who is on it at the moment of the
command, whatever moment the command tells of. To everybody else the investigation might as well not exist.
"""

from collections.abc import Sequence
from datetime import datetime

from ..case.corrections import Correction, Striking
from ..case.decide import Directory, mending, proposed, refuse_corrected, refuse_moment, refused, told_late
from ..case.rules import Objection
from ..command import Command, RefusalCode, Refused
from ..event import Event, Fact
from ..learning.decide import refuse_times, refuse_unknown
from ..vocabulary import Role
from . import facts as f
from .rules import RULES
from .standing import Investigation, advance


def decide_investigation(
    command: Command, history: Sequence[Event], now: datetime, directory: Directory
) -> Fact | Refused:
    """Return the fact to record for ``command``, or why it is refused; ``history`` is the investigation's stream."""
    fact = command.data
    assert isinstance(fact, f.InvestigationFact)
    at = command.occurred_at or now
    refusal = (
        _refuse_person(command, history)
        or refuse_moment(at, now)
        or _refuse_stream(command, fact, history)
        or refuse_times(RULES, fact, at)
        or refuse_unknown(command, directory)
        or _refuse_method(fact, history, directory)
    )
    if refusal is not None:
        return refusal
    event = proposed(command, history, at, now)
    if isinstance(fact, Correction | Striking):
        return _refuse_mending(event, history, now, directory) or fact
    after = advance(RULES.state_at(history, at), event)
    if not isinstance(after, Objection) or told_late(history, at, now):
        return fact
    return refused(after)


def _refuse_person(command: Command, history: Sequence[Event]) -> Refused | None:
    """Refuse whoever is no investigator, and, as if there were no such investigation, whoever is not on it."""
    if command.actor.role is not Role.INVESTIGATOR:
        message = "Only investigators open investigations and decide about them."
        return Refused(RefusalCode.NOT_PERMITTED, message, (("role", command.actor.role),))
    opens = isinstance(command.data, f.InvestigationOpened)
    standing: Investigation | None = RULES.state_at(history)
    if opens or (standing is not None and command.actor.user in standing.investigators):
        return None
    message = "There is no such investigation, or you are not on it."
    return Refused(RefusalCode.UNKNOWN_INVESTIGATION, message, (("investigation", str(command.stream)),))


def _refuse_stream(command: Command, fact: f.InvestigationFact, history: Sequence[Event]) -> Refused | None:
    if isinstance(fact, f.InvestigationOpened) and history:
        known = (("investigation", str(command.stream)),)
        return Refused(RefusalCode.ALREADY_EXISTS, "The investigation has been opened already.", known)
    if command.expected_version is not None and command.expected_version != len(history):
        return Refused(
            RefusalCode.VERSION_CONFLICT,
            "The investigation has moved on since it was read; read it again.",
            (("expectedVersion", str(command.expected_version)), ("version", str(len(history)))),
        )
    return None


def _refuse_method(fact: f.InvestigationFact, history: Sequence[Event], directory: Directory) -> Refused | None:
    """Refuse a report without a concluded dialogue, however late it is told: that order is the method."""
    if not isinstance(fact, f.ReportPublished):
        return None
    standing: Investigation | None = RULES.state_at(history)
    assert standing is not None, "somebody is on it"
    if any(directory.concluded(dialogue) for dialogue in standing.dialogues):
        return None
    message = "An investigation is published after at least one of its dialogues was concluded."
    dialogues = tuple(("dialogue", str(dialogue)) for dialogue in standing.dialogues)
    return Refused(RefusalCode.NO_CONCLUDED_DIALOGUE, message, dialogues)


def _refuse_mending(event: Event, history: Sequence[Event], now: datetime, directory: Directory) -> Refused | None:
    """Refuse a correction or striking that cannot be applied, or that leaves the investigation to nobody."""
    assert isinstance(event.data, Correction | Striking)
    about = event.data.event
    if all(earlier.id != about for earlier in history):
        message = f"The investigation has no such event: {about}."
        return Refused(RefusalCode.UNKNOWN_EVENT, message, (("event", str(about)),))
    fixed = mending(event, history, f.InvestigationOpened, "The opening of an investigation cannot be struck.")
    if isinstance(fixed, Refused):
        return fixed
    after: Investigation | None = RULES.state_at([*history, event])
    if after is None or not after.investigators:
        message = "An investigation keeps at least one investigator: assign another one first."
        return Refused(RefusalCode.LAST_INVESTIGATOR, message)
    return None if fixed is None else refuse_corrected(event, fixed, now, directory)
