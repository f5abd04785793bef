"""The place where figures are taken: one embedded server with its own settings, and registries in it.

All sides of a comparison work on this server. It is the one that the registry runs, so what is acknowledged is on disk;
a laboratory whose server promises less refuses to open.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID

import psycopg
from msgspec import Struct, structs
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from knelpunt.domain.event import Event, Fact
from knelpunt.domain.ids import event_id_of
from knelpunt.domain.text import Clear, Sealed
from knelpunt.infra.postgres.embedded import EmbeddedServer
from knelpunt.infra.store.bulk import append_history
from knelpunt.infra.store.connection import DatabaseRole, connect
from knelpunt.infra.store.migrate import migrate

from .generate import Told, registry

SAFE: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
"""Settings without which a commit that was answered may be lost."""

SEALED_EXTRA_BYTES: Final = 28
"""What sealing adds to a text: a nonce of 12 bytes and a tag of 16."""


class Registry(Struct, frozen=True):
    """A generated registry: where it is, how many events it holds, and between which moments they were recorded."""

    url: str
    events: int
    begin: datetime
    end: datetime


class Laboratory:
    """A running server, and the databases made in it."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
            for setting, wanted in SAFE.items():
                row = admin.execute("SELECT current_setting(%s)", (setting,)).fetchone()
                assert row == (wanted,), f"{setting} is {row}: figures of commits that may be lost are worth nothing"

    def empty(self, name: str) -> str:
        """Make an empty database, and return its address as the server's owner."""
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self._server.url(name)

    def migrated(self, name: str) -> str:
        """Make a registry without events, and return its address as the server's owner."""
        url = self.empty(name)
        migrate(url)
        return url

    def registry(self, name: str, events: int, seed: int = 1) -> Registry:
        """Make a registry that holds a generated history."""
        url = self.migrated(name)
        history = History(registry(events, seed), seed)
        with connect(url, DatabaseRole.OWNER) as owner:
            appended = append_history(owner, history.events(), history.request_hashes())
            assert appended.recorded == events
            assert history.begin is not None
            assert history.end is not None
        self.settle(url)
        return Registry(url, events, history.begin, history.end)

    def settle(self, url: str) -> None:
        """Let the server do now what it would do later on its own: statistics, hint bits, a checkpoint."""
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute("VACUUM (ANALYZE)")
            admin.execute("CHECKPOINT")

    def checkpoint(self, url: str) -> None:
        """Write out what is dirty, so that a round pays for its own writing and no other's."""
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute("CHECKPOINT")

    def drop(self, url: str) -> None:
        """Drop a database that was made here."""
        name = conninfo_to_dict(url)["dbname"]
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(name))))

    def version(self) -> str:
        """Return the server's version."""
        with psycopg.connect(self._server.url("postgres")) as admin:
            row = admin.execute("SHOW server_version").fetchone()
        assert row is not None
        return str(row[0])


@contextmanager
def laboratory(folder: Path | None = None) -> Generator[Laboratory]:
    """Give a laboratory in a new folder below ``folder`` (none: where temporary files go); it is removed afterwards."""
    made = Path(tempfile.mkdtemp(prefix="knelpunt-bench-", dir=folder))
    made.chmod(0o711)  # the server's user, who is not root, must get to its own folder in it
    try:
        with EmbeddedServer.start(made / "registry") as server:
            yield Laboratory(server)
    finally:
        shutil.rmtree(made, ignore_errors=True)


class History:
    """Told commands as the events that they become, with their texts as sealed ones of the same length.

    The ciphertexts are random bytes, which is what a ciphertext looks like: nothing here opens one, and making ten
    million keys is not what is measured.
    """

    def __init__(self, told: Iterable[Told], seed: int) -> None:
        self._told = told
        self._rng = Random(seed)
        self._hashes: list[bytes] = []
        self.begin: datetime | None = None
        self.end: datetime | None = None

    def events(self) -> Iterator[Event]:
        """Yield the events, with versions from 1 in each stream."""
        versions: Counter[UUID] = Counter()
        for position, told in enumerate(self._told):
            command = told.command
            versions[command.stream] += 1
            assert command.occurred_at is not None
            self.begin = self.begin or told.recorded_at
            self.end = told.recorded_at
            self._hashes.append(command.id.bytes * 2)
            yield Event(
                event_id_of(command.id),
                command.stream,
                versions[command.stream],
                position,
                command.occurred_at,
                told.recorded_at,
                command.actor,
                command.id,
                self._sealed(command.data, command.stream),
                command.precision,
                command.source,
                command.inferred,
                command.known_to,
            )

    def request_hashes(self) -> Iterator[bytes]:
        """Yield, beside each event, 32 bytes for its request: no request of a history is sent again."""
        while self._hashes:
            yield self._hashes.pop()

    def _sealed(self, fact: Fact, about: UUID) -> Fact:
        texts = {
            name: Sealed(about, about, self._rng.randbytes(len(text.content.reveal().encode()) + SEALED_EXTRA_BYTES))
            for name in fact.__struct_fields__
            if isinstance(text := getattr(fact, name), Clear)
        }
        return structs.replace(fact, **texts) if texts else fact
