"""Signatures by which a receiver knows that an event comes from this registry (Standard Webhooks 1.0).

Secrets are derived from the master key and stand nowhere: not in the database, not in its backups, not in a log.
"""

import base64
import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid5

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_BYTES: Final = 32
"""Within the 24 to 64 that the specification asks for."""

SECRET_PREFIX: Final = "whsec_"  # noqa: S105  the mark of a secret

OVERLAP: Final = timedelta(days=1)
"""How long the secret before a new one goes on signing, too: receivers change theirs meanwhile and miss nothing."""


def secret_of(master: bytes, webhook: UUID, number: int) -> bytes:
    """Return the secret with a number of a subscription."""
    label = f"knelpunt webhook {webhook} {number}".encode()
    return HKDF(hashes.SHA256(), SECRET_BYTES, None, label).derive(master)


def shown(secret: bytes) -> str:
    """Return a secret in the form in which receivers configure it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def numbers_that_sign(number: int, rotated_at: datetime | None, now: datetime) -> tuple[int, ...]:
    """Return the numbers of the secrets that sign at a moment, the newest first."""
    if rotated_at is not None and now < rotated_at + OVERLAP:
        return number, number - 1
    return (number,)


def message_id(webhook: UUID, position: int) -> str:
    """Return the ``webhook-id`` of an event for a subscription: the same whenever it is sent."""
    return f"msg_{uuid5(webhook, str(position)).hex}"


def headers(secrets: tuple[bytes, ...], message: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers of a message that is sent at a moment."""
    seconds = int(sent_at.timestamp())
    signed = f"{message}.{seconds}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(secret, signed, sha256)).decode() for secret in secrets)
    return {
        "webhook-id": message,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
