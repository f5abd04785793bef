"""Repeat offenders at two times: causes, by the time that people spent in gaps because of them.

Of each obstacle it is the time in which at least one gap that counts lay on it, as its chain has it; of a cause the sum
over the obstacles that were linked with it. docs/answers.md says what that leaves out.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from .lens import AT, Moment, Query

OBSTACLES_MAX: Final = "200"
"""How many obstacles are told of one cause, those longest in gaps: as text, since it is SQL."""

# What an obstacle's settled time cuts out of a gap is found in the rows of its chain, which stand for all of asOf.
# Ranges are joined and cut here only, after row security, which looks at plain columns, has had its say.
_SPENT: Final[LiteralString] = f"""
WITH linked AS MATERIALIZED (
    SELECT stream_id AS cause_id, target_id AS obstacle_id FROM read.stream_link
     WHERE relation = 'OBSTACLE' AND {AT}
       AND stream_id IN (SELECT stream_id FROM read.stream_state WHERE kind = 'CAUSE' AND {AT})
), known AS MATERIALIZED (
    SELECT case_id, obstacle_id FROM read.chain_state
     WHERE obstacle_id IN (SELECT obstacle_id FROM linked) AND {AT}
), lying AS MATERIALIZED (
    SELECT g.case_id, g.obstacle_id, tstzrange(from_at, coalesce(until_at, %(as_of)s)) AS stretch,
           CASE WHEN lasted < 0 THEN lasting_since = from_at
                ELSE lasted = extract(epoch FROM until_at - from_at) * 1000000 END AS uncut
      FROM known k JOIN read.gap_state g ON g.case_id = k.case_id AND g.obstacle_id = k.obstacle_id
     WHERE counts_after < %(as_of)s AND {AT}
), settled AS MATERIALIZED (
    SELECT c.obstacle_id,
           range_agg(tstzrange(as_of_from, CASE WHEN until_known_from > %(known_at)s THEN %(as_of)s
                                                ELSE least(as_of_until, %(as_of)s) END)) AS stretches
      FROM (SELECT DISTINCT case_id, obstacle_id FROM lying WHERE NOT uncut) cut
      JOIN read.chain_state c ON c.case_id = cut.case_id AND c.obstacle_id = cut.obstacle_id
     WHERE settled_at IS NOT NULL AND as_of_from < %(as_of)s
       AND known_from <= %(known_at)s AND known_until > %(known_at)s
     GROUP BY c.obstacle_id
), covered AS (
    SELECT l.obstacle_id,
           coalesce(range_agg(l.stretch) FILTER (WHERE l.uncut), '{{}}')
           + (coalesce(range_agg(l.stretch) FILTER (WHERE NOT l.uncut), '{{}}')
              - coalesce((SELECT s.stretches FROM settled s WHERE s.obstacle_id = l.obstacle_id), '{{}}')) AS stretches
      FROM lying l GROUP BY l.obstacle_id
), spent AS MATERIALIZED (
    SELECT obstacle_id, (SELECT coalesce(sum(extract(epoch FROM upper(one) - lower(one)) * 1000000), 0)::bigint
                           FROM unnest(stretches) one) AS us
      FROM covered
), people AS (
    SELECT l.cause_id, count(DISTINCT s.subject_id) AS people
      FROM linked l JOIN known k ON k.obstacle_id = l.obstacle_id
      JOIN read.case_subject s ON s.case_id = k.case_id
     WHERE {AT} GROUP BY l.cause_id
), offenders AS (
    SELECT l.cause_id, sum(coalesce(s.us, 0))::bigint AS us, count(*) AS obstacles,
           count(*) FILTER (WHERE s.us > 0) AS in_gaps,
           (array_agg(k.case_id ORDER BY s.us DESC, k.obstacle_id)
               FILTER (WHERE s.us > 0))[:{OBSTACLES_MAX}] AS cases_of,
           (array_agg(k.obstacle_id ORDER BY s.us DESC, k.obstacle_id)
               FILTER (WHERE s.us > 0))[:{OBSTACLES_MAX}] AS worst,
           (array_agg(s.us ORDER BY s.us DESC, k.obstacle_id) FILTER (WHERE s.us > 0))[:{OBSTACLES_MAX}] AS worst_us
      FROM linked l JOIN known k ON k.obstacle_id = l.obstacle_id
      LEFT JOIN spent s ON s.obstacle_id = l.obstacle_id
     GROUP BY l.cause_id HAVING sum(s.us) > 0
)
"""  # noqa: S608 - constants

PAGE: Final[LiteralString] = f"""{_SPENT}
SELECT o.cause_id, o.us, o.obstacles, o.in_gaps, coalesce(p.people, 0), o.cases_of, o.worst, o.worst_us
  FROM offenders o LEFT JOIN people p ON p.cause_id = o.cause_id
 WHERE %(after_us)s::bigint IS NULL OR o.us < %(after_us)s
    OR (o.us = %(after_us)s AND o.cause_id > %(after_cause)s::uuid)
 ORDER BY o.us DESC, o.cause_id LIMIT %(limit)s
"""  # noqa: S608

COUNT: Final[LiteralString] = f"{_SPENT} SELECT count(*) FROM offenders"  # noqa: S608


Place = tuple[int, UUID]
"""Where a page ended: microseconds, and the cause."""


class Spent(Struct, frozen=True):
    """How long gaps that count lay on an obstacle."""

    case: UUID
    obstacle: UUID
    time: timedelta


class OffenderRow(Struct, frozen=True):
    """A cause, and what it cost in time: over how many obstacles, in how many of them gaps, and of how many people.

    ``worst`` are the obstacles that were longest in gaps.
    """

    cause: UUID
    time: timedelta
    obstacles: int
    in_gaps: int
    people: int
    worst: Sequence[Spent]


def page(moment: Moment, after: Place | None, limit: int) -> Query:
    """Return the query for causes beyond the one that cost so many microseconds and has an id, the worst first."""
    us, cause = (None, None) if after is None else after
    return PAGE, moment.values() | {"after_us": us, "after_cause": cause, "limit": limit}


def count(moment: Moment) -> Query:
    """Return the query for how many there are."""
    return COUNT, moment.values()


def row(columns: tuple[Any, ...]) -> OffenderRow:
    """Return the row that a query here found."""
    cause, us, obstacles, in_gaps, people, cases, worst, worst_us = columns
    spent = [
        Spent(case, obstacle, timedelta(microseconds=each))
        for case, obstacle, each in zip(cases, worst, worst_us, strict=True)
    ]
    return OffenderRow(cause, timedelta(microseconds=us), obstacles, in_gaps, people, spent)


def place(offender: OffenderRow) -> Place:
    """Return the place of a cause in the list."""
    return offender.time // timedelta(microseconds=1), offender.cause
