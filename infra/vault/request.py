"""A command as bytes, clear texts included: what its request hash is taken of, and nothing else.

This is the one place where a clear text becomes bytes outside of sealing; the bytes never leave the caller.
"""

from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from ...domain.command import Command
from ...domain.event import API, Actor, Fact, Knower
from ...domain.ids import CommandId
from ...domain.text import Plaintext
from ...domain.vocabulary import Precision


class _Request(Struct, omit_defaults=True):
    """A command without what was left at its default: a field added later does not change an old command's hash."""

    id: CommandId
    stream: UUID
    actor: Actor
    topic: str
    data: Fact
    occurred_at: Any = None
    precision: Precision = Precision.SECOND
    expected_version: int | None = None
    known_to: tuple[Knower, ...] = ()
    source: str = API
    inferred: bool = False


def _reveal(value: object) -> str:
    if isinstance(value, Plaintext):
        return value.reveal()
    message = f"A command holds a {type(value).__name__}, which is no part of a request."
    raise TypeError(message)


_BLOCK_BYTES: Final = 64
_encoder: Final = msgspec.json.Encoder(enc_hook=_reveal)


class RequestHashes:
    """Makes request hashes: the HMAC-SHA-256 of requests under the vault's secret for it.

    HMAC by hand (RFC 2104), from two states that hold the key already: OpenSSL's own looks up its algorithm and works
    the key in each time, which takes longer than hashing a request.
    """

    def __init__(self, secret: bytes) -> None:
        """Work with a secret of at most a block of SHA-256, 64 bytes."""
        key = secret.ljust(_BLOCK_BYTES, b"\0")
        assert len(key) == _BLOCK_BYTES, "a longer key would have to be hashed first"
        self._inner = sha256(bytes(byte ^ 0x36 for byte in key))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in key))

    def of(self, command: Command) -> bytes:
        """Return the 32 bytes for a request."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(canonical_request(command))
        outer.update(inner.digest())
        return outer.digest()


def canonical_request(command: Command) -> bytes:
    """Return the bytes that two equal requests share and two different ones do not."""
    return _encoder.encode(
        _Request(
            command.id,
            command.stream,
            command.actor,
            command.data.topic,
            command.data,
            command.occurred_at,
            command.precision,
            command.expected_version,
            command.known_to,
            command.source,
            command.inferred,
        )
    )
