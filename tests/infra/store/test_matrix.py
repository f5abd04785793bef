"""Eighteen ways past what the registry promises, tried as each of its roles: every one ends with the error it should.

Each role is tried by a login that is a member of it and of nothing else, in a transaction that is rolled back. The
owner, whom no program of the service becomes, is tried too, and a superuser, whom nothing is refused.
"""

from collections.abc import Iterator
from types import MappingProxyType
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from infra.store.given import append, event
from knelpunt.infra.postgres.embedded import EmbeddedServer
from knelpunt.infra.store.connection import DatabaseRole, address, connect

OWNER = DatabaseRole.OWNER
SERVICE = tuple(role for role in DatabaseRole if role is not OWNER)

NO_RIGHT = "42501"  # insufficient_privilege
NOT_SUPPORTED = "0A000"  # feature_not_supported: no COPY into what row security holds for
DONE = "done"
NOTHING = "no rows"

STATEMENTS = MappingProxyType(
    {
        "UPDATE": "UPDATE knelpunt.event SET topic = 'case-closed'",
        "DELETE": "DELETE FROM knelpunt.event",
        "MERGE": "MERGE INTO knelpunt.event e USING (SELECT 0::bigint AS at) s ON e.position = s.at "
        "WHEN MATCHED THEN UPDATE SET topic = 'case-closed'",
        "ON CONFLICT UPDATE": "INSERT INTO knelpunt.event SELECT * FROM knelpunt.event "
        "ON CONFLICT (position, case_id) DO UPDATE SET topic = 'case-closed'",
        "TRUNCATE": "TRUNCATE knelpunt.event",
        "ALTER USING": "ALTER TABLE knelpunt.event ALTER COLUMN topic_version TYPE integer USING 2",
        "CREATE RULE": "CREATE RULE quiet AS ON INSERT TO knelpunt.event DO INSTEAD NOTHING",
        "DISABLE TRIGGER": "ALTER TABLE knelpunt.event DISABLE TRIGGER USER",
        "DROP TRIGGER": "DROP TRIGGER destroyed ON vault.key",
        "DROP TABLE": "DROP TABLE knelpunt.event CASCADE",
        "LOCK EXCLUSIVE": "LOCK TABLE knelpunt.event IN EXCLUSIVE MODE",
        "INSERT": "INSERT INTO knelpunt.event SELECT (jsonb_populate_record(e, jsonb_build_object("
        "'position', 7, 'event_id', gen_random_uuid(), 'version', 2))).* FROM knelpunt.event e",
        "back-dated position": "INSERT INTO knelpunt.event SELECT (jsonb_populate_record(e, jsonb_build_object("
        "'position', -1, 'event_id', gen_random_uuid(), 'version', 2, 'recorded_at', '2001-01-01T00:00:00Z'))).* "
        "FROM knelpunt.event e",
        "session_replication_role": "SET LOCAL session_replication_role = replica",
        "COPY": "COPY knelpunt.event FROM STDIN",
        "SELECT of another agency": "SELECT FROM knelpunt.event",
        "SELECT of the vault": "SELECT FROM vault.key",
        "EXECUTE of a foreign function": "SELECT vault.destroy_keys(ARRAY[]::uuid[])",
        "SET ROLE": "SET LOCAL ROLE knelpunt_owner",
    }
)
"""The eighteen; dropping and switching off a trigger are two, so that each is tried."""

FOREIGN_TO_THE_ERASER = "SELECT vault.keys_for('casework', ARRAY[]::uuid[], ARRAY[]::uuid[], ARRAY[]::bytea[])"

EXPECTED = MappingProxyType(
    {
        # Without saying for whom it reads, nobody sees a row of what they may read.
        ("SELECT of another agency", DatabaseRole.APPENDER): NOTHING,
        ("SELECT of another agency", DatabaseRole.PROJECTOR): NOTHING,
        ("SELECT of another agency", DatabaseRole.READER): NOTHING,
        ("SELECT of another agency", DatabaseRole.AUDITOR): NOTHING,
        ("SELECT of the vault", DatabaseRole.VAULT): NOTHING,
        # The owner gave up what the append functions do not need, and is no superuser.
        **{(name, OWNER): NO_RIGHT for name in ("UPDATE", "DELETE", "MERGE", "ON CONFLICT UPDATE", "TRUNCATE")},
        ("session_replication_role", OWNER): NO_RIGHT,
        ("COPY", OWNER): NOT_SUPPORTED,
    }
)
"""What is not refused for want of a right; the owner may do whatever is not named here."""

LOGS = MappingProxyType(
    {
        f"{name} {table}": statement.format(f"logbook.{table}")
        for table in ("processing", "security")
        for name, statement in {
            "SELECT": "SELECT FROM {}",
            "UPDATE": "UPDATE {} SET actor = 'nobody'",
            "DELETE": "DELETE FROM {}",
            "TRUNCATE": "TRUNCATE {}",
        }.items()
    }
    | {
        "INSERT security": "INSERT INTO logbook.security (action, object, result, origin) VALUES ('A', 'o', 'r', 'x')",
        "INSERT processing": "INSERT INTO logbook.processing VALUES (decode(repeat('00', 16), 'hex'), "
        "decode(repeat('00', 8), 'hex'), 'OK', 'n', now(), now(), 'a', gen_random_uuid(), '', 't', NULL, 'ROLE', 'x')",
    }
)
MAY_WITH_LOGS = MappingProxyType(
    {
        ("INSERT processing", DatabaseRole.LOGGER): DONE,
        ("INSERT security", DatabaseRole.LOGGER): DONE,
        ("SELECT processing", DatabaseRole.OVERSEER): NOTHING,
        ("SELECT security", DatabaseRole.OVERSEER): NOTHING,
        # There is none yet, and to the owner that is no secret.
        ("SELECT processing", OWNER): NOTHING,
    }
)


@pytest.fixture(scope="module")
def logins(postgres_server: EmbeddedServer, shared_registry_url: str) -> Iterator[dict[DatabaseRole, str]]:
    """For each role the URL of a login that is a member of it alone, to a registry that holds an event and a key."""
    database = str(conninfo_to_dict(shared_registry_url)["dbname"])
    with connect(shared_registry_url, DatabaseRole.APPENDER) as appender:
        append(appender, [event(uuid4(), 1)])
    with connect(shared_registry_url, OWNER) as owner:
        owner.execute("INSERT INTO vault.key VALUES (%s, 'casework', %s, '')", (uuid4(), uuid4()))
    names = {role: f"matrix_{role.value}_{uuid4().hex[:8]}" for role in DatabaseRole}
    with psycopg.connect(shared_registry_url, autocommit=True) as admin:
        for role, name in names.items():
            admin.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}").format(
                    sql.Identifier(name), sql.Literal(postgres_server.password(name)), sql.Identifier(role)
                )
            )
    yield {role: postgres_server.url(database, name) for role, name in names.items()}
    with psycopg.connect(shared_registry_url, autocommit=True) as admin:
        for name in names.values():
            admin.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(name)))


def outcome(url: str, role: DatabaseRole, statement: str) -> str:
    """What a statement comes to, as a role: done, no rows, or an error's SQLSTATE. Nothing of it stays."""
    with psycopg.connect(address(url, role)) as connection:
        try:
            if statement.startswith("COPY"):
                with connection.cursor().copy(statement.encode()) as copy:
                    copy.write(b"")
                return DONE
            found = connection.execute(statement.encode())
        except psycopg.Error as error:
            return error.sqlstate or str(error)
        finally:
            connection.rollback()
        return NOTHING if found.description is not None and found.rowcount == 0 else DONE


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_matrix(logins: dict[DatabaseRole, str], name: str) -> None:
    """Each role of the service is refused with exactly this SQLSTATE, or sees nothing; the owner is not."""
    for role in DatabaseRole:
        statement = STATEMENTS[name]
        if name.startswith("EXECUTE") and role is DatabaseRole.ERASER:
            statement = FOREIGN_TO_THE_ERASER
        expected = EXPECTED.get((name, role), DONE if role is OWNER else NO_RIGHT)
        assert outcome(logins[role], role, statement) == expected, role


def test_the_statements_are_sound(logins: dict[DatabaseRole, str], shared_registry_url: str) -> None:
    """A superuser is refused nothing of it, so that the others are refused for who they are."""
    assert len(logins) == len(DatabaseRole)
    for name, statement in (STATEMENTS | LOGS).items():
        with psycopg.connect(shared_registry_url) as superuser:
            if name == "COPY":
                with superuser.cursor().copy(statement.encode()) as copy:
                    copy.write(b"")
            else:
                superuser.execute(statement.encode())
            superuser.rollback()


@pytest.mark.parametrize("name", LOGS)
def test_the_matrix_of_the_logs(logins: dict[DatabaseRole, str], name: str) -> None:
    """One role appends to the two logs and one reads them, each nothing else, and nobody else either."""
    for role in DatabaseRole:
        expected = MAY_WITH_LOGS.get((name, role), DONE if role is OWNER else NO_RIGHT)
        assert outcome(logins[role], role, LOGS[name]) == expected, role


def test_no_login_of_the_service_becomes_another(logins: dict[DatabaseRole, str]) -> None:
    """A login that is a member of one role becomes none of the others, and no superuser."""
    for role in SERVICE:
        for other in (*DatabaseRole, "knelpunt_admin"):
            if other is not role:
                assert outcome(logins[role], role, f'SET LOCAL ROLE "{other}"') == NO_RIGHT, (role, other)
