"""The benchmarks are programs, and these tests run them, small: figures of so little work mean nothing here."""

import importlib
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from uuid import UUID

import msgspec
import pytest

from knelpunt.domain.case.decide import decide
from knelpunt.domain.case.facts import GapMark
from knelpunt.domain.command import Refused
from knelpunt.domain.event import Event
from knelpunt.domain.ids import event_id_of
from knelpunt.domain.vocabulary import LearningKind
from knelpunt.projections.derivation.answer import answer

ROOT = Path(__file__).parents[2]
EVENTS = 3_000
ROWS = {
    "commands-64",
    "commands-1",
    "answerable",
    "import",
    "rebuild-runner",
    "rebuild-insert-select",
    "gap-page",
    "gap-page-agency-1",
    "gap-page-agency-10",
    "pages-investigator",
    "pages-agency",
    "fsck",
    "proof",
}
ALONE = {"answerable", "pages-investigator", "pages-agency", "proof"}
"""Rows that compare with nobody: they have limits of their own."""


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The generator; the benchmarks are no package of the project, so it is found in the checkout."""
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module("benchmarks.generate")


class Everything:
    """A directory that knows all that generated commands name outside of their case."""

    def organisation(self, organisation: str) -> bool:
        return True

    def organisation_history(self, organisation: str) -> list[Event]:
        return []

    def case(self, case: UUID) -> bool:
        return False

    def obstacle(self, obstacle: UUID) -> bool:
        return False

    def concluded(self, dialogue: UUID) -> bool | None:
        return None

    def stream(self, stream: UUID, kind: LearningKind) -> bool:
        return False

    def history(self, stream: UUID) -> Sequence[Event]:
        return ()

    def gap(self, history: object, mark: GapMark, moment: datetime) -> bool:
        return False


def histories(generate: ModuleType, events: int) -> dict[UUID, list[Event]]:
    """Return the cases of a generated registry, each command having been decided by the domain when it was recorded."""
    cases: dict[UUID, list[Event]] = defaultdict(list)
    for position, told in enumerate(generate.registry(events)):
        command = told.command
        if position < generate.ORGANISATIONS:
            continue
        history = cases[command.stream]
        decided = decide(command, history, told.recorded_at, Everything())
        assert not isinstance(decided, Refused), (command, decided)
        history.append(
            Event(
                event_id_of(command.id),
                command.stream,
                len(history) + 1,
                position,
                command.occurred_at,
                told.recorded_at,
                command.actor,
                command.id,
                decided,
                command.precision,
                command.source,
                command.inferred,
                command.known_to,
            )
        )
    return cases


QUICK = ("commands", "answerable", "import", "rebuild", "gap-page", "pages", "fsck", "proof", "profile")


def run(folder: Path, *arguments: str) -> tuple[list[dict], str, str]:
    """Run the benchmarks; return the rows of their results, what was printed, and what was said on the way."""
    command = [sys.executable, "-m", "benchmarks", *arguments, "--output", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = msgspec.json.decode((folder / "results.json").read_bytes())["rows"]
    document = (folder / "performance.md").read_text()
    assert all(row["what"] in document and row["meaning"] in document for row in rows)
    assert str(ROOT) not in document
    assert all(sample > 0 for row in rows for sample in (*row["ours"], *row["theirs"]))
    assert all(row["key"] in done.stdout for row in rows)
    return rows, done.stdout, done.stderr


SMALL = ("--rounds", "1", "--seconds", "0.2", "--questions", "4", "--proof-events", "700")


def test_benchmarks_run_and_report(tmp_path: Path):
    """A tiny run measures commands against their opponent and writes both files."""
    rows, _, _ = run(tmp_path, "--only", "commands", *SMALL)
    assert {row["key"] for row in rows} == {"commands-64", "commands-1"}
    assert all(row["theirs"] for row in rows)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_every_benchmark_runs_and_reports(tmp_path: Path):
    """A tiny run measures every row against its opponent and writes both files."""
    rows, _, _ = run(tmp_path, "--only", *QUICK, "--events", str(EVENTS), *SMALL)
    assert {row["key"] for row in rows} == ROWS
    assert all(row["theirs"] or row["key"] in ALONE for row in rows)
    found = msgspec.json.decode((tmp_path / "results.json").read_bytes())["profiles"]
    assert [one["path"] for one in found] == ["commands", "rebuild", "gap-page", "fsck"]
    document = (tmp_path / "performance.md").read_text()
    for one in found:
        assert one["samples"] > 20
        assert all(0 < line["own"] <= line["with_called"] <= 1 for line in one["lines"])
        assert all(f"`{line['function']}`" in document for line in one["lines"])
    assert "infra/trail/entry.py: read" in [line["function"] for line in found[-1]["lines"]]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_growth_is_compared_with_itself_and_a_real_log_with_pm4py(tmp_path: Path):
    """Each step is measured at each size, with its memory; the real log where it and PM4Py are, or it says why not."""
    rows, _, said = run(
        tmp_path, "--only", "growth", "real-log", "--events", "3000", "6000", "--rounds", "1", "--quick"
    )
    grown = [row for row in rows if row["key"].startswith("growth-")]
    assert [row["events"] for row in grown] == [3000] * 3 + [6000] * 3
    assert [bool(row["theirs"]) for row in grown] == [False] * 3 + [True] * 3
    assert all(10 < row["limited_value"] < 400 for row in grown)
    assert any(row["key"] == "real-log" and row["theirs"] for row in rows) or "real log: left out, for " in said


@pytest.mark.long
@pytest.mark.timeout(900)
def test_graphql_over_http_is_compared_with_postgraphile(tmp_path: Path):
    """Both sides give the same answers before they are timed, where PostGraphile is installed, or it says that not."""
    small = ("--events", str(EVENTS), "--rounds", "1", "--seconds", "1")
    rows, _, said = run(tmp_path, "--only", "graphql", *small)
    assert {row["key"] for row in rows} == {
        "graphql-case",
        "graphql-gaps",
    } or "GraphQL over HTTP: left out, for " in said
    assert all(row["theirs"] for row in rows)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_soak_keeps_its_lag_and_its_times(tmp_path: Path):
    """Five minutes at a hundred events a second with twenty readers: nobody fails, and projections keep up."""
    command = [sys.executable, "-m", "benchmarks.soak", "--minutes", "5", "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = msgspec.json.decode((tmp_path / "soak.json").read_bytes())
    assert result["failed"] == 0
    assert result["recorded"] > 5 * 60 * 100 * 0.9
    assert result["lag_seconds_max"] < 2
    # Caches still fill in so short a time, so that the slope and the tenths are for two hours to tell.
    assert {"service", "projector", "trail", "postgresql"} <= set(result["memory"])
    assert all(megabytes < 400 for samples in result["memory"].values() for _, megabytes in samples)
    assert (tmp_path / "soak.svg").read_text().startswith("<svg")


def test_the_arithmetic_of_scale_is_that_of_the_figures(monkeypatch: pytest.MonkeyPatch):
    """What docs/scale.md reckons with are the figures that the report is written from."""
    monkeypatch.syspath_prepend(ROOT)
    scale, report = importlib.import_module("benchmarks.scale"), importlib.import_module("benchmarks.report")
    made = scale.section(report.read_results(report.RESULTS))
    assert made is not None
    text = scale.DOCUMENT.read_text()
    assert scale.with_section(text, made) == text, "run: python -m benchmarks --document"
    assert scale.with_section(text, "other") != text


def test_the_generated_registry_is_one_that_the_domain_takes(generate: ModuleType):
    """Every generated command is accepted when it is recorded, and has its effect in the end."""
    cases = histories(generate, EVENTS)
    assert not [conflict for case in cases.values() for conflict in answer(case, case[-1].recorded_at).conflicts]


def test_the_generated_registry_has_the_shape_of_real_logs(generate: ModuleType):
    """Cases are as long as real ones, one event in ten to twenty is told late, and the years are filled."""
    cases = histories(generate, 12_000)
    events = [event for case in cases.values() for event in case]
    late = sum(event.recorded_at - event.occurred_at > timedelta(days=1) for event in events) / len(events)
    assert 0.05 <= late <= 0.10
    lengths = sorted(len(case) for case in cases.values())
    assert 9 <= lengths[len(lengths) // 2] <= 13
    assert lengths[-1] > 30
    last = max(event.recorded_at for event in events)
    assert generate.END - timedelta(days=200) < last < generate.END + timedelta(days=400)
    assert {gap.kind.value for case in list(cases.values())[:300] for gap in answer(case, last).gaps} >= {
        "NEVER_TAKEN",
        "LOST_REFERRAL",
        "RELEASED",
        "MOVED",
        "CLOSED_UNRESOLVED",
        "UNANSWERED",
        "NOBODYS_JOB",
        "CAROUSEL",
        "STANDSTILL",
        "DECISION_OVERDUE",
    }


def test_the_same_seed_gives_the_same_registry(generate: ModuleType):
    """A figure can be taken again, on the very same history."""
    assert list(generate.registry(2_000, 7)) == list(generate.registry(2_000, 7))
    assert list(generate.registry(2_000, 7)) != list(generate.registry(2_000, 8))


def test_moments_of_recording_increase(generate: ModuleType):
    """History with its own moments of recording may enter, since each is later than the one before."""
    moments = [told.recorded_at for told in generate.registry(EVENTS)]
    assert all(before < after for before, after in pairwise(moments))
