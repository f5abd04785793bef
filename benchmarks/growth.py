"""Rows: import, rebuild and gap page as a registry grows, each against itself at the smallest size; and their memory.

Each step is a program of its own, as people run it, so that its memory is its own; meanwhile the memory of all its
processes, and of the server's, is looked at. ``python -m benchmarks.growth STEP URL LOG`` is such a step; it prints
what it measured as JSON.
"""

import argparse
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from threading import Event as Signal
from threading import Thread
from time import perf_counter
from typing import Final

import psycopg

from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.importing.identity import CaseNames
from knelpunt.infra.importing.pipeline import import_file
from knelpunt.infra.importing.sink import RegistrySink
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store.connection import REGISTRY, DatabaseRole, pool
from knelpunt.infra.store.reading import events_of
from knelpunt.projections.derivation.answer import answer
from knelpunt.projections.queries.lens import AT, LATEST, Moment

from .gap_page import ORDERS, READERS, Question, asked_by_hand, asked_of_us
from .generate import BEGIN, SPAN
from .importing import MAPPING, assert_recorded, cases_in, write_log
from .laboratory import Laboratory
from .measuring import Report, Row, percentile
from .opponents import gap_pages
from .processor import PROCESSES, below, parents
from .rebuild import WORKERS

QUESTIONS: Final = 200
WARM_UP: Final = 20

MEMORY_MB_MAX: Final = 400.0
MEGABYTE: Final = 1_000_000

LOOKS_SECONDS: Final = 0.1
"""How long between two looks at the memory of all processes."""

AS_FAST: Final = 0.8
"""Which share of its speed at the smallest size still counts as linear: caches are missed more often."""

AS_FLAT: Final = 1.25
"""How much longer than at the smallest size a page may take and still count as flat."""

GAPS: Final = f"SELECT case_id, gap_id FROM read.gap_state WHERE case_id = ANY(%(cases)s) AND {AT}"


def rows(laboratory: Laboratory, sizes: Sequence[int], report: Report) -> list[Row]:
    """Measure every step at every size, the smallest first; nothing, where memory cannot be looked at."""
    if not PROCESSES.is_dir():
        report("growth: left out, for this system does not tell of its processes")
        return []
    measured: list[Row] = []
    smallest: dict[str, Row] = {}
    for events in sorted(sizes):
        for row in _at(laboratory, events, report):
            first = smallest.setdefault(row.key, row)
            if first is row:
                row.at_least = row.at_most = None  # nothing to compare with yet
            else:
                row.theirs = first.ours
            measured.append(row)
    return measured


def _at(laboratory: Laboratory, events: int, report: Report) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="knelpunt-bench-log-") as folder:
        log = Path(folder) / "log.csv"
        write_log(log, events)
        url = laboratory.migrated("bench_growth")
        for step in STEPS:
            report(f"growth: {step} at {events} events")
            laboratory.settle(url)
            yield _row(step, events, *_run(step, url, log))
        laboratory.drop(url)


def _row(step: str, events: int, samples: list[float], memory: float) -> Row:
    page = step == "gap-page"
    return Row(
        key=f"growth-{step}",
        what=f"{step} as the registry grows, and the memory of its largest process",
        against="itself at the smallest size",
        events=events,
        unit="ms" if page else "events/s",
        ours=samples,
        theirs=[],
        at_least=None if page else AS_FAST,
        at_most=AS_FLAT if page else None,
        limited="memory of every process",
        limited_value=memory,
        limit=MEMORY_MB_MAX,
        limit_unit="MB",
        details={"p95, ms": percentile(samples, 95)} if page else {},
        meaning=(
            "One run at each size, in programs of their own: a log is imported, all projections are rebuilt, and pages "
            "of gaps are asked for, at moments drawn at random. Memory is what a process does not share with others, "
            "at its most, the database's processes included. Some cases were compared with what the import rules and "
            "the derivation make of their rows, and each page with hand-written SQL."
        ),
    )


def _run(step: str, url: str, log: Path) -> tuple[list[float], float]:
    """Return what a step measured, and the megabytes of the largest process that was at work on it."""
    with psycopg.connect(url) as admin:
        server = parents()[admin.info.backend_pid]
    command = [sys.executable, "-m", "benchmarks.growth", step, url, str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        with _watched({process.pid, server}) as most:
            told = process.stdout.read()
    assert process.returncode == 0, f"{step} failed"
    return json.loads(told), max(most.values()) / MEGABYTE


@contextmanager
def _watched(roots: AbstractSet[int]) -> Generator[dict[int, int]]:
    """Give the bytes that some processes, and those that they start, take at their most until the end of the block."""
    most: dict[int, int] = {}
    stop = Signal()

    def look() -> None:
        while not stop.wait(LOOKS_SECONDS):
            for process in below(roots):
                most[process] = max(most.get(process, 0), _own_bytes(process))

    watching = Thread(target=look, daemon=True)
    watching.start()
    try:
        yield most
    finally:
        stop.set()
        watching.join()


def _own_bytes(process: int) -> int:
    """Return the bytes of memory that a process has for itself: shared buffers are the server's as a whole."""
    with suppress(OSError):
        lines = (PROCESSES / str(process) / "status").read_text().splitlines()
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon:", "RssFile:")))
    return 0


def _import(url: str, log: Path) -> list[float]:
    """Return the events a second of an import."""
    with bootstrap(url, secrets.token_bytes(32)) as parts:
        begun = perf_counter()
        report = import_file(log, MAPPING, RegistrySink(parts.registry, parts.vault))
        took = perf_counter() - begun
        assert report.rows_rejected == 0, "every row of a generated log can be imported"
        assert_recorded(parts.registry, log)
    return [report.events_new / took]


def _rebuild(url: str, log: Path) -> list[float]:
    """Return the events a second of a rebuild."""
    begun = perf_counter()
    position = rebuild(url, WORKERS)
    took = perf_counter() - begun
    moment = Moment(datetime.now(UTC), LATEST)
    cases = [CaseNames(MAPPING.source, trace.case).case for trace in cases_in(log)]
    readers = pool(url, DatabaseRole.READER, 1)
    try:
        derived = {
            (case, gap.id) for case in cases for gap in answer(events_of(readers, REGISTRY, [case]), moment.as_of).gaps
        }
    finally:
        readers.close()
    with psycopg.connect(url) as admin:
        stored = set(admin.execute(GAPS, {**moment.values(), "cases": cases}).fetchall())
    assert stored == derived, "the read model says something else of some cases than their events do"
    return [(position + 1) / took]


def _gap_page(url: str, _: Path) -> list[float]:
    """Return the milliseconds of each page."""
    rng = Random(QUESTIONS)
    samples: list[float] = []
    readers = pool(url, DatabaseRole.READER, 1)
    with psycopg.connect(url, autocommit=True) as admin:
        for number in range(QUESTIONS + WARM_UP):
            question = Question(Moment(BEGIN + SPAN * rng.random(), LATEST), rng.choice(ORDERS), None)
            begun = perf_counter()
            found = asked_of_us(readers, READERS[0], question)
            took = (perf_counter() - begun) * 1000
            if number >= WARM_UP:
                samples.append(took)
            by_hand = asked_by_hand(admin, gap_pages.PARTED[question.name()], question.values())
            assert found == by_hand, f"the pages differ for {question}"
    readers.close()
    return samples


STEPS: Final[dict[str, Callable[[str, Path], list[float]]]] = {
    "import": _import,
    "rebuild": _rebuild,
    "gap-page": _gap_page,
}


def main() -> None:
    """Be one step."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth")
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("url")
    parser.add_argument("log", type=Path)
    arguments = parser.parse_args()
    print(json.dumps(STEPS[arguments.step](arguments.url, arguments.log)))


if __name__ == "__main__":
    main()
