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
    return _page(at, rest, size, after, len(told))


def window(at: At, told: Sequence[Told], size: int, number: int) -> EventConnection:
    """Return the events of a timeline from a number on, from 1; from further back where fewer than ``size`` follow."""
    begin = max(min(number - 1, len(told) - size), 0)
    return _page(at, told[begin:], size, None, len(told))


def stretch(told: Sequence[Told], size: int, number: int, as_of: datetime) -> tuple[datetime, datetime]:
    """Return from when until when the events of a window occurred; the last one of all reaches to the moment asked for.

    Before the first of all nothing was: a stretch that begins with it begins with all there is.
    """
    begin = max(min(number - 1, len(told) - size), 0)
    shown = told[begin : begin + size]
    if not shown:
        return as_of, as_of
    ends = as_of if begin + size >= len(told) else shown[-1].event.occurred_at
    return shown[0].event.occurred_at, max(ends, shown[-1].event.occurred_at)


def _page(at: At, rest: Sequence[Told], size: int, after: str | None, count: int) -> EventConnection:
    nodes = [event_of(at, one) for one in rest[:size]]
    cursors = [cursor(_place(one)) for one in rest[:size]]
    return EventConnection(
        edges=[EventEdge(node=node, cursor=each) for node, each in zip(nodes, cursors, strict=True)],
        nodes=nodes,
        page_info=page_info(cursors, after, more=len(rest) > size),
        total_count=count,
    )


def _place(told: Told) -> Place:
    return told.event.occurred_at, told.event.position
