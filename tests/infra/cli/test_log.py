"""knelpunt log: publishing, proving, verifying, bundling and checking, as an operator and an auditor do it."""

import re
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from infra.cli.conftest import CommandLine, InThisProcess
from infra.trail.given import fill


@pytest.fixture
def published(fresh_here: InThisProcess) -> InThisProcess:
    """The command line on a registry of twelve events, on a server that others run, with a checkpoint over them."""
    fill(fresh_here.settings["KNELPUNT_DATABASE_URL"], 12)
    assert "\n12\n" in fresh_here.done("log", "checkpoint")
    token = fresh_here.done("token", "--role", "AUDITOR").strip()
    return InThisProcess(fresh_here.settings | {"KNELPUNT_TOKEN": token})


def test_on_the_demo(demo: CommandLine, demo_here: InThisProcess, tmp_path: Path) -> None:
    """The demo is published when it is loaded; from the checkpoint to the bundle every command does its part."""
    checkpoint = demo.done("log", "checkpoint")
    origin, size, _root, empty, *signatures = checkpoint.splitlines()
    assert origin.startswith("knelpunt/")
    assert int(size) > 300
    assert empty == ""
    assert signatures[0].startswith(f"— {origin} ")
    assert demo_here.done("log", "verify") == f"Verified: {size} entries of {origin}, whole and as signed.\n"
    assert demo_here.done("log", "fsck") == f"All is well: {size} entries, in the files as in the database.\n"
    bundle = tmp_path / "bundle"
    assert f"Wrote {size} entries into {bundle}" in demo_here.done("log", "bundle", bundle)
    names = {path.name for path in bundle.iterdir()}
    assert names == {"checkpoint", "tile", "log.vkey", "policy", "verify.py"}
    key = (bundle / "log.vkey").read_text("utf-8").strip()
    kept = tmp_path / "kept"
    kept.write_text(checkpoint, "utf-8")
    verified = demo_here.done("log", "verify", bundle, "--key", key, "--since", kept)
    assert verified.startswith(f"Verified: {size} entries of {origin}, whole and as signed by {origin}; root ")
    alone = subprocess.run(
        [sys.executable, "-I", "-S", bundle / "verify.py"], capture_output=True, text=True, check=False
    )
    assert alone.stdout.startswith(verified)
    assert "is there already" in demo_here.fails("log", "bundle", bundle)


def test_proofs(published: InThisProcess, tmp_path: Path) -> None:
    """A proof with its entry is verified from the file alone; without it, only with the entry beside it."""
    key = Path(published.settings["KNELPUNT_DATA_DIR"], "trail", "log.vkey").read_text("utf-8").strip()
    proof = tmp_path / "5.tlog-proof"
    proof.write_text(published.done("log", "prove", "5", "--entry"), "utf-8")
    verified = published.done("log", "verify", proof, "--key", key)
    assert re.match(r"Verified: entry 5 of 12 of \S+, signed by ", verified)
    proof.write_text(published.done("log", "prove", "5"), "utf-8")
    outcome = published.run("log", "verify", proof, "--key", key)
    assert (outcome.returncode, outcome.stdout) == (
        1,
        "NOT VERIFIED: The proof does not hold the entry that it is about: give it with --entry.\n",
    )
    assert published.run("log", "verify", proof).returncode == 2
    assert published.run("log", "prove").returncode == 2
    assert "is not among the 12 entries" in published.fails("log", "prove", "12")


def test_entries_are_for_auditors(published: InThisProcess, tmp_path: Path) -> None:
    """Checkpoints and proofs are anybody's; entries only an auditor's, or the owner's on our own database."""
    for role in ("AGENCY", "INVESTIGATOR", "ADMINISTRATOR"):
        token = published.done("token", "--role", role).strip()
        assert published.done("log", "prove", "3", KNELPUNT_TOKEN=token).startswith("c2sp.org/tlog-proof@v1\nindex 3")
        for command in (("log", "prove", "3", "--entry"), ("log", "bundle", tmp_path / "bundle")):
            assert f"in the role {role}" in published.fails(*command, KNELPUNT_TOKEN=token)
            assert "Say who asks" in published.fails(*command, KNELPUNT_TOKEN="")
    assert not (tmp_path / "bundle").exists()
    published.done("log", "bundle", tmp_path / "bundle")


def test_changes_are_told(published: InThisProcess) -> None:
    """Changed events fail the check and stop the publishing, and the doctor says so; changed files fail verifying."""
    url = published.settings["KNELPUNT_DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("UPDATE knelpunt.event SET version = version + 100 WHERE position = 11")
    outcome = published.run("log", "fsck")
    assert outcome.returncode == 1
    assert "The event at position 11 is not the one that was published" in outcome.stdout
    assert "so it is the database that was changed" in outcome.stdout
    assert "position 11 is not the one that was published" in published.fails("log", "checkpoint")
    doctor = published.run("doctor")
    assert doctor.returncode == 1
    assert "!!  trail           The event at position 11" in doctor.stdout
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("UPDATE knelpunt.event SET version = version - 100 WHERE position = 11")
    published.done("log", "checkpoint")
    assert "ok  trail           12 events are published" in published.run("doctor").stdout
    tile = Path(published.settings["KNELPUNT_DATA_DIR"], "trail", "log", "tile", "0", "000.p", "12")
    tile.write_bytes(tile.read_bytes()[::-1])
    assert "are not as they were signed" in published.fails("log", "verify")


def test_before_anything_is_published(fresh_here: InThisProcess, tmp_path: Path) -> None:
    """Each command says how to begin; an empty log is published like any other."""
    auditor = fresh_here.done("token", "--role", "AUDITOR").strip()
    for command in (("prove", "0"), ("verify",), ("bundle", tmp_path / "bundle"), ("fsck",)):
        said = fresh_here.fails("log", *command, KNELPUNT_TOKEN=auditor)
        assert "run knelpunt log checkpoint" in said
    assert "--  trail           nothing is published yet" in fresh_here.run("doctor").stdout
    assert "\n0\n" in fresh_here.done("log", "checkpoint")
    assert "0 entries" in fresh_here.done("log", "fsck")
    assert fresh_here.run("log", "verify", "--since", "x").returncode == 2
    assert fresh_here.run("log").returncode == 2


def test_a_service_that_stopped_publishing(published: InThisProcess) -> None:
    """Events that wait longer than a minute for a checkpoint are worth saying."""
    url = published.settings["KNELPUNT_DATABASE_URL"]
    fill(url, 3)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("UPDATE knelpunt.event SET recorded_at = recorded_at - interval '1 hour' WHERE position > 11")
    assert "!!  trail           3 events are under no checkpoint, the oldest for 1:0" in published.run("doctor").stdout


def test_a_witness_cosigns(published: InThisProcess, tmp_path: Path) -> None:
    """A registry whose policy names a witness publishes with its cosignature; the witness stops when told to."""
    key = Path(published.settings["KNELPUNT_DATA_DIR"], "trail", "log.vkey").read_text("utf-8").strip()
    alone = CommandLine({"KNELPUNT_DATA_DIR": str(tmp_path / "elsewhere")})
    with alone.start("witness", "witness.example/w1", "--log", key, "--port", "0") as witness:
        assert witness.stderr is not None
        name = witness.stderr.readline().split()[1]
        address = witness.stderr.readline().split()[2]
        policy = tmp_path / "policy"
        policy.write_text(f"log {key}\nwitness w1 {name} {address}\nquorum w1\n", "utf-8")
        fill(published.settings["KNELPUNT_DATABASE_URL"], 2)
        checkpoint = published.done("log", "checkpoint", KNELPUNT_LOG_POLICY=str(policy))
        assert checkpoint.splitlines()[5].startswith("— witness.example/w1 ")
        published.done("log", "bundle", tmp_path / "bundle", KNELPUNT_LOG_POLICY=str(policy))
        assert "witness.example/w1; root" in published.done("log", "verify", tmp_path / "bundle")
        witness.terminate()
        assert witness.wait(20) == 0
    (tmp_path / "bundle" / "checkpoint").write_text("\n".join([*checkpoint.splitlines()[:5], ""]), "utf-8")
    outcome = published.run("log", "verify", tmp_path / "bundle")
    assert (outcome.returncode, "lacks cosignatures" in outcome.stdout) == (1, True)
    said = published.fails("log", "checkpoint", KNELPUNT_LOG_POLICY=str(tmp_path / "nowhere"))
    assert "correct KNELPUNT_LOG_POLICY" in said
    assert "is no public key of a log" in alone.fails("witness", "w1", "--log", "key", status=2)
    assert "is no name for a key" in alone.fails("witness", "w 1", "--log", key, "--folder", tmp_path / "another")


def test_a_mirror_copies(published: InThisProcess, tmp_path: Path) -> None:
    """From any web server that has the files, with nothing of the registry at hand but its key."""
    trail = Path(published.settings["KNELPUNT_DATA_DIR"], "trail")
    key = (trail / "log.vkey").read_text("utf-8").strip()
    alone = InThisProcess({"KNELPUNT_DATA_DIR": str(tmp_path / "elsewhere")})
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(trail / "log"))
    ) as files:
        Thread(target=files.serve_forever, daemon=True).start()
        line = ("mirror", f"http://127.0.0.1:{files.server_port}", tmp_path / "copy", "--once", "--key")
        assert alone.done(*line, key, "--entries").startswith("Mirrored: 12 entries of knelpunt/")
        assert "is no public key" in alone.fails(*line, "key", status=2)
        files.shutdown()
    verified = alone.done("log", "verify", tmp_path / "copy" / "log", "--key", key)
    assert verified.startswith("Verified: 12 entries")
    assert "cannot be reached" in alone.fails(*line, key)
