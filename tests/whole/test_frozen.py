"""A database that stands still: it takes connections and questions, and answers nothing until it goes on."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from graph.given import GEMEENTE, Asked
from infra.http.given import PLAIN, serving
from knelpunt.domain.vocabulary import Role
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.postgres.embedded import EmbeddedServer
from knelpunt.infra.store import patience
from knelpunt.infra.store.connection import DatabaseRole, pool
from knelpunt.infra.store.migrate import migrate

WRITERS = 4
FROZEN_SECONDS = 12.0
TOLD_SECONDS_MAX = 5.0
BACK_SECONDS_MAX = 15.0
SLACK_SECONDS = 1.0
"""What a machine that has other work to do takes to get a request in and an answer out."""

OPEN = """mutation M($input: OpenCaseInput!) { openCase(input: $input) {
    __typename ... on OpenCasePayload { position } ... on Refused { code } } }"""
QUESTION = "{ registry { position cases(first: 1) { totalCount } } }"


@contextmanager
def standing_still(postmaster: int) -> Iterator[None]:
    """No process of a server does anything until the end of the block; the system goes on taking connections."""
    stopped = [postmaster]
    os.kill(postmaster, signal.SIGSTOP)
    for process in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split():
        os.kill(int(process), signal.SIGSTOP)
        stopped.append(int(process))
    try:
        yield
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)


class Clients:
    """Some that record cases, one after the other, and one that asks: each notes what it was told, and when."""

    def __init__(self, address: str, token: str) -> None:
        self._address, self._headers = address, {"Authorization": f"Bearer {token}"}
        self._stop = threading.Event()
        self.recorded: dict[UUID, int] = {}
        self.sent: set[UUID] = set()
        self.told: list[tuple[float, float, int, str | None]] = []  # when asked, for how long, status, Retry-After
        works = [self._record] * WRITERS + [self._ask]
        self._threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def post(self, client: httpx.Client, body: dict[str, Any]) -> httpx.Response:
        began = time.monotonic()
        answer = client.post(f"http://{self._address}/graphql", json=body, headers=self._headers)
        self.told.append((began, time.monotonic() - began, answer.status_code, answer.headers.get("retry-after")))
        return answer

    def send(self, client: httpx.Client, command: UUID) -> None:
        self.sent.add(command)
        given = {"commandId": str(command), "theme": "zorg", "noticedBy": "SUBJECT"}
        answer = self.post(client, {"query": OPEN, "variables": {"input": given}})
        if answer.status_code == 200:
            self.recorded[command] = answer.json()["data"]["openCase"]["position"]
        else:
            time.sleep(0.1)

    def _record(self) -> None:
        with httpx.Client(timeout=60, verify=PLAIN) as client:
            while not self._stop.is_set():
                self.send(client, uuid4())

    def _ask(self) -> None:
        with httpx.Client(timeout=60, verify=PLAIN) as client:
            while not self._stop.is_set():
                self.post(client, {"query": QUESTION})
                time.sleep(0.05)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_server_that_stands_still(open_folder: Path, tmp_path: Path) -> None:
    """Whoever asks or records is told within five seconds to come back; all is well again soon after it goes on.

    Nothing that was acknowledged is lost, and what was not has one effect when it is sent again by its id.
    """
    issuer = DevelopmentIssuer.at(tmp_path)
    with EmbeddedServer.start(open_folder / "registry") as server, asyncio.Runner() as runner:
        migrate(server.url())
        asked = Asked(server.url(), issuer, runner)
        asked.organisations()
        asked.project()
        postmaster = int((server._places.cluster / "postmaster.pid").read_text().split()[0])
        with serving(asked, cost_per_minute=0) as address:
            clients = Clients(address, issuer.token(Role.AGENCY, GEMEENTE))
            while len(clients.recorded) < 10 * WRITERS:
                time.sleep(0.05)
            with standing_still(postmaster):
                frozen = time.monotonic()
                time.sleep(FROZEN_SECONDS)
            thawed, before = time.monotonic(), len(clients.recorded)
            while len(clients.recorded) < before + 10 * WRITERS:
                assert time.monotonic() - thawed < 60
                time.sleep(0.05)
            clients.stop()
            meanwhile = [one for one in clients.told if frozen < one[0] + one[1] and one[0] < thawed]
            refused = [one for one in meanwhile if one[2] != 200]
            assert {status for _, _, status, _ in refused} == {503}
            assert all(again for *_, again in refused)
            longest = max(seconds for _, seconds, _, _ in meanwhile)
            back = (
                min(at + seconds for at, seconds, status, _ in clients.told if at > thawed and status == 200) - thawed
            )
            with httpx.Client(timeout=60, verify=PLAIN) as client:
                first = dict(clients.recorded)
                for command in clients.sent:
                    clients.send(client, command)
            assert {command: clients.recorded[command] for command in first} == first
            assert clients.recorded.keys() == clients.sent
            with psycopg.connect(server.url()) as connection:
                stored = dict(
                    connection.execute(
                        "SELECT command_id, position FROM knelpunt.command WHERE command_id = ANY(%s)",
                        (list(clients.sent),),
                    ).fetchall()
                )
            assert stored == clients.recorded
        asked.close()
    print(f"{len(refused)} refused of {len(meanwhile)}, the longest after {longest:.1f} s; back after {back:.1f} s")
    assert longest < TOLD_SECONDS_MAX + SLACK_SECONDS
    assert back < BACK_SECONDS_MAX


def test_one_connection_that_is_not_answered(registry_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its user is told in time, it is thrown away, and the next one is answered."""
    with pool(registry_url, DatabaseRole.READER, 1) as connections:
        with connections.connection() as connection:
            assert isinstance(connection, patience.Connection)
            assert connection.patience == 3.5
            monkeypatch.setattr(connection, "patience", 0.3)
            backend = connection.info.backend_pid
            os.kill(backend, signal.SIGSTOP)
            try:
                began = time.monotonic()
                with pytest.raises(patience.Unanswered):
                    connection.execute("SELECT 1")
                assert 0.3 <= time.monotonic() - began < TOLD_SECONDS_MAX
                assert connection.closed
            finally:
                os.kill(backend, signal.SIGCONT)
        with connections.connection() as another:
            assert another.info.backend_pid != backend
            assert another.execute("SELECT 1").fetchone() == (1,)
