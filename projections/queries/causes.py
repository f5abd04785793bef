"""What the registry itself can say of a cause at two times: when its obstacles were reported, and what looks alike.

Linking an obstacle with a cause is a judgement of people. What is here only counts what they linked, and suggests what
they may want to look at, with the reasons why.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from ...domain.vocabulary import GapKind, RefusalGround
from .lens import AT, Moment, Query

NEWEST_MAX: Final = "500"
"""How many obstacles, the newest reported first, are compared with those of a cause: as text, since it is SQL."""

CANDIDATES_MAX: Final = "50"
"""How many are suggested at most."""

# The obstacles of a cause; a link of what the asker may not see is no row.
_LINKED: Final = (
    f"SELECT target_id FROM read.stream_link WHERE stream_id = %(cause)s AND relation = 'OBSTACLE' AND {AT}"  # noqa: S608
)

REPORTED: Final = (
    f"SELECT obstacle_id, reported_at FROM read.chain_state WHERE obstacle_id IN ({_LINKED}) AND {AT} "  # noqa: S608
    "ORDER BY reported_at, obstacle_id"
)

HOLDERS: Final = (
    f"SELECT DISTINCT unnest(organisations) FROM read.chain_state WHERE obstacle_id IN ({_LINKED}) AND {AT} ORDER BY 1"  # noqa: S608
)

CANDIDATES: Final[LiteralString] = f"""
WITH linked AS MATERIALIZED ({_LINKED}),
known AS MATERIALIZED (
    SELECT case_id, obstacle_id, theme, organisations FROM read.chain_state
     WHERE obstacle_id IN (SELECT target_id FROM linked) AND {AT}
), alike AS MATERIALIZED (
    SELECT ARRAY(SELECT DISTINCT unnest(organisations) FROM known) AS organisations,
           ARRAY(SELECT theme FROM known UNION
                 SELECT theme FROM read.stream_state
                  WHERE stream_id = %(cause)s AND theme IS NOT NULL AND {AT}) AS themes,
           ARRAY(SELECT DISTINCT ground FROM read.handoff_state h
                  WHERE (h.case_id, h.obstacle_id) IN (SELECT case_id, obstacle_id FROM known)
                    AND ground IS NOT NULL AND {AT}) AS grounds,
           ARRAY(SELECT DISTINCT kind FROM read.gap_state g
                  WHERE (g.case_id, g.obstacle_id) IN (SELECT case_id, obstacle_id FROM known)
                    AND counts_after < %(as_of)s AND {AT}) AS kinds
), newest AS MATERIALIZED (
    SELECT c.case_id, c.obstacle_id, c.reported_at, c.theme, c.organisations FROM read.chain_state c, alike
     WHERE (c.theme = ANY(alike.themes) OR c.organisations && alike.organisations)
       AND c.obstacle_id NOT IN (SELECT target_id FROM linked) AND {AT}
     ORDER BY c.reported_at DESC, c.obstacle_id LIMIT {NEWEST_MAX}
), compared AS (
    SELECT n.case_id, n.obstacle_id, n.reported_at,
           ARRAY(SELECT unnest(n.organisations) INTERSECT SELECT unnest(alike.organisations)
                  ORDER BY 1) AS organisations,
           CASE WHEN n.theme = ANY(alike.themes) THEN n.theme END AS theme,
           ARRAY(SELECT DISTINCT ground FROM read.handoff_state h
                  WHERE h.case_id = n.case_id AND h.obstacle_id = n.obstacle_id AND ground = ANY(alike.grounds) AND {AT}
                  ORDER BY 1) AS grounds,
           ARRAY(SELECT DISTINCT kind FROM read.gap_state g
                  WHERE g.case_id = n.case_id AND g.obstacle_id = n.obstacle_id AND kind = ANY(alike.kinds)
                    AND counts_after < %(as_of)s AND {AT} ORDER BY 1) AS kinds
      FROM newest n, alike
)
SELECT case_id, obstacle_id, organisations, theme, grounds, kinds FROM (
    SELECT *, (organisations <> '{{}}')::int + (theme IS NOT NULL)::int + (grounds <> '{{}}')::int
              + (kinds <> '{{}}')::int AS reasons
      FROM compared) c
 WHERE reasons >= 2 ORDER BY reasons DESC, reported_at DESC, obstacle_id LIMIT {CANDIDATES_MAX}
"""  # noqa: S608 - constants


class Candidate(Struct, frozen=True):
    """An obstacle that may come from a cause, and what it has in common with those that do.

    ``organisations`` held it and some of those; ``grounds`` are those on which it was refused too; ``kinds`` are gaps
    that count on it too. It has at least two of the four in common.
    """

    case: UUID
    obstacle: UUID
    organisations: Sequence[str]
    theme: str | None
    grounds: Sequence[RefusalGround]
    kinds: Sequence[GapKind]


def reported(moment: Moment, cause: UUID) -> Query:
    """Return the query for when the obstacles of a cause were reported: obstacle and moment, the first one first."""
    return REPORTED, moment.values() | {"cause": cause}


def holders(moment: Moment, cause: UUID) -> Query:
    """Return the query for every organisation that has held an obstacle of a cause."""
    return HOLDERS, moment.values() | {"cause": cause}


def candidates(moment: Moment, cause: UUID) -> Query:
    """Return the query for obstacles that may come from a cause, those with most in common first."""
    return CANDIDATES, moment.values() | {"cause": cause}


def candidate(columns: tuple[Any, ...]) -> Candidate:
    """Return the row that ``candidates`` found."""
    case, obstacle, organisations, theme, grounds, kinds = columns
    return Candidate(
        case, obstacle, organisations, theme, [RefusalGround(one) for one in grounds], [GapKind(one) for one in kinds]
    )


class Recurrence(Struct, frozen=True):
    """How many obstacles of a cause were reported in equal times before and after a moment."""

    days: float
    before: int
    after: int


def recurrence(reported_at: Sequence[datetime], moment: datetime, as_of: datetime) -> Recurrence | None:
    """Return what was reported from ``moment`` to ``as_of``, and in as long before it; none if no time passed."""
    window = as_of - moment
    if not window:
        return None
    before = sum(moment - window <= at < moment for at in reported_at)
    after = sum(moment <= at <= as_of for at in reported_at)
    return Recurrence(window.total_seconds() / 86_400, before, after)


def by_month(reported_at: Sequence[datetime], as_of: datetime) -> list[tuple[datetime, int]]:
    """Return how many were reported in each month (UTC), from the first such month to that of ``as_of``."""
    if not reported_at:
        return []
    counts: dict[datetime, int] = {}
    month, last = _month(min(reported_at)), _month(as_of)
    while month <= last:
        counts[month] = 0
        month = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    for at in reported_at:
        counts[_month(at)] += 1
    return list(counts.items())


def _month(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
