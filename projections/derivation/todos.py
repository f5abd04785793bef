"""What is left to do about the record itself: what nobody confirmed, what contradicts the record, what has no cause.

A to-do accuses nobody and is no gap: it is a thing that one organisation can set right by saying something. It lasts
from when it came up until what it asks for was recorded.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from ...domain.case.state import Custody, Obstacle, Open, Settled
from ...domain.event import Event
from ...domain.ids import CaseId, EventId, ObstacleId
from .chain import Chain


class TodoKind(StrEnum):
    """What asks for something to be said.

    NO_CAUSE_NAMED: an obstacle was resolved, and four weeks later nobody has named a cause.
    CUSTODY_UNCONFIRMED: custody that rests on another's word alone.
    IN_CONFLICT: an event that has no effect, because it contradicts the record.
    QUARANTINED: an event that this version of the program cannot read.
    """

    NO_CAUSE_NAMED = "NO_CAUSE_NAMED"
    CUSTODY_UNCONFIRMED = "CUSTODY_UNCONFIRMED"
    IN_CONFLICT = "IN_CONFLICT"
    QUARANTINED = "QUARANTINED"


class TodoFacet(Struct, frozen=True, gc=False):
    """A to-do and whose it is.

    ``event`` is the resolution, what gave the custody, or the event in conflict; ``organisation`` is who resolved it,
    the holder, or who recorded the event. ``case`` is none in an organisation's own stream.
    """

    kind: TodoKind
    event: EventId
    since: datetime
    organisation: str | None
    case: CaseId | None
    obstacle: ObstacleId | None = None


TodoChange = tuple[EventId, datetime, TodoFacet | None]
"""The event that a to-do is about, from when on it is there, and the to-do; none: it is there no more."""


def todos_of_chain(case: UUID, chain: Chain) -> Iterator[TodoChange]:
    """Yield what the last event that a chain observed changed about what is to be done, if it changed its obstacle."""
    before, after = chain.previous, chain.state
    claimed, claims = _claimed(before), _claimed(after)
    if claimed is not None and (claims is None or claims.event != claimed.event):
        yield claimed.event, claimed.since, None
    if claims is not None:
        kind = TodoKind.CUSTODY_UNCONFIRMED
        todo = TodoFacet(kind, claims.event, claims.since, claims.organisation, case, chain.obstacle)
        yield claims.event, claims.since, todo
    if type(before) is not Settled and type(after) is not Settled:
        return
    resolved, resolves = _resolved(before), _resolved(after)
    if resolved is not None and resolves is None:
        yield resolved.event, resolved.at, None
    if resolves is not None:
        due = resolves.at + chain.settings.at(resolves.at).name_cause
        todo = TodoFacet(TodoKind.NO_CAUSE_NAMED, resolves.event, due, resolves.resolved_by, case, chain.obstacle)
        yield resolves.event, due, todo


def todo_of_conflict(event: Event, at: datetime, case: UUID | None) -> TodoChange:
    """Return that an event has had no effect since ``at``; ``case`` is none in an organisation's own stream."""
    return event.id, at, TodoFacet(TodoKind.IN_CONFLICT, event.id, at, event.actor.organisation, case)


def _claimed(obstacle: Obstacle | None) -> Custody | None:
    custody = obstacle.custody if isinstance(obstacle, Open) else None
    return custody if custody is not None and custody.claimed else None


def _resolved(obstacle: Obstacle | None) -> Settled | None:
    return obstacle if isinstance(obstacle, Settled) and obstacle.resolved else None
