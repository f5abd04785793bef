"""A service that listens: the real server, over a real registry."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.given import Asked
from infra.http.given import Service, projecting, serving
from knelpunt.infra.identity.development import DevelopmentIssuer


@pytest.fixture
def projected(registry_url: str) -> Iterator[None]:
    """Events are told once it is settled who sees them, which follows from what is projected."""
    with projecting(registry_url):
        yield


@pytest.fixture
def service(registry_url: str, tmp_path: Path) -> Iterator[Service]:
    """A service over a registry with three organisations."""
    issuer = DevelopmentIssuer.at(tmp_path)
    with asyncio.Runner() as runner:
        asked = Asked(registry_url, issuer, runner)
        asked.organisations()
        asked.project()
        with serving(asked) as address:
            yield Service(asked, issuer, address)
        asked.close()
