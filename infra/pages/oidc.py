"""Signing in at a real issuer: OpenID Connect's authorization code flow with PKCE (RFC 7636), by Authlib.

The issuer's access token is what counts for the registry, checked like any client's. Its ID token is checked too, for
it says that this sign-in was begun here, by this browser.
"""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

import jwt
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from httpx2 import AsyncClient, HTTPError
from msgspec import Struct

from ..identity.tokens import ALGORITHMS, LEEWAY_SECONDS, Keys
from .sessions import Session, new_session

CALLBACK: Final = "/signin/callback"

METADATA: Final = "/.well-known/openid-configuration"

SECONDS_MAX: Final = 5
"""How long to wait for the issuer: a visitor looks at a blank page meanwhile."""


class SignInFailed(Exception):  # noqa: N818  named for what it is
    """Signing in came to nothing; the message is one sentence for the visitor."""


class Going(Struct, frozen=True):
    """Where to send a visitor, and what their browser keeps until they are back."""

    address: str
    session: Session


class AtIssuer:
    """Signs visitors in at ``issuer``, to which this registry is the client ``client_id``.

    ``public_url`` is where browsers reach the pages, without a slash at its end; ``keys`` are the issuer's. A public
    client has no ``secret``: PKCE alone proves that who comes back is who went.
    """

    def __init__(self, issuer: str, client_id: str, secret: str | None, public_url: str, keys: Keys) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._secret = secret
        self._callback = f"{public_url}{CALLBACK}"
        self._keys = keys
        self._metadata: Mapping[str, Any] | None = None

    async def going(self, back: str) -> Going:
        """Return where to sign in, to come back to ``back``. Raises ``SignInFailed``."""
        metadata = await self._found()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        client = self._client()
        try:
            address, _ = client.create_authorization_url(
                metadata["authorization_endpoint"], state, code_verifier=verifier, nonce=nonce
            )
        finally:
            await client.aclose()
        session = Session(new_session().csrf, None, state, nonce, verifier, back)
        return Going(address, session)

    async def token(self, session: Session, query: str) -> str:
        """Return the access token for who comes back with a query. Raises ``SignInFailed``."""
        if session.state is None:
            raise SignInFailed("This sign-in was not begun in this browser: sign in again.")
        metadata = await self._found()
        client = self._client()
        try:
            found: Mapping[str, Any] = await client.fetch_token(
                metadata["token_endpoint"],
                authorization_response=f"{self._callback}?{query}",
                state=session.state,
                code_verifier=session.verifier,
            )
        except (AuthlibBaseError, HTTPError, ValueError) as error:
            raise SignInFailed("The issuer did not sign you in: sign in again.") from error
        finally:
            await client.aclose()
        # The issuer's keys may have to be fetched, which nobody else shall wait for.
        await asyncio.to_thread(self._expect_ours, found.get("id_token"), session)
        token = found.get("access_token")
        if not isinstance(token, str):
            raise SignInFailed("The issuer did not sign you in: sign in again.")
        return token

    def _expect_ours(self, id_token: object, session: Session) -> None:
        """Raise ``SignInFailed`` for an ID token that is not the issuer's answer to this very sign-in."""
        try:
            if not isinstance(id_token, str):
                raise jwt.InvalidTokenError
            claims = jwt.decode(
                id_token,
                self._keys(str(jwt.get_unverified_header(id_token).get("kid"))),
                algorithms=list(ALGORITHMS),
                audience=self._client_id,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "nonce"]},
            )
        except (jwt.PyJWTError, KeyError) as error:
            raise SignInFailed("The issuer's answer was not meant for this sign-in: sign in again.") from error
        if not secrets.compare_digest(str(claims["nonce"]).encode(), (session.nonce or "").encode()):
            raise SignInFailed("The issuer's answer was not meant for this sign-in: sign in again.")

    def _client(self) -> Any:
        # Authlib says nothing of its types.
        return AsyncOAuth2Client(
            self._client_id,
            self._secret,
            token_endpoint_auth_method="client_secret_basic" if self._secret else "none",
            scope="openid",
            redirect_uri=self._callback,
            code_challenge_method="S256",
            timeout=SECONDS_MAX,
        )

    async def _found(self) -> Mapping[str, Any]:
        """Return what the issuer says of itself, asked once. Raises ``SignInFailed``."""
        if self._metadata is None:
            try:
                async with AsyncClient(timeout=SECONDS_MAX) as client:
                    answer = (await client.get(self._issuer.rstrip("/") + METADATA)).raise_for_status().json()
            except (HTTPError, ValueError) as error:
                raise SignInFailed("The issuer cannot be reached at this moment: try again later.") from error
            if answer.get("issuer") != self._issuer or not all(
                safe(str(answer.get(name))) for name in ("authorization_endpoint", "token_endpoint")
            ):
                raise SignInFailed("The issuer does not say of itself what it should: tell who runs this registry.")
            self._metadata = answer
        return cast("Mapping[str, Any]", self._metadata)


def safe(address: str) -> bool:
    """Return whether secrets may be sent to an address: over TLS, or within this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"})
