"""Appending in bulk: a chunk is recorded whole or not at all, and once however often it is sent."""

from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from infra.store.given import CLERK, MOMENT, append, event, log, outcomes
from knelpunt.domain.case.facts import ObstacleReported
from knelpunt.domain.event import Knower
from knelpunt.domain.text import clear
from knelpunt.domain.vocabulary import Origin
from knelpunt.infra.store import bulk
from knelpunt.infra.store.bulk import (
    BulkAppended,
    CommandReused,
    HistoryRefused,
    StreamMovedOn,
    append_bulk,
    append_history,
)
from knelpunt.infra.store.connection import REGISTRY, DatabaseRole, connect
from knelpunt.infra.store.reading import events_of
from knelpunt.infra.store.staging import TooLarge, staged_row

HASH = b"h" * 32


def chunk(streams: int, versions: int, first: int = 1) -> list:
    ids = [uuid4() for _ in range(streams)]
    return [event(stream, version, source="log") for version in range(first, first + versions) for stream in ids]


def put(connection, events) -> BulkAppended:
    return append_bulk(connection, events, [HASH] * len(events))


def test_many_streams_of_several_events(registry, appender) -> None:
    """A chunk's events stand next to each other in their order, just as commands would have recorded them."""
    append(appender, [event(uuid4(), 1)])
    events = chunk(30, 4)
    assert put(appender, events) == BulkAppended(120, 0, 1)
    found = log(registry, after=0)
    assert [(e.position, e.id, e.stream, e.version, e.data, e.occurred_at, e.source) for e in found] == [
        (position, e.id, e.stream, e.version, e.data, e.occurred_at, "log") for position, e in enumerate(events, 1)
    ]
    moments = [e.recorded_at for e in found]
    assert moments == sorted(set(moments))
    assert put(appender, []) == BulkAppended(0, 0, 121)


def test_again_adds_nothing(registry, appender) -> None:
    """A chunk sent again is skipped; a longer one adds what is new, also to streams that are there."""
    events = chunk(10, 3)
    put(appender, events[:15])
    assert put(appender, events) == BulkAppended(15, 15, 15)
    assert put(appender, events) == BulkAppended(0, 30, 30)
    assert len(log(registry)) == 30


def test_a_stream_that_moved_on(registry, appender) -> None:
    """If one stream is not where the importer saw it, nothing of the chunk is recorded, and the error names it."""
    moved = uuid4()
    append(appender, [event(moved, 1)])
    with pytest.raises(StreamMovedOn) as caught:
        put(appender, [event(uuid4(), 1), event(moved, 1)])
    assert caught.value.stream == moved
    with pytest.raises(StreamMovedOn):
        put(appender, [event(moved, 3)])
    assert len(log(registry)) == 1


def test_a_command_used_for_another_request(registry, appender) -> None:
    """A known command id with another request fails the chunk, and the error names it."""
    events = chunk(2, 1)
    put(appender, events)
    with pytest.raises(CommandReused) as caught:
        append_bulk(appender, [*chunk(1, 1), events[1]], [HASH, b"o" * 32])
    assert caught.value.command == events[1].command_id
    assert len(log(registry)) == 2


def test_commands_and_chunks_know_each_other(appender) -> None:
    """What came in bulk is repeated as a command, and the other way round; heads and the directory are shared."""
    obstacle = uuid4()
    stream = uuid4()
    fact = ObstacleReported(obstacle, Origin.UNKNOWN, CLERK.organisation)
    one, two = event(stream, 1, fact), event(stream, 2)
    put(appender, [one])
    assert outcomes(append(appender, [one, two])) == ["repeated", "recorded"]
    assert put(appender, [one, two]) == BulkAppended(0, 2, 2)
    with appender.transaction():
        appender.execute("SELECT set_config('knelpunt.principal', '{\"role\": \"AUDITOR\"}', true)")
        row = appender.execute("SELECT obstacle_id, case_id FROM knelpunt.known_obstacle").fetchall()
    assert row == [(obstacle, stream)]


def test_a_clear_text_and_a_large_event_are_refused(appender) -> None:
    """What may not be stored fails before anything is sent."""
    fact = ObstacleReported(uuid4(), Origin.UNKNOWN, CLERK.organisation, clear("nog niet verzegeld"))
    with pytest.raises(TypeError, match="Plaintext"):
        put(appender, [event(uuid4(), 1, fact)])
    known = tuple(Knower(f"urn:kantoor:{number:0100d}", MOMENT) for number in range(60))
    large = event(uuid4(), 1, known_to=known)
    with pytest.raises(TooLarge) as caught:
        put(appender, [event(uuid4(), 1), large])
    assert caught.value.event == large.id
    assert put(appender, chunk(1, 1)).first_position == 0


def test_only_the_owner_tells_when_something_was_recorded(registry_url, appender) -> None:
    """An appender cannot bring moments of recording along, nor use the owner's way in."""
    rows = [staged_row(event(uuid4(), 1, source="elsewhere"), HASH, MOMENT)]
    with appender.transaction(force_rollback=True):
        bulk._stage(appender, rows)
        with pytest.raises(HistoryRefused, match="Only an owner's"):
            bulk._moved(appender, "SELECT recorded, skipped, first_position FROM knelpunt.append_staged()")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        append_history(appender, chunk(1, 1), [HASH])


def test_history_recorded_elsewhere(registry, registry_url) -> None:
    """Into an empty log the owner may bring history with its own moments of recording, once."""
    stream = uuid4()
    moments = [MOMENT + timedelta(days=version) for version in range(3)]
    events = [event(stream, version, source="demo", recorded_at=moment) for version, moment in enumerate(moments, 1)]
    with connect(registry_url, DatabaseRole.OWNER) as owner:
        assert append_history(owner, events, [HASH] * 3) == BulkAppended(3, 0, 0)
        with pytest.raises(HistoryRefused, match="holds 3 events"):
            append_history(owner, [event(uuid4(), 1, source="demo")], [HASH])
    assert [e.recorded_at for e in events_of(registry.reader, REGISTRY, [stream])] == moments
    registry.save(event(uuid4(), 1))
    assert log(registry, after=2)[0].recorded_at > moments[-1]


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([event(uuid4(), 1)], "must name its source"),
        ([event(uuid4(), 1, source="demo", recorded_at=MOMENT.replace(year=2999))], "lie in the past"),
        ([event(uuid4(), 1, source="demo"), event(uuid4(), 1, source="demo")], "increase from event to event"),
    ],
)
def test_history_that_may_not_enter(registry_url, events, reason) -> None:
    """History without a source, from the future, or with moments that do not increase, is refused whole."""
    with connect(registry_url, DatabaseRole.OWNER) as owner:
        with pytest.raises(HistoryRefused, match=reason):
            append_history(owner, events, [HASH] * len(events))
        assert owner.execute("SELECT count(*) FROM knelpunt.event").fetchone() == (0,)


def test_staging_is_the_owners(registry_url, appender) -> None:
    """A staging table of the caller's own making is not used, and the owner's cannot be read or changed."""
    appender.execute("CREATE TEMPORARY TABLE staged_event (nr integer)")
    with pytest.raises(psycopg.DatabaseError, match="nothing staged"):
        appender.execute("SELECT * FROM knelpunt.append_staged()")
    with connect(registry_url, DatabaseRole.APPENDER) as other:
        other.execute("SELECT knelpunt.open_staging()")
        for statement in ("SELECT * FROM pg_temp.staged_event", "DELETE FROM pg_temp.staged_event"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                other.execute(statement)
