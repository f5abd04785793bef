"""One attempt at sending: a POST to an address that was looked up and allowed, and what came of it.

Redirects are not followed, answers are not read, and no proxy of the environment is asked. Whatever a receiver does, an
attempt is over within ten seconds.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from importlib.metadata import version
from typing import Final

import httpx2
from msgspec import Struct

from ..cloud_events import CONTENT_TYPE
from .reach import Network, NotAllowed, Target, addresses_of, target_of

ATTEMPT_SECONDS_MAX: Final = 10.0
"""How long an attempt may take in all: enough to store an event, too little for a receiver to hold us up with."""

ADDRESSES_MAX: Final = 3
"""How many addresses of a host are tried in one attempt."""

RETRY_AFTER_DIGITS_MAX: Final = 6

OVERLOADED: Final = frozenset({429, 502, 503, 504})
"""Answers by which it is not the event that is wrong: nothing else is sent for a while either (RFC 9110, 15)."""

GONE: Final = 410


class Delivered(Struct, frozen=True):
    """The receiver took it."""


class Gone(Struct, frozen=True):
    """The receiver wants no more, ever."""


class Failed(Struct, frozen=True):
    """The receiver did not take it; ``problem`` says why, in a sentence that quotes nothing it answered.

    ``away`` says that it would take no other event now either, and ``retry_after`` when it asks to be tried again.
    """

    problem: str
    away: bool = False
    retry_after: timedelta | None = None


Outcome = Delivered | Gone | Failed


def new_client(trusted: ssl.SSLContext | None = None) -> httpx2.AsyncClient:
    """Return what sends; ``trusted`` says whose certificates count, the system's if none.

    Connections are not kept: one that was made for a host must not serve another one at the same address.
    """
    return httpx2.AsyncClient(
        verify=trusted or ssl.create_default_context(),
        follow_redirects=False,
        trust_env=False,
        timeout=ATTEMPT_SECONDS_MAX,
        limits=httpx2.Limits(max_keepalive_connections=0),
    )


async def send(
    client: httpx2.AsyncClient, url: str, networks: Sequence[Network], signed: Mapping[str, str], body: bytes
) -> Outcome:
    """Send a body, once, and return what came of it. Never raises for what a receiver or its address does."""
    try:
        target = target_of(url)
        async with asyncio.timeout(ATTEMPT_SECONDS_MAX):
            addresses = await addresses_of(target, networks)
            return await _sent(client, url, target, addresses[:ADDRESSES_MAX], signed, body)
    except NotAllowed as error:
        return Failed(str(error), away=True)
    except TimeoutError:
        return Failed(f"The receiver did not answer within {ATTEMPT_SECONDS_MAX:.0f} seconds.", away=True)
    except (OSError, UnicodeError):
        return Failed("The receiver's name is not known.", away=True)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Failed(f"The receiver cannot be reached ({type(error).__name__}).", away=True)


async def _sent(
    client: httpx2.AsyncClient,
    url: str,
    target: Target,
    addresses: Sequence[str],
    signed: Mapping[str, str],
    body: bytes,
) -> Outcome:
    named = httpx2.URL(url)
    about = {
        **signed,
        "host": named.netloc.decode("ascii"),
        "content-type": CONTENT_TYPE,
        "user-agent": f"knelpunt/{version('knelpunt')}",
    }
    for nth, address in enumerate(addresses, 1):
        # To the address itself; certificates are still judged by the name.
        request = client.build_request(
            "POST",
            named.copy_with(host=address),
            content=body,
            headers=about,
            extensions={"sni_hostname": target.host} if target.tls else {},
        )
        try:
            async with aclosing(await client.send(request, stream=True)) as answer:
                return _outcome(answer)
        except httpx2.ConnectError:
            if nth == len(addresses):
                raise
    return Failed("The receiver's name has no address.", away=True)


def _outcome(answer: httpx2.Response) -> Outcome:
    if answer.is_success:
        return Delivered()
    if answer.status_code == GONE:
        return Gone()
    if answer.is_redirect:
        return Failed(f"The receiver answered {answer.status_code}: redirects are not followed, correct the address.")
    away = answer.status_code in OVERLOADED
    return Failed(f"The receiver answered {answer.status_code}.", away, _retry_after(answer) if away else None)


def _retry_after(answer: httpx2.Response) -> timedelta | None:
    """Return how long a receiver asks to be left alone, where it says so in seconds."""
    given = answer.headers.get("retry-after", "")
    if not (given.isascii() and given.isdecimal() and len(given) <= RETRY_AFTER_DIGITS_MAX):
        return None
    return timedelta(seconds=int(given))
