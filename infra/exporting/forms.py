"""The formats of process mining, as an export writes them: what each makes of a chunk, and of all chunks together."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from ...domain.event import Event
from .story import Story

History = Callable[[str], Sequence[Event]]
"""What was recorded of an organisation, by its identifier."""

COPIED_AT_ONCE: Final = 1 << 20
"""Bytes copied at a time when parts are put together."""


class Form(Protocol):
    """A format whose parts grow by whole cases."""

    parts: int
    """In how many parts it is written before they are put together."""

    def pieces(self, stories: Sequence[Story]) -> Sequence[bytes]:
        """Return what some cases add to each part."""
        ...

    def assemble(self, parts: Sequence[Path], whole: Path, history: History) -> None:
        """Write the whole file from its parts. Raises ``OSError``."""
        ...


def copy(source: Path, target: BinaryIO, begin: int = 0) -> None:
    """Append a file to an open one, from a byte on."""
    with source.open("rb") as file:
        file.seek(begin)
        while block := file.read(COPIED_AT_ONCE):
            target.write(block)
