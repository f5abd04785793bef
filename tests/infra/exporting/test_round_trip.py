"""What one registry exports, another takes over: the same chains and gaps come of it."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from hypothesis import given

from histories.machine import histories
from infra.exporting.given import cases_in, export
from knelpunt.domain.event import Event
from knelpunt.domain.ids import event_id_of
from knelpunt.domain.settings import UNCHANGED
from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.exporting.export import Format
from knelpunt.infra.exporting.persons import opening_of
from knelpunt.infra.exporting.story import story_of
from knelpunt.infra.importing.identity import CaseNames
from knelpunt.infra.importing.mapping import read_mapping
from knelpunt.infra.importing.pipeline import ImportReport, import_file
from knelpunt.infra.importing.rows import LogRow, Trace
from knelpunt.infra.importing.sink import RegistrySink
from knelpunt.infra.importing.told import commands_told
from knelpunt.infra.projecting.projector import Projector
from knelpunt.projections.derivation.answer import CaseAnswer, answer
from knelpunt.projections.derivation.subjects import subject_gaps

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def derived(answered: CaseAnswer, names: CaseNames | None = None) -> list[tuple]:
    """Chains, gaps and figures of a case, obstacles by the names that they have where they were taken over."""
    found = []
    for one in answered.obstacles:
        id_ = one.obstacle if names is None else names.told(one.obstacle)
        chain = [(s.kind, s.organisation, s.claimed, s.from_, s.until) for s in one.segments]
        gaps = [
            (g.kind, g.from_, g.until, g.open, g.pieces, g.running_from, g.to_act, g.involved, g.length)
            for g in one.gaps
        ]
        harms = [(harm.harm, harm.since, harm.until) for harm in one.figures.harms]
        figures = msgspec.structs.replace(one.figures, harms=())
        state = (one.open, one.holder, one.claimed, one.settled_at)
        found.append((str(id_), state, chain, sorted(gaps, key=str), figures, harms))
    return sorted(found, key=lambda one: one[0])


def taken_over(url: str, path: Path, mapping: str) -> tuple[ImportReport, dict]:
    """What another registry holds after taking over an export, by case."""
    with bootstrap(url, bytes(32)) as parts:
        report = import_file(path, read_mapping(EXAMPLES / mapping), RegistrySink(parts.registry, parts.vault))
        return report, cases_in(parts)


Renamed = Callable[[UUID], UUID]


def here(case: UUID) -> UUID:
    """What a case is called where it was taken over."""
    return CaseNames("other-registry", str(case)).case


def persons(histories: dict[UUID, list[Event]], renamed: Renamed = lambda case: case) -> dict[frozenset, UUID]:
    """Each subject by their cases, and by their place in the opening of each."""
    whose: dict[UUID, set[tuple[UUID, int]]] = {}
    for case, history in histories.items():
        opening = opening_of(history, NOW)
        for place, subject in enumerate(opening.subjects if opening else ()):
            whose.setdefault(subject, set()).add((renamed(case), place))
    return {frozenset(cases): subject for subject, cases in whose.items()}


def over_cases(histories: dict[UUID, list[Event]], subject: UUID, renamed: Renamed = lambda case: case) -> list[tuple]:
    """The gaps over the cases of one subject, organisations standing for themselves."""
    return sorted(
        (
            (g.kind, g.from_, g.until, g.open, g.pieces, g.running_from, g.to_act, g.involved, g.length,
             sorted(map(str, map(renamed, g.cases))))
            for g in subject_gaps(histories, NOW, subject=subject)
        ),
        key=str,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("format_", "suffix"), [(Format.CSV, "csv"), (Format.XES, "xes"), (Format.OCEL2, "json")], ids=str
)
def test_the_same_chains_and_gaps(parts, registry_url, tmp_path, format_, suffix) -> None:
    """Of cases with everything in them: late, in conflict, struck, corrected, claimed, waiting, contested, moved."""
    export(parts, tmp_path / f"log.{suffix}", format_)
    report, found = taken_over(registry_url, tmp_path / f"log.{suffix}", f"export-{format_}.toml")
    before = cases_in(parts)
    assert (report.rows_rejected, report.parts_left_out, report.cases) == (0, 0, len(before)), report.rejections
    gaps = 0
    for case, history in before.items():
        names = CaseNames("other-registry", str(case))
        expected = derived(answer(history, NOW), names)
        assert derived(answer(found[names.case], NOW)) == expected
        gaps += sum(len(one[3]) for one in expected)
    assert gaps > 20
    there = persons(before, here)
    found_persons = persons(found)
    assert found_persons.keys() == there.keys()
    lie_over = {kind: over_cases(before, subject, here) for kind, subject in there.items()}
    assert {kind: over_cases(found, subject) for kind, subject in found_persons.items()} == lie_over
    assert len({gap[0] for lying in lie_over.values() for gap in lying}) > 1
    again, _ = taken_over(registry_url, tmp_path / f"log.{suffix}", f"export-{format_}.toml")
    assert again.events_new == 0


def test_an_imported_log_goes_out_and_in_again(registry_url, new_registry, tmp_path) -> None:
    """What was imported from another system, exported and taken over, still counts as that system's own word."""
    with bootstrap(registry_url, bytes(32)) as parts, closing(Projector(registry_url)) as projector:
        mapping = read_mapping(EXAMPLES / "helpdesk.toml")
        import_file(EXAMPLES / "helpdesk.csv", mapping, RegistrySink(parts.registry, parts.vault))
        projector.catch_up()
        export(parts, tmp_path / "log.csv", Format.CSV)
        before = cases_in(parts)
    _, found = taken_over(new_registry(), tmp_path / "log.csv", "export-csv.toml")
    for case, history in before.items():
        names = CaseNames("other-registry", str(case))
        assert derived(answer(found[names.case], NOW)) == derived(answer(history, NOW), names)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("custody-taken,…,no JSON", "what was told is no fact"),
        ('custody-taken,…,"{""obstacle"": ""x""}"', "what was told is no custody-taken"),
        ('organisation-registered,…,"{}"', "nothing that a registry exports of a case"),
    ],
    ids=["no json", "misfit", "no case"],
)
def test_what_no_registry_exported_is_rejected(registry_url, tmp_path, wrong, reason) -> None:
    """A case of which one row is no fact is not taken over at all, and the line is told."""
    activity, _, fact = wrong.partition(",…,")
    head = "case,activity,occurred_at,recorded_by,event,inferred,fact"
    (tmp_path / "log.csv").write_text(f"{head}\nc1,{activity},2025-01-01,urn:org:a,e1,false,{fact}\n")
    report, found = taken_over(registry_url, tmp_path / "log.csv", "export-csv.toml")
    assert (report.cases, report.rows_rejected, found) == (0, 1, {})
    assert reason in report.rejections[0].reason
    assert "line 2" in report.rejections[0].reason


@given(histories())
def test_any_case_comes_out_as_it_went_in(history) -> None:
    """Whatever a machine can make up: told, taken at its word and derived anew, a case has the same chains and gaps."""
    now = max(NOW, *(max(event.occurred_at, event.recorded_at) for event in history))
    story = story_of(history, now, UNCHANGED)
    mapping = read_mapping(EXAMPLES / "export-csv.toml")
    names = CaseNames(mapping.source, str(history[0].stream))
    told = [
        LogRow(
            line.at, line.activity, line.recorded_by, number,
            told=(msgspec.json.encode(line.fact).decode(), str(line.id), str(line.inferred).lower()),
        )
        for number, line in enumerate(story.lines if story else (), 1)
    ]  # fmt: skip
    events = [
        Event(
            event_id_of(command.id), command.stream, number, number, command.occurred_at or now, now, command.actor,
            command.id, command.data, inferred=command.inferred,
        )
        for number, command in enumerate(commands_told(Trace(str(history[0].stream), told), mapping))
    ]  # fmt: skip
    assert derived(answer(events, now)) == derived(answer(history, now), names)
