"""kill -9 of service, projector and PostgreSQL, each while a command is unacknowledged: nothing is lost or doubled."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import pairwise
from pathlib import Path
from random import Random
from threading import Thread
from uuid import UUID, uuid4

import psycopg
import pytest

from infra.projecting.registries import everything
from knelpunt.domain.event import Event
from knelpunt.domain.registry.facts import STREAM
from knelpunt.domain.text import Clear
from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.postgres.embedded import EmbeddedServer
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store.connection import REGISTRY
from knelpunt.infra.store.migrate import migrate
from knelpunt.infra.store.reading import events_after
from knelpunt.infra.store.registry import Registry
from knelpunt.infra.store.writer import Recorded, Writer
from knelpunt.infra.vault.vault import Vault
from whole.commands import CLERKS, PERSON_STEPS, command_id, registrations, step

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])}
KILLS = [pytest.param(3, id="3"), pytest.param(50, id="50", marks=[pytest.mark.long, pytest.mark.timeout(3600)])]

Number = tuple[int, int]
"""A clerk, and the number of one of its commands."""


class Service:
    """The service under test, and what it told: what was sent, and the position of what was acknowledged."""

    def __init__(self, url: str, master: bytes, seed: UUID, clerks: int = CLERKS) -> None:
        self.clerks = clerks
        self._arguments = [url, master.hex(), str(seed)]
        self.sent: set[Number] = set()
        self.acknowledged: dict[Number, int] = {}
        self.refused: list[str] = []

    def start(self) -> None:
        """Start it where each clerk was."""
        following = [max((n for c, n in self.sent if c == clerk), default=-1) + 1 for clerk in range(self.clerks)]
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "service_program.py"), *self._arguments, *map(str, following)],
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        self._listener = Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.endswith("\n"):
                break  # killed while it was telling
            word, clerk, number, *rest = line.split()
            if word == "send":
                self.sent.add((int(clerk), int(number)))
            elif word == "done":
                self.acknowledged[int(clerk), int(number)] = int(rest[0])
            else:
                self.refused.append(line)

    @property
    def under_way(self) -> set[Number]:
        """What was sent and has not been acknowledged."""
        return self.sent.copy() - self.acknowledged.copy().keys()

    def wait_for(self, more: int) -> None:
        """Wait until so many more commands are acknowledged."""
        wanted = len(self.acknowledged) + more
        deadline = time.monotonic() + 60
        while len(self.acknowledged) < wanted:
            assert self._process.poll() is None, "the service has ended by itself"
            assert not self.refused, self.refused
            assert time.monotonic() < deadline, "the service makes no progress"
            time.sleep(0.002)

    def kill(self) -> None:
        """kill -9, and take in what it had told until then."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(30)
        self._listener.join(30)


@pytest.fixture
def master() -> bytes:
    return secrets.token_bytes(32)


def seeded(kills: int) -> Random:
    seed = secrets.randbits(32)
    print(f"{kills} kills at the moments of seed {seed}")  # shown if the test fails
    return Random(seed)


EMPTY = {
    *("quarantined", "task_state", "strategy_state", "case_link", "case_to_rederive"),
    *("stream_state", "stream_link", "remedy_state", "investigation_member", "investigation_case"),
    "investigation_dialogue",
    *("commitment_state", "escalation_state", "notice_state", "telling_state"),
}
"""Tables of which the clerks' cases tell nothing."""


ENOUGH = CLERKS * PERSON_STEPS
"""Commands by which gaps of all kinds lie over the cases of some, settings have been changed, and things are to do."""


def strike(number: int, kills: int, service: Service, random: Random, kill: Callable[[], None]) -> set[Number]:
    """Kill something at a random moment while a command is unacknowledged; return which ones were."""
    service.wait_for(random.randint(1, 60))
    if number == kills - 1:
        service.wait_for(ENOUGH - len(service.acknowledged))
    delay = random.random() * 0.02
    time.sleep(delay)
    deadline = time.monotonic() + 30
    while not (under_way := service.under_way):
        assert time.monotonic() < deadline, "nothing is under way"
    kill()
    print(f"kill {number} after {delay:.4f} s with {sorted(under_way)} under way")
    return under_way


def send_again(writer: Writer, seed: UUID, numbers: set[Number], known: dict[Number, int]) -> None:
    """Send commands again; each gets the answer it had, and those that had none get one."""
    for clerk, number in sorted(numbers):
        answer = writer.submit(step(seed, clerk, number)).result(60)
        assert isinstance(answer, Recorded), answer
        assert known.setdefault((clerk, number), answer.position) == answer.position


def check_log(url: str, seed: UUID, known: dict[Number, int]) -> None:
    """Each acknowledged command stands there exactly once, where it was said to; the log has no holes."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT e.position, e.recorded_at, c.command_id FROM knelpunt.event e "
            "LEFT JOIN knelpunt.command c USING (position) ORDER BY e.position"
        ).fetchall()
    assert [position for position, _, _ in rows] == list(range(len(rows)))
    assert all(before < after for (_, before, _), (_, after, _) in pairwise(rows))
    stored = {command: position for position, _, command in rows}
    assert len(stored) == len(rows)
    told = {command_id(seed, *number): position for number, position in known.items()}
    told |= {command.id: stored[command.id] for command in registrations(seed)}
    assert stored == told


def check_texts(registry: Registry, vault: Vault) -> None:
    """Every text opens: no key was lost that something was recorded under."""
    events = [one for one in events_after(registry.reader, REGISTRY, -1, 100_000) if isinstance(one, Event)]
    opened = vault.open(events)
    assert opened
    assert all(isinstance(text, Clear) for text in opened.values())


def check_projection(url: str) -> None:
    """What was projected through the kills equals a rebuild in every column of every table."""
    with closing(Projector(url)) as projector:
        reached = projector.catch_up()
    live = everything(url)
    assert rebuild(url, workers=1) == reached
    assert everything(url) == live
    assert {table for table in live if not live[table]} <= EMPTY
    with psycopg.connect(url) as connection:
        over = connection.execute("SELECT DISTINCT kind FROM read.gap_state WHERE cases IS NOT NULL").fetchall()
        assert {kind for (kind,) in over} == {"UNCOORDINATED", "DEADLOCK", "COMMITMENT_OVERDUE"}
        changed = connection.execute("SELECT count(*) FROM knelpunt.event WHERE stream_id = %s", (STREAM,)).fetchone()
        assert changed is not None
        assert changed[0] > 0


def check_all(url: str, master: bytes, seed: UUID, service: Service, random: Random) -> None:
    """Send again what was under way, and a sample of what was acknowledged; then look at log and projection."""
    known = dict(service.acknowledged)
    sample = set(random.sample(sorted(known), min(40, len(known))))
    with bootstrap(url, master) as parts:
        send_again(parts.writer, seed, service.under_way | sample, known)
        check_texts(parts.registry, parts.vault)
    assert service.refused == []
    check_log(url, seed, known)
    check_projection(url)


def register(url: str, master: bytes, seed: UUID) -> None:
    with bootstrap(url, master) as parts:
        for command in registrations(seed):
            assert isinstance(parts.writer.submit(command).result(30), Recorded)


class ProjectorProcess:
    """A projector as a program of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "projector_program.py"), self._url],
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate(timeout=30)


@pytest.mark.parametrize("kills", KILLS)
def test_kill_the_service(registry_url, master, kills) -> None:
    """A service that dies leaves every acknowledged command there once; what was under way can be sent again."""
    random, seed = seeded(kills), uuid4()
    register(registry_url, master, seed)
    service = Service(registry_url, master, seed)
    with bootstrap(registry_url, master) as parts, closing(Projector(registry_url)) as projector:
        number = 0
        while number < kills:
            service.start()
            try:
                strike(number, kills, service, random, service.kill)
            finally:
                service.kill()
            # One that came after all four had been answered, and before anybody sent another, does not count.
            number += bool(service.under_way)
            send_again(parts.writer, seed, service.under_way, service.acknowledged)
            projector.catch_up()
    check_all(registry_url, master, seed, service, random)


@pytest.mark.parametrize("kills", KILLS)
def test_kill_the_projector(registry_url, master, kills) -> None:
    """A projector that dies leaves rows and position as they were committed; the next one goes on from there."""
    random, seed = seeded(kills), uuid4()
    register(registry_url, master, seed)
    service = Service(registry_url, master, seed)
    with ExitStack() as ending:
        projector = ProjectorProcess(registry_url)
        ending.callback(projector.kill)
        service.start()
        ending.callback(service.kill)
        for number in range(kills):
            strike(number, kills, service, random, projector.kill)
            projector.start()
    check_all(registry_url, master, seed, service, random)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kills", [5, 50])
def test_kill_one_of_several_projectors(registry_url, master, kills) -> None:
    """What one that dies had claimed goes on with the others, one that joins takes its part; no row comes of both."""
    random, seed = seeded(kills), uuid4()
    register(registry_url, master, seed)
    service = Service(registry_url, master, seed)
    with ExitStack() as ending:
        projectors = [ProjectorProcess(registry_url) for _ in range(2)]
        ending.callback(lambda: [one.kill() for one in projectors])
        service.start()
        ending.callback(service.kill)
        for number in range(kills):
            if number == kills // 2:
                projectors.append(ProjectorProcess(registry_url))
            victim = random.choice(projectors)
            strike(number, kills, service, random, victim.kill)
            assert sum(one.runs for one in projectors) == len(projectors) - 1
            victim.start()
    check_all(registry_url, master, seed, service, random)


@pytest.fixture
def own_server(open_folder: Path) -> Iterator[EmbeddedServer]:
    """A server of this test alone: it is going to be killed."""
    with EmbeddedServer.start(open_folder / "registry") as server:
        yield server


def kill_server(server: EmbeddedServer) -> None:
    """kill -9 the postmaster and every process of it, the postmaster first."""
    postmaster = int((server._places.cluster / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for process in (postmaster, *map(int, children)):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it went with the others


@pytest.mark.parametrize(
    ("kills", "clerks"),
    [
        pytest.param(5, CLERKS, id="5"),
        pytest.param(100, 8, id="100", marks=[pytest.mark.long, pytest.mark.timeout(7200)]),
    ],
)
def test_kill_postgresql(own_server, master, kills, clerks) -> None:
    """Service and projector live through the server's deaths; all that was acknowledged was on disk."""
    random, seed = seeded(kills), uuid4()
    url = own_server.url()
    migrate(url)
    register(url, master, seed)
    service = Service(url, master, seed, clerks)
    with ExitStack() as ending:
        projector = ProjectorProcess(url)
        ending.callback(projector.kill)
        service.start()
        ending.callback(service.kill)
        for number in range(kills):
            under_way = strike(number, kills, service, random, lambda: kill_server(own_server))
            assert own_server.ensure_running()
            service.wait_for(2 * clerks)
            assert under_way <= service.acknowledged.keys(), "a command was forgotten by the service"
            assert projector.runs
    check_all(url, master, seed, service, random)
