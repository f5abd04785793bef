"""A chunk of events on its way into the staging table, in the binary form of COPY.

The form is that of PostgreSQL's manual under COPY: for each row the number of its columns, then length and bytes of
each. Columns of fixed length come first, so that one call packs them; psycopg's own writer packs value by value, which
costs more than storing them.
"""

from collections.abc import Sequence
from functools import cache
from struct import Struct as Layout
from typing import Final
from uuid import UUID

import psycopg
from msgspec import Struct

from ...domain.event import Event
from ...domain.topics import VERSIONS
from ..store import codec
from ..store.arrays import microseconds

OPEN_STAGING: Final = "SELECT knelpunt.open_staging()"
COPY: Final = (
    "COPY pg_temp.staged_event (nr, stream_id, version, event_id, occurred_at, command_id, topic_version, "
    "request_hash, kind, topic, obstacle_id, state) FROM STDIN (FORMAT BINARY)"
)
APPEND_STAGED: Final = "SELECT recorded, skipped FROM knelpunt.append_staged()"

HASH_BYTES: Final = 32

_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no extension
_TAIL: Final = b"\xff\xff"
_FIXED: Final = Layout(f">h ii i16s ii i16s iq i16s ih i{HASH_BYTES}s").pack
_LENGTH: Final = Layout(">i").pack
_NULL: Final = _LENGTH(-1)
_COLUMNS: Final = 12


class Staged(Struct, frozen=True):
    """An event to be appended at its version, and the hash of the request that it answers."""

    event: Event
    request_hash: bytes


def append_staged(connection: psycopg.Connection, rows: Sequence[Staged]) -> int:
    """Append all of ``rows`` in their order, within the caller's transaction, and return how many were new.

    Raises ``psycopg.Error`` with the codes of infra/migrations/0011_move_staged.sql.
    """
    connection.execute(OPEN_STAGING)
    with connection.cursor() as cursor:
        with cursor.copy(COPY) as copy:
            copy.write(b"".join((_HEAD, *(_row(nr, row) for nr, row in enumerate(rows)), _TAIL)))
        answer = cursor.execute(APPEND_STAGED).fetchone()
    assert answer is not None, "append_staged answers with one row"
    recorded, skipped = answer
    assert recorded + skipped == len(rows), "what was copied is what was moved"
    return recorded


def _row(nr: int, row: Staged) -> bytes:
    event = row.event
    fixed = _FIXED(
        _COLUMNS,
        4,
        nr,
        16,
        event.stream.bytes,
        4,
        event.version,
        16,
        event.id.bytes,
        8,
        microseconds(event.occurred_at),
        16,
        event.command_id.bytes,
        2,
        VERSIONS[event.data.topic],
        HASH_BYTES,
        row.request_hash,
    )
    state = codec.encode(event)
    obstacle = codec.reported_obstacle(event.data)
    return b"".join((fixed, _kind_and_topic(event.data.topic), _nullable(obstacle), _LENGTH(len(state)), state))


@cache
def _kind_and_topic(topic: str) -> bytes:
    kind, name = codec.KINDS[topic].encode(), topic.encode()
    return _LENGTH(len(kind)) + kind + _LENGTH(len(name)) + name


def _nullable(value: UUID | None) -> bytes:
    return _NULL if value is None else _LENGTH(16) + value.bytes
