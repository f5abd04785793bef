"""A mirror: a copy of somebody's log that is checked as it grows, and so cannot be talked out of what it has seen.

It takes a checkpoint only if it is signed and its tree begins with the one that the mirror has: the new hashes are put
onto its own, and must give the signed root. Nothing is written before that has been found.
"""

import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Final

from . import checkpoint as checkpoints
from .checkpoint import Checkpoint
from .errors import Inconsistent, TileError, TrailError
from .folder import CHECKPOINT, PUBLIC_KEY, SIGNED, TrailFolder
from .merkle import leaf_hash
from .note import NoteError, PublicKey
from .tiles import ENTRIES, WIDTH, GrowingHashes, Tile, entries_in, hashes_in, looked_up, tile_at

ANSWER_SECONDS_MAX: Final = 30.0
"""How long a file may take: a full bundle has 2 MB at most."""

FILE_BYTES_MAX: Final = WIDTH * (2 + 65_535)
"""The largest bundle that the format allows; more is not read."""

FILES_AT_ONCE: Final = 64
"""Bundles written between two waits for the disk."""

Fetch = Callable[[str], bytes | None]
"""Gives a file of the log by its name, none where there is none; raises ``TrailError`` where that cannot be told."""


def fetching(url: str, token: str | None) -> Fetch:
    """Return what fetches the files of the log at ``url``; with an auditor's token also the entries."""
    if not url.startswith(("http://", "https://")):
        message = f"{url} is no address of a log: it begins with http:// or https://."
        raise TrailError(message)
    base = url.rstrip("/")

    def fetch(name: str) -> bytes | None:
        headers = {"Authorization": f"Bearer {token}"} if token and name.startswith("tile/entries/") else {}
        request = urllib.request.Request(f"{base}/{name}", headers=headers)  # noqa: S310  checked above
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as answer:  # noqa: S310
                content = answer.read(FILE_BYTES_MAX + 1)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404:  # noqa: PLR2004
                    return None
                raise TrailError(f"{base}/{name} is not given ({error.code} {error.reason}).") from error
        except (OSError, HTTPException) as error:
            raise TrailError(f"{base} cannot be reached ({getattr(error, 'reason', error)}): try again.") from error
        if len(content) > FILE_BYTES_MAX:
            raise TrailError(f"{base}/{name} is larger than a file of a log can be.")
        return content

    return fetch


class Mirror:
    """Keeps a copy in ``folder`` of the log that ``key`` signs, fetched with ``fetch``."""

    def __init__(self, folder: TrailFolder, key: PublicKey, fetch: Fetch, *, with_entries: bool) -> None:
        """Mirror the hashes, and the entries, too, if ``fetch`` gets them."""
        self._folder = folder
        self._key = key
        self._fetch = fetch
        self._with_entries = with_entries

    def update(self) -> Checkpoint:
        """Take over what is published now, and return its checkpoint.

        Raises ``Inconsistent`` if it does not begin with what was mirrored before, which is then kept as it is;
        ``TrailError`` and ``OSError``.
        """
        with self._folder.locked():
            note = self._fetch(CHECKPOINT)
            if note is None:
                raise TrailError("There is no checkpoint at that address.")
            found = self._opened(note)
            before = self._before()
            if found.size < before:
                message = f"The log has {found.size} entries, and had {before}: it was cut off. The mirror keeps those."
                raise Inconsistent(message)
            tiles = self._grown(before, found)
            if self._with_entries:
                self._take_entries(found.size, dict(tiles))
            self._folder.store({tile.path: content for tile, content in tiles})
            for tile, _ in tiles:
                if tile.width == WIDTH:
                    self._folder.drop_partials(tile)
            self._folder.replace(self._folder.path / SIGNED, note)
            self._folder.replace(self._folder.public / CHECKPOINT, note)
            self._folder.replace(self._folder.path / PUBLIC_KEY, f"{self._key.text}\n".encode())
            return found

    def _opened(self, note: bytes) -> Checkpoint:
        try:
            return checkpoints.opened(note, self._key)
        except NoteError as error:
            raise TrailError(f"The checkpoint is not one of this log: {error}") from error

    def _before(self) -> int:
        note = self._folder.signed()
        return 0 if note is None else self._opened(note).size

    def _grown(self, before: int, found: Checkpoint) -> list[tuple[Tile, bytes]]:
        """Return the tiles that came since, once they are found to be those of the checkpoint."""
        tree = GrowingHashes()
        tree.resume(before, self._folder.read)
        tiles: list[tuple[Tile, bytes]] = []
        for number in range(before // WIDTH, -(-found.size // WIDTH)):
            tile = tile_at(0, number, found.size)
            for leaf in hashes_in(self._fetched(tile), tile.width)[max(0, before - number * WIDTH) :]:
                tiles += tree.append_hash(leaf)
        if tree.root() != found.root:
            message = (
                f"The log of {found.size} entries does not begin with the {before} that are mirrored, or its tiles are "
                "wrong: the mirror keeps what it has. Keep the checkpoint that was served, too: it is signed."
            )
            raise Inconsistent(message)
        return [*tiles, *tree.edge()]

    def _take_entries(self, size: int, tiles: dict[Tile, bytes]) -> None:
        """Fetch the bundles that are not there yet, see that they are what the tiles say, and write them."""
        ready: dict[str, bytes] = {}
        for number in range(-(-size // WIDTH)):
            tile = tile_at(ENTRIES, number, size)
            if self._folder.content(tile.path) is not None:
                continue
            content = self._fetched(tile)
            level_0 = tile_at(0, number, size)
            hashes = tiles.get(level_0) or self._folder.read(level_0)
            if b"".join(map(leaf_hash, entries_in(content, tile.width))) != hashes:
                raise TrailError(f"{tile.path} does not hold the entries that were signed: it is not mirrored.")
            ready[tile.path] = content
            if len(ready) == FILES_AT_ONCE:
                self._folder.store(ready)
                ready = {}
            if tile.width == WIDTH:
                self._folder.drop_partials(tile)
        self._folder.store(ready)

    def _fetched(self, tile: Tile) -> bytes:
        """Return a tile as it is served, taken from the full one if it has become full. Raises ``TrailError``."""
        content = looked_up(tile, self._fetch)
        if content is None:
            raise TileError(f"{tile.path} is not served, although the checkpoint covers it.")
        return content
