"""Keeps our own database running while a program lives: notices at once when the server is gone, and starts it again.

Nothing else does: the embedded server has no service manager of its own. A database that somebody else runs is theirs
to restart; our programs then wait for it.
"""

import logging
import select
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event as Signal
from threading import Thread
from typing import Final

import psycopg

from ..postgres.embedded import EmbeddedError, EmbeddedServer

LOOK_SECONDS: Final = 1.0
"""How often to ask a server that seems well; a dead one closes the connection, which is noticed within milliseconds."""

RETRY_SECONDS: Final = 2.0
"""How long to wait after a start that failed, as on a full disk; somebody may mend it."""

_log = logging.getLogger(__name__)


@contextmanager
def watched(server: EmbeddedServer | None) -> Generator[None]:
    """Keep ``server`` running, if there is one, until the end of the block."""
    if server is None:
        yield
        return
    stop = Signal()
    thread = Thread(target=_watch, args=(server, stop), name="knelpunt-database-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _watch(server: EmbeddedServer, stop: Signal) -> None:
    while not stop.is_set():
        try:
            _look_on(server, stop)
        except psycopg.Error:
            if stop.is_set():
                return
            try:
                if server.ensure_running():
                    _log.warning("the database had stopped and was started again")
            except EmbeddedError as error:
                _log.error("%s", error)
                stop.wait(RETRY_SECONDS)


def _look_on(server: EmbeddedServer, stop: Signal) -> None:
    """Look at the server until told to stop. Raises ``psycopg.Error`` when it is gone."""
    with psycopg.connect(server.url(), autocommit=True, connect_timeout=10) as connection:
        while not stop.is_set():
            # Readable without a question asked: the server said goodbye, or died.
            select.select([connection.fileno()], [], [], LOOK_SECONDS)
            connection.execute("SELECT")
