"""knelpunt gaps: the same gaps as derived, for people and for programs."""

import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from histories.several import by_stream, people_of
from infra.cli.conftest import CommandLine, InThisProcess
from infra.cli.test_import import LOGS, RECEIPT
from knelpunt.domain.ids import organisation_stream_of
from knelpunt.domain.vocabulary import LearningKind
from knelpunt.infra.demo.learning_file import stream_id
from knelpunt.infra.demo.names import FOLDER, case_id, organisation_id, register
from knelpunt.infra.demo.story import cases
from knelpunt.infra.postgres.embedded import EmbeddedServer
from knelpunt.infra.store.connection import REGISTRY
from knelpunt.infra.store.reading import events_of
from knelpunt.infra.store.registry import Registry
from knelpunt.projections.derivation.answer import answer
from knelpunt.projections.derivation.learning_kinds import answer_of_stream
from knelpunt.projections.derivation.subjects import subject_gaps

THEN = datetime(2025, 3, 25, 12, tzinfo=UTC)
FIELDS = [
    *("id", "kind", "from", "until", "open", "counts", "days", "toAct", "involved", "selfNoticed"),
    *("case", "obstacle", "length", "evidence", "cases", "subject", "cause"),
]


@pytest.fixture(scope="module")
def derived(demo_folder: Path):
    """Every gap of the story by the case that it is of, none for several, derived from its events, at two times."""
    with EmbeddedServer.start(demo_folder) as server, Registry(server.url()) as registry:
        histories = [events_of(registry.reader, REGISTRY, [case_id(case.name)]) for case in cases()]
        streams = [organisation_stream_of(organisation_id(name)) for name in register()["organisation"]]
        organisations = by_stream(events_of(registry.reader, REGISTRY, streams))
        names = [path.stem.partition("-")[2] for path in (FOLDER / "learning").glob("*.toml")]
        causes = [stream_id(LearningKind.CAUSE, name) for name in names]
        learnt = by_stream(events_of(registry.reader, REGISTRY, causes))
    people = people_of([event for history in histories for event in history])

    def known(as_known: datetime | None) -> dict:
        return {
            history[0].stream: [event for event in history if as_known is None or event.recorded_at <= as_known]
            for history in (*histories, *organisations.values())
        }

    def at(as_of: datetime, known_at: datetime | None = None) -> dict:
        within = {
            str(gap.id): (str(history[0].stream), gap)
            for history in histories
            for gap in answer(history, as_of, known_at).gaps
        }
        over = {
            str(gap.id): (str(gap.cases[0]) if len(gap.cases) == 1 else None, gap)
            for person in people
            for gap in subject_gaps(known(known_at), as_of, subject=person)
        }
        about = {
            str(gap.id): (None, gap)
            for history in learnt.values()
            if (seen := [e for e in history if known_at is None or e.recorded_at <= known_at])
            for gap in answer_of_stream(seen, as_of).gaps
        }
        return within | over | about

    return at


def listed(demo_here: CommandLine, *options: str) -> list[dict]:
    """What the command prints for programs."""
    return json.loads(demo_here.done("gaps", "--format", "json", *options))


def test_it_lists_the_gaps_that_count_and_are_open(demo: CommandLine, derived) -> None:
    """One array of objects with the contract's fields, and nothing else on stdout."""
    found = listed(demo, "--as-of", THEN.isoformat())
    assert all(list(gap) == FIELDS for gap in found)
    expected = {id_ for id_, (_, gap) in derived(THEN).items() if gap.open and gap.counts(THEN)}
    assert {gap["id"] for gap in found} == expected
    assert all(gap["open"] and gap["counts"] for gap in found)


def test_all_gaps_field_by_field(demo_here: InThisProcess, derived) -> None:
    """With --all: ended ones and those within their grace too, each as derived, at the two times asked for."""
    found = listed(demo_here, "--all", "--as-of", THEN.isoformat(), "--known-at", THEN.isoformat())
    expected = derived(THEN, THEN)
    assert {gap["id"] for gap in found} == set(expected)
    assert {gap["open"] for gap in found} == {gap["counts"] for gap in found} == {True, False}
    for shown in found:
        case, gap = expected[shown["id"]]
        assert shown["case"] == case
        assert shown["kind"] == gap.kind.value
        assert shown["obstacle"] == (str(gap.obstacle) if gap.obstacle else None)
        assert datetime.fromisoformat(shown["from"]) == gap.from_
        assert (shown["until"] and datetime.fromisoformat(shown["until"])) == gap.until
        assert (shown["toAct"], shown["involved"]) == (list(gap.to_act), list(gap.involved))
        assert shown["evidence"] == [str(event) for event in gap.evidence]
        assert shown["length"] == gap.length
        assert shown["days"] == pytest.approx(gap.lasted(THEN).total_seconds() / 86_400, abs=1e-5)


def test_of_an_organisation_and_of_a_kind(demo_here: InThisProcess, derived) -> None:
    """Those in which it has to act come first, then those in which it is involved."""
    wanted = organisation_id("zilverreiger")
    found = listed(demo_here, "--all", "--organisation", wanted, "--as-of", "2025-10-01")
    ours = [wanted in gap["toAct"] for gap in found]
    assert ours == sorted(ours, reverse=True)
    assert all(wanted in [*gap["toAct"], *gap["involved"]] for gap in found)
    at = datetime(2025, 10, 1, tzinfo=UTC)
    assert len(found) == sum(wanted in (*gap.to_act, *gap.involved) for _, gap in derived(at).values()) > 1
    kinds = {gap["kind"] for gap in listed(demo_here, "--all", "--kind", "STANDSTILL", "--kind", "RELEASED")}
    assert kinds == {"STANDSTILL", "RELEASED"}


def test_of_an_organisation_and_all_below_it(demo_here: InThisProcess, derived) -> None:
    """Rolled up, a municipality's gaps are those of its units too; alone, the option means nothing."""
    units = {
        organisation_id(name)
        for name, entry in register()["organisation"].items()
        if "waterrijk" in {name, entry.get("parent")}
    }
    at = ("--as-of", "2025-10-01")
    named = ("--all", "--organisation", organisation_id("waterrijk"), *at)
    found = listed(demo_here, *named, "--rolled-up")
    all_gaps = derived(datetime(2025, 10, 1, tzinfo=UTC)).values()
    assert len(found) == sum(not units.isdisjoint((*gap.to_act, *gap.involved)) for _, gap in all_gaps)
    assert len(found) > len(listed(demo_here, *named))
    assert "name one" in demo_here.fails("gaps", "--rolled-up", status=2)


def test_csv_and_table_hold_the_same_gaps(demo_here: InThisProcess) -> None:
    """A heading and a row a gap; for people names instead of identifiers, and the number of gaps."""
    as_of = ("--as-of", THEN.isoformat())
    data = listed(demo_here, *as_of)
    rows = list(csv.DictReader(io.StringIO(demo_here.done("gaps", "--format", "csv", *as_of))))
    assert list(rows[0]) == FIELDS
    assert [row["id"] for row in rows] == [gap["id"] for gap in data]
    assert [row["toAct"].split() for row in rows] == [gap["toAct"] for gap in data]
    lines = demo_here.done("gaps", *as_of).splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == [gap["kind"] for gap in data]
    told = f"{len(data)} gaps in {len({case for gap in data for case in gap['cases']})} cases"
    about = sum(gap["cause"] is not None for gap in data)
    assert lines[-1] == (f"{told}, {about} of them about causes and their like." if about else f"{told}.")
    assert "urn:knelpunt" not in "".join(lines)


def test_what_lies_over_several_cases_is_told_once(demo_here: InThisProcess) -> None:
    """For programs with all its cases and no one of them as its own; for people by the first and how many more."""
    at = ("--kind", "UNCOORDINATED", "--kind", "DEADLOCK", "--as-of", "2026-11-20")
    over = [gap for gap in listed(demo_here, *at) if len(gap["cases"]) > 1]
    both = {str(case_id("zelfstandige")), str(case_id("huur"))}
    assert {(gap["kind"], gap["case"], gap["obstacle"]) for gap in over} == {
        ("UNCOORDINATED", None, None),
        ("DEADLOCK", None, None),
    }
    assert all(set(gap["cases"]) == both and gap["subject"] for gap in over)
    lines = demo_here.done("gaps", *at).splitlines()
    shown = [line.split()[:3] for line in lines[1:-1] if "+1" in line]
    assert [(kind, more) for kind, _, more in shown] == [(gap["kind"], "+1") for gap in over]
    assert {reference for _, reference, _ in shown} <= {"DEMO-QF47", "DEMO-HB36"}


def test_an_unknown_organisation_is_one_sentence(demo_here: InThisProcess) -> None:
    """One that is no identifier at all is wrong usage."""
    assert "No organisation urn:nobody:at-all was registered" in demo_here.fails(
        "gaps", "--organisation", "urn:nobody:at-all"
    )
    assert "names no organisation" in demo_here.fails("gaps", "--organisation", "the town hall", status=2)


def test_it_asks_as_whom_the_token_says(demo_here: InThisProcess, fresh_here: InThisProcess) -> None:
    """Without one: as the owner of our own database, which is said; on another's database not at all."""
    assert "as the owner" in demo_here.run("gaps").stderr
    token = demo_here.done("token", "--role", "INVESTIGATOR", "--organisation", organisation_id("wal")).strip()
    outcome = demo_here.run("gaps", KNELPUNT_TOKEN=token)
    assert outcome.returncode == 0
    assert outcome.stderr == ""
    assert "is not one that this registry accepts" in demo_here.fails("gaps", KNELPUNT_TOKEN="a.b.c")
    assert "set KNELPUNT_TOKEN to a token" in fresh_here.fails("gaps")


def test_a_token_of_ours_is_refused_beside_a_real_issuer(demo_here: InThisProcess) -> None:
    """Whoever signs in elsewhere gets no token here."""
    sentence = demo_here.fails("token", "--role", "AUDITOR", KNELPUNT_ISSUER="https://login.example")
    assert "Tokens come from https://login.example" in sentence


def test_the_gaps_of_a_real_log(fresh_here: InThisProcess, tmp_path: Path) -> None:
    """Imported, projected and listed through the command line, with the counts that stand beside the log."""
    if not LOGS.is_dir():
        pytest.skip("the logs of ../shared are not there")
    (tmp_path / "receipt.toml").write_text(RECEIPT, "utf-8")
    fresh_here.done("import", LOGS / "receipt.csv.gz", "--mapping", tmp_path / "receipt.toml")
    token = fresh_here.done("token", "--role", "AUDITOR").strip()
    behind = fresh_here.fails("gaps", KNELPUNT_TOKEN=token)
    assert "run knelpunt serve, or knelpunt project --once" in behind
    fresh_here.done("project", "--once")
    found = json.loads(fresh_here.done("gaps", "--all", "--format", "json", KNELPUNT_TOKEN=token))
    kinds = Counter(gap["kind"] for gap in found)
    assert kinds["NEVER_TAKEN"] == 1_136
    carousels = [gap for gap in found if gap["kind"] == "CAROUSEL"]
    assert Counter(gap["length"] for gap in carousels) == {2: 165, 3: 139, 4: 228, 5: 4, 6: 1}
    assert len({gap["case"] for gap in carousels}) == 360
