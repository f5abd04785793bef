"""Files that hold a secret: written once, whole or not at all, and for their owner alone."""

import os
import secrets
import stat
from pathlib import Path

from .durable import sync

OWNER_ALONE = 0o600


def write_secret(path: Path, content: bytes) -> None:
    """Write a new secret; of two programs that try at once, one wins and both go on to read the same.

    The folder is made if it is missing. Raises ``OSError``.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ALONE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(unfinished)  # refuses to replace a secret that is there: that would lose it
        except FileExistsError:
            return
        sync(path.parent)
    finally:
        unfinished.unlink()


def is_open_to_others(path: Path) -> bool:
    """Return whether others than its owner may read or write a file. Raises ``OSError``."""
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
