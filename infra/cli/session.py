"""What a command works with: settings from the environment, a database that is ready, the registry over it."""

import os
from collections.abc import Generator
from contextlib import contextmanager

from ..bootstrap import Database, Parts, bootstrap, database
from ..projecting.schema import ensure
from ..settings import Settings, settings_from
from ..store.connection import DatabaseRole, connect
from ..store.migrate import migrate, migrations, pending
from .failure import Failure
from .terminal import notices


def settings() -> Settings:
    """Return the settings of this process."""
    return settings_from(os.environ)


@contextmanager
def ready_database(given: Settings) -> Generator[Database]:
    """Give a database with an up-to-date schema.

    An embedded one that is still empty is set up on the spot: nobody else could have meant to. Any other is the
    operator's to migrate, so it is refused with ``Failure``.
    """
    with database(given) as found:
        missing = pending(found.url)
        if missing and found.embedded is not None and len(missing) == len(migrations()):
            notices().print(f"Setting up a new registry under {given.data_dir}.")
            migrate(found.url)
            with connect(found.url, DatabaseRole.PROJECTOR) as connection:
                ensure(connection)
        elif missing:
            count = f"{len(missing)} migration{'s' if len(missing) > 1 else ''}"
            raise Failure(f"The database lacks {count} ({missing[0]} first): run knelpunt migrate.")
        yield found


@contextmanager
def opened(given: Settings) -> Generator[tuple[Database, Parts]]:
    """Give the database and the registry over it."""
    with ready_database(given) as found, bootstrap(found.url, given.master_key()) as parts:
        yield found, parts
