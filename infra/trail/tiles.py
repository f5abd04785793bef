"""The tree as tiles: which files a log of a given size consists of, their names and their bytes (C2SP tlog-tiles).

Pure. A tile holds up to 256 hashes of one level; level 0 are the entries' own, each further level the roots of full
tiles below. Beside the tiles of level 0 stand bundles with the entries themselves.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Final

from msgspec import Struct

from .errors import TileError
from .merkle import HASH_BYTES, NodeAt, leaf_hash, perfect_root, root_hash

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
"""The hashes of a full tile, and the entries of a full bundle."""

ENTRIES: Final = -1
"""What stands for the level of the bundles: they are below level 0."""

LEVEL_MAX: Final = 63
NUMBER_MAX: Final = 2**63 // WIDTH

LENGTH_BYTES: Final = 2
"""Each entry of a bundle has its length before it, as an unsigned number with the high byte first."""

TILES_KEPT: Final = 256
"""How many tiles a reader keeps at hand: 2 MB, and all that proofs of one page of events look at."""

_NUMBER: Final = re.compile(r"(?:x\d{3}/)*\d{3}", re.ASCII)
_TILE: Final = re.compile(rf"tile/(0|[1-9]\d?|entries)/({_NUMBER.pattern})(?:\.p/([1-9]\d{{0,2}}))?", re.ASCII)


class Tile(Struct, frozen=True, order=True):
    """Which tile: ``level`` from 0, or ``ENTRIES`` for a bundle; ``number`` from 0; ``width`` from 1 to 256."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Its name within the log, such as ``tile/1/x001/067.p/3``."""
        digits = f"{self.number:03d}"
        if len(digits) % 3:
            digits = digits.zfill(len(digits) + 3 - len(digits) % 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{number}" + (f".p/{self.width}" if self.width < WIDTH else "")

    @property
    def full(self) -> "Tile":
        """The tile that this one becomes when it is full."""
        return Tile(self.level, self.number)


def tile_of(path: str) -> Tile:
    """Return the tile that a name stands for. Raises ``TileError`` for every other way to write it, too."""
    found = _TILE.fullmatch(path)
    if found is not None:
        level, number, width = found.groups()
        tile = Tile(
            ENTRIES if level == "entries" else int(level),
            int(number.replace("x", "").replace("/", "")),
            WIDTH if width is None else int(width),
        )
        if tile.level <= LEVEL_MAX and tile.number <= NUMBER_MAX and tile.path == path:
            return tile
    message = f"{path!r} is no tile."
    raise TileError(message)


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield every tile and bundle of a log of ``size`` entries: bundles first, then level by level from 0."""
    yield from _level(ENTRIES, size)
    level, count = 0, size
    while count:
        yield from _level(level, count)
        level, count = level + 1, count // WIDTH


def _level(level: int, count: int) -> Iterator[Tile]:
    for number in range(count // WIDTH):
        yield Tile(level, number)
    if count % WIDTH:
        yield Tile(level, count // WIDTH, count % WIDTH)


def tile_at(level: int, number: int, size: int) -> Tile:
    """Return a tile as wide as it is in a log of ``size`` entries. Raises ``TileError`` if that has no such tile."""
    count = size if level == ENTRIES else size >> HEIGHT * level
    width = min(WIDTH, count - number * WIDTH)
    if number < 0 or width < 1:
        message = f"A log of {size} entries has no tile {number} at level {level}."
        raise TileError(message)
    return Tile(level, number, width)


def bundle(entries: Sequence[bytes]) -> bytes:
    """Return entries as the bytes of a bundle; each is at most 65,535 bytes long."""
    return b"".join([part for entry in entries for part in (_length(len(entry)), entry)])


@cache
def _length(count: int) -> bytes:
    return count.to_bytes(LENGTH_BYTES, "big")


def entries_in(content: bytes, width: int) -> list[bytes]:
    """Return the entries of a bundle that must hold exactly ``width`` of them. Raises ``TileError``."""
    entries: list[bytes] = []
    at = 0
    while at < len(content):
        end = at + LENGTH_BYTES + int.from_bytes(content[at : at + LENGTH_BYTES], "big")
        if end > len(content) or at + LENGTH_BYTES > len(content):
            raise TileError("A bundle ends within an entry.")
        entries.append(content[at + LENGTH_BYTES : end])
        at = end
    if len(entries) != width:
        message = f"A bundle holds {len(entries)} entries instead of {width}."
        raise TileError(message)
    return entries


def hashes_in(content: bytes, width: int) -> list[bytes]:
    """Return the hashes of a tile that must hold exactly ``width`` of them. Raises ``TileError``."""
    if len(content) != width * HASH_BYTES:
        message = f"A tile is {len(content)} bytes long instead of {width * HASH_BYTES}."
        raise TileError(message)
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def narrowed(tile: Tile, content: bytes, held: int = WIDTH) -> bytes:
    """Return what a tile or bundle was, from its bytes when it was ``held`` wide, or full. Raises ``TileError``."""
    if tile.level == ENTRIES:
        return bundle(entries_in(content, held)[: tile.width])
    return b"".join(hashes_in(content, held)[: tile.width])


def looked_up(tile: Tile, content: Callable[[str], bytes | None]) -> bytes | None:
    """Return a tile from wherever files are kept by their path, taken from the full one if it has become full.

    None if it is not there. Raises ``TileError`` for a full one that is none, and what ``content`` raises.
    """
    found = content(tile.path)
    if found is None and tile.width < WIDTH:
        full = content(tile.full.path)
        return None if full is None else narrowed(tile, full)
    return found


Read = Callable[[Tile], bytes]
"""Gives the bytes of a tile or bundle; raises ``TileError`` where there is none."""


def nodes(size: int, read: Read) -> NodeAt:
    """Return the perfect subtrees of a log of ``size`` entries, from its tiles. Looking may raise ``TileError``."""

    @lru_cache(maxsize=TILES_KEPT)
    def hashes(level: int, number: int) -> list[bytes]:
        tile = tile_at(level, number, size)
        return hashes_in(read(tile), tile.width)

    def node(height: int, number: int) -> bytes:
        level, within = divmod(height, HEIGHT)
        first = number << within
        tile, at = divmod(first, WIDTH)
        found = hashes(level, tile)[at : at + (1 << within)]
        if len(found) < 1 << within:
            message = f"A log of {size} entries has no subtree {number} of height {height}."
            raise TileError(message)
        return perfect_root(found)

    return node


class GrowingHashes:
    """A tree that grows at its right edge, of which it holds that edge alone: 256 hashes of each level."""

    def __init__(self) -> None:
        """Begin with an empty log."""
        self.size = 0
        self._levels: list[list[bytes]] = []

    def resume(self, size: int, read: Read) -> None:
        """Be the tree of a log of ``size`` entries, of which ``read`` gives the tiles. Raises ``TileError``."""
        self.size = size
        self._levels = []
        count, level = size, 0
        while count:
            width = count % WIDTH
            tile = Tile(level, count // WIDTH, width)
            self._levels.append(hashes_in(read(tile), width) if width else [])
            count, level = count // WIDTH, level + 1

    def append_hash(self, leaf: bytes) -> list[tuple[Tile, bytes]]:
        """Add an entry by its hash, and return the tiles that are full with it, from level 0 on."""
        self.size += 1
        return self._added(0, (self.size - 1) // WIDTH, leaf)

    def append_root(self, root: bytes) -> list[tuple[Tile, bytes]]:
        """Add 256 entries by the root of their tile, where one begins; return the tiles that are full with it."""
        assert self.size % WIDTH == 0, "a tile begins where the one before it is full"
        self.size += WIDTH
        return self._added(1, (self.size - 1) // WIDTH**2, root)

    def _added(self, level: int, number: int, found: bytes) -> list[tuple[Tile, bytes]]:
        """Add a hash to the tile of that number and level, and return the tiles that are full with it."""
        filled: list[tuple[Tile, bytes]] = []
        while True:
            while level >= len(self._levels):
                self._levels.append([])
            hashes = self._levels[level]
            hashes.append(found)
            if len(hashes) < WIDTH:
                return filled
            filled.append((Tile(level, number), b"".join(hashes)))
            found = perfect_root(hashes)
            hashes.clear()
            level, number = level + 1, number // WIDTH

    def edge(self) -> list[tuple[Tile, bytes]]:
        """Return the tiles that are partly filled."""
        return [
            (Tile(level, self.size >> HEIGHT * (level + 1), len(hashes)), b"".join(hashes))
            for level, hashes in enumerate(self._levels)
            if hashes
        ]

    def root(self) -> bytes:
        """Return the root of the tree over all entries."""

        def node(height: int, number: int) -> bytes:
            level, within = divmod(height, HEIGHT)
            at = (number << within) % WIDTH
            return perfect_root(self._levels[level][at : at + (1 << within)])

        return root_hash(self.size, node)


class GrowingTree(GrowingHashes):
    """A log that grows, with its entries: it holds those of the bundle at the edge as well."""

    def __init__(self) -> None:
        """Begin with an empty log."""
        super().__init__()
        self._entries: list[bytes] = []

    @classmethod
    def resumed(cls, size: int, read: Read) -> "GrowingTree":
        """Return a log of ``size`` entries, of which ``read`` gives the tiles of the edge. Raises ``TileError``."""
        tree = cls()
        tree.resume(size, read)
        if size % WIDTH:
            tile = tile_at(ENTRIES, size // WIDTH, size)
            tree._entries = entries_in(read(tile), tile.width)
        return tree

    def append(self, entry: bytes) -> list[tuple[Tile, bytes]]:
        """Add an entry, and return the bundle and the tiles that are full with it, in the order in which to write."""
        self._entries.append(entry)
        number = self.size // WIDTH
        filled = self.append_hash(leaf_hash(entry))
        if len(self._entries) < WIDTH:
            return filled
        whole = bundle(self._entries)
        self._entries = []
        return [(Tile(ENTRIES, number), whole), *filled]

    def edge(self) -> list[tuple[Tile, bytes]]:
        """Return the bundle and the tiles that are partly filled."""
        partly = [(tile_at(ENTRIES, self.size // WIDTH, self.size), bundle(self._entries))] if self._entries else []
        return [*partly, *super().edge()]
