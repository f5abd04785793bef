"""Commands of one stream as the rows that will be appended for them, taking the stream to be new.

Most streams of an import are new, and making rows is most of its work, so it is done beforehand, without a database and
by any process. What a row says of a stream that is not new after all can be read from it again.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct

from ...domain.command import Command
from ...domain.event import Event
from ...domain.ids import event_id_of
from ...domain.organisation.facts import OrganisationFact
from ..store.staging import staged_event, staged_row
from ..vault.request import RequestHashes
from ..vault.texts import clear_texts

ID_BYTES: Final = 16


class Packed(Struct, frozen=True, array_like=True):
    """The commands of a stream: of each the ``key``, its id and then its request hash, and the row of its event."""

    stream: UUID
    of_organisation: bool
    keys: list[bytes]
    rows: list[bytes]


class Worded(Struct, frozen=True):
    """The commands of a stream which hold texts: these are sealed with a key from the vault before they are rows."""

    stream: UUID
    of_organisation: bool
    keys: list[bytes]
    rows: list[Event]


class Packer:
    """Packs commands. ``secret`` is the vault's, under which requests are hashed."""

    def __init__(self, secret: bytes) -> None:
        """Take the secret."""
        self.secret = secret
        self._hashes = RequestHashes(secret)

    def packed(self, commands: Sequence[Command], events: Sequence[Event] | None = None) -> Packed | Worded:
        """Return the commands of one stream, of which there is at least one, packed. Raises ``TooLarge``.

        ``events`` are what they lead to in a new stream (``events_of``), if that is known already.
        """
        events = events_of(commands) if events is None else events
        stream, of_organisation = commands[0].stream, isinstance(commands[0].data, OrganisationFact)
        hashes = [self._hashes.of(command) for command in commands]
        keys = [command.id.bytes + hash_ for command, hash_ in zip(commands, hashes, strict=True)]
        if any(clear_texts(event.data) for event in events):
            return Worded(stream, of_organisation, keys, list(events))
        return Packed(stream, of_organisation, keys, list(map(staged_row, events, hashes)))


def events_of(commands: Sequence[Command]) -> list[Event]:
    """Return the events that the commands of one stream lead to, if it is new."""
    return [event_of(command, version, version - 1) for version, command in enumerate(commands, 1)]


def commands_of(packed: Packed | Worded) -> list[Command]:
    """Return the commands that were packed."""
    events = packed.rows if isinstance(packed, Worded) else map(staged_event, packed.rows)
    return [
        Command(
            event.command_id,
            event.stream,
            event.actor,
            event.data,
            event.occurred_at,
            event.precision,
            source=event.source,
            inferred=event.inferred,
        )
        for event in events
    ]


def event_of(command: Command, version: int, position: int = 0) -> Event:
    """Return the event that a command leads to; append gives it its place and moment of recording."""
    at = command.occurred_at
    assert at is not None, "imported commands name their moment"
    return Event(
        event_id_of(command.id),
        command.stream,
        version,
        position,
        at,
        at,
        command.actor,
        command.id,
        command.data,
        command.precision,
        command.source,
        command.inferred,
    )
