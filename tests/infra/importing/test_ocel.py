"""OCEL 2.0: the three formats of one log are one log, and what of it cannot be used is told in the same words."""

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import msgspec
import pytest

from infra.importing.ocel_logs import (
    EVER,
    REFERENCE,
    SHOP,
    Happening,
    Log,
    Thing,
    as_json,
    as_xml,
    purchases,
    table_of,
    write,
)
from knelpunt.domain.case import facts as f
from knelpunt.domain.organisation.facts import OrganisationRegistered
from knelpunt.infra.importing.errors import ImportRefusedError
from knelpunt.infra.importing.mapping import ImportRole, Mapping, read_mapping
from knelpunt.infra.importing.ocel import json as ocel_json
from knelpunt.infra.importing.ocel import log as ocel_log
from knelpunt.infra.importing.ocel import routes
from knelpunt.infra.importing.pipeline import ImportReport, Stage, import_file

from .conftest import NOW, Collected

FORMATS = ("json", "xml", "sqlite")
EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"

HELP = (EXAMPLES / "jeugd.toml").read_text("utf-8")

LINK = """
source = "link"
[columns]
case = "Zaak"
organisation = { type = "Team", qualifier = "door" }
"""


@pytest.fixture
def mapping_of(tmp_path):
    """Read a mapping from its text."""

    def read(text: str) -> Mapping:
        path = tmp_path / "mapping.toml"
        path.write_text(text, "utf-8")
        return read_mapping(path)

    return read


@pytest.fixture
def run(tmp_path, mapping_of):
    """Import a log in one format; return the report and what became of it."""

    def do(log: Log, format_: str, mapping: str, sink: Collected | None = None, **options):
        path = write(log, tmp_path, format_)
        collected = sink or Collected()
        return import_file(path, mapping_of(mapping), collected, now=NOW, **options), collected

    return do


def small(*events: Happening, things: list[Thing] | None = None, **more) -> Log:
    """A log of two cases and two teams."""
    there = [Thing("z1", "Zaak"), Thing("z2", "Zaak"), Thing("t1", "Team"), Thing("t2", "Team")]
    types = {"Zaak": {}, "Team": {}} | more.get("object_types", {})
    return Log({"Werk": more.get("event_attributes", {})}, types, there + (things or []), list(events))


def work(id_: str, time: str | None = "2024-01-01T00:00:00Z", *relations: tuple[str, str], **values) -> Happening:
    return Happening(id_, "Werk", time, list(relations) or [("z1", "over"), ("t1", "door")], values)


def reasons(report: ImportReport) -> list[str]:
    return sorted(rejection.reason for rejection in report.rejections)


@pytest.mark.parametrize(
    ("log", "mapping"), [(REFERENCE, HELP), (purchases(150), SHOP)], ids=["reference", "purchases"]
)
def test_three_formats_are_one_log(run, log, mapping):
    """JSON, XML and SQLite of one log lead to the same commands with the same ids, in the same order."""
    (first, json_), (second, xml), (third, sqlite) = (run(log, format_, mapping) for format_ in FORMATS)
    assert first.rows_rejected == first.parts_left_out == 0
    assert first.events_new > 20
    assert list(json_.commands.values()) == list(xml.commands.values()) == list(sqlite.commands.values())
    assert msgspec.structs.replace(first, rejections=()) == msgspec.structs.replace(second, rejections=())
    assert msgspec.structs.replace(first, rejections=()) == msgspec.structs.replace(third, rejections=())


def test_the_reference_becomes_what_it_tells(run):
    """Events become facts as the log's story goes, which was worked out by hand."""
    report, collected = run(REFERENCE, "json", HELP)
    assert (report.cases, report.rows_read) == (2, 10)
    facts = [(command.occurred_at.day, type(command.data).__name__) for command in collected.commands.values()]
    assert facts[3:] == [
        *((8, "CaseOpened"), (8, "ObstacleReported"), (8, "StepTaken")),  # e1: debts, at the counter
        *((9, "ObstacleReported"), (9, "StepTaken")),  # e2: housing, at the counter, where m2 works by then
        (5, "HandoffOffered"),  # e3: debts, to the department that the event names as its target
        (12, "HandoffRefused"),  # e4: by that department
        *((20, "HandoffOffered"), (20, "HandoffAccepted")),  # e5: debts, by m2, who works there by now
        (20, "StepTaken"),  # e6: housing, at the counter
        *((1, "HandoffOffered"), (1, "HandoffAccepted"), (1, "StepTaken")),  # e9: the counter takes debts back; housing
        *((1, "StepTaken"), (1, "ObstacleResolved")),  # e10: housing
        # e12 names no obstacle: debts alone are open, go over to m2's department, and are resolved.
        *((20, "HandoffOffered"), (20, "HandoffAccepted"), (20, "ObstacleResolved"), (20, "CaseClosed")),
        *((2, "CaseOpened"), (2, "ObstacleReported"), (2, "StepTaken")),  # e11: the other case
    ]
    names = {c.data.name for c in collected.commands.values() if isinstance(c.data, OrganisationRegistered)}
    assert names == {"jeugd", "Loket", "Schuldhulp"}


def test_values_are_read_as_of_the_event(run):
    """A member of staff who changes departments acts for the old one before that moment and for the new one at it."""
    log = small(
        work("e1", "2024-02-14T23:59:59Z", ("z1", "over"), ("m", "door")),
        work("e2", "2024-02-15T00:00:00Z", ("z1", "over"), ("m", "door")),
        things=[Thing("m", "Staf", [("team", "2024-02-15T00:00:00Z", "nieuw"), ("team", EVER, "oud")])],
        object_types={"Staf": {"team": "string"}},
    )
    mapping = LINK.replace('type = "Team", qualifier = "door"', 'type = "Staf", attribute = "team"')
    for format_ in FORMATS:
        _, collected = run(log, format_, mapping)
        actors = [c.actor.organisation for c in collected.commands.values() if isinstance(c.data, f.StepTaken)]
        received = [c.data.received_by for c in collected.commands.values() if isinstance(c.data, f.ObstacleReported)]
        accepted = [c.actor.organisation for c in collected.commands.values() if isinstance(c.data, f.HandoffAccepted)]
        assert (actors, received, accepted) == (
            ["urn:knelpunt:link:oud"],
            ["urn:knelpunt:link:oud"],
            ["urn:knelpunt:link:nieuw"],
        )


def test_a_value_before_its_first_time_is_missing(run):
    """Before an attribute has any value, and after it was taken away, nobody is known to have acted."""
    log = small(
        work("e1", "2024-01-01T00:00:00Z", ("z1", "over"), ("m", "door")),
        work("e2", "2024-03-01T00:00:00Z", ("z2", "over"), ("m", "door")),
        things=[Thing("m", "Staf", [("team", "2024-02-01T00:00:00Z", "even"), ("team", "2024-02-02T00:00:00Z", None)])],
        object_types={"Staf": {"team": "string"}},
    )
    mapping = LINK.replace('type = "Team", qualifier = "door"', 'type = "Staf", attribute = "team"')
    for format_ in FORMATS:
        _, collected = run(log, format_, mapping)
        received = [c.data.received_by for c in collected.commands.values() if isinstance(c.data, f.ObstacleReported)]
        assert received == [None, None]


@pytest.mark.parametrize(
    ("kind", "value", "becomes"),
    [
        ("string", "007", "007"),
        ("string", "true", "true"),
        ("integer", 12, "12"),
        ("float", 2.0, "2"),
        ("float", 0.125, "0.125"),
        ("boolean", True, "true"),
        ("boolean", False, "false"),
        ("time", "2024-01-01T10:00:00Z", "2024-01-01T10%3A00%3A00%2B00%3A00"),
    ],
)
def test_values_of_every_type_are_alike_in_every_format(run, kind, value, becomes):
    """A number, a truth or a moment is the same value whether JSON, XML or SQLite wrote it."""
    log = small(work("e1", afdeling=value), event_attributes={"afdeling": kind})
    mapping = LINK.replace('type = "Team", qualifier = "door"', 'attribute = "afdeling"')
    for format_ in FORMATS:
        _, collected = run(log, format_, mapping)
        actors = {command.actor.organisation for command in collected.commands.values()}
        assert f"urn:knelpunt:link:{becomes}" in actors, format_


def test_activity_and_timestamp_can_be_attributes(run):
    """Where the mapping names them, they are read from the event's own attributes instead of its type and time."""
    log = small(
        work("e1", "2024-05-05T00:00:00Z", wat="dicht", wanneer="2024-01-02T03:04:05Z"),
        event_attributes={"wat": "string", "wanneer": "time"},
    )
    mapping = LINK.replace("[columns]", '[columns]\nactivity = "wat"\ntimestamp = "wanneer"')
    mapping += '[roles]\n"dicht" = "close"\n'
    results = [list(run(log, format_, mapping)[1].commands.values()) for format_ in FORMATS]
    assert results[0] == results[1] == results[2]
    assert type(results[0][-1].data) is f.CaseClosed
    assert results[0][-1].occurred_at.isoformat() == "2024-01-02T03:04:05+00:00"


def test_an_event_of_several_cases_is_one_in_each(run):
    """It counts once in each, and an obstacle goes to the case that it is related to."""
    log = small(
        work("e1", "2024-01-01T00:00:00Z", ("z1", "over"), ("z2", "over"), ("h1", "over"), ("h2", "over")),
        things=[Thing("h1", "Vraag", [], [("z1", "in")]), Thing("h2", "Vraag", [], [("z2", "in")])],
        object_types={"Vraag": {}},
    )
    mapping = LINK.replace('case = "Zaak"', 'case = "Zaak"\nobstacle = "Vraag"')
    for format_ in FORMATS:
        report, collected = run(log, format_, mapping)
        reported = [(c.stream, c.data.obstacle) for c in collected.commands.values() if hasattr(c.data, "received_by")]
        assert (report.cases, report.rows_read) == (2, 2)
        assert len(set(reported)) == len(reported) == 2


def test_an_obstacle_that_is_in_none_of_several_cases(run):
    """Nothing is guessed: the event is rejected."""
    log = small(
        work("e1", "2024-01-01T00:00:00Z", ("z1", "over"), ("z2", "over"), ("h1", "over")),
        things=[Thing("h1", "Vraag")],
        object_types={"Vraag": {}},
    )
    report, _ = run(log, "json", LINK.replace('case = "Zaak"', 'case = "Zaak"\nobstacle = "Vraag"'))
    assert reasons(report) == ["event 'e1': it is about 2 cases, and obstacle 'h1' is related to none"]
    assert (report.rows_read, report.rows_rejected, report.events_new) == (1, 1, 0)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (work("e1", None), "event 'e1': there is no moment"),
        (work("e1", "binnenkort"), "event 'e1': 'binnenkort' is no moment of the form"),
        (work("e1", "2034-01-01T00:00:00Z"), "in the future"),
        (work("e1", "2024-01-01T00:00:00Z", ("t1", "door")), "event 'e1': it leads to no case in 'Zaak'"),
        (
            work("e1", "2024-01-01T00:00:00Z", ("weg", "over")),
            "event 'e1': it leads to no case in 'Zaak' (it names 'weg', which the log does not hold)",
        ),
        (
            work("e1", "2024-01-01T00:00:00Z", ("z1", "over"), ("t1", "door"), ("t2", "door")),
            "event 'e1': it leads to several organisations, 't1' and 't2': a qualifier could tell who acted",
        ),
        (Happening("e1", "", "2024-01-01T00:00:00Z", [("z1", "over")]), "event 'e1': there is no activity"),
        (Happening("e1", "W" * 300, "2024-01-01T00:00:00Z", [("z1", "over")]), "the activity is longer than 255"),
    ],
)
def test_an_event_that_cannot_be_used_is_rejected(run, format_, event, reason):
    """Each with one sentence and counted, the same in every format; the others are imported."""
    log = small(event, work("e2"))
    log.event_types[event.type] = {}
    report, _ = run(log, format_, LINK)
    (said,) = reasons(report)
    assert reason in said
    assert (report.cases, report.rows_read, report.rows_rejected, report.parts_left_out) == (1, 2, 1, 0)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (
            small(work("e1", "2024-01-01T00:00:00Z", ("z1", "over"), ("weg", "bijlage"))),
            "event 'e1': it names object 'weg', which the log does not hold; this relation was left out",
        ),
        (
            small(work("e1"), things=[Thing("v", "Zaak", [], [("weg", "hoort bij")])]),
            "object 'v' names object 'weg', which the log does not hold; left out",
        ),
        (
            small(
                work("e1", "2024-01-01T00:00:00Z", ("z1", "over"), ("s", "door")),
                things=[Thing("s", "Staf", [("team", EVER, "A"), ("team", "gisteren", "B")])],
                object_types={"Staf": {"team": "string"}},
            ),
            "object 's': attribute 'team': 'gisteren' is no moment of the form",
        ),
        (
            small(
                work("e1"),
                things=[
                    Thing("s", "Staf", [("team", "2024-01-02T00:00:00Z", "A"), ("team", "2024-01-02T00:00:00Z", "B")])
                ],
                object_types={"Staf": {"team": "string"}},
            ),
            "object 's': attribute 'team' has another value of the same time before it; this one was left out",
        ),
    ],
    ids=["event names nothing", "object names nothing", "no moment", "two values"],
)
def test_what_is_left_out_of_a_log_is_told(run, format_, log, reason):
    """A dangling reference or an unusable value costs nothing else; strict takes none of it."""
    mapping = LINK
    if "Staf" in log.object_types:
        mapping = LINK.replace('type = "Team", qualifier = "door"', 'type = "Staf", attribute = "team"')
    report, _ = run(log, format_, mapping)
    (said,) = reasons(report)
    assert reason in said
    assert (report.cases, report.rows_read, report.rows_rejected, report.parts_left_out) == (1, 1, 0, 1)
    strict, collected = run(log, format_, mapping, strict=True)
    assert (strict.cases, strict.events_new, strict.parts_left_out) == (0, 0, 1)
    assert not collected.commands


@pytest.mark.parametrize("format_", ["json", "xml"])
def test_ids_stand_once(run, format_):
    """A second event of one id is rejected, and a second object left out: nothing says which of them is meant."""
    log = small(work("e1"), work("e1", "2024-02-01T00:00:00Z"), things=[Thing("z1", "Team"), Thing("", "Team")])
    report, _ = run(log, format_, LINK)
    assert reasons(report) == [
        "event 'e1': there is another of this id before it",
        "object '': there is no id; it was left out",
        "object 'z1': there is another of this id before it; it was left out",
    ]
    assert (report.rows_read, report.rows_rejected, report.parts_left_out) == (2, 1, 2)


@pytest.mark.parametrize("format_", FORMATS)
def test_declared_types_without_rows(run, format_):
    """A type that the log declares and never uses is no fault; if the mapping asks for it, that is noted."""
    log = small(work("e1"), object_types={"Vraag": {}, "Leeg": {}})
    log.event_types["Nooit"] = {}
    report, _ = run(log, format_, LINK)
    assert (report.rows_rejected, report.parts_left_out, report.notes) == (0, 0, ())
    asked, _ = run(log, format_, LINK.replace("qualifier", 'via = { type = "Leeg", qualifier = "niets" }, qualifier'))
    assert asked.notes == (
        "The log declares the object type 'Leeg' (organisation) and holds no object of it.",
        "No relation in the log has the qualifier 'niets' (organisation).",
    )
    assert asked.cases == 1


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('case = "Zaak"', 'case = "Zaka"', "there is no object type 'Zaka', which the mapping names for case"),
        ('type = "Team", qualifier', 'type = "Team", attribute = "naam", qualifier', "have no attribute 'naam'"),
        ('type = "Team", qualifier = "door"', 'attribute = "wie"', "no event has an attribute 'wie'"),
    ],
)
def test_a_mapping_of_something_else_is_refused(run, format_, old, new, said):
    """A misspelt type or attribute is refused with what there is, before anything is written."""
    assert old in LINK
    with pytest.raises(ImportRefusedError, match=said):
        run(small(work("e1")), format_, LINK.replace(old, new))


@pytest.mark.parametrize("format_", FORMATS)
def test_a_part_and_then_the_whole(run, format_):
    """A log of the first half, the whole, and the whole again: the same ids as at once, and nothing twice."""
    log = purchases(60)
    events = sorted(log.events, key=lambda event: str(event.time))
    part = msgspec.structs.replace(log, events=events[: len(events) // 2])
    at_once, whole = run(log, format_, SHOP)
    first, collected = run(part, format_, SHOP)
    second, _ = run(log, format_, SHOP, collected)
    again, _ = run(log, format_, SHOP, collected)
    assert 0 < first.events_new < at_once.events_new
    assert second.events_present == first.events_new
    assert (again.events_new, again.events_present) == (0, at_once.events_new)
    assert collected.commands == whole.commands


def test_the_order_of_the_file_does_not_matter(run):
    """Objects may stand before or after the events that name them, and events in any order."""
    log = purchases(40)
    turned = Log(log.event_types, log.object_types, log.things[::-1], log.events[::-1])
    assert list(run(turned, "xml", SHOP)[1].commands.values()) == list(run(log, "json", SHOP)[1].commands.values())


def test_keys_in_any_order(tmp_path, mapping_of, run):
    """The arrays of a JSON log may come in any order, with other keys among them."""
    content = json.loads(as_json(REFERENCE))
    turned = {"events": content["events"], "extra": [{"x": [1, 2]}], **{k: content[k] for k in reversed(content)}}
    path = tmp_path / "turned.json"
    path.write_text("\ufeff" + json.dumps(turned), "utf-8")
    collected = Collected()
    import_file(path, mapping_of(HELP), collected, now=NOW)
    assert collected.commands == run(REFERENCE, "json", HELP)[1].commands


@pytest.mark.parametrize("format_", ["json", "xml"])
def test_compressed(tmp_path, mapping_of, run, format_):
    """A compressed file reads as the plain one, under either of the names in use."""
    content = as_json(REFERENCE) if format_ == "json" else as_xml(REFERENCE)
    for name in (f"log.{format_}.gz", f"log.{format_}ocel"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
        collected = Collected()
        import_file(path, mapping_of(HELP), collected, now=NOW)
        assert collected.commands == run(REFERENCE, format_, HELP)[1].commands


def test_a_small_window_reads_the_same(run, monkeypatch):
    """Wherever the window on a JSON file ends, in a number, a text or between, the log is the same; lines are right."""
    log = msgspec.structs.replace(REFERENCE, events=[*REFERENCE.events, work("x", "ooit")])
    report, whole = run(log, "json", HELP)
    for chars in (1, 7, 64, 1000):
        monkeypatch.setattr(ocel_json, "WINDOW_CHARS", chars)
        again, windowed = run(log, "json", HELP)
        assert windowed.commands == whole.commands
        assert again == report


def test_line_numbers(run):
    """A rejected event is told with the line on which it begins; a database has none."""
    log = small(work("e1"), work("e2", None))
    for format_, text in (("xml", as_xml(log)), ("json", as_json(log))):
        (line,) = (number for number, content in enumerate(text.splitlines(), 1) if '"e2"' in content)
        assert run(log, format_, LINK)[0].rejections[0].line == line
    assert run(log, "sqlite", LINK)[0].rejections[0].line == 0


def test_progress_is_told(run):
    """Reading, finding the objects and writing each reach their end."""
    for format_ in FORMATS:
        seen: dict[Stage, tuple[int, int]] = {}
        run(
            purchases(30),
            format_,
            SHOP,
            progress=lambda stage, done, total, seen=seen: seen.update({stage: (done, total)}),
        )
        assert set(seen) == {Stage.READING, Stage.RELATING, Stage.WRITING}
        assert all(done == total > 0 for done, total in seen.values()), (format_, seen)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", "", "the file is empty"),
        ("a.json", "[]", "the file is not a JSON object"),
        ("a.json", '{"events": []}', "is JSON but not OCEL 2.0: it has no eventTypes and no objectTypes"),
        ("a.json", '{"ocel:events": {}, "ocel:objects": {}}', "is OCEL 1.0"),
        ("a.json", '{"events": {}}', "'events' is not an array"),
        ("a.json", '{"events": [3]}', "each of 'events' is a JSON object"),
        ("a.json", '{"events": [{"id": NaN}]}', "NaN is no number of JSON"),
        ("a.json", '{"x":\n[{"a": ', "line 2: the JSON is malformed or cut short"),
        ("a.json", '{"events": [] "objects": []}', None),
        ("a.json", '{"x": 1} {}', "something follows the end"),
        ("a.json", '{"x": ' + "[" * 200_000, "nested too deeply"),
        ("a.json", b'{"x": "\xff\xfe"}', "is not UTF-8"),
        ("a.xml", "", "the file is empty"),
        ("a.xml", "<html/>", "its outermost element is 'html', not 'log'"),
        ("a.xml", "<log><trace/></log>", "is XES, not OCEL"),
        ("a.xml", "<log><events/></log>", "is XML but not OCEL 2.0: it has no <event-types> and no <object-types>"),
        ("a.xml", "<log><events>", "malformed or cut short"),
        ("a.xml", '<!DOCTYPE log [<!ENTITY a "b">]><log/>', "document type declaration (DOCTYPE), which OCEL has not"),
        ("a.sqlite", "", "the file is empty"),
        ("a.sqlite", "SQLite format 2", "is not a SQLite database"),
        ("a.sqlite", b"SQLite format 3\0" + b"x" * 4096, "the database cannot be read"),
        ("a.sqlite.gz", gzip.compress(b"x", mtime=0), "is not a SQLite database"),
    ],
)
def test_files_that_are_no_log(tmp_path, mapping_of, collected, name, content, said):
    """Each is refused in one sentence with its name, and nothing is recorded."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ImportRefusedError) as refused:
        import_file(path, mapping_of(LINK), collected, now=NOW)
    assert str(path) in str(refused.value)
    assert (said or "") in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not collected.commands


def test_an_element_without_end_is_refused(tmp_path, mapping_of, collected, monkeypatch):
    """One event that would fill the memory is refused instead of read."""
    monkeypatch.setattr(ocel_json, "ELEMENT_CHARS_MAX", 100_000)
    path = tmp_path / "long.json"
    path.write_text('{"events": [{"id": "' + "x" * 1_000_000 + '"}]}')
    with pytest.raises(ImportRefusedError, match="malformed or longer than 100000 characters"):
        import_file(path, mapping_of(LINK), collected, now=NOW)


def test_a_route_to_too_many_objects_is_rejected(run, monkeypatch):
    """An event that would be in half of all cases is rejected, and the others go on."""
    monkeypatch.setattr(routes, "OBJECTS_MAX", 1)
    report, _ = run(small(work("e1", "2024-01-01T00:00:00Z", ("z1", "over"), ("z2", "over")), work("e2")), "json", LINK)
    assert reasons(report) == ["event 'e1': it leads to more than 1 objects, on the way to type 'Zaak'"]
    assert report.cases == 1


def test_odd_texts(run):
    """Quotation marks, angle brackets, half a surrogate pair and other scripts survive in ids, types and qualifiers."""
    odd = "Za\"ak <&> '; DROP TABLE event; -- é 案"
    log = Log(
        {'We"rk': {'at"t': "string"}},
        {odd: {}, "Team": {}},
        [Thing(odd, odd), Thing('t"1', "Team")],
        [Happening('e"1', 'We"rk', "2024-01-01T00:00:00Z", [(odd, odd), ('t"1', 'do"or')], {'at"t': "<x>"})],
    )
    mapping = f'source = "odd"\n[columns]\ncase = {json.dumps(odd, ensure_ascii=False)}\n'
    mapping += 'organisation = { type = "Team", qualifier = "do\\"or" }\n'
    results = [run(log, format_, mapping) for format_ in FORMATS]
    assert [report.cases for report, _ in results] == [1, 1, 1]
    assert results[0][1].commands == results[1][1].commands == results[2][1].commands


def test_half_a_surrogate_pair(tmp_path, mapping_of, collected):
    """What JSON can write and no text can hold does not break an import off."""
    path = tmp_path / "lone.json"
    path.write_text(as_json(small(work("e1"))).replace('"t1"', '"t\\ud800"'))
    assert import_file(path, mapping_of(LINK), collected, now=NOW).cases == 1


class TestSqlite:
    """What only a database can hold."""

    @pytest.fixture
    def database(self, tmp_path) -> Path:
        return write(small(work("e1"), work("e2", "2024-02-01T00:00:00Z")), tmp_path, "sqlite")

    def altered(self, database: Path, *statements: str) -> Path:
        with closing(sqlite3.connect(database)) as connection:
            for statement in statements:
                connection.executescript(statement)
        return database

    def test_the_file_is_left_as_it_is(self, database, mapping_of, collected):
        """It is opened read-only: neither it nor the folder changes."""
        before, beside = database.read_bytes(), sorted(database.parent.iterdir())
        database.chmod(0o444)
        assert import_file(database, mapping_of(LINK), collected, now=NOW).cases == 1
        assert database.read_bytes() == before
        assert set(database.parent.iterdir()) - set(beside) <= {database.parent / "mapping.toml"}

    def test_a_view_is_not_run(self, database, mapping_of, collected):
        """A view that never ends stands where a table should; it is not looked at."""
        endless = (
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS ocel_id, x AS ocel_type FROM n"
        )
        self.altered(database, "DROP TABLE event;", f"CREATE VIEW event AS {endless};")
        with pytest.raises(ImportRefusedError, match="it has no table 'event'"):
            import_file(database, mapping_of(LINK), collected, now=NOW)

    def test_a_missing_column_is_named(self, database, mapping_of, collected):
        """A table of the standard without one of its columns is refused."""
        self.altered(
            database, "DROP TABLE object_object;", "CREATE TABLE object_object (ocel_source_id, ocel_target_id);"
        )
        with pytest.raises(ImportRefusedError, match="its table 'object_object' has no column 'ocel_qualifier'"):
            import_file(database, mapping_of(LINK), collected, now=NOW)

    def test_types_that_share_a_table_are_refused(self, database, mapping_of, collected):
        """A table is read once, whatever a file says: a thousand types of one table would be a thousand readings."""
        self.altered(database, "INSERT INTO event_map_type VALUES ('Ander', 'Werk');")
        with pytest.raises(ImportRefusedError, match="several types have their rows in one table, 'event_Werk'"):
            import_file(database, mapping_of(LINK), collected, now=NOW)

    def test_names_of_tables_are_quoted(self, database, mapping_of, collected):
        """A type whose table is named like a statement is read, and nothing of it is executed."""
        odd = 'x" ; DROP TABLE event; --'
        quoted = odd.replace('"', '""')
        self.altered(
            database,
            f'ALTER TABLE event_{table_of("Werk")} RENAME TO "event_{quoted}";',
            f"UPDATE event_map_type SET ocel_type_map = '{odd}';",
        )
        assert import_file(database, mapping_of(LINK), collected, now=NOW).rows_rejected == 0

    def test_rows_that_nothing_registers_are_told(self, database, mapping_of, collected):
        """Rows about events or objects that the log does not hold, and relations of them, are left out with a word."""
        self.altered(
            database,
            "INSERT INTO event_Werk VALUES ('e9', '2024-01-01 00:00:00');",
            "INSERT INTO object_Team VALUES ('t9', '1970-01-01 00:00:00', NULL);",
            "INSERT INTO event_object VALUES ('e8', 't1', 'door');",
            "INSERT INTO object_object VALUES ('t8', 't1', 'bij');",
            "INSERT INTO event VALUES ('e7', 'Werk');",
        )
        report = import_file(database, mapping_of(LINK), collected, now=NOW)
        assert (report.rows_read, report.rows_rejected, report.parts_left_out) == (3, 1, 4)
        told = " ".join(reasons(report))
        for id_ in ("'e9'", "'t9'", "'e8'", "'t8'", "'e7': there is no moment"):
            assert id_ in told

    def test_a_database_that_is_being_written_is_refused(self, database, mapping_of, collected):
        """What another program has not brought into the file is not missed silently."""
        with closing(sqlite3.connect(database)) as writer:
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("INSERT INTO event VALUES ('e5', 'Werk')")
            writer.commit()
            with pytest.raises(ImportRefusedError, match="another program has not finished writing it"):
                import_file(database, mapping_of(LINK), collected, now=NOW)
        assert import_file(database, mapping_of(LINK), collected, now=NOW).rows_read == 3

    def test_a_damaged_page_is_one_sentence(self, tmp_path, mapping_of, collected):
        """A file that was damaged on its way is refused, and nothing is recorded."""
        path = write(purchases(200), tmp_path, "sqlite")
        content = bytearray(path.read_bytes())
        content[len(content) // 3 : len(content) * 2 // 3] = b"\xaa" * (len(content) * 2 // 3 - len(content) // 3)
        path.write_bytes(content)
        with pytest.raises(ImportRefusedError, match="the database cannot be read"):
            import_file(path, mapping_of(SHOP), collected, now=NOW)
        assert not collected.commands


@pytest.mark.parametrize("format_", FORMATS)
def test_damage_is_read_or_refused(tmp_path, mapping_of, format_):
    """Whatever happened to a file on its way, it is read, with what cannot be told, or refused in one line."""
    random = Random(7)
    path = write(REFERENCE, tmp_path, format_)
    whole, mapping = path.read_bytes(), mapping_of(HELP)
    refusals: list[str] = []
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(random.choice([1, 1, 3])):
            at = random.randrange(len(damaged))
            sign = random.choice([b"", b'"', b"{", b"<", b"\0", b"\xd2", b"-1e999"])
            damaged[at : at + random.choice([0, 1, 40])] = sign
        path.write_bytes(damaged)
        try:
            import_file(path, mapping, Collected(), now=NOW)
        except ImportRefusedError as refused:
            refusals.append(str(refused))
    assert 10 < len(refusals) < 60
    assert all(sentence.startswith(str(path)) and "\n" not in sentence for sentence in refusals)


def test_a_full_disk_is_one_sentence(run, monkeypatch):
    """When the temporary tables cannot grow, the import is refused with what to look at."""

    class Full(ocel_log.ObjectLog):
        def add_named(self, *_relation) -> None:
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("knelpunt.infra.importing.ocel.reading.ObjectLog", Full)
    with pytest.raises(ImportRefusedError, match="is the disk full"):
        run(small(work("e1")), "json", LINK)


def test_mapped_roles_are_those_of_types(mapping_of):
    """The mapping of these tests says what its text says."""
    assert mapping_of(HELP).roles["Afsluiting"] is ImportRole.CLOSE
