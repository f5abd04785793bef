"""Whether a command about an organisation becomes an event."""

from collections.abc import Sequence
from datetime import datetime

from ..case.decide import SKEW, Directory
from ..command import Command, RefusalCode, Refused
from ..event import Event, Fact
from ..ids import organisation_stream_of
from .facts import OrganisationFact, OrganisationRegistered


def decide_organisation(
    command: Command, history: Sequence[Event], now: datetime, directory: Directory
) -> Fact | Refused:
    """Return the fact to record for ``command``, or why it is refused; ``history`` is the organisation's stream."""
    fact = command.data
    assert isinstance(fact, OrganisationFact)
    if (command.occurred_at or now) > now + SKEW:
        return Refused(RefusalCode.FUTURE, "What is recorded must have happened; the moment given lies in the future.")
    if command.stream != organisation_stream_of(fact.organisation):
        return Refused(RefusalCode.WRONG_PARTY, "The command names another organisation than the stream it is sent to.")
    if command.expected_version is not None and command.expected_version != len(history):
        return Refused(RefusalCode.VERSION_CONFLICT, "The organisation has changed since it was read; read it again.")
    known = (("organisation", fact.organisation),)
    if isinstance(fact, OrganisationRegistered):
        if history:
            return Refused(RefusalCode.ALREADY_EXISTS, "The organisation has been registered already.", known)
        if fact.parent is not None and not directory.organisation(fact.parent):
            return Refused(
                RefusalCode.UNKNOWN_ORGANISATION, "The parent is not registered.", (("parent", fact.parent),)
            )
    elif not history:
        return Refused(RefusalCode.UNKNOWN_ORGANISATION, "The organisation has not been registered.", known)
    return fact
