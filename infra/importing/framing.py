"""What an import and its helpers say to each other over a pipe: frames, each a length and MessagePack.

A helper is first told the mapping and the secret for request hashes; then, for each batch of traces, what became of
them. It has no connection to any database, and ends when its standard input does.
"""

from typing import IO, Final, TypeVar

import msgspec
from msgspec import Struct

from .mapping import Mapping
from .packing import Packed
from .rows import Trace

_LENGTH_BYTES: Final = 4

F = TypeVar("F")


class Instruction(Struct, frozen=True):
    """What a helper works with."""

    mapping: Mapping
    secret: bytes

    def __repr__(self) -> str:
        """Show what it is, never the secret."""
        return "Instruction(…)"


_encoder: Final = msgspec.msgpack.Encoder()
INSTRUCTION: Final = msgspec.msgpack.Decoder(Instruction)
TRACES: Final = msgspec.msgpack.Decoder(list[Trace])
OUTCOMES: Final = msgspec.msgpack.Decoder(
    list[tuple[Packed | None, str | None, tuple[tuple[int, str], ...], tuple[str, ...]]]
)
"""The fields of ``judging.Outcome``, of each trace of a batch."""


def send(pipe: IO[bytes], content: object) -> None:
    """Send one frame. Raises ``OSError`` where nobody reads."""
    encoded = _encoder.encode(content)
    pipe.write(len(encoded).to_bytes(_LENGTH_BYTES))
    pipe.write(encoded)
    pipe.flush()


def receive(pipe: IO[bytes], decoder: msgspec.msgpack.Decoder[F]) -> F | None:
    """Return the next frame; none at the end, which is also where a frame was cut short."""
    head = pipe.read(_LENGTH_BYTES)
    length = int.from_bytes(head)
    content = pipe.read(length) if len(head) == _LENGTH_BYTES else b""
    return decoder.decode(content) if content and len(content) == length else None
