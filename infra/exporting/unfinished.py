"""An export on its way: its parts in a folder beside the file that they will become, and how far they have come.

The file itself appears whole, by being renamed, or not at all. What a chunk adds is on disk before it counts, and what
does not count is cut off when an export is gone on with: so it may be killed at any moment.
"""

import fcntl
import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from ..durable import replace, sync
from .errors import ExportRefusedError

SUFFIX: Final = ".unfinished"
STATE: Final = "state.json"
LOCK: Final = "lock"
WHOLE: Final = "whole"
PRIVATE: Final = 0o600
"""An export is for whoever asked for it; to let others have it is theirs to decide."""


class Reached(Struct, frozen=True):
    """How far an export has come. ``mark`` says of what it is; ``after`` is the last case or position in it."""

    mark: str
    upto: int
    begun_at: datetime
    after: str = ""
    lengths: tuple[int, ...] = ()
    cases: int = 0
    events: int = 0
    unreadable: int = 0


class Unfinished:
    """The folder of one export. Use it within ``unfinished``."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out.with_name(out.name + SUFFIX)

    def reached(self, mark: str, parts: int) -> Reached | None:
        """Return how far an export of this very kind has come, its parts cut to what counts; none if there is none."""
        try:
            found = msgspec.json.decode((self.folder / STATE).read_bytes(), type=Reached)
            if found.mark != mark or len(found.lengths) != parts:
                return None
            for number, length in enumerate(found.lengths):
                if self.part(number).stat().st_size < length:
                    return None
                os.truncate(self.part(number), length)
        except (OSError, msgspec.MsgspecError):
            return None
        return found

    def begin(self, parts: int) -> None:
        """Throw away what was there, and have so many empty parts."""
        for path in self.folder.iterdir():
            if path.name != LOCK:
                path.unlink()
        for number in range(parts):
            os.close(os.open(self.part(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))

    def add(self, pieces: Sequence[bytes], reached: Reached) -> Reached:
        """Add a piece to each part and return what is reached with that, all of it on disk. Raises ``OSError``."""
        lengths: list[int] = []
        for number, piece in enumerate(pieces):
            with self.part(number).open("ab") as file:
                file.write(piece)
                file.flush()
                os.fsync(file.fileno())
                lengths.append(file.tell())
        reached = msgspec.structs.replace(reached, lengths=tuple(lengths))
        replace(self.folder / STATE, msgspec.json.encode(reached), self.folder)
        return reached

    def part(self, number: int) -> Path:
        """Return where a part is."""
        return self.folder / f"part-{number}"

    def whole(self) -> Path:
        """Return where the finished file is to be written, private and empty."""
        path = self.folder / WHOLE
        path.unlink(missing_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
        return path

    def finish(self) -> None:
        """Have the file that was written stand where it belongs, and the folder be gone. Raises ``OSError``."""
        sync(self.folder / WHOLE)
        (self.folder / WHOLE).rename(self.out)
        sync(self.out.parent)
        shutil.rmtree(self.folder)


@contextmanager
def unfinished(out: Path) -> Generator[Unfinished]:
    """Give the folder of an export to ``out``, to nobody else at the same time.

    Raises ``ExportRefusedError`` where another export writes to it, or where it can only be something else.
    """
    if not out.parent.is_dir():
        raise ExportRefusedError(f"{out} lies in a folder that is not there: name the file to be written.")
    # A device or a link would be replaced like a file, which nobody means who names /dev/null.
    if out.is_symlink() or (out.exists() and not out.is_file()):
        raise ExportRefusedError(f"{out} is a folder, a link or a device: name the file to be written.")
    found = Unfinished(out)
    found.folder.mkdir(mode=0o700, exist_ok=True)
    with (found.folder / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ExportRefusedError(f"Another export is writing {out}: let it finish, or name another file.") from None
        yield found


def begun(mark: str, upto: int, parts: int) -> Reached:
    """Return what an export that begins now has reached."""
    return Reached(mark, upto, datetime.now(UTC), lengths=(0,) * parts)
