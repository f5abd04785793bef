"""An event as one row of the staging table, in the binary form of COPY, made without a database.

So what is sent of an import can be made by processes that have no connection. A row says everything of its event but
``nr``, its place among what is appended together, which only the one who appends knows.
"""

from collections.abc import Iterable
from datetime import datetime
from struct import Struct as Layout
from typing import Final
from uuid import UUID

from ...domain.event import Event
from ...domain.topics import VERSIONS
from ..trail import entry
from . import codec
from .moments import microseconds, moment_of

COPY: Final = (
    "COPY pg_temp.staged_event (nr, stream_id, version, event_id, occurred_at, command_id, request_hash, recorded_at, "
    "topic, kind, topic_version, obstacle_id, state) FROM STDIN (FORMAT binary)"
)
# The binary form of COPY: a signature, flags, no extension; then rows of fields, each a length and its bytes; then -1.
SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END: Final = b"\xff\xff"

HASH_BYTES: Final = 32

_BEGINNING: Final = Layout(">hii").pack
_FIELDS: Final = 13
_LENGTH: Final = Layout(">i").pack
_NULL: Final = _LENGTH(-1)
_FIXED: Final = Layout(">i16s ii i16s iq i16s i32s".replace(" ", "")).pack
_MOMENT: Final = Layout(">iq").pack
_UUID: Final = _LENGTH(16)


class TooLarge(Exception):  # noqa: N818  named for what it is
    """An event that is larger than its log entry may be."""

    def __init__(self, event: UUID) -> None:
        super().__init__(f"The event {event} holds more than one event may; nothing of this chunk was recorded.")
        self.event = event


def numbered(rows: Iterable[tuple[int, bytes]]) -> bytes:
    """Return rows as COPY takes them, each behind its place."""
    return b"".join([part for nr, row in rows for part in (_BEGINNING(_FIELDS, 4, nr), row)])


def staged_row(event: Event, request_hash: bytes, recorded_at: datetime | None = None) -> bytes:
    """Return an event as a row of the staging table, but for its place. Its texts must be sealed. Raises ``TooLarge``.

    ``recorded_at`` is for history that was recorded elsewhere.
    """
    fact = event.data
    state = codec.encode(event)
    if len(state) > codec.STATE_BYTES_MAX or not entry.fits(
        event.stream, event.version, fact.topic, VERSIONS[fact.topic], state
    ):
        raise TooLarge(event.id)
    obstacle = codec.reported_obstacle(fact)
    return b"".join(
        (
            _FIXED(
                *(16, event.stream.bytes, 4, event.version, 16, event.id.bytes, 8, microseconds(event.occurred_at)),
                *(16, event.command_id.bytes, HASH_BYTES, request_hash),
            ),
            _NULL if recorded_at is None else _MOMENT(8, microseconds(recorded_at)),
            _KINDS[fact.topic],
            _NULL if obstacle is None else _UUID + obstacle.bytes,
            _LENGTH(len(state)),
            state,
        )
    )


def staged_event(row: bytes) -> Event:
    """Return the event of a row, as if it had been recorded first of all, when it occurred."""
    fields: list[bytes] = []
    at = 0
    while at < len(row):
        length = max(0, int.from_bytes(row[at : at + 4], signed=True))
        fields.append(row[at + 4 : at + 4 + length])
        at += 4 + length
    stream, version, _, occurred, _, _, _, topic, _, topic_version, _, state = fields
    moment = moment_of(int.from_bytes(occurred, signed=True))
    return codec.decode_columns(
        0, UUID(bytes=stream), int.from_bytes(version), topic.decode(), int.from_bytes(topic_version), moment, state
    )


def _text(value: str) -> bytes:
    return _LENGTH(len(value.encode())) + value.encode()


_KINDS: Final = {
    topic: _text(topic) + _text(kind) + _LENGTH(2) + Layout(">h").pack(VERSIONS[topic])
    for topic, kind in codec.KINDS.items()
}
"""The part of every row that is the same for a topic."""
