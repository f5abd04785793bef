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
def asked(registry_url: str, tmp_path: Path) -> Iterator[Asked]:
    """An empty registry, asked in this process."""
    with asyncio.Runner() as runner:
        asked = Asked(registry_url, DevelopmentIssuer.at(tmp_path), runner)
        yield asked
        asked.close()


@pytest.fixture
def service(asked: Asked) -> Iterator[Service]:
    """A service over a registry with three organisations."""
    asked.organisations()
    asked.project()
    with serving(asked) as address:
        yield Service(asked, asked.issuer, address)
