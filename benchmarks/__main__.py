"""Runs the benchmarks: ``python -m benchmarks [--quick] [--events N …] [--only ROW …]``.

Prints a table, and writes benchmarks/results.json after each row, so that a run that is stopped loses nothing, and
docs/performance.md at the end (``--document`` writes it of the results that are there). It is ``make bench``; with
``--quick``, ``make bench-quick``: 100,000 events alone, in less than five minutes. A run of some rows only writes
nothing there. ``--events 100000 1000000 10000000`` takes the three sizes of the design, the last one a night.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Final

from msgspec import Struct

from . import (
    commands,
    gap_page,
    graphql_http,
    growth,
    importing,
    latency,
    pages,
    profile,
    projectors,
    real_log,
    rebuild,
    scale,
    soak,
    trail,
)
from .laboratory import Laboratory, Registry, laboratory
from .measuring import ROUNDS, Profile, Row
from .report import DOCUMENT, RESULTS, Run, machine, now, read_results, table, write_document, write_results

SIZES: Final = (100_000, 1_000_000)
QUICK_SIZES: Final = (100_000,)
QUICK_SECONDS: Final = 1.5
QUICK_IMPORT_EVENTS: Final = 30_000
"""What a quick run imports at most, to stay within its five minutes."""
PROOF_EVENTS: Final = 10_000_000
QUICK_PROOF_EVENTS: Final = 100_000
QUICK_VISITS: Final = 5
SLOW: Final = ("growth", "projectors")
"""Rows that a quick run leaves out: at one size growth says nothing, and projectors wait for each other to share."""
QUICK_ROUNDS: Final = 3
"""How often a quick run measures what takes many seconds, to stay within its five minutes."""
ROWS: Final = (
    "commands",
    "answerable",
    "projectors",
    "import",
    "rebuild",
    "gap-page",
    "pages",
    "graphql",
    "real-log",
    "fsck",
    "proof",
    "growth",
    "profile",
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
    visits: int
    rounds: int
    rounds_of_long: int
    """Rounds of what takes many seconds each."""


def main() -> None:
    """Measure what the command line names."""
    arguments = _arguments()
    results, document = RESULTS, DOCUMENT
    if arguments.output is not None:
        arguments.output.mkdir(parents=True, exist_ok=True)  # now, and not when all has been measured
        results, document = arguments.output / RESULTS.name, arguments.output / DOCUMENT.name
    if arguments.document:
        _write_documents(results, document)
        return
    scope = _scope(arguments)
    writes = arguments.output is not None or set(scope.rows) == set(ROWS) - set(SLOW if arguments.quick else ())
    begun_at, begun = now(), monotonic()
    asked = f"--events {' '.join(map(str, scope.sizes))} --rounds {scope.rounds} --seconds {scope.seconds:g}"
    rows: list[Row] = []
    profiles: list[Profile] = []
    with laboratory(arguments.folder) as place:
        where = machine(place.version())
        for row in measure(place, scope):
            rows.append(row)
            _say(f"{row.key}, {row.events} events: {(monotonic() - begun) / 60:.1f} minutes so far")
            if writes:
                write_results(Run(begun_at, (monotonic() - begun) / 60, asked, where, rows), results)
        if "profile" in scope.rows:
            profiles = profile.profiles(place, _say)
    print(table(rows))
    if writes:
        write_results(Run(begun_at, (monotonic() - begun) / 60, asked, where, rows, profiles), results)
        _write_documents(results, document)
    else:
        print("Only some rows were measured: nothing was written.")


def _write_documents(results: Path, document: Path) -> None:
    """Write what is told of the results: the report, and beside the project's own what docs/scale.md takes of it."""
    run = read_results(results)
    write_document(run, document, soak.section())
    if document == DOCUMENT:
        scale.write(run, scale.DOCUMENT)


def _scope(arguments: argparse.Namespace) -> Scope:
    quick: bool = arguments.quick
    sizes: Sequence[int] = arguments.events or (QUICK_SIZES if quick else SIZES)
    rounds: int = arguments.rounds
    return Scope(
        rows=[row for row in arguments.only or ROWS if arguments.only or not quick or row not in SLOW],
        sizes=sizes,
        imported=[min(events, QUICK_IMPORT_EVENTS) if quick else events for events in sizes],
        proved=arguments.proof_events or (QUICK_PROOF_EVENTS if quick else PROOF_EVENTS),
        real_times=real_log.TIMES[:1] if quick else real_log.TIMES,
        seconds=arguments.seconds or (QUICK_SECONDS if quick else commands.SECONDS),
        questions=arguments.questions,
        visits=min(QUICK_VISITS if quick else pages.VISITS, arguments.questions),
        rounds=rounds,
        rounds_of_long=min(rounds, QUICK_ROUNDS) if quick else rounds,
    )


def measure(place: Laboratory, scope: Scope) -> Iterator[Row]:
    """Measure the rows that were chosen, one after the other; those that depend on it at each size."""
    if "commands" in scope.rows:
        yield from commands.rows(place, _say, scope.rounds, scope.seconds)
    if "answerable" in scope.rows:
        yield latency.row(place, _say, 5 * scope.seconds)
    if "projectors" in scope.rows:
        yield projectors.row(place, _say, scope.rounds_of_long)
    if "import" in scope.rows:
        for events in scope.imported:
            yield importing.row(place, events, _say, scope.rounds)
    if "real-log" in scope.rows:
        yield from real_log.rows(place, scope.real_times, _say, scope.rounds_of_long)
    for events in scope.sizes:
        if {"rebuild", "gap-page", "pages", "graphql", "fsck"} & set(scope.rows):
            _say(f"generating and storing {events} events")
            given = place.registry("bench_registry", events)
            yield from _of_registry(place, given, scope)
            place.drop(given.url)
    if "proof" in scope.rows:
        yield trail.proof(scope.proved, _say)
    if "growth" in scope.rows:
        yield from growth.rows(place, scope.sizes, _say)


def _of_registry(place: Laboratory, given: Registry, scope: Scope) -> Iterator[Row]:
    """Measure what is about a registry that is there: all on the same one, which is made once."""
    if "fsck" in scope.rows:
        yield trail.check(place, given, _say, scope.rounds_of_long)
    if "rebuild" in scope.rows:
        yield from rebuild.rows(place, given, _say, scope.rounds_of_long)
    elif {"gap-page", "pages", "graphql"} & set(scope.rows):
        rebuild.rebuild(given.url, rebuild.WORKERS)
    if "gap-page" in scope.rows:
        yield from gap_page.rows(place, given, _say, scope.questions)
    if "pages" in scope.rows:
        yield from pages.rows(place, given, _say, scope.visits)
    if "graphql" in scope.rows:
        # The last one: it adds to the registry what the other side wants.
        yield from graphql_http.rows(place, given, _say, scope.seconds, scope.rounds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100,000 events and shorter rounds: under five minutes")
    parser.add_argument("--events", type=int, nargs="+", help="sizes of the generated registries")
    parser.add_argument("--proof-events", type=int, help="size of the log of which entries are proved")
    parser.add_argument("--only", choices=ROWS, nargs="+", help="rows to measure; all if not given")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of each side that count")
    parser.add_argument("--seconds", type=float, help="how long clients send commands in a round")
    parser.add_argument("--questions", type=int, default=gap_page.QUESTIONS, help="pages of gaps to ask for")
    parser.add_argument("--folder", type=Path, help="where the server keeps its data: a folder on the disk to measure")
    parser.add_argument("--document", action="store_true", help="measure nothing: write the document of the results")
    parser.add_argument("--output", type=Path, help="write results.json and performance.md here instead")
    return parser.parse_args()


def _say(what: str) -> None:
    print(f"{now():%H:%M:%S} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
