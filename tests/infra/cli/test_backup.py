"""knelpunt backup and restore, as people use them: a registry destroyed, restored elsewhere, moved to a server."""

import json
import secrets
import shutil
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from infra.backup.given import send, some_commands, stored, texts
from infra.cli.conftest import CommandLine, InThisProcess
from infra.projecting.registries import everything
from knelpunt.infra.backup.folder import SUMS
from knelpunt.infra.postgres.embedded import VAULT_DATABASE, EmbeddedServer
from knelpunt.infra.vault.master import FILE_NAME, master_key

Copy = Callable[[Path, Path], None]


@pytest.fixture
def server(stopped_data: Path, copy_data: Copy, open_folder: Path) -> Iterator[EmbeddedServer]:
    """A PostgreSQL of somebody else's, which knows nothing of registries."""
    copy_data(stopped_data, open_folder / "server")
    with EmbeddedServer.start(open_folder / "server") as started:
        yield started


def login(server: EmbeddedServer, statement: str, name: str) -> None:
    """Make a login of a server, with the password under which its URL finds it."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        password = sql.Literal(server.password(name))
        admin.execute(sql.SQL(statement).format(sql.Identifier(name), password))  # pyright: ignore[reportArgumentType]


def answers(command: CommandLine, moment: str, **settings: str) -> object:
    """All that the command line answers of gaps and of the longest case, for one moment."""
    asked = ("--as-of", moment, "--known-at", moment, "--format", "json")
    gaps = json.loads(command.done("gaps", "--all", *asked, **settings))
    assert len(gaps) > 20
    return gaps, json.loads(command.done("replay", "DEMO-7K2M", *asked, **settings))


def test_backed_up_destroyed_restored_moved(
    open_folder: Path, demo_data: Path, copy_data: Copy, server: EmbeddedServer, tmp_path: Path
) -> None:
    """A registry's whole life: each time every row of log, vault and read model, and every answer, is what it was."""
    first, second = (InThisProcess({"KNELPUNT_DATA_DIR": str(open_folder / name)}) for name in ("first", "second"))
    copy_data(demo_data, open_folder / "first")
    master = master_key(open_folder / "first", {})
    with EmbeddedServer.start(open_folder / "first") as embedded:
        # Besides history of long ago, commands of today, with the texts that came with them.
        vault = embedded.url(VAULT_DATABASE)
        first_answers = send(embedded.url(), some_commands(), master, vault)
        first.done("project", "--rebuild")
        told = texts(embedded.url(), master, vault)
        now = datetime.now(UTC).isoformat()
        asked = answers(first, now)
        # After asking: that somebody read of people is on record, under keys that may have been made for it.
        rows, read = stored(embedded.url(), vault), everything(embedded.url())
        written = first.run("backup", tmp_path / "backup")
    assert written.returncode == 0, written.stderr
    assert "518 events" in written.stdout
    assert f"The master key is not in it (it is in {open_folder / 'first' / FILE_NAME})" in written.stdout
    assert not list((tmp_path / "backup").rglob(FILE_NAME))
    assert len(told) > 50

    # Destroyed, but for the key.
    (open_folder / "second").mkdir(mode=0o711)
    shutil.move(open_folder / "first" / FILE_NAME, open_folder / "second" / FILE_NAME)
    shutil.rmtree(open_folder / "first")
    # The vault was kept elsewhere.
    shutil.move(tmp_path / "backup" / "vault", tmp_path / "vault")
    with EmbeddedServer.start(open_folder / "second") as embedded:
        second.done("restore", tmp_path / "backup", "--vault", tmp_path / "vault")
        vault = embedded.url(VAULT_DATABASE)
        assert stored(embedded.url(), vault) == rows
        assert everything(embedded.url()) == read
        assert texts(embedded.url(), master, vault) == told
        assert answers(second, now) == asked
        assert "All is well." in second.done("doctor")
        second.done("backup", tmp_path / "move")

    # Moved to a server, with the logins of docs/operating.md.
    login(server, "CREATE ROLE {} LOGIN CREATEROLE PASSWORD {}", "registry_admin")
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE registry OWNER registry_admin")
    admin_url = server.url("registry", "registry_admin")
    place = {"KNELPUNT_DATA_DIR": str(open_folder / "second")}
    mover = InThisProcess(place | {"KNELPUNT_DATABASE_URL": admin_url})
    assert "Restored 518 events" in mover.done("restore", tmp_path / "move")
    login(server, "CREATE ROLE {} LOGIN PASSWORD {}", "registry_service")
    with psycopg.connect(admin_url, autocommit=True) as owner:
        owner.execute(
            "GRANT knelpunt_appender, knelpunt_projector, knelpunt_reader, knelpunt_auditor, knelpunt_vault, "
            "knelpunt_logger TO registry_service"
        )
    service_url = server.url("registry", "registry_service")
    service = InThisProcess(place | {"KNELPUNT_DATABASE_URL": service_url})
    assert "All is well." in service.done("doctor")
    token = service.done("token", "--role", "INVESTIGATOR", "--organisation", "urn:knelpunt:demo:wal").strip()
    assert answers(service, now, KNELPUNT_TOKEN=token) == asked
    assert stored(server.url("registry")) == rows
    assert everything(server.url("registry")) == read
    # What was sent before the first of all this gets the answer it got then, from the service's own login.
    assert send(service_url, some_commands(), master) == first_answers
    assert stored(server.url("registry")) == rows
    assert "may not read the log and the vault whole" in service.fails("backup", tmp_path / "no")


@pytest.fixture
def backup(demo_here: InThisProcess, demo_folder: Path, tmp_path: Path) -> Path:
    """A backup of the demo story."""
    demo_here.done("backup", tmp_path / "backup")
    return tmp_path / "backup"


@pytest.fixture
def elsewhere(empty_database_url: str, demo_folder: Path, tmp_path: Path) -> InThisProcess:
    """The command line on an empty database, with the demo's master key."""
    return InThisProcess(
        {
            "KNELPUNT_DATABASE_URL": empty_database_url,
            "KNELPUNT_DATA_DIR": str(tmp_path / "data"),
            "KNELPUNT_MASTER_KEY_FILE": str(demo_folder / FILE_NAME),
        }
    )


def test_what_is_refused_is_refused_in_one_sentence(
    backup: Path, demo_here: InThisProcess, elsewhere: InThisProcess, tmp_path: Path, empty_database_url: str
) -> None:
    """Status 1, and nothing of a database or a folder is changed."""
    assert "is there already" in demo_here.fails("backup", backup)
    assert "is no folder: make it" in demo_here.fails("backup", tmp_path / "no" / "such" / "place")
    assert "is no folder: name the one" in elsewhere.fails("restore", tmp_path / "nothing")
    assert "holds no registry to back up" in elsewhere.fails("backup", tmp_path / "of nothing")
    assert not (tmp_path / "of nothing").exists()
    other = tmp_path / "other.key"
    other.write_bytes(b64encode(secrets.token_bytes(32)))
    other.chmod(0o600)
    assert "is not the one that this backup's vault" in elsewhere.fails(
        "restore", backup, KNELPUNT_MASTER_KEY_FILE=str(other)
    )
    place = tmp_path / "data" / FILE_NAME
    assert f"is not in {place}: copy it there" in elsewhere.fails("restore", backup, KNELPUNT_MASTER_KEY_FILE="")
    assert not place.exists(), "a new key would open nothing"
    shutil.move(backup / "vault", tmp_path / "kept")
    assert "say where it is with --vault" in elsewhere.fails("restore", backup)
    (backup / SUMS).unlink()
    assert "is no whole backup" in elsewhere.fails("restore", backup, "--vault", tmp_path / "kept")
    elsewhere.fails("restore", status=2)
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT to_regnamespace('knelpunt')").fetchone() == (None,)


def test_as_programs_of_their_own(demo: CommandLine, elsewhere: InThisProcess, tmp_path: Path) -> None:
    """Nothing but sentences, without a bar in a pipe; several processes may derive."""
    written = demo.run("backup", tmp_path / "backup")
    assert (written.returncode, written.stderr) == (0, "")
    restored = CommandLine(elsewhere.settings).run("restore", tmp_path / "backup", "--workers", "2")
    assert (restored.returncode, restored.stderr) == (0, "")
    assert restored.stdout == "Restored 511 events, and the vault; the schema and the read model are up to date.\n"
