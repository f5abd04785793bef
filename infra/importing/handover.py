"""How an import hands its commands on: in chunks of whole cases, to a sink that records them and keeps count.

Commands are handed on packed, stream by stream: that is made trace by trace, maybe in other processes.
"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from .packing import Packed, Packer, Worded
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

    @property
    def packer(self) -> Packer:
        """What packs commands for this sink."""
        ...

    def begin(self, fingerprint: bytes) -> Reached:
        """Begin an import, and return how far one with the same fingerprint had come that was broken off."""
        ...

    def append_chunk(self, streams: Sequence[Packed | Worded], bookmark: Bookmark) -> Appended:
        """Record all that is new of some streams' commands in one transaction, each stream's in the order given.

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
        self.streams: list[Packed | Worded] = []
        self.commands = 0
        """How many commands it holds."""
        self.traces: dict[UUID, Trace] = {}
        self._numbers: dict[UUID, int] = {}
        self._again: set[int] = set()
        self._end = 0

    def register(self, registration: Packed | Worded) -> None:
        """Add what makes an organisation known."""
        self.streams.append(registration)
        self.commands += len(registration.keys)

    def add(self, number: int, trace: Trace, commands: Packed | Worded | None, *, again: bool) -> None:
        """Add the trace of a number, the next one, with the commands that it leads to."""
        self._end = number + 1
        if again:
            self._again.add(number)
        if commands is not None:
            self.streams.append(commands)
            self.commands += len(commands.keys)
            self.traces[commands.stream] = trace
            self._numbers[commands.stream] = number

    @property
    def bookmark(self) -> Bookmark:
        """Where the chunk ends."""
        return Bookmark(self._end, frozenset(self._again), self._numbers)
