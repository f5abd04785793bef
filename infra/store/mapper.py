"""The eventsourcing library's mapper for our events: between an ``Event`` and what the recorder stores and reads.

The library's own mapper takes no ``msgspec`` struct, and its ``StoredEvent`` knows neither when an event was recorded
nor the version of its topic; hence the two classes here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, Notification, StoredEvent

from ...domain.event import Event
from ...domain.topics import VERSIONS
from . import codec


@dataclass(frozen=True)
class NewEvent(StoredEvent):
    """An event on its way to the log, which will give it its position and ``recorded_at``."""

    kind: str
    topic_version: int
    event_id: UUID
    occurred_at: datetime
    command_id: UUID
    obstacle_id: UUID | None
    """The obstacle that it reports, if it does."""


@dataclass(frozen=True)
class LoggedEvent(Notification):
    """An event as the log holds it. ``id`` is its position + 1: the library's subscriptions skip what has id 0."""

    topic_version: int
    recorded_at: datetime


class EventMapper(Mapper[UUID]):
    """Maps events by their topic and version; never by the path of a class."""

    def __init__(self) -> None:
        """Take nothing: events are stored as JSON, and texts in them are sealed one by one."""
        self.compressor = None
        self.cipher = None

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> NewEvent:
        """Return an event ready for the log. Raises ``TypeError`` for a text that is not sealed."""
        event = cast("Event", domain_event)
        topic = event.data.topic
        return NewEvent(
            originator_id=event.stream,
            originator_version=event.version,
            topic=topic,
            state=codec.encode(event),
            kind=codec.KINDS[topic],
            topic_version=VERSIONS[topic],
            event_id=event.id,
            occurred_at=event.occurred_at,
            command_id=event.command_id,
            obstacle_id=codec.reported_obstacle(event.data),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Event:
        """Return the event that the log holds. Raises ``codec.UnreadableEvent``."""
        logged = cast("LoggedEvent", stored_event)
        return codec.decode(
            codec.Row(
                logged.id - 1,
                cast("UUID", logged.originator_id),
                logged.originator_version,
                logged.topic,
                logged.topic_version,
                logged.recorded_at,
                logged.state,
            )
        )
