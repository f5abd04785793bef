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
from .errors import BackupError
from .folder import Applied, Manifest, PartWriter, Progress, unfinished
from .tables import REGISTRY, VAULT, Table, copy_out, set_forms, tables

EVENT: Final = "event"

NO_REGISTRY: Final = (
    "The database holds no registry to back up: check KNELPUNT_DATABASE_URL, or KNELPUNT_DATA_DIR without it."
)

VAULT_COMPLETE: Final = "0017_vault_secret.sql"
"""The migration with the last of the tables that there must be; a database without it was never put to use."""

REPORTED_ROWS: Final = 10_000
"""How often progress is told."""


class Taken(Struct, frozen=True):
    """What a backup came to hold: the last event's position (-1: none), and the rows of each part."""

    position: int
    rows: int
    vault_rows: int


def take(url: str, folder: Path, progress: Progress) -> Taken:
    """Back up the registry at ``url`` into ``folder``, which must not be there yet; all of it, or nothing.

    ``url`` logs in as who migrates. Raises ``BackupError``, ``MigrationError`` for a database of a newer version, and
    ``psycopg.Error``.
    """
    # Of any older schema there can be a backup, and there should be one before it is brought up to date.
    pending(url)
    with _reader(url) as connection, unfinished(folder) as place:
        with connection.transaction():
            head = connection.execute(
                "SELECT origin, next_position FROM knelpunt.registry, knelpunt.log_head"
            ).fetchone()
            assert head is not None, "a migrated database has its origin and its head"
            origin, next_position = head
            common = Manifest(
                part=REGISTRY,
                program=version("knelpunt"),
                made_at=datetime.now(UTC),
                backup=uuid4(),
                origin=origin,
                position=next_position - 1,
                migrations=tuple(Applied(number, *rest) for number, rest in applied(connection).items()),
                tables=(),
            )
            secret = connection.execute("SELECT wrapped FROM vault.secret ORDER BY name LIMIT 1").fetchone()
            writers = {REGISTRY: PartWriter(place), VAULT: PartWriter(place / VAULT)}
            written: dict[str, list[Table]] = {REGISTRY: [], VAULT: []}
            for found in tables(connection):
                total = next_position if found.table.name == EVENT else None
                told = f"{found.schema}.{found.table.name}"
                read = _read(connection, copy_out(found), told, total, progress)
                rows = writers[found.schema].table(found.table.name, read)
                written[found.schema].append(structs.replace(found.table, rows=rows))
        # The transaction is over before the disk is waited for.
        writers[VAULT].finish(
            structs.replace(
                common, part=VAULT, tables=tuple(written[VAULT]), wrapped_secret=None if secret is None else secret[0]
            )
        )
        writers[REGISTRY].finish(structs.replace(common, tables=tuple(written[REGISTRY])))
    return Taken(common.position, *(sum(table.rows for table in written[part]) for part in (REGISTRY, VAULT)))


def _reader(url: str) -> psycopg.Connection:
    """Return a connection that sees everything, at one moment in each transaction, and changes nothing."""
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
        _make_ready(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_ready(connection: psycopg.Connection) -> None:
    """Keep migrations out for as long as the connection lives, and see that there is a registry."""
    held = connection.execute("SELECT pg_try_advisory_lock_shared(%s)", (LOCK,)).fetchone()
    if held is None or not held[0]:
        raise BackupError("The database is being migrated: let that finish, then back up.")
    if not any(name == VAULT_COMPLETE for name, _ in applied(connection).values()):
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
