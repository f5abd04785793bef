"""Tiles: their names, and every log of many sizes file for file as a slow builder makes it."""

from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.trail.slow import SlowLog
from infra.trail.vectors import LEAVES
from knelpunt.infra.trail import merkle, tiles
from knelpunt.infra.trail.errors import TileError
from knelpunt.infra.trail.merkle import perfect_root
from knelpunt.infra.trail.tiles import ENTRIES, WIDTH, GrowingHashes, GrowingTree, Tile, tile_of

LARGE = (65_535, 65_536, 65_537, 70_000)


class Shelf:
    """A log's files in memory, kept as a writer keeps them."""

    def __init__(self) -> None:
        self.tree = GrowingTree()
        self.files: dict[str, bytes] = {}

    def grow(self, entries: list[bytes]) -> None:
        for entry in entries:
            for tile, content in self.tree.append(entry):
                self.files[tile.path] = content

    def all_files(self) -> dict[str, bytes]:
        """The files of the log as it is now."""
        return {**self.files, **{tile.path: content for tile, content in self.tree.edge()}}

    def read(self, tile: Tile) -> bytes:
        try:
            return self.all_files()[tile.path]
        except KeyError:
            raise TileError(tile.path) from None


def test_every_small_size() -> None:
    """Logs of 0 to 600 entries have the slow builder's files, byte for byte, and its root."""
    slow = SlowLog([f"e{number}".encode() * (number % 5) for number in range(600)])
    shelf = Shelf()
    for size in range(601):
        files = shelf.all_files()
        assert files == slow.files(size)
        assert set(files) == {tile.path for tile in tiles.tiles_of(size)}
        assert shelf.tree.root() == slow.mth(0, size)
        if size < 600:
            shelf.grow([slow.entries[size]])


def test_large_sizes() -> None:
    """Logs about 65,536 entries and of 70,000 have the slow builder's files, and the published roots."""
    slow = SlowLog([f"e{number}".encode() for number in range(70_000)])
    shelf = Shelf()
    for size in LARGE:
        shelf.grow(slow.entries[shelf.tree.size : size])
        assert shelf.all_files() == slow.files(size)
        assert shelf.tree.root() == slow.mth(0, size)
    assert shelf.tree.root().hex() == "7355ec72b940269ca1bb882b8b96e3a59c8d7bcace65e39123343c0a740b2c7f"
    sizes = {path: len(content) for path, content in shelf.all_files().items()}
    assert len(sizes) == 551
    assert sizes["tile/entries/273.p/112"] == 896
    assert [sizes[path] for path in ("tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1")] == [3584, 544, 32]
    node = tiles.nodes(70_000, shelf.read)
    for index in (0, 255, 256, 65_535, 65_536, 69_999):
        assert merkle.inclusion_proof(index, 70_000, node) == slow.path(index, 0, 70_000)
    for old in (1, 255, 256, 257, 65_535, 65_536, 65_537, 69_999):
        assert merkle.consistency_proof(old, 70_000, node) == slow.subproof(old, 0, 70_000, True)


def test_roots_of_the_vectors() -> None:
    """256 numbered entries, and the entries of an outside golden log, have the published roots."""
    shelf = Shelf()
    shelf.grow([f"e{number}".encode() for number in range(256)])
    root = bytes.fromhex("c8a6d09bae91bba76bb1f5b479e38dbdf65495dec4479142d701fd371410efc9")
    assert shelf.tree.root() == root == shelf.all_files()["tile/1/000.p/1"]
    golden = Shelf()
    golden.grow([b"one", b"two", b"three"])
    assert b64encode(golden.tree.root()) == b"Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk="
    golden.grow(b"four five six seven eit nain ten ileven twelf threeten fourten fivten".split())
    assert b64encode(golden.tree.root()) == b"rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs="


def test_bundle_of_the_vectors() -> None:
    """A bundle holds each entry behind its length."""
    content = bytes.fromhex(
        "0000 000100 000110 00022021 00023031 000440414243 00085051525354555657 0010606162636465666768696a6b6c6d6e6f"
    )
    assert tiles.bundle(LEAVES) == content
    assert tiles.entries_in(content, 8) == LEAVES
    for wrong, width in ((content, 7), (content, 9), (content[:-1], 8), (content + b"\0", 8), (content + b"\0\0", 8)):
        with pytest.raises(TileError):
            tiles.entries_in(wrong, width)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(1, 999, 1), "tile/1/999.p/1"),
        (Tile(ENTRIES, 1000), "tile/entries/x001/000"),
        (Tile(63, 1_234_067, 255), "tile/63/x001/x234/067.p/255"),
    ],
    ids=lambda value: value if isinstance(value, str) else "tile",
)
def test_names(tile, path) -> None:
    """Names of tiles are those of C2SP, and lead back to the tile."""
    assert tile.path == path
    assert tile_of(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000\n",
        "tile/0/../../signed",
        "tile/-1/000",
        "tile/0/\u0660\u0660\u0660",
        "checkpoint",
        "",
    ],
)
def test_no_other_names(path) -> None:
    """A tile has one name: whatever else somebody asks for is none."""
    with pytest.raises(TileError):
        tile_of(path)


@given(st.integers(0, 1200), st.lists(st.integers(0, 400), max_size=3))
def test_a_log_goes_on_from_its_files(begun, steps) -> None:
    """A log resumed from the files of its edge goes on as if it had never stopped."""
    slow = SlowLog([str(number).encode() for number in range(begun + sum(steps))])
    shelf = Shelf()
    shelf.grow(slow.entries[:begun])
    for step in steps:
        files = shelf.all_files()
        resumed = Shelf()
        resumed.tree = GrowingTree.resumed(shelf.tree.size, shelf.read)
        resumed.files = files
        assert resumed.tree.root() == slow.mth(0, shelf.tree.size)
        resumed.grow(slow.entries[shelf.tree.size : shelf.tree.size + step])
        shelf = resumed
    size = shelf.tree.size
    wanted = slow.files(size)
    assert {path: shelf.all_files()[path] for path in wanted} == wanted


@pytest.mark.parametrize("size", [255, 256, 700, 65_536 + 300])
def test_tiles_added_by_their_roots(size) -> None:
    """A tree that is given whole tiles by their roots is the one that was given each of their hashes."""
    leaves = [sha256(b"%d" % number).digest() for number in range(size)]
    one, other = GrowingHashes(), GrowingHashes()
    filled = [tile for leaf in leaves for tile in one.append_hash(leaf)]
    above = []
    for at in range(0, size - size % WIDTH, WIDTH):
        above += other.append_root(perfect_root(leaves[at : at + WIDTH]))
    for leaf in leaves[size - size % WIDTH :]:
        above += other.append_hash(leaf)
    assert above == [(tile, content) for tile, content in filled if tile.level > 0]
    assert (one.edge(), one.root(), one.size) == (other.edge(), other.root(), other.size)


def test_no_subtree_outside_the_log() -> None:
    """A tile that is not there, too short, or beyond the log is an error, not a wrong hash."""
    shelf = Shelf()
    shelf.grow([b"a", b"b", b"c"])
    node = tiles.nodes(3, shelf.read)
    for height, number in ((0, 3), (2, 0), (8, 0), (0, 300)):
        with pytest.raises(TileError):
            node(height, number)
    with pytest.raises(TileError):
        tiles.nodes(3, lambda _: b"short")(0, 0)
