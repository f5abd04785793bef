"""Makes a backup: every table as it stood at one moment, while the registry goes on.

One transaction reads all of it in one snapshot. It takes no lock that anybody who records or asks would wait for; only
migrations are kept out, and keep it out, since they change what there is to read.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final
from uuid import uuid4

import psycopg
from msgspec import Struct, structs
from psycopg.sql import Composed

from ..store.connection import DatabaseRole, connect
from ..store.migrate import LOCK, applied, pending
from ..vault.apart import pending_apart
from .errors import BackupError
from .folder import Applied, Manifest, PartWriter, Progress, unfinished
from .tables import PARTS, REGISTRY, VAULT, Table, copy_out, set_forms, tables

EVENT: Final = "event"

NO_REGISTRY: Final = (
    "The database holds no registry to back up: check KNELPUNT_DATABASE_URL, or KNELPUNT_DATA_DIR without it."
)

COMPLETE: Final = "0013_append_history.sql"
VAULT_COMPLETE: Final = "0017_vault_secret.sql"
"""The last migrations that there must be of each part; a database without them was never put to use."""

REPORTED_ROWS: Final = 10_000
"""How often progress is told."""


class Taken(Struct, frozen=True):
    """What a backup came to hold: the last event's position (-1: none), and the rows of each part."""

    position: int
    rows: int
    vault_rows: int


def take(url: str, folder: Path, progress: Progress, vault_url: str | None = None) -> Taken:
    """Back up the registry at ``url`` into ``folder``, which must not be there yet; all of it, or nothing.

    The vault is at ``vault_url``, none being in the same database. It is read after the log: so it has every key that
    the log needs, and knows of whoever is erased in between. Both URLs log in as who migrates. Raises ``BackupError``,
    ``MigrationError`` for a database of a newer version, and ``psycopg.Error``.
    """
    # Of any older schema there can be a backup, and there should be one before it is brought up to date.
    pending(url)
    if vault_url is not None:
        pending_apart(vault_url)
    with (
        _reader(url, COMPLETE) as registry,
        _reader(vault_url or url, VAULT_COMPLETE) as vault,
        unfinished(folder) as place,
    ):
        with registry.transaction():
            head = registry.execute("SELECT origin, next_position FROM knelpunt.registry, knelpunt.log_head").fetchone()
            assert head is not None, "a migrated database has its origin and its head"
            origin, next_position = head
            common = Manifest(
                part=REGISTRY,
                program=version("knelpunt"),
                made_at=datetime.now(UTC),
                backup=uuid4(),
                origin=origin,
                position=next_position - 1,
                migrations=_applied(registry),
                tables=(),
            )
            writer = PartWriter(place)
            common = structs.replace(common, tables=_written(registry, REGISTRY, writer, next_position, progress))
        with vault.transaction():
            keeping = PartWriter(place / VAULT)
            secret = vault.execute("SELECT wrapped FROM vault.secret ORDER BY name LIMIT 1").fetchone()
            kept = structs.replace(
                common,
                part=VAULT,
                migrations=_applied(vault),
                tables=_written(vault, VAULT, keeping, None, progress),
                wrapped_secret=None if secret is None else secret[0],
            )
        # The transactions are over before the disk is waited for.
        keeping.finish(kept)
        writer.finish(common)
    return Taken(common.position, *(sum(table.rows for table in part.tables) for part in (common, kept)))


def _applied(connection: psycopg.Connection) -> tuple[Applied, ...]:
    return tuple(Applied(number, *rest) for number, rest in applied(connection).items())


def _written(
    connection: psycopg.Connection, part: str, writer: PartWriter, events: int | None, progress: Progress
) -> tuple[Table, ...]:
    """Write every table of a part, and return what was written; ``events`` is how many events there are."""
    written: list[Table] = []
    for found in (one for one in tables(connection) if one.schema in PARTS[part]):
        total = events if found.table.name == EVENT else None
        told = f"{found.schema}.{found.table.name}"
        rows = writer.table(found.table.name, _read(connection, copy_out(found), told, total, progress))
        written.append(structs.replace(found.table, rows=rows))
    return tuple(written)


def _reader(url: str, complete: str) -> psycopg.Connection:
    """Return a connection that sees everything, at one moment in each transaction, and changes nothing.

    The database must have run the migration ``complete``.
    """
    try:
        connection = connect(url, DatabaseRole.OWNER)
    except psycopg.OperationalError as error:
        if "permission denied to set role" in str(error):
            message = "This login may not read the log and the vault whole: back up with the login that migrates."
            raise BackupError(message) from error
        if f'role "{DatabaseRole.OWNER}" does not exist' in str(error):
            raise BackupError(NO_REGISTRY) from error
        raise
    try:
        _make_ready(connection, complete)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_ready(connection: psycopg.Connection, complete: str) -> None:
    """Keep migrations out for as long as the connection lives, and see that there is a registry."""
    held = connection.execute("SELECT pg_try_advisory_lock_shared(%s)", (LOCK,)).fetchone()
    if held is None or not held[0]:
        raise BackupError("The database is being migrated: let that finish, then back up.")
    if not any(name == complete for name, _ in applied(connection).values()):
        raise BackupError(NO_REGISTRY)
    set_forms(connection)
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True


def _read(
    connection: psycopg.Connection, statement: Composed, told: str, total: int | None, progress: Progress
) -> Iterator[bytes | bytearray | memoryview]:
    """Yield a table in the text form of COPY."""
    progress(told, 0, total)
    rows = 0
    with connection.cursor().copy(statement) as copy:
        for piece in copy:
            yield piece
            rows += 1
            if rows % REPORTED_ROWS == 0:
                progress(told, rows, total)
    progress(told, rows, rows)
