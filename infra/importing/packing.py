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
from ..vault.request import request_hash_of
from ..vault.sealing import clear_texts

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


class Packer(Struct, frozen=True):
    """Packs commands, with the vault's secret under which requests are hashed."""

    secret: bytes

    def __call__(self, commands: Sequence[Command]) -> Packed | Worded:
        """Return the commands of one stream, of which there is at least one, packed. Raises ``TooLarge``."""
        keys = [command.id.bytes + request_hash_of(self.secret, command) for command in commands]
        events = [event_of(command, version) for version, command in enumerate(commands, 1)]
        stream, of_organisation = commands[0].stream, isinstance(commands[0].data, OrganisationFact)
        if any(clear_texts(event.data) for event in events):
            return Worded(stream, of_organisation, keys, events)
        rows = [staged_row(event, key[ID_BYTES:]) for event, key in zip(events, keys, strict=True)]
        return Packed(stream, of_organisation, keys, rows)

    def __repr__(self) -> str:
        """Show what it is, never the secret."""
        return "Packer(…)"


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
