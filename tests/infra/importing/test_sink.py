"""Imports into a registry on PostgreSQL: once is enough, parts add up, and other people's work is respected."""

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from infra.importing import ocel_logs
from knelpunt.domain.case import facts as f
from knelpunt.domain.case.history import place
from knelpunt.domain.case.rules import Judge
from knelpunt.domain.case.state import CaseState
from knelpunt.domain.event import Actor, Event
from knelpunt.domain.ids import event_id_of
from knelpunt.domain.organisation.facts import OrganisationRegistered
from knelpunt.domain.vocabulary import Harm, OrganisationKind, Role
from knelpunt.infra.importing.identity import CaseNames
from knelpunt.infra.importing.mapping import Columns, ImportRole, Mapping
from knelpunt.infra.importing.pipeline import import_file
from knelpunt.infra.importing.places import Step
from knelpunt.infra.importing.sink import RegistrySink
from knelpunt.infra.store.connection import REGISTRY
from knelpunt.infra.store.migrate import migrate
from knelpunt.infra.store.reading import events_after
from knelpunt.infra.store.registry import Registry
from knelpunt.infra.vault.vault import Vault

from .real_logs import RECEIPT, RECEIPT_MAPPING, cut_between_and_inside, receipt

MAPPING = Mapping("log", Columns("case", "activity", "time", "who"), roles={"sluit": ImportRole.CLOSE})
HEADER = "case,activity,time,who\n"
SHORT = HEADER + "c1,werk,2024-01-01,A\nc1,werk,2024-01-02,B\nc2,werk,2024-01-01,\n"
LONG = SHORT + "c1,sluit,2024-01-03,B\nc2,werk,2024-02-01,C\nc3,werk,2024-03-01,A\n"


class Place:
    """A registry of this test alone, and what it takes to import into it."""

    def __init__(self, url: str) -> None:
        self.registry = Registry(url)
        self.vault = Vault(url, bytes(32))
        self.sink = RegistrySink(self.registry, self.vault)

    def close(self) -> None:
        self.vault.close()
        self.registry.close()

    def events(self) -> list[Event]:
        found = events_after(self.registry.reader, REGISTRY, -1, 100_000)
        assert all(isinstance(event, Event) for event in found)
        return found  # pyright: ignore[reportReturnType]

    def record(self, *events: Event) -> None:
        self.registry.event_recorder.insert_events([self.registry.mapper.to_stored_event(event) for event in events])


@pytest.fixture
def somewhere(empty_database_url) -> Iterator[Place]:
    migrate(empty_database_url)
    there = Place(empty_database_url)
    yield there
    there.close()


@pytest.fixture
def run(somewhere, tmp_path):
    def do(content: str, mapping: Mapping = MAPPING, name: str = "log.csv", **options):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return import_file(path, mapping, somewhere.sink, **options)

    return do


def by_stream(events: list[Event]) -> dict[UUID, list[tuple]]:
    """What each stream holds, without the moment and place of recording."""
    streams: dict[UUID, list[tuple]] = {}
    for event in events:
        content = (event.id, event.version, event.occurred_at, event.actor, event.command_id, event.data, event.source)
        streams.setdefault(event.stream, []).append(content)
    return streams


def foreign(case: UUID, version: int, fact: f.CaseFact, at: datetime) -> Event:
    """Something that an investigator recorded."""
    command = uuid4()
    actor = Actor("urn:knelpunt:log", Role.INVESTIGATOR, "somebody")
    return Event(event_id_of(command), case, version, 0, at, at, actor, command, fact)


def test_an_import_becomes_events(run, somewhere):
    """Events stand in the log densely, marked as inferred, organisations before whoever names them."""
    report = run(SHORT)
    events = somewhere.events()
    assert (report.cases, report.events_new, report.events_present) == (2, len(events), 0)
    assert [event.position for event in events] == list(range(len(events)))
    assert {(event.source, event.inferred) for event in events} == {("log", True)}
    assert [type(event.data) for event in events[:3]] == [OrganisationRegistered] * 3
    assert [event.version for event in events if event.stream == CaseNames("log", "c1").case] == [1, 2, 3, 4, 5]


def test_twice_is_once(run, somewhere):
    """Importing a file again adds nothing and says so."""
    first = run(SHORT)
    before = somewhere.events()
    again = run(SHORT)
    assert (again.cases, again.events_new, again.events_present) == (2, 0, first.events_new)
    assert somewhere.events() == before


def test_a_longer_version_adds_what_is_new(run, somewhere):
    """A longer file adds the new events of old cases and the new cases; a shorter one after it adds nothing."""
    first = run(SHORT)
    second = run(LONG)
    assert second.events_present == first.events_new
    assert len(somewhere.events()) == first.events_new + second.events_new
    assert [event.version for event in somewhere.events() if event.stream == CaseNames("log", "c1").case] == [
        *range(1, 9)
    ]
    assert run(SHORT).events_new == 0


@receipt
def test_a_part_and_then_the_whole_equals_the_whole_at_once(run, somewhere, collected):
    """On the real log, every case has the same events in the same order whether it came in one go or in two."""
    text = gzip.decompress(RECEIPT.read_bytes()).decode()
    part = run(cut_between_and_inside(text), RECEIPT_MAPPING)
    whole = run(text, RECEIPT_MAPPING)
    assert 0 < part.events_new == whole.events_present
    assert (whole.cases, whole.rows_rejected) == (1434, 0)

    import_file(RECEIPT, RECEIPT_MAPPING, collected)
    expected: dict[UUID, list[tuple]] = {}
    for command in collected.commands.values():
        held = expected.setdefault(command.stream, [])
        content = (command.occurred_at, command.actor, command.id, command.data, command.source)
        held.append((event_id_of(command.id), len(held) + 1, *content))
    assert by_stream(somewhere.events()) == expected


def test_a_changed_beginning_is_refused_and_the_rest_imported(run, somewhere):
    """A trace that now says something else stays as it was, is reported with its line, and holds nobody up."""
    run(SHORT)
    before = by_stream(somewhere.events())
    report = run(LONG.replace("c1,werk,2024-01-01,A", "c1,werk,2024-01-01,Z"))
    (rejection,) = report.rejections
    assert (rejection.line, report.rows_rejected, report.cases) == (2, 3, 2)
    assert rejection.reason.startswith("case 'c1': it was imported before from rows")
    after = by_stream(somewhere.events())
    assert after[CaseNames("log", "c1").case] == before[CaseNames("log", "c1").case]
    assert CaseNames("log", "c3").case in after


def test_a_row_put_in_before_others_is_refused(run, somewhere):
    """An event that was inserted into the past of a trace is not taken for one of those recorded."""
    run(SHORT)
    before = somewhere.events()
    report = run(SHORT + "c1,werk,2023-12-31,C\n")
    assert (report.events_new, report.rows_rejected) == (1, 3)  # the organisation C is new
    assert somewhere.events()[:-1] == before


def test_what_others_recorded_in_a_case_stays_and_the_import_goes_on(run, somewhere):
    """New rows of a case that an investigator has added to get the versions after theirs."""
    run(SHORT)
    names = CaseNames("log", "c1")
    harm = f.HarmStated(names.obstacle, Harm.INCOME, datetime(2024, 1, 1, tzinfo=UTC))
    somewhere.record(foreign(names.case, 6, harm, datetime(2024, 1, 2, 12, tzinfo=UTC)))
    report = run(LONG)
    assert report.rows_rejected == 0
    held = [event for event in somewhere.events() if event.stream == names.case]
    assert [event.version for event in held] == list(range(1, 10))
    assert run(LONG).events_new == 0


def test_what_the_case_forbids_by_now_is_judged_like_a_command(run, somewhere):
    """After others closed a case an hour ago, a row of this moment that closes it again is refused."""
    now = datetime.now(UTC)
    begin = f"{HEADER}c1,werk,{(now - timedelta(hours=3)).isoformat()},A\n"
    run(begin)
    names = CaseNames("log", "c1")
    somewhere.record(
        foreign(names.case, 4, f.CaseClosed("urn:knelpunt:log:A"), now - timedelta(hours=2)),
    )
    report = run(begin + f"c1,sluit,{now.isoformat()},A\n")
    (rejection,) = report.rejections
    assert report.events_new == 0
    assert rejection.reason.startswith("case 'c1': ")


def test_an_organisation_that_is_registered_already_is_used(run, somewhere):
    """A mapped organisation that somebody registered is not registered again, nor renamed."""
    known = "00000001234567890000"
    run(HEADER + "x,werk,2024-01-01,Gemeente\n", Mapping("first", MAPPING.columns, {"Gemeente": known}))
    report = run(HEADER + "x,werk,2024-01-01,Stad\n", Mapping("second", MAPPING.columns, {"Stad": known}))
    assert (report.cases, report.events_present) == (1, 1)
    registered = [event.data for event in somewhere.events() if isinstance(event.data, OrganisationRegistered)]
    assert [fact for fact in registered if fact.organisation == known] == [
        OrganisationRegistered(known, "Gemeente", OrganisationKind.OTHER)
    ]


def test_two_imports_of_one_file_at_once(somewhere, tmp_path):
    """Two programs that import the same file record each event once, and both succeed."""
    path = tmp_path / "log.csv"
    path.write_text(HEADER + "".join(f"c{n // 3},werk,2024-01-0{n % 3 + 1},o{n % 7}\n" for n in range(3000)))
    with ThreadPoolExecutor(2) as two:
        reports = list(
            two.map(lambda _: import_file(path, MAPPING, RegistrySink(somewhere.registry, somewhere.vault)), range(2))
        )
    events = somewhere.events()
    assert sum(report.events_new for report in reports) == len(events) == len({event.id for event in events})
    assert [report.rows_rejected for report in reports] == [0, 0]
    assert all(report.events_new + report.events_present == len(events) for report in reports)


def test_strict_leaves_the_registry_empty(run, somewhere):
    """With strict, one bad row and nothing is in the log."""
    assert run(SHORT + "c9,werk,soon,A\n", strict=True).rows_rejected == 1
    assert somewhere.events() == []


def test_three_formats_are_one_registry(somewhere, tmp_path):
    """Whichever of OCEL's formats a log comes in first, the registry is the same, and the other two add nothing."""
    mapping = Mapping(
        "jeugd",
        Columns(
            ("Zaak", Step("Zaak", "bevat", inverse=True, via="Hulpvraag")),
            organisation=Step("Medewerker", "door", attribute="afdeling"),
            obstacle="Hulpvraag",
        ),
        roles={"Overdracht": ImportRole.OFFER, "Weigering": ImportRole.REFUSE, "Afsluiting": ImportRole.CLOSE},
    )
    first = import_file(ocel_logs.write(ocel_logs.REFERENCE, tmp_path, "sqlite"), mapping, somewhere.sink)
    events = somewhere.events()
    assert (first.events_new, first.rows_rejected) == (len(events), 0)
    for format_ in ("json", "xml", "sqlite"):
        again = import_file(ocel_logs.write(ocel_logs.REFERENCE, tmp_path, format_), mapping, somewhere.sink)
        assert (again.events_new, again.events_present, again.rows_rejected) == (0, len(events), 0)
    assert somewhere.events() == events


def test_no_event_of_several_obstacles_is_inert(somewhere, tmp_path):
    """Read back from the database, each event of cases with several obstacles has the effect that it was made for."""
    shop = Mapping(
        "shop",
        Columns(
            ("Order", Step("Order", "comprises", inverse=True, via="Item")),
            organisation=Step("Employee", "by", attribute="department"),
            obstacle="Item",
        ),
        roles={"send package": ImportRole.RESOLVE, "pay order": ImportRole.CLOSE},
    )
    import_file(ocel_logs.write(ocel_logs.purchases(80), tmp_path, "json"), shop, somewhere.sink)
    cases: dict[UUID, list[Event]] = {}
    for event in somewhere.events():
        if isinstance(event.data, f.CaseFact):
            cases.setdefault(event.stream, []).append(event)
    assert len(cases) == 80
    for history in cases.values():
        judge, state = Judge(lambda _mark, _moment: False), CaseState()
        assert [judge.advance(state, event) for event in place(history)] == [None] * len(history)


@receipt
def test_no_event_of_the_real_log_is_inert(run, somewhere):
    """Read back from the database, each case's events have the effect that they were made for."""
    run(gzip.decompress(RECEIPT.read_bytes()).decode(), RECEIPT_MAPPING)
    cases: dict[UUID, list[Event]] = {}
    for event in somewhere.events():
        if isinstance(event.data, f.CaseFact):
            cases.setdefault(event.stream, []).append(event)
    assert len(cases) == 1434
    for history in cases.values():
        judge, state = Judge(lambda _mark, _moment: False), CaseState()
        assert [judge.advance(state, event) for event in place(history)] == [None] * len(history)
