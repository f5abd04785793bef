"""What a program and a process that helps it say to each other over a pipe: frames, each a length and MessagePack."""

from typing import IO, Final, TypeVar

import msgspec

_LENGTH_BYTES: Final = 4

F = TypeVar("F")

_encoder: Final = msgspec.msgpack.Encoder()


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
