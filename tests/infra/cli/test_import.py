"""knelpunt import, as people use it: counts, rejected rows, again and in part, and interrupted."""

import gzip
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import msgspec
import psycopg
import pytest

from infra.cli.conftest import CommandLine, InThisProcess
from infra.importing.ocel_logs import REFERENCE, write

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "docs" / "examples"
LOGS = ROOT.parent / "shared" / "data"

RECEIPT = """
source = "receipt"
[columns]
case = "case:concept:name"
activity = "concept:name"
timestamp = "time:timestamp"
organisation = "org:group"
missing = ["EMPTY"]
"""


def counts(text: str) -> dict[str, int]:
    """The counts that an import prints."""
    return {line[:16].strip(): int(line[16:].replace(",", "")) for line in text.splitlines()}


def test_an_import_says_what_it_did_and_adds_nothing_twice(fresh: CommandLine, fresh_here: InThisProcess) -> None:
    """The example of the documentation."""
    example = ("import", EXAMPLES / "helpdesk.csv", "--mapping", EXAMPLES / "helpdesk.toml")
    first = counts(fresh.done(*example))
    assert first == {"rows read": 7, "rows rejected": 0, "cases": 2, "events new": 19, "events present": 0}
    assert counts(fresh_here.done(*example)) == first | {"events new": 0, "events present": 19}


def test_rejected_rows_are_named_and_strict_takes_none(fresh_here: InThisProcess, tmp_path: Path) -> None:
    """File, line and reason on stderr; with --strict status 1 and nothing recorded."""
    log = tmp_path / "log.csv"
    text = (EXAMPLES / "helpdesk.csv").read_text("utf-8")
    log.write_text(text + text.splitlines()[1].replace("2024", "20x4") + "\n", "utf-8")
    strict = fresh_here.run("import", log, "--mapping", EXAMPLES / "helpdesk.toml", "--strict")
    assert strict.returncode == 1
    assert counts(strict.stdout)["events new"] == 0
    assert f"{log}:9: " in strict.stderr
    assert "Nothing was imported" in strict.stderr
    easy = fresh_here.run("import", log, "--mapping", EXAMPLES / "helpdesk.toml")
    assert easy.returncode == 0
    assert counts(easy.stdout) == {
        "rows read": 8,
        "rows rejected": 1,
        "cases": 2,
        "events new": 19,
        "events present": 0,
    }
    assert f"{log}:9: " in easy.stderr


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("log.csv", b"", "the file is empty"),
        ("log.csv", b"a;b\n1;2\n", "column"),
        ("log.xes", b"<log><trace>", "malformed or cut short"),
        ("log.xes.gz", gzip.compress(b"<log></log>", mtime=0)[:-6], "ends too early"),
        ("log.txt", b"x", "its name does not say what it is"),
    ],
)
def test_a_malformed_file_is_one_sentence(
    fresh_here: InThisProcess, tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    """Which file, and what is the matter with it."""
    log = tmp_path / name
    log.write_bytes(content)
    sentence = fresh_here.fails("import", log, "--mapping", EXAMPLES / "helpdesk.toml")
    assert str(log) in sentence
    assert says in sentence


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"source = ", "is not TOML"), (b"\xff", "UTF-8"), (b'source = "x"\n', "columns"), (None, "cannot be read")],
)
def test_an_unreadable_mapping_is_one_sentence(
    fresh_here: InThisProcess, tmp_path: Path, content: bytes | None, says: str
) -> None:
    """Which file, and what is the matter with it."""
    mapping = tmp_path / "mapping.toml"
    if content is not None:
        mapping.write_bytes(content)
    sentence = fresh_here.fails("import", EXAMPLES / "helpdesk.csv", "--mapping", mapping)
    assert str(mapping) in sentence
    assert says in sentence


HELD = """
SELECT pg_advisory_lock(7);
CREATE FUNCTION public.wait_unless_first() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF (SELECT count(*) FROM knelpunt.event) > (SELECT count(*) FROM added) THEN
        PERFORM pg_advisory_xact_lock_shared(7);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER held AFTER INSERT ON knelpunt.event REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION public.wait_unless_first();
"""
"""Lets the first chunk of an import through, and none after it: however busy the machine is, there is more to come."""


def test_an_interrupted_import_is_gone_on_with(fresh: CommandLine, fresh_here: InThisProcess, tmp_path: Path) -> None:
    """Ctrl-C leaves whole cases; the same command then records the rest, and together they are the whole."""
    if not LOGS.is_dir():
        pytest.skip("the logs of ../shared are not there")
    mapping = tmp_path / "receipt.toml"
    mapping.write_text(RECEIPT, "utf-8")
    url = fresh.settings["KNELPUNT_DATABASE_URL"]
    command = ("import", LOGS / "receipt.csv.gz", "--mapping", mapping)
    with psycopg.connect(url, autocommit=True) as watching:
        watching.execute(HELD)
        running = fresh.start(*command)
        while running.poll() is None and events(watching) == 0:
            time.sleep(0.005)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
        assert running.returncode == 1, out + err
        assert "Interrupted" in err
        assert "Traceback" not in err
        part = events(watching)
        watching.execute("SELECT pg_advisory_unlock(7)")
        whole = counts(fresh_here.done(*command))
        assert whole["cases"] == 1_434
        assert whole["events present"] > 0
        assert events(watching) == part + whole["events new"]


def test_an_import_that_was_killed_is_gone_on_with(
    fresh: CommandLine, fresh_here: InThisProcess, tmp_path: Path
) -> None:
    """kill -9, and the same command says where it goes on from, passes over what is there and records the rest."""
    mapping, log = tmp_path / "log.toml", tmp_path / "log.csv"
    mapping.write_text('source = "x"\n[columns]\ncase = "c"\nactivity = "a"\ntimestamp = "t"\norganisation = "o"\n')
    rows = (f"c{n},work,2024-01-0{k},o{(n + k) % 5}" for n in range(2500) for k in (1, 2, 3))
    log.write_text("c,a,t,o\n" + "\n".join(rows) + "\n")
    command = ("import", log, "--mapping", mapping)
    with psycopg.connect(fresh.settings["KNELPUNT_DATABASE_URL"], autocommit=True) as watching:
        watching.execute(HELD)
        running = fresh.start(*command)
        while running.poll() is None and events(watching) == 0:
            time.sleep(0.005)
        running.kill()
        running.communicate(timeout=60)
        watching.execute("SELECT pg_advisory_unlock(7)")
        part = events(watching)
        again = fresh_here.run(*command)
        told = counts(again.stdout)
        assert again.returncode == 0, again.stderr
        assert told["cases"] == 2_500
        assert events(watching) == part + told["events new"] == told["events present"] + told["events new"]
    assert part > 0
    assert "This import was broken off on " in again.stderr
    assert "it goes on from there." in again.stderr


@pytest.mark.parametrize("format_", ["json", "sqlite"])
def test_an_ocel_log_is_imported(fresh_here: InThisProcess, tmp_path: Path, format_: str) -> None:
    """The example of the documentation, in two formats; what is left out is counted and named without a line."""
    first = msgspec.structs.replace(
        REFERENCE.events[0], relations=[*REFERENCE.events[0].relations, ("zoek", "bijlage")]
    )
    path = write(msgspec.structs.replace(REFERENCE, events=[first, *REFERENCE.events[1:]]), tmp_path, format_)
    done = fresh_here.run("import", path, "--mapping", EXAMPLES / "jeugd.toml")
    assert done.returncode == 0, done.stderr
    told = counts(done.stdout)
    assert (told["rows read"], told["parts left out"], told["cases"]) == (10, 1, 2)
    text = "" if format_ == "sqlite" else path.read_text("utf-8")
    line = next((f":{number}" for number, content in enumerate(text.splitlines(), 1) if '"e1"' in content), "")
    assert f"{path}{line}: event 'e1': it names object 'zoek', which the log does not hold" in done.stderr


def events(connection: psycopg.Connection) -> int:
    """How many events there are."""
    row = connection.execute("SELECT next_position FROM knelpunt.log_head").fetchone()
    assert row is not None
    return row[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_one_sentence_and_loses_nothing(open_folder: Path) -> None:
    """An import that fills the disk says so; with room made, the same command goes on."""
    if not LOGS.is_dir():
        pytest.skip("the logs of ../shared are not there")
    disk = open_folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        small = InThisProcess({"KNELPUNT_DATA_DIR": str(disk / "data")})
        mapping = open_folder / "receipt.toml"
        mapping.write_text(RECEIPT, "utf-8")
        small.done("migrate")
        with (disk / "filling").open("wb") as filling:
            left = shutil.disk_usage(disk).free - (4 << 20)
            filling.write(bytes(left))
        command = ("import", LOGS / "receipt.csv.gz", "--mapping", mapping)
        assert "is full: free some space" in small.fails(*command)
        (disk / "filling").unlink()
        whole = counts(small.done(*command))
        assert whole["cases"] == 1_434
        assert whole["rows rejected"] == 0
    finally:
        subprocess.run(["umount", disk], check=True)
