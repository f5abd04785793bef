"""Appending events in bulk: a COPY into staging, then one call that moves all of it, or nothing.

For imports, which decide on whole files themselves and know each event's version. What is appended again is skipped by
its command's id, so a chunk whose answer got lost is simply sent again.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from struct import Struct as Layout
from typing import Final
from uuid import UUID

import psycopg
from msgspec import Struct

from ...domain.event import Event
from ...domain.topics import VERSIONS
from ..trail import entry
from . import codec
from .arrays import microseconds

CHUNK_EVENTS: Final = 5_000
"""A good size for one append: a few megabytes, and the log's head is held for a tenth of a second."""

HASH_BYTES: Final = 32

COPY: Final = (
    "COPY pg_temp.staged_event (topic, kind, topic_version, nr, stream_id, version, event_id, occurred_at, command_id, "
    "request_hash, recorded_at, obstacle_id, state) FROM STDIN (FORMAT binary)"
)
# The binary form of COPY: a signature, flags, no extension; then rows of fields, each a length and its bytes; then -1.
_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END: Final = b"\xff\xff"
_FIELDS: Final = Layout(">h").pack(13)
_LENGTH: Final = Layout(">i").pack
_NULL: Final = _LENGTH(-1)
_FIXED: Final = Layout(">ii i16s ii i16s iq i16s i32s".replace(" ", "")).pack
_MOMENT: Final = Layout(">iq").pack
_UUID: Final = _LENGTH(16)


class BulkAppended(Struct, frozen=True):
    """What an append in bulk did. The events recorded stand from ``first_position`` on, in their order."""

    recorded: int
    skipped: int
    first_position: int


class StreamMovedOn(Exception):  # noqa: N818  named for what it is
    """A stream is not at the version before that of its first new event: load it and decide anew."""

    def __init__(self, stream: UUID) -> None:
        super().__init__(f"The stream {stream} has moved on since it was read; nothing of this chunk was recorded.")
        self.stream = stream


class CommandReused(Exception):  # noqa: N818  named for what it is
    """A command id was used before, for another request."""

    def __init__(self, command: UUID) -> None:
        super().__init__(f"The command {command} was recorded before with other content; nothing was recorded.")
        self.command = command


class HistoryRefused(Exception):  # noqa: N818  named for what it is
    """History recorded elsewhere that may not enter; the message says why."""


class TooLarge(Exception):  # noqa: N818  named for what it is
    """An event that is larger than its log entry may be."""

    def __init__(self, event: UUID) -> None:
        super().__init__(f"The event {event} holds more than one event may; nothing of this chunk was recorded.")
        self.event = event


def append_bulk(
    connection: psycopg.Connection, events: Sequence[Event], request_hashes: Sequence[bytes]
) -> BulkAppended:
    """Record events, with the versions they have and new positions and moments of recording, all or none.

    ``connection`` is an appender's. Texts must be sealed. Raises ``StreamMovedOn``, ``CommandReused``, ``TooLarge``.
    """
    with connection.transaction():
        _stage(connection, (_row(nr, event, hash_, None) for nr, (event, hash_) in _numbered(events, request_hashes)))
        row = _moved(connection, "SELECT recorded, skipped, first_position FROM knelpunt.append_staged()")
    return BulkAppended(*row)


def append_history(
    connection: psycopg.Connection, events: Iterable[Event], request_hashes: Iterable[bytes]
) -> BulkAppended:
    """Record history with the moments of recording it brings along, into an empty log, however long it is.

    ``connection`` is the owner's (``DatabaseRole.OWNER``); every event's source must say where it comes from. Raises
    as ``append_bulk``, and ``HistoryRefused``.
    """
    with connection.transaction():
        _stage(
            connection,
            (_row(nr, event, hash_, event.recorded_at) for nr, (event, hash_) in _numbered(events, request_hashes)),
        )
        row = _moved(connection, "SELECT recorded, skipped, 0::bigint FROM knelpunt.append_history()")
    return BulkAppended(*row)


def _numbered(events: Iterable[Event], request_hashes: Iterable[bytes]) -> Iterable[tuple[int, tuple[Event, bytes]]]:
    return enumerate(zip(events, request_hashes, strict=True))


def _stage(connection: psycopg.Connection, rows: Iterable[bytes]) -> None:
    connection.execute("SELECT knelpunt.open_staging()", prepare=True)
    waiting = iter(rows)
    with connection.cursor().copy(COPY) as copy:
        copy.write(_SIGNATURE)
        # A history of ten million events passes through; it does not fit in memory.
        while some := b"".join(islice(waiting, CHUNK_EVENTS)):
            copy.write(some)
        copy.write(_END)


def _moved(connection: psycopg.Connection, call: str) -> tuple[int, int, int]:
    try:
        row = connection.execute(call.encode(), prepare=True).fetchone()
    except psycopg.DatabaseError as error:
        match error.sqlstate:
            case "KN001":
                raise StreamMovedOn(UUID(error.diag.message_detail)) from error
            case "KN002":
                raise CommandReused(UUID(error.diag.message_detail)) from error
            case "KN004":
                raise HistoryRefused(error.diag.message_primary) from error
            case _:
                raise
    assert row is not None
    return row


def _text(value: str) -> bytes:
    return _LENGTH(len(value.encode())) + value.encode()


_KINDS: Final = {
    topic: _FIELDS + _text(topic) + _text(kind) + _LENGTH(2) + Layout(">h").pack(VERSIONS[topic])
    for topic, kind in codec.KINDS.items()
}
"""The beginning of every row of a topic."""


def _row(nr: int, event: Event, request_hash: bytes, recorded_at: datetime | None) -> bytes:
    fact = event.data
    state = codec.encode(event)
    if len(state) > codec.STATE_BYTES_MAX or not entry.fits(
        event.stream, event.version, fact.topic, VERSIONS[fact.topic], state
    ):
        raise TooLarge(event.id)
    obstacle = codec.reported_obstacle(fact)
    return b"".join(
        (
            _KINDS[fact.topic],
            _FIXED(
                *(4, nr, 16, event.stream.bytes, 4, event.version, 16, event.id.bytes),
                *(8, microseconds(event.occurred_at), 16, event.command_id.bytes, HASH_BYTES, request_hash),
            ),
            _NULL if recorded_at is None else _MOMENT(8, microseconds(recorded_at)),
            _NULL if obstacle is None else _UUID + obstacle.bytes,
            _LENGTH(len(state)),
            state,
        )
    )
