"""The projector against PostgreSQL: in any batches, beside another, told or not, and past what cannot be read."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import psycopg
import pytest
from psycopg import sql

from infra.projecting.registries import everything, fill, record, some_registry, states_at
from knelpunt.domain.case.facts import CaseFact
from knelpunt.domain.event import Event
from knelpunt.infra.projecting import bringing, claims, schema, subjects, writing
from knelpunt.infra.projecting import projector as projecting
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store import connection as connecting
from knelpunt.infra.store.connection import DatabaseRole, connect
from knelpunt.projections.derivation.timelines import rows_of
from knelpunt.projections.read_model.copying import name_of, table_of


def catch_up(url: str) -> int:
    with closing(Projector(url)) as projector:
        return projector.catch_up()


def eventually(holds: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether something comes to hold within some seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def projected(url: str) -> int:
    with psycopg.connect(url) as connection:
        if not schema.exists(connection):
            return -1
        row = connection.execute("SELECT position FROM read.projected").fetchone()
    assert row is not None
    return row[0]


# Whoever sees a case is told of nothing in it before it began: so is what lies over several, by the first of them.
UNTOLD = """
SELECT count(*) FILTER (WHERE least(g.as_of_from, g.known_from) < v.begun_at), count(*)
  FROM read.gap_state g JOIN read.case_viewer v ON v.case_id = coalesce(g.cases[1], g.case_id)
"""


@pytest.mark.parametrize("kept", [pytest.param(True, id="at hand"), pytest.param(False, id="loaded anew")])
@pytest.mark.parametrize(("batch", "seed", "cases"), [(1, 1, 3), (7, 7, 5), (1_000, 1_003, 5)])
def test_batches_of_any_size_equal_a_rebuild(registry_url, monkeypatch, batch, seed, cases, kept) -> None:
    """Live rows equal rebuilt ones in every column of every table, whether timelines are kept at hand or not."""
    monkeypatch.setattr(projecting, "BATCH_EVENTS", batch)
    if not kept:
        monkeypatch.setattr(bringing, "TIMELINES_KEPT", 0)
        monkeypatch.setattr(subjects, "SUBJECTS_KEPT", 0)
    log = some_registry(seed, cases)
    fill(registry_url, log)
    assert catch_up(registry_url) == len(log) - 1
    live = everything(registry_url)
    with psycopg.connect(registry_url) as connection:
        untold = connection.execute(UNTOLD).fetchone()
    assert untold is not None
    assert untold[0] == 0 < untold[1]
    assert rebuild(registry_url, workers=1) == len(log) - 1
    assert everything(registry_url) == live
    empty = {table for table in live if not live[table]}
    assert empty <= {
        "quarantined",
        "stream_state",
        "stream_link",
        "investigation_member",
        "investigation_case",
        "investigation_dialogue",
        "remedy_state",
        "commitment_state",
        "escalation_state",
        "notice_state",
        "telling_state",
    }


@pytest.fixture
def unprojected_url(registry_url: str) -> str:
    """The URL of a registry that nobody has made the tables for; those that tests clone have them."""
    with psycopg.connect(registry_url, autocommit=True) as admin:
        admin.execute("DROP SCHEMA read CASCADE")
    return registry_url


def test_an_empty_registry_has_an_empty_read_model(unprojected_url) -> None:
    """Projecting nothing makes the tables, at position -1, and so does a rebuild."""
    assert catch_up(unprojected_url) == -1
    live = everything(unprojected_url)
    assert rebuild(unprojected_url, workers=1) == -1
    assert everything(unprojected_url) == live
    assert [table for table in live if live[table]] == ["projected"]


def test_projecting_again_changes_nothing(registry_url) -> None:
    """A projector that finds nothing new leaves every row as it is."""
    fill(registry_url, some_registry(3))
    catch_up(registry_url)
    before = everything(registry_url)
    catch_up(registry_url)
    assert everything(registry_url) == before


def test_folding_may_take_longer_than_others_may_idle(registry_url, monkeypatch) -> None:
    """Whoever has hundreds of cases takes long to fold, within one transaction: it is not broken off for that."""
    bring = subjects.Subjects.bring

    def slowly(*arguments) -> None:
        time.sleep(0.3)
        bring(*arguments)

    monkeypatch.setattr(connecting, "IDLE_IN_TRANSACTION_TIMEOUT", "100ms")
    monkeypatch.setattr(subjects.Subjects, "bring", slowly)
    log = some_registry(3, cases=2)
    fill(registry_url, log)
    assert catch_up(registry_url) == len(log) - 1


def in_parts(log: Sequence[Event], size: int) -> list[Sequence[Event]]:
    return [log[start : start + size] for start in range(0, len(log), size)]


def test_two_projectors_at_once(registry_url, monkeypatch) -> None:
    """Two that run beside each other while events come in do the work of one."""
    monkeypatch.setattr(projecting, "BATCH_EVENTS", 3)
    log = some_registry(11, cases=8)
    stopping = threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        projector = Projector(registry_url)
        try:
            projector.run(stopping)
        except BaseException as error:  # noqa: BLE001  shown below
            failed.append(error)
        finally:
            projector.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    # One makes the tables; which of two that start at one instant does so is another test's matter.
    catch_up(registry_url)
    for thread in threads:
        thread.start()
    try:
        with connect(registry_url, DatabaseRole.APPENDER) as appender:
            for part in in_parts(log, 5):
                record(appender, part)
        assert eventually(lambda: failed != [] or projected(registry_url) == len(log) - 1)
    finally:
        stopping.set()
        for thread in threads:
            thread.join(30)
    assert failed == []
    live = everything(registry_url)
    rebuild(registry_url, workers=1)
    assert everything(registry_url) == live


def test_two_projectors_may_start_at_one_instant(unprojected_url) -> None:
    """Whoever comes second finds the tables that the first one made."""
    fill(unprojected_url, some_registry(4, cases=1))
    failed: list[BaseException] = []

    def run(barrier: threading.Barrier) -> None:
        try:
            barrier.wait(10)
            catch_up(unprojected_url)
        except BaseException as error:  # noqa: BLE001  shown below
            failed.append(error)

    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=run, args=(barrier,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    live = everything(unprojected_url)
    rebuild(unprojected_url, workers=1)
    assert everything(unprojected_url) == live


@pytest.mark.parametrize("told", [pytest.param(True, id="told"), pytest.param(False, id="not told")])
def test_a_running_projector_follows_the_log(registry_url, monkeypatch, told) -> None:
    """A notification wakes it at once; one that is lost costs the time between two looks, and no event."""
    if told:
        monkeypatch.setattr(projecting, "POLL_SECONDS", 60.0)
        monkeypatch.setattr(claims, "LOOK_SECONDS", 60.0)
    else:
        monkeypatch.setattr(projecting, "CHANNEL", "a_channel_that_nobody_speaks_on")
    log = some_registry(6, cases=2)
    catch_up(registry_url)
    stopping = threading.Event()
    projector = Projector(registry_url)
    thread = threading.Thread(target=projector.run, args=(stopping,))
    thread.start()
    try:
        with connect(registry_url, DatabaseRole.APPENDER) as appender:
            time.sleep(0.5)  # it waits by now
            began = time.monotonic()
            record(appender, log[:-1])
            assert eventually(lambda: projected(registry_url) == len(log) - 2)
            assert time.monotonic() - began < 3 * 1.0 + 1.0
            stopping.set()
            record(appender, log[-1:])
    finally:
        stopping.set()
        thread.join(30)
        projector.close()
    assert not thread.is_alive()


@pytest.mark.parametrize("spare", [0, 2])
def test_what_comes_all_the_time_shares_a_batch(registry_url, monkeypatch, spare) -> None:
    """The first events after a pause are projected at once; those that follow wait for the pace, and go together."""
    monkeypatch.setattr(projecting, "PACE_SECONDS", 2.0)
    monkeypatch.setattr(projecting, "SPARE_BATCHES", spare)
    monkeypatch.setattr(projecting, "POLL_SECONDS", 60.0)
    monkeypatch.setattr(claims, "LOOK_SECONDS", 60.0)
    log = some_registry(6, cases=2)
    catch_up(registry_url)
    taken: list[int] = []
    stopping = threading.Event()
    projector = Projector(registry_url, told=lambda events, _: taken.append(events))
    thread = threading.Thread(target=projector.run, args=(stopping,))
    thread.start()
    try:
        with connect(registry_url, DatabaseRole.APPENDER) as appender:
            time.sleep(3.0)  # it waits by now, and has all that it may spare
            began = time.monotonic()
            for number in range(spare + 1):
                record(appender, log[number : number + 1])
                assert eventually(lambda number=number: projected(registry_url) == number)
            assert time.monotonic() - began < 1.5
            for event in log[spare + 1 : -1]:
                record(appender, [event])
            assert eventually(lambda: projected(registry_url) == len(log) - 2)
            assert time.monotonic() - began >= 1.5
            # It tells of a batch once the batch is there: a moment later than the batch is seen.
            assert eventually(lambda: taken == [1] * (spare + 1) + [len(log) - spare - 2])
            stopping.set()
            record(appender, log[-1:])
    finally:
        stopping.set()
        thread.join(30)
        projector.close()


def test_who_stops_within_a_copy_is_ended_by_the_server(registry_url, monkeypatch) -> None:
    """No limit of silence counts there; the statement's own does, and only while rows are taken in."""
    monkeypatch.setattr(writing, "WRITE_SECONDS_MAX", 1)
    log = some_registry(6, cases=2)
    catch_up(registry_url)
    with connect(registry_url, DatabaseRole.APPENDER) as appender:
        record(appender, log)

    def slow(connection: psycopg.Connection, statement: sql.Composed, _: Sequence[bytes]) -> None:
        with connection.cursor().copy(statement):
            time.sleep(3.0)

    with closing(Projector(registry_url)) as projector:
        with monkeypatch.context() as stopped:
            stopped.setattr(writing, "_copy", slow)
            with pytest.raises(psycopg.errors.QueryCanceled):
                projector.catch_up()
        seen: list[str] = []
        usual = bringing.viewers.bring

        def bring(connection: psycopg.Connection, *others: Any) -> None:
            (limit,) = connection.execute("SHOW statement_timeout").fetchone() or ("",)
            seen.append(limit)
            usual(connection, *others)

        monkeypatch.setattr(bringing.viewers, "bring", bring)
        assert projector.catch_up() == len(log) - 1
    assert set(seen) == {"10min"}, "the transaction goes on with the limit of its connection"


def test_a_projector_survives_the_loss_of_its_connection(registry_url, monkeypatch) -> None:
    """When the server ends its connection, it comes back and goes on where the last commit left the rows."""
    monkeypatch.setattr(projecting, "RETRY_SECONDS", 0.05)
    log = some_registry(8, cases=4)
    catch_up(registry_url)
    stopping = threading.Event()
    projector = Projector(registry_url)
    thread = threading.Thread(target=projector.run, args=(stopping,))
    thread.start()
    try:
        with connect(registry_url, DatabaseRole.APPENDER) as appender, psycopg.connect(registry_url) as admin:
            for part in in_parts(log, 10):
                record(appender, part)
                admin.execute(
                    "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                    "WHERE a.datname = current_database() AND l.locktype = 'advisory' AND l.objid::bigint = %s",
                    (claims.MEMBER,),
                )
                admin.commit()
        assert eventually(lambda: projected(registry_url) == len(log) - 1)
    finally:
        stopping.set()
        thread.join(30)
        projector.close()
    live = everything(registry_url)
    rebuild(registry_url, workers=1)
    assert everything(registry_url) == live


def spoil(url: str, position: int) -> None:
    """Make an event unreadable, as a later version of the program or a fault of the disk might."""
    with psycopg.connect(url) as connection:
        done = connection.execute(
            """UPDATE knelpunt.event SET state = '{"id": "a secret"}' WHERE position = %s""", (position,)
        )
        assert done.rowcount == 1


@pytest.mark.parametrize("version", [1, 3])
@pytest.mark.parametrize("batch", [1, 1_000])
def test_an_unreadable_event_is_quarantined(registry_url, monkeypatch, batch, version) -> None:
    """It is noted with its case and a reason that quotes nothing; its case's other events and all others go on.

    So they do where the event is the one that opened the case.
    """
    monkeypatch.setattr(projecting, "BATCH_EVENTS", batch)
    log = some_registry(21)
    bad = next(event for event in log if event.version == version and isinstance(event.data, CaseFact))
    fill(registry_url, log)
    spoil(registry_url, bad.position)
    assert catch_up(registry_url) == len(log) - 1
    live = everything(registry_url)
    with psycopg.connect(registry_url) as connection:
        ((case, position, reason),) = connection.execute("SELECT * FROM read.quarantined").fetchall()
        stored = connection.execute(
            "SELECT obstacle_id, as_of_from, known_from FROM read.chain_state WHERE case_id = %s", (bad.stream,)
        ).fetchall()
    assert (case, position) == (bad.stream, bad.position)
    assert bad.data.topic in reason
    assert "secret" not in reason
    rest = [event for event in log if event.stream == bad.stream and event is not bad]
    wanted = {
        (name_of(row.state), row.as_of_from, row.known_from)
        for row in rows_of(bad.stream, rest)
        if table_of(row.state) == "chain_state"
    }
    assert set(stored) == wanted
    (todo,) = [row for row in live["todo_state"] if "QUARANTINED" in row]
    assert str(bad.id) in todo
    rebuild(registry_url, workers=1)
    assert everything(registry_url) == live


def test_the_cases_beside_an_unreadable_event_are_as_ever(new_registry) -> None:
    """Every row of other cases is the same as in a registry where all can be read."""
    log = some_registry(22)
    bad = next(event for event in log if event.version == 2 and isinstance(event.data, CaseFact))
    whole, spoilt = new_registry(), new_registry()
    for url in (whole, spoilt):
        fill(url, log)
    spoil(spoilt, bad.position)
    rows = []
    for url in (whole, spoilt):
        catch_up(url)
        moment = log[-1].recorded_at
        states = states_at(url, moment, moment)
        # What lies over several cases may hang on the one in question without naming it.
        of_others = [str(bad.stream), '"cases": ["']
        rows.append(
            {
                table: [row for row in found if all(one not in row for one in of_others)]
                for table, found in states.items()
            }
        )
    assert rows[0] == rows[1]


def test_an_outdated_read_model_is_left_alone(registry_url) -> None:
    """Rows of another definition are neither read nor mixed with new ones, until a rebuild has replaced them."""
    log = some_registry(5, cases=2)
    fill(registry_url, log)
    catch_up(registry_url)
    live = everything(registry_url)
    with psycopg.connect(registry_url) as connection:
        connection.execute("UPDATE read.derived SET definition = 'of long ago'")
    with pytest.raises(schema.ReadModelOutdated, match="project --rebuild"):
        catch_up(registry_url)
    rebuild(registry_url, workers=1)
    assert catch_up(registry_url) == len(log) - 1
    assert everything(registry_url) == live
