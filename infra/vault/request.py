"""A command as bytes, clear texts included: what its request hash is taken of, and nothing else.

This is the one place where a clear text becomes bytes outside of sealing; the bytes never leave the caller.
"""

import hmac
from typing import Any, Final

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
    stream: str
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


_encoder: Final = msgspec.json.Encoder(enc_hook=_reveal)


def request_hash_of(secret: bytes, command: Command) -> bytes:
    """Return the HMAC-SHA-256 of a request under the vault's secret for it: 32 bytes."""
    return hmac.digest(secret, canonical_request(command), "sha256")


def canonical_request(command: Command) -> bytes:
    """Return the bytes that two equal requests share and two different ones do not."""
    return _encoder.encode(
        _Request(
            command.id,
            str(command.stream),
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
