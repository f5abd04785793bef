"""The calls of the database's append functions: events in, an answer for each out.

Nothing else writes events. What the functions promise stands in infra/migrations, above each of them.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, cast
from uuid import UUID

import psycopg
from msgspec import Struct

from .arrays import bytea_array, int2_array, int4_array, text_array, timestamptz_array, uuid_array
from .connection import DatabaseRole, connect_to_wait_as_registry
from .mapper import NewEvent

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
    """A connection of its own for appending, while whoever appends does something else. For one thread.

    psycopg sends and waits in one call, but for its connections of asyncio. So this has a loop, which runs for as long
    as it takes to send, and again when the answers are wanted.
    """

    def __init__(self, url: str) -> None:
        """Connect when first needed."""
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._connection: psycopg.AsyncConnection | None = None

    def send(self, events: Sequence[NewEvent], request_hashes: Sequence[bytes]) -> "asyncio.Task[list[Answer]]":
        """Send events off to be appended in this order. Raises psycopg's errors, if it cannot connect.

        Behind others that are under way they wait for these, and go as soon as their answers are read.
        """
        if self._connection is None or self._connection.closed:
            self._connection = self._loop.run_until_complete(
                connect_to_wait_as_registry(self._url, DatabaseRole.APPENDER)
            )
        sent = self._loop.create_task(self._append(self._connection, _columns(events, request_hashes)))
        # One turn of the loop: it goes as far as to wait for the answer. Of what is more than fits on the way the rest
        # goes when the answer is asked for.
        self._loop.run_until_complete(asyncio.sleep(0))
        return sent

    def answers(self, sent: "asyncio.Task[list[Answer]]") -> list[Answer]:
        """Return the answers to what was sent, once they are there. Raises psycopg's errors: nothing is known then."""
        return self._loop.run_until_complete(sent)

    def disconnect(self) -> None:
        """Let the connection go; the next events get another."""
        if self._connection is not None:
            self._loop.run_until_complete(self._connection.close())
            self._connection = None

    def close(self) -> None:
        """Disconnect, for good."""
        self.disconnect()
        self._loop.close()

    @staticmethod
    async def _append(connection: psycopg.AsyncConnection, columns: Sequence[object]) -> list[Answer]:
        reply = await connection.cursor(binary=True).execute(APPEND, columns, prepare=True)
        return _answers(await reply.fetchall())


def _columns(events: Sequence[NewEvent], request_hashes: Sequence[bytes]) -> tuple[object, ...]:
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
