"""PM4Py, the process mining library, reads our exports and finds in them what the registry holds.

It is under the AGPL and comes with half a gigabyte of other packages, so it is no tool of this checkout; it is
installed for this test alone, and where no registry of packages can be reached the test is skipped.
"""

import json
import subprocess
import venv
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.exporting.given import cases_in, export
from knelpunt.domain.case.facts import HandoffAccepted, HandoffOffered
from knelpunt.infra.exporting.export import Format
from knelpunt.projections.derivation.answer import answer

PACKAGE = "pm4py==2.7.23.11"
PROGRAM = Path(__file__).with_name("pm4py_program.py")
INSTALL_SECONDS_MAX = 900


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python of its own that has PM4Py."""
    folder = tmp_path_factory.mktemp("pm4py")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    installed = subprocess.run(
        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-input", PACKAGE],
        capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS_MAX,
    )  # fmt: skip
    if installed.returncode:
        pytest.skip(f"{PACKAGE} cannot be installed here: {installed.stderr.strip().splitlines()[-1]}")
    return python


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_pm4py_finds_the_same(parts, interpreter, tmp_path) -> None:
    """The same cases, the same events, and the same handovers between the same organisations, in both formats."""
    export(parts, tmp_path / "log.xes", Format.XES)
    export(parts, tmp_path / "log.json", Format.OCEL2)
    run = subprocess.run(
        [interpreter, PROGRAM, tmp_path / "log.xes", tmp_path / "log.json"],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    # Before its answer it says who made it.
    found = json.loads(run.stdout[run.stdout.index('{"xes"') :])
    events, handovers = [], Counter()
    for history in cases_in(parts).values():
        told = [one for one in answer(history, datetime.now(UTC)).timeline if not one.event.data.mends]
        standing = [one for one in told if one.struck_by is None]
        events += [str(one.event.id) for one in standing]
        offers = {one.event.data.handoff: one.event.data for one in standing if type(one.event.data) is HandoffOffered}
        for one in standing:
            if isinstance(one.event.data, HandoffAccepted) and one.conflict is None:
                offer = offers[one.event.data.handoff]
                handovers[offer.from_, offer.to] += 1
    assert found["xes"].pop("network") > 3
    expected = {
        "cases": sorted(map(str, cases_in(parts))),
        "events": sorted(events),
        "handovers": sorted([*pair, n] for pair, n in handovers.items()),
    }
    assert len(expected["handovers"]) > 2
    assert found == {"xes": expected, "ocel2": expected}
