"""knelpunt serve: what runs beside what, and that it survives the death of each part."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.cli.conftest import CommandLine
from infra.succession.registries import HEIR, MERGED_AT, OLD, about, fill, written
from knelpunt.domain.organisation.facts import OrganisationMerged
from knelpunt.infra.bootstrap import bootstrap, database
from knelpunt.infra.postgres.embedded import EmbeddedServer
from knelpunt.infra.settings import settings_from
from knelpunt.infra.store.batch import Recorded

SECONDS_MAX = 30


@dataclass
class Service:
    """A running service, where it answers, and the folder of its database."""

    process: subprocess.Popen[str]
    address: str
    data_dir: Path

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

    def begin(*options: str) -> Service:
        process = command.start("serve", "--port", "0", *options)
        assert process.stderr is not None
        address = ""
        while "Serving on" not in address:
            address = process.stderr.readline()
            assert address, "it ended before it served"
        running.append(Service(process, address.split()[2], open_folder / "data"))
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


@pytest.mark.parametrize(("options", "number"), [((), signal.SIGTERM), (("--workers", "2"), signal.SIGINT)])
def test_it_serves_until_told_to_stop(start, options: tuple[str, ...], number: int) -> None:
    """Status 0, in order: nothing of it runs any more, the database included."""
    service = start(*options)
    assert service.answers("/healthz")
    projectors = service.children("knelpunt.infra.serving.projector")
    assert len(projectors) == 1
    successions = service.children("knelpunt.infra.serving.succession")
    assert len(successions) == 1
    database = postmaster(service.data_dir)
    service.process.send_signal(number)
    out, err = service.process.communicate(timeout=SECONDS_MAX)
    assert service.process.returncode == 0, out + err
    assert "Traceback" not in err
    assert is_gone(projectors[0])
    assert is_gone(successions[0])
    assert is_gone(database)


def test_a_killed_database_and_a_killed_projector_come_back(start) -> None:
    """The service sees to both; requests wait or are told so meanwhile."""
    service = start()
    old = postmaster(service.data_dir)
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: postmaster_or_none(service.data_dir) not in {None, old})
    wait_until(service.answers)
    (projector,) = service.children("knelpunt.infra.serving.projector")
    os.kill(projector, signal.SIGKILL)
    wait_until(lambda: service.children("knelpunt.infra.serving.projector") not in ([], [projector]))
    assert service.answers()
    assert service.process.poll() is None


def postmaster_or_none(data_dir: Path) -> int | None:
    try:
        return postmaster(data_dir)
    except (OSError, IndexError):
        return None


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
