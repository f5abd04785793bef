"""A disk that is full: who records is told at once, nothing acknowledged is lost, and all goes on with room again."""

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from graph.given import GEMEENTE, Asked
from infra.http.given import PLAIN, serving
from infra.trail.given import KEY
from knelpunt.domain.vocabulary import Role
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.postgres.embedded import EmbeddedServer
from knelpunt.infra.store.migrate import migrate
from knelpunt.infra.trail.checking import check_trail
from knelpunt.infra.trail.folder import TrailFolder
from knelpunt.infra.trail.publisher import Publisher

DISK_BYTES = 256 << 20
WRITERS = 8
TOLD_SECONDS_MAX = 5.0
BACK_SECONDS_MAX = 10.0

OPEN = """mutation M($input: OpenCaseInput!) { openCase(input: $input) {
    __typename ... on OpenCasePayload { position } ... on Refused { code } } }"""


@pytest.fixture
def small_disk(open_folder: Path) -> Iterator[Path]:
    """A disk of a quarter of a gigabyte, in memory."""
    if os.geteuid() != 0:
        pytest.skip("only root makes a small disk")
    place = open_folder / "disk"
    place.mkdir()
    options = f"size={DISK_BYTES},mode=711"
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("this machine lets nobody mount a disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


class Writers:
    """Clients that record cases one after the other, each with its id, and keep what they were told."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._token = token
        self._stop = threading.Event()
        self.recorded: dict[UUID, int] = {}
        self.sent: set[UUID] = set()
        self.refused: list[tuple[float, int, float]] = []  # when, with which status, after how many seconds
        self.last = 0.0  # when something was last recorded
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        with httpx.Client(timeout=60, verify=PLAIN) as client:
            while not self._stop.is_set():
                self.send(client, uuid4())

    def send(self, client: httpx.Client, command: UUID) -> None:
        self.sent.add(command)
        given = {"commandId": str(command), "theme": "schulden", "noticedBy": "SUBJECT", "title": "x" * 3_000}
        began = time.monotonic()
        answer = client.post(
            f"http://{self._address}/graphql",
            json={"query": OPEN, "variables": {"input": given}},
            headers={"Authorization": f"Bearer {self._token}"},
        )
        if answer.status_code == 200 and answer.json().get("data"):
            self.recorded[command] = answer.json()["data"]["openCase"]["position"]
            self.last = time.monotonic()
        else:
            self.refused.append((began, answer.status_code, time.monotonic() - began))

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def again(self) -> None:
        """Send once more, with their ids, what nobody knows the fate of."""
        with httpx.Client(timeout=60, verify=PLAIN) as client:
            for command in self.sent - self.recorded.keys():
                self.send(client, command)


def filled(disk: Path) -> Path:
    """Take all the room that is left."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4_096)
        except OSError:
            pass
    return ballast


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    """Writers get 503 within five seconds, and record again within ten of there being room; the trail goes on too."""
    issuer = DevelopmentIssuer.at(tmp_path)
    folder = TrailFolder(small_disk / "trail")
    with EmbeddedServer.start(small_disk / "registry") as server, asyncio.Runner() as runner:
        migrate(server.url())
        asked = Asked(server.url(), issuer, runner)
        asked.organisations()
        publisher = Publisher(folder, KEY, server.url())
        with closing(publisher), serving(asked, cost_per_minute=0) as address:
            writers = Writers(address, issuer.token(Role.AGENCY, GEMEENTE))
            time.sleep(5)
            before = publisher.publish()
            ballast = filled(small_disk)
            full_at = time.monotonic()
            deadline = full_at + 60
            while sum(when > full_at for when, _, _ in writers.refused) < 2 * WRITERS:
                assert time.monotonic() < deadline, "nobody was refused"
                time.sleep(0.1)
                filled(small_disk)  # what the database itself gives up in time
            with pytest.raises(OSError, match="No space left"):
                publisher.publish()
            assert folder.checkpoint() is not None
            ballast.unlink()
            server.ensure_running()
            room_at = time.monotonic()
            while not writers.last > room_at:
                assert time.monotonic() < room_at + BACK_SECONDS_MAX, "nobody records again"
                time.sleep(0.05)
            writers.stop()
            assert {status for _, status, _ in writers.refused} == {503}
            slowest = max(seconds for _, _, seconds in writers.refused)
            back = writers.last - room_at
            print(f"{len(writers.refused)} refused, after {slowest:.2f} s at most; recorded again after {back:.2f} s")
            assert slowest < TOLD_SECONDS_MAX
            writers.again()
            assert writers.recorded.keys() == writers.sent
            assert publisher.publish().size > before.size
            assert list(check_trail(folder, KEY.public, server.url())) == []
        with psycopg.connect(server.url()) as connection:
            stored = dict(connection.execute("SELECT command_id, position FROM knelpunt.command").fetchall())
        assert {command: stored[command] for command in writers.recorded} == writers.recorded
        asked.close()
