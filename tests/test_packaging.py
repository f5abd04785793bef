"""What is installed is what is in the tree, under the names that imports use."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import graphql
import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("domain", "projections", "graphql", "infra")


@dataclass(frozen=True)
class Installed:
    """A copy of the tree, a wheel of it, and a virtual environment that has it and borrows its dependencies."""

    tree: Path
    wheel: Path
    environment: Path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    tree.mkdir()
    # Built from a copy: a build folder of earlier days in the checkout would pass on files long removed.
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, tree])
    (wheel,) = folder.glob("knelpunt-*.whl")
    environment = folder / "environment"
    run([sys.executable, "-m", "venv", "--without-pip", environment])
    python = environment / "bin" / "python"
    run([sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", wheel])
    (packages,) = environment.glob("lib/python*/site-packages")
    # Its own packages come first. The checkout's editable install hangs on a .pth file, which is not read this way.
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    yield Installed(tree, wheel, environment)
    shutil.rmtree(folder)


def run(command: list[str | Path], **environment: str) -> str:
    outcome = subprocess.run(
        command, cwd="/", env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, f"{command}\n{outcome.stdout}\n{outcome.stderr}"
    return outcome.stdout


def test_graphql_is_graphql_core() -> None:
    """Our own folder graphql/ never shadows the library that Strawberry imports under that name."""
    assert graphql.__file__ is not None
    assert graphql.__file__.endswith("site-packages/graphql/__init__.py")


def test_graphql_is_graphql_core_from_the_root() -> None:
    """Not even for a Python that starts in the checkout, with the folder graphql/ at hand."""
    code = "import graphql; print(graphql.__file__)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip().endswith("site-packages/graphql/__init__.py")


def test_no_folder_at_the_root_is_a_regular_package() -> None:
    """An __init__.py there would make graphql/ the one that imports find first."""
    assert [name for name in (*FOLDERS, "tests") if (ROOT / name / "__init__.py").exists()] == []
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_the_wheel_has_every_file(installed: Installed) -> None:
    """Code, SQL, templates, schema and type markers alike; a new kind of file must be listed in pyproject.toml."""
    in_tree = {
        f"knelpunt/{path.relative_to(installed.tree)}"
        for folder in FOLDERS
        for path in (installed.tree / folder).rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    in_wheel = {name for name in zipfile.ZipFile(installed.wheel).namelist() if name.startswith("knelpunt/")}
    assert in_tree - in_wheel == set()
    assert in_wheel - in_tree == set()
    assert {f"knelpunt/{folder}/py.typed" for folder in FOLDERS} <= in_wheel


def test_the_wheel_is_what_is_imported(installed: Installed) -> None:
    """The environment sees the wheel's files, not the checkout's."""
    code = "import knelpunt.infra.postgres.embedded as found; print(found.__file__)"
    found = run([installed.environment / "bin" / "python", "-c", code]).strip()
    assert Path(found).is_relative_to(installed.environment)


def test_the_wheel_runs_the_demo(installed: Installed, open_folder: Path) -> None:
    """Installed elsewhere, with a data directory of its own and nothing of the checkout."""
    knelpunt = installed.environment / "bin" / "knelpunt"
    shown = run([knelpunt, "demo", "--no-serve"], KNELPUNT_DATA_DIR=str(open_folder / "data"))
    assert shown.strip()


def test_requirements_are_pinned_and_name_no_index() -> None:
    """Every line is a pinned package, a hash of it, or empty: nothing says where packages come from."""
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        for line in path.read_text().splitlines():
            assert "==" in line or line.strip().startswith("--hash=sha256:"), f"{path.name}: {line}"
            assert "://" not in line, f"{path.name}: {line}"
