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
from ..domain.ids import SubjectId
from ..domain.text import Clear, Erased, Sealed, Withheld
from ..domain.vocabulary import IdentityKind, Role
from ..projections.queries.openings import Opening, OpeningChoice, OpeningPlace


class Asker(Struct, frozen=True):
    """Who asks, as their token says: ``organisation`` is none for those who act for none, and may only read.

    ``expires_at`` is none for the owner of an embedded registry. ``subject`` is whom a subject's token is about;
    ``owns`` is whether they own the database's files, and so see all that is in them, whatever their role.
    """

    organisation: str | None
    role: Role
    user: str
    expires_at: datetime | None = None
    subject: UUID | None = None
    owns: bool = False

    @property
    def signature(self) -> str:
        """How the security log names them: by what they act for, or as, and their own pseudonym."""
        return f"{self.organisation or self.role} {self.user}"

    @property
    def sees_all(self) -> bool:
        """Whether they see every case. It is the database that decides; this spares questions which ones they see."""
        return self.owns or self.role in {Role.INVESTIGATOR, Role.AUDITOR}

    @property
    def counts_only(self) -> bool:
        """Whether they are told counts over all cases, and nothing of any one of them."""
        return self.role is Role.ANALYST and not self.owns


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


class Inclusion(Protocol):
    """That an entry stands in the log's tree of some size: hashes up to the root, the leaf's sibling first."""

    @property
    def index(self) -> int:
        """Its position."""
        ...

    @property
    def size(self) -> int:
        """How many entries the tree has."""
        ...

    @property
    def leaf(self) -> bytes:
        """Its hash."""
        ...

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The hashes of the proof, in the order of RFC 6962."""
        ...

    @property
    def root(self) -> bytes:
        """The tree's root."""
        ...


class Consistency(Protocol):
    """That the log's tree of some size begins with an earlier one, by their roots."""

    @property
    def old(self) -> int:
        """The earlier size."""
        ...

    @property
    def new(self) -> int:
        """The later size."""
        ...

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The hashes of the proof, in the order of RFC 6962."""
        ...

    @property
    def old_root(self) -> bytes:
        """The earlier root."""
        ...

    @property
    def new_root(self) -> bytes:
        """The later root."""
        ...


class Trail(Protocol):
    """The log for auditors, as one checkpoint covers it: so many entries of the log ``origin`` under a root.

    Proofs are of that tree, or of an earlier one where a size is given; they raise ``Problem`` where there is no such
    tree or entry.
    """

    @property
    def origin(self) -> str:
        """The log's name."""
        ...

    @property
    def size(self) -> int:
        """How many entries the tree has."""
        ...

    @property
    def root(self) -> bytes:
        """The tree's root."""
        ...

    @property
    def note(self) -> str:
        """The checkpoint as it is signed."""
        ...

    async def inclusion(self, position: int, size: int | None) -> Inclusion:
        """Return the proof for an entry."""
        ...

    async def consistency(self, old: int, new: int | None) -> Consistency:
        """Return the proof that the log goes on from what it was."""
        ...

    def proof_file(self, found: Inclusion) -> str:
        """Return the proof file of an entry that was proven in the tree of the checkpoint."""
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

    async def parts(
        self, streams: Sequence[UUID], events: Sequence[UUID], upto: int
    ) -> Mapping[UUID, Sequence[Event] | Exception]:
        """Return some events of streams up to a position, and those that correct or strike any there; as above."""
        ...

    async def begun(self, cases: Sequence[UUID], upto: int) -> Mapping[UUID, Sequence[Event] | Exception]:
        """Return of cases, up to a position, what opened them, what was said in them of gaps, and what mends any."""
        ...

    async def event_at(self, position: int) -> Event | Exception | None:
        """Return the event at a position, or the error of one that cannot be read."""
        ...

    async def between(
        self, after: int, upto: int, topics: Sequence[str] | None, as_of: datetime, most: int
    ) -> tuple[Sequence[Event], int]:
        """Return the first events beyond a position, up to another, of some topics (none: all), that had happened.

        And up to which position these are all that there are.
        """
        ...

    async def opened(self, events: Sequence[Event]) -> Mapping[Sealed, Clear | Erased | Withheld]:
        """Return the texts of events as they were recorded, by their sealed form."""
        ...

    async def known_by(self, kind: IdentityKind, identity: str) -> Sequence[SubjectId]:
        """Return the subjects who are known by a number or a name, to those who may ask. Raises ``Problem``."""
        ...

    async def record(self, command: Command) -> Recorded | Refused:
        """Hand in a command and wait for its answer."""
        ...

    def not_permitted(self, command: Command, refused: Refused) -> None:
        """Take note that a command was refused that the asker's role may not give."""
        ...

    async def head(self) -> int:
        """Return the position of the last event of the log; -1 where there is none."""
        ...

    async def trail(self) -> Trail | None:
        """Return the log for auditors as it was published when first asked for; none before anything is."""
        ...

    def follow(self, after: int) -> AsyncIterator[Event]:
        """Yield every event beyond a position, those recorded and those to come, in order and each once."""
        ...

    def openings(self, after: OpeningPlace | None, choice: OpeningChoice) -> AsyncIterator[Opening]:
        """Yield every gap that opened beyond a place (none: now), and those to come, in order and each once."""
        ...
