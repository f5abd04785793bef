"""Programs that run beside the service, each in a process of its own, and stop with it, however it ended.

``kept_running`` is the side of whoever starts one: it starts it again if it ends. ``until_told`` is the side of the
program: it ends with its standard input, which its starter holds.
"""

import logging
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event as Signal
from threading import Thread
from typing import Final

RESTART_SECONDS: Final = 1.0
"""How long to wait before a program that ended is started again."""

STOP_SECONDS_MAX: Final = 15.0
"""How long a program may take to finish the batch at hand; then it is killed, which costs that batch, done again."""

_log = logging.getLogger(__name__)


@contextmanager
def kept_running(module: str) -> Generator[None]:
    """Have a module run as a program in a process of its own until the end of the block."""
    stop = Signal()
    keeper = Thread(target=_keep, args=(module, stop), name=f"{module}-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep(module: str, stop: Signal) -> None:
    while not stop.is_set():
        try:
            # A session of its own: Ctrl-C in a terminal is for the service, which then stops what runs beside it.
            child = subprocess.Popen(  # noqa: S603  our own module
                [sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            # No memory, process or file to be had, which passes.
            _log.warning("%s cannot be started now, and is tried again: %s", module, error)
            stop.wait(RESTART_SECONDS)
            continue
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
            _log.warning("%s ended with status %s and is started again", module, child.returncode)
            stop.wait(RESTART_SECONDS)


def until_told() -> Signal:
    """Return what is set when standard input ends or somebody says stop; for a program's main thread."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    stop = Signal()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_await_end_of_input, args=(stop,), name="knelpunt-parent-watch", daemon=True).start()
    return stop


def _await_end_of_input(stop: Signal) -> None:
    while sys.stdin.buffer.read(1):
        pass
    stop.set()
