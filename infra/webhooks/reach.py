"""Where webhooks may be sent: to the internet, and within private networks only where the operator says so.

A subscription's address is somebody else's text. Looked up once and then by its name again, it could lead anywhere the
second time; so what was looked up and allowed is what is connected to.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

URL_BYTES_MAX: Final = 2048

Network = IPv4Network | IPv6Network

_EMBEDDING: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("2002::/16"))
"""IPv6 addresses that a gateway turns into IPv4 ones (RFC 6052, RFC 8215, RFC 3056), private ones among them."""


class NotAllowed(Exception):  # noqa: N818  named for what it is
    """An address to which nothing is sent; the message is one sentence that says why."""


class Target(Struct, frozen=True):
    """Where a webhook goes: host and port as the URL names them, and whether over TLS."""

    host: str
    port: int
    tls: bool


def networks_from(text: str) -> tuple[Network, ...]:
    """Return networks that are written one after the other, parted by commas. Raises ``ValueError``."""
    return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())


def target_of(url: str) -> Target:
    """Return where a URL leads. Raises ``NotAllowed`` for one that no webhook may have."""
    if len(url.encode()) > URL_BYTES_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise NotAllowed(f"The address is no URL of at most {URL_BYTES_MAX} visible characters: write it as https://….")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotAllowed("The address is no URL: write it as https://receiver.example/path.") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise NotAllowed("The address is no URL of the web: write it as https://receiver.example/path.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise NotAllowed("The address must hold neither a user, a password nor a fragment: signatures say who sends.")
    tls = parts.scheme == "https"
    return Target(parts.hostname, port or (443 if tls else 80), tls)


def expect_allowed(target: Target, address: str, networks: Sequence[Network]) -> None:
    """Raise ``NotAllowed`` unless something may be sent to an address: by TLS to the internet, or as the operator says.

    ``networks`` are those that the operator allows although they are private; to them also without TLS.
    """
    given = ip_address(address.partition("%")[0])
    at = given.ipv4_mapped or given if isinstance(given, IPv6Address) else given
    if any(at in network for network in networks if network.version == at.version):
        return
    if not _public(at):
        raise NotAllowed(f"{target.host} is at an address that is not public, and the operator allows no such network.")
    if not target.tls:
        raise NotAllowed(f"{target.host} is on the internet, where events are sent by https alone.")


def _public(at: IPv4Address | IPv6Address) -> bool:
    if isinstance(at, IPv6Address) and any(at in network for network in _EMBEDDING):
        return False
    return at.is_global and not (at.is_multicast or at.is_reserved or at.is_unspecified)


async def addresses_of(target: Target, networks: Sequence[Network]) -> list[str]:
    """Return the addresses of a host, each of which something may be sent to, the system's favourite first.

    Raises ``NotAllowed`` if it may not to any one of them: a name with a private address among others is a trick.
    Raises ``OSError`` for a name that is not found.
    """
    found = await asyncio.get_running_loop().getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        expect_allowed(target, address, networks)
    return addresses
