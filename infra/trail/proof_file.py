"""Proof files: that one entry stands in a log, in a file that is checked without asking anybody (C2SP tlog-proof).

A proof file holds the entry's index, the hashes up to the root, and the signed checkpoint, but not the entry: whoever
checks it has that, or gets it in the line ``extra``, which nothing vouches for but the proof itself.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from .checkpoint import SIZE_MAX
from .merkle import HASH_BYTES
from .note import NoteError, from_base64, to_base64

HEADER: Final = "c2sp.org/tlog-proof@v1"
SUFFIX: Final = ".tlog-proof"
HASHES_MAX: Final = 63


class Proof(Struct, frozen=True):
    """The proof for the entry at ``index``, its sibling first; ``checkpoint`` is a signed note, not verified yet."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def write_proof(proof: Proof) -> bytes:
    """Return a proof as the bytes of a proof file."""
    extra = [] if proof.extra is None else [f"extra {to_base64(proof.extra)}"]
    lines = [HEADER, *extra, f"index {proof.index}", *map(to_base64, proof.hashes), ""]
    return "".join(f"{line}\n" for line in lines).encode() + proof.checkpoint


def read_proof(content: bytes) -> Proof:
    """Return the proof that a proof file holds. Raises ``NoteError``; nothing is verified by it."""
    head, parted, checkpoint = content.partition(b"\n\n")
    try:
        lines = head.decode().split("\n")
    except UnicodeDecodeError:
        raise NoteError("The proof is not text in UTF-8.") from None
    if lines[0] != HEADER or not parted:
        raise NoteError("This is no proof file.")
    rest = lines[1:]
    extra = None
    if rest and rest[0].startswith("extra "):
        extra = from_base64(rest.pop(0).removeprefix("extra "))
    index = rest.pop(0).removeprefix("index ") if rest and rest[0].startswith("index ") else ""
    if not (index.isascii() and index.isdecimal()) or (index[0] == "0" and index != "0") or int(index) > SIZE_MAX:
        raise NoteError("The proof does not say for which entry it is.")
    return Proof(int(index), _hashes(rest), checkpoint, extra)


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    hashes = tuple(map(from_base64, lines))
    if len(hashes) > HASHES_MAX or any(len(each) != HASH_BYTES for each in hashes):
        raise NoteError("The proof holds what is no hash, or too many of them.")
    return hashes
