"""Where the keys of token issuers come from: the key sets (RFC 7517) that verifying looks a token's ``kid`` up in."""

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import jwt
from jwt import PyJWK

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
"""The signatures that are accepted: asymmetric ones that every issuer offers. Never what a token asks for."""

FETCH_SECONDS_MAX: Final = 5.0
"""How long fetching a key set may take: somebody's request waits for it."""

FRESH_SECONDS: Final = 300.0
"""How long a fetched key set is good for: as long as a key that was withdrawn is still believed."""

UNKNOWN_KEY_SECONDS: Final = 30.0
"""How long to wait before a key set is fetched again for a key that it lacks: tokens are cheap to make up."""

KEY_SET_BYTES_MAX: Final = 262_144
"""The largest key set that is read; issuers have a few keys of a kilobyte each."""


class KeySetUnavailable(Exception):  # noqa: N818  named for what it is
    """An issuer's keys cannot be had; the message is one sentence that says what to do."""


class Keys(Protocol):
    """The keys of one issuer."""

    def key(self, kid: str) -> PyJWK | None:
        """Return the key of an id, none if the issuer has no such key. Raises ``KeySetUnavailable``."""
        ...


class FixedKeys:
    """Keys that are known from the start."""

    def __init__(self, keys: Mapping[str, PyJWK]) -> None:
        self._keys = dict(keys)

    def key(self, kid: str) -> PyJWK | None:
        """Return the key of an id."""
        return self._keys.get(kid)


class FetchedKeys:
    """Keys that are fetched from a file or a URL, and again when they are old or a new one turns up."""

    def __init__(self, fetch: Callable[[], bytes], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at: float | None = None

    def key(self, kid: str) -> PyJWK | None:
        """Return the key of an id."""
        with self._lock:
            now = self._clock()
            age = None if self._fetched_at is None else now - self._fetched_at
            if age is None or age > FRESH_SECONDS or (kid not in self._keys and age > UNKNOWN_KEY_SECONDS):
                self._keys = key_set(self._fetch())
                self._fetched_at = now
            return self._keys.get(kid)


def keys_at(place: str) -> FetchedKeys:
    """Return the keys of the key set in a file or at an https URL."""
    return FetchedKeys((lambda: _from_url(place)) if "://" in place else (lambda: _from_file(Path(place))))


def key_set(content: bytes) -> dict[str, PyJWK]:
    """Return the usable keys of a key set by their ids. Raises ``KeySetUnavailable`` for what is none."""
    try:
        found: list[dict[str, Any]] = json.loads(content)["keys"]
        # Keys to encrypt with, and of kinds that we do not take, may stand in the same set.
        signing = [each for each in found if each.get("use", "sig") == "sig" and isinstance(each.get("kid"), str)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = "The issuer's key set cannot be read: KNELPUNT_JWKS must name a JSON Web Key Set."
        raise KeySetUnavailable(message) from error
    keys: dict[str, PyJWK] = {}
    for each in signing:
        try:
            key = PyJWK.from_dict(each)
        except jwt.PyJWTError:
            continue
        if key.algorithm_name in ALGORITHMS:
            keys[each["kid"]] = key
    return keys


def _from_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"The issuer's key set in {path} cannot be read ({error.strerror}): mend that, or set KNELPUNT_JWKS."
        raise KeySetUnavailable(message) from error


def _from_url(url: str) -> bytes:
    if not url.startswith("https://"):
        message = "The issuer's key set must be fetched over https, or stand in a file: mend KNELPUNT_JWKS."
        raise KeySetUnavailable(message)
    try:
        with urllib.request.urlopen(url, timeout=FETCH_SECONDS_MAX) as reply:  # noqa: S310  https only, see above
            return reply.read(KEY_SET_BYTES_MAX)
    except OSError as error:
        message = "The issuer's key set cannot be fetched: check KNELPUNT_JWKS and the network."
        raise KeySetUnavailable(message) from error
