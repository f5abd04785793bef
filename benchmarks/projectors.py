"""Row: a backlog brought in by two projectors that share the cases, against one that has them all.

They are processes of their own, as beside a service, and have claimed their shares before there is anything to bring
in; then the whole backlog is committed at once. Each has to know of all cases of a person, whoever's those are, and
everybody waits for whoever is behind: so two are not twice as quick, even on processors that have nothing else to do.
"""

from contextlib import ExitStack
from time import perf_counter, sleep
from typing import Final

import psycopg

from knelpunt.infra.projecting.claims import CLAIM, MEMBER
from knelpunt.infra.projecting.schema import SHARES
from knelpunt.infra.store.bulk import append_history
from knelpunt.infra.store.connection import DatabaseRole, connect

from .generate import registry
from .laboratory import History, Laboratory
from .latency import projector
from .measuring import ROUNDS, Report, Row, alternate
from .processor import below, parent_of, worked_seconds

EVENTS: Final = 30_000
TOGETHER: Final = 2
LOOK_SECONDS: Final = 0.01
READY_SECONDS_MAX: Final = 60.0
DONE_SECONDS_MAX: Final = 600.0

CLAIMED: Final = """
SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
 WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.objsubid = 2 AND l.classid::bigint = %s
   AND l.objid::bigint <> %s AND l.granted
 GROUP BY l.pid
"""


def row(place: Laboratory, report: Report, rounds: int = ROUNDS, events: int = EVENTS) -> Row:
    """Measure with one projector and with two."""
    report(f"projectors: a backlog of {events} events, {rounds} rounds")
    spent: dict[int, list[float]] = {1: [], TOGETHER: []}

    def brought(count: int) -> float:
        seconds, processor = _brought(place, events, count)
        spent[count].append(processor / events * 1e6)
        return events / seconds

    together, alone = alternate((lambda: brought(TOGETHER), lambda: brought(1)), rounds)
    return Row(
        key="projectors",
        what=f"a backlog brought in by {TOGETHER} projectors that share the cases",
        against="one projector",
        events=events,
        unit="events/s",
        ours=together,
        theirs=alone,
        details={
            "processor time an event with two, server and all, µs": min(spent[TOGETHER]),
            "with one, µs": min(spent[1]),
        },
        meaning=(
            "Projectors that wait for work, in processes of their own, from the commit of the whole backlog until "
            "queries see all of it. Each reads and folds the cases that it has claimed, and once more those of the "
            "persons that are its own; the server writes the rows of all."
        ),
    )


def _brought(place: Laboratory, events: int, count: int) -> tuple[float, float]:
    """Return after how many seconds a backlog is in, and the processor time of all who brought it in."""
    url = place.migrated("bench_projectors")
    history = History(registry(events, 1), 1)
    with ExitStack() as ending:
        watcher = ending.enter_context(psycopg.connect(url, autocommit=True))
        children = [ending.enter_context(projector(url)) for _ in range(count)]
        _await_claims(watcher, count)
        server = parent_of(watcher.info.backend_pid)
        assert server is not None, "the server started whoever answers here"
        with connect(url, DatabaseRole.OWNER) as owner:
            append_history(owner, history.events(), history.request_hashes())
            begun, before = perf_counter(), _processor_seconds({server, *children})
        while watcher.execute("SELECT position FROM read.projected").fetchone() != (events - 1,):
            assert perf_counter() < begun + DONE_SECONDS_MAX, "nobody brings the backlog in"
            sleep(LOOK_SECONDS)
        found = perf_counter() - begun, _processor_seconds({server, *children}) - before
    place.drop(url)
    return found


def _await_claims(watcher: psycopg.Connection, count: int) -> None:
    """Wait until so many projectors have all shares among them, each its part."""
    deadline = perf_counter() + READY_SECONDS_MAX
    while [claimed for (claimed,) in watcher.execute(CLAIMED, (CLAIM, MEMBER)).fetchall()] != [SHARES // count] * count:
        assert perf_counter() < deadline, "the projectors do not come to share"
        sleep(LOOK_SECONDS)


def _processor_seconds(roots: set[int]) -> float:
    """Return the processor time that some processes and those below them have used so far, all threads of each."""
    return sum(map(worked_seconds, below(roots)))
