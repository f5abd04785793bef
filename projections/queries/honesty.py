"""What honesty costs, at two times: of the gaps in which an organisation has to act, how many it noticed itself.

It noticed a gap if it acknowledged it, or gave an account that confirms it. What was said is of the gap that was named,
if that is still there; else of those that late facts made of it, as ``derivation.shapes.follows`` has it.
"""

from collections.abc import Sequence
from typing import Any, Final, LiteralString

from msgspec import Struct

from .lens import AT, Moment, Query

ORGANISATIONS_MAX: Final = 2_000
"""How many organisations one answer holds at most, those with most gaps first."""

# What follows is asked of gaps (g) and of what was said (n).
_OVERLAPS: Final[LiteralString] = (
    "g.from_at <= n.at AND (g.until_at IS NULL OR g.until_at > n.since OR g.from_at >= n.since) "
    "AND NOT EXISTS (SELECT FROM read.gap_state x WHERE x.case_id = g.case_id AND x.gap_id = n.gap_id AND "
    "x.as_of_from <= %(as_of)s AND (x.as_of_until > %(as_of)s OR x.until_known_from > %(known_at)s) "
    "AND x.known_from <= %(known_at)s AND x.known_until > %(known_at)s)"
)
_SAID: Final[LiteralString] = f"SELECT gap_id, lies_on, kind, organisation, at, since FROM read.notice_state WHERE {AT}"  # noqa: S608

NOTICED: Final[LiteralString] = (
    "EXISTS (SELECT FROM (SELECT gap_state.case_id, gap_state.gap_id, gap_state.from_at, gap_state.until_at) g "
    f"CROSS JOIN ({_SAID} AND lies_on = coalesce(gap_state.obstacle_id, gap_state.case_id) "
    "AND kind = gap_state.kind AND organisation = ANY(gap_state.to_act) "
    "AND (%(noticed_by)s::text IS NULL OR organisation = %(noticed_by)s)) n "
    f"WHERE n.gap_id = g.gap_id OR ({_OVERLAPS}))"
)
"""The condition on a row of ``read.gap_state`` that somebody who has to act (if named, that one) noticed it."""

SHARES: Final[LiteralString] = f"""
WITH gaps AS MATERIALIZED (
    SELECT case_id, gap_id, coalesce(obstacle_id, case_id) AS lies_on, kind, from_at, until_at, to_act
      FROM read.gap_state WHERE counts_after < %(as_of)s AND to_act <> '{{}}' AND {AT}
       AND (%(organisations)s::text[] IS NULL OR to_act && %(organisations)s)
), said AS MATERIALIZED ({_SAID}), noticed AS MATERIALIZED (
    SELECT DISTINCT g.case_id, g.gap_id, n.organisation
      FROM said n JOIN gaps g ON g.lies_on = n.lies_on AND g.kind = n.kind AND n.organisation = ANY(g.to_act)
     WHERE n.gap_id = g.gap_id OR ({_OVERLAPS})
)
SELECT act.organisation, count(*), count(*) FILTER (
           WHERE (g.case_id, g.gap_id, act.organisation) IN (SELECT case_id, gap_id, organisation FROM noticed))
  FROM gaps g CROSS JOIN LATERAL unnest(g.to_act) AS act (organisation)
 WHERE %(organisations)s::text[] IS NULL OR act.organisation = ANY(%(organisations)s)
 GROUP BY act.organisation ORDER BY count(*) DESC, act.organisation LIMIT %(limit)s
"""  # noqa: S608


class ShareRow(Struct, frozen=True):
    """An organisation, in how many gaps that count it has to act, and how many of these it noticed itself."""

    organisation: str
    gaps: int
    noticed: int


def shares(moment: Moment, organisations: Sequence[str] | None) -> Query:
    """Return the query for how much some organisations (none: all) noticed themselves, that with most gaps first."""
    chosen = None if organisations is None else list(organisations)
    return SHARES, moment.values() | {"organisations": chosen, "limit": ORGANISATIONS_MAX}


def row(columns: tuple[Any, ...]) -> ShareRow:
    """Return the row that ``shares`` found."""
    return ShareRow(*columns)
