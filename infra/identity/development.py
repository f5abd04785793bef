"""The built-in issuer of tokens, for trying the registry out: whoever can read its key can be anybody.

Its key lies in the data directory, made on first use and readable by its owner alone. Where a real issuer is set,
nothing here is used.
"""

from pathlib import Path
from time import time
from typing import Any, Final
from uuid import UUID, uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from ...domain.vocabulary import Role
from ..secret_file import is_open_to_others, write_secret
from .tokens import AUDIENCE, Verifier

ISSUER: Final = "urn:knelpunt:development"
KEY_ID: Final = "development"
FILE_NAME: Final = "development-issuer.pem"

USER: Final = "development"
"""Whom a token names if nobody is named: the one user, wherever they come from, who tries the registry out."""

LIFETIME_SECONDS: Final = 12 * 3600
"""How long a token holds: a working day."""


class IssuerKeyError(Exception):
    """The issuer's key cannot be read or made; the message is one sentence that says what to do."""


class DevelopmentIssuer(Struct, frozen=True):
    """Signs tokens for anybody whom its user names."""

    key: ec.EllipticCurvePrivateKey

    @classmethod
    def at(cls, data_dir: Path) -> "DevelopmentIssuer":
        """Return the issuer of a data directory, with a new key if it has none. Raises ``IssuerKeyError``."""
        path = data_dir / FILE_NAME
        try:
            if not path.exists():
                write_secret(path, _new_key())
            if is_open_to_others(path):
                message = f"The key of the development issuer in {path} is open to other users: chmod 600 {path}."
                raise IssuerKeyError(message)
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError) as error:
            message = f"The key of the development issuer in {path} cannot be used ({error}); remove it to get another."
            raise IssuerKeyError(message) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            message = f"The key in {path} is not one of the development issuer's; remove it to get another."
            raise IssuerKeyError(message)
        return cls(key)

    def token(
        self,
        role: Role,
        organisation: str | None,
        user: str = USER,
        lifetime_seconds: int = LIFETIME_SECONDS,
        subject: UUID | None = None,
    ) -> str:
        """Return a token, valid from now on, that says so."""
        import jwt  # noqa: PLC0415  see tokens.Verifier

        now = int(time())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "azp": ISSUER,
            "sub": user,
            "role": role.value,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime_seconds,
            "jti": str(uuid4()),
        }
        if organisation is not None:
            claims["organisation"] = organisation
        if subject is not None:
            claims["subject"] = str(subject)
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": KEY_ID})

    def verifier(self) -> Verifier:
        """Return what checks this issuer's tokens."""
        public = self.key.public_key()
        return Verifier(ISSUER, {KEY_ID: public}.__getitem__)


def _new_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
