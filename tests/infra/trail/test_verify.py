"""The stand-alone verifier: it accepts what was published, alone and without a network, and nothing else."""

import io
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.trail.given import KEY, TAMPERINGS, Trail, tampered
from infra.trail.slow import SlowLog
from infra.trail.test_notes import LOG_PUBLIC, NOTE, PROOF, WITNESS_PUBLIC
from infra.trail.vectors import LEAVES
from knelpunt.infra.trail import checkpoint as checkpoints
from knelpunt.infra.trail import verify
from knelpunt.infra.trail.bundling import write_bundle
from knelpunt.infra.trail.checkpoint import Checkpoint
from knelpunt.infra.trail.folder import TrailFolder
from knelpunt.infra.trail.note import ED25519, new_key
from knelpunt.infra.trail.policy import policy_of_log
from knelpunt.infra.trail.proof_file import read_proof, write_proof
from knelpunt.infra.trail.publisher import Publisher

SOURCE = Path(verify.__file__)
BITS_AT_ONCE = 2_000
POLICY = policy_of_log(KEY.public)
WITNESSED = f"log {LOG_PUBLIC}\nwitness w1 {WITNESS_PUBLIC}\nquorum w1\n".encode()


def write_log(folder: Path, entries: list[bytes]) -> Path:
    """A bundle as a slow builder makes it."""
    slow = SlowLog(entries)
    signed = checkpoints.sign(Checkpoint(KEY.name, len(entries), slow.mth(0, len(entries))), KEY)
    files = {"checkpoint": signed, "log.vkey": f"{KEY.public.text}\n".encode(), "policy": POLICY}
    for name, content in {**slow.files(len(entries)), **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def own_entries(count: int) -> list[bytes]:
    return [b"%d" % (number * 7919) for number in range(count)]


def test_it_is_one_short_file() -> None:
    """At most 400 lines, with imports from the standard library alone."""
    lines = SOURCE.read_text("utf-8").splitlines()
    assert len(lines) <= 400
    imports = [line.split()[1].partition(".")[0] for line in lines if line.startswith(("import ", "from "))]
    assert imports
    assert set(imports) <= sys.stdlib_module_names


@settings(max_examples=30)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511), st.integers(0, 255))
def test_signatures_are_judged_as_by_cryptography(seed, message, in_signature, in_key) -> None:
    """A signature of the maintained library is right, and wrong with any bit flipped, in it, the key or the message."""
    key = new_key("k", ED25519, seed)
    signature, public = key._key.sign(message), key.public.public
    assert verify.is_signed(public, message, signature)
    assert not verify.is_signed(public, message + b"\0", signature)
    assert not verify.is_signed(public, message, flipped(signature, in_signature))
    assert not verify.is_signed(flipped(public, in_key), message, signature)


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_a_signature_has_one_form() -> None:
    """A signature whose number is larger than it may be, or with bytes behind it, is refused, although it would fit."""
    signature, public = KEY._key.sign(b"message"), KEY.public.public
    scalar = int.from_bytes(signature[32:], "little")
    assert verify.is_signed(public, b"message", signature)
    assert not verify.is_signed(public, b"message", signature[:32] + (scalar + verify.ORDER).to_bytes(32, "little"))
    assert not verify.is_signed(public, b"message", signature + b"\0")
    assert not verify.is_signed(b"\xff" * 32, b"message", signature)


def test_the_proof_of_the_vectors() -> None:
    """The published proof file is verified, with log and witness; not without what its policy asks."""
    found = verify.verify_proof(PROOF, verify.Policy(WITNESSED), LEAVES[5])
    assert found[0] == 5
    assert found[1].by == ("registry.example/events", "witness.example/w1")
    alone = PROOF.replace(NOTE.splitlines(keepends=True)[-1], b"")
    assert verify.verify_proof(alone, verify.Policy(f"log {LOG_PUBLIC}\nquorum none\n".encode()), LEAVES[5])[0] == 5
    with pytest.raises(verify.NotVerified, match="lacks cosignatures"):
        verify.verify_proof(alone, verify.Policy(WITNESSED), LEAVES[5])
    with pytest.raises(verify.NotVerified, match="does not hold the entry"):
        verify.verify_proof(PROOF, verify.Policy(WITNESSED))
    with pytest.raises(verify.NotVerified, match="does not show"):
        verify.verify_proof(PROOF, verify.Policy(WITNESSED), LEAVES[4])


@pytest.mark.parametrize("index", [0, 4, 6, 7, 8, 2**62])
def test_no_proof_for_another_index(index) -> None:
    """The proof of entry 5 proves no other, be it in the tree or not."""
    proof = read_proof(PROOF)
    with pytest.raises(verify.NotVerified):
        verify.verify_proof(
            write_proof(type(proof)(index, proof.hashes, proof.checkpoint)), verify.Policy(WITNESSED), LEAVES[5]
        )


def test_no_trailing_or_missing_hashes() -> None:
    """A proof with a hash more, or less, is none."""
    proof = read_proof(PROOF)
    for hashes in ((*proof.hashes, bytes(32)), proof.hashes[:-1], (*proof.hashes, proof.hashes[-1])):
        with pytest.raises(verify.NotVerified):
            verify.verify_proof(
                write_proof(type(proof)(5, hashes, proof.checkpoint)), verify.Policy(WITNESSED), LEAVES[5]
            )


def test_no_flipped_bit_in_a_proof_passes() -> None:
    """Not one bit of the proof file can change."""
    policy = verify.Policy(WITNESSED)
    rng = random.Random(3)
    for bit in rng.sample(range(len(PROOF) * 8), 150):
        with pytest.raises(verify.NotVerified):
            verify.verify_proof(flipped(PROOF, bit), policy, LEAVES[5])


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 600, pytest.param(65_793, marks=pytest.mark.long)])
def test_bundles_of_many_sizes(tmp_path, size) -> None:
    """What a slow builder makes of entries is verified at each size, and begins with each size before."""
    folder = write_log(tmp_path, own_entries(size))
    policy = verify.Policy(POLICY)
    assert verify.verify_folder(folder, policy).size == size
    slow = SlowLog(own_entries(size))
    for before in {0, 1, size // 2, 256, size} & set(range(size + 1)):
        earlier = checkpoints.sign(Checkpoint(KEY.name, before, slow.mth(0, before)), KEY)
        assert verify.verify_folder(folder, policy, earlier).size == size
    later = checkpoints.sign(Checkpoint(KEY.name, size + 1, slow.mth(0, size)), KEY)
    with pytest.raises(verify.NotVerified, match="cut off"):
        verify.verify_folder(folder, policy, later)


def accepted(folder: Path, name: str, bits: Sequence[int]) -> list[int]:
    """Flip bits of one file of a log, each by itself, in a copy; return those that the verifier accepts."""
    with tempfile.TemporaryDirectory() as place, redirect_stderr(io.StringIO()):
        copy = Path(shutil.copytree(folder, Path(place) / "log"))
        content = (copy / name).read_bytes()
        found: list[int] = []
        for bit in bits:
            (copy / name).write_bytes(flipped(content, bit))
            found += [bit] if verify.main([str(copy)]) != 1 else []
        return found


@pytest.mark.parametrize("share", [0.003, pytest.param(1.0, marks=[pytest.mark.long, pytest.mark.timeout(3600)])])
def test_no_flipped_bit_in_a_log_passes(tmp_path, monkeypatch, share) -> None:
    """In the files of a log of 300 entries, key and policy included, not one bit can change: all 100,432, or some."""
    folder = write_log(tmp_path / "log", own_entries(300))
    # The one signature is judged once, and so are the others that come by.
    monkeypatch.setattr(verify, "is_signed", lru_cache(None)(verify.is_signed))
    assert verify.main([str(folder)]) == 0
    rng = random.Random(5)
    asked: list[tuple[str, Sequence[int]]] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        bits = range(len(path.read_bytes()) * 8)
        tried = bits if share == 1 else rng.sample(bits, max(20, int(len(bits) * share)))
        name = path.relative_to(folder).as_posix()
        asked += [(name, tried[at : at + BITS_AT_ONCE]) for at in range(0, len(tried), BITS_AT_ONCE)]
    assert sum(len(bits) for _, bits in asked) > (100_000 if share == 1 else 150)
    if share < 1:
        assert {name: found for name, bits in asked if (found := accepted(folder, name, bits))} == {}
        return
    # A hundred thousand times a whole log verified is six minutes of one core, so it is every core's work. Processes
    # are forked: what they are to do is in this file, which no import finds by name.
    with ProcessPoolExecutor(mp_context=get_context("fork")) as processes:
        found = processes.map(accepted, *zip(*((folder, name, bits) for name, bits in asked), strict=True))
        assert {name: bits for (name, _), bits in zip(asked, found, strict=True) if bits} == {}


def test_missing_and_exchanged_files(tmp_path) -> None:
    """A file that is missing, empty, or another one is refused."""
    folder = write_log(tmp_path / "log", own_entries(600))
    tiles = sorted((folder / "tile").rglob("*"))
    for path in (path for path in tiles if path.is_file()):
        content = path.read_bytes()
        for change in (b"", content + content[:32], content[:-1]):
            path.write_bytes(change)
            with pytest.raises(verify.NotVerified):
                verify.verify_folder(folder, verify.Policy(POLICY))
        path.unlink()
        with pytest.raises(verify.NotVerified):
            verify.verify_folder(folder, verify.Policy(POLICY))
        path.write_bytes(content)
    first, second = folder / "tile/entries/000", folder / "tile/entries/001"
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    with pytest.raises(verify.NotVerified):
        verify.verify_folder(folder, verify.Policy(POLICY))


def bundled(trail: Trail, folder: TrailFolder, out: Path) -> Path:
    write_bundle(folder, trail.key.public, None, out)
    return out


@pytest.mark.parametrize("how", TAMPERINGS)
def test_an_auditor_with_an_older_checkpoint_finds_it(trail, tmp_path, how) -> None:
    """Who changes the past, and signs all of it anew with the log's own key, is found out by an older checkpoint."""
    kept = tmp_path / "kept"
    kept.write_bytes(trail.grown(10).folder.checkpoint() or b"")
    honest = bundled(trail, trail.grown(5).folder, tmp_path / "honest")
    assert verify.main([str(honest), f"--key={KEY.public.text}", f"--since={kept}"]) == 0
    tampered(trail.url, "DELETE FROM knelpunt.event WHERE position >= 10", TAMPERINGS[how])
    tampered(
        trail.url,
        "UPDATE knelpunt.log_head SET next_position = (SELECT max(position) + 1 FROM knelpunt.event)",
    )
    if how == "inserted":
        # A second event in the place of another cannot be published at all: the other one gives way.
        tampered(
            trail.url,
            "DELETE FROM knelpunt.event WHERE position = 3 AND case_id <> event_id",
            "UPDATE knelpunt.event SET version = version + 100 WHERE position = 3",
        )
    forged = TrailFolder(tmp_path / "forged")
    publishing = Publisher(forged, KEY, trail.url)
    publishing.publish()
    publishing.close()
    bundle = bundled(trail, forged, tmp_path / "bundle")
    assert verify.main([str(bundle), f"--key={KEY.public.text}"]) == 0
    assert verify.main([str(bundle), f"--key={KEY.public.text}", f"--since={kept}"]) == 1


def isolated(*line: str) -> list[str]:
    """A command line without a network, where that is permitted."""
    allowed = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0
    if not allowed:
        pytest.skip("this machine lets nobody cut off the network (unshare -rn)")
    return ["unshare", "-rn", *line]


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed")
def test_without_network_and_without_us(trail, tmp_path) -> None:
    """A bundle of a registry is verified by its own verify.py, with no network and no package installed."""
    trail.grown(300)
    bundle = bundled(trail, trail.folder, tmp_path / "bundle")
    alone = [sys.executable, "-I", "-S"]
    reached = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
    probe = subprocess.run(isolated(*alone, "-c", reached), capture_output=True, text=True, check=False)
    assert "unreachable" in probe.stderr
    ours = subprocess.run([*alone, "-c", "import knelpunt"], capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError" in ours.stderr
    run = subprocess.run(
        isolated(*alone, str(bundle / "verify.py")), capture_output=True, text=True, check=False, cwd="/"
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(f"Verified: 300 entries of {KEY.name}, whole and as signed by {KEY.name}; root ")
    path = bundle / "tile/entries/001.p/44"
    path.write_bytes(path.read_bytes().replace(b"LETTER", b"VISIT", 1))
    run = subprocess.run(
        isolated(*alone, str(bundle / "verify.py")), capture_output=True, text=True, check=False, cwd="/"
    )
    assert (run.returncode, run.stdout) == (
        1,
        "NOT VERIFIED: tile/entries/001.p/44 does not hold 44 whole entries.\n",
    )


@pytest.mark.parametrize(
    "arguments",
    [["--since=x", "proof", "--key=k"], ["proof"], ["--key=k", "--policy=p", "proof"], ["--bogus"]],
    ids=range(4),
)
def test_wrong_usage(arguments, capsys) -> None:
    """What cannot be meant ends with status 2."""
    with pytest.raises(SystemExit) as ended:
        verify.main(arguments)
    assert ended.value.code == 2


def test_the_bundles_key_is_bound_to_its_policy(tmp_path, capsys) -> None:
    """A bundle whose key is not its policy's is refused; with a key of one's own, only what that key signed passes."""
    folder = write_log(tmp_path, own_entries(3))
    assert verify.main([str(folder)]) == 0
    assert "compare log.vkey" in capsys.readouterr().out
    assert verify.main([str(folder), f"--key={KEY.public.text}"]) == 0
    assert "compare log.vkey" not in capsys.readouterr().out
    other = new_key(KEY.name, ED25519, bytes(32)).public.text
    assert verify.main([str(folder), f"--key={other}"]) == 1
    (folder / "log.vkey").write_text(f"{other}\n")
    assert verify.main([str(folder)]) == 1
