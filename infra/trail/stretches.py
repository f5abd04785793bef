"""The log derived again from the database, a stretch at a time, and held against its bundles: by all cores at once.

A stretch is looked at by itself, so that any process can; what goes over several, the tree, is left to whoever puts
them together.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from datetime import datetime
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct

from ..processors import processors
from ..store.connection import DatabaseRole, connect_as_registry
from .entry import EntryError, entry
from .errors import TileError
from .folder import TrailFolder
from .merkle import leaf_hash
from .tiles import ENTRIES, WIDTH, Tile, bundle, entries_in, tile_at

STRETCH_EVENTS: Final = 32 * WIDTH
"""Events looked at in one piece: some 10 MB, and a third of a second of one core."""

ALONE_MAX: Final = 8 * STRETCH_EVENTS
"""Up to so many events one process is as quick: others take a second to start."""

ROWS: Final = (
    "SELECT position, recorded_at, stream_id, version, topic, topic_version, state, event_id, occurred_at "
    "FROM knelpunt.event WHERE position >= %s AND position < %s ORDER BY position, case_id"
)


class Stretch(Struct, frozen=True):
    """What was found of a stretch: what is wrong, in sentences; the hashes of its entries, up to where one is missing.

    ``first_at`` and ``last_at`` are when its first and last events were recorded, none where there is none.
    """

    findings: list[str]
    leaves: bytes
    first_at: datetime | None
    last_at: datetime | None


class _Copied(Struct):
    """Of a stored event what columns repeat."""

    id: UUID
    at: datetime


def stretches(url: str, folder: TrailFolder, size: int) -> Iterator[tuple[int, int, Stretch]]:
    """Yield the stretches of a log of ``size`` entries in order: from where, up to where, and what was found.

    Raises ``psycopg.Error`` and ``OSError``.
    """
    bounds = [(first, min(size, first + STRETCH_EVENTS)) for first in range(0, size, STRETCH_EVENTS)]
    if size <= ALONE_MAX:
        with closing(connect_as_registry(url, DatabaseRole.AUDITOR)) as connection:
            for first, upto in bounds:
                yield first, upto, looked_at(connection, folder, first, upto, size)
        return
    workers = processors()
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (url, folder.path)) as processes:
        asked: list[tuple[int, int, Future[Stretch]]] = []
        left = iter(bounds)
        # No more than are worked on and wait their turn: what is found is held in memory until it is put together.
        ask = partial(_asked, processes, size)
        asked.extend(ask(first, upto) for first, upto in islice(left, 2 * workers))
        while asked:
            first, upto, future = asked.pop(0)
            asked.extend(ask(*bound) for bound in islice(left, 1))
            yield first, upto, future.result()


def looked_at(connection: psycopg.Connection, folder: TrailFolder, first: int, upto: int, size: int) -> Stretch:
    """Return what is found of the events from ``first``, a multiple of 256, up to ``upto``, and of their bundles."""
    findings: list[str] = []
    leaves = bytearray()
    filling: list[bytes] = []
    made_upto = expected = first
    first_at: datetime | None = None
    before: datetime | None = None
    rows = connection.cursor(binary=True).execute(ROWS, (first, upto), prepare=True).fetchall()
    for position, recorded_at, *columns, event_id, occurred_at in rows:
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
        made = _made(position, recorded_at, columns, event_id, occurred_at, findings)
        if made is None or position != made_upto:
            continue  # it cannot have its place any more: an event before it is missing, which has been said
        made_upto += 1
        leaves += leaf_hash(made)
        filling.append(made)
        if made_upto % WIDTH == 0 or made_upto == size:
            tile = tile_at(ENTRIES, position // WIDTH, size)
            findings += compared(folder, tile, bundle(filling))
            filling.clear()
    if expected < upto:
        findings.append(_missing(expected, upto))
    return Stretch(findings, bytes(leaves), first_at, before)


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


def _made(
    position: int,
    recorded_at: datetime,
    columns: list[object],
    event_id: UUID,
    occurred_at: datetime,
    findings: list[str],
) -> bytes | None:
    """Return the entry of an event, none if it has none; adds what is wrong with it to ``findings``."""
    stream, version, topic, topic_version, state = columns
    assert isinstance(stream, UUID)
    assert isinstance(version, int)
    assert isinstance(topic, str)
    assert isinstance(topic_version, int)
    assert isinstance(state, bytes)
    try:
        made = entry(position, recorded_at, stream, version, topic, topic_version, state)
        copied = _COPIED.decode(state)
    except (EntryError, msgspec.DecodeError) as error:
        findings.append(str(error))
        return None
    if copied.id != event_id or copied.at != occurred_at:
        findings.append(f"The columns of the event at position {position} say something else than the event.")
    return made


_COPIED: Final = msgspec.json.Decoder(_Copied)


def _missing(first: int, end: int) -> str:
    if end == first + 1:
        return f"The event at position {first} is missing in the database."
    return f"The events at positions {first} to {end - 1} are missing in the database."


Look = Callable[[int, int, int], Stretch]

_look: Look | None = None
"""What a process of the pool looks with, from when it began."""


def _begin(url: str, path: Path) -> None:
    """Be a process of the pool: connect, for as long as it lives."""
    global _look  # noqa: PLW0603  a process of a pool has no other place to keep its connection
    _look = partial(looked_at, connect_as_registry(url, DatabaseRole.AUDITOR), TrailFolder(path))


def _found(first: int, upto: int, size: int) -> Stretch:
    assert _look is not None, "the pool begins each of its processes"
    return _look(first, upto, size)


def _asked(processes: ProcessPoolExecutor, size: int, first: int, upto: int) -> tuple[int, int, Future[Stretch]]:
    return first, upto, processes.submit(_found, first, upto, size)
