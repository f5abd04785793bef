"""knelpunt serve: what runs beside what, and that it survives the death of each part."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from websockets import ConnectionClosed, Subprotocol
from websockets.sync.client import connect

from infra.cli.conftest import CommandLine
from infra.http.given import PLAIN, hear, say
from infra.succession.registries import HEIR, MERGED_AT, OLD, about, fill, written
from knelpunt.domain.organisation.facts import OrganisationMerged
from knelpunt.domain.vocabulary import Role
from knelpunt.infra.bootstrap import bootstrap, database
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.postgres.embedded import EmbeddedServer
from knelpunt.infra.settings import settings_from
from knelpunt.infra.store.batch import Recorded

SECONDS_MAX = 60


@dataclass
class Service:
    """A running service, where it answers, and the folder of its database."""

    process: subprocess.Popen[str]
    address: str
    data_dir: Path
    first: dict[str, Any]
    """What it said when it began to serve."""

    def answers(self, path: str = "/readyz") -> bool:
        """Whether it says that it is well."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    def children(self, holding: str) -> list[int]:
        """The process numbers of its children that were started with a word on their command line."""
        return [
            int(folder.name)
            for folder in Path("/proc").glob("[0-9]*")
            if parent_of(folder) == self.process.pid and holding in command_of(folder)
        ]


def parent_of(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it ended meanwhile
        return -1


def command_of(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def is_gone(pid: int) -> bool:
    """Whether a process ended; one whose parent did not ask yet has."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_until(condition, seconds: float = SECONDS_MAX) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def start(open_folder: Path) -> Iterator:
    """Starts services on one registry of this test alone."""
    running: list[Service] = []
    command = CommandLine({"KNELPUNT_DATA_DIR": str(open_folder / "data")})

    def begin(*options: str, **settings: str) -> Service:
        process = replace(command, settings=command.settings | settings).start("serve", "--port", "0", *options)
        assert process.stderr is not None
        line = ""
        while "Serving on" not in line and '"event":"serving"' not in line:
            line = process.stderr.readline()
            assert line, "it ended before it served"
        first = json.loads(line) if line.startswith("{") else {"address": line.split()[2]}
        running.append(Service(process, first["address"], open_folder / "data", first))
        wait_until(running[-1].answers)
        return running[-1]

    yield begin
    for service in running:
        service.process.kill()
        service.process.communicate()
    # Whoever was killed left the database running.
    EmbeddedServer.start(open_folder / "data").stop()


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "cluster" / "postmaster.pid").read_text().splitlines()[0])


def test_it_says_what_it_does_and_stops_without_dropping_anybody(start) -> None:
    """All that it writes are lines of JSON, whose numbers any of its processes tells of all; told to stop, it answers.

    What was asked before is answered in full, and whoever subscribed is told to come again (1012). Nobody is named.
    """
    service = start("--workers", "2", KNELPUNT_LOG_FORMAT="json")
    token = DevelopmentIssuer.at(service.data_dir).token(Role.AGENCY, "urn:org:een", lifetime_seconds=600)
    wait_until(lambda: len([one for one in service.children("") if "spawn_main" in command_of_pid(one)]) >= 2)
    for _ in range(20):
        assert httpx.get(
            f"{service.address}/api/v1/cases", headers={"Authorization": f"Bearer {token}"}, verify=PLAIN
        ).is_success
    # Whichever answers tells of all; and the projector beside them tells there too.
    for _ in range(6):
        told = httpx.get(f"{service.address}/metrics", verify=PLAIN).text
        assert 'knelpunt_http_seconds_count{route="/api/v1/cases",status="200"} 20.0' in told
        assert "knelpunt_projection_batch_seconds" in told
    place = service.address.removeprefix("http://")
    given = settings_from({"KNELPUNT_DATA_DIR": str(service.data_dir)})
    with (
        database(given) as found,
        psycopg.connect(found.url) as blocking,
        connect(f"ws://{place}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]) as socket,
        ThreadPoolExecutor(1) as threads,
    ):
        say(socket, type="connection_init", payload={"Authorization": f"Bearer {token}"})
        assert hear(socket) == {"type": "connection_ack"}
        blocking.execute("LOCK TABLE read.projected IN ACCESS EXCLUSIVE MODE")
        asked = threads.submit(
            httpx.post,
            f"{service.address}/graphql",
            json={"query": "{ registry { position } }"},
            headers={"Authorization": f"Bearer {token}"},
            timeout=20,
        )
        wait_until(lambda: waits_for_a_lock(found.url))
        service.process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        blocking.rollback()
        assert asked.result().json() == {"data": {"registry": {"position": -1}}}
    _, err = service.process.communicate(timeout=SECONDS_MAX)
    assert service.process.returncode == 0, err
    written = [service.first, *map(json.loads, err.splitlines())]
    events = [line["event"] for line in written]
    assert events[0] == "serving"
    assert events[-1] == "stopped"
    begun = {line["part"] for line in written if line["event"] == "begun"}
    assert begun == {"web", "projector", "succession", "trail", "webhooks"}
    answered = [line for line in written if line["event"] == "answered"]
    assert sum(line["route"] == "/api/v1/cases" for line in answered) == 20
    assert {"urn:org:een", token} & set(err.split('"')) == set()


def command_of_pid(process: int) -> str:
    return command_of(Path(f"/proc/{process}"))


WAITING_QUESTION = """
SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'BEGIN ISOLATION LEVEL REPEATABLE READ%'
"""


def waits_for_a_lock(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute(WAITING_QUESTION).fetchone() is not None


def test_killed_parts_come_back_until_it_is_told_to_stop(start) -> None:
    """The service sees to its database and its projector; told to stop, status 0, and nothing of it runs any more."""
    service = start()
    assert service.answers("/healthz")
    old = postmaster(service.data_dir)
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: postmaster_or_none(service.data_dir) not in {None, old})
    wait_until(service.answers)
    (killed,) = service.children("knelpunt.infra.serving.projector")
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: service.children("knelpunt.infra.serving.projector") not in ([], [killed]))
    assert service.answers()
    assert service.process.poll() is None
    (projector,) = service.children("knelpunt.infra.serving.projector")
    (succession,) = service.children("knelpunt.infra.serving.succession")
    database = postmaster(service.data_dir)
    service.process.send_signal(signal.SIGINT)
    out, err = service.process.communicate(timeout=SECONDS_MAX)
    assert service.process.returncode == 0, out + err
    assert "Traceback" not in err
    assert all(is_gone(process) for process in (projector, succession, database))


def postmaster_or_none(data_dir: Path) -> int | None:
    try:
        return postmaster(data_dir)
    except (OSError, IndexError):
        return None


@pytest.mark.long
def test_a_merger_is_written_while_it_serves(start) -> None:
    """What an organisation that ends means for its obstacles stands in their cases soon after it was recorded."""
    service = start()
    given = settings_from({"KNELPUNT_DATA_DIR": str(service.data_dir)})
    with database(given) as found, bootstrap(found.url, given.master_key()) as parts:
        fill(found.url, 10)
        command = about(OrganisationMerged(OLD, HEIR), MERGED_AT)
        assert isinstance(parts.writer.submit(command).result(30), Recorded)
        wait_until(lambda: sum(text.startswith("responsibility-moved") for _, _, text in written(found.url)) == 8)
    assert service.process.poll() is None


def test_nothing_outlives_a_killed_service(start) -> None:
    """Its workers and its projector go with it, so that the next service finds the port and the lock free."""
    service = start("--workers", "2")
    children = service.children("")
    assert len(children) >= 3
    service.process.kill()
    wait_until(lambda: all(is_gone(child) for child in children if "tracker" not in command_of(Path(f"/proc/{child}"))))


def test_a_taken_port_is_said_at_once(demo: CommandLine) -> None:
    """Before anything is done, and with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in ("serve", "demo"):
            sentence = demo.fails(command, "--port", port)
            assert f"Cannot listen on 127.0.0.1:{port}" in sentence
            assert "choose another --port" in sentence
