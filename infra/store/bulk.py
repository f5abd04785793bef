"""Appending events in bulk: a COPY into staging, then one call that moves all of it, or nothing.

For imports, which decide on whole files themselves and know each event's version. What is appended again is skipped by
its command's id, so a chunk whose answer got lost is simply sent again.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final
from uuid import UUID

import psycopg
from msgspec import Struct

from ...domain.event import Event
from .staging import COPY, END, SIGNATURE, numbered, staged_row

CHUNK_EVENTS: Final = 5_000
"""A good size for one append: a few megabytes, and the log's head is held for a tenth of a second."""


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


def append_bulk(
    connection: psycopg.Connection, events: Sequence[Event], request_hashes: Sequence[bytes]
) -> BulkAppended:
    """Record events, with the versions they have and new positions and moments of recording, all or none.

    ``connection`` is an appender's. Texts must be sealed. Raises ``StreamMovedOn``, ``CommandReused``, ``TooLarge``.
    """
    brought = zip(events, request_hashes, strict=True)
    return append_rows(connection, (staged_row(event, request_hash) for event, request_hash in brought))


def append_rows(connection: psycopg.Connection, rows: Iterable[bytes]) -> BulkAppended:
    """Record events that were made into rows (``staging.staged_row``), as ``append_bulk``."""
    with connection.transaction():
        _stage(connection, rows)
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
        brought = zip(events, request_hashes, strict=True)
        _stage(connection, (staged_row(event, hash_, event.recorded_at) for event, hash_ in brought))
        row = _moved(connection, "SELECT recorded, skipped, 0::bigint FROM knelpunt.append_history()")
    return BulkAppended(*row)


def _stage(connection: psycopg.Connection, rows: Iterable[bytes]) -> None:
    connection.execute("SELECT knelpunt.open_staging()", prepare=True)
    waiting = enumerate(rows)
    with connection.cursor().copy(COPY) as copy:
        copy.write(SIGNATURE)
        # A history of ten million events passes through; it does not fit in memory.
        while some := numbered(islice(waiting, CHUNK_EVENTS)):
            copy.write(some)
        copy.write(END)


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
