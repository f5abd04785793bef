"""A process that helps to check a log: looks at the stretches that it is told, until its input ends.

What it imports is little, since it is started anew for every check.
"""

import gc
import signal
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from .. import frames
from ..store.connection import DatabaseRole, connect_as_registry
from .folder import TrailFolder
from .stretches import Stretch, looked_at


class Instruction(Struct, frozen=True):
    """Which log a process helps to check: at ``url`` and in the folder ``path``, of ``size`` entries."""

    url: str
    path: str
    size: int

    def __repr__(self) -> str:
        """Show what it is, never a password."""
        return "Instruction(…)"


INSTRUCTION: Final = msgspec.msgpack.Decoder(Instruction)
BOUNDS: Final = msgspec.msgpack.Decoder(tuple[int, int])
"""Where a stretch begins, and up to where it goes."""

STRETCH: Final = msgspec.msgpack.Decoder(Stretch)


def main() -> None:
    """Answer the bounds of each stretch with what was found of it, in their order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the check, with which this ends
    gc.disable()  # nothing here is in a circle, and looking for one takes a tenth of the time
    told = frames.receive(sys.stdin.buffer, INSTRUCTION)
    if told is None:
        return
    folder = TrailFolder(Path(told.path))
    with closing(connect_as_registry(told.url, DatabaseRole.AUDITOR)) as connection:
        while (bounds := frames.receive(sys.stdin.buffer, BOUNDS)) is not None:
            frames.send(sys.stdout.buffer, looked_at(connection, folder, *bounds, told.size))


if __name__ == "__main__":
    main()
