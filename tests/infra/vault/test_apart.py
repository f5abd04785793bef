"""The vault in a database of its own: moved there, tied to its registry, with a login that reaches nothing else."""

from base64 import b64encode
from contextlib import closing
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from infra.forgetting.given import ANNA, BERT, MASTER, begin, readable, record, told_of
from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.cli.acting import note_operation
from knelpunt.infra.cli.checks import State, findings
from knelpunt.infra.cli.serving import expect_ready
from knelpunt.infra.cli.session import opened
from knelpunt.infra.forgetting.erasing import Eraser
from knelpunt.infra.settings import Settings
from knelpunt.infra.store.connection import DatabaseRole, connect
from knelpunt.infra.store.migrate import MigrationError, pending
from knelpunt.infra.vault.apart import VAULT_LOGIN, left_behind, pending_apart, set_apart
from knelpunt.infra.vault.vault import VaultError


def counted(url: str, table: str) -> int:
    """How many rows a table of the vault has in a database."""
    with connect(url, DatabaseRole.OWNER) as owner:
        row = owner.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("vault", table))).fetchone()
        assert row is not None
        return row[0]


def test_moved_and_used(registry_url, empty_database_url, postgres_server) -> None:
    """What a shared database held moves, all of it and once; then texts open, are sealed and are erased from there."""
    first, second = uuid4(), uuid4()
    with bootstrap(registry_url, MASTER) as parts:
        begin(parts)
        record(parts, told_of(first, second, uuid4(), "x"))
    assert set_apart(registry_url, empty_database_url, postgres_server.password(VAULT_LOGIN))
    assert not left_behind(registry_url)
    assert pending_apart(empty_database_url) == pending(registry_url) == []
    assert (counted(registry_url, "key"), counted(empty_database_url, "key")) == (0, 2)
    assert set_apart(registry_url, empty_database_url, postgres_server.password(VAULT_LOGIN)) == []
    database = conninfo_to_dict(empty_database_url)["dbname"]
    keeper = postgres_server.url(str(database), VAULT_LOGIN)
    with (
        bootstrap(registry_url, MASTER, keeper) as parts,
        closing(Eraser(registry_url, parts.vault, parts.writer.submit, keeper, settling_seconds=0)) as eraser,
    ):
        record(parts, told_of(second, first, uuid4(), "y"))
        assert len(readable(parts)) == 6
        eraser.approve([eraser.request(first, "verzoek", ANNA)], BERT)
        assert readable(parts) == ["x tweede", "y eerste", "y titel"]
    assert (counted(registry_url, "key"), counted(registry_url, "fence")) == (0, 0)
    with psycopg.connect(keeper, autocommit=True) as login:
        assert login.execute("SELECT * FROM vault.key").fetchall() == []  # it does not say for whom
        assert login.execute("SELECT to_regclass('knelpunt.event')").fetchone() == (None,)
        for statement in ("DELETE FROM vault.key", "DELETE FROM vault.fence", "SET ROLE knelpunt_owner"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                login.execute(sql.SQL(statement))
    registry = conninfo_to_dict(registry_url)["dbname"]
    with (
        psycopg.connect(postgres_server.url(str(registry), VAULT_LOGIN), autocommit=True) as login,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        login.execute("SELECT * FROM knelpunt.event")


@pytest.fixture
def login(postgres_server):
    """Makes logins of this test alone that are members of some roles and nothing else; returns where each connects."""
    made = []
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:

        def make(url: str, *roles: str) -> str:
            name = f"login_{uuid4().hex[:12]}"
            made.append(sql.Identifier(name))
            password = sql.Literal(postgres_server.password(name))
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(made[-1], password))
            granted = sql.SQL(", ").join(map(sql.Identifier, roles))
            admin.execute(sql.SQL("GRANT {} TO {}").format(granted, made[-1]))
            return postgres_server.url(str(conninfo_to_dict(url)["dbname"]), name)

        yield make
        for name in made:
            admin.execute(sql.SQL("DROP ROLE {}").format(name))


def test_with_the_logins_of_the_manual(registry_url, empty_database_url, login, tmp_path) -> None:
    """A service, and a doctor, need no more roles in either database than docs/operating.md grants their logins."""
    set_apart(registry_url, empty_database_url, None)
    given = Settings(
        data_dir=tmp_path,
        database_url=login(
            registry_url, "knelpunt_appender", "knelpunt_projector", "knelpunt_reader", "knelpunt_auditor"
        ),
        vault_url=login(empty_database_url, "knelpunt_vault", "knelpunt_logger"),
        master_key_text=b64encode(MASTER).decode(),
    )
    with opened(given) as (found, parts):
        expect_ready(found)
        note_operation(found, "serve")
        begin(parts)
        record(parts, told_of(uuid4(), uuid4(), uuid4(), "x"))
        assert len(readable(parts)) == 3
    wrong = [finding for finding in findings(given) if finding.state is State.WRONG]
    # What the server of the tests is for sure: one that may lose what it acknowledged.
    assert {finding.about for finding in wrong} == {"durability"}, wrong


def test_of_another_registry(registry_url, empty_database_url) -> None:
    """A vault serves one registry: another is not let in, neither when it migrates nor when it starts."""
    with bootstrap(registry_url, MASTER):
        pass  # its first use makes the vault's secrets
    set_apart(registry_url, empty_database_url, None)
    with connect(registry_url, DatabaseRole.OWNER) as owner:
        owner.execute("UPDATE knelpunt.registry SET origin = 'knelpunt/another'")
    with pytest.raises(MigrationError, match="vault of another registry"):
        set_apart(registry_url, empty_database_url, None)
    with pytest.raises(VaultError, match="vault of another"), bootstrap(registry_url, MASTER, empty_database_url):
        pass


def test_not_the_registrys_own(registry_url) -> None:
    """A database that holds a registry is no database of the vault's own."""
    with pytest.raises(MigrationError):
        set_apart(registry_url, registry_url, None)
