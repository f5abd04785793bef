"""Row: a bulk import of a log, against a binary COPY of the same event rows into a table with the same indexes.

Ours is the whole import, which is more than the row asks: the file is read and its rows are mapped, too. The log is
CSV, shaped like the receipt log: some six rows a case, over half a dozen organisations out of hundreds.
"""

import csv
import secrets
import tempfile
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Final

import psycopg

from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.importing.mapping import Columns, Mapping
from knelpunt.infra.importing.pipeline import import_file
from knelpunt.infra.importing.rows import RowInterpreter, Trace
from knelpunt.infra.importing.rules import events_of_trace
from knelpunt.infra.importing.sink import RegistrySink
from knelpunt.infra.store.connection import REGISTRY
from knelpunt.infra.store.reading import events_of
from knelpunt.infra.store.registry import Registry

from .generate import BEGIN, ORGANISATIONS, PAUSE_MAX, SPAN
from .laboratory import Laboratory
from .measuring import ROUNDS, Report, Row, alternate, rate

MAPPING: Final = Mapping("bench", Columns("case", "activity", "at", "organisation"))
EVENTS_A_ROW: Final = 1.9
"""What a row of such a log comes to, with the opening and the report of its case."""

SAMPLE: Final = 200
"""How many cases are compared with what their rows say."""

# Rows of a case: (share, least, most), as in the receipt log.
_ROWS: Final = ((8, 1, 1), (3, 3, 5), (79, 6, 6), (9, 7, 12), (1, 13, 25))


def row(laboratory: Laboratory, events: int, report: Report, rounds: int = ROUNDS) -> Row:
    """Measure with a log that comes to about so many events."""
    report(f"import: a log of about {events} events, {rounds} rounds")
    stored = 0
    with tempfile.TemporaryDirectory(prefix="knelpunt-bench-log-") as folder:
        log = Path(folder) / "log.csv"
        write_log(log, events)

        def ours() -> float:
            nonlocal stored
            url = laboratory.migrated("bench_import")
            laboratory.checkpoint(url)
            with bootstrap(url, secrets.token_bytes(32)) as parts:
                sink = RegistrySink(parts.registry, parts.vault)
                took = rate(1, lambda: import_file(log, MAPPING, sink))
            with psycopg.connect(url) as admin:
                counted = admin.execute("SELECT count(*) FROM knelpunt.event").fetchone()
            assert counted is not None
            stored = counted[0]
            return took * stored

        source = laboratory.migrated("bench_import_source")
        with bootstrap(source, secrets.token_bytes(32)) as parts:
            answer = import_file(log, MAPPING, RegistrySink(parts.registry, parts.vault))
            assert answer.rows_rejected == 0, "every row of a generated log can be imported"
            assert_recorded(parts.registry, log)

        def copied() -> float:
            return _copied(laboratory, source)

        imported, copies = alternate((ours, copied), rounds)
    laboratory.drop(source)
    return Row(
        key="import",
        what="bulk import: a CSV log to committed events, validated by the domain, key and order checks included",
        against="binary COPY of the same event rows into a table with the same indexes",
        events=stored,
        unit="events/s",
        ours=imported,
        theirs=copies,
        at_least=0.35,
        meaning=(
            "Ours: reading the file, grouping and mapping its rows, judging each case by the domain, and appending in "
            "chunks, each a durable commit; judging and encoding are shared by all processors. Theirs: the finished "
            "rows of the event table alone, from memory, in one COPY and one commit. Some cases were compared with "
            "what the import rules make of their rows."
        ),
    )


def cases_in(log: Path, count: int = SAMPLE) -> list[Trace]:
    """Return some cases of a log that was written here, those at its beginning, read without the importer's reader."""
    interpreter = RowInterpreter(MAPPING, datetime.now(UTC))
    with log.open(encoding="utf-8", newline="") as text:
        rows = csv.DictReader(text)
        cases = groupby(((row["case"], row) for row in rows), key=itemgetter(0))
        return [
            Trace(
                case,
                [
                    interpreter.row(row["activity"], row["at"], row["organisation"], line)
                    for line, (_, row) in enumerate(of_case, 1)
                ],
            )
            for case, of_case in islice(cases, count)
        ]


def assert_recorded(registry: Registry, log: Path) -> None:
    """Look whether the registry holds of some cases what the import rules make of their rows, and nothing else."""
    for trace in cases_in(log):
        commands = events_of_trace(trace, MAPPING)
        found = events_of(registry.reader, REGISTRY, [commands[0].stream])
        told = [(one.command_id, one.version, one.occurred_at, one.actor, one.data) for one in found]
        wanted = [(one.id, version, one.occurred_at, one.actor, one.data) for version, one in enumerate(commands, 1)]
        assert told == wanted, f"{trace.case} was not recorded as its rows say"


def write_log(path: Path, events: int) -> None:
    """Write a log that comes to about so many events, as CSV."""
    rows = int(events / EVENTS_A_ROW)
    rng = Random(rows)
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(("case", "activity", "at", "organisation"))
        written = case = 0
        while written < rows:
            case += 1
            at = BEGIN + SPAN * (rng.random() * 0.8)
            mix = [f"Afdeling {min(rng.randrange(ORGANISATIONS), rng.randrange(ORGANISATIONS))}" for _ in range(6)]
            _, least, most = rng.choices(_ROWS, [share for share, _, _ in _ROWS])[0]
            for number in range(rng.randint(least, most)):
                at += min(PAUSE_MAX, timedelta(seconds=int(rng.lognormvariate(12.5, 1.5))))
                # One in eight rows names nobody, as in that log.
                organisation = rng.choice(mix) if rng.random() < 0.88 else ""
                writer.writerow((f"zaak-{case}", f"T{number:02}", at.isoformat(), organisation))
                written += 1


def _copied(laboratory: Laboratory, source: str) -> float:
    """Copy the events of a registry into another table of its database; return the rows a second."""
    with psycopg.connect(source, autocommit=True) as admin:
        admin.execute("DROP SCHEMA IF EXISTS bench CASCADE")
        admin.execute("CREATE SCHEMA bench")
        admin.execute("CREATE TABLE bench.event (LIKE knelpunt.event INCLUDING ALL)")
        with admin.cursor().copy("COPY (SELECT * FROM knelpunt.event) TO STDOUT (FORMAT binary)") as out:
            rows = [bytes(piece) for piece in out]
        whole = b"".join(rows)
        laboratory.checkpoint(source)

        def copy() -> None:
            with admin.cursor() as cursor, cursor.copy("COPY bench.event FROM STDIN (FORMAT binary)") as into:
                into.write(whole)

        took = rate(1, copy)
        counted = admin.execute("SELECT count(*) FROM bench.event").fetchone()
    assert counted is not None
    return took * counted[0]
