"""What all learning streams have in common, as clients see them: what is not a case, but what cases teach.

Each kind is a type of its own that implements ``LearningStream``; ``stream_page`` answers its list and ``stream_by_id``
the question for one.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import strawberry

from ..domain.event import Event as RecordedEvent
from ..domain.vocabulary import LearningKind
from ..projections.queries import streams
from ..projections.queries.streams import StreamChoice, StreamOrder, StreamRow
from . import ids
from .cases import After, First
from .connections import connection
from .events import Conflict, Event, EventConnection, conflict_of, event_of
from .gaps import Counts, Gap, gaps_of
from .nodes import Node, page_size, place_of
from .organisations import Organisation, organisations
from .timeline import Place, event_page
from .view import StreamAt, StreamReading, View

strawberry.enum(StreamOrder, description="In which order causes and their like are listed: by when they began.")

T = TypeVar("T")
N = TypeVar("N", bound="LearningStream")


@strawberry.interface(
    description="A cause or its like: no case, but what many cases teach. It has a history, gaps and conflicts of its "
    "own."
)
class LearningStream(Node):
    """A learning stream at the view's two times."""

    at: strawberry.Private[StreamAt]
    header: strawberry.Private[StreamRow | None] = None

    @strawberry.field(description="Its global id.")
    def id(self) -> strawberry.ID:
        """Return its global id."""
        return self.at.read(
            lambda reading: strawberry.ID(ids.global_id(ids.stream_name(reading.answer.kind), self.at.id))
        )

    @strawberry.field(description="When it began.")
    def begun_at(self) -> datetime:
        """Return when it began."""
        return self.header.begun_at if self.header else self.begun(lambda event: event.occurred_at)

    @strawberry.field(description="The event that it began with.")
    def begun_by(self) -> Event:
        """Return what it began with."""
        return self.at.read(lambda reading: event_of(self.at, reading.event(_begun(reading).id)))

    @strawberry.field(
        description="The organisations that have a part in it: its events name them, or they recorded one."
    )
    def organisations(self) -> list[Organisation]:
        """Return the organisations that have a part in it."""
        return self.at.read(lambda reading: organisations(self.at.view, reading.answer.organisations))

    @strawberry.field(description="The gaps that are about it, by beginning and kind.")
    def gaps(self, counts: Counts = True) -> list[Gap]:  # noqa: FBT002  an argument of GraphQL
        """Return its gaps."""
        return self.at.read(lambda reading: gaps_of(self.at, reading.answer.gaps, counts=counts))

    @strawberry.field(description="The events without effect, and what contradicts them.")
    def conflicts(self) -> list[Conflict]:
        """Return its conflicts."""

        def find(reading: StreamReading) -> list[Conflict]:
            found = (conflict_of(self.at, reading, event) for event in reading.conflicts)
            return [conflict for conflict in found if conflict is not None]

        return self.at.read(find)

    @strawberry.field(description="Its events, in the order in which they occurred.")
    def timeline(self, first: First = None, after: After = None) -> EventConnection:
        """Return a page of its events."""
        size, place = page_size(first), place_of(after, Place)
        return self.at.read(lambda reading: event_page(self.at, reading.answer.timeline, size, place, after))

    def state(self, what: Callable[[Any], T]) -> T:
        """Return something of its state at the view, which whoever found it knows to exist."""
        return self.at.read(lambda reading: what(reading.answer.state))

    def begun(self, what: Callable[[RecordedEvent], T]) -> T:
        """Return something of the event that it began with, as corrected."""
        return self.at.read(lambda reading: what(_begun(reading)))

    def event(self, event: UUID) -> Event:
        """Return one of its events."""
        return self.at.read(lambda reading: event_of(self.at, reading.event(event)))


def _begun(reading: StreamReading) -> RecordedEvent:
    return reading.answer.state.begun


async def stream_by_id(view: View, kind: LearningKind, id_: str, make: Callable[..., N]) -> N | None:
    """Return the stream of a kind that an id names, made by its type; none if it had not begun. Raises ``Problem``."""
    found = ids.parse(id_, ids.stream_name(kind), "id").id
    return None if await view.stream(found, kind) is None else make(at=StreamAt(view, found))


async def stream_page(
    view: View,
    kinds: tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]],
    choice: StreamChoice,
    order: StreamOrder,
    first: int | None,
    after: str | None,
) -> Any:
    """Return a page of streams: a connection with edges and nodes of three types. Raises ``Problem``."""
    of_connection, of_edge, of_node = kinds
    size = page_size(first)
    place = place_of(after, tuple[datetime, UUID])
    found = await view.session.rows(*streams.page(view.moment, choice, order, place, size + 1))
    rows = [streams.row(row) for row in found]
    return connection(
        (of_connection, of_edge),
        view,
        rows,
        size,
        after,
        streams.count(view.moment, choice),
        lambda row: of_node(at=StreamAt(view, row.id), header=row),
        lambda row: (row.begun_at, row.id),
    )
