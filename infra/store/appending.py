"""The calls of the database's append functions: events in, an answer for each out.

Nothing else writes events. What the functions promise stands in infra/migrations, above each of them.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, cast
from uuid import UUID

import psycopg
from msgspec import Struct
from psycopg.pq.abc import PGresult

from .arrays import Array, bytea_array, int2_array, int4_array, text_array, timestamptz_array, uuid_array
from .beside import mark
from .connection import DatabaseRole, connect_as_registry
from .line import Line, Sent, closed_on_error
from .mapper import NewEvent
from .moments import moment_of

APPEND: Final = (
    "SELECT outcome, position, version, recorded_at FROM knelpunt.append(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
HOLD_LOG: Final = "SELECT knelpunt.hold_log()"
RECORDED: Final = "SELECT command_id, outcome, position, version, recorded_at FROM knelpunt.recorded_commands(%s, %s)"


class Outcome(StrEnum):
    """What became of an event that was handed to append."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    REUSED = "reused"
    CONFLICT = "conflict"


_OUTCOMES: Final = {outcome.encode(): outcome for outcome in Outcome}


class Answer(Struct, frozen=True):
    """Append's answer for one event: where it stands, if it or the same command before it was recorded."""

    outcome: Outcome
    position: int | None
    version: int | None
    recorded_at: datetime | None


def append(connection: psycopg.Connection, events: Sequence[NewEvent], request_hashes: Sequence[bytes]) -> list[Answer]:
    """Append ``events`` in this order, and return the answer for each."""
    reply = connection.cursor(binary=True).execute(APPEND, _columns(events, request_hashes), prepare=True)
    return _answers(reply.fetchall())


class AppendLine:
    """A connection of its own for appending, while whoever appends does something else. For one thread."""

    def __init__(self, url: str) -> None:
        """Connect when first needed."""
        self._url = url
        self._line = Line()
        self._marked = 0

    def ready(self) -> int:
        """Connect, if need be, and return the session's mark (``beside``): what is sealed beside it, it may append.

        Raises psycopg's errors.
        """
        if self._line.lost:
            connection = connect_as_registry(self._url, DatabaseRole.APPENDER)
            with closed_on_error(connection):
                self._marked = mark(connection)
                self._line.take(connection, APPEND)
        return self._marked

    def send(self, events: Sequence[NewEvent], request_hashes: Sequence[bytes]) -> Sent:
        """Send events off to be appended in this order. Raises psycopg's errors, if the line is not ready (any more).

        It does not connect anew: keys that were made beside another session may be lost with it (decisions/0058).
        """
        return self._line.send(_columns(events, request_hashes))

    def answers(self, sent: Sent) -> list[Answer]:
        """Return the answers to what was sent, once they are there; asked for in the order in which it was sent.

        Raises psycopg's errors: nothing is known then of this and of all that was sent behind it.
        """
        result = self._line.result(sent)
        return [_answer(result, row) for row in range(result.ntuples)]

    def append(self, events: Sequence[NewEvent], request_hashes: Sequence[bytes]) -> list[Answer]:
        """Append events in this order, with nothing else under way, and return the answer for each."""
        return self.answers(self.send(events, request_hashes))

    def disconnect(self) -> None:
        """Let the connection go; the next events get another."""
        self._line.disconnect()


def _answer(result: PGresult, row: int) -> Answer:
    outcome, position, version, recorded_at = [result.get_value(row, column) for column in range(4)]
    assert outcome is not None, "every event has an outcome"
    return Answer(
        _OUTCOMES[outcome],
        None if position is None else int.from_bytes(position),
        None if version is None else int.from_bytes(version),
        None if recorded_at is None else moment_of(int.from_bytes(recorded_at, signed=True)),
    )


def _columns(events: Sequence[NewEvent], request_hashes: Sequence[bytes]) -> tuple[Array, ...]:
    """Return what ``APPEND`` takes: an array for each column."""
    return (
        text_array(event.kind for event in events),
        uuid_array(cast("UUID", event.originator_id) for event in events),
        int4_array(event.originator_version for event in events),
        text_array(event.topic for event in events),
        int2_array(event.topic_version for event in events),
        uuid_array(event.event_id for event in events),
        timestamptz_array(event.occurred_at for event in events),
        uuid_array(event.command_id for event in events),
        bytea_array(request_hashes),
        uuid_array(event.obstacle_id for event in events),
        bytea_array(event.state for event in events),
    )


def _answers(rows: Sequence[tuple[Any, ...]]) -> list[Answer]:
    return [
        Answer(Outcome(outcome), position, version, recorded_at) for outcome, position, version, recorded_at in rows
    ]


def recorded_commands(
    connection: psycopg.Connection, command_ids: Sequence[UUID], request_hashes: Sequence[bytes]
) -> dict[UUID, Answer]:
    """Return the answers of those commands that have had their effect, by id. Waits for whoever is appending."""
    reply = connection.cursor(binary=True).execute(
        RECORDED, (uuid_array(command_ids), bytea_array(request_hashes)), prepare=True
    )
    return {
        command: Answer(Outcome(outcome), position, version, recorded_at)
        for command, outcome, position, version, recorded_at in reply.fetchall()
    }


def hold_log(connection: psycopg.Connection) -> None:
    """Keep everybody else from appending until the transaction ends."""
    connection.execute(HOLD_LOG)
