"""A backup as a folder: a part for the log and, in it, one for the vault, which may be kept elsewhere.

A part holds a compressed file for each table, ``manifest.json``, and ``SHA256SUMS`` as ``sha256sum -c`` reads it, which
is written last: a folder without it is no backup. All of it is made under another name and renamed when it is on disk.
"""

import errno
import os
import shutil
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from ..durable import sync
from .errors import BackupError
from .tables import VAULT, Table

FORMAT: Final = 1
"""The version of what is described here; raised when an older program could no longer restore a backup."""

MANIFEST: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"
SUFFIX: Final = ".copy.gz"

PIECE_BYTES: Final = 1 << 20
"""How much is in memory at a time, of tables of any size."""

COMPRESSION: Final = 1
"""The fastest: events are mostly ids and sealed texts, which more effort makes hardly smaller."""

GZIP: Final = 31
"""What zlib calls gzip's container with the largest window."""

Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how much of it is, and of how much, if that is known."""


class Applied(Struct, frozen=True, forbid_unknown_fields=True):
    """A migration that had run."""

    number: int
    name: str
    checksum: str


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a part of a backup holds. ``position`` is that of the last event, -1 if there is none."""

    format: int = FORMAT
    part: str
    program: str
    made_at: datetime
    backup: UUID
    """The same in both parts of a backup."""

    origin: str
    position: int
    migrations: tuple[Applied, ...]
    tables: tuple[Table, ...]
    wrapped_secret: bytes | None = None
    """In the vault's: one of its secrets as it is stored, by which to tell whether a master key is the right one."""


class Part(Struct, frozen=True):
    """A part of a backup that lies in ``folder``; ``sums`` has the SHA-256 that each of its files should have."""

    folder: Path
    manifest: Manifest
    sums: dict[str, str]

    def file(self, table: Table) -> Path:
        """Return where the rows of a table are."""
        return self.folder / f"{table.name}{SUFFIX}"


class _Version(Struct):
    format: int
    program: str = "unknown"


class PartWriter:
    """Writes one part into a new folder."""

    def __init__(self, folder: Path) -> None:
        """Make the folder, for its owner alone: who reads a backup reads everything but the sealed texts."""
        folder.mkdir(mode=0o700)
        self._folder = folder
        self._sums: dict[str, str] = {}

    def table(self, name: str, pieces: Iterator[bytes | bytearray | memoryview]) -> int:
        """Write the rows of a table, given in the text form of COPY, and return how many there are."""
        packer = zlib.compressobj(COMPRESSION, zlib.DEFLATED, GZIP)
        digest = sha256()
        rows = 0
        with _created(self._folder / f"{name}{SUFFIX}") as handle:

            def write(packed: bytes) -> None:
                digest.update(packed)
                _write(handle, packed)

            for piece in _gathered(pieces):
                rows += piece.count(b"\n")  # one within a value is written as two other characters
                write(packer.compress(piece))
            write(packer.flush())
        self._sums[f"{name}{SUFFIX}"] = digest.hexdigest()
        return rows

    def finish(self, manifest: Manifest) -> None:
        """Write what the part holds, see that all is on disk, and only then say that it is whole."""
        content = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
        self._small(MANIFEST, content)
        self._sums[MANIFEST] = sha256(content).hexdigest()
        for name in self._sums:
            sync(self._folder / name)
        self._small(SUMS, "".join(f"{digest}  {name}\n" for name, digest in sorted(self._sums.items())).encode())
        sync(self._folder / SUMS)
        sync(self._folder)

    def _small(self, name: str, content: bytes) -> None:
        with _created(self._folder / name) as handle:
            _write(handle, content)


@contextmanager
def unfinished(folder: Path) -> Generator[Path]:
    """Give a place to write to, beside ``folder``, that takes its name if the block ends well and else is removed.

    Raises ``BackupError`` where nothing can be written, and where there is something already.
    """
    folder = folder.absolute()
    if folder.is_symlink() or (folder.exists() and not _is_empty(folder)):
        raise BackupError(f"{folder} is there already: name a new folder, since no backup is written over another.")
    if not folder.parent.is_dir():
        raise BackupError(f"{folder.parent} is no folder: make it, or name another place for the backup.")
    place = folder.with_name(f"{folder.name}.unfinished-{token_hex(4)}")
    try:
        yield place
        place.rename(folder)
        sync(folder.parent)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            message = (
                f"The disk of {folder.parent} is full: free some space, or name another place; no backup was made."
            )
        else:
            reason = error.strerror or str(error)
            message = f"Nothing can be written to {folder.parent} ({reason}): name another place; no backup was made."
        raise BackupError(message) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def read_part(folder: Path, part: str) -> Part:
    """Return a part that lies in ``folder``, its manifest checked. Raises ``BackupError``."""
    if not folder.is_dir():
        if part == VAULT:
            raise BackupError(
                f"The vault's part is not in {folder}: put it back there, or say where it is with --vault."
            )
        raise BackupError(f"{folder} is no folder: name the one that knelpunt backup wrote.")
    try:
        sums = _sums(folder / SUMS)
        content = (folder / MANIFEST).read_bytes()
    except FileNotFoundError as error:
        name = Path(error.filename).name
        raise BackupError(f"{folder} is no whole backup ({name} is missing): use one that is.") from error
    except OSError as error:
        raise BackupError(f"{error.filename} cannot be read ({error.strerror}): mend that and do it again.") from error
    if sums.get(MANIFEST) != sha256(content).hexdigest():
        raise damaged(folder / MANIFEST)
    try:
        version = msgspec.json.decode(content, type=_Version)
        if version.format != FORMAT:
            message = (
                f"{folder} was written by knelpunt {version.program}, in a form unknown to this version: "
                "restore it with that one."
            )
            raise BackupError(message)
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise damaged(folder / MANIFEST) from error
    if manifest.part != part:
        message = f"{folder} holds the part {manifest.part} of a backup, not {part}: name the folder that holds that."
        raise BackupError(message)
    return Part(folder, manifest, sums)


def check(part: Part, read: Callable[[int], None]) -> None:
    """Read every file of a part and compare it with its sum; ``read`` is told of bytes. Raises ``BackupError``."""
    for table in part.manifest.tables:
        path = part.file(table)
        digest = sha256()
        try:
            with path.open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    digest.update(piece)
                    read(len(piece))
        except FileNotFoundError as error:
            raise BackupError(f"{path} is missing: use a whole copy of the backup; nothing was restored.") from error
        except OSError as error:
            raise BackupError(f"{path} cannot be read ({error.strerror}): mend that; nothing was restored.") from error
        if digest.hexdigest() != part.sums.get(path.name):
            raise damaged(path)


def size(part: Part) -> int:
    """Return how many bytes the files of a part's tables have; one that is missing has none."""
    return sum(path.stat().st_size for table in part.manifest.tables if (path := part.file(table)).exists())


def rows_of(path: Path, read: Callable[[int], None]) -> Iterator[bytes]:
    """Yield what ``PartWriter.table`` wrote, in pieces; ``read`` is told of bytes of the file."""
    unpacker = zlib.decompressobj(GZIP)
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                rest = piece
                while rest:
                    yield unpacker.decompress(rest, PIECE_BYTES)
                    rest = unpacker.unconsumed_tail
                read(len(piece))
            yield unpacker.flush()
    except (OSError, zlib.error) as error:
        raise damaged(path) from error
    if not unpacker.eof:
        raise damaged(path)


def damaged(path: Path) -> BackupError:
    """Return what to say of a file that is not as it was written."""
    return BackupError(f"{path} is damaged: use another copy of the backup; nothing was restored.")


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _sums(path: Path) -> dict[str, str]:
    sums: dict[str, str] = {}
    for line in path.read_bytes().decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        sums[name] = digest
    return sums


def _gathered(pieces: Iterator[bytes | bytearray | memoryview]) -> Iterator[bytes]:
    """Yield the same bytes in pieces large enough to be worth packing: COPY gives a row at a time."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        if len(waiting) >= PIECE_BYTES:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


@contextmanager
def _created(path: Path) -> Generator[int]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def _write(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]
