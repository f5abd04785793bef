"""Closing the past: what settle promises to whoever tells what time alone brings about."""

from datetime import datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from infra.store.given import append, event, moment_of
from knelpunt.infra.store.appending import hold_log
from knelpunt.infra.store.connection import DatabaseRole, connect


def settle(url: str, position: int) -> datetime | None:
    with connect(url, DatabaseRole.READER) as reader:
        row = reader.execute("SELECT knelpunt.settle(%s)", (position,)).fetchone()
    assert row is not None
    return row[0]


def test_nothing_is_recorded_in_a_past_that_is_closed(registry_url, appender) -> None:
    """What is appended afterwards is recorded later, singly and in bulk, also if the clock is set back."""
    (first,) = append(appender, [event(uuid4(), 1)])
    settled = settle(registry_url, 0)
    assert settled is not None
    assert settled > moment_of(first)
    with connect(registry_url, DatabaseRole.OWNER) as owner:
        # As if an hour ago the clock had stood an hour later.
        owner.execute("UPDATE knelpunt.log_head SET last_recorded_at = last_recorded_at + interval '1 hour'")
    assert settle(registry_url, 0) == settled + timedelta(hours=1)
    (second,) = append(appender, [event(uuid4(), 1)])
    assert second.recorded_at == settled + timedelta(hours=1, microseconds=1)


def test_the_past_stays_open_while_anything_may_enter_it(registry_url, appender) -> None:
    """Nothing is closed for who has not seen the end of the log, nor while somebody appends, and nobody waits."""
    append(appender, [event(uuid4(), 1), event(uuid4(), 1)])
    assert settle(registry_url, 0) is None
    with appender.transaction():
        hold_log(appender)
        assert settle(registry_url, 1) is None
        (third,) = append(appender, [event(uuid4(), 1)])
        assert settle(registry_url, 1) is None
    settled = settle(registry_url, 2)
    assert settled is not None
    assert settled > moment_of(third)


def test_only_readers_of_the_registry_close_the_past(registry_url) -> None:
    """Roles that have no need to may not."""
    with connect(registry_url, DatabaseRole.VAULT) as vault, pytest.raises(psycopg.errors.InsufficientPrivilege):
        vault.execute("SELECT knelpunt.settle(0)")
