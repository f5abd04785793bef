"""Restores a backup into a database that holds no events: all of it in one transaction, or nothing.

The schema is made as it was when the backup was, so that the rows fit, and brought up to date afterwards as any other.
Events come back as they were, with position and moment of recording; so do commands, so that what is sent again gets
its first answer.
"""

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Final
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap
from msgspec import Struct
from psycopg import sql

from ...domain.event import Event
from ...domain.ids import SubjectId
from ..projecting.forgetting import erased_subjects
from ..store.codec import Row
from ..store.connection import CONNECT_SECONDS_MAX, DatabaseRole
from ..store.migrate import LOCK, LOCK_WAIT, Migration, applied, for_vault, migrations, run_within
from ..store.reading import COLUMNS, attempt
from ..vault.texts import sealed_texts
from .errors import BackupError
from .folder import Applied, Part, Progress, check, rows_of, size
from .tables import PARTS, REGISTRY, SCHEMAS, VAULT, Found, Table, copy_in, set_forms, tables

OTHERS: Final = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
"""
"""Who else is connected. A service that runs would go on with the origin and the secrets of the registry it found."""

SINCE: Final = f"SELECT {COLUMNS} FROM knelpunt.event WHERE position > %s ORDER BY position"  # noqa: S608

LEAVING_SECONDS_MAX: Final = 2.0
"""How long to wait for them: a server notices a moment later than a program that it has left."""


class Backup(Struct, frozen=True):
    """Both parts of a backup, which belong together."""

    registry: Part
    vault: Part

    @property
    def parts(self) -> tuple[Part, Part]:
        """The parts, in the order in which they are restored: the vault's is small, and may show what is wrong."""
        return self.vault, self.registry


def together(registry: Part, vault: Part) -> Backup:
    """Return the two parts as one backup.

    The vault's may be of another one. A later one has every key that the log needs, save those of people erased since;
    whether an earlier one has, ``restore`` finds out. Raises ``BackupError``.
    """
    ours, other = registry.manifest, vault.manifest
    if ours.origin != other.origin:
        raise BackupError(f"{vault.folder} is the vault of another registry than {registry.folder}: name its own.")
    if _of_vault(ours.migrations) != _of_vault(other.migrations):
        message = (
            f"{vault.folder} and {registry.folder} are of different versions of the schema: name the vault of the same."
        )
        raise BackupError(message)
    return Backup(registry, vault)


def _of_vault(listed: tuple[Applied, ...]) -> list[Applied]:
    """Return those migrations that make a vault: one in a database of its own has run no others."""
    return [one for one in listed if for_vault(Migration(one.number, one.name, ""))]


def check_key(backup: Backup, master: bytes) -> None:
    """Raise ``BackupError`` if the vault was not sealed under this master key: its texts could never be read."""
    wrapped = backup.vault.manifest.wrapped_secret
    if wrapped is None:
        return
    try:
        aes_key_unwrap(master, wrapped)
    except InvalidUnwrap:
        message = "The master key is not the one that this backup's vault was sealed under: restore that one first."
        raise BackupError(message) from None


def check_files(backup: Backup, progress: Progress) -> None:
    """Read every file of a backup and raise ``BackupError`` for one that is not as it was written."""
    read = _counting("checking", sum(map(size, backup.parts)), progress)
    for part in backup.parts:
        check(part, read)


def restore(url: str, backup: Backup, progress: Progress, vault_url: str | None = None) -> None:
    """Fill the database at ``url`` with a backup, in one transaction, and leave the schema as it then was.

    The vault goes to ``vault_url``, none being the same database. In a database of its own it is there before the log
    is; a vault of this registry that stands there already, as after a restore that was killed in between, is left as
    it is. Both URLs log in as who migrates. The files must have been checked. Raises ``BackupError`` and
    ``psycopg.Error``.
    """
    wanted = _known(backup.registry.manifest.migrations)
    read = _counting("restoring", sum(map(size, backup.parts)), progress)
    kept = vault_url is not None and _make_vault(vault_url, wanted, backup)
    with ExitStack() as closing:
        registry = closing.enter_context(_alone(url))
        _refuse_used(registry)
        _bring_to(registry, wanted)
        vault = registry if vault_url is None else closing.enter_context(_alone(vault_url))
        for connection in dict.fromkeys((vault, registry)):
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(DatabaseRole.OWNER)))
            set_forms(connection)
        if not kept:
            vault.execute("UPDATE knelpunt.registry SET origin = %s", (backup.vault.manifest.origin,))
            _fill_all(vault, VAULT, backup.vault, read)
        _make_room(registry, backup.registry.manifest.position + 1)
        _fill_all(registry, REGISTRY, backup.registry, read)
        _pause_webhooks(registry)
        _check_head(registry, backup)
        _check_keys(registry, vault, backup)
        # Connections commit in the order in which they are left: the vault's first.


def _make_room(registry: psycopg.Connection, events: int) -> None:
    """Have partitions for so many events, and for those that come before whoever records makes the next one.

    An older version of the schema has one table for all of them.
    """
    row = registry.execute("SELECT to_regprocedure('knelpunt.reach_partition(bigint)') IS NOT NULL").fetchone()
    if row is not None and row[0]:
        registry.execute("SELECT knelpunt.reach_partition(%s + knelpunt.partition_events() / 2 + 1)", (events,))


def _pause_webhooks(registry: psycopg.Connection) -> None:
    """Have nothing sent until somebody says so: what is restored may be a copy, or older than what was sent."""
    row = registry.execute("SELECT to_regclass('knelpunt.webhook') IS NOT NULL").fetchone()
    if row is not None and row[0]:
        registry.execute("UPDATE knelpunt.webhook SET paused = true WHERE ended_at IS NULL")


def _make_vault(vault_url: str, wanted: list[Migration], backup: Backup) -> bool:
    """Make the schema of a vault that has a database of its own; whether the registry's vault stands there already.

    Committed by itself, and empty: both databases share their server's roles, and neither could make them while the
    other one's transaction, which has made them, goes on.
    """
    with _alone(vault_url) as vault:
        if _holds_vault_of(vault, backup):
            return True
        _refuse_used(vault)
        _bring_to(vault, [migration for migration in wanted if for_vault(migration)])
        return False


@contextmanager
def _alone(url: str) -> Generator[psycopg.Connection]:
    """Give a connection to a database that nobody else uses or migrates, committed at the end if all went well."""
    with psycopg.connect(url, connect_timeout=CONNECT_SECONDS_MAX) as connection:
        connection.execute("SELECT set_config('lock_timeout', %s, false)", (LOCK_WAIT,))
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        _refuse_company(connection)
        yield connection


def _holds_vault_of(connection: psycopg.Connection, backup: Backup) -> bool:
    """Return whether a database holds the vault of the registry that is restored, and it was put to use."""
    if not _schema_is_there(connection):
        return False
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(DatabaseRole.OWNER)))
    origin = connection.execute("SELECT origin FROM knelpunt.registry").fetchone()
    used = connection.execute("SELECT EXISTS (SELECT FROM vault.secret)").fetchone()
    connection.execute("RESET ROLE")
    return origin == (backup.vault.manifest.origin,) and used == (True,)


def _fill_all(connection: psycopg.Connection, kind: str, part: Part, read: Callable[[int], None]) -> None:
    """Put every table of a part in its place."""
    there = {found.table.name: found for found in tables(connection) if found.schema in PARTS[kind]}
    held = {table.name: table.columns for table in part.manifest.tables}
    if held != {name: found.table.columns for name, found in there.items()}:
        message = f"{part.folder} does not hold the tables that its version of the schema has: use another copy."
        raise BackupError(message)
    for table in part.manifest.tables:
        _fill(connection, there[table.name], table, part, read)


def _refuse_company(connection: psycopg.Connection) -> None:
    """Raise ``BackupError`` if other programs go on using the database."""
    deadline = time.monotonic() + LEAVING_SECONDS_MAX
    while (others := connection.execute(OTHERS).fetchone()) is not None and others[0]:
        if time.monotonic() > deadline:
            message = "Other programs use the database: stop knelpunt serve and what else does, then restore."
            raise BackupError(message)
        time.sleep(0.05)
        # Within a transaction the server would go on showing who was there when it was first asked.
        connection.execute("SELECT pg_stat_clear_snapshot()")


def _known(listed: tuple[Applied, ...]) -> list[Migration]:
    """Return the migrations that a backup's schema was made by. Raises ``BackupError`` for one that is not ours."""
    ours = {migration.number: migration for migration in migrations()}
    for one in listed:
        if one.number not in ours or ours[one.number].checksum != one.checksum:
            message = (
                f"The backup was made by a version that ran {one.name}, which this one does not know: "
                "install that version, or a newer one."
            )
            raise BackupError(message)
    return [ours[one.number] for one in listed]


def _refuse_used(connection: psycopg.Connection) -> None:
    """Raise ``BackupError`` if the database holds a registry in which anything was recorded."""
    if not _schema_is_there(connection):
        return
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(DatabaseRole.OWNER)))
    for found in tables(connection):
        if (found.schema, found.table.name) not in {(REGISTRY, "event"), (VAULT, "key"), (VAULT, "fence")}:
            continue
        name = sql.Identifier(found.schema, found.table.name)
        row = connection.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(name)).fetchone()
        if row is not None and row[0]:
            message = (
                "The database holds a registry already: restore into an empty one, or if a restore into this one was "
                "interrupted, run knelpunt migrate and knelpunt project --rebuild."
            )
            raise BackupError(message)
    connection.execute("RESET ROLE")


def _schema_is_there(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT to_regclass('knelpunt.migration') IS NOT NULL").fetchone()
    return row is not None and bool(row[0])


def _bring_to(connection: psycopg.Connection, wanted: list[Migration]) -> None:
    """Make the schema what these migrations make; an empty one that went further is made anew."""
    there = {number: checksum for number, (_, checksum) in applied(connection).items()}
    if not there.items() <= {migration.number: migration.checksum for migration in wanted}.items():
        for schema in SCHEMAS:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
        there = {}
    run_within(connection, [migration for migration in wanted if migration.number not in there])


def _fill(connection: psycopg.Connection, found: Found, table: Table, part: Part, read: Callable[[int], None]) -> None:
    """Put a table's rows in the place of what a migration may have left in it."""
    name = sql.Identifier(found.schema, table.name)
    # What comes back is not done anew, so nothing is noted of it in the security log, which comes back as it was.
    connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(name))
    row = connection.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(name)).fetchone()
    if row is not None and row[0]:
        connection.execute(sql.SQL("DELETE FROM {}").format(name))
    # COPY fills no table whose row security holds for its owner too. Nobody else sees that it is lifted: until the
    # commit, which is of all or nothing, the table is locked against everybody.
    if found.forced:
        connection.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(name))
    with connection.cursor() as cursor:
        with cursor.copy(copy_in(found.schema, table)) as copy:
            for piece in rows_of(part.file(table), read):
                copy.write(piece)
        if cursor.rowcount != table.rows:
            raise BackupError(f"{part.file(table)} does not hold the {table.rows} rows it should: use another copy.")
    if found.forced:
        connection.execute(sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(name))
    connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(name))
    connection.execute(sql.SQL("ANALYZE {}").format(name))


def _check_head(connection: psycopg.Connection, backup: Backup) -> None:
    """See that the log is without holes and ends where its head and the manifest say."""
    row = connection.execute(
        "SELECT (SELECT next_position FROM knelpunt.log_head), count(*), coalesce(max(position), -1) + 1 "
        "FROM knelpunt.event"
    ).fetchone()
    if row is None or set(row) != {backup.registry.manifest.position + 1}:
        raise BackupError(
            f"The log in {backup.registry.folder} is not whole: use another backup; nothing was restored."
        )


def _check_keys(registry: psycopg.Connection, vault: psycopg.Connection, backup: Backup) -> None:
    """See that an older vault has the keys of what was recorded after it, save of people erased since."""
    if backup.vault.manifest.position >= backup.registry.manifest.position:
        return
    needed: dict[UUID, SubjectId] = {}
    with psycopg.ServerCursor(registry, "since") as cursor:
        for columns in cursor.execute(SINCE, (backup.vault.manifest.position,)):
            event = attempt(Row(*columns))
            if isinstance(event, Event):
                needed.update((text.key, text.about) for _, text in sealed_texts(event.data))
    there = {key for (key,) in vault.execute("SELECT key_id FROM vault.key WHERE key_id = ANY(%s)", ([*needed],))}
    gone = {subject for (subject,) in vault.execute("SELECT subject_id FROM vault.fence")}
    gone.update(erased_subjects(registry))
    if any(key not in there and subject not in gone for key, subject in needed.items()):
        folder, log = backup.vault.folder, backup.registry.folder
        raise BackupError(f"{folder} is older than {log} and lacks keys: name one as new as it.")


def _counting(told: str, total: int, progress: Progress) -> Callable[[int], None]:
    done = 0

    def read(count: int) -> None:
        nonlocal done
        done += count
        progress(told, done, total)

    return read
