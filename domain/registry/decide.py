"""Whether a command about the registry itself becomes an event: its administrator changes a term or a catalogue.

Unlike a fact of the world a setting cannot be told late: it is in force from the moment at which it is recorded.
"""

from collections.abc import Sequence
from datetime import datetime

from ..case.decide import SKEW, Directory
from ..catalogue import Catalogue
from ..command import Command, RefusalCode, Refused
from ..event import Event, Fact
from ..settings import Course
from ..vocabulary import Role
from .facts import DAYS_MAX, STREAM, BarrierAdded, GraceChanged, PromiseAdded, RegistryFact, TermChanged


def decide_registry(command: Command, history: Sequence[Event], now: datetime, directory: Directory) -> Fact | Refused:
    """Return the fact to record for ``command``, or why it is refused; ``history`` is the registry's own stream."""
    fact = command.data
    assert isinstance(fact, RegistryFact)
    return (
        _refuse(command, history, now)
        or _refuse_known_to(command, directory)
        or _refuse_days(fact, history)
        or _refuse_entry(fact, history)
        or fact
    )


def _refuse(command: Command, history: Sequence[Event], now: datetime) -> Refused | None:
    if command.stream != STREAM:
        return Refused(RefusalCode.WRONG_PARTY, "The registry's settings stand in a stream of their own.")
    if command.actor.role is not Role.ADMINISTRATOR:
        message = "Only an administrator changes the registry's terms, graces and catalogue."
        return Refused(RefusalCode.NOT_PERMITTED, message, (("role", command.actor.role),))
    at = command.occurred_at
    if at is not None and (at.tzinfo is None or abs(now - at) > SKEW):
        message = "What is changed here is in force from when it is recorded; leave out when it occurred."
        return Refused(RefusalCode.MALFORMED, message, (("occurredAt", at.isoformat()), ("now", now.isoformat())))
    if command.expected_version is not None and command.expected_version != len(history):
        return Refused(
            RefusalCode.VERSION_CONFLICT,
            "The settings have changed since they were read; read them again.",
            (("expectedVersion", str(command.expected_version)), ("version", str(len(history)))),
        )
    return None


def _refuse_known_to(command: Command, directory: Directory) -> Refused | None:
    for knower in command.known_to:
        if not directory.organisation(knower.organisation):
            message = f"The organisation {knower.organisation} is not registered."
            return Refused(RefusalCode.UNKNOWN_ORGANISATION, message, (("organisation", knower.organisation),))
    return None


def _refuse_days(fact: RegistryFact, history: Sequence[Event]) -> Refused | None:
    """Refuse a length that none can have, and one that it has already."""
    now = Course.of(history).latest
    match fact:
        case TermChanged(term=term, days=days):
            what, least, already = f"The term {term}", 1, now.term(term).days
        case GraceChanged(kind=kind, days=days):
            what, least, already = f"The grace of {kind}", 0, now.grace(kind).days
        case _:
            return None
    if not least <= days <= DAYS_MAX:
        message = f"{what} is between {least} and {DAYS_MAX} days."
        return Refused(RefusalCode.MALFORMED, message, (("days", str(days)),))
    if days == already:
        return Refused(RefusalCode.ALREADY_EXISTS, f"{what} is {days} days already.", (("days", str(days)),))
    return None


def _refuse_entry(fact: RegistryFact, history: Sequence[Event]) -> Refused | None:
    """Refuse an entry of the catalogue that there is already."""
    if not isinstance(fact, BarrierAdded | PromiseAdded):
        return None
    known = Catalogue.of(history)
    found = known.has_barrier(fact.slug) if isinstance(fact, BarrierAdded) else known.has_promise(fact.slug)
    if not found:
        return None
    return Refused(RefusalCode.ALREADY_EXISTS, f"The catalogue has {fact.slug} already.", (("slug", fact.slug),))
