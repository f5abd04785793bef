"""Events as bytes and back: what stands in the column ``state``.

An event is stored as JSON in a fixed order of fields, without those that hold their default, so equal events have
equal bytes. It is read by a typed decoder made once for each topic. A clear text cannot be written: there is no way
to encode one.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from ...domain import topics
from ...domain.case.facts import CaseFact, ObstacleReported
from ...domain.erasure import SubjectErased
from ...domain.event import API, Actor, Event, Fact, Knower
from ...domain.ids import CommandId, EventId
from ...domain.learning.facts import LearningFact
from ...domain.organisation.facts import OrganisationFact
from ...domain.registry.facts import RegistryFact
from ...domain.vocabulary import Precision

STATE_BYTES_MAX: Final = 256 * 1024
"""The largest stored event: some forty texts of the greatest length, sealed. More is a mistake, or an attack."""

ACTORS_MAX: Final = 10_000
"""How many actors are kept at hand, so that a thousand events of one official share one object."""


class UnreadableEvent(Exception):  # noqa: N818  named for what it is; it is also a value
    """A stored event that this program cannot read. ``reason`` says why and quotes nothing of its content.

    ``told_by`` is the organisation that recorded it, if at least that can be read.
    """

    def __init__(self, position: int, stream: UUID, reason: str, told_by: str | None = None) -> None:
        """Say which event of which stream, and why."""
        super().__init__(f"The event at position {position} cannot be read: {reason}.")
        self.position = position
        self.stream = stream
        self.reason = reason
        self.told_by = told_by


F = TypeVar("F", bound=Fact)


class State(Struct, Generic[F], frozen=True, omit_defaults=True):
    """An event as it is stored, beside its place in the log. Field names are short because they are stored."""

    id: EventId
    at: datetime
    actor: msgspec.Raw  # there are few actors and many events: see _actor
    command: CommandId
    data: F
    precision: Precision = Precision.SECOND
    source: str = API
    inferred: bool = False
    known_to: tuple[Knower, ...] = ()


class Row(Struct, frozen=True):
    """An event as the database holds it; field for field the columns of ``knelpunt.event`` that are read."""

    position: int
    stream: UUID
    version: int
    topic: str
    topic_version: int
    recorded_at: datetime
    state: bytes


CASE: Final = "case"
ORGANISATION: Final = "organisation"
INVESTIGATION: Final = "investigation"
ERASURE: Final = "erasure"
REGISTRY: Final = "registry"

_KIND_OF: Final = {
    CaseFact: CASE,
    OrganisationFact: ORGANISATION,
    SubjectErased: ERASURE,
    RegistryFact: REGISTRY,
}


def _kind(fact: type[Fact]) -> str:
    if issubclass(fact, LearningFact):
        return fact.stream_kind.lower()
    return next(kind for of, kind in _KIND_OF.items() if issubclass(fact, of))


KINDS: Final[Mapping[str, str]] = MappingProxyType({topic: _kind(fact) for topic, fact in topics.FACTS.items()})
"""The kind of stream that facts of a topic stand in."""

_encoder = msgspec.json.Encoder()
_raw = msgspec.json.Decoder(dict[str, Any])
_read_actor = msgspec.json.Decoder(Actor).decode


@cache
def _decoder(topic: str, topic_version: int) -> Callable[[bytes], State[Any]] | None:
    """Return what decodes today's version of a topic straight to its type; older ones take the way over upcasters.

    Made when first needed: all of them take longer than a small program, such as a helper of an import, has to start.
    """
    fact = topics.FACTS.get(topic)
    if fact is None or topic_version != topics.VERSIONS[topic]:
        return None
    return msgspec.json.Decoder(State[fact]).decode


def encode(event: Event) -> bytes:
    """Return an event's state. Raises ``TypeError`` for a fact with a text that is not sealed."""
    return _encoder.encode(
        State(
            event.id,
            event.occurred_at,
            _actor_state(event.actor),
            event.command_id,
            event.data,
            event.precision,
            event.source,
            event.inferred,
            event.known_to,
        )
    )


def decode(row: Row) -> Event:
    """Return the event of a row. Raises ``UnreadableEvent``."""
    return decode_columns(
        row.position, row.stream, row.version, row.topic, row.topic_version, row.recorded_at, row.state
    )


def decode_columns(
    position: int, stream: UUID, version: int, topic: str, topic_version: int, recorded_at: datetime, state: bytes
) -> Event:
    """Return the event of a row that is given as its columns, as ``decode``: for those who read millions."""
    try:
        known = _decoder(topic, topic_version)
        read = known(state) if known is not None else _lifted(topic, topic_version, state)
        actor = _actor(bytes(read.actor))
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
        raise UnreadableEvent(position, stream, f"{topic} v{topic_version}: {error}", _told_by(state)) from error
    return Event(
        read.id,
        stream,
        version,
        position,
        read.at,
        recorded_at,
        actor,
        read.command,
        read.data,
        read.precision,
        read.source,
        read.inferred,
        read.known_to,
    )


class _Actor(Struct):
    """As little of an actor as can be asked for."""

    organisation: str


class _Told(Struct):
    """As little of an event as can be asked for."""

    actor: _Actor


_read_told = msgspec.json.Decoder(_Told).decode


def _told_by(state: bytes) -> str | None:
    """Return who recorded an event that cannot be read whole, if that much can be read."""
    try:
        return _read_told(state).actor.organisation
    except (msgspec.MsgspecError, ValueError):
        return None


@lru_cache(maxsize=ACTORS_MAX)
def _actor(state: bytes) -> Actor:
    return _read_actor(state)


@lru_cache(maxsize=ACTORS_MAX)
def _actor_state(actor: Actor) -> msgspec.Raw:
    return msgspec.Raw(_encoder.encode(actor))


def _lifted(topic: str, topic_version: int, state: bytes) -> State[Any]:
    """Return the state of an event of an older version, as today's."""
    fact = topics.FACTS.get(topic)
    if fact is None:
        message = "the topic is unknown to this version of the program"
        raise ValueError(message)
    if topic_version > topics.VERSIONS[topic]:
        message = "it was written by a later version of the program"
        raise ValueError(message)
    read = _raw.decode(state)
    read["data"] = topics.upcast(topic, topic_version, read["data"])
    read["actor"] = msgspec.Raw(_encoder.encode(read["actor"]))
    return msgspec.convert(read, State[fact])


def reported_obstacle(fact: Fact) -> UUID | None:
    """Return the obstacle that a fact brings into the registry, if it does."""
    return fact.obstacle if isinstance(fact, ObstacleReported) else None
