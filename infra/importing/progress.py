"""How far an import has come, so that one which was broken off passes over what is done when it is begun again.

Traces are counted in the order in which they are handed on, which is the same whenever the same log is read in the same
way. What that takes is in the fingerprint; if any of it differs, the import begins at its beginning, and recognises
what is there by its ids.
"""

from collections.abc import Mapping as Table
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from .errors import ImportRefusedError
from .mapping import Mapping

AGAIN_MAX: Final = 10_000
"""With more traces to judge again than this, no further progress is remembered: the list would outgrow its use."""

_BLOCK_BYTES: Final = 1 << 20


class Reached(Struct, frozen=True):
    """What is done of an import: so many traces, in their order, which led to so many cases and events.

    Of the traces in ``again`` something could not be recorded. They are judged again, so that it is told again, and are
    not counted in ``cases`` and ``events``. ``at`` is when this was reached.
    """

    traces: int = 0
    cases: int = 0
    events: int = 0
    again: frozenset[int] = frozenset()
    at: datetime | None = None

    def passes(self, number: int) -> bool:
        """Return whether there is nothing left to do or tell for a trace."""
        return number < self.traces and number not in self.again


class Bookmark(Struct, frozen=True):
    """Where a chunk ends: with it so many traces are done, and of those in ``again`` something was rejected.

    ``numbers`` has the number of each case's trace, by stream.
    """

    traces: int
    again: frozenset[int]
    numbers: Table[UUID, int]


def fingerprint_of(path: Path, mapping: Mapping, rows: int) -> bytes:
    """Return 32 bytes that are the same for the same file, mapping, number of readable rows, and version of knelpunt.

    The number of rows is not plain from the file: a moment in the future is none later on.
    """
    digest = sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        raise ImportRefusedError(f"{path}: cannot be read ({error.strerror or error}).") from None
    read_by = msgspec.msgpack.encode((msgspec.json.encode(mapping), rows, version("knelpunt")))
    return sha256(digest.digest() + read_by).digest()
