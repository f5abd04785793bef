"""The eventsourcing library over our store: application, repository, recorder, subscription."""

import time
from threading import Thread
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, Notification, NotSupportedError

from infra.store.given import append, event
from knelpunt.infra.store import arrays
from knelpunt.infra.store.codec import UnreadableEvent
from knelpunt.infra.store.connection import REGISTRY
from knelpunt.infra.store.reading import events_after, events_of, readable, rows_of


def test_application_saves_and_repository_reads(registry) -> None:
    """The library's application records our events as they are, and its repository projects them."""
    stream = uuid4()
    events = [event(stream, version) for version in (1, 2, 3)]
    recordings = registry.save(*events)
    assert [recording.notification.id for recording in recordings] == [1, 2, 3]
    history = registry.repository.get(stream, projector_func=lambda _, found: list(found))
    assert [(e.id, e.data, e.version, e.position) for e in history] == [
        (e.id, e.data, e.version, position) for position, e in enumerate(events)
    ]
    assert registry.repository.get(stream, version=2, projector_func=lambda _, found: len(list(found))) == 2


def test_insert_is_all_or_nothing(registry) -> None:
    """Events that the library puts together are recorded together or not at all; the same ones again change nothing."""
    stream = uuid4()
    first = event(stream, 1)
    registry.save(first)
    with pytest.raises(IntegrityError, match="conflict"):
        registry.save(event(uuid4(), 1), event(stream, 1))
    assert registry.recorder.max_notification_id() == 1
    assert registry.save(first)[0].notification.id == 1


def test_select(registry) -> None:
    """Events are selected by version, either way round, and notifications by id and topic."""
    stream = uuid4()
    assert registry.recorder.max_notification_id() is None
    registry.save(*(event(stream, version) for version in range(1, 6)))
    select = registry.recorder.select_events
    assert [e.originator_version for e in select(stream)] == [1, 2, 3, 4, 5]
    assert [e.originator_version for e in select(stream, gt=1, lte=4)] == [2, 3, 4]
    assert [e.originator_version for e in select(stream, desc=True, limit=2)] == [5, 4]
    notifications = registry.recorder.select_notifications
    assert [n.id for n in notifications(None, 10)] == [1, 2, 3, 4, 5]
    assert [n.id for n in notifications(2, 10)] == [2, 3, 4, 5]
    assert [n.id for n in notifications(2, 2, inclusive_of_start=False)] == [3, 4]
    assert [n.id for n in notifications(2, 10, stop=3)] == [2, 3]
    assert notifications(1, 10, topics=["case-opened"]) == []
    assert len(notifications(1, 10, topics=["case-opened", "step-taken"])) == 5
    assert [item.id for item in registry.notification_log["1,3"].items] == [1, 2, 3]


def test_what_the_library_offers_and_we_do_not(registry) -> None:
    """Snapshots, and the library's own tracking, are refused with a reason."""
    for ask in (
        lambda: registry.factory.aggregate_recorder(purpose="snapshots"),
        registry.factory.tracking_recorder,
        registry.factory.process_recorder,
    ):
        with pytest.raises(NotSupportedError):
            ask()


def collect(subscription, wanted: int) -> list[Notification]:
    found: list[Notification] = []
    for notification in subscription:
        found.append(notification)
        if len(found) == wanted:
            break
    return found


def test_subscription_delivers_the_first_event_too(registry) -> None:
    """A subscription from the beginning delivers position 0, what is there and what comes, in order, each once."""
    stream = uuid4()
    registry.save(event(stream, 1))
    with registry.recorder.subscribe() as subscription:
        registry.save(event(stream, 2))
        assert [n.id for n in collect(subscription, 2)] == [1, 2]
    with registry.recorder.subscribe(gt=1) as subscription:
        assert [n.id for n in collect(subscription, 1)] == [2]


def test_subscription_is_woken(registry) -> None:
    """A notification arrives much sooner than the next look would."""
    with registry.recorder.subscribe() as subscription:
        time.sleep(0.3)
        delays: list[float] = []
        for _ in range(5):
            started = time.monotonic()
            registry.save(event(uuid4(), 1))
            next(subscription)
            delays.append(time.monotonic() - started)
    assert min(delays) < 0.4


def test_a_lost_notification_costs_a_second(registry, registry_url) -> None:
    """What is recorded without anybody being told is found by looking."""
    with registry.recorder.subscribe() as subscription:
        registry.save(event(uuid4(), 1))
        next(subscription)
        with psycopg.connect(registry_url, autocommit=True) as login:
            # Whoever listens is cut off, and finds the notification gone by when it listens again.
            login.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()"
            )
        registry.save(event(uuid4(), 1))
        started = time.monotonic()
        assert next(subscription).id == 2
        assert time.monotonic() - started < 5


def test_subscription_survives_a_restart_of_its_connections(registry, registry_url) -> None:
    """When the server ends all connections, a subscription goes on where it was."""
    with registry.recorder.subscribe() as subscription:
        registry.save(event(uuid4(), 1))
        next(subscription)
        with psycopg.connect(registry_url, autocommit=True) as login:
            login.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid()"
            )
            login.execute("SET ROLE knelpunt_appender")
            arrays.register(login)
            append(login, [event(uuid4(), 1)])
        assert next(subscription).id == 2


def test_stopping_a_subscription(registry) -> None:
    """A subscription that waits for the next event ends when it is stopped."""
    with registry.recorder.subscribe() as subscription:
        stopper = Thread(target=lambda: (time.sleep(0.3), subscription.stop()))
        stopper.start()
        assert list(subscription) == []
        stopper.join()


def test_reading(registry, appender) -> None:
    """Cases are read whole or up to a position, several in one statement; the log is read along."""
    one, other = uuid4(), uuid4()
    append(appender, [event(one, 1), event(other, 1), event(one, 2), event(other, 2)])
    everything = events_of(registry.reader, REGISTRY, [one, other])
    assert [(e.position, e.stream) for e in everything] == [(0, one), (1, other), (2, one), (3, other)]
    assert [e.position for e in events_of(registry.reader, REGISTRY, [one])] == [0, 2]
    assert [e.position for e in events_of(registry.reader, REGISTRY, [one, other], upto=2)] == [0, 1, 2]
    assert events_of(registry.reader, REGISTRY, [uuid4()]) == []
    assert [e.position for e in events_after(registry.reader, REGISTRY, -1, 3)] == [0, 1, 2]
    assert [e.position for e in events_after(registry.reader, REGISTRY, 1, 10)] == [2, 3]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("topic = 'never-heard-of'", "the topic is unknown"),
        ("topic_version = 2", "a later version of the program"),
        (r"state = '{}'::bytea", "missing required field"),
        (r"state = '\x00ff'::bytea", "JSON is malformed"),
        (r"state = convert_to(replace(convert_from(state, 'UTF8'), 'LETTER', 'SMOKE'), 'UTF8')", "Invalid enum value"),
        (
            """state = convert_to(replace(convert_from(state, 'UTF8'), '"data":{', '"data":{"x":1,'), 'UTF8')""",
            "unknown field",
        ),
    ],
)
def test_an_unreadable_event_keeps_nobody_from_the_others(registry, registry_url, appender, damage, reason) -> None:
    """An event that cannot be read is one typed error with its position and reason; the others are read."""
    bad, good = uuid4(), uuid4()
    append(appender, [event(good, 1), event(bad, 1), event(good, 2)])
    with psycopg.connect(registry_url, autocommit=True) as login:
        login.execute(f"UPDATE knelpunt.event SET {damage} WHERE position = 1".encode())
    found = events_after(registry.reader, REGISTRY, -1, 10)
    assert [isinstance(one, UnreadableEvent) for one in found] == [False, True, False]
    error = found[1]
    assert isinstance(error, UnreadableEvent)
    assert (error.position, error.stream) == (1, bad)
    assert reason in error.reason
    with pytest.raises(UnreadableEvent, match="position 1"):
        events_of(registry.reader, REGISTRY, [good, bad])
    events, errors = readable(rows_of(registry.reader, REGISTRY, [good, bad]))
    assert ([e.position for e in events], [e.position for e in errors]) == ([0, 2], [1])
