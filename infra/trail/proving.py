"""Proofs from the published files: that an entry stands in the log, and that the log goes on from what it was.

Reads nothing but the folder, so that proving asks nothing of the database that is written to.
"""

from msgspec import Struct

from .checkpoint import Checkpoint, checkpoint_in
from .errors import NotPublished, TrailError
from .folder import TrailFolder
from .merkle import NodeAt, consistency_proof, inclusion_proof, root_hash
from .note import NoteError, read_note
from .proof_file import Proof, write_proof
from .tiles import ENTRIES, WIDTH, entries_in, nodes, tile_at


class Inclusion(Struct, frozen=True):
    """That ``leaf`` stands at ``index`` in the tree of ``size`` entries with this root: the leaf's sibling first."""

    index: int
    size: int
    leaf: bytes
    hashes: tuple[bytes, ...]
    root: bytes


class Consistency(Struct, frozen=True):
    """That the tree of ``new`` entries begins with that of ``old``, by their roots."""

    old: int
    new: int
    hashes: tuple[bytes, ...]
    old_root: bytes
    new_root: bytes


class Prover:
    """Proves what a published checkpoint covers. It keeps to that one, whatever is published meanwhile."""

    def __init__(self, folder: TrailFolder) -> None:
        """Prove by the checkpoint that is published now. Raises ``TrailError``, and ``OSError``."""
        note = folder.checkpoint()
        if note is None:
            raise NotPublished("No checkpoint is published yet: run knelpunt log checkpoint, or knelpunt serve.")
        try:
            found = checkpoint_in(read_note(note).text)
        except NoteError as error:
            raise TrailError(f"The published checkpoint is none ({error}): run knelpunt log fsck.") from error
        self.note: bytes = note
        self.checkpoint: Checkpoint = found
        self._folder = folder
        self._node: NodeAt = nodes(found.size, folder.read)

    def inclusion(self, index: int, size: int | None = None) -> Inclusion:
        """Return the proof for an entry, in the tree of the checkpoint or an earlier one. Raises ``NotPublished``."""
        size = self._published(size)
        if not 0 <= index < size:
            message = f"Position {index} is not among the {size} entries that are published."
            raise NotPublished(message)
        hashes = tuple(inclusion_proof(index, size, self._node))
        return Inclusion(index, size, self._node(0, index), hashes, root_hash(size, self._node))

    def consistency(self, old: int, new: int | None = None) -> Consistency:
        """Return the proof that the log begins with what it was at an earlier size. Raises ``NotPublished``."""
        new = self._published(new)
        if not 0 <= old <= new:
            message = f"The log had {old} entries at no time before it had {new}."
            raise NotPublished(message)
        hashes = tuple(consistency_proof(old, new, self._node))
        return Consistency(old, new, hashes, root_hash(old, self._node), root_hash(new, self._node))

    def entry(self, index: int) -> bytes:
        """Return a published entry. Raises ``NotPublished``."""
        if not 0 <= index < self.checkpoint.size:
            message = f"Position {index} is not among the {self.checkpoint.size} entries that are published."
            raise NotPublished(message)
        tile = tile_at(ENTRIES, index // WIDTH, self.checkpoint.size)
        return entries_in(self._folder.read(tile), tile.width)[index % WIDTH]

    def proof_file(self, index: int, extra: bytes | None = None) -> bytes:
        """Return the proof file of an entry; what is ``extra`` stands in it as it is. Raises ``NotPublished``."""
        return write_proof(Proof(index, self.inclusion(index).hashes, self.note, extra))

    def _published(self, size: int | None) -> int:
        if size is None:
            return self.checkpoint.size
        if not 0 <= size <= self.checkpoint.size:
            message = f"The published log has {self.checkpoint.size} entries, and no tree of {size}."
            raise NotPublished(message)
        return size
