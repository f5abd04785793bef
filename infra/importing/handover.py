"""How an import hands its commands on: in chunks of whole cases, to a sink that records them and keeps count."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from ...domain.command import Command
from .progress import Bookmark, Reached
from .rows import Trace


class RefusedCase(Struct, frozen=True):
    """A case that the store adds nothing to: what it holds of it already is not what the file says."""

    case: UUID
    reason: str


class Appended(Struct, frozen=True):
    """What became of a chunk: commands that led to new events, those whose events were there, and cases refused.

    Commands about a refused case count as neither new nor present.
    """

    new: int
    present: int
    refused: tuple[RefusedCase, ...] = ()


class Sink(Protocol):
    """Where commands go."""

    def begin(self, fingerprint: bytes) -> Reached:
        """Begin an import, and return how far one with the same fingerprint had come that was broken off."""
        ...

    def append_chunk(self, commands: Sequence[Command], bookmark: Bookmark) -> Appended:
        """Record all that is new of ``commands`` in one transaction, each stream's in the order given.

        A command whose id is recorded already counts as present, and so does the registration of an organisation that
        is registered, whoever did so. The commands have been judged by the domain, each case's as a whole history.
        What is done with this chunk is remembered in the same transaction.
        """
        ...

    def end(self) -> None:
        """Forget how far the import has come, since it has come to its end."""
        ...


class Chunk:
    """Commands of whole cases, and the traces that they were made of, by stream."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.traces: dict[UUID, Trace] = {}
        self._numbers: dict[UUID, int] = {}
        self._again: set[int] = set()
        self._end = 0

    def add(self, number: int, trace: Trace, commands: list[Command], *, again: bool) -> None:
        """Add the trace of a number, the next one, with the commands that it leads to."""
        self._end = number + 1
        if again:
            self._again.add(number)
        if commands:
            self.commands.extend(commands)
            self.traces[commands[0].stream] = trace
            self._numbers[commands[0].stream] = number

    @property
    def bookmark(self) -> Bookmark:
        """Where the chunk ends."""
        return Bookmark(self._end, frozenset(self._again), self._numbers)
