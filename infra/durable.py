"""Files that are on disk when it is said that they are: whole or not there, whenever the power goes."""

import os
import secrets
from pathlib import Path


def written(folder: Path, content: bytes) -> Path:
    """Return a new file in ``folder`` that holds ``content`` on disk, still to be named. Raises ``OSError``."""
    path = folder / secrets.token_hex(8)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)
    return path


def replace(target: Path, content: bytes, unfinished: Path) -> None:
    """Have a file hold ``content``, whatever it held before: readers see the one or the other. Raises ``OSError``.

    It is written in the folder ``unfinished``, of the same file system, and renamed.
    """
    written(unfinished, content).rename(target)
    sync(target.parent)


def sync(path: Path) -> None:
    """Have a file on disk, or the names in a folder. Raises ``OSError``."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
