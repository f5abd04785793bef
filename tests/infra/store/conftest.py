"""What the tests of the store share: a registry with one organisation, its vault, and a writer to it."""

import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest

from infra.store.given import register_office
from knelpunt.domain.case.decide import decide
from knelpunt.domain.organisation.decide import decide_organisation
from knelpunt.infra.store.codec import CASE, ORGANISATION
from knelpunt.infra.store.connection import DatabaseRole, connect
from knelpunt.infra.store.registry import Registry
from knelpunt.infra.store.writer import Recorded, Writer
from knelpunt.infra.vault.vault import Vault

DECIDERS = {CASE: decide, ORGANISATION: decide_organisation}


@pytest.fixture
def appender(registry_url: str) -> Iterator[psycopg.Connection]:
    """A connection that may append."""
    with connect(registry_url, DatabaseRole.APPENDER) as connection:
        yield connection


@pytest.fixture
def registry(registry_url: str) -> Iterator[Registry]:
    """The library's application over an empty registry."""
    with Registry(registry_url) as registry:
        yield registry


@pytest.fixture
def vault(registry_url: str) -> Iterator[Vault]:
    """A vault under a master key of its own."""
    vault = Vault(registry_url, secrets.token_bytes(32))
    yield vault
    vault.close()


@pytest.fixture
def new_writer(registry_url: str, vault: Vault) -> Iterator[Callable[[], Writer]]:
    """Makes writers with the domain's deciders, to a registry that knows one organisation."""
    writers: list[Writer] = []

    def make() -> Writer:
        writers.append(Writer(registry_url, vault, DECIDERS, lambda history, mark, moment, settings: False))
        return writers[-1]

    assert isinstance(make().submit(register_office()).result(30), Recorded)
    yield make
    for writer in writers:
        writer.close()


@pytest.fixture
def writer(new_writer: Callable[[], Writer]) -> Writer:
    """A writer."""
    return new_writer()
