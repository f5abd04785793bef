"""The read model after a term or grace was changed: as a rebuild makes it, whatever happens on the way."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from histories.settings import change, changes_within
from infra.projecting.registries import everything, fill, one_log, record, seen_at, some_registry, states_at
from infra.projecting.test_fresh_database import pair_of_times
from knelpunt.domain.event import Event
from knelpunt.domain.registry.facts import RegistryFact
from knelpunt.domain.vocabulary import Term
from knelpunt.infra.projecting import projector as projecting
from knelpunt.infra.projecting import rebuild as rebuilding
from knelpunt.infra.projecting import rederiving
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.projecting.writing import Sheets
from knelpunt.infra.store.connection import DatabaseRole, connect


def changing_registry(seed: int, cases: int = 5, changes: int = 4) -> list[Event]:
    """A registry in which terms and graces are changed while its cases go on."""
    log = some_registry(seed, cases)
    return one_log([*log, *changes_within(log, Random(seed), changes)])


def catch_up(url: str) -> int:
    with closing(Projector(url)) as projector:
        return projector.catch_up()


@pytest.mark.parametrize("batch", [1, 7, 1_000])
def test_changes_in_batches_of_any_size_equal_a_rebuild(registry_url, monkeypatch, batch) -> None:
    """Live rows equal rebuilt ones in every column of every table, and no case is left to be derived."""
    monkeypatch.setattr(projecting, "BATCH_EVENTS", batch)
    monkeypatch.setattr(rederiving, "CASES_AT_ONCE", batch)
    log = changing_registry(batch + 40)
    fill(registry_url, log)
    assert catch_up(registry_url) == len(log) - 1
    live = everything(registry_url)
    assert rebuild(registry_url, workers=1) == len(log) - 1
    assert everything(registry_url) == live
    with psycopg.connect(registry_url) as connection:
        assert connection.execute("SELECT count(*) FROM read.case_to_rederive").fetchall() == [(0,)]


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 12))])
def test_the_answer_at_two_times_is_that_of_a_fresh_database(new_registry, seed) -> None:
    """All rows at (A, K) equal those of a registry of the events by A and K alone; of changes only K is asked."""
    rng = Random(seed)
    log = changing_registry(500 + seed)
    whole = new_registry()
    fill(whole, log)
    catch_up(whole)
    for _ in range(3):
        as_of, known_at = pair_of_times(rng, log)
        fresh = new_registry()
        fill(fresh, seen_at(log, as_of, known_at))
        catch_up(fresh)
        assert states_at(whole, as_of, known_at) == states_at(fresh, as_of, known_at), (as_of, known_at)


class Died(Exception):  # noqa: N818  named for what it is
    """A projector came to its end."""


def dying(write: Callable[[Sheets, psycopg.Connection], None], rng: Random) -> Callable[..., None]:
    """Writing that ends the projector now and then, before or after it wrote."""

    def fragile(sheets: Sheets, connection: psycopg.Connection) -> None:
        if rng.random() < 0.2:
            raise Died
        write(sheets, connection)
        if rng.random() < 0.2:
            raise Died

    return fragile


def test_a_change_goes_on_where_a_projector_died(registry_url, monkeypatch) -> None:
    """Projectors that die while they derive anew leave the rest to the next, and the rows are those of one that lived.

    Nobody is answered from rows that were written on the way: at every moment the position says what is taken in.
    """
    monkeypatch.setattr(rederiving, "CASES_AT_ONCE", 2)
    monkeypatch.setattr(projecting, "BATCH_EVENTS", 40)
    log = changing_registry(77, cases=10, changes=5)
    fill(registry_url, log)
    deaths = 0
    with monkeypatch.context() as patched:
        patched.setattr(Sheets, "write", dying(Sheets.write, Random(7)))
        while True:
            try:
                catch_up(registry_url)
                break
            except Died:
                deaths += 1
                position = projected(registry_url)
                known_at = log[position].recorded_at if position >= 0 else log[0].recorded_at
                seen = [event for event in log if event.position <= position]
                assert len(states_at(registry_url, known_at, known_at)["case_state"]) == opened(seen, known_at)
    assert deaths > 5
    live = everything(registry_url)
    rebuild(registry_url, workers=1)
    assert everything(registry_url) == live


def projected(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT position FROM read.projected").fetchone()
    assert row is not None
    return row[0]


def opened(events: list[Event], as_of: datetime) -> int:
    """How many cases had been opened by a moment."""
    return sum(event.data.topic == "case-opened" and event.occurred_at <= as_of for event in events)


def test_who_asks_meanwhile_is_answered_as_before(registry_url, monkeypatch) -> None:
    """While cases are derived anew, rows at the position reached are what they were, in every column."""
    monkeypatch.setattr(rederiving, "CASES_AT_ONCE", 1)
    log = changing_registry(91, cases=8, changes=1)
    (change,) = [event for event in log if isinstance(event.data, RegistryFact)]
    fill(registry_url, log)
    moment = log[change.position - 1].recorded_at
    with closing(Projector(registry_url)) as projector:
        projector.step()
        while projected(registry_url) < change.position - 1:
            projector.step()
        before = states_at(registry_url, moment, moment)
        parts = 0
        while projected(registry_url) < change.position:
            assert states_at(registry_url, moment, moment) == before
            projector.step()
            parts += 1
    assert parts > 2
    assert states_at(registry_url, moment, moment) == before


def test_while_cases_are_left_there_is_more(registry_url, monkeypatch) -> None:
    """Who goes on while there is more comes to the end of the log, however few cases are derived anew at a time."""
    monkeypatch.setattr(rederiving, "CASES_AT_ONCE", 1)
    log = changing_registry(91, cases=8, changes=1)
    fill(registry_url, log)
    with closing(Projector(registry_url)) as projector:
        position, more = projector.step()
        while more:
            position, more = projector.step()
    assert position == len(log) - 1


def test_a_rebuild_ends_after_a_change_that_came_meanwhile(registry_url, monkeypatch) -> None:
    """A term changed while a rebuild fills its tables is taken in whole before they are swapped in."""
    monkeypatch.setattr(rederiving, "CASES_AT_ONCE", 1)
    log = some_registry(91, 5)
    changed = change(uuid4(), datetime.now(UTC), Term.RESPOND_BY, 2)
    complete = rebuilding._complete
    with connect(registry_url, DatabaseRole.APPENDER) as appender:
        record(appender, log)

        def meanwhile(*how: Any) -> None:
            complete(*how)
            record(appender, [changed])

        with monkeypatch.context() as patched:
            patched.setattr(rebuilding, "_complete", meanwhile)
            assert rebuild(registry_url, workers=1) == projected(registry_url) == len(log)
    swapped_in = everything(registry_url)
    rebuild(registry_url, workers=1)
    assert everything(registry_url) == swapped_in
