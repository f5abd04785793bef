"""Who is waiting for whom at two times: causes that were escalated, and of which the time to answer went by unused."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from ...domain.vocabulary import Level
from .lens import AT, Moment, Query

PAIRS_MAX: Final = 2_000
"""How many pairs of organisations one answer looks at, those that wait longest: circles are looked for in these."""

_UNANSWERED: Final = f"ended_at IS NULL AND respond_by < %(as_of)s AND {AT}"

PAIRS: Final[LiteralString] = (
    "SELECT asked_by, to_organisation, count(*), min(respond_by) FROM read.escalation_state "  # noqa: S608 - constants
    f"WHERE {_UNANSWERED} GROUP BY asked_by, to_organisation ORDER BY 4, 1, 2 LIMIT %(limit)s"
)

PAGE: Final[LiteralString] = (
    "SELECT stream_id, event_id, asked_by, to_organisation, level, made_at, respond_by FROM read.escalation_state "  # noqa: S608
    f"WHERE {_UNANSWERED} AND (%(waiting)s::text IS NULL OR asked_by = %(waiting)s) "
    "AND (%(after_respond_by)s::timestamptz IS NULL "
    "OR (respond_by, event_id) > (%(after_respond_by)s, %(after_event)s::uuid)) "
    "ORDER BY respond_by, event_id LIMIT %(limit)s"
)

COUNT: Final[LiteralString] = (
    f"SELECT count(*) FROM read.escalation_state WHERE {_UNANSWERED} "  # noqa: S608
    "AND (%(waiting)s::text IS NULL OR asked_by = %(waiting)s)"
)


class PairRow(Struct, frozen=True):
    """An organisation waits for another: for how many answers, and since when for the first of them."""

    waiting: str
    for_: str
    answers: int
    since: datetime


class WaitRow(Struct, frozen=True):
    """An escalation of a cause that waits for an answer since ``respond_by``."""

    cause: UUID
    event: UUID
    waiting: str
    for_: str
    level: Level
    asked_at: datetime
    respond_by: datetime


def pairs(moment: Moment) -> Query:
    """Return the query for who waits for whom, those that wait longest first."""
    return PAIRS, moment.values() | {"limit": PAIRS_MAX}


def pair(columns: tuple[Any, ...]) -> PairRow:
    """Return the row that ``pairs`` found."""
    return PairRow(*columns)


def page(moment: Moment, waiting: str | None, after: tuple[datetime, UUID] | None, limit: int) -> Query:
    """Return the query for what one organisation (none: anybody) waits for, beyond a place, the longest first."""
    respond_by, event = (None, None) if after is None else after
    return PAGE, moment.values() | {
        "waiting": waiting,
        "after_respond_by": respond_by,
        "after_event": event,
        "limit": limit,
    }


def count(moment: Moment, waiting: str | None) -> Query:
    """Return the query for how many there are."""
    return COUNT, moment.values() | {"waiting": waiting}


def row(columns: tuple[Any, ...]) -> WaitRow:
    """Return the row that ``page`` found."""
    cause, event, waiting, for_, level, asked_at, respond_by = columns
    return WaitRow(cause, event, waiting, for_, Level(level), asked_at, respond_by)


def circles(waits: Sequence[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return circles of organisations that wait for each other, the shortest first.

    A circle has at least two, and begins with the one that comes first in the alphabet. For each wait that lies on any
    circle the shortest is told on which it lies; of equally short ones that whose organisations, from who is waited for
    on, come first. So no circular wait is left out, and there are no more circles than waits.
    """
    for_whom: dict[str, list[str]] = {}
    for waiting, for_ in sorted(set(waits)):
        if waiting != for_:
            for_whom.setdefault(waiting, []).append(for_)
    found: set[tuple[str, ...]] = set()
    for waiting, others in for_whom.items():
        away = _away(for_whom, waiting)
        for for_ in others:
            if for_ in away:
                ring = _back(for_whom, away, for_)
                first = ring.index(min(ring))
                found.add((*ring[first:], *ring[:first]))
    return sorted(found, key=lambda ring: (len(ring), ring))


def _away(for_whom: Mapping[str, Sequence[str]], end: str) -> dict[str, int]:
    """Return how many waits each organisation is away from one, for those that wait for it in the end."""
    waited_by: dict[str, list[str]] = {}
    for waiting, others in for_whom.items():
        for for_ in others:
            waited_by.setdefault(for_, []).append(waiting)
    away, todo = {end: 0}, [end]
    for here in todo:
        for waiting in waited_by.get(here, ()):
            if waiting not in away:
                away[waiting] = away[here] + 1
                todo.append(waiting)
    return away


def _back(for_whom: Mapping[str, Sequence[str]], away: Mapping[str, int], start: str) -> list[str]:
    """Return the shortest way from one organisation to where all ways lead, both included."""
    way = [start]
    while away[way[-1]] > 0:
        way.append(next(one for one in for_whom[way[-1]] if away.get(one) == away[way[-1]] - 1))
    return way
