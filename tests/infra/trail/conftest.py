"""What the tests of the trail share: a registry and its trail."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.trail.given import Trail


@pytest.fixture
def trail(registry_url: str, tmp_path: Path) -> Iterator[Trail]:
    """An empty registry and the folder of its trail, which nothing has been written to."""
    made = Trail(registry_url, tmp_path / "trail")
    yield made
    made.close()
