"""A publisher whose system calls fail, or who dies in one: the log stays whole, and the older checkpoint is served.

strace makes one call of a real publisher fail (EIO, ENOSPC), or kills it there. Which calls there are is listed first,
by a run in which none fails.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from infra.trail.given import KEY, Trail
from infra.trail.given import fill as record
from infra.trail.test_publisher import assert_published
from knelpunt.infra.trail.checking import check_files, check_trail, published
from knelpunt.infra.trail.folder import TrailFolder

PROGRAM = Path(__file__).parent / "publishing_program.py"
ENVIRONMENT = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}

CALLS = ("write", "fsync", "rename")
FAULTS = {"EIO": "error=EIO", "ENOSPC": "error=ENOSPC", "SIGKILL": "signal=SIGKILL"}

BEFORE, MORE = 250, 10
"""Events that are published, and that come: with them a tile becomes full, and the next one begins."""

TRACED = re.compile(r"^(?:\d+ +)?(\w+)\((.*)$")

Place = tuple[str, int]
"""A call, and the how manieth of the publisher's it is."""


@pytest.fixture(scope="module")
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed (Debian: strace)")
    looked = subprocess.run([found, "-qq", "-e", "trace=none", "true"], capture_output=True, check=False)
    if looked.returncode:
        pytest.skip("this machine lets nobody trace a process")
    return found


@pytest.fixture
def grown(trail: Trail) -> Trail:
    """A trail with events that are recorded and not published."""
    trail.grown(BEFORE)
    record(trail.url, MORE)
    return trail


def publish(strace: str, trail: Trail, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Publish into a folder, as a program that is traced."""
    return subprocess.run(
        [strace, "-f", "-qq", "-y", *options, sys.executable, str(PROGRAM), trail.url, str(folder)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def places(strace: str, trail: Trail, path: Path) -> list[Place]:
    """Every call by which a publisher changes its folder, in order."""
    folder, log = path / "dry", path / "calls"
    shutil.copytree(trail.folder.path, folder)
    outcome = publish(strace, trail, folder, "-o", str(log), "-e", f"trace={','.join(CALLS)}")
    assert outcome.returncode == 0, outcome.stderr
    counted: dict[str, int] = dict.fromkeys(CALLS, 0)
    found: list[Place] = []
    for line in log.read_text().splitlines():
        traced = TRACED.match(line)
        if traced is not None and traced[1] in counted:
            counted[traced[1]] += 1
            if str(folder) in traced[2]:
                found.append((traced[1], counted[traced[1]]))
    assert {call for call, _ in found} == set(CALLS)
    return found


def assert_survives(strace: str, trail: Trail, folder: Path, place: Place, fault: str) -> None:
    """Publishing with a fault leaves an older checkpoint or the new one, over whole files; then it goes on."""
    call, number = place
    shutil.copytree(trail.folder.path, folder)
    injected = f"inject={call}:{FAULTS[fault]}:when={number}"
    outcome = publish(strace, trail, folder, "-o", os.devnull, "-e", f"trace={call}", "-e", injected)
    assert outcome.returncode != 0, "the fault was not met"
    if fault != "SIGKILL":
        assert f"[Errno {5 if fault == 'EIO' else 28}]" in outcome.stderr, outcome.stderr
    hurt = TrailFolder(folder)
    served = published(hurt, KEY.public)
    assert served.size in {BEFORE, BEFORE + MORE}
    assert list(check_files(hurt, served)) == []
    after = Trail(trail.url, folder)
    after.publisher().publish()
    assert list(check_trail(after.folder, KEY.public, trail.url)) == []
    assert_published(after, BEFORE + MORE)
    after.close()
    shutil.rmtree(folder)


def every(found: Sequence[Place]) -> list[tuple[Place, str]]:
    """Each fault at each place."""
    return [(place, fault) for place in found for fault in FAULTS]


def some(found: Sequence[Place]) -> list[tuple[Place, str]]:
    """Each fault once, each at another call: in the middle of it."""
    middles = [[place for place in found if place[0] == call] for call in CALLS]
    return [(those[len(those) // 2], fault) for those, fault in zip(middles, FAULTS, strict=True)]


@pytest.mark.parametrize(
    "chosen", [some, pytest.param(every, marks=[pytest.mark.long, pytest.mark.timeout(3600)])], ids=["some", "every"]
)
def test_system_calls_that_fail(
    strace: str,
    grown: Trail,
    tmp_path: Path,
    chosen: Callable[[Sequence[Place]], list[tuple[Place, str]]],
) -> None:
    """Whichever write, fsync or rename fails or is the last: the log is whole, also while nobody mends it."""
    found = places(strace, grown, tmp_path)
    assert len(found) > 30
    for number, (place, fault) in enumerate(chosen(found)):
        assert_survives(strace, grown, tmp_path / str(number), place, fault)
