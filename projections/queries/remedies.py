"""Solved for one, not for all, at two times: remedies behind which nothing was done about what made them necessary."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from .lens import AT, Moment, Query


class LeftOver(StrEnum):
    """What a remedy leaves to be done for all others.

    NO_MEASURE: causes of its obstacle were named, and for none of them anybody committed themselves to a measure, nor
    was any removed. NO_CAUSE_NAMED: nobody has named a cause.
    """

    NO_MEASURE = "NO_MEASURE"
    NO_CAUSE_NAMED = "NO_CAUSE_NAMED"


class RemedyRow(Struct, frozen=True):
    """A remedy, and the causes of its obstacle, in the order in which they were linked."""

    case: UUID
    event: UUID
    obstacle: UUID
    organisation: str
    rule: str | None
    applied_at: datetime
    causes: Sequence[UUID]


class RemedyChoice(Struct, frozen=True):
    """Which remedies a list holds; what is none does not matter."""

    left_over: LeftOver | None = None
    organisations: Sequence[str] | None = None


_LINKS: Final[LiteralString] = (
    f"FROM read.stream_link WHERE target_id = r.obstacle_id AND relation = 'OBSTACLE' AND {AT} "  # noqa: S608
    f"AND stream_id IN (SELECT stream_id FROM read.stream_state WHERE kind = 'CAUSE' AND {AT})"
)

# Who sees no causes could be told of every remedy that no cause was named, which would be wrong.
_FOUND: Final[LiteralString] = f"""
FROM (SELECT case_id, event_id, obstacle_id, organisation, rule, as_of_from AS applied_at
        FROM read.remedy_state WHERE {AT} AND (SELECT knelpunt.sees_learnt())) r
WHERE NOT EXISTS (SELECT FROM read.stream_link
                   WHERE target_id = r.obstacle_id AND relation = 'OBSTACLE' AND {AT}
                     AND stream_id IN (SELECT stream_id FROM read.stream_state
                                        WHERE kind = 'CAUSE' AND {AT}
                                          AND (status = 'REMOVED' OR marks @> ARRAY['measure=COMMITTED'])))
  AND (%(named)s::boolean IS NULL OR EXISTS (SELECT {_LINKS}) = %(named)s)
  AND (%(organisations)s::text[] IS NULL OR r.organisation = ANY(%(organisations)s))
"""  # noqa: S608

PAGE: Final[LiteralString] = f"""
SELECT r.case_id, r.event_id, r.obstacle_id, r.organisation, r.rule, r.applied_at,
       ARRAY(SELECT stream_id {_LINKS} ORDER BY since, stream_id)
{_FOUND}
  AND (%(after_at)s::timestamptz IS NULL OR r.applied_at < %(after_at)s
       OR (r.applied_at = %(after_at)s AND r.event_id > %(after_event)s::uuid))
ORDER BY r.applied_at DESC, r.event_id LIMIT %(limit)s
"""

COUNT: Final[LiteralString] = f"SELECT count(*) {_FOUND}"


def page(moment: Moment, choice: RemedyChoice, after: tuple[datetime, UUID] | None, limit: int) -> Query:
    """Return the query for remedies beyond the one of a moment and an event, the newest first."""
    at, event = (None, None) if after is None else after
    return PAGE, _values(moment, choice) | {"after_at": at, "after_event": event, "limit": limit}


def count(moment: Moment, choice: RemedyChoice) -> Query:
    """Return the query for how many there are."""
    return COUNT, _values(moment, choice)


def row(columns: tuple[Any, ...]) -> RemedyRow:
    """Return the row that ``page`` found."""
    return RemedyRow(*columns)


def _values(moment: Moment, choice: RemedyChoice) -> dict[str, Any]:
    named = None if choice.left_over is None else choice.left_over is LeftOver.NO_MEASURE
    organisations = None if choice.organisations is None else list(choice.organisations)
    return moment.values() | {"named": named, "organisations": organisations}
