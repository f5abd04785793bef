"""knelpunt demo: from an empty machine to the story, once; and beside a registry that is somebody's own."""

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from infra.cli.conftest import CommandLine, InThisProcess
from knelpunt.infra.postgres.embedded import EmbeddedServer

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


@pytest.fixture
def empty(open_folder: Path) -> Iterator[CommandLine]:
    """The command line on a machine that has no registry yet."""
    yield CommandLine({"KNELPUNT_DATA_DIR": str(open_folder / "data")})
    # One that a killed program left is taken over, and stopped.
    if (open_folder / "data" / "postgres" / "cluster" / "postmaster.pid").exists():
        EmbeddedServer.start(open_folder / "data").stop()


def _seconds_worked() -> float:
    """Return what programs that this one ran, and that have ended, have used of a processor."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_it_shows_the_gaps_and_a_replay(empty: CommandLine) -> None:
    """The first time it loads the story; a second time nothing is added, and it is there in seconds."""
    first = empty.done("demo", "--no-serve")
    assert "Loaded the demo story: 13 invented cases." in first
    for kind in ("CLOSED_UNRESOLVED", "DEADLOCK", "NOBODYS_JOB", "UNANSWERED"):
        assert kind in first
    assert "gaps in 12 cases, 6 of them about causes and their like." in first
    assert "DEMO-9TXC  Te slim voor speciaal, te druk voor gewoon" in first
    for learnt in (
        "removed, asked of organisation",
        "did it stop: no",
        "did it stop: yes",
        "the first step, of Dienst Huishoudtoeslagen, due 2026-09-01: done",
        "due 2026-10-15: overdue",
        "policy dossier on jeugdhulp, of Ministerie van Bestaanszekerheid: complete",
        "signal of Samen Wijzer Waterstreek to Ministerie van Bestaanszekerheid: partly",
        "concluded, works; adopted by Uitkeringsdienst Noord en Oost",
    ):
        assert learnt in first
    assert "knelpunt replay DEMO-7K2M --step\n" in first
    assert " events, verified: whole, and as signed (knelpunt log bundle OUT" in first
    began = _seconds_worked()
    second = empty.done("demo", "--no-serve")
    # What make demo may take, in seconds of work: the machine that runs the tests is busy with others.
    assert _seconds_worked() - began < 5
    assert "The demo story is here already." in second
    assert "gaps in 12 cases, 6 of them about causes and their like." in second


def test_two_at_once_load_it_once(empty: CommandLine) -> None:
    """Both end well, and one of them finds the story there."""
    running = [empty.start("demo", "--no-serve") for _ in range(2)]
    shown = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0], shown
    assert sorted("Loaded the demo story" in out for out, _ in shown) == [False, True]


def test_a_registry_of_ones_own_is_left_alone(empty: CommandLine) -> None:
    """It says that the story was left out, and shows what there is."""
    here = InThisProcess(empty.settings)
    here.done("import", EXAMPLES / "helpdesk.csv", "--mapping", EXAMPLES / "helpdesk.toml")
    shown = here.done("demo", "--no-serve")
    assert "the demo story was left out" in shown
    assert "DEMO-" not in shown


def test_a_read_model_of_an_older_version_is_derived_anew(
    demo_data: Path, copy_data: Callable[[Path, Path], None], empty: CommandLine
) -> None:
    """After an upgrade the demo mends what it finds; other commands say what to do."""
    here = InThisProcess(empty.settings)
    folder = Path(empty.settings["KNELPUNT_DATA_DIR"])
    copy_data(demo_data, folder)
    with EmbeddedServer.start(folder) as server:
        first = here.done("demo", "--no-serve")
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("UPDATE read.derived SET definition = 'of an older version'")
        for command in (["gaps"], ["serve", "--port", "0"], ["project", "--once"]):
            assert "knelpunt project --rebuild" in here.fails(*command)
        assert "project --rebuild" in here.done("migrate")
        second = here.done("demo", "--no-serve")
    assert second.splitlines()[5:20] == first.splitlines()[5:20]
