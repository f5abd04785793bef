"""Brings a database's schema up to date: numbered SQL files, each run once, in its own transaction.

A database remembers what ran, with a checksum. One that is ahead of this program, or that ran a file of other content,
is refused: a registry's database never runs backwards.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import psycopg
from msgspec import Struct

FOLDER: Final = Path(__file__).parent.parent / "migrations"

LOCK: Final = 0x6B6E656C70756E74
"""The advisory lock that one migrator holds: "knelpunt" in ASCII. It is the database's own, not the server's."""

LOCK_WAIT: Final = "60s"
"""How long to wait for another program that migrates, or for a table that somebody holds; then give up and say so."""

CONNECT_SECONDS_MAX: Final = 10

VAULT_GROUND: Final = frozenset({"0001_ground.sql", "0002_registry.sql"})
VAULT_MARK: Final = "_vault"
"""What a vault in a database of its own is made of: the two, and every file that has this in its name."""


class MigrationError(Exception):
    """The schema cannot be brought up to date; the message is one sentence that says what to do."""


class Migration(Struct, frozen=True):
    """One file of SQL: ``0001_ground.sql`` has number 1."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        return sha256(self.text.encode()).hexdigest()


def everything(_: Migration) -> bool:
    """Select all migrations: for a database that holds the registry, with or without its vault."""
    return True


def for_vault(migration: Migration) -> bool:
    """Select what the vault needs in a database of its own: the ground, which registry it serves, and itself."""
    return migration.name in VAULT_GROUND or VAULT_MARK in migration.name


Select = Callable[[Migration], bool]
"""Which migrations a database is to have."""


def migrations(folder: Path = FOLDER, select: Select = everything) -> list[Migration]:
    """Return the migrations that this program knows, in order of number."""
    found = [
        Migration(int(path.name.split("_", 1)[0]), path.name, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("[0-9]*_*.sql"))
    ]
    assert len({migration.number for migration in found}) == len(found), "two migrations have one number"
    return [migration for migration in found if select(migration)]


def migrate(url: str, folder: Path = FOLDER, select: Select = everything) -> list[str]:
    """Run the migrations that the database lacks and return their names; none if it is up to date.

    ``url`` logs in as a superuser, or as a role with CREATEROLE that may create schemas in the database. Raises
    ``MigrationError``.
    """
    known = migrations(folder, select)
    with _session(url) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        missing = _missing(known, applied(connection))
        for migration in missing:
            _run(connection, migration)
    return [migration.name for migration in missing]


def pending(url: str, folder: Path = FOLDER, select: Select = everything) -> list[str]:
    """Return the names of migrations that the database lacks. Raises ``MigrationError`` as ``migrate`` would."""
    known = migrations(folder, select)
    with _session(url) as connection:
        return [migration.name for migration in _missing(known, applied(connection))]


@contextmanager
def _session(url: str) -> Generator[psycopg.Connection]:
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX) as connection:
            connection.execute("SELECT set_config('lock_timeout', %s, false)", (LOCK_WAIT,))
            yield connection
    except psycopg.errors.LockNotAvailable as error:
        message = f"Another program kept the database locked for {LOCK_WAIT}: let it finish, then migrate again."
        raise MigrationError(message) from error
    except psycopg.errors.InsufficientPrivilege as error:
        reason = error.diag.message_primary
        message = (
            f"The database does not let this login migrate ({reason}): "
            "use a superuser, or a role with CREATEROLE that owns the database."
        )
        raise MigrationError(message) from error
    except psycopg.OperationalError as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[-1]
        message = f"The database cannot be reached ({reason}): check its address and that it runs."
        raise MigrationError(message) from error


def run_within(connection: psycopg.Connection, wanted: list[Migration]) -> None:
    """Run migrations in the transaction that is open, which no role was set for. Raises ``MigrationError``."""
    for migration in wanted:
        _run(connection, migration)
        connection.execute("RESET ROLE")


def applied(connection: psycopg.Connection) -> Mapping[int, tuple[str, str]]:
    """Return number to (name, checksum) of what has run; nothing for a database that holds no registry yet."""
    there = connection.execute("SELECT to_regclass('knelpunt.migration') IS NOT NULL").fetchone()
    assert there is not None
    if not there[0]:
        return {}
    rows = connection.execute("SELECT number, name, checksum FROM knelpunt.migration ORDER BY number").fetchall()
    return {number: (name, checksum) for number, name, checksum in rows}


def _missing(known: list[Migration], applied: Mapping[int, tuple[str, str]]) -> list[Migration]:
    """Return what has to run, or raise for a database that this program must not touch."""
    ours = {migration.number: migration for migration in known}
    newest = max(applied, default=0)
    for number, (name, checksum) in applied.items():
        if number not in ours:
            message = (
                f"The database has run {name}, which this program does not know: refusing to run backwards. "
                "Install the version of knelpunt that last migrated it, or a newer one."
            )
            raise MigrationError(message)
        if ours[number].checksum != checksum:
            message = f"Migration {name} ran with other content than {ours[number].name} has now: restore the file."
            raise MigrationError(message)
    missing = [migration for migration in known if migration.number not in applied]
    for migration in missing:
        if migration.number < newest:
            message = f"{migration.name} never ran although later migrations did: give it a number above {newest}."
            raise MigrationError(message)
    return missing


def _run(connection: psycopg.Connection, migration: Migration) -> None:
    try:
        with connection.transaction():
            connection.execute(migration.text.encode())
            connection.execute("SET LOCAL ROLE knelpunt_owner")
            connection.execute(
                "INSERT INTO knelpunt.migration (number, name, checksum) VALUES (%s, %s, %s)",
                (migration.number, migration.name, migration.checksum),
            )
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.LockNotAvailable, psycopg.OperationalError):
        raise
    except psycopg.Error as error:
        message = f"Migration {migration.name} failed and left nothing behind: {error.diag.message_primary or error}"
        raise MigrationError(message) from error
