"""What every event carries beside its own fields, and the facts it may hold.

An event is a fact of the world (``data``) with who says so, when it happened, when the registry accepted it and who
else knew. ``occurred_at`` and ``recorded_at`` are the two times of a bitemporal record (Snodgrass, *Developing
Time-Oriented Database Applications in SQL*, 1999: valid time and transaction time).

Structs of the registry are frozen and hold no cycles, so they are kept out of the garbage collector's sight
(``gc=False``): with a million events in memory it would otherwise look through all of them again and again.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from msgspec import Struct

from .ids import CommandId, EventId, OrganisationId, UserId
from .vocabulary import Precision, Role

API = "api"
"""The source of what came in as a command; an import names itself instead."""


class Fact(Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """What an event says happened. Subclasses are the facts of one kind of stream."""

    topic: ClassVar[str]
    """The stable name under which facts of this class are stored; see ``domain.topics``."""

    mends: ClassVar[bool] = False
    """Whether it corrects or strikes another event, instead of standing in the history itself."""


class Actor(Struct, frozen=True, gc=False):
    """Who recorded an event: an organisation, the role in which, and the person by pseudonym."""

    organisation: OrganisationId
    role: Role
    user: UserId


class Knower(Struct, frozen=True, gc=False):
    """An organisation that also knew of an event, and since when (UTC)."""

    organisation: OrganisationId
    since: datetime


class Event(Struct, frozen=True, gc=False):
    """One event as the registry holds it.

    ``version`` counts from 1 within the stream ``stream``; ``position`` counts from 0 over the whole registry, without
    holes, in the order of commit. ``occurred_at`` and ``recorded_at`` are aware datetimes in UTC, to the microsecond;
    ``recorded_at`` strictly increases with ``position``.
    """

    id: EventId
    stream: UUID
    version: int
    position: int
    occurred_at: datetime
    recorded_at: datetime
    actor: Actor
    command_id: CommandId
    data: Fact
    precision: Precision = Precision.SECOND
    source: str = API
    inferred: bool = False
    known_to: tuple[Knower, ...] = ()

    @property
    def originator_id(self) -> UUID:
        """The stream, by the name that the eventsourcing library gives it."""
        return self.stream

    @property
    def originator_version(self) -> int:
        """The version, by the name that the eventsourcing library gives it."""
        return self.version
