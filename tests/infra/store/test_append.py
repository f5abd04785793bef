"""The append function: what it promises, asked of the database itself."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from infra.store.given import append, event, moment_of, outcomes
from knelpunt.infra.store import appending
from knelpunt.infra.store.appending import Outcome
from knelpunt.infra.store.connection import DatabaseRole, connect


def test_positions_are_dense_and_moments_increase(appender) -> None:
    """Positions count from 0 without holes, also after a refusal and a rollback; recorded_at strictly increases."""
    stream = uuid4()
    answers = append(appender, [event(stream, version) for version in (1, 2, 3)])
    assert outcomes(append(appender, [event(stream, 3)])) == ["conflict"]
    with appender.transaction(force_rollback=True):
        append(appender, [event(stream, 4)])
    answers += append(appender, [event(stream, 4), event(uuid4(), 1)])
    assert [answer.position for answer in answers] == [0, 1, 2, 3, 4]
    moments = [moment_of(answer) for answer in answers]
    assert moments == sorted(set(moments))


def test_a_clock_set_back_does_not_take_recorded_at_back(registry_url, appender) -> None:
    """recorded_at goes on from the last one even if the clock stands before it."""
    (first,) = append(appender, [event(uuid4(), 1)])
    with connect(registry_url, DatabaseRole.OWNER) as owner:
        owner.execute("UPDATE knelpunt.log_head SET last_recorded_at = last_recorded_at + interval '1 hour'")
    (second,) = append(appender, [event(uuid4(), 1)])
    assert second.recorded_at == moment_of(first) + timedelta(hours=1, microseconds=1)


def test_the_same_command_again_gets_the_first_answer(appender) -> None:
    """Same id and same request: the first answer; same id and another request: reused; neither records anything."""
    once = event(uuid4(), 1)
    first = append(appender, [once])
    assert [a.recorded_at for a in append(appender, [once])] == [first[0].recorded_at]
    (again,) = append(appender, [once])
    assert (again.outcome, again.position, again.version) == (Outcome.REPEATED, 0, 1)
    (other,) = append(appender, [once], [b"o" * 32])
    assert (other.outcome, other.position) == (Outcome.REUSED, None)
    assert append(appender, [event(uuid4(), 1)])[0].position == 1


def test_the_same_command_twice_in_one_call(appender) -> None:
    """Of two in one call the second is answered as if it had come later."""
    once, elsewhere = event(uuid4(), 1), uuid4()
    answers = append(appender, [once, once, once, event(elsewhere, 1)], [b"h" * 32, b"h" * 32, b"o" * 32, b"h" * 32])
    assert outcomes(answers) == ["recorded", "repeated", "reused", "recorded"]
    assert [answer.position for answer in answers] == [0, 0, None, 1]
    assert answers[0].recorded_at == answers[1].recorded_at


def test_one_refusal_leaves_its_neighbours_alone(appender) -> None:
    """A stale event, a reused command and an event of a stream of another kind fail nobody but themselves."""
    stream, known = uuid4(), event(uuid4(), 1)
    append(appender, [event(stream, 1), known])
    events = [
        event(uuid4(), 1),
        event(stream, 1),  # stale
        event(stream, 2),
        known,  # with another request
        event(stream, 2),  # the second that wants to be version 2
        event(uuid4(), 2),  # a version too far
        event(stream, 3),
        event(uuid4(), 1),
    ]
    answers = append(appender, events, [b"h" * 32] * 3 + [b"o" * 32] + [b"h" * 32] * 4)
    assert outcomes(answers) == [
        *("recorded", "conflict", "recorded", "reused", "conflict", "conflict", "recorded", "recorded")
    ]
    assert [answer.position for answer in answers if answer.position is not None] == [2, 3, 4, 5]


def test_what_builds_on_a_conflict_conflicts(appender) -> None:
    """A stream is continued without a hole: what follows on an event that is not recorded is not recorded either."""
    stream = uuid4()
    append(appender, [event(stream, 1)])
    assert outcomes(append(appender, [event(stream, 3), event(stream, 4)])) == ["conflict", "conflict"]


def test_nothing_to_append(appender) -> None:
    """No events, no answers."""
    assert append(appender, []) == []


def test_recorded_commands(appender) -> None:
    """Commands that had their effect are answered as append answers them; others are left out."""
    once = event(uuid4(), 1)
    append(appender, [once])
    asked = [once.command_id, uuid4()]
    found = appending.recorded_commands(appender, asked, [b"h" * 32] * 2)
    assert list(found) == [once.command_id]
    assert (found[once.command_id].outcome, found[once.command_id].position) == (Outcome.REPEATED, 0)
    misused = appending.recorded_commands(appender, asked, [b"o" * 32] * 2)
    assert misused[once.command_id].outcome is Outcome.REUSED


def test_listeners_are_told(registry_url, appender) -> None:
    """With the commit, listeners hear the last position; of a refusal they hear nothing."""
    with connect(registry_url, DatabaseRole.READER) as listener:
        listener.execute("LISTEN knelpunt_event")
        stream = uuid4()
        append(appender, [event(stream, 1), event(stream, 2)])
        append(appender, [event(stream, 2)])
        heard = [notification.payload for notification in listener.notifies(timeout=1)]
    assert heard == ["1"]


def test_plans_never_scan_a_table(registry_url, appender) -> None:
    """Appending to a registry grown large reads no table whole, also with a plan made while it was empty."""
    for _ in range(10):
        append(appender, [event(uuid4(), 1)])
    with connect(registry_url, DatabaseRole.OWNER) as owner:
        before = _scans(owner)
        append(appender, [event(uuid4(), version) for version in (1, 2)])
        appender.execute("SELECT pg_stat_force_next_flush()")
        time.sleep(0.1)
        assert _scans(owner) == before


def _scans(owner: psycopg.Connection) -> Sequence[tuple]:
    return owner.execute(
        "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE schemaname = 'knelpunt' AND relname <> 'log_head' "
        "ORDER BY relname"
    ).fetchall()


def test_many_at_once_are_answered_once(registry_url) -> None:
    """The same command sent by five connections at once is recorded once, and all get its position."""
    once = event(uuid4(), 1)

    def send(_: int) -> tuple:
        with connect(registry_url, DatabaseRole.APPENDER) as connection:
            (answer,) = append(connection, [once])
            return answer.position, answer.version, answer.recorded_at

    with ThreadPoolExecutor(5) as threads:
        answers = set(threads.map(send, range(5)))
    assert len(answers) == 1


WRITING = ["INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]


@pytest.mark.parametrize("role", [role for role in DatabaseRole if role is not DatabaseRole.OWNER])
def test_no_role_writes_what_append_keeps(registry_url, role) -> None:
    """No role but the owner may write events, heads, commands or directories, and none owns or locks them."""
    with psycopg.connect(registry_url) as connection:
        for table in ("event", "stream_head", "command", "known_obstacle", "log_head", "registry", "migration"):
            held = [
                right
                for right in WRITING
                if connection.execute(
                    "SELECT has_table_privilege(%s, %s, %s)", (role, f"knelpunt.{table}", right)
                ).fetchone()
                == (True,)
            ]
            assert held == [], table
    with connect(registry_url, role) as connection:
        for statement in (
            "UPDATE knelpunt.event SET topic = ''",
            "DELETE FROM knelpunt.event",
            "TRUNCATE knelpunt.event",
            "BEGIN; LOCK TABLE knelpunt.event IN ROW EXCLUSIVE MODE",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
            connection.rollback()


def test_the_owner_cannot_change_events_by_mistake(registry_url) -> None:
    """The role that the append functions run as has given up changing and deleting events."""
    with connect(registry_url, DatabaseRole.OWNER) as owner:
        for statement in ("UPDATE knelpunt.event SET topic = ''", "DELETE FROM knelpunt.event"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute(statement)


@pytest.mark.parametrize(
    "role", [DatabaseRole.READER, DatabaseRole.PROJECTOR, DatabaseRole.AUDITOR, DatabaseRole.VAULT]
)
def test_only_the_appender_appends(registry_url, role) -> None:
    """The functions that write events are the appender's alone."""
    with connect(registry_url, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        append(connection, [event(uuid4(), 1)])


def test_row_security_is_enabled_and_forced(registry_url) -> None:
    """Every table of both schemas has row security, for its owner too."""
    with psycopg.connect(registry_url) as connection:
        rows = connection.execute(
            "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class "
            "WHERE relkind IN ('r', 'p') AND relnamespace IN ('knelpunt'::regnamespace, 'vault'::regnamespace)"
        ).fetchall()
    assert len(rows) >= 10
    assert [name for name, forced in rows if not forced] == []


def test_without_a_principal_nobody_sees_anything(registry_url, appender) -> None:
    """Without a principal, or with an empty one, there are no rows; with one there are, until the transaction ends."""
    append(appender, [event(uuid4(), 1)])
    with connect(registry_url, DatabaseRole.READER) as reader:
        count = sql.SQL("SELECT count(*) FROM knelpunt.{}")
        for table in ("event", "stream_head", "log_head", "known_obstacle"):
            counting = count.format(sql.Identifier(table))
            assert reader.execute(counting).fetchone() == (0,)
            with reader.transaction():
                reader.execute("SELECT set_config('knelpunt.principal', '', true)")
                assert reader.execute(counting).fetchone() == (0,)
        with reader.transaction():
            reader.execute("""SELECT set_config('knelpunt.principal', '{"role":"AUDITOR"}', true)""")
            assert reader.execute("SELECT count(*) FROM knelpunt.event").fetchone() == (1,)
        assert reader.execute("SELECT count(*) FROM knelpunt.event").fetchone() == (0,)


def test_case_id_is_in_every_key_of_case_data(registry_url) -> None:
    """Primary and unique keys of tables of case data hold the case's id, so that they can be spread by it."""
    with psycopg.connect(registry_url) as connection:
        rows = connection.execute(
            "SELECT c.relname, i.relname, array_agg(a.attname::text) FROM pg_index x "
            "JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(x.indkey) "
            "WHERE x.indisunique AND c.relnamespace = 'knelpunt'::regnamespace "
            "AND EXISTS (SELECT FROM pg_attribute b WHERE b.attrelid = c.oid AND b.attname = 'case_id') "
            "GROUP BY 1, 2"
        ).fetchall()
    assert {table for table, _, _ in rows} >= {"event", "stream_head", "command", "known_obstacle"}
    assert [index for _, index, columns in rows if "case_id" not in columns] == []
