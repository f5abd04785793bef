"""A registry with machine-made cases that the tests of exporting read."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from infra.projecting.registries import fill, some_registry
from knelpunt.infra.bootstrap import Parts, bootstrap
from knelpunt.infra.projecting.projector import Projector

CASES = 9


@pytest.fixture(scope="module")
def parts(shared_registry_url: str) -> Iterator[Parts]:
    """A registry of some cases, corrected, struck, late and in conflict as the machine makes them."""
    fill(shared_registry_url, some_registry(22, CASES))
    with closing(Projector(shared_registry_url)) as projector:
        projector.catch_up()
    with bootstrap(shared_registry_url, bytes(32)) as parts:
        yield parts
