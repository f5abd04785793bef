"""A page of a timeline: the events of a case, or of a learning stream, in the order in which they occurred."""

from collections.abc import Sequence
from datetime import datetime

from ..projections.derivation.answer import Told
from .events import EventConnection, EventEdge, event_of
from .nodes import cursor, page_info
from .view import At

Place = tuple[datetime, int]
"""Where an event stands in a timeline: when it occurred, and its position."""


def event_page(at: At, told: Sequence[Told], size: int, place: Place | None, after: str | None) -> EventConnection:
    """Return the events of a timeline beyond a place, at most ``size``."""
    rest = told if place is None else [one for one in told if _place(one) > place]
    nodes = [event_of(at, one) for one in rest[:size]]
    cursors = [cursor(_place(one)) for one in rest[:size]]
    return EventConnection(
        edges=[EventEdge(node=node, cursor=each) for node, each in zip(nodes, cursors, strict=True)],
        nodes=nodes,
        page_info=page_info(cursors, after, more=len(rest) > size),
        total_count=len(told),
    )


def _place(told: Told) -> Place:
    return told.event.occurred_at, told.event.position
