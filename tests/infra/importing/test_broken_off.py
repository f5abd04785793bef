"""Imports that are broken off, also by kill -9: gone on with, they end as one that never was."""

import json
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infra.importing import ocel_logs
from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.importing import judging, pipeline
from knelpunt.infra.importing.mapping import read_mapping
from knelpunt.infra.importing.pipeline import ImportReport, import_file
from knelpunt.infra.importing.sink import RegistrySink

PROGRAM = Path(__file__).with_name("import_program.py")
MASTER = bytes(32)
CHUNK = 100

ROWS = """
source = "rows"
[columns]
case = "case"
activity = "activity"
timestamp = "time"
organisation = "who"
"""
# What every import holds: everything but the moment of recording.
EVENTS = (
    "SELECT position, stream_id, version, event_id, topic, occurred_at, state FROM knelpunt.event ORDER BY position"
)


class Halt(Exception):  # noqa: N818 - named for what it is
    """The import is broken off here."""


@pytest.fixture
def mapping_file(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "mapping.toml"
        path.write_text(text, "utf-8")
        return path

    return write


@contextmanager
def sibling(url: str) -> Iterator[str]:
    """Another empty registry, as its database's owner: a copy of the one at a URL."""
    name = f"test_{secrets.token_hex(8)}"
    original = conninfo_to_dict(url)["dbname"]
    admin_url = make_conninfo(url, dbname="postgres")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(str(original)))
        )
    try:
        yield make_conninfo(url, dbname=name)
    finally:
        with psycopg.connect(admin_url, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def written(folder: Path, format_: str) -> tuple[Path, str]:
    """A log of some hundred cases, and the text of its mapping."""
    if format_ in {"xes", "csv"}:
        return folder / f"log.{format_}", ROWS
    return ocel_logs.write(ocel_logs.purchases(120), folder, format_), ocel_logs.SHOP


def rows_log(path: Path) -> None:
    """Write a log of rows, one of which cannot be read, and one of which comes late in its file."""
    lines = ["case,activity,time,who"]
    for number in range(400):
        lines += [f"c{number},a{k},2024-01-0{k + 1},o{(number * 7 + k) % 11}" for k in range(4)]
    lines += ["c7,werk,ooit,o1", "c9,werk,2024-01-01,o1"]
    if path.suffix == ".csv":
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return
    cases: dict[str, list[list[str]]] = {}
    for line in lines[1:]:
        case, *row = line.split(",")
        cases.setdefault(case, []).append(row)
    path.write_text(
        "<log>"
        + "".join(
            f'<trace><string key="case" value="{case}"/>'
            + "".join(
                f'<event><string key="activity" value="{a}"/><date key="time" value="{t}"/>'
                f'<string key="who" value="{w}"/></event>'
                for a, t, w in rows
            )
            + "</trace>\n"
            for case, rows in cases.items()
        )
        + "</log>",
        "utf-8",
    )


def held(url: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        return connection.execute(EVENTS).fetchall()


def remembered(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM knelpunt.import_run").fetchone()
    assert row is not None
    return row[0]


def run(url: str, log: Path, mapping: Path, **options) -> ImportReport:
    with bootstrap(url, MASTER) as parts:
        return import_file(log, read_mapping(mapping), RegistrySink(parts.registry, parts.vault), **options)


def totals(report: ImportReport | dict) -> dict:
    """What a report says of the whole log, however often the import was broken off."""
    told = report if isinstance(report, dict) else {key: getattr(report, key) for key in report.__struct_fields__}
    same = ("cases", "rows_read", "rows_rejected", "parts_left_out")
    reasons = sorted(
        (r["line"], r["reason"]) if isinstance(r, dict) else (r.line, r.reason) for r in told["rejections"]
    )
    return {key: told[key] for key in same} | {"events": told["events_new"] + told["events_present"], "why": reasons}


def start(url: str, log: Path, mapping: Path) -> subprocess.Popen:
    command = [sys.executable, str(PROGRAM), url, MASTER.hex(), str(log), str(mapping), str(CHUNK)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


KILLS = [pytest.param("json", 2, id="json-2")] + [
    pytest.param(format_, 20, id=f"{format_}-20", marks=[pytest.mark.long, pytest.mark.timeout(900)])
    for format_ in ("csv", "xes", "json", "xml", "sqlite")
]


@pytest.mark.parametrize(("format_", "kills"), KILLS)
def test_killed_at_random_moments(registry_url, tmp_path, mapping_file, monkeypatch, format_, kills):
    """kill -9 anywhere, again and again, and then to the end: the same log, event for event, as one never killed."""
    seed = secrets.randbits(32)
    print(f"the moments of seed {seed}")
    moments = random.Random(seed)
    log, text = written(tmp_path, format_)
    if text is ROWS:
        rows_log(log)
    mapping = mapping_file(text)
    monkeypatch.setattr(pipeline, "CHUNK_COMMANDS", CHUNK)
    with sibling(registry_url) as other:
        whole = run(other, log, mapping)
        expected = held(other)
    # The thresholds lie anywhere from before the first event to just before the last.
    for threshold in sorted(moments.randrange(len(expected)) for _ in range(kills)):
        process = start(registry_url, log, mapping)
        with psycopg.connect(registry_url, autocommit=True) as watching:
            while process.poll() is None:
                row = watching.execute("SELECT next_position FROM knelpunt.log_head").fetchone()
                if row is not None and row[0] > threshold:
                    break
                time.sleep(0.001)
        time.sleep(moments.random() * 0.02)
        process.kill()
        process.communicate()
        there = held(registry_url)
        assert there == expected[: len(there)]
    process = start(registry_url, log, mapping)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert totals(json.loads(out)) == totals(whole)
    assert held(registry_url) == expected
    assert remembered(registry_url) == 0


@pytest.fixture
def broken_off(registry_url, tmp_path, mapping_file, monkeypatch):
    """A CSV import that stopped after some chunks: the log, its mapping, and how many cases are done."""
    monkeypatch.setattr(pipeline, "CHUNK_COMMANDS", CHUNK)
    log, mapping = tmp_path / "log.csv", mapping_file(ROWS)
    rows_log(log)

    def stop(stage, done, total):
        if stage is pipeline.Stage.WRITING and done * 2 > total:
            raise Halt

    with pytest.raises(Halt):
        run(registry_url, log, mapping, progress=stop)
    assert remembered(registry_url) == 1
    return log, mapping


def test_what_is_done_is_passed_over(registry_url, broken_off, monkeypatch):
    """The second time, done cases are neither made nor judged again, and the report counts them as present."""
    made: list[str] = []
    rules = judging.events_of_trace
    monkeypatch.setattr(judging, "events_of_trace", lambda trace, *more: made.append(trace.case) or rules(trace, *more))
    told: list[str] = []
    there = len(held(registry_url))
    report = run(registry_url, *broken_off, tell=told.append)
    assert 0 < len(made) < 260
    assert report.cases == 400
    assert report.events_present >= there
    assert report.events_new + report.events_present == len(held(registry_url))
    (sentence,) = told
    assert sentence.startswith("This import was broken off on ")
    assert sentence.endswith("it goes on from there.")
    assert report.notes == (sentence,)
    assert report.rows_rejected == 1
    assert remembered(registry_url) == 0


def test_another_mapping_or_file_begins_at_its_beginning(registry_url, broken_off, tmp_path):
    """What is remembered is of this very file and mapping; anything else is compared case by case, as ever."""
    log, mapping = broken_off
    told: list[str] = []
    longer = tmp_path / "longer.csv"
    longer.write_text(log.read_text() + "c1,later,2024-03-01,o1\n")
    report = run(registry_url, longer, mapping, tell=told.append)
    assert (told, report.cases) == ([], 400)
    assert remembered(registry_url) == 1  # the other one can still be gone on with
    mapping.write_text(ROWS.replace("[columns]", '[columns]\nmissing = ["o1"]'))
    changed = run(registry_url, log, mapping, tell=told.append)
    assert told == []
    assert changed.rows_rejected > 1
    assert changed.rejections[1].reason.endswith("import under another source")


def test_what_could_not_be_recorded_is_told_again(registry_url, tmp_path, mapping_file, monkeypatch):
    """Cases refused before an import was broken off are judged again by the one that goes on, and told by it."""
    monkeypatch.setattr(pipeline, "CHUNK_COMMANDS", CHUNK)
    log, mapping = tmp_path / "log.csv", mapping_file(ROWS)
    log.write_text("case,activity,time,who\nc1,a0,2024-01-01,elsewhere\n")
    run(registry_url, log, mapping)
    rows_log(log)  # here c1 begins in another way
    whole: list[ImportReport] = []
    with sibling(registry_url) as other:
        whole.append(run(other, log, mapping))

    def stop(stage, done, total):
        if stage is pipeline.Stage.WRITING and done * 2 > total:
            raise Halt

    with pytest.raises(Halt):
        run(registry_url, log, mapping, progress=stop)
    again = run(registry_url, log, mapping)
    assert totals(again) == totals(whole[0])
    assert any(rejection.reason.startswith("case 'c1': it was imported before") for rejection in again.rejections)
