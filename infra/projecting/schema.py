"""The schema in which the read model stands, and which definition its rows follow.

The read model in use is the schema ``read``; a rebuild fills ``read_next`` and takes its place by renaming. Its tables
are no migrations: they hold nothing that the events do not, so a new definition is a rebuild and never a conversion.
"""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final, LiteralString, cast

import psycopg
from psycopg import sql

from ...projections.read_model import copying

LIVE: Final = "read"
NEXT: Final = "read_next"

DERIVATION: Final = 6
"""The version of what is derived. Raised with every change that makes other rows of the same events."""

_SQL: Final = ("tables.sql", "indexes.sql", "keys.sql", "counted.sql", "security.sql")

SHARES: Final = 16
"""How many shares the work is parted into, a power of two: so many projectors can have one each."""

CREATE_LOCK: Final = 0x6B6E6C70_6372656D
"""The advisory lock that whoever makes the first read model holds ("knlpcrem")."""


class ReadModelOutdated(Exception):  # noqa: N818  named for what it is
    """The rows in use follow another definition than this program; a rebuild mends it."""


@cache
def _script(name: str) -> LiteralString:
    """Return a script of the read model; it is part of the program, and nobody's input."""
    return cast("LiteralString", (Path(copying.__file__).parent / name).read_text(encoding="utf-8"))


@cache
def definition() -> str:
    """Return what names the definition that this program's rows follow."""
    return sha256("".join((*map(_script, _SQL), str(DERIVATION))).encode()).hexdigest()


def create(connection: psycopg.Connection, schema: str) -> None:
    """Create an empty read model without indexes, in the transaction that is open; one that stood there is dropped."""
    name = sql.Identifier(schema)
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    within(connection, schema)
    connection.execute(_script("tables.sql"))
    connection.execute("INSERT INTO derived (definition) VALUES (%s)", (definition(),))
    connection.execute("INSERT INTO part (shares) VALUES (%s)", (list(range(SHARES)),))


def index_statements() -> list[LiteralString]:
    """Return the statements that make the indexes, one each. Several connections may execute them at a time."""
    return [statement for statement in _script("indexes.sql").split(";\n") if statement.strip()]


def indexed_table(statement: str) -> str:
    """Return the table that a statement of ``index_statements`` makes an index of."""
    return statement.partition(" ON ")[2].partition(" ")[0]


def finish(connection: psycopg.Connection, schema: str) -> None:
    """Make keys of the indexes that have been made, and say who may read, in the transaction that is open."""
    within(connection, schema)
    connection.execute(_script("keys.sql"))
    connection.execute(_script("counted.sql"))
    connection.execute(_script("security.sql"))


def within(connection: psycopg.Connection, schema: str) -> None:
    """Let the names of tables mean those of one read model, to the end of the transaction."""
    connection.execute("SELECT set_config('search_path', %s, true)", (schema,))


def exists(connection: psycopg.Connection, schema: str = LIVE) -> bool:
    """Return whether a read model stands in a schema."""
    row = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", (schema,)).fetchone()
    return row is not None and bool(row[0])


def ensure(connection: psycopg.Connection) -> None:
    """Create the read model where there is none; raises ``ReadModelOutdated`` where there is another."""
    if not exists(connection):
        with connection.transaction():
            # Of several that find none, one makes it; the others wait, and find it.
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (CREATE_LOCK,))
            if not exists(connection):
                create(connection, LIVE)
                for statement in index_statements():
                    connection.execute(statement)
                finish(connection, LIVE)
    row = connection.execute("SELECT definition FROM read.projected").fetchone()
    if row is None or row[0] != definition():
        message = "The read model follows an older definition; run: knelpunt project --rebuild"
        raise ReadModelOutdated(message)
