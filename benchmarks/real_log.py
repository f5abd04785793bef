"""Row: chains and gaps of a real XES log, from the file to the answer, against PM4Py reading the same file.

Ours is durable on the way: every case is judged and committed to PostgreSQL, then all projections are derived, then it
is asked for every gap and handoff. PM4Py reads the log into memory and discovers the handover of work and the rework.
The log is not part of this repository; where it is absent, the row is left out. It is small, so it is measured ten
times over as well: each trace under ten names.
"""

import gzip
import json
import re
import secrets
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.importing.mapping import Columns, Mapping
from knelpunt.infra.importing.pipeline import import_file
from knelpunt.infra.importing.sink import RegistrySink
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store.connection import DatabaseRole, Principal, connect, principal_text
from knelpunt.projections.queries.lens import AT, LATEST, Moment

from .laboratory import Laboratory
from .measuring import ROUNDS, Report, Row, alternate, rate
from .rebuild import WORKERS
from .report import ROOT

LOG: Final = ROOT.parent / "shared" / "data" / "BPI_Challenge_2013_closed_problems.xes.gz"
EVENTS: Final = 6_660
TIMES: Final = (1, 10)
MAPPING: Final = Mapping("bpi2013", Columns("concept:name", "concept:name", "time:timestamp", "org:group"))

OPPONENT: Final = Path(__file__).parent / "opponents" / "mining.py"
INTERPRETER: Final = ROOT / ".venv" / "bench" / "bin" / "python"
"""Where ``make bench`` installs what the benchmarks compare with."""

GAPS: Final = f"SELECT kind, count(*) FROM read.gap_state WHERE {AT} GROUP BY kind"
HANDOFFS: Final = (
    f"SELECT from_organisation, to_organisation, count(*) FROM read.handoff_state WHERE {AT} GROUP BY 1, 2"
)
CHAINS: Final = f"SELECT count(*) FROM read.chain_state WHERE {AT}"
INVESTIGATOR: Final = Principal("INVESTIGATOR", "urn:bench:investigators", "onderzoeker-1")


class Found(Struct, frozen=True):
    """What a registry says of the log."""

    chains: int
    handoffs: int
    carousels: int


TRUTH: Final = Found(chains=1_487, handoffs=220, carousels=94)
"""What is in the log, counted independently of this project (the README beside it)."""


def rows(laboratory: Laboratory, times: Sequence[int], report: Report, rounds: int = ROUNDS) -> list[Row]:
    """Measure with the log so many times over, 1 being the log as it is; nothing, where it or PM4Py is absent."""
    if not LOG.exists():
        report(f"real log: left out, for there is no {LOG.name} in shared/data beside this checkout")
        return []
    if not INTERPRETER.exists():
        report("real log: left out, for PM4Py is not installed: make bench installs it")
        return []
    with tempfile.TemporaryDirectory(prefix="knelpunt-bench-log-") as folder:
        return [_row(laboratory, _over(Path(folder), over), over, report, rounds) for over in times]


def _row(laboratory: Laboratory, log: Path, times: int, report: Report, rounds: int) -> Row:
    events = EVENTS * times
    report(f"real log: {events} events, {rounds} rounds")
    command = [str(INTERPRETER), str(OPPONENT), str(log), "1"]
    mined: dict[str, float] = {}

    def ours() -> float:
        url = laboratory.migrated("bench_real_log")
        laboratory.checkpoint(url)
        found: list[Found] = []
        figure = rate(events, lambda: found.append(_answered(url, log)))
        truth = Found(TRUTH.chains * times, TRUTH.handoffs * times, TRUTH.carousels * times)
        assert found == [truth], f"the log holds {truth}, and not {found[0]}"
        return figure

    def theirs() -> float:
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        mined.update(json.loads(told))
        assert mined["events"] == events, "PM4Py read another log"
        return events / mined["seconds"]

    answered, mining = alternate((ours, theirs), rounds)
    over = "" if times == 1 else f", {times} times over"
    return Row(
        key="real-log" if times == 1 else f"real-log-{times}",
        what=f"chains and gaps of a real XES log{over}, from file to answer, everything durable on the way",
        against="PM4Py reading the same file into memory, handover of work and rework",
        events=events,
        unit="events/s",
        ours=answered,
        theirs=mining,
        at_least=5.0,
        details={name: value for name, value in mined.items() if name != "seconds"},
        meaning=(
            "Ours: import into an empty registry, every chunk a durable commit; rebuild of all projections over both "
            "times; then every chain, every handoff by its two sides and every gap by its kind, under row security. "
            "What was found is what others counted in this log. Theirs: read_xes, "
            "discover_handover_of_work_network and get_rework_cases_per_activity, in a process that has loaded the "
            "library before."
        ),
    )


def _answered(url: str, log: Path) -> Found:
    """Import a log, derive all projections, and return what the registry says of it."""
    with bootstrap(url, secrets.token_bytes(32)) as parts:
        report = import_file(log, MAPPING, RegistrySink(parts.registry, parts.vault))
        assert report.rows_rejected == 0, "every row of the log can be imported"
    rebuild(url, WORKERS)
    moment = Moment(datetime.now(UTC), LATEST).values()
    with connect(url, DatabaseRole.READER) as reader, reader.transaction():
        reader.execute("SELECT set_config('knelpunt.principal', %s, true)", (principal_text(INVESTIGATOR),))
        gaps: dict[str, int] = dict(reader.execute(GAPS, moment).fetchall())
        handoffs = reader.execute(HANDOFFS, moment).fetchall()
        chains = reader.execute(CHAINS, moment).fetchone()
    assert chains is not None
    return Found(chains[0], sum(count for _, _, count in handoffs), gaps.get("CAROUSEL", 0))


def _over(folder: Path, times: int) -> Path:
    """Return the log, compressed as it is; or a log with each of its traces so many times, each time under a name."""
    if times == 1:
        return LOG
    text = gzip.decompress(LOG.read_bytes()).decode("utf-8")
    first, last = text.index("<trace>"), text.rindex("</trace>") + len("</trace>")
    # A trace's name is its first concept:name; those of its events are the activities.
    traces = re.split(r"(?=<trace>)", text[first:last])[1:]
    named = re.compile(r'(key="concept:name" value=")')
    path = folder / f"{times}-times.xes.gz"
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as made:
        made.write(text[:first])
        for number in range(times):
            made.writelines(_renamed(trace, named, number) for trace in traces)
        made.write(text[last:])
    return path


def _renamed(trace: str, named: re.Pattern[str], number: int) -> str:
    """Return a trace under another name."""
    head, event, rest = trace.partition("<event>")
    renamed = named.sub(lambda found: f"{found[1]}{number}-", head, count=1)
    return f"{renamed}{event}{rest}"
