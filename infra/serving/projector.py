"""The projector as a process of its own beside the service, so that deriving never keeps a request waiting.

``python -m knelpunt.infra.serving.projector`` follows the log until its standard input ends: so it stops with the
program that started it, however that ended. ``kept_projecting`` is that program's side.
"""

import logging
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from os import environ
from threading import Event as Signal
from threading import Thread
from typing import Final

from ..bootstrap import database
from ..projecting.projector import Projector
from ..settings import settings_from

RESTART_SECONDS: Final = 1.0
"""How long to wait before a projector that ended is started again."""

STOP_SECONDS_MAX: Final = 15.0
"""How long a projector may take to finish the batch at hand; then it is killed, which costs that batch, done again."""

_log = logging.getLogger(__name__)


@contextmanager
def kept_projecting() -> Generator[None]:
    """Have a projector run in a process of its own until the end of the block."""
    stop = Signal()
    keeper = Thread(target=_keep, args=(stop,), name="knelpunt-projector-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep(stop: Signal) -> None:
    while not stop.is_set():
        # A session of its own: Ctrl-C in a terminal is for the service, which then stops its projector.
        child = subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )
        assert child.stdin is not None
        while child.poll() is None and not stop.wait(0.2):
            pass
        child.stdin.close()
        try:
            child.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if not stop.is_set():
            _log.warning("the projector ended with status %s and is started again", child.returncode)
            stop.wait(RESTART_SECONDS)


def main() -> None:
    """Follow the log until standard input ends or somebody says stop."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    stop = Signal()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_await_end_of_input, args=(stop,), name="knelpunt-parent-watch", daemon=True).start()
    with database(settings_from(environ)) as found:
        projector = Projector(found.url)
        try:
            projector.run(stop)
        finally:
            projector.close()


def _await_end_of_input(stop: Signal) -> None:
    while sys.stdin.buffer.read(1):
        pass
    stop.set()


if __name__ == "__main__":
    main()
