"""Who uses the server, told by locks that the kernel drops when their holder dies.

Three locked files: one that is held while somebody starts or stops the server, one that every
program using it holds a share of, and one that the server's own processes inherit and hold. No
process numbers are kept, so none go stale after a kill -9 or mean another process after a reboot.
"""

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from .errors import EmbeddedError

POLL_SECONDS = 0.02

# Longer than any start or stop of another program may take: see START_ and STOP_SECONDS_MAX in postmaster.py.
TURN_SECONDS_MAX = 240


def open_lock(path: Path) -> int:
    """A descriptor of the lock file at path, which is made if missing; only its owner may open it."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def try_lock(descriptor: int) -> bool:
    """Take the lock for this descriptor alone, if nobody else holds it or a share of it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether any process holds the lock at path or a share of it."""
    descriptor = open_lock(path)
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def turn(path: Path) -> Generator[None]:
    """Hold the lock at path: programs start and stop the server one at a time.

    Raises EmbeddedError after waiting TURN_SECONDS_MAX for another program.
    """
    descriptor = open_lock(path)
    try:
        deadline = time.monotonic() + TURN_SECONDS_MAX
        while not try_lock(descriptor):
            if time.monotonic() > deadline:
                message = (
                    f"Another program has been starting or stopping the database for {TURN_SECONDS_MAX} s: "
                    f"find and end the one that has {path} open, then try again."
                )
                raise EmbeddedError(message)
            time.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


class Lease:
    """A share in the running server, for as long as this program lives or until it is released.

    Children that this program forks hold it too: the server stays until they have ended as well.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = open_lock(path)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def release(self) -> None:
        """Give the share up. Once only."""
        os.close(self._descriptor)
