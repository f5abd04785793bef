"""What the schema needs from outside: who asks, rows and events, texts, a place to record, and the log as it grows.

``infra/http`` provides them over PostgreSQL and the vault; nothing here knows how.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString, Protocol
from uuid import UUID

from msgspec import Struct

from ..domain.command import Command, Refused
from ..domain.event import Event
from ..domain.text import Clear, Erased, Sealed
from ..domain.vocabulary import Role
from ..projections.queries.openings import Opening, OpeningChoice, OpeningPlace


class Asker(Struct, frozen=True):
    """Who asks, as their token says: ``organisation`` is none for those who act for none, and may only read.

    ``expires_at`` is none for the owner of an embedded registry.
    """

    organisation: str | None
    role: Role
    user: str
    expires_at: datetime | None = None


class Pinned(Struct, frozen=True):
    """What the registry held when it was pinned: the last event that its projections take in, and when that came."""

    position: int
    recorded_at: datetime | None
    caught_up: bool


class Recorded(Protocol):
    """A command had its effect."""

    @property
    def position(self) -> int:
        """Where its event stands in the log."""
        ...

    @property
    def event_id(self) -> UUID:
        """The event."""
        ...

    @property
    def recorded_at(self) -> datetime:
        """When it was recorded."""
        ...

    @property
    def version(self) -> int:
        """Its version in its stream."""
        ...


class Session(Protocol):
    """One request's dealings with the registry, all of them as the one who asks."""

    async def pin(self) -> Pinned:
        """From now on, have every read see one moment of the database, until the session ends."""
        ...

    async def reach(self, position: int) -> bool:
        """Wait until the projections take in ``position``; whether they did in time. To be asked before pinning."""
        ...

    async def rows(self, query: LiteralString, values: Mapping[str, object]) -> Sequence[tuple[Any, ...]]:
        """Return what a query finds."""
        ...

    async def histories(self, streams: Sequence[UUID], upto: int) -> Mapping[UUID, Sequence[Event] | Exception]:
        """Return the events of streams up to a position, each in order; or the error of one that cannot be read."""
        ...

    async def event_at(self, position: int) -> Event | Exception | None:
        """Return the event at a position, or the error of one that cannot be read."""
        ...

    async def opened(self, events: Sequence[Event]) -> Mapping[Sealed, Clear | Erased]:
        """Return the texts of events as they were recorded, by their sealed form."""
        ...

    async def record(self, command: Command) -> Recorded | Refused:
        """Hand in a command and wait for its answer."""
        ...

    async def head(self) -> int:
        """Return the position of the last event of the log; -1 where there is none."""
        ...

    def follow(self, after: int) -> AsyncIterator[Event]:
        """Yield every event beyond a position, those recorded and those to come, in order and each once."""
        ...

    def openings(self, after: OpeningPlace | None, choice: OpeningChoice) -> AsyncIterator[Opening]:
        """Yield every gap that opened beyond a place (none: now), and those to come, in order and each once."""
        ...
