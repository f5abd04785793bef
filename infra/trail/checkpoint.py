"""Checkpoints: what a log signs about itself, namely how many entries it has and the root of the tree over them.

The form is C2SP's tlog-checkpoint. Whoever holds one can tell later whether the log still begins as it did then.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from .merkle import HASH_BYTES
from .note import Note, NoteError, PrivateKey, PublicKey, from_base64, read_note, signed, to_base64

SIZE_MAX: Final = 2**63 - 1


class Checkpoint(Struct, frozen=True):
    """The log ``origin`` has ``size`` entries under this root. Other lines are kept, as they are signed too."""

    origin: str
    size: int
    root: bytes
    others: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), to_base64(self.root), *self.others))


def checkpoint_in(text: str) -> Checkpoint:
    """Return the checkpoint that the text of a note holds. Raises ``NoteError``."""
    lines = text.split("\n")[:-1]
    if len(lines) < 3 or not all(lines):  # noqa: PLR2004  origin, size and root
        raise NoteError("The note is no checkpoint: it needs an origin, a size and a root, and no empty line.")
    origin, size, root, *others = lines
    if not (size.isascii() and size.isdecimal()) or (size[0] == "0" and size != "0") or int(size) > SIZE_MAX:
        raise NoteError("The size of the checkpoint is no number of entries.")
    found = from_base64(root)
    if len(found) != HASH_BYTES:
        raise NoteError("The root of the checkpoint is no hash.")
    return Checkpoint(origin, int(size), found, tuple(others))


def sign(checkpoint: Checkpoint, key: PrivateKey) -> bytes:
    """Return a checkpoint signed by the log itself, whose key has the origin's name."""
    return signed(checkpoint.text, [key.line(checkpoint.text)])


def opened(content: bytes, key: PublicKey) -> Checkpoint:
    """Return the checkpoint of a log, once its signature is found right. Raises ``NoteError``."""
    note = read_note(content)
    note.signed_by([key])
    return of_log(note, key)


def of_log(note: Note, key: PublicKey) -> Checkpoint:
    """Return the checkpoint in a note, which must be of the log that has this key. Raises ``NoteError``."""
    found = checkpoint_in(note.text)
    if found.origin != key.name:
        message = f"The checkpoint is of {found.origin} instead of {key.name}."
        raise NoteError(message)
    return found


def with_lines(content: bytes, lines: Sequence[str]) -> bytes:
    """Return a signed checkpoint with further signature lines, such as witnesses' cosignatures."""
    return content + "".join(lines).encode()
