"""The log derived again from the database, a stretch at a time, and held against its bundles and the tiles of level 0.

A stretch is looked at by itself, so that any process can; what goes over several, the rest of the tree, is left to
whoever puts them together. That all is as it was published is found by comparing whole files. Only where that does not
hold are its events looked at one by one, to say which of them, and how.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from operator import lt
from typing import Final
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct

from .entry import EntryError, encoded, read
from .errors import TileError
from .folder import TrailFolder
from .merkle import leaf_hash, perfect_root
from .tiles import ENTRIES, WIDTH, Tile, bundle, entries_in, tile_at

STRETCH_EVENTS: Final = 32 * WIDTH
"""Events looked at in one piece: some 10 MB, and a tenth of a second of one core."""

ROWS: Final = (
    "SELECT position, recorded_at, stream_id::text, version, topic, topic_version, state, event_id::text, occurred_at "
    "FROM knelpunt.event WHERE position >= %s AND position < %s ORDER BY position, case_id"
)

Row = tuple[int, datetime, str, int, str, int, bytes, str, datetime]
"""What ``ROWS`` gives of an event. UUIDs come as texts, in which entries have them."""


class Stretch(Struct, frozen=True):
    """What was found of a stretch: what is wrong, in sentences, and what the tree over all stretches is made of.

    That are the roots of its full tiles and the hashes of the entries beyond them, up to where an event is missing.
    ``first_at`` and ``last_at`` are when its first and last events were recorded, none where there is none.
    """

    findings: list[str]
    roots: list[bytes]
    leaves: list[bytes]
    first_at: datetime | None
    last_at: datetime | None


class _Copied(Struct):
    """Of a stored event what columns repeat."""

    id: UUID
    at: datetime


def looked_at(connection: psycopg.Connection, folder: TrailFolder, first: int, upto: int, size: int) -> Stretch:
    """Return what is found of the events from ``first``, a multiple of 256, up to ``upto``, and of their files."""
    rows: list[Row] = connection.cursor(binary=True).execute(ROWS, (first, upto), prepare=True).fetchall()
    return _as_published(rows, folder, first, upto, size) or _one_by_one(rows, folder, first, upto, size)


def _as_published(rows: list[Row], folder: TrailFolder, first: int, upto: int, size: int) -> Stretch | None:
    """Return a stretch of which nothing is wrong; none if anything may be."""
    moments = [row[1] for row in rows]
    in_order = all(map(lt, moments, islice(moments, 1, None)))
    if not in_order or [row[0] for row in rows] != list(range(first, upto)):
        return None
    roots: list[bytes] = []
    leaves: list[bytes] = []
    for start in range(0, len(rows), WIDTH):
        number = (first + start) // WIDTH
        try:
            entries = _entries(rows[start : start + WIDTH])
            if entries is None or folder.read(tile_at(ENTRIES, number, size)) != bundle(entries):
                return None
            leaves = list(map(leaf_hash, entries))
            if len(leaves) == WIDTH:
                if folder.read(Tile(0, number)) != b"".join(leaves):
                    return None
                roots.append(perfect_root(leaves))
                leaves = []
        except (EntryError, TileError):
            return None
    return Stretch([], roots, leaves, moments[0], moments[-1])


def _entries(rows: list[Row]) -> list[bytes] | None:
    """Return the entries of events; none where columns do not repeat what they should. Raises ``EntryError``."""
    ids: list[object] = []
    moments: list[object] = []
    entries: list[bytes] = []
    for position, recorded_at, stream, version, topic, topic_version, state, *_ in rows:
        made = read(position, recorded_at, stream, version, topic, topic_version, state)
        ids.append(made.id)
        moments.append(made.at)
        entries.append(encoded(made))
    # As JSON, since that is how an event holds its moment, and quicker than reading each.
    same = ids == [row[7] for row in rows] and _json(moments) == _json([row[8] for row in rows])
    return entries if same else None


_json: Final = msgspec.json.encode


def _one_by_one(rows: list[Row], folder: TrailFolder, first: int, upto: int, size: int) -> Stretch:
    """Return what is found of a stretch, each event looked at by itself."""
    findings: list[str] = []
    roots: list[bytes] = []
    leaves: list[bytes] = []
    filling: list[bytes] = []
    made_upto = expected = first
    first_at: datetime | None = None
    before: datetime | None = None
    for row in rows:
        position, recorded_at = row[:2]
        if position < expected:
            findings.append(f"The event at position {position} is in the database twice.")
            continue
        if position > expected:
            findings.append(_missing(expected, position))
        expected = position + 1
        if before is not None and recorded_at <= before:
            findings.append(too_early(position))
        before = recorded_at
        first_at = first_at or recorded_at
        made = _made(row, findings)
        if made is None or position != made_upto:
            continue  # it cannot have its place any more: an event before it is missing, which has been said
        made_upto += 1
        filling.append(made)
        if made_upto % WIDTH == 0 or made_upto == size:
            findings += compared(folder, tile_at(ENTRIES, position // WIDTH, size), bundle(filling))
            leaves = list(map(leaf_hash, filling))
            filling.clear()
        if made_upto % WIDTH == 0:
            findings += compared(folder, Tile(0, position // WIDTH), b"".join(leaves))
            roots.append(perfect_root(leaves))
            leaves = []
    if expected < upto:
        findings.append(_missing(expected, upto))
    return Stretch(findings, roots, leaves, first_at, before)


def too_early(position: int) -> str:
    """Return what is wrong with an event whose moment of recording does not come after that of the one before it."""
    return f"The event at position {position} was recorded no later than the one before it."


def compared(folder: TrailFolder, tile: Tile, content: bytes) -> Iterator[str]:
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


def _made(row: Row, findings: list[str]) -> bytes | None:
    """Return the entry of an event, none if it has none; adds what is wrong with it to ``findings``."""
    position, recorded_at, stream, version, topic, topic_version, state, event_id, occurred_at = row
    try:
        made = encoded(read(position, recorded_at, stream, version, topic, topic_version, state))
        copied = _COPIED.decode(state)
    except (EntryError, msgspec.DecodeError) as error:
        findings.append(str(error))
        return None
    if copied.id != UUID(event_id) or copied.at != occurred_at:
        findings.append(f"The columns of the event at position {position} say something else than the event.")
    return made


_COPIED: Final = msgspec.json.Decoder(_Copied)


def _missing(first: int, end: int) -> str:
    if end == first + 1:
        return f"The event at position {first} is missing in the database."
    return f"The events at positions {first} to {end - 1} are missing in the database."
