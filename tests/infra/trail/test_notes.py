"""Notes, checkpoints, cosignatures, proof files and policies: the published vectors, and what must be refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.trail.vectors import LEAVES
from knelpunt.infra.trail import checkpoint as checkpoints
from knelpunt.infra.trail import merkle
from knelpunt.infra.trail.checkpoint import Checkpoint, checkpoint_in
from knelpunt.infra.trail.note import (
    COSIGNATURE,
    ED25519,
    NoteError,
    from_base64,
    new_key,
    private_key,
    public_key,
    read_note,
    signed,
)
from knelpunt.infra.trail.policy import PolicyError, policy_of_log, read_policy
from knelpunt.infra.trail.proof_file import Proof, read_proof, write_proof

GO_KEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
LOG_PUBLIC = "registry.example/events+a2d4878e+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
WITNESS_PUBLIC = "witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
SIGNED = (
    "registry.example/events\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n"
    "— registry.example/events otSHjjti/f2j8P4alk4Zr+xyQYvcPgXuAo5DE2SLQ+mO8C6GqgSQtJgL7QeNjagOf540N1Lw"
    "/zKQUSKkI2nyGvWk6w4=\n"
)
COSIGNED_BY = (
    "— witness.example/w1 519lMgAAAABpVbkAugr7EI1j9A1aZBKyk0dl3BfZ9c6oih1Upz7RhkNo5U4TYUmeuCjZjPH8myiEkjhKkAd+NhgXi"
    "KxRzAFJdXtdCA==\n"
)
NOTE = (SIGNED + COSIGNED_BY).encode()
WITNESS = new_key("witness.example/w1", COSIGNATURE, bytes(range(32)))
LOG = new_key("registry.example/events", ED25519, private_key(GO_KEY).seed)
PROOF = (
    b"c2sp.org/tlog-proof@v1\nindex 5\nvBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=\n"
    b"yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=\n037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=\n\n"
) + NOTE


def test_a_note_of_another_program() -> None:
    """A note signed elsewhere verifies under its key, and not under another text or key."""
    key = public_key("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    line = (
        "— example.com/foo "
        "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    )
    text = "This is an example message.\n"
    assert read_note(signed(text, [line])).signed_by([key])[0][0] == key
    with pytest.raises(NoteError):
        read_note(signed(text.upper(), [line])).signed_by([key])
    with pytest.raises(NoteError):
        read_note(signed(text, [line])).signed_by([public_key(GO_PUBLIC)])


def test_we_sign_as_go_does() -> None:
    """Our signature under Go's example key is Go's, to the byte, and the keys are written alike."""
    key = private_key(GO_KEY)
    assert key.text == GO_KEY
    assert key.public.text == GO_PUBLIC
    assert key.line(GO_TEXT) == GO_LINE
    assert GO_KEY.rpartition("+")[2] not in repr(key)


def test_the_checkpoint_of_the_vectors() -> None:
    """The eight leaves under their keys give the published checkpoint and cosignature, to the byte."""
    assert LOG.public.text == LOG_PUBLIC
    assert WITNESS.public.text == WITNESS_PUBLIC
    found = Checkpoint("registry.example/events", 8, from_base64("XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="))
    assert checkpoints.sign(found, LOG) == SIGNED.encode()
    assert checkpoints.with_lines(SIGNED.encode(), [WITNESS.cosign(found.text, 1_767_225_600)]) == NOTE
    assert checkpoints.opened(NOTE, LOG.public) == found
    by = read_note(NOTE).signed_by([WITNESS.public])
    assert [(key, signature.seconds) for key, signature in by] == [(WITNESS.public, 1_767_225_600)]


def test_the_proof_file_of_the_vectors() -> None:
    """The published proof file reads and writes to the byte, and proves its leaf."""
    proof = read_proof(PROOF)
    assert write_proof(proof) == PROOF
    found = checkpoints.opened(proof.checkpoint, LOG.public)
    leaf = merkle.leaf_hash(LEAVES[5])
    assert merkle.verifies_inclusion(proof.index, found.size, leaf, proof.hashes, found.root)
    with_extra = Proof(proof.index, proof.hashes, proof.checkpoint, LEAVES[5])
    assert read_proof(write_proof(with_extra)) == with_extra


@given(st.integers(0, len(NOTE) * 8 - 1))
def test_no_flipped_bit_in_a_note_passes(bit) -> None:
    """A checkpoint with any bit flipped is refused by a policy that wants both signatures."""
    policy = read_policy(f"log {LOG_PUBLIC}\nwitness w1 {WITNESS_PUBLIC}\nquorum w1\n".encode())
    assert policy.opened(NOTE).size == 8
    changed = bytearray(NOTE)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NoteError):
        policy.opened(bytes(changed))


@pytest.mark.parametrize(
    "note",
    [
        SIGNED.replace("\n\n", "\n"),
        SIGNED.removesuffix("\n"),
        SIGNED.replace("— ", "- "),
        SIGNED.replace("w4=\n", "w4\n"),
        SIGNED.replace("w4=\n", "w5=\n"),
        SIGNED.replace("\n8\n", "\n8\r\n"),
        SIGNED + "\n",
        SIGNED + SIGNED.splitlines(keepends=True)[-1] * 64,
        "\n\n",
        "",
    ],
    ids=lambda note: f"{len(note)}",
)
def test_notes_that_are_none(note) -> None:
    """What is not written as a note must be is refused, however right its signature."""
    with pytest.raises(NoteError):
        checkpoints.opened(note.encode(), LOG.public)


def test_a_note_that_is_no_text() -> None:
    """Bytes that are not UTF-8 are refused with a sentence."""
    with pytest.raises(NoteError):
        read_note(b"\xff\n\n" + SIGNED.encode())


def test_unknown_signatures_are_passed_over() -> None:
    """Signatures of others do no harm, even under one of our names; the wrong signature of a known key does."""
    stranger = new_key(LOG.name, ED25519, bytes(32)).line("something else\n")
    assert checkpoints.opened(SIGNED.encode() + stranger.encode(), LOG.public).size == 8
    wrong = LOG.line("something else\n")
    with pytest.raises(NoteError):
        checkpoints.opened(SIGNED.replace(SIGNED.splitlines(keepends=True)[-1], wrong).encode(), LOG.public)


@pytest.mark.parametrize(
    "text",
    [
        "a\n08\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n",
        "a\n+8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n",
        "a\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg\n",
        "a\n8\nAAAA\n",
        "a\n8\n",
        "\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n",
        "a\n99999999999999999999\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n",
    ],
)
def test_texts_that_are_no_checkpoint(text) -> None:
    """A checkpoint has an origin, a size without leading zeros and a root of 32 bytes."""
    with pytest.raises(NoteError):
        checkpoint_in(text)


def test_a_checkpoint_of_another_log() -> None:
    """A checkpoint that the key signs for another origin does not count."""
    other = Checkpoint("registry.example/other", 0, merkle.EMPTY_ROOT)
    with pytest.raises(NoteError):
        checkpoints.opened(checkpoints.sign(other, LOG), LOG.public)


@pytest.mark.parametrize(
    "text",
    [
        GO_PUBLIC.replace("c74f20a3", "c74f20a4"),
        GO_PUBLIC.replace("Peter", "Poter"),
        GO_PUBLIC.replace("PeterNeumann", "Peter Neumann"),
        GO_PUBLIC + "AA",
        "PeterNeumann",
        "",
    ],
)
def test_keys_that_are_none(text) -> None:
    """A key whose id is not its own, or that has no proper name, is refused."""
    with pytest.raises(NoteError):
        public_key(text)
    with pytest.raises(NoteError):
        private_key(text)


def test_a_quorum_of_groups() -> None:
    """Groups count their members, by number, any or all, and may hold groups."""
    others = [new_key(f"w{number}.example", COSIGNATURE, bytes([number] * 32)) for number in range(3)]
    names = "".join(f"witness w{number} {key.public.text}\n" for number, key in enumerate(others))
    text = checkpoints.opened(NOTE, LOG.public).text

    def counts(rule: str, *by: int) -> bool:
        policy = read_policy(f"# who watches\nlog {LOG_PUBLIC}\n{names}{rule}\n".encode())
        try:
            policy.opened(checkpoints.with_lines(NOTE, [others[number].cosign(text, 1) for number in by]))
        except NoteError:
            return False
        return True

    two = "group g 2 w0 w1 w2\nquorum g"
    assert [counts(two, *by) for by in ((), (0,), (0, 2), (0, 1, 2))] == [False, False, True, True]
    assert counts("group g all w0 w1\nquorum g", 0, 1)
    assert not counts("group g all w0 w1\nquorum g", 0, 2)
    nested = "group g any w0 w1\ngroup h all g w2\nquorum h"
    assert counts(nested, 1, 2)
    assert not counts(nested, 0, 1)
    assert counts("quorum none")


@pytest.mark.parametrize(
    "policy",
    [
        f"log {LOG_PUBLIC}\n",
        f"log {LOG_PUBLIC}\nquorum none",
        f"log {LOG_PUBLIC}\nquorum w\n",
        f"log {LOG_PUBLIC}\nquorum none\nquorum none\n",
        f"log {WITNESS_PUBLIC}\nquorum none\n",
        f"witness w {LOG_PUBLIC}\nquorum none\n",
        f"witness w {WITNESS_PUBLIC}\nwitness w {WITNESS_PUBLIC}\nquorum w\n",
        f"witness none {WITNESS_PUBLIC}\nquorum none\n",
        f"group g 1 w\nwitness w {WITNESS_PUBLIC}\nquorum g\n",
        f"witness w {WITNESS_PUBLIC}\ngroup g 2 w\nquorum g\n",
        f"witness w {WITNESS_PUBLIC}\ngroup g 0 w\nquorum g\n",
        f"witness w {WITNESS_PUBLIC}\ngroup g 1\nquorum g\n",
        "lag\nquorum none\n",
        "",
    ],
    ids=range(14),
)
def test_policies_that_are_none(policy) -> None:
    """A policy that leaves something open is refused as a whole."""
    with pytest.raises(PolicyError):
        read_policy(policy.encode())


def test_the_policy_of_a_log_alone() -> None:
    """The policy that comes with a bundle wants the log's own signature and nothing else."""
    assert read_policy(policy_of_log(LOG.public)).opened(NOTE).size == 8
    with pytest.raises(NoteError):
        read_policy(policy_of_log(WITNESS.public).replace(b"log", b"witness w")).opened(NOTE)


@pytest.mark.parametrize(
    "change",
    [
        (b"index 5", b"index 05"),
        (b"index 5", b"index -5"),
        (b"index 5\n", b""),
        (b"tlog-proof@v1", b"tlog-proof@v2"),
        (b"nms=", b"nmt="),
        (b"nms=\n", b"nms=\nAAAA\n"),
        (b"\n\n", b"\n"),
    ],
    ids=range(7),
)
def test_proof_files_that_are_none(change) -> None:
    """A proof file with another header, a wrong index or what is no hash is refused."""
    with pytest.raises(NoteError):
        read_proof(PROOF.replace(change[0], change[1], 1))


def test_the_key_of_the_golden_log() -> None:
    """A key of another's log reads as its own id says."""
    text = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
    assert public_key(text).text == text
