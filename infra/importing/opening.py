"""Opens a log file, compressed or not, and tells how far it has been read.

Whether a file is compressed is seen from its first bytes, not from its name. What goes wrong with the file itself is
said in one sentence here, so that the readers need not.
"""

import gzip
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, Final, cast

from .errors import ImportRefusedError

_GZIP_MAGIC: Final = b"\x1f\x8b"

ReadingProgress = Callable[[int, int], None]
"""Told how many bytes of how many of a file have been read; of the file as it is stored."""


class OpenedLog:
    """A log file that is being read: ``content`` gives its bytes, decompressed."""

    def __init__(self, stored: BufferedReader, path: Path) -> None:
        self._stored = stored
        self.path = path
        self.bytes_total = path.stat().st_size
        compressed = stored.peek(2)[:2] == _GZIP_MAGIC
        self.content = cast("IO[bytes]", gzip.GzipFile(fileobj=stored) if compressed else stored)

    @property
    def bytes_read(self) -> int:
        """How many bytes of the stored file have been read."""
        return self._stored.tell()


@contextmanager
def opened(path: Path) -> Generator[OpenedLog]:
    """Open a log file; raises ``ImportRefusedError`` if it cannot be read to its end, is empty or damaged."""
    try:
        with path.open("rb") as stored:
            log = OpenedLog(stored, path)
            if not log.bytes_total:
                raise ImportRefusedError(f"{path}: the file is empty.")
            yield log
    except EOFError:
        message = f"{path}: the compressed file ends too early; fetch it again. Nothing was imported."
        raise ImportRefusedError(message) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ImportRefusedError(f"{path}: the compressed file is damaged ({error}). Nothing was imported.") from None
    except OSError as error:
        raise ImportRefusedError(f"{path}: cannot be read ({error.strerror or error}).") from None
