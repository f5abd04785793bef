"""What the end of an organisation means for the causes that it owned.

The registry writes it into each cause itself, as an event: whom the owner went up in owns it from that moment, or
nobody, where it was dissolved. ``commands_due`` compares what the record implies with what stands there, like
``organisation.succession`` does for cases: it may be asked at any time, and answers with nothing once all is written.
What the registry wrote, and what has since proved wrong, it strikes; what people struck it leaves to them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import uuid5

from ..case.corrections import mend
from ..command import Command
from ..event import Event
from ..organisation.succession import REGISTRY, SOURCE, Changes
from ..vocabulary import StrikeReason
from . import facts as f
from .rules import RULES, Cause

_WRITTEN: Final = (f.OwnershipPassed, f.CauseEventStruck)


def commands_due(history: Sequence[Event], changes: Changes, now: datetime) -> list[Command]:
    """Return the commands that bring a cause in line with ``changes``, in order; none if it is.

    ``history`` is the whole cause in order of position, ``now`` the moment up to which changes have effect. What
    follows from what is written now is told when it has been: an heir may have ended too.
    """
    mended = mend(history)
    passed = [event for event in mended.events if isinstance(event.data, f.OwnershipPassed) and _is_ours(event)]
    stale = [event for event in passed if event.id not in mended.struck and not _holds(event, changes)]
    if stale:
        return [
            _command(history, event.source, f.CauseEventStruck(event.id, StrikeReason.NEVER_HAPPENED), now, number)
            for number, event in enumerate(stale)
        ]
    cause: Cause | None = RULES.state_at(history, now)
    if cause is None or cause.ended is not None or cause.owner is None:
        return []
    ending = changes.endings.get(cause.owner)
    if ending is None or ending.at > now:
        return []
    source = f"{SOURCE}{ending.event}"
    ours = {event.id for event in history if _is_ours(event)}
    if any(one.source == source and mended.struck.get(one.id, one.id) not in ours for one in passed):
        return []  # people struck it: it is their word that counts
    owned = next(event.occurred_at for event in mended.events if event.id == cause.owned_by)
    return [_command(history, source, f.OwnershipPassed(cause.owner, ending.to), max(ending.at, owned), 0)]


def _is_ours(event: Event) -> bool:
    return isinstance(event.data, _WRITTEN) and event.source.startswith(SOURCE)


def _holds(event: Event, changes: Changes) -> bool:
    """Whether an organisation still is said to have ended as the registry wrote, by then."""
    assert isinstance(event.data, f.OwnershipPassed)
    ending = changes.endings.get(event.data.organisation)
    return ending is not None and ending.to == event.data.to and ending.at <= event.occurred_at


def _command(history: Sequence[Event], source: str, fact: f.CauseFact, at: datetime, number: int) -> Command:
    """Return a command, with an id that hangs on what it follows from and on the history that it was told from."""
    stream, version = history[0].stream, len(history) + number
    return Command(
        uuid5(stream, f"{source}/{fact.topic}/{version}"),
        stream,
        REGISTRY,
        fact,
        at,
        expected_version=version,
        source=source,
    )
