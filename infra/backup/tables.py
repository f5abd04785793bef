"""What a backup holds: every table of the registry's log and of its vault, as the database itself lists them.

Nothing here names a table, so one that a later migration adds is in the backup without anybody thinking of it. The read
model is not: it is derived.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

import psycopg
from msgspec import Struct
from psycopg import sql

REGISTRY: Final = "knelpunt"
VAULT: Final = "vault"
LOGBOOK: Final = "logbook"
SCHEMAS: Final = (REGISTRY, VAULT, LOGBOOK)

PARTS: Final = MappingProxyType({REGISTRY: (REGISTRY,), VAULT: (VAULT, LOGBOOK)})
"""Which schemas go into which part of a backup: who read of whom goes with the keys by which alone that can be read."""

# That migrations ran is in the manifest. Partitions are read and filled by way of the table they are parts of.
_TABLES: Final = """
SELECT n.nspname::text, c.relname::text,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''),
       (SELECT array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum))
          FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
         WHERE i.indrelid = c.oid AND i.indisprimary),
       c.relforcerowsecurity
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND (n.nspname, c.relname) <> ('knelpunt', 'migration')
 ORDER BY n.nspname DESC, c.relname
"""

_FORMS: Final = (
    ("bytea_output", "escape"),  # what is JSON in the database is JSON in the file, to be read without any program
    ("datestyle", "ISO, YMD"),
    ("intervalstyle", "iso_8601"),
    ("timezone", "UTC"),
    ("extra_float_digits", "1"),
)


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """A table as a manifest has it: its columns in the order in which the file has them, and how many rows."""

    name: str
    columns: tuple[str, ...]
    rows: int = 0


class Found(Struct, frozen=True):
    """A table of the database, and the columns by which its rows are put in order."""

    schema: str
    table: Table
    order: tuple[str, ...]
    forced: bool
    """Whether row security holds for the table's owner too."""


def tables(connection: psycopg.Connection) -> list[Found]:
    """Return every table to back up or to fill: those of the vault first, since they are small and say most."""
    rows = connection.execute(_TABLES, (list(SCHEMAS),)).fetchall()
    return [
        Found(schema, Table(name, tuple(columns)), tuple(order or columns), forced)
        for schema, name, columns, order, forced in rows
    ]


def set_forms(connection: psycopg.Connection) -> None:
    """Let values be written in one form, whatever the server and its databases are set to."""
    for name, value in _FORMS:
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))


def copy_out(found: Found) -> sql.Composed:
    """Return the statement that reads a table, in one order: the same rows make the same file."""
    return sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT (ENCODING 'UTF8')").format(
        _names(found.table.columns), sql.Identifier(found.schema, found.table.name), _names(found.order)
    )


def copy_in(schema: str, table: Table) -> sql.Composed:
    """Return the statement that fills a table with what ``copy_out`` read."""
    return sql.SQL("COPY {} ({}) FROM STDIN (ENCODING 'UTF8')").format(
        sql.Identifier(schema, table.name), _names(table.columns)
    )


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
