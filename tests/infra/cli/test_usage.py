"""How the command line behaves whatever it is asked: exit status, one sentence, plain text in a pipe."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.cli.conftest import KNELPUNT, CommandLine, InThisProcess
from infra.cli.pseudo_terminal import Terminal

HELPDESK = Path(__file__).parents[3] / "docs" / "examples"

NOWHERE = {"KNELPUNT_DATABASE_URL": "postgresql://knelpunt@127.0.0.1:1/knelpunt"}


@pytest.fixture
def nowhere_here(tmp_path: Path) -> InThisProcess:
    """The same, in this process."""
    return InThisProcess({**NOWHERE, "KNELPUNT_DATA_DIR": str(tmp_path)})


@pytest.fixture
def nowhere(tmp_path: Path) -> CommandLine:
    """The command line with a database that does not answer."""
    return CommandLine({**NOWHERE, "KNELPUNT_DATA_DIR": str(tmp_path)})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["bogus"], "No such command 'bogus'"),
        (["migrat"], "Did you mean 'migrate'?"),
        (["migrate", "--bogus"], "No such option: --bogus"),
        (["import"], "Missing"),
        (["project", "--workers", "0", "--rebuild"], "'--workers': Input should be greater than or equal to 1"),
        (["project", "--workers", "2"], "--workers speeds up --rebuild"),
        (["replay"], "Missing argument"),
        (["gaps", "--as-of", "yesterday"], "'yesterday' is no moment: write 2024-03-04T09:00:00+01:00"),
        (["gaps", "--known-at", "2024-03-04T09:00"], "needs its offset from UTC"),
        (["gaps", "--kind", "BORED"], "'BORED' is not one of"),
        (["gaps", "--format", "xml"], "'xml' is not one of"),
        (["serve", "--port", "65536"], "'--port': Input should be less than or equal to 65535"),
        (["token"], "Missing option '--role'"),
    ],
)
def test_wrong_usage_is_said_in_a_sentence(nowhere_here: InThisProcess, arguments: list[str], says: str) -> None:
    """Status 2, before anything is touched: here not even a database answers."""
    outcome = nowhere_here.run(*arguments)
    assert (outcome.returncode, outcome.stdout, outcome.stderr.count("\n")) == (2, "", 1)
    assert says in outcome.stderr


def test_without_arguments_it_says_what_it_can_do(nowhere: CommandLine) -> None:
    """The help, and status 2: nothing was asked for."""
    outcome = nowhere.run()
    assert outcome.returncode == 2
    for command in ("demo", "serve", "migrate", "doctor", "import", "project", "gaps", "replay", "token", "schema"):
        assert f"  {command} " in outcome.stdout


def test_help_and_version_need_no_database(nowhere: CommandLine) -> None:
    """Whoever cannot connect can still read what there is."""
    assert nowhere.done("--version").startswith("knelpunt ")
    assert "--mapping" in nowhere.done("import", "--help")


@pytest.mark.parametrize(
    "arguments",
    [
        ["migrate"],
        ["project", "--once"],
        ["gaps"],
        ["replay", "DEMO-9TXC"],
        ["serve", "--port", "0"],
        ["import", str(HELPDESK / "helpdesk.csv"), "--mapping", str(HELPDESK / "helpdesk.toml")],
    ],
)
def test_a_stopped_database_is_said_in_a_sentence(nowhere_here: InThisProcess, arguments: list[str]) -> None:
    """What is the matter and what to do, in one line."""
    outcome = nowhere_here.run(*arguments)
    assert (outcome.returncode, outcome.stdout, outcome.stderr.count("\n")) == (1, "", 1)
    assert "The database cannot be reached" in outcome.stderr
    assert "KNELPUNT_DATABASE_URL" in outcome.stderr


def test_an_address_that_is_none(tmp_path: Path) -> None:
    """A typing error in the variable is told from a server that is down."""
    typo = CommandLine({"KNELPUNT_DATABASE_URL": "localhost", "KNELPUNT_DATA_DIR": str(tmp_path)})
    assert "not the address of a PostgreSQL server" in typo.fails("project", "--once")


def test_a_database_that_was_never_migrated(empty_database_url: str, tmp_path: Path) -> None:
    """Somebody else's server is not set up unasked."""
    bare = InThisProcess({"KNELPUNT_DATABASE_URL": empty_database_url, "KNELPUNT_DATA_DIR": str(tmp_path)})
    assert "run knelpunt migrate" in bare.fails("gaps")
    assert "The schema is up to date." in bare.done("migrate")
    assert bare.done("migrate") == "The schema is up to date.\n"


def test_a_data_folder_that_cannot_be(tmp_path: Path) -> None:
    """A file in the way of the data directory."""
    (tmp_path / "file").touch()
    assert "is in the way" in InThisProcess({"KNELPUNT_DATA_DIR": str(tmp_path / "file")}).fails("migrate")


def test_debug_shows_where_a_failure_came_from(nowhere: CommandLine) -> None:
    """Anywhere on the line, since people add it to the one that failed."""
    outcome = nowhere.run("migrate", "--debug")
    assert outcome.returncode == 1
    assert "Traceback" in outcome.stderr


def test_a_full_disk_on_the_way_out(nowhere: CommandLine) -> None:
    """What cannot be written is not passed over."""
    with Path("/dev/full").open("w") as full:
        outcome = subprocess.run(
            [KNELPUNT, "schema"], env=nowhere.environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert outcome.returncode == 1
    assert "The disk is full" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_reader_that_has_had_enough(nowhere: CommandLine) -> None:
    """knelpunt schema | head: no complaint about the broken pipe."""
    running = nowhere.start("schema")
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    assert running.wait(30) == 0
    assert running.stderr.read() == ""


def test_colours_on_a_terminal_and_none_in_a_pipe(nowhere: CommandLine) -> None:
    """Escape codes are for eyes."""
    assert "\x1b" not in nowhere.run("migrate").stderr
    with Terminal([KNELPUNT, "migrate"], nowhere.environment()) as terminal:
        assert terminal.ended() == 1
        assert b"\x1b[31m" in terminal.written


def test_no_command_waits_for_what_only_questions_take() -> None:
    """The schema takes a second to load, what serves and checks tokens a fifth: whoever imports does not pay that."""
    asks = "import sys, knelpunt.infra.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True).stdout.split()
    assert {"graphql", "jwt", "starlette", "uvicorn", "prometheus_client", "pyarrow", "opentelemetry"} & {
        *loaded
    } == set()
