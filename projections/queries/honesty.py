"""What honesty costs, at two times: of the gaps in which an organisation has to act, how many it noticed itself.

It noticed a gap if it acknowledged it, or gave an account that confirms it. What was said is of the gap that was named,
if that is still there; else of those that late facts made of it, as ``derivation.shapes.follows`` has it.
"""

from collections.abc import Sequence
from typing import Any, Final, LiteralString

from msgspec import Struct

from .lens import AT, Moment, Query, at

ORGANISATIONS_MAX: Final = 2_000
"""How many organisations one answer holds at most, those with most gaps first."""

# From what was said to the gaps of the case, subject or stream that it may be about: these are found by their key, and
# said is much less than there are gaps.
_NOTICED: Final[LiteralString] = f"""
SELECT g.case_id, g.gap_id, n.organisation
  FROM (SELECT case_id, gap_id, lies_on, kind, organisation, at, since FROM read.notice_state WHERE {AT}) n
 CROSS JOIN LATERAL (SELECT DISTINCT unnest(ARRAY[n.case_id, n.lies_on])) AS own (case_id)
  JOIN read.gap_state g ON g.case_id = own.case_id
 WHERE g.kind = n.kind AND coalesce(g.obstacle_id, g.case_id) = n.lies_on AND n.organisation = ANY(g.to_act)
   AND {at("g")}
   AND (g.gap_id = n.gap_id
        OR (g.from_at <= n.at AND (g.until_at IS NULL OR g.until_at > n.since OR g.from_at >= n.since)
            AND NOT EXISTS (SELECT FROM read.gap_state x
                             WHERE x.case_id = g.case_id AND x.gap_id = n.gap_id AND {at("x")})))
"""  # noqa: S608 - constants

NOTICED: Final[LiteralString] = (
    f"(case_id, gap_id) IN (SELECT case_id, gap_id FROM ({_NOTICED}) noticed "  # noqa: S608
    "WHERE %(noticed_by)s::text IS NULL OR organisation = %(noticed_by)s)"
)
"""The condition on a row of ``read.gap_state`` that somebody who has to act (if named, that one) noticed it."""

SHARES: Final[LiteralString] = f"""
WITH noticed AS MATERIALIZED ({_NOTICED})
SELECT act.organisation, count(*), count(*) FILTER (
           WHERE (g.case_id, g.gap_id, act.organisation) IN (SELECT case_id, gap_id, organisation FROM noticed))
  FROM (SELECT case_id, gap_id, to_act FROM read.gap_state
         WHERE counts_after < %(as_of)s AND to_act <> '{{}}' AND {AT}
           AND (%(organisations)s::text[] IS NULL OR to_act && %(organisations)s)) g
 CROSS JOIN LATERAL unnest(g.to_act) AS act (organisation)
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
