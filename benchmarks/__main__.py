"""Runs the benchmarks: ``python -m benchmarks [--quick] [--events N …] [--only ROW …]``.

Prints a table, and writes benchmarks/results.json and docs/performance.md. It is ``make bench``; with ``--quick``,
``make bench-quick``: 100,000 events alone, in less than five minutes. A run of some rows only writes nothing there.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Final

from msgspec import Struct

from . import commands, gap_page, growth, importing, latency, pages, real_log, rebuild, trail
from .laboratory import Laboratory, Registry, laboratory
from .measuring import ROUNDS, Row
from .report import DOCUMENT, RESULTS, Run, machine, now, table, write

SIZES: Final = (100_000, 1_000_000)
QUICK_SIZES: Final = (100_000,)
QUICK_SECONDS: Final = 1.5
QUICK_IMPORT_EVENTS: Final = 30_000
"""What a quick run imports at most, to stay within its five minutes."""
PROOF_EVENTS: Final = 10_000_000
QUICK_PROOF_EVENTS: Final = 100_000
QUICK_ROUNDS: Final = 3
"""How often a quick run measures what takes many seconds, to stay within its five minutes."""
ROWS: Final = (
    "commands",
    "answerable",
    "import",
    "rebuild",
    "gap-page",
    "pages",
    "real-log",
    "fsck",
    "proof",
    "growth",
)


class Scope(Struct, frozen=True):
    """What is measured: which rows, at which sizes, and how often."""

    rows: Sequence[str]
    sizes: Sequence[int]
    imported: Sequence[int]
    proved: int
    real_times: Sequence[int]
    seconds: float
    questions: int
    rounds: int
    rounds_of_long: int
    """Rounds of what takes many seconds each."""


def main() -> None:
    """Measure what the command line names."""
    arguments = _arguments()
    scope = _scope(arguments)
    begun_at, begun = now(), monotonic()
    with laboratory(arguments.folder) as place:
        where = machine(place.version())
        rows = measure(place, scope)
    print(table(rows))
    asked = f"--events {' '.join(map(str, scope.sizes))} --rounds {scope.rounds} --seconds {scope.seconds:g}"
    run = Run(begun_at, (monotonic() - begun) / 60, asked, where, rows)
    if arguments.output is not None:
        write(run, arguments.output / RESULTS.name, arguments.output / DOCUMENT.name)
    elif set(scope.rows) == set(ROWS):
        write(run, RESULTS, DOCUMENT)
    else:
        print("Only some rows were measured: nothing was written.")


def _scope(arguments: argparse.Namespace) -> Scope:
    quick: bool = arguments.quick
    sizes: Sequence[int] = arguments.events or (QUICK_SIZES if quick else SIZES)
    rounds: int = arguments.rounds
    return Scope(
        rows=arguments.only,
        sizes=sizes,
        imported=[min(events, QUICK_IMPORT_EVENTS) if quick else events for events in sizes],
        proved=arguments.proof_events or (QUICK_PROOF_EVENTS if quick else PROOF_EVENTS),
        real_times=real_log.TIMES[:1] if quick else real_log.TIMES,
        seconds=arguments.seconds or (QUICK_SECONDS if quick else commands.SECONDS),
        questions=arguments.questions,
        rounds=rounds,
        rounds_of_long=min(rounds, QUICK_ROUNDS) if quick else rounds,
    )


def measure(place: Laboratory, scope: Scope) -> list[Row]:
    """Measure the rows that were chosen; those that depend on it at each size."""
    rows: list[Row] = []
    if "commands" in scope.rows:
        rows += commands.rows(place, _say, scope.rounds, scope.seconds)
    if "answerable" in scope.rows:
        rows.append(latency.row(place, _say, 5 * scope.seconds))
    if "import" in scope.rows:
        rows += [importing.row(place, events, _say, scope.rounds) for events in scope.imported]
    if "real-log" in scope.rows:
        rows += real_log.rows(place, scope.real_times, _say, scope.rounds_of_long)
    for events in scope.sizes:
        if {"rebuild", "gap-page", "pages", "fsck"} & set(scope.rows):
            _say(f"generating and storing {events} events")
            given = place.registry("bench_registry", events)
            rows += _of_registry(place, given, scope)
            place.drop(given.url)
    if "proof" in scope.rows:
        rows.append(trail.proof(scope.proved, _say))
    if "growth" in scope.rows:
        rows += growth.rows(place, scope.sizes, _say)
    return rows


def _of_registry(place: Laboratory, given: Registry, scope: Scope) -> list[Row]:
    """Measure what is about a registry that is there."""
    rows: list[Row] = []
    if "fsck" in scope.rows:
        rows.append(trail.check(place, given, _say, scope.rounds_of_long))
    if "rebuild" in scope.rows:
        rows += rebuild.rows(place, given, _say, scope.rounds)
    elif {"gap-page", "pages"} & set(scope.rows):
        rebuild.rebuild(given.url, rebuild.WORKERS)
    if "gap-page" in scope.rows:
        rows += gap_page.rows(place, given, _say, scope.questions)
    if "pages" in scope.rows:
        rows += pages.rows(place, given, _say, min(pages.VISITS, scope.questions))
    return rows


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100,000 events and shorter rounds: under five minutes")
    parser.add_argument("--events", type=int, nargs="+", help="sizes of the generated registries")
    parser.add_argument("--proof-events", type=int, help="size of the log of which entries are proved")
    parser.add_argument("--only", choices=ROWS, nargs="+", default=ROWS, help="rows to measure")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of each side that count")
    parser.add_argument("--seconds", type=float, help="how long clients send commands in a round")
    parser.add_argument("--questions", type=int, default=gap_page.QUESTIONS, help="pages of gaps to ask for")
    parser.add_argument("--folder", type=Path, help="where the server keeps its data: a folder on the disk to measure")
    parser.add_argument("--output", type=Path, help="write results.json and performance.md here instead")
    return parser.parse_args()


def _say(what: str) -> None:
    print(f"{now():%H:%M:%S} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
