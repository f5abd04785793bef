"""The folder of the trail: the files that are served, and beside them what the log must remember outside the database.

    log/checkpoint      the published checkpoint
    log/tile/…          tiles, and under log/tile/entries/ the entries
    signed              the last checkpoint that was signed; published right after
    log.key, log.vkey   the key that signs, for its owner alone, and its public half
    halted              why publishing has stopped, if it has
    lock, new/          who writes; files not yet whole

A file comes to be by a temporary file, fsync, rename and fsync of its folder: so it is whole or not there, and what was
signed rests on files that are on disk. Tiles never change: one that is there with other bytes is an error.
"""

import fcntl
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..durable import replace, sync, written
from .errors import TileError, TrailError
from .tiles import Tile, looked_up

CHECKPOINT: Final = "checkpoint"
SIGNED: Final = "signed"
KEY: Final = "log.key"
PUBLIC_KEY: Final = "log.vkey"
HALTED: Final = "halted"
PUBLIC: Final = "log"
UNFINISHED: Final = "new"
LOCK: Final = "lock"


class TrailFolder:
    """A trail's folder; it need not be there before something is written."""

    def __init__(self, path: Path) -> None:
        """Look at ``path``."""
        self.path = path
        self.public = path / PUBLIC

    @contextmanager
    def locked(self) -> Generator[None]:
        """Be the only writer until the end of the block; waits for another, who takes less than a minute as a rule.

        What a writer left unfinished that was killed is thrown away. Raises ``OSError``.
        """
        self._make_folder(self.public)
        with (self.path / LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the system frees it with the process, however that ends
            shutil.rmtree(self.path / UNFINISHED, ignore_errors=True)
            (self.path / UNFINISHED).mkdir(mode=0o700, exist_ok=True)
            yield

    def checkpoint(self) -> bytes | None:
        """Return the published checkpoint, if there is one. Raises ``OSError``."""
        return _content(self.public / CHECKPOINT)

    def signed(self) -> bytes | None:
        """Return the last checkpoint that was signed, if any was. Raises ``OSError``."""
        return _content(self.path / SIGNED) or self.checkpoint()

    def read(self, tile: Tile) -> bytes:
        """Return the bytes of a tile, taken from the full one if it has become full. Raises ``TileError``."""
        content = looked_up(tile, self.content)
        if content is None:
            raise TileError(f"The file {self.public / tile.path} is missing.")
        return content

    def content(self, path: str) -> bytes | None:
        """Return the bytes of a public file, if it is there. Raises ``OSError``."""
        return _content(self.public / path)

    def store(self, files: Mapping[str, bytes]) -> None:
        """Have public files that never change on disk. Raises ``TrailError`` for one that is there with other bytes."""
        fresh: dict[Path, bytes] = {}
        for path, content in files.items():
            target = self.public / path
            there = _content(target)
            if there is None:
                fresh[target] = content
            elif there != content:
                message = (
                    f"{target} holds other bytes than the events give: nothing is published until that is cleared up "
                    "(knelpunt log fsck)."
                )
                raise TrailError(message)
        for target in fresh:
            self._make_folder(target.parent)
        unfinished = [(written(self.path / UNFINISHED, content), target) for target, content in fresh.items()]
        for whole, target in unfinished:
            whole.rename(target)
        # Those of files that were there, too: a writer that was killed may not have come to it.
        for folder in {(self.public / path).parent for path in files}:
            sync(folder)

    def replace(self, target: Path, content: bytes) -> None:
        """Have a file hold ``content``, whatever it held before: readers see the one or the other."""
        replace(target, content, self.path / UNFINISHED)

    def drop_partials(self, tile: Tile) -> None:
        """Remove what a tile was while it grew, now that it is full: clients fall back to the full one."""
        shutil.rmtree(self.public / f"{tile.full.path}.p", ignore_errors=True)

    def halt(self, reason: str) -> None:
        """Note why nothing is published, for whoever asks how the registry fares."""
        self.replace(self.path / HALTED, f"{reason}\n".encode())

    def go_on(self) -> None:
        """Note that publishing works."""
        (self.path / HALTED).unlink(missing_ok=True)

    def halted(self) -> str | None:
        """Return why publishing has stopped, if it has. Raises ``OSError``."""
        found = _content(self.path / HALTED)
        return None if found is None else found.decode("utf-8", "replace").strip()

    def _make_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make_folder(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
            sync(folder.parent)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
