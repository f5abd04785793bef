"""A rebuild beside the read model in use: with several processes, under writing, and killed midway."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.projecting.registries import everything, fill, record, some_registry
from knelpunt.infra.projecting import projector as projecting
from knelpunt.infra.projecting import rebuild as rebuilding
from knelpunt.infra.projecting.claims import LOCK
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.projecting.rebuild import REBUILD_LOCK, RebuildRunning, rebuild
from knelpunt.infra.projecting.shares import standing
from knelpunt.infra.store import connection as connecting
from knelpunt.infra.store.connection import DatabaseRole, connect

PROGRAM = Path(__file__).with_name("rebuilding_program.py")


def catch_up(url: str) -> int:
    with closing(Projector(url)) as projector:
        return projector.catch_up()


def test_several_processes_rebuild_what_one_does(registry_url) -> None:
    """The rows are the same in every column, and progress is told up to the last event."""
    log = some_registry(31)
    fill(registry_url, log)
    told: list[int] = []
    assert rebuild(registry_url, workers=2, progress=told.append) == len(log) - 1
    by_two = everything(registry_url)
    assert rebuild(registry_url, workers=1) == len(log) - 1
    assert everything(registry_url) == by_two
    assert told == sorted(told)
    assert told[-1] == len(log)


def test_a_rebuild_while_events_are_recorded_misses_none(registry_url) -> None:
    """While events come in and a live projector works, rebuilds lose nothing: all rows are as one at rest has them."""
    first, later = some_registry(41, cases=6), some_registry(42, cases=6)
    organisations = {event.stream for event in first}
    later = [event for event in later if event.stream not in organisations]
    fill(registry_url, first)
    catch_up(registry_url)
    stopping, recorded = threading.Event(), threading.Event()
    projector = Projector(registry_url)
    failed: list[BaseException] = []

    def write() -> None:
        try:
            with connect(registry_url, DatabaseRole.APPENDER) as appender:
                for event in later:
                    record(appender, [event])
        except BaseException as error:  # noqa: BLE001  shown below
            failed.append(error)
        finally:
            recorded.set()

    threads = [threading.Thread(target=write), threading.Thread(target=projector.run, args=(stopping,))]
    for thread in threads:
        thread.start()
    rebuilds = 0
    try:
        while not recorded.is_set() or rebuilds == 0:
            rebuild(registry_url, workers=1)
            rebuilds += 1
    finally:
        recorded.wait(60)
        stopping.set()
        for thread in threads:
            thread.join(30)
        projector.close()
    assert failed == []
    assert catch_up(registry_url) == len(first) + len(later) - 1
    live = everything(registry_url)
    rebuild(registry_url, workers=1)
    assert everything(registry_url) == live


def test_a_live_batch_that_takes_long_is_waited_for(registry_url, monkeypatch) -> None:
    """A rebuild at its end tries again while a live projector is in a batch for longer than one waits for a lock."""
    log = some_registry(33)
    fill(registry_url, log)
    monkeypatch.setattr(connecting, "LOCK_TIMEOUT", "100ms")
    pauses: list[float] = []
    with connect(registry_url, DatabaseRole.PROJECTOR) as live:
        live.execute("BEGIN")
        live.execute("SELECT pg_advisory_xact_lock_shared(%s)", (LOCK,))

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                live.rollback()

        monkeypatch.setattr(rebuilding, "sleep", pause)
        assert rebuild(registry_url, workers=1) == len(log) - 1
    assert len(pauses) == 3
    assert catch_up(registry_url) == len(log) - 1


def test_live_projectors_are_held_for_few_events(registry_url, monkeypatch) -> None:
    """What was recorded during a rebuild is taken in beside them, and while they are held only what came last."""
    monkeypatch.setattr(projecting, "BATCH_EVENTS", 10)
    monkeypatch.setattr(rebuilding, "LAST_BATCHES_MAX", 2)
    log = some_registry(34)
    first, meanwhile, last = log[:20], log[20:-50], log[-50:]
    complete = rebuilding._complete
    batches: list[tuple[bool, int]] = []
    """Whether live projectors could go on, and how many events were taken in."""

    with (
        connect(registry_url, DatabaseRole.APPENDER) as appender,
        connect(registry_url, DatabaseRole.PROJECTOR) as live,
    ):
        record(appender, first)

        class Watched(Projector):
            def project_batch(self, connection: psycopg.Connection) -> tuple[int, bool]:
                before = standing(connection).position
                reached, more = super().project_batch(connection)
                may = live.execute("SELECT pg_try_advisory_xact_lock_shared(%s)", (LOCK,)).fetchone()
                batches.append((may == (True,), reached - before))
                if reached == len(log) - len(last) - 1 and not more:
                    record(appender, last)
                return reached, more

        def completed(*how: Any) -> None:
            complete(*how)
            record(appender, meanwhile)

        with monkeypatch.context() as patched:
            patched.setattr(rebuilding, "Projector", Watched)
            patched.setattr(rebuilding, "_complete", completed)
            assert rebuild(registry_url, workers=1) == len(log) - 1
    assert sum(count for _, count in batches) == len(meanwhile) + len(last)
    assert sum(count for may, count in batches if not may) == 20
    assert not batches[-1][0]
    swapped_in = everything(registry_url)
    rebuild(registry_url, workers=1)
    assert everything(registry_url) == swapped_in


def test_a_killed_rebuild_leaves_the_read_model_in_use(registry_url) -> None:
    """After a kill -9 midway the old rows stand and go on; the next rebuild starts afresh and succeeds."""
    log = some_registry(51)
    fill(registry_url, log)
    catch_up(registry_url)
    live = everything(registry_url)
    tests = Path(__file__).parents[2]
    program = subprocess.Popen(
        [sys.executable, str(PROGRAM), registry_url],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), os.environ.get("PYTHONPATH", "")])},
    )
    assert program.stdout is not None
    assert int(program.stdout.readline()) < len(log)
    program.send_signal(signal.SIGKILL)
    program.communicate(timeout=30)
    assert program.returncode == -signal.SIGKILL
    assert everything(registry_url) == live
    assert catch_up(registry_url) == len(log) - 1
    assert rebuild(registry_url, workers=1) == len(log) - 1
    assert everything(registry_url) == live


def test_only_one_rebuild_works_at_a_time(registry_url) -> None:
    """A second one is turned away with a sentence, and touches nothing."""
    with connect(registry_url, DatabaseRole.PROJECTOR) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (REBUILD_LOCK,))
        with pytest.raises(RebuildRunning, match="at work"):
            rebuild(registry_url, workers=1)


def test_how_rows_are_spread_is_known_at_once(registry_url) -> None:
    """The planner knows what stands in the tables that were swapped in, before the server looks at them by itself."""
    fill(registry_url, some_registry(3))
    rebuild(registry_url, workers=1)
    with psycopg.connect(registry_url) as connection:
        known = connection.execute("SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = 'read'").fetchall()
    assert {name for (name,) in known} >= {"case_state", "case_viewer", "chain_state", "gap_state", "handoff_state"}
