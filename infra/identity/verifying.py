"""Who a bearer token says somebody is: checked against the issuers that this registry believes, and nothing else.

A token is a JSON Web Token (RFC 7519, 8725). Its ``organisation``, ``role`` and ``sub`` (a pseudonym) are who acts; no
request can say otherwise.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import jwt
import msgspec
from msgspec import Meta, Struct

from ...domain.ids import OrganisationId, UserId
from ...domain.vocabulary import Role
from ...graphql.ports import Asker
from .keys import ALGORITHMS, Keys, KeySetUnavailable

__all__ = ["Issuer", "KeySetUnavailable", "Unauthenticated", "Verifier"]

LEEWAY_SECONDS: Final = 60
"""How far an issuer's clock may be off."""

TOKEN_CHARACTERS_MAX: Final = 8_192
"""The longest token: some ten times what ours have."""

REQUIRED: Final = ("iss", "aud", "azp", "exp", "nbf", "jti", "sub")


class Unauthenticated(Exception):  # noqa: N818  named for what it is
    """Nobody that this registry knows; the message is one sentence."""


class _Claims(Struct):
    """What of a token says who acts, and to which program it was issued."""

    sub: UserId
    role: Role
    azp: str
    jti: Annotated[str, Meta(min_length=1)]
    exp: float
    organisation: OrganisationId | None = None


class Issuer(Struct, frozen=True):
    """An issuer that is believed: its keys, for whom its tokens must be, and to which clients (none: to any)."""

    keys: Keys
    audience: str
    clients: frozenset[str] | None


class Verifier:
    """Verifies tokens of the issuers on its list, which are named as in their tokens' ``iss``."""

    def __init__(self, issuers: Mapping[str, Issuer]) -> None:
        self._issuers = dict(issuers)

    def verify(self, token: str) -> Asker:
        """Return who a token says somebody is. Raises ``Unauthenticated``, and ``KeySetUnavailable``."""
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise Unauthenticated("The token is too long to be one of ours.")
        try:
            claimed: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.PyJWTError:
            message = "The token cannot be read: send 'Authorization: Bearer' and a JSON Web Token."
            raise Unauthenticated(message) from None
        issuer = self._issuers.get(str(claimed.get("iss")))
        if issuer is None:
            raise Unauthenticated("The token comes from an issuer that this registry does not believe.")
        key = issuer.keys.key(kid) if isinstance(kid, str) else None
        if key is None:
            raise Unauthenticated("The token is signed with a key that its issuer does not have.")
        return _asker(_checked(token, issuer, key), issuer)


def _checked(token: str, issuer: Issuer, key: jwt.PyJWK) -> dict[str, Any]:
    """Return the claims of a token whose signature and times hold. Raises ``Unauthenticated``."""
    try:
        return jwt.decode(
            token,
            key,
            # The key says by which algorithm it is used: a key for one cannot be passed off as a key for another.
            algorithms=[key.algorithm_name] if key.algorithm_name in ALGORITHMS else [],
            audience=issuer.audience,
            leeway=LEEWAY_SECONDS,
            options={"require": list(REQUIRED)},
        )
    except jwt.ExpiredSignatureError:
        raise Unauthenticated("The token has expired: ask for a new one.") from None
    except jwt.ImmatureSignatureError:
        raise Unauthenticated("The token is not valid yet.") from None
    except jwt.InvalidAudienceError:
        raise Unauthenticated("The token is meant for another service.") from None
    except jwt.MissingRequiredClaimError as error:
        raise Unauthenticated(f"The token lacks the claim {error.claim}.") from None
    except jwt.PyJWTError:
        raise Unauthenticated("The token's signature or claims are not valid.") from None


def _asker(claims: dict[str, Any], issuer: Issuer) -> Asker:
    try:
        found = msgspec.convert(claims, _Claims)
    except msgspec.ValidationError:
        message = "The token does not say who acts: it needs sub, role and jti, and an organisation's identifier if any."
        raise Unauthenticated(message) from None
    if issuer.clients is not None and found.azp not in issuer.clients:
        raise Unauthenticated("The token was issued to a program that may not ask here.")
    return Asker(found.organisation, found.role, found.sub, datetime.fromtimestamp(found.exp, UTC))
