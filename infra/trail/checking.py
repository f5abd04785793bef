"""Checks a trail against the database and against itself, and takes neither on trust: what ``log fsck`` does.

Everything is derived again from the events, and compared file by file; where that differs, the files alone tell whether
they are still what was signed, and so which of the two was changed.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct

from . import checkpoint as checkpoints
from .checkpoint import Checkpoint
from .entry import EntryError, entry
from .errors import TileError, TrailError
from .folder import CHECKPOINT, TrailFolder
from .merkle import leaf_hash
from .note import NoteError, PublicKey
from .tiles import ENTRIES, WIDTH, GrowingTree, Tile, entries_in, narrowed, tile_at, tile_of, tiles_of

BATCH_EVENTS: Final = 32 * WIDTH
"""Events read at a time: some 10 MB."""

FINDINGS_MAX: Final = 100
"""After so many things that are wrong, the rest is not listed: what comes after a shifted event is all wrong."""

ROWS: Final = (
    "SELECT position, recorded_at, stream_id, version, topic, topic_version, state, event_id, occurred_at "
    "FROM knelpunt.event WHERE position >= %s AND position < %s ORDER BY position, case_id"
)
OUTSIDE: Final = (
    "SELECT count(*) FROM knelpunt.event "
    "WHERE position < 0 OR position >= (SELECT next_position FROM knelpunt.log_head)"
)
HEAD: Final = "SELECT next_position FROM knelpunt.log_head"

Told = Callable[[int, int], None]
"""Told how many events have been looked at, and of how many."""


class _Copied(Struct):
    """Of a stored event what columns repeat."""

    id: UUID
    at: datetime


def check_trail(
    folder: TrailFolder, key: PublicKey, connection: psycopg.Connection, told: Told = lambda _done, _of: None
) -> Iterator[str]:
    """Yield a sentence for each thing that is wrong with a trail, or with the events that it was made from.

    Raises ``TrailError`` where there is nothing to check, ``psycopg.Error`` and ``OSError``.
    """
    signed, note = _signed(folder, key)
    if not (folder.checkpoint() or b"").startswith(note):
        yield "The published checkpoint is not the one signed last: knelpunt log checkpoint publishes that again."
    tree = GrowingTree()
    different = False
    for first, made in _derived(connection, signed.size, told):
        if isinstance(made, str):
            different = True
            yield made
            continue
        if first != tree.size:
            continue  # it cannot have its place any more: an event before it is missing, which has been said
        for tile, content in tree.append(made):
            for finding in _compared(folder, tile, content):
                different = True
                yield finding
    if tree.size == signed.size:
        for tile, content in tree.edge():
            for finding in _compared(folder, tile, content):
                different = True
                yield finding
        if tree.root() != signed.root:
            different = True
            yield f"The events give another root than the one that was signed for {signed.size} entries."
    yield from _strays(folder, signed.size)
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
                    yield from _compared(folder, filled, content)
        for tile, content in tree.edge():
            yield from _compared(folder, tile, content)
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


def _derived(connection: psycopg.Connection, size: int, told: Told) -> Iterator[tuple[int, bytes | str]]:
    """Yield the entry of each event, or what is wrong with it, by position."""
    before: datetime | None = None
    for first in range(0, size, BATCH_EVENTS):
        upto = min(size, first + BATCH_EVENTS)
        expected = first
        rows = connection.cursor(binary=True).execute(ROWS, (first, upto), prepare=True).fetchall()
        for position, recorded_at, *columns, event_id, occurred_at in rows:
            if position < expected:
                yield position, f"The event at position {position} is in the database twice."
                continue
            if position > expected:
                yield expected, _missing(expected, position)
            expected = position + 1
            if before is not None and recorded_at <= before:
                yield position, f"The event at position {position} was recorded no later than the one before it."
            before = recorded_at
            try:
                made = entry(position, recorded_at, *columns)
                copied = msgspec.json.decode(columns[-1], type=_Copied)
            except (EntryError, msgspec.DecodeError) as error:
                yield position, str(error)
                continue
            if copied.id != event_id or copied.at != occurred_at:
                yield position, f"The columns of the event at position {position} say something else than the event."
            yield position, made
        if expected < upto:
            yield expected, _missing(expected, upto)
        told(upto, size)


def _missing(first: int, end: int) -> str:
    if end == first + 1:
        return f"The event at position {first} is missing in the database."
    return f"The events at positions {first} to {end - 1} are missing in the database."


def _compared(folder: TrailFolder, tile: Tile, content: bytes) -> Iterator[str]:
    """Yield what is wrong with a file, which should hold ``content``."""
    try:
        there = folder.read(tile)
    except TileError as error:
        yield str(error)
        return
    if there == content:
        return
    if tile.level != ENTRIES:
        yield f"{tile.path} does not hold the hashes of what is below it."
        return
    try:
        pairs = zip(entries_in(there, tile.width), entries_in(content, tile.width), strict=True)
    except TileError as error:
        yield f"{tile.path} is broken: {error}"
        return
    for index, (one, other) in enumerate(pairs, tile.number * WIDTH):
        if one != other:
            hashes = f"{leaf_hash(one).hex()[:16]}…, now {leaf_hash(other).hex()[:16]}…"
            yield f"The event at position {index} is not the one that was published (leaf {hashes})."


def _strays(folder: TrailFolder, size: int) -> Iterator[str]:
    """Yield what lies among the files and is none of the log's, or a part of a tile that is not the tile's."""
    wanted = {tile.path for tile in tiles_of(size)} | {CHECKPOINT}
    for path in sorted(folder.public.rglob("*")):
        name = path.relative_to(folder.public).as_posix()
        if path.is_dir() or name in wanted:
            continue
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
