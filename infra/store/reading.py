"""Reading events back: by case, and along the log.

Reads are in order of position, for a principal, and decode apart from fetching, so that one event which cannot be read
keeps nobody from the others.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, LiteralString
from uuid import UUID

import psycopg
from psycopg.abc import Params
from psycopg_pool import ConnectionPool

from ...domain.case.facts import AccountGiven, CaseOpened, GapAcknowledged
from ...domain.event import Event
from ...domain.topics import FACTS
from .arrays import uuid_array
from .codec import Row, UnreadableEvent, decode
from .connection import SET_PRINCIPAL, Principal, principal_text

COLUMNS: Final = "position, stream_id, version, topic, topic_version, recorded_at, state"

STREAMS: Final = f"SELECT {COLUMNS} FROM knelpunt.event WHERE stream_id = ANY(%s) ORDER BY position"  # noqa: S608
STREAMS_UPTO: Final = (
    f"SELECT {COLUMNS} FROM knelpunt.event WHERE stream_id = ANY(%s) AND position <= %s ORDER BY position"  # noqa: S608
)
MENDING: Final = tuple(sorted(topic for topic, fact in FACTS.items() if fact.mends))
"""The topics of events that correct or strike others."""

PARTS_UPTO: Final = (
    f"SELECT {COLUMNS} FROM knelpunt.event WHERE stream_id = ANY(%(streams)s) AND position <= %(upto)s "  # noqa: S608
    "AND (event_id = ANY(%(events)s) OR topic = ANY(%(mending)s)) ORDER BY position"
)
"""Some events of streams, and what mends any."""

BEGUN_UPTO: Final = (
    f"SELECT {COLUMNS} FROM knelpunt.event WHERE stream_id = ANY(%(streams)s) AND position <= %(upto)s "  # noqa: S608
    f"AND topic = ANY(%(topics)s) ORDER BY position"
)
BEGINNING: Final = (CaseOpened.topic, AccountGiven.topic, GapAcknowledged.topic, *MENDING)
"""The topics of what opens cases and of what is said in them of gaps and events, and of what may have changed that."""

AFTER: Final = f"SELECT {COLUMNS} FROM knelpunt.event WHERE position > %s ORDER BY position LIMIT %s"  # noqa: S608

BETWEEN: Final = f"SELECT {COLUMNS} FROM knelpunt.event WHERE position > %s AND position <= %s ORDER BY position"  # noqa: S608

AT_A_TIME: Final = 200
"""Rows that are fetched at a time where there may be many: some hundred kilobytes, about what the system takes in for a
program that is not reading."""

STREAMS_AT_ONCE: Final = 20
"""Streams whose rows are fetched at once: together they mostly have a few hundred. Handfuls take half a millisecond
more, which small batches have no time for."""


def rows_of(
    connections: ConnectionPool, principal: Principal, streams: Sequence[UUID], upto: int | None = None
) -> list[Row]:
    """Return the rows of whole streams, up to and with a position (none: to the end), in order of position."""
    asked = list(streams)
    if upto is None:
        return _rows(connections, principal, STREAMS, (asked,))
    return _rows(connections, principal, STREAMS_UPTO, (asked, upto))


def rows_after(connections: ConnectionPool, principal: Principal, position: int, limit: int) -> list[Row]:
    """Return at most ``limit`` rows beyond a position, -1 being before the first. Positions have no holes."""
    return _rows(connections, principal, AFTER, (position, limit))


def events_of(
    connections: ConnectionPool, principal: Principal, cases: Sequence[UUID], upto: int | None = None
) -> list[Event]:
    """Return the events of cases (or other streams), as ``rows_of``. Raises ``UnreadableEvent`` at the first."""
    return [decode(row) for row in rows_of(connections, principal, cases, upto)]


def events_after(
    connections: ConnectionPool, principal: Principal, position: int, limit: int
) -> list[Event | UnreadableEvent]:
    """Return at most ``limit`` events beyond a position; one that cannot be read is there as the error it raised."""
    return [attempt(row) for row in rows_after(connections, principal, position, limit)]


def attempt(row: Row) -> Event | UnreadableEvent:
    """Return the event of a row, or the error that says why it cannot be read."""
    try:
        return decode(row)
    except UnreadableEvent as error:
        return error


def readable(rows: Iterable[Row]) -> tuple[list[Event], list[UnreadableEvent]]:
    """Return the events of rows, and the errors for those that cannot be read."""
    events: list[Event] = []
    errors: list[UnreadableEvent] = []
    for row in rows:
        try:
            events.append(decode(row))
        except UnreadableEvent as error:
            errors.append(error)
    return events, errors


def to_rows(cursor: psycopg.Cursor) -> list[Row]:
    """Return what a query for ``COLUMNS`` found."""
    return [Row(*columns) for columns in cursor.fetchall()]


def fetched(connection: psycopg.Connection, query: LiteralString, values: Params, *, many: bool) -> list[Row]:
    """Return what a query for ``COLUMNS`` found, in the transaction that is open; where there may be many, by handfuls.

    A server that hands over megabytes to a program that was stopped waits for it in the midst of that, where no limit
    counts, and so long the program has its locks. Between two handfuls its limit of silence does.
    """
    if not many:
        return to_rows(connection.execute(query, values))
    # As all are fetched, what finds the first ones soon may be slow. It would be thought the best for a cursor.
    connection.execute("SELECT set_config('cursor_tuple_fraction', '1', true)")
    with connection.cursor("handfuls") as cursor:
        cursor.itersize = AT_A_TIME
        return [Row(*columns) for columns in cursor.execute(query, values)]


def stream_rows(connection: psycopg.Connection, streams: Collection[UUID]) -> list[Row]:
    """Return the rows of whole streams, in order of position, for whom the connection reads already."""
    cursor = connection.cursor(binary=True)
    return to_rows(cursor.execute(STREAMS, (uuid_array(streams),), prepare=True))


def read_upto(connection: psycopg.Connection, streams: Collection[UUID], upto: int) -> list[Event]:
    """Return the events of streams up to and with a position, in its order, without those that cannot be read.

    A transaction is open.
    """
    many = len(streams) > STREAMS_AT_ONCE
    return readable(fetched(connection, STREAMS_UPTO, (list(streams), upto), many=many))[0]


def histories(connection: psycopg.Connection, streams: Collection[UUID], upto: int) -> dict[UUID, list[Event]]:
    """Return what ``read_upto`` does by stream; of one of which nothing can be read, nothing."""
    found: dict[UUID, list[Event]] = {}
    for event in read_upto(connection, streams, upto) if streams else ():
        found.setdefault(event.stream, []).append(event)
    return found


def _rows(connections: ConnectionPool, principal: Principal, query: str, values: Sequence[object]) -> list[Row]:
    # As a pipeline, the transaction costs one round trip instead of four.
    with connections.connection() as connection, connection.pipeline(), connection.transaction():
        connection.execute(SET_PRINCIPAL, (principal_text(principal),), prepare=True)
        cursor = connection.cursor(binary=True)
        cursor.execute(query, values, prepare=True)  # pyright: ignore[reportArgumentType]
        return to_rows(cursor)
