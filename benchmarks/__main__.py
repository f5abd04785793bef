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

from . import commands, gap_page, growth, importing, latency, real_log, rebuild, trail
from .laboratory import Laboratory, laboratory
from .measuring import ROUNDS, Row
from .report import DOCUMENT, RESULTS, Run, machine, now, table, write

SIZES: Final = (100_000, 1_000_000)
QUICK_SIZES: Final = (100_000,)
QUICK_SECONDS: Final = 1.5
QUICK_IMPORT_EVENTS: Final = 30_000
"""What a quick run imports at most, to stay within its five minutes."""
PROOF_EVENTS: Final = 10_000_000
QUICK_PROOF_EVENTS: Final = 100_000
ROWS: Final = ("commands", "answerable", "import", "rebuild", "gap-page", "real-log", "fsck", "proof", "growth")


def main() -> None:
    """Measure what the command line names."""
    arguments = _arguments()
    sizes = arguments.events or (QUICK_SIZES if arguments.quick else SIZES)
    seconds = arguments.seconds or (QUICK_SECONDS if arguments.quick else commands.SECONDS)
    begun_at, begun = now(), monotonic()
    imported = [min(events, QUICK_IMPORT_EVENTS) if arguments.quick else events for events in sizes]
    proved = arguments.proof_events or (QUICK_PROOF_EVENTS if arguments.quick else PROOF_EVENTS)
    with laboratory(arguments.folder) as place:
        where = machine(place.version())
        rows = measure(place, arguments.only, sizes, imported, proved, seconds, arguments.questions, arguments.rounds)
    print(table(rows))
    asked = f"--events {' '.join(map(str, sizes))} --rounds {arguments.rounds} --seconds {seconds:g}"
    run = Run(begun_at, (monotonic() - begun) / 60, asked, where, rows)
    if arguments.output is not None:
        write(run, arguments.output / RESULTS.name, arguments.output / DOCUMENT.name)
    elif set(arguments.only) == set(ROWS):
        write(run, RESULTS, DOCUMENT)
    else:
        print("Only some rows were measured: nothing was written.")


def measure(
    place: Laboratory,
    chosen: Sequence[str],
    sizes: Sequence[int],
    imported: Sequence[int],
    proved: int,
    seconds: float,
    questions: int,
    rounds: int,
) -> list[Row]:
    """Measure the rows that were chosen; those that depend on it at each size."""
    rows: list[Row] = []
    if "commands" in chosen:
        rows += commands.rows(place, _say, rounds, seconds)
    if "answerable" in chosen:
        rows.append(latency.row(place, _say, 5 * seconds))
    if "import" in chosen:
        rows += [importing.row(place, events, _say, rounds) for events in imported]
    if "real-log" in chosen:
        rows += real_log.rows(place, _say, rounds)
    for events in sizes:
        if {"rebuild", "gap-page", "fsck"} & set(chosen):
            _say(f"generating and storing {events} events")
            given = place.registry("bench_registry", events)
            if "fsck" in chosen:
                rows.append(trail.check(place, given, _say, rounds))
            if "rebuild" in chosen:
                rows += rebuild.rows(place, given, _say, rounds)
            elif "gap-page" in chosen:
                rebuild.rebuild(given.url, rebuild.WORKERS)
            if "gap-page" in chosen:
                rows += gap_page.rows(place, given, _say, questions)
            place.drop(given.url)
    if "proof" in chosen:
        rows.append(trail.proof(proved, _say))
    if "growth" in chosen:
        rows += growth.rows(place, sizes, _say)
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
