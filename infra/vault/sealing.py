"""Sealing the texts of a fact, and opening them: AES-256-GCM (NIST SP 800-38D), each text bound to its place.

The associated data names registry, event, stream, version, topic, field and key, so a ciphertext that is moved to
another place does not open.
"""

import os
from typing import Any, Final
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from ...domain.event import Fact
from ...domain.ids import EventId, SubjectId
from ...domain.text import Clear, Plaintext, Sealed
from .texts import clear_texts

NONCE_BYTES: Final = 12


class SubjectErased(Exception):  # noqa: N818  a refusal, not a failure
    """New text about a subject who has been erased."""

    def __init__(self, subject: SubjectId) -> None:
        super().__init__("This subject has been erased; nothing new about them can be recorded.")
        self.subject = subject


class Key(Struct, frozen=True):
    """A subject's key, ready for use."""

    id: UUID
    cipher: AESGCM

    def __repr__(self) -> str:
        """Show which key it is, never the key."""
        return f"Key({self.id})"


class Place(Struct, frozen=True):
    """Where a text stands: what its ciphertext is bound to, beside the registry, its field and its key."""

    event: EventId
    stream: UUID
    version: int
    topic: str


def seal_fact(
    fact: Fact, origin: str, place: Place, first_subject: SubjectId | None, keys: dict[SubjectId, Key | None]
) -> Fact:
    """Return ``fact`` with every clear text sealed; the same fact if it has none.

    A text is about ``first_subject`` unless it names another. ``keys`` must hold each subject's key, or none for one
    who has been erased: then ``SubjectErased`` is raised. Raises ``ValueError`` for a text about nobody.
    """
    sealed: dict[str, Any] = {}
    for name, text in clear_texts(fact):
        about = text.about or first_subject
        if about is None:
            message = "A text must be about a subject, and this case has none."
            raise ValueError(message)
        key = keys[about]
        if key is None:
            raise SubjectErased(about)
        sealed[name] = seal_text(text.content, about, origin, place, name, key)
    return msgspec.structs.replace(fact, **sealed) if sealed else fact


def seal_text(content: Plaintext, about: SubjectId, origin: str, place: Place, field: str, key: Key) -> Sealed:
    """Return a text about somebody, sealed under their key for its place."""
    nonce = os.urandom(NONCE_BYTES)
    bound = associated_data(origin, place, field, key.id)
    return Sealed(about, key.id, nonce + key.cipher.encrypt(nonce, content.reveal().encode(), bound))


def open_text(text: Sealed, origin: str, place: Place, field: str, key: Key) -> Clear:
    """Return a sealed text in clear. Raises ``cryptography.exceptions.InvalidTag`` if it is not the one sealed here."""
    nonce, box = text.box[:NONCE_BYTES], text.box[NONCE_BYTES:]
    content = key.cipher.decrypt(nonce, box, associated_data(origin, place, field, key.id))
    return Clear(Plaintext(content.decode()), text.about)


def associated_data(origin: str, place: Place, field: str, key: UUID) -> bytes:
    """Return what a ciphertext is bound to: a JSON array of the eight, in this order."""
    return msgspec.json.encode(
        ("knelpunt text 1", origin, place.event, place.stream, place.version, place.topic, field, key)
    )
