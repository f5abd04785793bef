"""Makes the log from the events, exactly once each, and signs what it has become.

Tiles and bundles are written from the events beyond the last signed checkpoint, and only when all of them are on disk
is the next one signed, remembered, and published. So this may be killed anywhere: it begins again where it last signed,
and finds or writes the same files.

Before each signature the files must show that the new tree begins with the one signed last, and the database must still
hold the events at the seam. If not, nothing is signed any more, while recording goes on.
"""

from collections.abc import Iterator
from datetime import timedelta
from time import monotonic
from typing import Final

import psycopg

from ..store.connection import DatabaseRole, connect_as_registry
from . import checkpoint as checkpoints
from .checkpoint import Checkpoint
from .cosigning import Cosigners
from .entry import EntryError, entry
from .errors import Inconsistent, TileError, TrailError
from .folder import CHECKPOINT, PUBLIC_KEY, SIGNED, TrailFolder
from .merkle import EMPTY_ROOT, consistency_proof, leaf_hash, root_hash, verifies_consistency
from .note import NoteError, PrivateKey
from .tiles import WIDTH, GrowingTree, Tile, nodes

BATCH_EVENTS: Final = 32 * WIDTH
"""Events for one signature at most: what is done again after a kill, half a second of work and some 10 MB."""

PATROL_EVENTS: Final = 2 * WIDTH
"""Events that one look at the older log takes in: some 10 ms."""

PATROL_AGAIN: Final = timedelta(days=1)
"""How often the whole log is looked at: a change to an old event is found by this, at the latest."""

EVENTS: Final = (
    "SELECT position, recorded_at, stream_id, version, topic, topic_version, state FROM knelpunt.event "
    "WHERE position >= %s AND position < %s ORDER BY position, case_id"
)
HEAD: Final = "SELECT next_position FROM knelpunt.log_head"
ORIGIN: Final = "SELECT origin FROM knelpunt.registry"


class Publisher:
    """Writes one trail from one database. Use it from one thread; several programs keep out of each other's way."""

    def __init__(self, folder: TrailFolder, key: PrivateKey, url: str, cosigners: Cosigners | None = None) -> None:
        """Write to ``folder``, signed by ``key``, the events of the registry at ``url``. Connects when first used.

        ``cosigners`` are asked before a checkpoint is published, and do not keep it from being published.
        """
        self._cosigners = cosigners
        self._folder = folder
        self._key = key
        self._url = url
        self._found: psycopg.Connection | None = None
        self._tree = GrowingTree()
        self._signed: Checkpoint | None = None
        self._note: bytes | None = None
        self._compared = 0  # everything below this has been found the same in database and files by this patrol
        self._patrol_due = monotonic()

    @property
    def connection(self) -> psycopg.Connection:
        """The connection to the database, made if there is none. Raises ``psycopg.Error``."""
        if self._found is None or self._found.closed:
            self._found = connect_as_registry(self._url, DatabaseRole.AUDITOR)
        return self._found

    def close(self) -> None:
        """Close the connection; what was published stays."""
        if self._cosigners is not None:
            self._cosigners.close()
        if self._found is not None:
            self._found.close()
            self._found = None

    def publish(self) -> Checkpoint:
        """Publish a checkpoint that covers every event recorded by now, and return it.

        Raises ``TrailError`` if that may not be, and notes it in the folder until all is found right again.
        ``psycopg.Error`` and ``OSError`` leave the older checkpoint standing, too.
        """
        try:
            with self._folder.locked(), _NotingHalts(self._folder):
                self._resume()
                head = self._head()
                if self._folder.halted() is not None:
                    self._compare_all()
                while self._signed is None or self._tree.size < head:
                    self._extend(min(head, self._tree.size + BATCH_EVENTS))
                    self._sign()
                    self._make_public(head)
                self._folder.go_on()
                assert self._signed is not None
                return self._signed
        except BaseException:
            self._note = None  # what is in memory may be ahead of what was signed
            raise

    def patrol(self) -> None:
        """Compare the next few events that were published long ago with their files: all of them once a day.

        Raises ``Inconsistent``, noted in the folder as for ``publish``, and ``psycopg.Error`` and ``OSError``.
        """
        if self._signed is None or monotonic() < self._patrol_due:
            return
        with self._folder.locked(), _NotingHalts(self._folder):
            self._resume()
            size = self._tree.size
            upto = min(size, self._compared + PATROL_EVENTS)
            self._compare(self._compared, upto)
            self._compared = upto
        if upto == size:
            self._compared = 0
            self._patrol_due = monotonic() + PATROL_AGAIN.total_seconds()

    def _resume(self) -> None:
        """Be where the last signature is, which another program may have made meanwhile."""
        content = self._folder.signed()
        if content is None:
            self._tree, self._signed, self._note = GrowingTree(), None, None
            return
        if content != self._note:
            self._begin_from(content)
        if not (self._folder.checkpoint() or b"").startswith(content):
            self._folder.replace(self._folder.public / CHECKPOINT, content)

    def _begin_from(self, content: bytes) -> None:
        try:
            signed = checkpoints.opened(content, self._key.public)
            tree = GrowingTree.resumed(signed.size, self._folder.read)
        except (NoteError, TileError) as error:
            message = f"The log cannot go on from what was signed last ({error}): run knelpunt log fsck."
            raise TrailError(message) from error
        if tree.root() != signed.root:
            raise Inconsistent("The files of the log are not those that were signed: run knelpunt log fsck.")
        self._tree, self._signed, self._note = tree, signed, content
        self._tell_key()
        self._compare((signed.size - 1) // WIDTH * WIDTH if signed.size else 0, signed.size)

    def _head(self) -> int:
        row = self.connection.execute(HEAD).fetchone()
        assert row is not None, "the log's head has one row"
        if row[0] < self._tree.size:
            message = (
                f"The database holds {row[0]} events, and {self._tree.size} were signed: it is not the one that the "
                "log was made from, or lost some; nothing is published until it holds them again (docs/trail.md)."
            )
            raise Inconsistent(message)
        return row[0]

    def _compare(self, first: int, upto: int) -> None:
        """See that the database holds these events as they were published. Raises ``Inconsistent``."""
        node = nodes(self._tree.size, self._folder.read)
        for position, made in zip(range(first, upto), self._entries(first, upto), strict=True):
            if leaf_hash(made) != node(0, position):
                raise _changed(position, "is not the one that was published")

    def _compare_all(self) -> None:
        """See that the database holds all that was published. Raises ``Inconsistent``."""
        for first in range(0, self._tree.size, BATCH_EVENTS):
            self._compare(first, min(self._tree.size, first + BATCH_EVENTS))

    def _extend(self, upto: int) -> None:
        """Write the files of the events up to a position."""
        seam = max(0, self._tree.size - 1)
        if self._tree.size:
            self._compare(seam, self._tree.size)
        files: dict[str, bytes] = {}
        filled: list[Tile] = []
        for made in self._entries(self._tree.size, upto):
            for tile, content in self._tree.append(made):
                files[tile.path] = content
                filled.append(tile)
        files.update((tile.path, content) for tile, content in self._tree.edge())
        self._folder.store(files)
        for tile in filled:
            self._folder.drop_partials(tile)

    def _entries(self, first: int, upto: int) -> Iterator[bytes]:
        """Yield the entries of events, one for each position. Raises ``Inconsistent`` where that cannot be."""
        rows = self.connection.cursor(binary=True).execute(EVENTS, (first, upto), prepare=True).fetchall()
        for expected, (position, *columns) in enumerate(rows, first):
            if position != expected:
                what = "is missing in the database" if position > expected else "is in the database twice"
                raise _changed(min(position, expected), what)
            try:
                yield entry(position, *columns)
            except EntryError as error:
                message = f"{error} Nothing is published until it has its entry: is this program older than the event?"
                raise TrailError(message) from error
        if len(rows) < upto - first:
            raise _changed(first + len(rows), "is missing in the database")

    def _sign(self) -> None:
        """Sign the log as it is now in the files, and remember that."""
        size, before = self._tree.size, self._signed
        node = nodes(size, self._folder.read)
        old, old_root = (0, EMPTY_ROOT) if before is None else (before.size, before.root)
        try:
            root = root_hash(size, node)
            proof = consistency_proof(old, size, node)
        except TileError as error:
            raise Inconsistent(f"The files of the log are not whole ({error}): run knelpunt log fsck.") from error
        if root != self._tree.root() or not verifies_consistency(old, size, proof, old_root, root):
            message = (
                f"The log of {size} entries does not begin with the {old} that were signed: nothing is published until "
                "that is cleared up (knelpunt log fsck)."
            )
            raise Inconsistent(message)
        signed = Checkpoint(self._key.name, size, root)
        note = checkpoints.sign(signed, self._key)
        if before is None:
            self._tell_key()
        # Remembered before anybody sees it: whatever happens now, the next one will be consistent with it.
        self._folder.replace(self._folder.path / SIGNED, note)
        self._signed, self._note = signed, note

    def _make_public(self, head: int) -> None:
        """Publish what was signed; with cosignatures, unless more is to follow at once."""
        assert self._signed is not None
        assert self._note is not None
        lines: list[str] = []
        if self._cosigners is not None and self._signed.size == head:
            lines = self._cosigners.lines(self._note, self._signed, nodes(head, self._folder.read))
        self._folder.replace(self._folder.public / CHECKPOINT, checkpoints.with_lines(self._note, lines))

    def _tell_key(self) -> None:
        self._folder.replace(self._folder.path / PUBLIC_KEY, f"{self._key.public.text}\n".encode())


def _changed(position: int, how: str) -> Inconsistent:
    message = f"The event at position {position} {how}: nothing is published until that is cleared up (docs/trail.md)."
    return Inconsistent(message)


class _NotingHalts:
    """Notes in the folder why publishing stops, if it does."""

    def __init__(self, folder: TrailFolder) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, TrailError):
            self._folder.halt(str(error))


def registry_origin(url: str) -> str:
    """Return the name that the database gives the registry. Raises ``psycopg.Error``."""
    with connect_as_registry(url, DatabaseRole.AUDITOR) as connection:
        row = connection.execute(ORIGIN).fetchone()
    assert row is not None, "a registry has one origin"
    return row[0]
