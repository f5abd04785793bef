"""The standard's own example and its best-known log, as published: every format of them leads to the same registry.

They come with the source package of ``ocpa``, a process mining library; where no registry of packages can be reached
these tests are skipped. JSON is not among what it carries, so it is written here from the published SQLite.
"""

import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from infra.importing.conftest import NOW, Collected
from infra.importing.ocel_logs import Happening, Log, Thing, as_json, quoted
from knelpunt.infra.importing.mapping import read_mapping
from knelpunt.infra.importing.pipeline import ImportReport, import_file

PACKAGE = "ocpa==1.3.4 --hash=sha256:ae7aa7ef524ad61fe15142247a619eafedd61f5b44dd35bb8f7a17dcbd7dc873\n"
LOGS = "ocpa-1.3.4/sample_logs/ocel2"
PIP = (sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-input")
# No build isolation: pip asks the package for its name, which needs setuptools and nothing else.
DOWNLOAD = (*PIP, "--no-deps", "--no-build-isolation", "--no-binary=ocpa")
DOWNLOAD_SECONDS_MAX = 60

PURCHASES = """
source = "purchases"
[columns]
case = ["Purchase Order", { type = "Purchase Order", qualifier = "Invoice from PO", inverse = true, via = "Invoice" }]
organisation = ["Invoice", "Purchase Requisition"]
"""

ORDERS = """
source = "orders"
[columns]
case = ["orders", { type = "orders", qualifier = "comprises", inverse = true, via = "items" }]
obstacle = "items"
organisation = [
  { type = "employees", qualifier = "forwarder", attribute = "role" },
  { type = "employees", attribute = "role" },
]
[roles]
"item out of stock" = "refuse"
"payment reminder" = "close"
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the published logs."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "package.txt").write_text(PACKAGE)
    fetched = subprocess.run(
        [*DOWNLOAD, "--dest", folder, "--requirement", folder / "package.txt"],
        capture_output=True,
        text=True,
        check=False,
        timeout=DOWNLOAD_SECONDS_MAX,
    )
    if fetched.returncode:
        pytest.skip(f"the published logs cannot be fetched: {fetched.stderr.strip().splitlines()[-1]}")
    with tarfile.open(folder / "ocpa-1.3.4.tar.gz") as archive:
        archive.extractall(folder, [m for m in archive.getmembers() if m.name.startswith(LOGS)], filter="data")
    return folder / LOGS


def log_in(path: Path) -> Log:
    """A log out of SQLite by the standard's own tables, not by ours."""
    with closing(sqlite3.connect(path)) as database:

        def values(kind: str, type_: str, table: str) -> list[dict]:
            columns = database.execute(f"SELECT * FROM {quoted(f'{kind}_{table}')}")
            names = [column[0] for column in columns.description]
            return [dict(zip(names, row, strict=True)) for row in columns]

        maps = {
            kind: dict(database.execute(f"SELECT ocel_type, ocel_type_map FROM {kind}_map_type"))
            for kind in ("event", "object")
        }
        things = {id_: Thing(id_, type_) for id_, type_ in database.execute("SELECT ocel_id, ocel_type FROM object")}
        happenings = {
            id_: Happening(id_, type_, None) for id_, type_ in database.execute("SELECT ocel_id, ocel_type FROM event")
        }
        for type_, table in maps["event"].items():
            for row in values("event", type_, table):
                event = happenings[row.pop("ocel_id")]
                event.time = row.pop("ocel_time").replace(" ", "T")
                event.values = {name: value for name, value in row.items() if value is not None}
        declared: dict[str, dict[str, str]] = {}
        for type_, table in maps["object"].items():
            declared[type_] = {}
            for row in values("object", type_, table):
                thing, time = things[str(row.pop("ocel_id"))], row.pop("ocel_time").replace(" ", "T")
                changed = row.pop("ocel_changed_field", None)  # which a type whose values never change may lack
                named = {changed} if changed else set(row)
                kept = [(name, time, str(row[name])) for name in sorted(named) if row[name] is not None]
                declared[type_] |= {name: "string" for name, _, _ in kept}
                thing.values = [*thing.values, *kept]
        for event_id, object_id, qualifier in database.execute(
            "SELECT ocel_event_id, ocel_object_id, ocel_qualifier FROM event_object"
        ):
            happenings[event_id].relations = [*happenings[event_id].relations, (str(object_id), qualifier)]
        for source, target, qualifier in database.execute(
            "SELECT ocel_source_id, ocel_target_id, ocel_qualifier FROM object_object"
        ):
            things[str(source)].relations = [*things[str(source)].relations, (str(target), qualifier)]
    types = {type_: {} for type_ in maps["event"]}
    for event in happenings.values():
        types[event.type] |= dict.fromkeys(event.values, "string")
        event.values = {name: str(value) for name, value in event.values.items()}
    return Log(types, declared, list(things.values()), list(happenings.values()))


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Path, str], tuple[ImportReport, list]]:
    """Import a file; the report without its sentences, and what became of it."""

    def do(path: Path, mapping: str) -> tuple[ImportReport, list]:
        (tmp_path / "mapping.toml").write_text(mapping, "utf-8")
        collected = Collected()
        report = import_file(path, read_mapping(tmp_path / "mapping.toml"), collected, now=NOW)
        return msgspec.structs.replace(report, rejections=()), list(collected.commands.values())

    return do


@pytest.mark.parametrize(
    ("xml", "sqlite", "mapping", "cases"),
    [
        ("ocel20_example.xmlocel", "ocel20_example.sqlite", PURCHASES, 2),
        pytest.param("ocel2.xml", "running-example.sqlite", ORDERS, 2_000, marks=pytest.mark.long),
    ],
    ids=["example", "orders"],
)
def test_a_published_log_is_one_in_every_format(
    published: Path, run, tmp_path: Path, xml: str, sqlite: str, mapping: str, cases: int
) -> None:
    """Event for event, with the same ids and in the same order."""
    (tmp_path / "log.json").write_text(as_json(log_in(published / "sqlite" / sqlite)), "utf-8")
    paths = published / "xmlocel" / xml, published / "sqlite" / sqlite, tmp_path / "log.json"
    (first, commands), *others = (run(path, mapping) for path in paths)
    assert first.cases == cases
    assert first.events_new > 5 * cases
    assert [report for report, _ in others] == [first, first]
    assert [told == commands for _, told in others] == [True, True]
