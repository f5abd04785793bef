"""Keys that are asked for while it is still being decided what will be sealed under them.

Asking takes a way to the database and back, and deciding a round of commands takes as long; whom texts will be about is
nearly always known before. What was not foreseen is asked for when it is needed (``Vault.seal``).
"""

from collections.abc import Sequence
from time import monotonic
from typing import Final
from uuid import UUID

from msgspec import Struct
from psycopg.pq.abc import PGresult

from ...domain.ids import SubjectId, uuid_of
from ..store.arrays import bytea_array, uuid_array
from ..store.beside import Sightings
from ..store.connection import DatabaseRole, connect_impatiently
from ..store.line import Line, Sent, closed_on_error

KEYS_FOR: Final = "SELECT subject_id, fenced, key_id, wrapped FROM vault.keys_for(%s, %s, %s, %s)"
KEYS_FOR_BESIDE: Final = (
    "SELECT subject_id, fenced, key_id, wrapped "
    "FROM set_config('synchronous_commit', 'off', true), vault.keys_for(%s, %s, %s, %s)"
)
"""Without waiting for the disk with a key that is made."""

AGE_SECONDS_MAX: Final = 0.5
"""How long after it was asked an answer is good for: with the time for which a key is kept at hand then, less than an
erasure waits until it says that no process holds the keys any more."""

Asked = tuple[SubjectId, UUID | None, bytes]
"""A subject whose key is asked for, and a key to be taken if they have none: its id and the wrapped key, or neither."""

Found = tuple[SubjectId, bool, UUID | None, bytes | None]
"""A subject, whether there is a fence around them, and their key if they have one."""


class KeyLine:
    """A connection of its own for asking which keys are in force. For one thread."""

    def __init__(self, url: str) -> None:
        """Connect when first needed."""
        self._url = url
        self._line = Line()
        self._marked: int | None = None

    def ask(self, asked: Sequence[Asked], purpose: str, marked: int) -> "Ahead":
        """Send off what is asked, on behalf of the session with a mark (``Vault.seal``). Raises psycopg's errors."""
        # What nobody took, since something went wrong before, would be taken for the answer to this.
        if self._line.lost or not self._line.idle or self._marked != marked:
            self._line.disconnect()
            connection = connect_impatiently(self._url, DatabaseRole.VAULT)
            with closed_on_error(connection):
                # A vault on another server than that session has no keys that anybody has not waited for.
                beside = Sightings().sees(connection, marked)
                self._line.take(connection, KEYS_FOR_BESIDE if beside else KEYS_FOR)
            self._marked = marked
        values = (
            purpose.encode(),
            uuid_array(subject for subject, _, _ in asked),
            uuid_array(key for _, key, _ in asked),
            bytea_array(wrapped for _, _, wrapped in asked),
        )
        return Ahead(self._line, self._line.send(values), monotonic() + AGE_SECONDS_MAX)

    def disconnect(self) -> None:
        """Let the connection go; what is asked next gets another."""
        self._line.disconnect()


class Ahead(Struct, frozen=True, eq=False):
    """Keys that have been asked for; what is found counts until a moment by the monotonic clock."""

    line: Line
    sent: Sent
    until: float

    def found(self) -> list[Found]:
        """Return what was found, once it is there; nothing if that is too long ago. Raises psycopg's errors."""
        result = self.line.result(self.sent)
        if monotonic() > self.until:
            return []
        return [_found(result, row) for row in range(result.ntuples)]


def _found(result: PGresult, row: int) -> Found:
    subject, fenced, key, wrapped = [result.get_value(row, column) for column in range(4)]
    assert subject is not None, "every subject that was asked for is answered"
    return (
        uuid_of(int.from_bytes(subject)),
        fenced == b"\x01",
        None if key is None else uuid_of(int.from_bytes(key)),
        wrapped,
    )
