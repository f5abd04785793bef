"""What honesty costs, at two times: of the gaps in which an organisation has to act, how many it noticed itself.

It noticed a gap if it acknowledged it, or gave an account that confirms it. What was said is of the gap that was named,
if that is still there; else of those that late facts made of it, as ``derivation.shapes.follows`` has it.
"""

from collections.abc import Sequence
from typing import Any, Final, LiteralString

from msgspec import Struct

from .lens import AT, Moment, Query, at

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

_SHARES: Final[LiteralString] = f"""
WITH noticed AS MATERIALIZED ({_NOTICED}), shares AS (
    SELECT act.organisation, count(*) AS gaps, count(*) FILTER (
               WHERE (g.case_id, g.gap_id, act.organisation) IN (SELECT case_id, gap_id, organisation FROM noticed)
           ) AS noticed
      FROM (SELECT case_id, gap_id, to_act FROM read.gap_state
             WHERE counts_after < %(as_of)s AND to_act <> '{{}}' AND {AT}
               AND (%(organisations)s::text[] IS NULL OR to_act && %(organisations)s)) g
     CROSS JOIN LATERAL unnest(g.to_act) AS act (organisation)
     WHERE %(organisations)s::text[] IS NULL OR act.organisation = ANY(%(organisations)s)
     GROUP BY act.organisation
)
"""  # noqa: S608

PAGE: Final[LiteralString] = f"""{_SHARES}
SELECT organisation, gaps, noticed FROM shares
 WHERE %(after_gaps)s::bigint IS NULL OR gaps < %(after_gaps)s
    OR (gaps = %(after_gaps)s AND organisation > %(after_organisation)s::text)
 ORDER BY gaps DESC, organisation LIMIT %(limit)s
"""  # noqa: S608

COUNT: Final[LiteralString] = f"{_SHARES} SELECT count(*) FROM shares"  # noqa: S608

Place = tuple[int, str]
"""Where a page ended: how many gaps, and whose."""


class ShareRow(Struct, frozen=True):
    """An organisation, in how many gaps that count it has to act, and how many of these it noticed itself."""

    organisation: str
    gaps: int
    noticed: int


def page(moment: Moment, organisations: Sequence[str] | None, after: Place | None, limit: int) -> Query:
    """Return the query for what some organisations (none: all) noticed, beyond a place, that with most gaps first."""
    gaps, organisation = (None, None) if after is None else after
    own = {"after_gaps": gaps, "after_organisation": organisation, "limit": limit}
    return PAGE, _values(moment, organisations) | own


def count(moment: Moment, organisations: Sequence[str] | None) -> Query:
    """Return the query for how many organisations there are that have to act."""
    return COUNT, _values(moment, organisations)


def place(share: ShareRow) -> Place:
    """Return the place of an organisation in the list."""
    return share.gaps, share.organisation


def _values(moment: Moment, organisations: Sequence[str] | None) -> dict[str, Any]:
    return moment.values() | {"organisations": None if organisations is None else list(organisations)}


def row(columns: tuple[Any, ...]) -> ShareRow:
    """Return the row that ``page`` found."""
    return ShareRow(*columns)
