"""Who is signed in, kept by the visitor's own browser in a cookie that nobody but the registry can read or make.

The cookie holds the issuer's token, sealed; each request checks that token as any client's, so a session ends when its
token does, and no process has to know of any session. See docs/decisions/0028.
"""

import base64
import binascii
import os
import secrets
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

COOKIE: Final = "knelpunt-session"

NONCE_BYTES: Final = 12

SESSION_KEY_BYTES: Final = 32

COOKIE_BYTES_MAX: Final = 3800
"""What browsers keep for sure is 4,096 bytes with the name and the attributes."""

SESSION_SECONDS_MAX: Final = 12 * 3600
"""A working day; a token that expires earlier ends the session earlier."""


class SessionTooLarge(Exception):  # noqa: N818  named for what it is
    """The issuer's token does not fit into a cookie."""


class Session(Struct, frozen=True, omit_defaults=True):
    """What a browser keeps for its visitor.

    ``csrf`` must come back with every form. ``token`` is none before signing in. ``state``, ``nonce``, ``verifier``
    and ``back`` are what signing in at a real issuer has to remember on its way there and back.
    """

    csrf: str
    token: str | None = None
    state: str | None = None
    nonce: str | None = None
    verifier: str | None = None
    back: str | None = None


def new_session(token: str | None = None) -> Session:
    """Return a session with a CSRF token of its own."""
    return Session(secrets.token_urlsafe(24), token)


def session_key(master: bytes) -> bytes:
    """Return the key under which sessions are sealed, the same in every process of a registry."""
    return HKDF(hashes.SHA256(), SESSION_KEY_BYTES, None, b"knelpunt sessions of pages").derive(master)


class Sessions:
    """Reads and writes the cookie. ``secure`` says whether pages are reached over TLS, as all but trying out is."""

    def __init__(self, key: bytes, *, secure: bool) -> None:
        self._cipher = AESGCM(key)
        self._secure = secure
        # The prefix makes browsers refuse the cookie from anybody but this very host (RFC 6265bis, 4.1.3.2).
        self._name = f"__Host-{COOKIE}" if secure else COOKIE

    def read(self, request: Request) -> Session | None:
        """Return the session of a request, if it has one of ours."""
        given = request.cookies.get(self._name)
        if not given:
            return None
        try:
            sealed = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
            clear = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], COOKIE.encode())
            return msgspec.json.decode(clear, type=Session)
        except (binascii.Error, ValueError, InvalidTag, msgspec.MsgspecError):
            return None

    def write(self, response: Response, session: Session) -> None:
        """Have the browser keep a session. Raises ``SessionTooLarge``."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, msgspec.json.encode(session), COOKIE.encode())
        # Without padding, which would have to stand in quotes.
        value = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
        if len(value) > COOKIE_BYTES_MAX:
            raise SessionTooLarge
        response.set_cookie(
            self._name, value, SESSION_SECONDS_MAX, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def forget(self, response: Response) -> None:
        """Have the browser forget its session."""
        response.delete_cookie(self._name, path="/", secure=self._secure, httponly=True, samesite="lax")
