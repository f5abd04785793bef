"""The keys of a real issuer, as it publishes them: a JWK set (RFC 7517) in a file or at an address.

``PyJWKClient`` fetches and caches a set by address; a file is read once, at start.
"""

import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from .tokens import AUDIENCE, Keys, Verifier

FETCH_SECONDS_MAX: Final = 5
"""How long to wait for the issuer's keys."""

CACHE_SECONDS: Final = 300
"""How long fetched keys are used without asking again; a key withdrawn by its issuer works no longer than that."""


class KeysUnavailable(Exception):  # noqa: N818  named for what it is
    """The issuer's keys cannot be had; the message is one sentence that says what to do."""


def verifier(issuer: str, jwks: str, audience: str | None = None) -> Verifier:
    """Return what checks tokens of ``issuer``, whose keys are in the file, or at the https address, ``jwks``.

    Raises ``KeysUnavailable``.
    """
    keys = _at(jwks) if urlsplit(jwks).scheme in {"https", "http"} else _in(Path(jwks))
    return Verifier(issuer, keys, audience or AUDIENCE)


def _in(path: Path) -> Keys:
    import jwt  # noqa: PLC0415  see tokens.Verifier

    try:
        found = jwt.PyJWKSet.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, jwt.PyJWTError) as error:
        message = f"The issuer's keys cannot be read from {path} ({error}); it must hold a JWK set."
        raise KeysUnavailable(message) from error
    return {key.key_id: key.key for key in found.keys if key.key_id is not None}.__getitem__


def _at(address: str) -> Keys:
    import jwt  # noqa: PLC0415  see tokens.Verifier

    if urlsplit(address).scheme != "https" and urlsplit(address).hostname not in {"localhost", "127.0.0.1", "::1"}:
        message = f"The issuer's keys must come over https, not from {address}."
        raise KeysUnavailable(message)
    client = jwt.PyJWKClient(address, lifespan=CACHE_SECONDS, timeout=FETCH_SECONDS_MAX)

    def key(kid: str) -> Any:
        try:
            return client.get_signing_key(kid).key
        except jwt.PyJWKClientError as error:
            raise KeyError(kid) from error

    return key
