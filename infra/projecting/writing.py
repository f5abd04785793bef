"""Writes rows of the read model, and closes those that are no longer the answer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from ...projections.derivation.timelines import Close, Row
from ...projections.read_model import copying

_CLOSE: Final[Mapping[str, sql.SQL]] = MappingProxyType(
    {
        "case_state": sql.SQL(
            "UPDATE case_state AS s SET known_until = c.at "
            "FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::timestamptz[]) AS c (case_id, name, begun, at) "
            "WHERE s.case_id = c.case_id AND s.as_of_from = c.begun AND s.known_until = 'infinity'"
        ),
        "case_party": sql.SQL(
            "UPDATE case_party AS s SET known_until = c.at "
            "FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::timestamptz[]) AS c (case_id, name, begun, at) "
            "WHERE s.case_id = c.case_id AND s.organisation = c.name AND s.as_of_from = c.begun "
            "AND s.known_until = 'infinity'"
        ),
        "chain_state": sql.SQL(
            "UPDATE chain_state AS s SET known_until = c.at "
            "FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS c (case_id, name, begun, at) "
            "WHERE s.case_id = c.case_id AND s.obstacle_id = c.name AND s.as_of_from = c.begun "
            "AND s.known_until = 'infinity'"
        ),
        "gap_state": sql.SQL(
            "UPDATE gap_state AS s SET known_until = c.at "
            "FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS c (case_id, name, begun, at) "
            "WHERE s.case_id = c.case_id AND s.gap_id = c.name AND s.as_of_from = c.begun "
            "AND s.known_until = 'infinity'"
        ),
        "handoff_state": sql.SQL(
            "UPDATE handoff_state AS s SET known_until = c.at "
            "FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS c (case_id, name, begun, at) "
            "WHERE s.case_id = c.case_id AND s.handoff_id = c.name AND s.as_of_from = c.begun "
            "AND s.known_until = 'infinity'"
        ),
        "organisation_state": sql.SQL(
            "UPDATE organisation_state AS s SET known_until = c.at "
            "FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::timestamptz[]) AS c (case_id, name, begun, at) "
            "WHERE s.organisation = c.name AND s.as_of_from = c.begun AND s.known_until = 'infinity'"
        ),
    }
)
"""Closes rows by what names them; a row that is closed is never touched again."""


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
# COPY does not work under row security: rows go by way of a table that only this connection sees.
# It is emptied first: a transaction that writes two batches must not move the rows of the first one twice.
_STAGE: Final = _per_table(
    "CREATE TEMPORARY TABLE IF NOT EXISTS {staged} (LIKE {table}) ON COMMIT DELETE ROWS; DELETE FROM {staged}"
)
_COPY_STAGED: Final = _per_table("COPY {staged} ({columns}) FROM STDIN (FORMAT binary)")
_MOVE: Final = _per_table("INSERT INTO {table} ({columns}) SELECT {columns} FROM {staged}")


class Sheets:
    """Rows that wait to be written, table by table."""

    __slots__ = ("_closes", "_rows", "size")

    def __init__(self) -> None:
        """Start with none."""
        self._rows: dict[str, list[bytes]] = defaultdict(list)
        self._closes: dict[str, list[tuple[UUID, UUID | str | None, datetime, datetime]]] = defaultdict(list)
        self.size = 0
        """How many rows wait."""

    def add(self, stream: UUID, rows: Sequence[Row], closes: Iterable[Close] = ()) -> None:
        """Take in the rows of a stream, and what they close."""
        for table, row in copying.encode(stream, rows):
            self._rows[table].append(row)
        self.size += len(rows)
        for close in closes:
            self._closes[copying.table_of(close.state)].append(
                (stream, copying.name_of(close.state), close.as_of_from, close.known_until)
            )

    def write(self, connection: psycopg.Connection) -> None:
        """Write all of it in the transaction that is open, and forget it. Closes first: a row may take their place."""
        for table, closes in self._closes.items():
            streams, names, begun, at = zip(*closes, strict=True)
            done = connection.execute(_CLOSE[table], (list(streams), list(names), list(begun), list(at))).rowcount
            # One row closes for each: anything else means that the rows are not those that the events make.
            assert done == len(closes), f"{table}: {done} rows closed instead of {len(closes)}"
        for table, rows in self._rows.items():
            connection.execute(_STAGE[table])
            _copy(connection, _COPY_STAGED[table], rows)
            connection.execute(_MOVE[table])
        self._forget()

    def fill(self, connection: psycopg.Connection) -> None:
        """Write all of it to tables that nobody reads yet and that row security does not guard yet, and forget it."""
        assert not self._closes, "a table that is being filled has no rows to close"
        for table, rows in self._rows.items():
            _copy(connection, _COPY[table], rows)
        self._forget()

    def _forget(self) -> None:
        self._rows.clear()
        self._closes.clear()
        self.size = 0


def _copy(connection: psycopg.Connection, statement: sql.Composed, rows: Sequence[bytes]) -> None:
    """Send rows to a COPY."""
    with connection.cursor().copy(statement) as copy:
        copy.write(b"".join((copying.HEADER, *rows, copying.END)))


def quarantine(connection: psycopg.Connection, found: Sequence[tuple[UUID, int, str]]) -> None:
    """Note events that cannot be read, each with its case, position and reason."""
    connection.cursor().executemany(
        "INSERT INTO quarantined (case_id, position, reason) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", found
    )
