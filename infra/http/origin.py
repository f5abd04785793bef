"""Whence a request comes, for the two logs: its address, and the trace that it is part of."""

import re
from typing import Final
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct
from starlette.requests import HTTPConnection

TRACE: Final = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, level 1: version, trace, parent, flags."""


class Origin(Struct, frozen=True):
    """Whence something is asked; ``trace`` is the caller's, where it sends one, or a new one."""

    address: str
    trace: UUID = msgspec.field(default_factory=uuid4)


def origin_of(connection: HTTPConnection) -> Origin:
    """Return whence a request comes. Behind a proxy that is the proxy: nobody is believed about their own address."""
    address = "unknown" if connection.client is None else connection.client.host
    found = TRACE.fullmatch(connection.headers.get("traceparent", ""))
    # All zeros is no trace.
    return Origin(address, UUID(found[1])) if found and int(found[1], 16) else Origin(address)
