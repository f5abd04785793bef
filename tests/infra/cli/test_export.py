"""``knelpunt export``: as whom, what it says, and what becomes of it when it is killed."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from infra.cli.conftest import CommandLine, InThisProcess
from infra.exporting.given import rows, told

FORMATS = ("ocel2", "xes", "csv", "parquet", "cloudevents")


def test_each_format(demo_here: InThisProcess, tmp_path: Path) -> None:
    """The demo's thirteen cases, in every format; nothing on stdout but what it did."""
    for name in FORMATS:
        said = demo_here.done("export", "--format", name, tmp_path / name)
        assert said.startswith("Wrote ")
        assert str(tmp_path / name) in said
        assert ("13 cases" in said) is (name != "cloudevents")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FORMATS)
    noted = demo_here.done("logbook", "security")
    assert all(f"export {name}" in noted for name in FORMATS)
    assert {row["reference"] for row in rows(tmp_path / "csv")} >= {"DEMO-9TXC", "DEMO-3VQ8"}
    lines = (tmp_path / "cloudevents").read_text("utf-8").splitlines()
    assert [json.loads(line)["data"]["position"] for line in lines] == list(range(len(lines)))


def test_as_whom(demo_here: InThisProcess, tmp_path: Path) -> None:
    """With a token of an agency it holds the cases of that agency alone, and its file is replaced as a whole."""
    out = tmp_path / "log.json"
    demo_here.done("export", "--format", "ocel2", out)
    every = {one["id"] for one in told(out)["objects"] if one["type"] == "case"}
    token = demo_here.done("token", "--role", "AGENCY", "--organisation", "urn:knelpunt:demo:kredietbank").strip()
    demo_here.done("export", "--format", "ocel2", out, KNELPUNT_TOKEN=token)
    some = {one["id"] for one in told(out)["objects"] if one["type"] == "case"}
    assert 0 < len(some) < len(every) == 13
    assert some < every
    refused = demo_here.fails("export", "--format", "csv", out, KNELPUNT_TOKEN="no token")
    assert "token" in refused


def test_wrong_usage_is_said(demo_here: InThisProcess, tmp_path: Path) -> None:
    """A format that there is not, none at all, and a place where no file can be."""
    assert "'xml' is not one of" in demo_here.fails("export", "--format", "xml", tmp_path / "log", status=2)
    assert "Missing option '--format'" in demo_here.fails("export", tmp_path / "log", status=2)
    assert "is a folder" in demo_here.fails("export", "--format", "csv", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_on_a_server_somebody_must_ask(fresh_here: InThisProcess, tmp_path: Path) -> None:
    """Nobody is the owner of a server's files."""
    assert "Say who acts" in fresh_here.fails("export", "--format", "csv", tmp_path / "log.csv")


@pytest.mark.parametrize(
    "stop",
    [pytest.param(signal.SIGKILL, id="kill"), pytest.param(signal.SIGINT, id="interrupt", marks=pytest.mark.long)],
)
def test_killed_in_the_middle(demo: CommandLine, tmp_path: Path, stop: signal.Signals) -> None:
    """The file of before stays whole until the new one is; given again, it is the same as one that was never killed."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    demo.done("export", "--format", "xes", whole)
    out.write_text("of before")
    process = demo.start("export", "--format", "xes", out)
    deadline = time.monotonic() + 50
    while not (tmp_path / "out.unfinished" / "part-0").exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    os.kill(process.pid, stop)
    process.communicate()
    assert out.read_bytes() in {b"of before", whole.read_bytes()}
    demo.done("export", "--format", "xes", out)
    assert out.read_bytes() == whole.read_bytes()
    assert not (tmp_path / "out.unfinished").exists()
