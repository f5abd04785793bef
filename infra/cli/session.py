"""What a command works with: settings from the environment, a database that is ready, the registry over it."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import psycopg

from ..bootstrap import Database, Parts, bootstrap, database
from ..postgres.errors import disk_full
from ..projecting.rebuild import rebuild
from ..projecting.schema import ReadModelOutdated, ensure
from ..settings import Settings, settings_from
from ..store.connection import DatabaseRole, connect
from ..store.migrate import migrate, migrations, pending
from ..store.writer import StoreUnavailable
from ..vault.apart import VAULT_LOGIN, left_behind, pending_apart, set_apart
from .failure import Failure
from .terminal import notices

SEGMENT_BYTES: Final = 16 << 20
"""What PostgreSQL takes at a time for its log of changes, and stops without."""


def settings() -> Settings:
    """Return the settings of this process."""
    return settings_from(os.environ)


@contextmanager
def ready_database(given: Settings) -> Generator[Database]:
    """Give a database with an up-to-date schema.

    An embedded one that is still empty is set up on the spot: nobody else could have meant to. Any other is the
    operator's to migrate, so it is refused with ``Failure``.
    """
    with database(given) as found, _disk_in_mind(found, given):
        missing = pending(found.url) + (pending_apart(found.vault_admin_url) if found.vault_apart else [])
        if missing and found.embedded is not None and len(missing) >= len(migrations()):
            notices().print(f"Setting up a new registry under {given.data_dir}.")
            _migrate(found)
        elif missing:
            count = f"{len(missing)} migration{'s' if len(missing) > 1 else ''}"
            raise Failure(f"The database lacks {count} ({missing[0]} first): run knelpunt migrate.")
        elif found.embedded is not None and left_behind(found.url):
            _migrate(found)
        yield found


@contextmanager
def whatever_database(given: Settings) -> Generator[Database]:
    """Give the database as it is, whatever it holds or lacks."""
    with database(given) as found, _disk_in_mind(found, given):
        yield found


@contextmanager
def migrated(given: Settings) -> Generator[tuple[Database, Parts]]:
    """Give the database, brought up to date whatever it lacked, and the registry over it."""
    with database(given) as found, _disk_in_mind(found, given):
        _migrate(found)
        with bootstrap(found.url, given.master_key(), found.vault_url) as parts:
            yield found, parts


def bring_up_to_date(found: Database) -> list[str]:
    """Run the migrations that registry and vault lack, and return their names; set the vault apart if it is to be."""
    ran = migrate(found.url)
    if found.vault_apart:
        password = None if found.embedded is None else found.embedded.password(VAULT_LOGIN)
        ran += set_apart(found.url, found.vault_admin_url, password)
    return ran


def _migrate(found: Database) -> None:
    """Bring the schema up to date, and the read model of an older version with it."""
    bring_up_to_date(found)
    with connect(found.url, DatabaseRole.PROJECTOR) as connection:
        try:
            ensure(connection)
        except ReadModelOutdated:
            notices().print("Deriving the read model anew, since it is of an older version.")
            rebuild(found.url)


@contextmanager
def _disk_in_mind(found: Database, given: Settings) -> Generator[None]:
    """Say that the disk is full where our own database stopped because of it, which it cannot tell us any more."""
    try:
        yield
    except (psycopg.Error, StoreUnavailable) as error:
        if found.embedded is not None and shutil.disk_usage(given.data_dir).free < SEGMENT_BYTES:
            raise Failure(disk_full(given.data_dir)) from error
        raise


@contextmanager
def opened(given: Settings) -> Generator[tuple[Database, Parts]]:
    """Give the database and the registry over it."""
    with ready_database(given) as found, bootstrap(found.url, given.master_key(), found.vault_url) as parts:
        yield found, parts
