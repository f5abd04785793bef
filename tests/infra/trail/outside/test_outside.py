"""Others' tools accept what we publish, and reject it once it was changed: Go's tlog, one from PyPI, one from npm."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.trail.given import KEY, Trail, entries
from knelpunt.infra.trail.proving import Prover

HERE = Path(__file__).parent
GO_PATH = Path("/usr/share/gocode")
GO_PACKAGE = GO_PATH / "src/golang.org/x/mod/sumdb/tlog"
NPM_PACKAGE = "@sigstore/verify@4.1.3"
PYPI_PACKAGE = "aics-tlog==0.2.1"
INDEX = 270

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

Verifies = Callable[[], bool]


class Evidence:
    """A log of 300 events, an older checkpoint of it, one entry and its proof, as files."""

    def __init__(self, trail: Trail, folder: Path) -> None:
        self.old = folder / "old"
        self.old.write_bytes(trail.grown(200).folder.checkpoint() or b"")
        trail.grown(100)
        self.folder = trail.folder.public
        self.entry = folder / "entry"
        self.entry.write_bytes(entries(trail.url)[INDEX])
        self.proof = folder / "proof.tlog-proof"
        self.proof.write_bytes(Prover(trail.folder).proof_file(INDEX))


@pytest.fixture
def evidence(trail, tmp_path) -> Evidence:
    """What an outsider gets."""
    return Evidence(trail, tmp_path)


def succeeds(*line: object, **environment: str) -> bool:
    """Whether a program ends well."""
    done = subprocess.run(
        [str(each) for each in line], env=os.environ | environment, capture_output=True, text=True, check=False
    )
    print(done.stdout[-2000:], done.stderr[-2000:])
    return done.returncode == 0


def assert_rejected(verifies: Verifies, *paths: Path) -> None:
    """Each of the files is needed as it is: with a bit flipped in its midst the verifier says no."""
    assert verifies()
    for path in paths:
        content = path.read_bytes()
        for at in (len(content) // 3, len(content) // 2):
            path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
            assert not verifies(), f"{path.name}, byte {at}"
        path.write_bytes(content)
    assert verifies()


@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed (Debian: golang-go)")
@pytest.mark.skipif(not GO_PACKAGE.is_dir(), reason="Go's tlog is not installed (Debian: golang-golang-x-mod-dev)")
def test_go(evidence, tmp_path) -> None:
    """Go's note and tlog find the entry in our tiles and our proof file, and the older checkpoint in the newer."""
    program = tmp_path / "check"
    settings = {"GO111MODULE": "off", "GOPATH": str(GO_PATH), "GOCACHE": str(tmp_path / "cache"), "GOFLAGS": ""}
    assert succeeds("go", "build", "-o", program, HERE / "check.go", **settings)

    def verifies(old: Path = evidence.old) -> bool:
        key = KEY.public.text
        return succeeds(program, key, evidence.folder, INDEX, evidence.entry, old, evidence.proof)

    tile = evidence.folder / "tile/0/001.p/44"
    assert_rejected(verifies, evidence.folder / "checkpoint", tile, evidence.entry, evidence.old, evidence.proof)


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_npm(evidence, tmp_path) -> None:
    """A package that verifies Sigstore's logs verifies our proof file: tree, checkpoint and signature."""
    if not succeeds("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", tmp_path / "npm", NPM_PACKAGE):
        pytest.skip(f"{NPM_PACKAGE} cannot be installed")
    package = tmp_path / "npm/node_modules/@sigstore/verify"

    def verifies() -> bool:
        return succeeds("node", HERE / "check.js", package, KEY.public.text, evidence.proof, evidence.entry)

    assert_rejected(verifies, evidence.proof, evidence.entry)


def pythons() -> Iterator[str]:
    """Wherever a Python may be: this one, those on the path, those that pyenv keeps beside it."""
    yield sys.executable
    yield from ("python3.13", "python3.12")
    yield from (str(path) for path in sorted((Path.home() / ".pyenv/versions").glob("3.1[2-9]*/bin/python")))


def usable(python: str) -> str | None:
    """The same, if it is new enough."""
    question = "import sys; sys.exit(sys.version_info < (3, 12))"
    return python if shutil.which(python) and succeeds(python, "-c", question) else None


def test_pypi(evidence, tmp_path) -> None:
    """A package for logs of C2SP's formats verifies our checkpoint, our tiles, and that the log goes on."""
    python = next(filter(None, map(usable, pythons())), None)
    if python is None or not succeeds(python, "-m", "venv", tmp_path / "venv"):
        pytest.skip(f"{PYPI_PACKAGE} needs Python 3.12 or newer")
    alone = tmp_path / "venv/bin/python"
    if not succeeds(alone, "-m", "pip", "install", "-q", PYPI_PACKAGE):
        pytest.skip(f"{PYPI_PACKAGE} cannot be installed")
    key, tiles = ("--log-key", KEY.public.text), ("--tiles", evidence.folder)

    def verifies() -> bool:
        tool = (alone, "-m", "aics_tlog")
        included = succeeds(*tool, "verify-inclusion", *key, *tiles, "--index", INDEX, "--leaf", evidence.entry)
        goes_on = succeeds(*tool, "verify-consistency", *key, *tiles, "--old-checkpoint", evidence.old)
        return included and goes_on

    tile = evidence.folder / "tile/0/001.p/44"
    assert_rejected(verifies, evidence.folder / "checkpoint", tile, evidence.entry, evidence.old)
