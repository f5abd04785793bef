"""The calls of the database's append functions: events in, an answer for each out.

Nothing else writes events. What the functions promise stands in infra/migrations, above each of them.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, cast
from uuid import UUID

import psycopg
from msgspec import Struct

from .arrays import bytea_array, int2_array, int4_array, text_array, timestamptz_array, uuid_array
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
    reply = connection.cursor(binary=True).execute(
        APPEND,
        (
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
        ),
        prepare=True,
    )
    return [
        Answer(Outcome(outcome), position, version, recorded_at)
        for outcome, position, version, recorded_at in reply.fetchall()
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
