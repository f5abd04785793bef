"""Many writers and tailing readers at once: nothing missed, nothing twice, positions dense, moments increasing."""

import threading
import time
from itertools import pairwise
from uuid import uuid4

import pytest

from infra.store.given import append, event
from knelpunt.infra.store.connection import REGISTRY, DatabaseRole, connect
from knelpunt.infra.store.mapper import LoggedEvent
from knelpunt.infra.store.reading import rows_after
from knelpunt.infra.store.registry import Registry

WRITERS = 8
READERS = 3


@pytest.mark.parametrize(
    "seconds", [pytest.param(4, id="short"), pytest.param(30, marks=[pytest.mark.long, pytest.mark.timeout(300)])]
)
def test_writers_and_tailing_readers(registry_url, seconds) -> None:
    """Each reader sees every position once and in order while eight connections append, one event or some at a time."""
    stop = threading.Event()
    recorded: list[dict] = [{} for _ in range(WRITERS)]
    seen: list[list] = [[] for _ in range(READERS)]
    errors: list[BaseException] = []
    ends: list[int] = []

    def guard(work, *values) -> None:
        try:
            work(*values)
        except BaseException as error:  # noqa: BLE001  shown by the assertion at the end
            errors.append(error)
            stop.set()

    def write(number: int) -> None:
        with connect(registry_url, DatabaseRole.APPENDER) as connection:
            size = 1 + number % 4
            while not stop.is_set():
                events = [event(uuid4(), 1) for _ in range(size)]
                # Now and then one that conflicts, and a transaction that is rolled back: neither leaves a hole.
                if len(recorded[number]) % 5 == 0:
                    events.append(event(events[0].stream, 1))
                    with connection.transaction(force_rollback=True):
                        append(connection, [event(uuid4(), 1)])
                for one, answer in zip(events, append(connection, events), strict=True):
                    if answer.position is not None:
                        recorded[number][one.id] = (answer.position, answer.recorded_at)

    def read(number: int) -> None:
        with registry.recorder.subscribe() as subscription:
            for notification in subscription:
                assert isinstance(notification, LoggedEvent)
                seen[number].append((notification.id - 1, notification.recorded_at))
                if stop.is_set() and ends and notification.id == ends[0]:
                    return

    with Registry(registry_url) as registry:
        readers = [threading.Thread(target=guard, args=(read, number), daemon=True) for number in range(READERS)]
        writers = [threading.Thread(target=guard, args=(write, number), daemon=True) for number in range(WRITERS)]
        for thread in readers + writers:
            thread.start()
        time.sleep(seconds)
        ends.append(-1)
        stop.set()
        for thread in writers:
            thread.join(60)
        # Readers stop at the last event; one more makes sure that each of them gets to look.
        with connect(registry_url, DatabaseRole.APPENDER) as connection:
            last = event(uuid4(), 1)
            ends[0] = (registry.recorder.max_notification_id() or 0) + 1
            (answer,) = append(connection, [last])
            recorded[0][last.id] = (answer.position, answer.recorded_at)
        for thread in readers:
            thread.join(60)
        rows = rows_after(registry.reader, REGISTRY, -1, 1_000_000)
    assert errors == []
    told = {key: value for found in recorded for key, value in found.items()}
    log = [(row.position, row.recorded_at) for row in rows]
    assert [position for position, _ in log] == list(range(len(log)))
    moments = [moment for _, moment in log]
    assert all(earlier < later for earlier, later in pairwise(moments))
    assert sorted(told.values()) == log
    assert len(log) > 100
    for found in seen:
        assert found == log
