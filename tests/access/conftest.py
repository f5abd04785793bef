"""What the tests of the GraphQL interface share."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.given import Asked
from knelpunt.infra.identity.development import DevelopmentIssuer


@pytest.fixture
def asked(registry_url: str, tmp_path: Path) -> Iterator[Asked]:
    """An empty registry, asked by an agency."""
    with asyncio.Runner() as runner:
        asked = Asked(registry_url, DevelopmentIssuer.at(tmp_path), runner)
        yield asked
        asked.close()
