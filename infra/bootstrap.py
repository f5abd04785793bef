"""Puts the registry together: the one place where parts get to know each other.

``bootstrap`` wires everything for one database and one master key; ``database`` finds that database, or runs one.
"""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from ..domain.case.decide import decide
from ..domain.case.facts import GapMark
from ..domain.erasure import decide_erasure
from ..domain.event import Event
from ..domain.investigation.decide import decide_investigation
from ..domain.learning.decide import decide_learning
from ..domain.learning.facts import LearningFact
from ..domain.learning.kinds import RULES
from ..domain.organisation.decide import decide_organisation
from ..domain.registry.decide import decide_registry
from ..domain.settings import Course
from ..projections.derivation.answer import answer
from ..projections.derivation.learning_kinds import answer_of_stream
from ..projections.derivation.shapes import follows
from .forgetting.fences import keep_erased
from .logbook.processing import ProcessingLog
from .logbook.security import SecurityLog
from .postgres.embedded import VAULT_DATABASE, EmbeddedServer
from .settings import Settings
from .store.batch import Decide
from .store.codec import CASE, ERASURE, INVESTIGATION, ORGANISATION, REGISTRY
from .store.registry import Registry
from .store.writer import Writer
from .vault.apart import VAULT_LOGIN, expect_same_registry
from .vault.vault import Vault

DECIDERS: Final = MappingProxyType[str, Decide](
    {
        CASE: decide,
        ORGANISATION: decide_organisation,
        REGISTRY: decide_registry,
        ERASURE: decide_erasure,
    }
    | {kind.lower(): decide_learning for kind in RULES}
    | {INVESTIGATION: decide_investigation}
)
"""The decider of each kind of stream."""


class Database(Struct, frozen=True):
    """Where the registry's database is, and the server that runs it if that is our own.

    ``vault_url`` is where the vault is, as its own login; ``vault_admin_url`` the same, as who may migrate it. Both are
    ``url`` where the vault has no database of its own. ``overseer_url`` is where the two logs are, as who may read
    them; none if nobody named such a login.
    """

    url: str
    embedded: EmbeddedServer | None
    vault_url: str
    vault_admin_url: str
    overseer_url: str | None = None

    @property
    def vault_apart(self) -> bool:
        """Whether the vault has a database of its own."""
        return self.vault_admin_url != self.url


class Parts(Struct, frozen=True):
    """The registry, put together: what its programs are made of."""

    url: str
    vault_url: str
    registry: Registry
    vault: Vault
    processing: ProcessingLog
    security: SecurityLog
    writer: Writer


@contextmanager
def database(settings: Settings) -> Generator[Database]:
    """Give the database that the settings name, or else our own server, running until the end of the block.

    Raises ``EmbeddedError``.
    """
    if settings.database_url is not None:
        vault_url = settings.vault_url or settings.database_url
        yield Database(settings.database_url, None, vault_url, vault_url, settings.overseer_url)
        return
    with EmbeddedServer.start(settings.data_dir) as server:
        # Here one login is enough: all of them, and the master key, are files of the same user.
        keeper = server.url(VAULT_DATABASE, VAULT_LOGIN)
        yield Database(server.url(), server, keeper, server.url(VAULT_DATABASE), keeper)


@contextmanager
def bootstrap(url: str, master: bytes, vault_url: str | None = None) -> Generator[Parts]:
    """Give the registry at ``url``, whose texts are under the master key ``master``; all is closed afterwards.

    The vault is at ``vault_url``, none being in the same database. All must be migrated. Raises ``psycopg.Error`` and
    ``VaultError``.
    """
    with ExitStack() as closing:
        vault = Vault(vault_url or url, master)
        closing.callback(vault.close)
        if vault_url is not None:
            expect_same_registry(url, vault)
        keep_erased(url, vault)
        processing = ProcessingLog(vault_url or url, vault)
        closing.callback(processing.close)
        security = SecurityLog(vault_url or url)
        closing.callback(security.close)
        registry = Registry(url)
        closing.callback(registry.close)
        writer = Writer(url, vault, DECIDERS, derived)
        closing.callback(writer.close)
        yield Parts(url, vault_url or url, registry, vault, processing, security, writer)


def derived(history: Sequence[Event], mark: GapMark, moment: datetime, settings: Course) -> bool:
    """Return whether a case or learning stream has the gap that somebody speaks of, at the moment at which they do."""
    learns = isinstance(history[0].data, LearningFact)
    found = answer_of_stream(history, moment, settings) if learns else answer(history, moment, settings=settings)
    return any(follows(mark, gap, moment) for gap in found.gaps)
