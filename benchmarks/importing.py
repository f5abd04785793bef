"""Row: a bulk import of a log, against a binary COPY of the same event rows into a table with the same indexes.

Ours is the whole import, which is more than the row asks: the file is read and its rows are mapped, too. The log is
CSV, shaped like the receipt log: some six rows a case, over half a dozen organisations out of hundreds.
"""

import csv
import secrets
import tempfile
from datetime import timedelta
from io import StringIO
from pathlib import Path
from random import Random
from typing import Final

import psycopg

from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.importing.mapping import Columns, Mapping
from knelpunt.infra.importing.pipeline import import_file
from knelpunt.infra.importing.sink import RegistrySink

from .generate import BEGIN, ORGANISATIONS, PAUSE_MAX, SPAN
from .laboratory import Laboratory
from .measuring import ROUNDS, Report, Row, alternate, rate

MAPPING: Final = Mapping("bench", Columns("case", "activity", "at", "organisation"))
EVENTS_A_ROW: Final = 1.9
"""What a row of such a log comes to, with the opening and the report of its case."""

# Rows of a case: (share, least, most), as in the receipt log.
_ROWS: Final = ((8, 1, 1), (3, 3, 5), (79, 6, 6), (9, 7, 12), (1, 13, 25))


def row(laboratory: Laboratory, events: int, report: Report, rounds: int = ROUNDS) -> Row:
    """Measure with a log that comes to about so many events."""
    report(f"import: a log of about {events} events, {rounds} rounds")
    stored = 0
    with tempfile.TemporaryDirectory(prefix="knelpunt-bench-log-") as folder:
        log = Path(folder) / "log.csv"
        log.write_text(_log(int(events / EVENTS_A_ROW)), encoding="utf-8")

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
            "chunks, each a durable commit. Theirs: the finished rows of the event table alone, from memory, in one "
            "COPY and one commit."
        ),
    )


def _log(rows: int) -> str:
    """Return a log with at least so many rows, as CSV."""
    rng = Random(rows)
    text = StringIO()
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
    return text.getvalue()


def _copied(laboratory: Laboratory, source: str) -> float:
    """Copy the events of a registry into another table of its database; return the rows a second."""
    with psycopg.connect(source, autocommit=True) as admin:
        admin.execute("DROP SCHEMA IF EXISTS bench CASCADE")
        admin.execute("CREATE SCHEMA bench")
        admin.execute("CREATE TABLE bench.event (LIKE knelpunt.event INCLUDING ALL)")
        with admin.cursor().copy("COPY knelpunt.event TO STDOUT (FORMAT binary)") as out:
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
