"""What the server hands a projector at once: no more than it can be rid of if the projector is stopped meanwhile."""

import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infra.projecting.registries import everything, fill, some_registry
from infra.projecting.test_sharing import claiming, held, in_any_order
from knelpunt.domain.event import Event
from knelpunt.infra.projecting import bringing
from knelpunt.infra.projecting import projector as projecting
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store import reading


class Line:
    """Stands between one client and the server, and counts what the server says until it is spoken to again."""

    def __init__(self) -> None:
        self.most = 0
        self._answered = 0

    def join(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what each says, until both have hung up."""
        asking = threading.Thread(target=self._ask, args=(client, server), daemon=True)
        asking.start()
        with suppress(OSError):
            while some := server.recv(1 << 16):
                self._answered += len(some)
                self.most = max(self.most, self._answered)
                client.sendall(some)
        client.close()
        asking.join()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while some := client.recv(1 << 16):
                self._answered = 0
                server.sendall(some)
            server.shutdown(socket.SHUT_RDWR)


@contextmanager
def listened_to(url: str) -> Iterator[tuple[str, Line]]:
    """Give an address at which the server answers as well, and what is counted of one who connects there."""
    given = conninfo_to_dict(url)
    name = f".s.PGSQL.{given.get('port') or 5432}"
    folder = Path(tempfile.mkdtemp())  # the names of sockets are short
    line = Line()

    def answer(listening: socket.socket) -> None:
        client, _ = listening.accept()
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(str(Path(str(given["host"])) / name))
            line.join(client, server)

    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(folder / name))
            listening.listen(1)
            threading.Thread(target=answer, args=(listening,), daemon=True).start()
            yield make_conninfo("", **{**given, "host": str(folder)}), line
    finally:
        shutil.rmtree(folder)


ANSWER_BYTES_MAX = 60_000
"""More than a handful of twenty events takes, and less than all of a batch."""


@pytest.fixture
def by_handfuls(registry_url: str, monkeypatch) -> list[Event]:
    """The log of a registry that is brought on in two batches, with nothing at hand, and much from twenty events on."""
    log = some_registry(5, cases=20)
    fill(registry_url, log)
    monkeypatch.setattr(reading, "AT_A_TIME", 20)
    monkeypatch.setattr(reading, "STREAMS_AT_ONCE", 3)
    monkeypatch.setattr(bringing, "TIMELINES_KEPT", 0)
    monkeypatch.setattr(projecting, "BATCH_EVENTS", len(log) // 2 + 1)
    return log


def test_much_is_fetched_by_handfuls(registry_url, by_handfuls) -> None:
    """However many events a batch has, and however many went before them, the server is soon done each time."""
    with listened_to(registry_url) as (address, line), closing(Projector(address)) as projector:
        assert projector.catch_up() == len(by_handfuls) - 1
    assert line.most < ANSWER_BYTES_MAX
    live = everything(registry_url)
    rebuild(registry_url, workers=1)
    assert everything(registry_url) == live


def test_those_who_share_fetch_by_handfuls(registry_url, by_handfuls) -> None:
    """Each its own, and the rows are the same."""
    with closing(Projector(registry_url)) as first:
        first.step()
    deadline = monotonic() + 60
    while held(registry_url):  # the server may be a moment later to see that it has gone
        assert monotonic() < deadline
        sleep(0.01)
    with listened_to(registry_url) as (address, line), claiming(address, range(8)) as [one]:
        with claiming(registry_url, range(8, 16)) as [other]:
            in_any_order(Random(8), [one, other], len(by_handfuls) - 1, lambda: None)
        assert line.most < ANSWER_BYTES_MAX
    live = everything(registry_url)
    rebuild(registry_url, workers=1)
    assert everything(registry_url) == live
