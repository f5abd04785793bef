"""Who somebody is, as their bearer token says: a signed JWT (RFC 7519), checked before anything else.

Only tokens of one issuer and for one audience count, signed by a key that the issuer publishes, with an algorithm that
proves it; the organisation is a claim of the token and never of a request.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from time import monotonic, time
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from ...domain.event import Actor
from ...domain.ids import OrganisationId, UserId
from ...domain.vocabulary import Role

ALGORITHMS: Final = ("ES256", "RS256", "PS256")
"""Signatures that only the issuer can make. None of the shared-secret kind, and never ``none``."""

LEEWAY_SECONDS: Final = 60
"""How far the issuer's clock and ours may be apart."""

REQUIRED: Final = ("exp", "nbf", "iss", "aud", "azp", "jti", "sub", "role")

AUDIENCE: Final = "knelpunt"
"""The audience that tokens are made out to, unless the settings name another."""

TOKEN_BYTES_MAX: Final = 8 * 1024
"""A longer token is refused unread; ours are some 500 bytes."""


KEPT_SECONDS: Final = 30.0
"""For how long a token that was checked is not checked again: an answer takes less time than its signature. A key that
the issuer withdraws is believed for so much longer; that a token expires is looked at each time."""

KEPT_MAX: Final = 10_000
"""Tokens that were checked, at most."""

EXPIRES_MAX: Final = 253_402_300_799
"""The end of the year 9999, in seconds since 1970: what a clock can be set to."""


_EXPIRED: Final = "The token has expired; ask its issuer for a new one."


class BadToken(Exception):  # noqa: N818  named for what it is
    """The token does not count; the message is one sentence that may be shown to whoever sent it."""


class Viewer(Struct, frozen=True):
    """Who asks: their organisation (none for those who act for none), role, pseudonym, and until when the token holds.

    ``expires_at`` is in seconds since 1970; ``subject`` is the pseudonym under which cases are about a subject.
    """

    role: Role
    user: str
    organisation: str | None
    expires_at: int
    token_id: str
    subject: UUID | None = None

    def actor(self) -> Actor | None:
        """Return as whom they record events, or none if they act for no organisation and so may not."""
        return None if self.organisation is None else Actor(self.organisation, self.role, self.user)


Keys = Callable[[str], Any]
"""Gives the issuer's public key with an id (``kid``); raises ``KeyError`` for one that the issuer does not have."""


class Verifier:
    """Checks tokens of one issuer."""

    def __init__(self, issuer: str, keys: Keys, audience: str = AUDIENCE) -> None:
        """Count tokens of ``issuer``, made out to ``audience``, under one of its ``keys``."""
        self.issuer = issuer
        self.keys = keys
        self._audience = audience
        self._kept: dict[bytes, tuple[float, Viewer]] = {}
        """When each token was checked, and who it says it is, by its SHA-256."""

    def viewer(self, token: str) -> Viewer:
        """Return who a token says it is. Raises ``BadToken``."""
        if len(token) > TOKEN_BYTES_MAX:
            raise BadToken("The token is too long to be one of ours.")
        digest = sha256(token.encode(errors="surrogatepass")).digest()
        checked_at, kept = self._kept.get(digest, (-KEPT_SECONDS, None))
        if kept is not None and monotonic() - checked_at < KEPT_SECONDS:
            if time() > kept.expires_at + LEEWAY_SECONDS:
                raise BadToken(_EXPIRED)
            return kept
        found = self._checked(token)
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        self._kept[digest] = monotonic(), found
        return found

    def _checked(self, token: str) -> Viewer:
        """Return who a token says it is, by its signature and its claims. Raises ``BadToken``."""
        # Here and not above, as wherever it is used: every program imports settings, and this; few ever see a token.
        import jwt  # noqa: PLC0415

        try:
            _expect_said_once(token)
            kid = jwt.get_unverified_header(token).get("kid")
            if not isinstance(kid, str):
                raise BadToken("The token does not say under which key it was signed.")
            claims = jwt.decode(
                token,
                self.keys(kid),
                algorithms=list(ALGORITHMS),
                audience=self._audience,
                issuer=self.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": list(REQUIRED), "verify_aud": True, "verify_iss": True},
            )
        except KeyError:
            raise BadToken("The token was signed under a key that its issuer does not publish.") from None
        except jwt.ExpiredSignatureError:
            raise BadToken(_EXPIRED) from None
        except jwt.ImmatureSignatureError:
            raise BadToken("The token is not valid yet; is a clock wrong?") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            # Not all that is no token is told as such: a key of another sort, a time that is a list, a nest too deep.
            raise BadToken("The token is not one that this registry accepts.") from None
        return _viewer(claims)


def _expect_said_once(token: str) -> None:
    """Raise ``ValueError`` for a header or claims that say two things of one (RFC 7519, 4).

    Whoever reads the first of them would have let somebody else in than whoever reads the last.
    """
    for part in token.split(".")[:2]:
        json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)), object_pairs_hook=_once)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


class _Claims(Struct, frozen=True):
    """The claims that say who it is, as the token must hold them."""

    sub: UserId
    role: Role
    azp: str
    jti: str
    exp: Annotated[int, Meta(ge=0, le=EXPIRES_MAX)]
    organisation: OrganisationId | None = None
    subject: UUID | None = None


def _viewer(claims: Mapping[str, Any]) -> Viewer:
    """Return who checked claims say it is."""
    try:
        said = msgspec.convert(claims, _Claims)
    except msgspec.ValidationError:
        message = (
            "The token does not say who it is for: it needs sub, role, azp, jti, and an organisation's identifier."
        )
        raise BadToken(message) from None
    # Whose chain a token opens only counts for who acts for themselves.
    subject = said.subject if said.role is Role.SUBJECT else None
    return Viewer(said.role, said.sub, said.organisation, said.exp, said.jti, subject)
