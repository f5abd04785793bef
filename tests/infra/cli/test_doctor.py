"""knelpunt doctor: says what is wrong with a set-up and how to mend it, one thing at a time."""

from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from infra.cli.conftest import CommandLine, InThisProcess
from knelpunt.infra.postgres.embedded import EmbeddedServer

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


@pytest.fixture
def service(fresh: CommandLine, postgres_server: EmbeddedServer) -> InThisProcess:
    """The command line with a login as docs/operating.md makes it: no more than a member of six roles."""
    url = fresh.settings["KNELPUNT_DATABASE_URL"]
    login = f"service_{uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                sql.Identifier(login), sql.Literal(postgres_server.password(login))
            )
        )
        admin.execute(
            sql.SQL(
                "GRANT knelpunt_appender, knelpunt_projector, knelpunt_reader, knelpunt_auditor, knelpunt_vault, "
                "knelpunt_logger TO {}"
            ).format(sql.Identifier(login))
        )
    InThisProcess(fresh.settings).done("migrate")
    database = conninfo_to_dict(url)["dbname"]
    return InThisProcess(fresh.settings | {"KNELPUNT_DATABASE_URL": postgres_server.url(str(database), login)})


def wrong(command: CommandLine) -> dict[str, str]:
    """What the doctor finds wrong, by what it is about."""
    outcome = command.run("doctor")
    found = [line[4:] for line in outcome.stdout.splitlines() if line.startswith("!!")]
    assert outcome.returncode == (1 if found else 0), outcome.stdout + outcome.stderr
    return {line[:16].strip(): line[16:] for line in found}


def wrong_besides(service: InThisProcess) -> dict[str, str]:
    """The same, but for what the server of the tests is for sure: one that may lose what it acknowledged."""
    found = wrong(service)
    assert "turn it on in postgresql.conf" in found.pop("durability")
    return found


def test_a_set_up_in_order(service: InThisProcess, demo: CommandLine) -> None:
    """Status 0 on our own database; on another's server, with a login as described, nothing amiss but that server."""
    assert wrong_besides(service) == {}
    told = demo.done("doctor")
    assert "All is well." in told
    assert "!!" not in told


def test_a_login_that_may_too_much(fresh_here: InThisProcess) -> None:
    """A service must not run as a superuser."""
    assert "is a superuser" in wrong(fresh_here)["login"]


def test_a_key_that_others_may_read_and_a_key_of_another_registry(service: InThisProcess) -> None:
    """The first is a chmod away; the second would open nothing."""
    assert wrong_besides(service) == {}
    key = Path(service.settings["KNELPUNT_DATA_DIR"]) / "master.key"
    key.chmod(0o644)
    found = wrong(service)
    assert f"chmod 600 {key}" in found["master key"]
    key.unlink()
    assert "restore it" in wrong(service)["vault"]


def test_a_schema_that_is_behind(empty_database_url: str, tmp_path: Path) -> None:
    """Before anything else can be looked at."""
    bare = InThisProcess({"KNELPUNT_DATABASE_URL": empty_database_url, "KNELPUNT_DATA_DIR": str(tmp_path)})
    assert "run knelpunt migrate" in wrong(bare)["migrations"]


def test_a_role_that_could_change_events(service: InThisProcess, registry_url: str) -> None:
    """A grant too many shows nowhere else until it is used."""
    with psycopg.connect(registry_url, autocommit=True) as admin:
        admin.execute("GRANT UPDATE ON knelpunt.event TO knelpunt_appender")
    assert "knelpunt_appender may UPDATE" in wrong(service)["roles"]
    assert "knelpunt_appender may UPDATE" in service.fails("serve", "--port", "0")


def test_a_right_that_a_restored_dump_lacks(service: InThisProcess, registry_url: str) -> None:
    """It hangs on the database itself; the doctor says which statement gives it back."""
    database = sql.Identifier(str(conninfo_to_dict(registry_url)["dbname"]))
    with psycopg.connect(registry_url, autocommit=True) as admin:
        admin.execute(sql.SQL("REVOKE CREATE ON DATABASE {} FROM knelpunt_projector").format(database))
        remedy = wrong(service)["roles"].partition("as the owner, ")[2]
        assert remedy.startswith("GRANT CREATE ON DATABASE ")
        admin.execute(remedy.encode())
    assert wrong_besides(service) == {}


def test_projections_that_nobody_brings_on(service: InThisProcess, registry_url: str) -> None:
    """After a minute without a projector it is worth saying."""
    service.done("import", EXAMPLES / "helpdesk.csv", "--mapping", EXAMPLES / "helpdesk.toml")
    assert wrong_besides(service) == {}
    with psycopg.connect(registry_url, autocommit=True) as admin:
        admin.execute("UPDATE knelpunt.event SET recorded_at = recorded_at - interval '1 hour'")
    assert "19 events behind" in wrong(service)["projections"]
    service.done("project", "--once")
    assert wrong_besides(service) == {}


def test_an_event_that_cannot_be_read(service: InThisProcess, registry_url: str) -> None:
    """It is set aside with its case, the others are projected, and the doctor tells."""
    service.done("import", EXAMPLES / "helpdesk.csv", "--mapping", EXAMPLES / "helpdesk.toml")
    with psycopg.connect(registry_url, autocommit=True) as admin:
        admin.execute("UPDATE knelpunt.event SET state = 'not JSON' WHERE position = 7")
    service.done("project", "--once")
    assert "the first at position 7" in wrong(service)["events"]


def test_trusted_documents(service: InThisProcess, tmp_path: Path) -> None:
    """It says how many there are, and names one that the schema does not allow."""
    (tmp_path / "who.graphql").write_text("{ viewer { role } }", "utf-8")
    here = InThisProcess({**service.settings, "KNELPUNT_DOCUMENTS": str(tmp_path)})
    assert wrong_besides(here) == {}
    (tmp_path / "old.graphql").write_text("query Old {\n  viewer { shoeSize }\n}", "utf-8")
    assert "'query Old {' is refused: Cannot query field 'shoeSize'" in wrong(here)["documents"]
