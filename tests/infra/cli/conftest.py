"""What the tests of the command line share: the real command, and a registry that holds the demo story."""

import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from knelpunt.infra.cli import main
from knelpunt.infra.postgres.embedded import EmbeddedServer

KNELPUNT = Path(sys.executable).parent / "knelpunt"

SECONDS_MAX = 60


@dataclass(frozen=True)
class CommandLine:
    """The command line with settings of its own; nothing of the tester's own settings gets in."""

    settings: dict[str, str]

    def environment(self) -> dict[str, str]:
        # Whoever runs the tests may have set how wide their own terminal is; what is tested here writes to pipes.
        ours = ("KNELPUNT_", "COLUMNS", "LINES")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return kept | self.settings

    def run(self, *arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run to the end; whatever it comes to."""
        return subprocess.run(
            [KNELPUNT, *arguments],
            env=self.environment() | settings,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS_MAX,
            stdin=subprocess.DEVNULL,
        )

    def done(self, *arguments: str | Path, **settings: str) -> str:
        """Run something that must succeed, and return what it wrote to stdout."""
        outcome = self.run(*arguments, **settings)
        assert outcome.returncode == 0, f"{arguments}\n{outcome.stdout}\n{outcome.stderr}"
        return outcome.stdout

    def fails(self, *arguments: str | Path, status: int = 1, **settings: str) -> str:
        """Run something that must fail, and return its one sentence."""
        outcome = self.run(*arguments, **settings)
        assert outcome.returncode == status, f"{arguments}\n{outcome.stdout}\n{outcome.stderr}"
        assert "Traceback" not in outcome.stderr
        lines = outcome.stderr.strip().splitlines()
        assert lines, "a failure says what to do"
        return lines[-1]

    def start(self, *arguments: str | Path, **options) -> subprocess.Popen[str]:
        """Start something that goes on."""
        return subprocess.Popen(
            [KNELPUNT, *arguments],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            **options,
        )


class InThisProcess(CommandLine):
    """The same command lines without a process for each, which takes two seconds: for many variations of one command.

    Every command is also run as a process of its own somewhere in these tests.
    """

    def run(self, *arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run to the end; whatever it comes to."""
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
        line = [str(argument) for argument in arguments]
        with (
            patch.dict(os.environ, self.environment() | settings, clear=True),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            status = main.run(line)
        return subprocess.CompletedProcess(line, status, _written(out), _written(err))


def _written(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@pytest.fixture(scope="session")
def demo_folder(demo_data: Path, copy_data: Callable[[Path, Path], None]) -> Iterator[Path]:
    """A data directory with the demo story, whose server runs for as long as the tests do."""
    folder = Path(tempfile.mkdtemp(prefix="knelpunt-cli-"))
    folder.chmod(0o711)
    copy_data(demo_data, folder / "data")
    with EmbeddedServer.start(folder / "data"):
        yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def demo(demo_folder: Path) -> CommandLine:
    """The command line on a registry with the demo story, which tests leave as it is."""
    return CommandLine({"KNELPUNT_DATA_DIR": str(demo_folder)})


@pytest.fixture
def demo_here(demo_folder: Path) -> InThisProcess:
    """As ``demo``, in this process."""
    return InThisProcess({"KNELPUNT_DATA_DIR": str(demo_folder)})


@pytest.fixture
def fresh(registry_url: str, tmp_path: Path) -> CommandLine:
    """The command line on an empty registry of this test alone, on a server that others run."""
    return CommandLine({"KNELPUNT_DATABASE_URL": registry_url, "KNELPUNT_DATA_DIR": str(tmp_path)})


@pytest.fixture
def fresh_here(fresh: CommandLine) -> InThisProcess:
    """As ``fresh``, in this process."""
    return InThisProcess(fresh.settings)
