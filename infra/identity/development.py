"""The built-in issuer of tokens, for development and the demo: anybody who may read its key may be anybody.

It exists only where no real issuer is set. Its key is made once in the data directory, for its owner alone.
"""

import os
import secrets
import stat
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt import PyJWK
from jwt.algorithms import ECAlgorithm

from ...domain.vocabulary import Role
from .keys import FixedKeys
from .verifying import Issuer

ISSUER: Final = "urn:knelpunt:development"
AUDIENCE: Final = "knelpunt"
CLIENT: Final = "knelpunt-development"
ALGORITHM: Final = "ES256"
FILE_NAME: Final = "development-issuer.pem"
LIFETIME: Final = timedelta(hours=12)
"""How long a token is good for unless its maker says otherwise: a working day."""


class DevelopmentKeyError(Exception):
    """The development issuer has no usable key; the message is one sentence that says what to do."""


class DevelopmentIssuer:
    """Signs tokens with the key in ``data_dir``, making it the first time. Raises ``DevelopmentKeyError``."""

    def __init__(self, data_dir: Path) -> None:
        self._key = _key(data_dir / FILE_NAME)
        point = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        )
        self._kid = sha256(point).hexdigest()[:16]

    def token(
        self, role: Role, organisation: str | None, user: str = "developer", lifetime: timedelta = LIFETIME
    ) -> str:
        """Return a signed token for somebody, good from now on for ``lifetime``; with no organisation: to read only."""
        now = datetime.now(UTC)
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "azp": CLIENT,
            "sub": user,
            "role": role.value,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "jti": str(uuid4()),
        }
        if organisation is not None:
            claims["organisation"] = organisation
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self._kid})

    def issuer(self) -> Issuer:
        """Return this issuer as a verifier believes it."""
        public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        key = PyJWK.from_dict({**public, "alg": ALGORITHM, "kid": self._kid})
        return Issuer(FixedKeys({self._kid: key}), AUDIENCE, frozenset({CLIENT}))


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise DevelopmentKeyError(f"The key in {path} is open to other users: chmod 600 {path}.")
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise DevelopmentKeyError(f"The key in {path} cannot be used ({error.strerror}): mend that.") from error
    except (ValueError, TypeError) as error:
        raise DevelopmentKeyError(f"The key in {path} is damaged: remove the file, and a new one is made.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise DevelopmentKeyError(f"The key in {path} is of another kind: remove the file, and a new one is made.")
    return key


def _make(path: Path) -> None:
    """Write a new key, whole or not at all; of two programs that try at once, one wins and both use the same."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(unfinished)
        except FileExistsError:
            return
    finally:
        unfinished.unlink()
