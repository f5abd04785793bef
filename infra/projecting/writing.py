"""Writes rows of the read model, and changes until when those stored earlier are the answer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from ...projections.derivation.timelines import Row
from ...projections.read_model import copying
from ...projections.read_model.subject_tables import FORGETTING_LEAVES_FEWER
from ..store.codec import UnreadableEvent

WRITE_SECONDS_MAX: Final = 30
"""How long one statement may take that takes in rows which wait in memory: it takes milliseconds. Within a COPY the
server waits for a program that was stopped, and no limit of silence counts there; so long that program has its claims.
"""

_Change = tuple[UUID, UUID | str | None, datetime, datetime | None, datetime | None, datetime | None]
"""The stream, the thing, where its row begins, and until when it is the answer now: ``as_of_until``,
``until_known_from`` (none: as stored) and ``known_until``, each none for no end."""


def _change(table: LiteralString, name: LiteralString, type_: LiteralString) -> sql.Composed:
    """Return the statement that writes anew until when stored rows are the answer."""
    return sql.SQL(
        "UPDATE {table} AS s SET as_of_until = coalesce(c.until, 'infinity'), "
        "until_known_from = coalesce(c.until_known, s.until_known_from), "
        "known_until = coalesce(c.known_until, 'infinity') "
        "FROM unnest(%s::uuid[], %s::{type}[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], "
        "%s::timestamptz[]) AS c (stream, name, begun, until, until_known, known_until) "
        "WHERE {name} AND s.as_of_from = c.begun AND s.known_until = 'infinity'"
    ).format(table=sql.Identifier(table), type=sql.SQL(type_), name=sql.SQL(name))


_CHANGE: Final = MappingProxyType(
    {
        "case_state": _change("case_state", "s.case_id = c.stream", "text"),
        "case_party": _change("case_party", "s.case_id = c.stream AND s.organisation = c.name", "text"),
        "case_subject": _change("case_subject", "s.case_id = c.stream AND s.subject_id = c.name", "uuid"),
        "case_link": _change("case_link", "s.case_id = c.stream AND s.event_id = c.name", "uuid"),
        "remedy_state": _change("remedy_state", "s.case_id = c.stream AND s.event_id = c.name", "uuid"),
        "chain_state": _change("chain_state", "s.case_id = c.stream AND s.obstacle_id = c.name", "uuid"),
        "gap_state": _change("gap_state", "s.case_id = c.stream AND s.gap_id = c.name", "uuid"),
        "handoff_state": _change("handoff_state", "s.case_id = c.stream AND s.handoff_id = c.name", "uuid"),
        "stream_state": _change("stream_state", "s.stream_id = c.stream", "text"),
        "stream_link": _change(
            "stream_link", "s.stream_id = c.stream AND s.relation || '/' || s.target_id = c.name", "text"
        ),
        "commitment_state": _change("commitment_state", "s.case_id = c.stream AND s.event_id = c.name", "uuid"),
        "escalation_state": _change("escalation_state", "s.stream_id = c.stream AND s.event_id = c.name", "uuid"),
        "notice_state": _change("notice_state", "s.case_id = c.stream AND s.event_id = c.name", "uuid"),
        "telling_state": _change("telling_state", "s.case_id = c.stream AND s.obstacle_id = c.name", "uuid"),
        "todo_state": _change("todo_state", "s.stream_id = c.stream AND s.event_id = c.name", "uuid"),
        "organisation_state": _change("organisation_state", "s.organisation = c.name", "text"),
        "task_state": _change("task_state", "s.stream_id = c.stream AND s.theme = c.name", "text"),
        "strategy_state": _change("strategy_state", "s.stream_id = c.stream AND s.strategy_id = c.name", "uuid"),
    }
)
"""Changes rows by what names them. Of a thing's rows that are still the answer only one begins at a moment; one that is
the answer no more is never touched again."""


def _per_table(text: LiteralString) -> Mapping[str, sql.Composed]:
    """Return a statement for each table: its name, the name of its staging table, and its columns filled in."""
    return MappingProxyType(
        {
            table: sql.SQL(text).format(
                table=sql.Identifier(table),
                staged=sql.Identifier("pg_temp", f"staged_{table}"),
                columns=sql.SQL(", ").join(map(sql.Identifier, columns.split(", "))),
            )
            for table, columns in copying.COLUMNS.items()
        }
    )


_COPY: Final = _per_table("COPY {table} ({columns}) FROM STDIN (FORMAT binary)")
_LIMIT: Final = "SELECT set_config('statement_timeout', %s, true)"
_NO_LIMIT: Final = "SET LOCAL statement_timeout TO DEFAULT"
# COPY does not work under row security: rows go by way of a table that only this connection sees.
# It has the columns that are sent, without those that PostgreSQL works out itself.
# It is emptied first: a transaction that writes two batches must not move the rows of the first one twice.
_STAGE: Final = _per_table(
    "CREATE TEMPORARY TABLE IF NOT EXISTS {staged} ON COMMIT DELETE ROWS AS "
    "SELECT {columns} FROM {table} WITH NO DATA; DELETE FROM {staged}"
)
_COPY_STAGED: Final = _per_table("COPY {staged} ({columns}) FROM STDIN (FORMAT binary)")
_MOVE: Final = _per_table("INSERT INTO {table} ({columns}) SELECT {columns} FROM {staged}")


class Sheets:
    """Rows that wait to be written, table by table."""

    __slots__ = ("_changes", "_rows", "size")

    def __init__(self) -> None:
        """Start with none."""
        self._rows: dict[str, list[bytes]] = defaultdict(list)
        self._changes: dict[str, list[_Change]] = defaultdict(list)
        self.size = 0
        """How many rows wait."""

    def add(self, stream: UUID, rows: Sequence[Row], changed: Iterable[Row] = ()) -> None:
        """Take in the rows of a stream, and those stored earlier that have changed."""
        copying.encode(stream, rows, self._rows)
        self.size += len(rows)
        for row in changed:
            state = row.state
            self._changes[copying.table_of(state)].append(
                (
                    stream,
                    copying.name_of(state),
                    row.as_of_from,
                    row.as_of_until,
                    row.until_known_from,
                    row.known_until,
                )
            )

    def write(self, connection: psycopg.Connection) -> None:
        """Write all of it in the transaction that is open, and forget it.

        Changes come first: a new row may begin where one ended.
        """
        for table, changes in self._changes.items():
            columns = [list(column) for column in zip(*changes, strict=True)]
            done = connection.execute(_CHANGE[table], columns).rowcount
            # One row changes for each: anything else means that the rows are not those that the events make.
            # Save of those that went with somebody who was erased.
            few = done < len(changes) and table in FORGETTING_LEAVES_FEWER
            assert done == len(changes) or few, f"{table}: {done} rows changed instead of {len(changes)}"
        if self._rows:
            connection.execute(_LIMIT, (f"{WRITE_SECONDS_MAX}s",))
            for table, rows in self._rows.items():
                connection.execute(_STAGE[table])
                _copy(connection, _COPY_STAGED[table], rows)
                connection.execute(_MOVE[table])
            connection.execute(_NO_LIMIT)
        self._forget()

    def fill(self, connection: psycopg.Connection) -> None:
        """Write all of it to tables that nobody reads yet and that row security does not guard yet, and forget it."""
        assert not self._changes, "a table that is being filled has no rows to change"
        for table, rows in self._rows.items():
            _copy(connection, _COPY[table], rows)
        self._forget()

    def _forget(self) -> None:
        self._rows.clear()
        self._changes.clear()
        self.size = 0


def _copy(connection: psycopg.Connection, statement: sql.Composed, rows: Sequence[bytes]) -> None:
    """Send rows to a COPY."""
    with connection.cursor().copy(statement) as copy:
        copy.write(b"".join((copying.HEADER, *rows, copying.END)))


# All that can be told of such an event stands beside what cannot be read.
TO_READ: Final = (
    "INSERT INTO todo_state (as_of_from, as_of_until, known_from, until_known_from, known_until, since, position, "
    "case_id, stream_id, event_id, kind, organisation) "
    "SELECT occurred_at, 'infinity', recorded_at, recorded_at, 'infinity', occurred_at, position, case_id, stream_id, "
    "event_id, 'QUARANTINED', %s FROM knelpunt.event WHERE position = %s ON CONFLICT DO NOTHING"
)


def quarantine(connection: psycopg.Connection, found: Sequence[UnreadableEvent]) -> None:
    """Note events that cannot be read, and that somebody has to see to it."""
    cursor = connection.cursor()
    cursor.executemany(
        "INSERT INTO quarantined (case_id, position, reason) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        [(error.stream, error.position, error.reason) for error in found],
    )
    cursor.executemany(TO_READ, [(error.told_by, error.position) for error in found])
