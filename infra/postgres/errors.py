"""The one error of the embedded server, and how the operating system's errors become it."""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used; the message is one sentence that says what to do."""


@contextmanager
def in_one_sentence(data_dir: Path) -> Generator[None]:
    """Turn an operating-system error met while working under data_dir into an EmbeddedError."""
    try:
        yield
    except OSError as error:
        where = error.filename or data_dir
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            message = disk_full(data_dir)
        elif error.errno in {errno.EACCES, errno.EPERM}:
            message = f"No permission to use {where}: set KNELPUNT_DATA_DIR to a folder of your own."
        elif error.errno == errno.EROFS:
            message = f"{where} cannot be written to: set KNELPUNT_DATA_DIR to a folder on a writable disk."
        elif error.errno in {errno.ENOTDIR, errno.EEXIST, errno.ELOOP}:
            message = f"{where} is in the way: move it, or set KNELPUNT_DATA_DIR to another folder."
        else:
            reason = error.strerror or str(error)
            message = f"The embedded PostgreSQL cannot use {where} ({reason}): mend that, or set KNELPUNT_DATA_DIR."
        raise EmbeddedError(message) from error


def disk_full(data_dir: Path) -> str:
    """The sentence for a disk without room, whoever noticed it: we, initdb or the server."""
    return f"The disk that holds {data_dir} is full: free some space and start again; nothing recorded is lost."
