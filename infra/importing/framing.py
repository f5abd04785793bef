"""What an import and its helpers say to each other, in frames over a pipe.

A helper is first told the mapping and the secret for request hashes; then, for each batch of traces, what became of
them. It has no connection to any database, and ends when its standard input does.
"""

from typing import Final

import msgspec
from msgspec import Struct

from .mapping import Mapping
from .packing import Packed
from .rows import Trace


class Instruction(Struct, frozen=True):
    """What a helper works with."""

    mapping: Mapping
    secret: bytes

    def __repr__(self) -> str:
        """Show what it is, never the secret."""
        return "Instruction(…)"


INSTRUCTION: Final = msgspec.msgpack.Decoder(Instruction)
TRACES: Final = msgspec.msgpack.Decoder(list[Trace])
OUTCOMES: Final = msgspec.msgpack.Decoder(
    list[tuple[Packed | None, str | None, tuple[tuple[int, str], ...], tuple[str, ...]]]
)
"""The fields of ``judging.Outcome``, of each trace of a batch."""
