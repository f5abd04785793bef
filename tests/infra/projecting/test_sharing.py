"""Projectors that share the work: who has what, in whatever order they go on, and one that was away for too long."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from random import Random
from uuid import uuid4

import psycopg
import pytest

from infra.forgetting.given import ANNA, BERT, begin, erasing, told_of
from infra.forgetting.given import record as send
from infra.projecting.registries import everything, fill, record, some_registry, states_at
from infra.projecting.test_projector import eventually, projected
from infra.projecting.test_settings_changed import changing_registry
from infra.store.given import MOMENT, command, log, open_case
from knelpunt.domain.case.facts import FactCorrected
from knelpunt.infra.projecting import claims, rederiving, schema, subjects
from knelpunt.infra.projecting import projector as projecting
from knelpunt.infra.projecting.claims import CLAIM, MEMBER
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store.connection import DatabaseRole, connect

HELD = """
SELECT l.pid, array_agg(l.objid::integer ORDER BY l.objid)
  FROM pg_locks l JOIN pg_database d ON d.oid = l.database
 WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.objsubid = 2 AND l.classid::bigint = %s
   AND l.objid::bigint <> %s AND l.granted
 GROUP BY l.pid
"""


def held(url: str) -> dict[int, list[int]]:
    """The shares that each session has claimed."""
    with psycopg.connect(url) as connection:
        return dict(connection.execute(HELD, (CLAIM, MEMBER)).fetchall())


@contextmanager
def claiming(url: str, *shares: range) -> Iterator[list[Projector]]:
    """Give projectors that have claimed these shares, and keep to them."""
    with ExitStack() as ending:
        projectors = [ending.enter_context(closing(Projector(url))) for _ in shares]
        for projector, own in zip(projectors, shares, strict=True):
            projector._claims._take(projector._connected(), list(own))
            projector._connected().execute("SET idle_session_timeout = 0")  # however slow the machine is
            projector._claims._look_at = float("inf")
            assert projector._claims.held == frozenset(own)
        yield projectors


def in_any_order(rng: Random, projectors: list[Projector], wanted: int, between: Callable[[], None]) -> None:
    """Let them go on in any order, some for a while without the others, until all have come to a position."""
    for _ in range(10_000):
        projector = rng.choice(projectors)
        reached = -1
        for _ in range(rng.choice((1, 1, 3, 20))):
            reached, more = projector.step()
            if not more:
                break
        between()
        if reached == wanted:
            return
    pytest.fail("they make no progress")


@pytest.mark.parametrize(
    ("batch", "cases"),
    [(3, 3), pytest.param(3, 6, marks=pytest.mark.long), pytest.param(40, 6, marks=pytest.mark.long)],
)
def test_in_any_order_they_make_the_same_rows(registry_url, monkeypatch, batch, cases) -> None:
    """Three with unequal shares equal a rebuild in every column, terms and graces being changed on the way; and whoever
    asks at the position that all have reached gets what one projector alone would have answered."""
    monkeypatch.setattr(projecting, "BATCH_EVENTS", batch)
    monkeypatch.setattr(rederiving, "CASES_AT_ONCE", 3)
    events = changing_registry(900 + batch, cases=cases, changes=2)
    fill(registry_url, events)
    rng = Random(batch)
    seen: dict[int, dict[str, list[str]]] = {}

    def look() -> None:
        position = projected(registry_url)
        if position >= 0 and rng.random() < 0.1:
            moment = events[position].recorded_at
            seen[position] = states_at(registry_url, moment, moment)

    with claiming(registry_url, range(3), range(3, 9), range(9, 16)) as projectors:
        in_any_order(rng, projectors, len(events) - 1, look)
    live = everything(registry_url)
    assert rebuild(registry_url, workers=1) == len(events) - 1
    assert everything(registry_url) == live
    assert len(seen) > 2
    for position, rows in seen.items():
        moment = events[position].recorded_at
        assert states_at(registry_url, moment, moment) == rows, position


def test_an_erasure_is_passed_by_all(registry_url, monkeypatch) -> None:
    """What shares hold of somebody goes with each of them, and no correction brings it back, whoever is ahead."""
    monkeypatch.setattr(projecting, "BATCH_EVENTS", 2)
    first, second, case = uuid4(), uuid4(), uuid4()
    with erasing(registry_url) as (parts, eraser):
        begin(parts)
        send(parts, [open_case(case, None, first, occurred_at=MOMENT), *told_of(second, first, uuid4(), "y")[:2]])
        eraser.approve([eraser.request(first, "verzoek", ANNA)], BERT)
        opened = next(one for one in log(parts.registry) if one.stream == case)
        send(parts, [command(case, FactCorrected(opened.id, "occurred_at", "2024-03-05T09:00:00Z"))])
        send(parts, told_of(second, second, uuid4(), "z")[:2])
        wanted = len(log(parts.registry)) - 1
        with claiming(registry_url, range(8), range(8, 16)) as projectors:
            in_any_order(Random(1), projectors, wanted, lambda: None)
    live = everything(registry_url)
    assert not any(str(first) in row for table in live.values() for row in table)
    assert any(str(second) in row for table in live.values() for row in table)
    rebuild(registry_url, workers=1)
    assert everything(registry_url) == live


def test_a_rebuild_takes_place_beside_several(registry_url, monkeypatch) -> None:
    """They find themselves in the new rows, each with its shares, and go on."""
    monkeypatch.setattr(projecting, "BATCH_EVENTS", 10)
    events = some_registry(31, cases=4)
    half = len(events) // 2
    fill(registry_url, events[:half])
    with claiming(registry_url, range(5), range(5, 16)) as projectors:
        in_any_order(Random(2), projectors, half - 1, lambda: None)
        rebuild(registry_url, workers=1)
        with connect(registry_url, DatabaseRole.APPENDER) as appender:
            record(appender, events[half:])
        in_any_order(Random(3), projectors, len(events) - 1, lambda: None)
    live = everything(registry_url)
    rebuild(registry_url, workers=1)
    assert everything(registry_url) == live


class Follower:
    """A projector that follows the log in a thread."""

    def __init__(self, url: str) -> None:
        self._stopping = threading.Event()
        self._projector = Projector(url)
        self._thread = threading.Thread(target=self._projector.run, args=(self._stopping,))
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        self._projector.close()


def sizes(url: str) -> list[int]:
    return sorted(len(shares) for shares in held(url).values())


def test_who_comes_gets_a_part_and_who_goes_leaves_it(registry_url, monkeypatch) -> None:
    """One has all shares, two halve them, three have a third each; what one leaves, the others take."""
    monkeypatch.setattr(claims, "LOOK_SECONDS", 0.1)
    fill(registry_url, some_registry(5, cases=1))
    with closing(Projector(registry_url)) as first:
        first.catch_up()
    assert held(registry_url) == {}
    with ExitStack() as ending:
        followers = [Follower(registry_url)]
        ending.callback(lambda: [one.stop() for one in followers])
        assert eventually(lambda: sizes(registry_url) == [16])
        followers.append(Follower(registry_url))
        assert eventually(lambda: sizes(registry_url) == [8, 8])
        followers.append(Follower(registry_url))
        assert eventually(lambda: sum(sizes(registry_url)) == 16 and max(sizes(registry_url)) <= 6)
        with closing(Projector(registry_url)) as guest:
            assert guest.catch_up() == projected(registry_url)
        followers.pop(0).stop()
        assert eventually(lambda: sizes(registry_url) == [8, 8])
    with psycopg.connect(registry_url) as connection:
        found = connection.execute("SELECT DISTINCT unnest(shares) FROM read.part ORDER BY 1").fetchall()
    assert found == [(share,) for share in range(schema.SHARES)]


@pytest.mark.long
def test_whoever_folds_for_long_keeps_its_claims(registry_url, monkeypatch) -> None:
    """A fold that takes longer than one may be silent is not broken off: the session says that it goes on."""
    monkeypatch.setattr(claims, "SILENT_SECONDS_MAX", 3)
    monkeypatch.setattr(claims, "PULSE_SECONDS", 0.1)
    monkeypatch.setattr(projecting, "POLL_SECONDS", 0.1)
    bring = subjects.Subjects.bring
    begun: list[frozenset[int]] = []

    def slowly(*arguments) -> None:
        begun.append(frozenset(held(registry_url)))
        time.sleep(5.0)
        begun.append(frozenset(held(registry_url)))
        bring(*arguments)

    events = some_registry(3, cases=1)
    fill(registry_url, events)
    with closing(Projector(registry_url)) as first:
        first.step()  # makes the tables
    with ExitStack() as ending, connect(registry_url, DatabaseRole.APPENDER) as appender:
        follower = Follower(registry_url)
        ending.callback(follower.stop)
        assert eventually(lambda: sizes(registry_url) == [16])
        monkeypatch.setattr(subjects.Subjects, "bring", slowly)
        record(appender, some_registry(4, cases=1)[:5])
        assert eventually(lambda: projected(registry_url) == len(events) + 4)
    assert len(set(begun)) == 1, "the session was ended"
    assert len(begun) == 2, "what was folded was folded again"


PROGRAM = Path(__file__).parent / "sharing_program.py"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROGRAM.parent.parent.parent)}


class Process:
    """A projector that follows the log as a program, ended by the server after so many seconds of silence."""

    def __init__(self, url: str, silent_seconds_max: int) -> None:
        arguments = [sys.executable, str(PROGRAM), url, str(silent_seconds_max)]
        self._process = subprocess.Popen(arguments, env=ENVIRONMENT)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self._process.wait(30)


def test_one_that_was_stopped_cannot_write_when_it_wakes(registry_url) -> None:
    """Others take what a stopped process had once it is silent for too long; it wakes, has no claim, and joins them."""
    events = some_registry(12, cases=4)
    with closing(Projector(registry_url)) as first:
        first.catch_up()
    with ExitStack() as ending, connect(registry_url, DatabaseRole.APPENDER) as appender:
        processes = [Process(registry_url, 1) for _ in range(2)]
        for each in processes:
            ending.callback(each.kill)
        assert eventually(lambda: sizes(registry_url) == [8, 8], 60)
        before = held(registry_url)
        record(appender, events[:40])
        processes[0].send(signal.SIGSTOP)
        record(appender, events[40:80])
        assert eventually(lambda: sizes(registry_url) == [16], 60)
        assert len(before.keys() & held(registry_url).keys()) == 1
        assert eventually(lambda: projected(registry_url) == 79)
        processes[0].send(signal.SIGCONT)
        record(appender, events[80:])
        assert eventually(lambda: projected(registry_url) == len(events) - 1)
        assert eventually(lambda: sizes(registry_url) == [8, 8], 60)
    live = everything(registry_url)
    rebuild(registry_url, workers=1)
    assert everything(registry_url) == live
