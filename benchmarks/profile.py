"""Shows where processor time goes in the hottest paths: ``python -m benchmarks.profile rebuild --events 100000``.

Whenever one worker in this process has used a processor for another moment, it is noted which functions are under way;
that costs next to nothing, so that proportions are those of a run. What is no Python counts for the function that calls
it, and another thread for what the first one does meanwhile. Waits do not count, nor does the server. A run of the
benchmarks takes all paths, on a small registry, for its report.
"""

import argparse
import secrets
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path
from time import process_time
from types import CodeType, FrameType, MappingProxyType
from typing import Final, Self

from knelpunt.infra.bootstrap import DECIDERS, derived
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store.appending import AppendLine
from knelpunt.infra.store.batch import Desk, Recorded, Ticket, run_round
from knelpunt.infra.store.connection import DatabaseRole, connect_as_registry, pool
from knelpunt.infra.store.directory import StoredDirectory
from knelpunt.infra.store.kept import KeptHistories
from knelpunt.infra.store.mapper import EventMapper
from knelpunt.infra.trail.folder import TrailFolder
from knelpunt.infra.trail.note import ED25519, new_key
from knelpunt.infra.trail.publisher import Publisher
from knelpunt.infra.trail.stretches import STRETCH_EVENTS, looked_at
from knelpunt.infra.vault.vault import Vault

from . import gap_page
from .commands import CLIENTS, UNDER_WAY, as_sent, cases_of, next_seed
from .generate import Told, registrations
from .laboratory import Laboratory, Registry, laboratory
from .measuring import Line, Profile, Report

ROOT: Final = Path(__file__).parent.parent
PACKAGES: Final = "site-packages/"

LINES: Final = 12
"""Functions that a report shows of a path: those after them take a fiftieth each at most."""

EVENTS: Final = 2_000
"""The registry that a report's paths are taken on: made in a second."""

SECONDS: Final = 1.0
"""Processor time for which a path of a report is gone again and again."""

SAMPLE_SECONDS: Final = 0.001
"""How often it is looked what is under way; systems whose clock ticks more slowly look at each tick."""

GAP_PAGES: Final = 60

Work = Callable[[], object]

Prepared = tuple[str, int, Callable[[], Work]]
"""What a path does one thing of, how many things a work of it does, and what makes such a work."""


def profiles(place: Laboratory, report: Report) -> list[Profile]:
    """Take every path on a small registry."""
    report(f"profile: a registry of {EVENTS} events")
    given = place.registry("bench_profiled", EVENTS)
    found: list[Profile] = []
    for name, path in PATHS.items():
        report(f"profile: {name}")
        with path(place, given) as (things, count, prepared):
            found.append(_profiled(name, things, count, prepared, SECONDS, LINES))
    place.drop(given.url)
    return found


class Sampler:
    """Notes, while it is on, which functions are under way whenever the process has used some more processor time."""

    def __init__(self) -> None:
        self.count = 0
        self.own: Counter[CodeType] = Counter()
        self.with_called: Counter[CodeType] = Counter()

    def __enter__(self) -> Self:
        """Begin to look."""
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_SECONDS, SAMPLE_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_IGN)

    def _look(self, _: int, frame: FrameType | None) -> None:
        self.count += 1
        if frame is not None:
            self.own[frame.f_code] += 1
        under_way: set[CodeType] = set()
        while frame is not None:
            under_way.add(frame.f_code)
            frame = frame.f_back
        self.with_called.update(under_way)

    def lines(self, most: int) -> list[Line]:
        """Return the functions that took most themselves."""
        return [
            Line(_named(code), own / self.count, self.with_called[code] / self.count)
            for code, own in self.own.most_common(most)
        ]


def _profiled(path: str, things: str, count: int, prepared: Callable[[], Work], seconds: float, lines: int) -> Profile:
    """Take samples for so many seconds of processor of work that does ``count`` things, once warm."""
    _spent(prepared())
    plain = _spent(prepared())
    sampler = Sampler()
    spent, rounds = 0.0, 0
    while spent < seconds:
        work = prepared()
        with sampler:
            spent += _spent(work)
        rounds += 1
    sampled = spent / rounds
    return Profile(path, things, plain / count * 1e6, sampled / count * 1e6, sampler.count, sampler.lines(lines))


def _spent(work: Work) -> float:
    begun = process_time()
    work()
    return process_time() - begun


def _named(code: CodeType) -> str:
    """Return a function by its file within the project or its package."""
    for before in (f"{ROOT}/", PACKAGES):
        _, found, within = code.co_filename.rpartition(before)
        if found and not within.startswith("."):
            return f"{within}: {code.co_qualname}"
    return f"{Path(code.co_filename).name}: {code.co_qualname}"


@contextmanager
def _rebuild(place: Laboratory, given: Registry) -> Generator[Prepared]:
    place.settle(given.url)
    yield "event", given.events, lambda: lambda: rebuild(given.url, 1)


@contextmanager
def _gap_pages(place: Laboratory, given: Registry) -> Generator[Prepared]:
    """Ask for pages of gaps as the queries of the service do; the read model is there, as ``rebuild`` comes before."""
    place.settle(given.url)
    reader = gap_page.READERS[0]
    with connect_as_registry(given.url, DatabaseRole.READER) as admin:
        asked = gap_page.some_questions(admin, given, reader, GAP_PAGES)
    with closing(pool(given.url, DatabaseRole.READER, 1)) as readers:

        def ask() -> None:
            for question in asked:
                gap_page.asked_of_us(readers, reader, question)

        yield "page", len(asked), lambda: ask


@contextmanager
def _check(_: Laboratory, given: Registry) -> Generator[Prepared]:
    """Look at all stretches of the published log, as each process of ``log fsck`` does."""
    with tempfile.TemporaryDirectory(prefix="knelpunt-bench-trail-") as name:
        folder = TrailFolder(Path(name))
        key = new_key("registry.example/events", ED25519, secrets.token_bytes(32))
        with closing(Publisher(folder, key, given.url)) as publisher:
            size = publisher.publish().size
        with connect_as_registry(given.url, DatabaseRole.AUDITOR) as connection:

            def look() -> None:
                for first in range(0, size, STRETCH_EVENTS):
                    found = looked_at(connection, folder, first, min(size, first + STRETCH_EVENTS), size)
                    assert not found.findings, found.findings[0]

            yield "entry", size, lambda: look


@contextmanager
def _commands(place: Laboratory, given: Registry) -> Generator[Prepared]:
    """Run the writer's rounds in this thread, half of the clients in each: the others are being answered meanwhile."""
    url = place.migrated("bench_profiled_commands")
    commands = given.events
    vault = Vault(url, secrets.token_bytes(32))
    keys = vault.line()
    desk = Desk(DECIDERS, StoredDirectory(derived), vault, EventMapper(), KeptHistories(), keys)
    line = AppendLine(url)
    with closing(vault), connect_as_registry(url, DatabaseRole.APPENDER) as connection:

        def handle(sent: list[Ticket]) -> None:
            answered = run_round(connection, desk, sent, line.append, line.ready()).answered
            unrecorded = [answer for _, answer in answered if not isinstance(answer, Recorded)]
            assert not unrecorded, unrecorded[0]
            assert len(answered) == len(sent)

        handle([Ticket(each, vault.request_hash(each), Future()) for each in map(as_sent, registrations())])

        def work() -> Work:
            batches = _batches(vault, commands)
            return lambda: [handle(sent) for sent in batches]

        yield "command", commands, work
    line.disconnect()
    keys.disconnect()
    place.drop(url)


def _batches(vault: Vault, commands: int) -> list[list[Ticket]]:
    """Return so many commands as the batches of two halves of clients in turn, each of which has its own case."""
    cases = cases_of(next_seed(), commands + UNDER_WAY * CLIENTS)
    lanes: list[Iterator[Told]] = [iter(()) for _ in range(CLIENTS)]
    batches: list[list[Ticket]] = []
    for number in range(commands // (CLIENTS // 2)):
        sent: list[Ticket] = []
        for lane in range(number % 2, CLIENTS, 2):
            told = next(lanes[lane], None)
            if told is None:
                lanes[lane] = iter(next(cases))
                told = next(lanes[lane])
            command = as_sent(told.command)
            sent.append(Ticket(command, vault.request_hash(command), Future()))
        batches.append(sent)
    return batches


PATHS: Final = MappingProxyType({"commands": _commands, "rebuild": _rebuild, "gap-page": _gap_pages, "fsck": _check})
"""The paths in the order in which they are taken: a page of gaps is asked for once there is a read model."""


def main() -> None:
    """Profile what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("what", choices=PATHS)
    parser.add_argument("--events", type=int, default=100_000, help="size of the generated registry, or commands")
    parser.add_argument("--seconds", type=float, default=10.0, help="processor time to take samples of")
    parser.add_argument("--lines", type=int, default=45, help="how many functions to show")
    arguments = parser.parse_args()
    with laboratory() as place:
        given = place.registry("bench_profile", arguments.events)
        if arguments.what == "gap-page":
            rebuild(given.url)
        with PATHS[arguments.what](place, given) as (things, count, prepared):
            found = _profiled(arguments.what, things, count, prepared, arguments.seconds, arguments.lines)
    print(f"{found.plain_us:.1f} µs a {things}, with samples {found.sampled_us:.1f} µs; {found.samples} samples")
    for line in found.lines:
        print(f"{line.own:6.1%} {line.with_called:6.1%} {line.function}")


if __name__ == "__main__":
    main()
