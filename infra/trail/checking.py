"""Checks a trail against the database and against itself, and takes neither on trust: what ``log fsck`` does.

Everything is derived again from the events, and compared file by file; where that differs, the files alone tell whether
they are still what was signed, and so which of the two was changed.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from itertools import chain
from typing import Final

import psycopg

from ..store.connection import DatabaseRole, connect_as_registry
from . import checkpoint as checkpoints
from .checkpoint import Checkpoint
from .errors import TileError, TrailError
from .folder import CHECKPOINT, TrailFolder
from .note import NoteError, PublicKey
from .sharing import stretches
from .stretches import compared, too_early
from .tiles import ENTRIES, WIDTH, GrowingHashes, GrowingTree, entries_in, narrowed, tile_at, tile_of, tiles_of

FINDINGS_MAX: Final = 100
"""After so many things that are wrong, the rest is not listed: what comes after a shifted event is all wrong."""

OUTSIDE: Final = (
    "SELECT count(*) FROM knelpunt.event "
    "WHERE position < 0 OR position >= (SELECT next_position FROM knelpunt.log_head)"
)
HEAD: Final = "SELECT next_position FROM knelpunt.log_head"

Told = Callable[[int, int], None]
"""Told how many events have been looked at, and of how many."""


def check_trail(folder: TrailFolder, key: PublicKey, url: str, told: Told = lambda _done, _of: None) -> Iterator[str]:
    """Yield a sentence for each thing that is wrong with a trail, or with the events that it was made from.

    ``url`` logs in to their database as a member of knelpunt_auditor. A long log is looked at by all cores. Raises
    ``TrailError`` where there is nothing to check, ``psycopg.Error`` and ``OSError``.
    """
    signed, note = _signed(folder, key)
    if not (folder.checkpoint() or b"").startswith(note):
        yield "The published checkpoint is not the one signed last: knelpunt log checkpoint publishes that again."
    different = False
    for finding in _derived(url, folder, signed, told):
        different = True
        yield finding
    yield from _strays(folder, signed.size)
    with closing(connect_as_registry(url, DatabaseRole.AUDITOR)) as connection:
        yield from _beyond(connection, signed.size)
    if different:
        wrong = next(check_files(folder, signed), None)
        yield (
            "The files are those that were signed: so it is the database that was changed."
            if wrong is None
            else f"The files themselves are not those that were signed: {wrong}"
        )


def check_files(folder: TrailFolder, signed: Checkpoint) -> Iterator[str]:
    """Yield a sentence for each thing that is wrong with the files of a checkpoint by themselves."""
    tree = GrowingTree()
    try:
        for number in range(-(-signed.size // WIDTH)):
            tile = tile_at(ENTRIES, number, signed.size)
            for made in entries_in(folder.read(tile), tile.width):
                for filled, content in tree.append(made):
                    yield from compared(folder, filled, content)
        for tile, content in tree.edge():
            yield from compared(folder, tile, content)
    except TileError as error:
        yield str(error)
        return
    if tree.root() != signed.root:
        yield f"They give another root than the one that was signed for {signed.size} entries."


def published(folder: TrailFolder, key: PublicKey) -> Checkpoint:
    """Return the published checkpoint, its signature verified. Raises ``TrailError``."""
    note = folder.checkpoint()
    if note is None:
        raise TrailError("No checkpoint is published yet: run knelpunt log checkpoint, or knelpunt serve.")
    return _opened(note, key)


def _signed(folder: TrailFolder, key: PublicKey) -> tuple[Checkpoint, bytes]:
    note = folder.signed()
    if note is None:
        raise TrailError("No checkpoint was signed yet: run knelpunt log checkpoint, or knelpunt serve.")
    return _opened(note, key), note


def _opened(note: bytes, key: PublicKey) -> Checkpoint:
    try:
        return checkpoints.opened(note, key)
    except NoteError as error:
        raise TrailError(f"The checkpoint is not one that this log signed: {error}") from error


def _derived(url: str, folder: TrailFolder, signed: Checkpoint, told: Told) -> Iterator[str]:
    """Yield what is wrong with the events, their bundles, and the tree over them."""
    tree = GrowingHashes()
    before: datetime | None = None
    for first, upto, found in stretches(url, folder, signed.size):
        if before is not None and found.first_at is not None and found.first_at <= before:
            yield too_early(first)
        before = found.last_at or before
        yield from found.findings
        # Where an event is missing, those after it have lost their place in the tree; that is said by now.
        if first == tree.size:
            filled = [*chain.from_iterable(map(tree.append_root, found.roots))]
            filled += chain.from_iterable(map(tree.append_hash, found.leaves))
            for tile, content in filled:
                yield from compared(folder, tile, content)
        told(upto, signed.size)
    if tree.size == signed.size:
        for tile, content in tree.edge():
            yield from compared(folder, tile, content)
        if tree.root() != signed.root:
            yield f"The events give another root than the one that was signed for {signed.size} entries."


def _strays(folder: TrailFolder, size: int) -> Iterator[str]:
    """Yield what lies among the files and is none of the log's, or a part of a tile that is not the tile's."""
    wanted = {tile.path for tile in tiles_of(size)} | {CHECKPOINT}
    files = (os.path.join(path, name) for path, _, names in os.walk(folder.public) for name in names)  # noqa: PTH118  millions
    below = len(f"{folder.public}/")
    for name in sorted({file[below:] for file in files} - wanted):
        try:
            tile = tile_of(name)
        except TileError:
            yield f"{name} is no file of the log."
            continue
        try:
            now = tile_at(tile.level, tile.number, size)
        except TileError:
            continue  # what comes after the last signature is being written, or was when its writer died
        if tile.width >= now.width:
            continue
        try:
            was = narrowed(tile, folder.read(now), now.width)
        except TileError:
            continue  # the whole tile is wrong, which has been said
        if folder.content(name) != was:
            yield f"{name} is not what the tile was when it was that wide."


def _beyond(connection: psycopg.Connection, size: int) -> Iterator[str]:
    """Yield what is wrong with where the events end."""
    head = connection.execute(HEAD).fetchone()
    outside = connection.execute(OUTSIDE).fetchone()
    assert head is not None
    assert outside is not None
    if head[0] < size:
        yield f"The database ends at {head[0]} events, and {size} were signed."
    if outside[0]:
        yield f"The database holds {outside[0]} events outside its own bounds."
