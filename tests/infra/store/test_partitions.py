"""Events stand in partitions by ranges of positions, made ahead by whoever appends; nobody has to do with them."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from infra.backup.given import backup_in, untold
from infra.cli.conftest import InThisProcess
from infra.store.given import append, event, log, outcomes
from infra.trail.given import KEY, Trail
from knelpunt.infra.backup.restoring import restore
from knelpunt.infra.backup.taking import take
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store.bulk import append_bulk
from knelpunt.infra.store.connection import DatabaseRole, connect
from knelpunt.infra.store.migrate import migrate, migrations
from knelpunt.infra.store.registry import Registry
from knelpunt.infra.store.rights import excess_rights
from knelpunt.infra.store.whole import LogNotWhole
from knelpunt.infra.trail.checking import check_trail

EVENTS = 256

PARTITIONS = """
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid), c.relrowsecurity AND c.relforcerowsecurity
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'knelpunt.event'::regclass
 ORDER BY c.oid
"""


def partitions(url: str) -> dict[str, str]:
    """The partitions and their bounds, in the order in which they were made; each forces row security on everybody."""
    with psycopg.connect(url) as admin:
        found = admin.execute(PARTITIONS).fetchall()
    assert all(forced for _, _, forced in found)
    return {name: bound for name, bound, _ in found}


def made_small(url: str) -> str:
    """The URL of an empty registry whose partitions take 256 events each from now on."""
    with psycopg.connect(url) as admin:
        admin.execute(
            sql.SQL(
                "CREATE OR REPLACE FUNCTION knelpunt.partition_events() RETURNS bigint LANGUAGE sql IMMUTABLE RETURN {}"
            ).format(EVENTS)
        )
        admin.execute(
            sql.SQL(
                "CREATE OR REPLACE TRIGGER partition_ahead AFTER UPDATE ON knelpunt.log_head "
                "FOR EACH ROW WHEN (NEW.next_position / {quarter} > OLD.next_position / {quarter}) "
                "EXECUTE FUNCTION knelpunt.partition_ahead()"
            ).format(quarter=EVENTS // 4)
        )
        admin.execute("ALTER TABLE knelpunt.event DETACH PARTITION knelpunt.event_0")
        admin.execute(
            sql.SQL(
                "ALTER TABLE knelpunt.event ATTACH PARTITION knelpunt.event_0 FOR VALUES FROM (MINVALUE) TO ({})"
            ).format(EVENTS)
        )
    return url


def named(count: int) -> list[str]:
    """The names of the first partitions, which are those of their first positions."""
    return [f"event_{number * EVENTS}" for number in range(count)]


@pytest.fixture
def small_url(registry_url: str) -> str:
    """The URL of an empty registry with small partitions."""
    return made_small(registry_url)


def grown(connection: psycopg.Connection, stream: UUID, first: int, count: int) -> None:
    """Append to a stream, in rounds of fifty."""
    for begin in range(first, first + count, 50):
        versions = range(begin, min(begin + 50, first + count))
        assert set(outcomes(append(connection, [event(stream, version) for version in versions]))) == {"recorded"}


def test_partitions_are_there_before_they_are_needed(small_url: str) -> None:
    """The log goes on through one after the other, and reads back whole, by position and by stream."""
    stream = uuid4()
    with connect(small_url, DatabaseRole.APPENDER) as appender:
        grown(appender, stream, 1, EVENTS // 2 - 1)
        assert list(partitions(small_url)) == named(1)
        grown(appender, stream, EVENTS // 2, 1)
        assert partitions(small_url) == {
            "event_0": f"FOR VALUES FROM (MINVALUE) TO ('{EVENTS}')",
            f"event_{EVENTS}": f"FOR VALUES FROM ('{EVENTS}') TO ('{2 * EVENTS}')",
        }
        grown(appender, stream, EVENTS // 2 + 1, 2 * EVENTS)
        assert list(partitions(small_url)) == named(4)
        # A command sent again is answered from wherever it stands.
        assert append(appender, [event(stream, 7)])[0].outcome == "conflict"
    with Registry(small_url) as registry:
        assert [e.position for e in log(registry)] == list(range(EVENTS // 2 + 2 * EVENTS))
        assert [e.version for e in registry.repository.event_store.get(stream)] == list(range(1, 5 * EVENTS // 2 + 1))  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]


def test_a_chunk_longer_than_a_partition(small_url: str) -> None:
    """An import moves as much as it likes at once."""
    events = [event(uuid4(), 1, source="log") for _ in range(3 * EVENTS + 7)]
    with connect(small_url, DatabaseRole.APPENDER) as appender:
        assert append_bulk(appender, events, [b"h" * 32] * len(events)).recorded == len(events)
        grown(appender, uuid4(), 1, EVENTS)
    assert list(partitions(small_url)) == named(5)


def test_a_locked_table_keeps_nobody_waiting(small_url: str) -> None:
    """While somebody analyses the table the next partition is not made; at three quarters it is."""
    stream = uuid4()
    with psycopg.connect(small_url) as admin, connect(small_url, DatabaseRole.APPENDER) as appender:
        admin.execute("LOCK TABLE knelpunt.event IN SHARE UPDATE EXCLUSIVE MODE")
        grown(appender, stream, 1, EVENTS // 2 + 10)
        assert list(partitions(small_url)) == named(1)
        admin.rollback()
        grown(appender, stream, EVENTS // 2 + 11, EVENTS // 4 - 20)
        assert list(partitions(small_url)) == named(1)
        grown(appender, stream, 3 * EVENTS // 4 - 9, 20)
        assert list(partitions(small_url)) == named(2)


@pytest.mark.parametrize("role", list(DatabaseRole), ids=lambda role: role.value)
def test_nobody_has_a_right_to_a_partition(small_url: str, role: DatabaseRole) -> None:
    """Not even to read: that goes by way of the table, whose row security is the same for all of them."""
    with connect(small_url, DatabaseRole.APPENDER) as appender:
        grown(appender, uuid4(), 1, EVENTS)
    with connect(small_url, role) as connection:
        if role is not DatabaseRole.OWNER:
            assert excess_rights(connection)[1] == []
        for name in partitions(small_url):
            for statement in ("SELECT FROM {}", "DELETE FROM {}", "TRUNCATE {}", "INSERT INTO {} DEFAULT VALUES"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(sql.SQL(statement).format(sql.Identifier("knelpunt", name)))  # pyright: ignore[reportArgumentType]


def test_a_quarter_of_a_partition_is_when_it_is_looked_ahead(registry_url: str) -> None:
    """The number at which the trigger looks is a quarter of what a partition takes: it stands there twice."""
    with psycopg.connect(registry_url) as admin:
        row = admin.execute(
            "SELECT pg_get_triggerdef(oid), knelpunt.partition_events() FROM pg_trigger "
            "WHERE tgname = 'partition_ahead'"
        ).fetchone()
    assert row is not None
    assert row[0].count(f"/ {row[1] // 4})") == 2
    assert row[1] % 1024 == 0


def test_what_there_was_becomes_the_first_partition(empty_database_url: str, tmp_path: Path) -> None:
    """The events of an older schema stay in the very file in which they lie, and all that read them goes on."""
    for migration in migrations():
        if migration.number < 140:
            (tmp_path / migration.name).write_text(migration.text, encoding="utf-8")
    migrate(empty_database_url, tmp_path)
    stream, filenode = uuid4(), "SELECT pg_relation_filenode({!r})"
    with connect(empty_database_url, DatabaseRole.APPENDER) as appender:
        grown(appender, stream, 1, 20)
    with closing(Projector(empty_database_url)) as projector:
        projector.catch_up()
    with psycopg.connect(empty_database_url) as admin:
        before = admin.execute(filenode.format("knelpunt.event").encode()).fetchone()
        events = admin.execute("SELECT * FROM knelpunt.event ORDER BY position").fetchall()
    assert "0140_event_partitions.sql" in migrate(empty_database_url)
    with psycopg.connect(empty_database_url) as admin:
        assert admin.execute(filenode.format("knelpunt.event_0").encode()).fetchone() == before
        assert admin.execute("SELECT * FROM knelpunt.event ORDER BY position").fetchall() == events
        bound = admin.execute(
            "SELECT count(*) FROM pg_depend "
            "WHERE classid = 'pg_proc'::regclass AND refobjid = 'knelpunt.event_0'::regclass"
        ).fetchone()
        assert bound == (0,)
        reading = admin.execute(
            "SELECT array_agg(oid::regproc::text ORDER BY oid::regproc::text) FROM pg_proc "
            "WHERE pg_get_functiondef(oid) LIKE '%%knelpunt.event e%%' AND prosqlbody IS NOT NULL AND prokind = 'f'"
        ).fetchone()
        assert reading == (["knelpunt.position_by", "read.opened_to"],)
    with connect(empty_database_url, DatabaseRole.APPENDER) as appender:
        grown(appender, stream, 21, 5)
        appender.execute("SELECT set_config('knelpunt.principal', '{\"role\": \"REGISTRY\"}', false)")
        assert appender.execute("SELECT knelpunt.position_by(now())").fetchone() == (24,)
        assert appender.execute("SELECT count(*) FROM read.opened_to(ARRAY[3, 24])").fetchone() == (2,)


def test_a_backup_comes_back_into_partitions(small_url: str, new_registry: Callable[[], str], tmp_path: Path) -> None:
    """What stood in several is restored into as many as it takes, and the log goes on."""
    stream = uuid4()
    with connect(small_url, DatabaseRole.APPENDER) as appender:
        grown(appender, stream, 1, 2 * EVENTS + EVENTS // 2 + 3)
    take(small_url, tmp_path / "backup", untold)
    url = made_small(new_registry())
    restore(url, backup_in(tmp_path / "backup"), untold)
    assert partitions(url) == partitions(small_url)
    with connect(url, DatabaseRole.APPENDER) as appender:
        grown(appender, stream, 2 * EVENTS + EVENTS // 2 + 4, EVENTS)


def test_a_partition_that_was_detached_is_missed(small_url: str, tmp_path: Path) -> None:
    """No rebuild goes without it, and the doctor names it; attached again, all is as it was."""
    command = InThisProcess({"KNELPUNT_DATABASE_URL": small_url, "KNELPUNT_DATA_DIR": str(tmp_path)})
    with connect(small_url, DatabaseRole.APPENDER) as appender:
        grown(appender, uuid4(), 1, 2 * EVENTS)
    rebuild(small_url, 1)
    with psycopg.connect(small_url, autocommit=True) as admin:
        for name, first, upto, bound in (
            ("event_0", 0, EVENTS, "MINVALUE"),
            (f"event_{EVENTS}", EVENTS, 2 * EVENTS, str(EVENTS)),
        ):
            admin.execute(f"ALTER TABLE knelpunt.event DETACH PARTITION knelpunt.{name}".encode())
            sentence = (
                f"The database does not hold the events from position {first} up to {upto}: their partition was "
                f"detached, so attach knelpunt.{name} again (docs/operating.md)."
            )
            with pytest.raises(LogNotWhole) as refused:
                rebuild(small_url, 1)
            assert str(refused.value) == command.fails("serve", "--port", "0") == sentence
            assert sentence in " ".join(command.run("doctor").stdout.split())
            attach = (
                f"ALTER TABLE knelpunt.event ATTACH PARTITION knelpunt.{name} FOR VALUES FROM ({bound}) TO ({upto})"
            )
            admin.execute(attach.encode())
        assert rebuild(small_url, 1) == 2 * EVENTS - 1


def test_the_trail_goes_on_over_partitions(small_url: str, tmp_path: Path) -> None:
    """Published and checked as from one table."""
    trail = Trail(small_url, tmp_path / "trail")
    with closing(trail):
        with connect(small_url, DatabaseRole.APPENDER) as appender:
            grown(appender, uuid4(), 1, 2 * EVENTS + 9)
        assert trail.publisher().publish().size == 2 * EVENTS + 9
        assert list(check_trail(trail.folder, KEY.public, small_url)) == []
