"""A witness: sees that logs only ever grow, and says so by cosigning their checkpoints (C2SP tlog-witness).

It remembers of each log the last checkpoint that it cosigned, and cosigns another one only with the proof that this
one begins with that. So no log that it watches can show two histories to people who ask for its cosignature.
"""

import fcntl
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec import Struct

from ..durable import replace
from . import checkpoint as checkpoints
from .checkpoint import SIZE_MAX, Checkpoint, checkpoint_in, of_log
from .merkle import EMPTY_ROOT, HASH_BYTES, verifies_consistency
from .note import Note, NoteError, PrivateKey, PublicKey, from_base64, read_note
from .proof_file import HASHES_MAX

REQUEST_BYTES_MAX: Final = 64 * 1024
"""The largest request: a proof has 63 hashes at most, and checkpoints are some 200 bytes."""

SIZE_TYPE: Final = "text/x.tlog.size"
PLAIN: Final = "text/plain; charset=utf-8"

_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)
_ORIGIN: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Reply(Struct, frozen=True):
    """What a witness answers, as HTTP has it."""

    status: int
    body: bytes
    kind: str = PLAIN


class Witness:
    """Watches ``logs`` under ``key``, and remembers in ``folder``, which must be there."""

    def __init__(self, folder: Path, key: PrivateKey, logs: Sequence[PublicKey]) -> None:
        self._folder = folder
        self._key = key
        self._logs = logs

    def add_checkpoint(self, request: bytes, seconds: int) -> Reply:
        """Answer a request to cosign, at a time in seconds since 1970. Raises ``OSError`` if it cannot remember."""
        try:
            old, proof, note = _read(request)
            found = checkpoint_in(note.text)
        except NoteError as error:
            return _reply(400, str(error))
        log = [key for key in self._logs if key.name == found.origin]
        if not log:
            return _reply(404, f"{found.origin} is no log that is watched here.")
        try:
            signatures = [signature for _, signature in note.signed_by(log)]
        except NoteError as error:
            return _reply(403, str(error))
        if old > found.size:
            return _reply(400, f"A checkpoint of {found.size} entries cannot go on from one of {old}.")
        # One at a time, over all processes: what is compared must still be the last when it is replaced.
        with (self._folder / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return self._judged(old, proof, Note(note.text, tuple(signatures)), found, seconds)

    def _judged(self, old: int, proof: Sequence[bytes], note: Note, found: Checkpoint, seconds: int) -> Reply:
        place = self._place(_id_of(found.origin))
        last = self._last(place, found.origin)
        if old != last.size:
            return Reply(409, f"{last.size}\n".encode(), SIZE_TYPE)
        if not verifies_consistency(last.size, found.size, proof, last.root, found.root):
            return _reply(422, f"The proof does not show that this log begins with its first {last.size} entries.")
        line = self._key.cosign(note.text, seconds)
        signatures = [f"— {each.name} {_joined(each.key_id, each.content)}\n" for each in note.signatures]
        replace(place, f"{note.text}\n{''.join(signatures)}{line}".encode(), self._folder)
        return Reply(200, line.encode())

    def last(self, origin_id: str) -> bytes | None:
        """Return the last cosigned checkpoint of the log whose origin has this SHA-256, in hexadecimal."""
        place = self._place(origin_id) if _ORIGIN.fullmatch(origin_id) else None
        return place.read_bytes() if place is not None and place.exists() else None

    def _place(self, origin_id: str) -> Path:
        return self._folder / f"{origin_id}.checkpoint"

    def _last(self, place: Path, origin: str) -> Checkpoint:
        if not place.exists():
            return Checkpoint(origin, 0, EMPTY_ROOT)
        note = read_note(place.read_bytes())
        note.signed_by([self._key.public])  # nothing else may have come there
        return of_log(note, next(key for key in self._logs if key.name == origin))


def _read(request: bytes) -> tuple[int, list[bytes], Note]:
    """Return the old size, the proof and the note of a request. Raises ``NoteError``."""
    if len(request) > REQUEST_BYTES_MAX:
        raise NoteError("The request is too long.")
    head, _, note = request.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise NoteError("The request must begin with 'old' and a size.") from None
    old = _OLD.fullmatch(first)
    if old is None or int(old[1]) > SIZE_MAX:
        raise NoteError("The request must begin with 'old' and a size.")
    proof = [from_base64(line) for line in lines]
    if len(proof) > HASHES_MAX or any(len(each) != HASH_BYTES for each in proof):
        raise NoteError("The proof holds what is no hash, or too many of them.")
    return int(old[1]), proof, read_note(note)


def _id_of(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()


def _joined(key_id: bytes, content: bytes) -> str:
    return checkpoints.to_base64(key_id + content)


def _reply(status: int, text: str) -> Reply:
    return Reply(status, f"{text}\n".encode())
