"""What stands in an export, in each of its formats; and that it is whole, also when it was broken off."""

import json
import os
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import msgspec
import pyarrow.parquet
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from infra.exporting.given import OIN, OWNER, cases_in, export, log_of, rows, told
from knelpunt.domain.ids import SubjectId
from knelpunt.domain.topics import VERSIONS
from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.ports import Asker
from knelpunt.infra.exporting import reader, unfinished
from knelpunt.infra.exporting.errors import ExportRefusedError
from knelpunt.infra.exporting.export import Format
from knelpunt.infra.logbook.processing import readings
from knelpunt.projections.derivation.answer import answer

SCHEMA = Path(__file__).parents[4] / "shared" / "data" / "ocel_schema_ocel2.json"
XES = "{http://www.xes-standard.org/}"
SEVERAL = [Format.OCEL2, Format.XES, Format.CSV, Format.PARQUET]
TEXTS = [Format.OCEL2, Format.XES, Format.CSV, Format.CLOUDEVENTS]


class Halt(Exception):  # noqa: N818 - named for what it is
    """The export is broken off here."""


def xes_rows(path: Path) -> list[dict[str, str]]:
    """The events of an XES log, each with its trace's name."""
    found = []
    for trace in ET.parse(path).getroot().iter(f"{XES}trace"):
        values = {one.get("key"): one.get("value") for one in trace if one.tag != f"{XES}event"}
        found += [
            {"case": values["concept:name"]} | {one.get("key"): one.get("value") for one in event}
            for event in trace.iter(f"{XES}event")
        ]
    return found


def test_the_same_story_as_the_registry_tells(parts, tmp_path) -> None:
    """Every event that counts stands there, as corrected, in its place; what has no effect says so."""
    report = export(parts, tmp_path / "log.csv", Format.CSV)
    expected = []
    for case, history in sorted(cases_in(parts).items(), key=lambda one: str(one[0])):
        for one in answer(history, datetime.now(UTC)).timeline:
            if not one.event.data.mends and one.struck_by is None:
                at = one.event.occurred_at.isoformat().replace("+00:00", "Z")
                inert = str(one.conflict is not None).lower()
                expected.append((str(case), str(one.event.id), one.event.data.topic, at, inert))
    columns = ("case", "event", "activity", "occurred_at", "inert")
    assert [tuple(row[name] for name in columns) for row in rows(tmp_path / "log.csv")] == expected
    assert report.events == len(expected) > 100
    assert {inert for *_, inert in expected} == {"true", "false"}


def test_all_formats_tell_the_same(parts, tmp_path) -> None:
    """Event for event, the same activity at the same moment by the same organisation, about the same obstacles."""
    for format_ in SEVERAL:
        export(parts, tmp_path / format_, format_)
    table = rows(tmp_path / "csv")
    in_csv = [
        (row["case"], row["event"], row["activity"], row["occurred_at"], row["organisation"], row["to"], row["handoff"])
        for row in table
    ]
    in_xes = [
        (
            *(row["case"], row["identity:id"], row["concept:name"], row["time:timestamp"]),
            *(row.get(key, "") for key in ("org:group", "to", "handoff")),
        )
        for row in xes_rows(tmp_path / "xes")
    ]
    assert in_xes == in_csv
    in_ocel = []
    for event in told(tmp_path / "ocel2")["events"]:
        by = {qualifier: [] for qualifier in ("case", "to", "handoff")}
        for relation in event["relationships"]:
            by.setdefault(relation["qualifier"], []).append(relation["objectId"])
        values = {one["name"]: one["value"] for one in event["attributes"]}
        ((case,), to, handoff) = (by[name] for name in ("case", "to", "handoff"))
        doer = values.get("organisation", "")
        in_ocel.append(
            (case, values["event"], event["type"], event["time"], *("".join(one) for one in (doer, to, handoff)))
        )
    handoffs = {one["id"] for one in told(tmp_path / "ocel2")["objects"] if one["type"] == "handoff"}
    # What is no object, because its offer was struck, is none that an event can name.
    assert in_ocel == [(*row, handoff if handoff in handoffs else "") for *row, handoff in in_csv]
    typed = pyarrow.parquet.read_table(tmp_path / "parquet").to_pylist()
    assert [row["event"] for row in typed] == [row["event"] for row in table]
    assert all(
        one["occurred_at"] == datetime.fromisoformat(row["occurred_at"])
        and one["inert"] is (row["inert"] == "true")
        and one["position"] == int(row["position"])
        and (one["organisation"] or "") == row["organisation"]
        and json.loads(one["fact"]) == json.loads(row["fact"])
        for one, row in zip(typed, table, strict=True)
    )


def test_ocel_is_valid_and_whole(parts, tmp_path) -> None:
    """By the published schema; each relation leads to an object that is there, each value to its declaration."""
    export(parts, tmp_path / "log.json", Format.OCEL2)
    log = told(tmp_path / "log.json")
    objects = {one["id"]: one["type"] for one in log["objects"]}
    assert len(objects) == len(log["objects"])
    assert set(objects.values()) == {"case", "obstacle", "handoff", "organisation", "subject"}
    declared = {one["name"]: {each["name"] for each in one["attributes"]} for one in log["eventTypes"]}
    kinds = {one["name"]: {each["name"] for each in one["attributes"]} for one in log["objectTypes"]}
    for one in log["events"] + log["objects"]:
        assert {relation["objectId"] for relation in one["relationships"]} <= objects.keys()
        names = (declared if "time" in one else kinds)[one["type"]]
        assert {attribute["name"] for attribute in one["attributes"]} <= names
    if not SCHEMA.exists():
        pytest.skip("the published schema lies beside the checkout, which has no such folder here")
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_bytes())).validate(log)


def test_the_official_sdk_parses_every_event(parts, tmp_path) -> None:
    """Every event of the log, in its order, from the source that the profile asks for; no attribute names a case."""
    report = export(parts, tmp_path / "log.jsonl", Format.CLOUDEVENTS)
    log = log_of(parts)
    lines = (tmp_path / "log.jsonl").read_bytes().splitlines()
    assert report.events == len(lines) == len(log)
    cases = {str(case) for case in cases_in(parts)}
    for line, event in zip(lines, log, strict=True):
        parsed = JSONFormat().read(None, line)
        assert isinstance(parsed, CloudEvent)
        assert (parsed.get_id(), parsed.get_source()) == (str(event.id), f"urn:nld:oin:{OIN}:systeem:knelpunt")
        assert parsed.get_type() == f"nl.knelpunt.{event.data.topic}.v{VERSIONS[event.data.topic]}"
        assert parsed.get_time() == event.recorded_at
        assert json.loads(line)["data"] == parsed.get_data()
        assert json.loads(line)["data"]["position"] == event.position
        assert not cases & {str(value) for value in parsed.get_attributes().values()}


def test_an_empty_registry(registry_url, tmp_path) -> None:
    """Of nothing there is a whole file in every format, too."""
    from contextlib import closing

    from knelpunt.infra.bootstrap import bootstrap
    from knelpunt.infra.projecting.projector import Projector

    with closing(Projector(registry_url)) as projector, bootstrap(registry_url, bytes(32)) as empty:
        projector.catch_up()
        for format_ in SEVERAL:
            assert export(empty, tmp_path / format_, format_).events == 0
    assert told(tmp_path / "ocel2")["objects"] == []
    assert xes_rows(tmp_path / "xes") == rows(tmp_path / "csv") == []
    assert pyarrow.parquet.read_table(tmp_path / "parquet").num_rows == 0


@pytest.mark.parametrize("format_", list(Format))
def test_broken_off_anywhere_it_goes_on(parts, tmp_path, monkeypatch, format_) -> None:
    """After every chunk, and while it is put together: the same file, byte for byte, and until then none."""
    monkeypatch.setattr(reader, "CHUNK_EVENTS", 1)
    monkeypatch.setattr(reader, "PAGE_CASES", 4)
    monkeypatch.setattr(reader, "WINDOW", 20)
    whole, out = tmp_path / "whole", tmp_path / "out"
    events = export(parts, whole, format_).events

    said: list[str] = []
    for _ in range(3):
        chunks = iter(range(1))

        def stop(_share: float, chunks=chunks) -> None:
            if next(chunks, None) is None:
                raise Halt

        with pytest.raises(Halt):
            export(parts, out, format_, progress=stop, tell=said.append)
        assert not out.exists()
        # What a kill in the middle of a chunk leaves: more bytes than count.
        with (tmp_path / "out.unfinished" / "part-0").open("ab") as part:
            part.write(b"torn off h")
    monkeypatch.setattr(unfinished.Unfinished, "finish", lambda _: (_ for _ in ()).throw(Halt))
    with pytest.raises(Halt):
        export(parts, out, format_)
    monkeypatch.undo()
    report = export(parts, out, format_, tell=said.append)
    assert len(said) == 3
    assert "goes on from there" in said[-1]
    assert out.read_bytes() == whole.read_bytes()
    assert report.events == events > 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole"]


def test_another_reader_begins_anew(parts, tmp_path, monkeypatch) -> None:
    """What somebody else began, who may have seen more, is thrown away."""
    monkeypatch.setattr(reader, "CHUNK_EVENTS", 1)
    out = tmp_path / "log.csv"

    def stop(_share: float) -> None:
        raise Halt

    with pytest.raises(Halt):
        export(parts, out, Format.CSV, progress=stop)
    said: list[str] = []
    nobody = Asker("urn:org:nobody", Role.AGENCY, "clerk")
    assert export(parts, out, Format.CSV, nobody, tell=said.append).events == 0
    assert (rows(out), said) == ([], [])


def test_nobody_else_writes_to_it(parts, tmp_path) -> None:
    """Two exports to one file at a time would tear it; the second says so, and so does one to what is no file."""
    with unfinished.unfinished(tmp_path / "log.csv"), pytest.raises(ExportRefusedError, match="Another export"):
        export(parts, tmp_path / "log.csv", Format.CSV)
    with pytest.raises(ExportRefusedError, match="is a folder"):
        export(parts, tmp_path, Format.CSV)
    (tmp_path / "link").symlink_to(tmp_path / "log.csv")
    os.mkfifo(tmp_path / "pipe")
    for no_file in (tmp_path / "link", tmp_path / "pipe"):
        with pytest.raises(ExportRefusedError, match="a link or a device"):
            export(parts, no_file, Format.CSV)
    with pytest.raises(ExportRefusedError, match="not there"):
        export(parts, tmp_path / "nowhere" / "log.csv", Format.CSV)


def test_only_its_owner_may_read_the_file(parts, tmp_path) -> None:
    """Who exports decides who else may have it."""
    export(parts, tmp_path / "log.csv", Format.CSV)
    assert (tmp_path / "log.csv").stat().st_mode & 0o777 == 0o600


def test_it_is_on_record_of_whom_it_is_before_it_is_written(parts, tmp_path, monkeypatch) -> None:
    """One record for each person in it; where none can be written, nothing is."""
    since = datetime.now(UTC)
    asker = msgspec.structs.replace(OWNER, user="exporter")
    export(parts, tmp_path / "log.csv", Format.CSV, asker)
    found = readings(parts.vault_url, parts.vault, since=since, most=1000, actor="exporter")
    subjects: set[SubjectId] = {
        subject
        for history in cases_in(parts).values()
        for event in history
        for subject in getattr(event.data, "subjects", ())
    }
    assert subjects <= {record.subject for record in found}
    assert {record.name for record in found} == {"export"}

    def fails(*_) -> None:
        raise Halt

    monkeypatch.setattr(parts.processing, "note", fails)
    with pytest.raises(Halt):
        export(parts, tmp_path / "other.csv", Format.CSV)
    assert (tmp_path / "other.csv.unfinished" / "part-0").stat().st_size == 0


def test_no_subject_stands_in_any(parts, tmp_path) -> None:
    """Nobody is named in an export, not even by pseudonym, and no text stands in it, sealed or not."""
    history = [event for one in cases_in(parts).values() for event in one]
    subjects = {str(one) for event in history for one in getattr(event.data, "subjects", ())}
    assert subjects
    for format_ in TEXTS:
        export(parts, tmp_path / format_, format_)
        content = (tmp_path / format_).read_text("utf-8")
        assert not {one for one in subjects if one in content}
        assert "box" not in content
