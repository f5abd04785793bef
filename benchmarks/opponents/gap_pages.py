"""Hand-written SQL for a page of gaps: what somebody who knows the tables and their indexes writes for one page.

For each order, and for going on in it from a place. ``PLAIN`` sorts by what is asked; ``PARTED`` knows that running
and ended gaps have indexes of their own, and asks each for a page. The benchmark compares with the faster of the two.
For an agency both get its cases as a condition: ``joined`` leaves it to the planner where to begin, ``probed`` looks up
each row that the order of the list meets.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, LiteralString

import psycopg

_COLUMNS: Final = """
SELECT case_id, gap_id, obstacle_id, kind, from_at, until_at, open, true AS counts,
       CASE WHEN lasted < 0 THEN (extract(epoch FROM %(as_of)s - lasting_since) * 1000000)::bigint
            ELSE lasted END AS us,
       to_act, involved, length, evidence, cases, harm_until > %(as_of)s AS harmed
  FROM read.gap_state
 WHERE as_of_from <= %(as_of)s AND (as_of_until > %(as_of)s OR until_known_from > %(known_at)s)
   AND known_from <= %(known_at)s AND known_until > %(known_at)s AND counts_after < %(as_of)s
"""

_RUNNING_BEYOND: Final = " AND (lasting_since, gap_id) > (%(as_of)s - %(lasted)s * interval '1 microsecond', %(gap)s)"
_ENDED_BEYOND: Final = " AND (lasted < %(lasted)s OR lasted = %(lasted)s AND gap_id > %(gap)s)"
_US_BEYOND: Final = " WHERE us < %(lasted)s OR us = %(lasted)s AND gap_id > %(gap)s"
_HARM_BEYOND: Final = (
    " WHERE harmed < %(harmed)s OR harmed = %(harmed)s AND (us < %(lasted)s OR us = %(lasted)s AND gap_id > %(gap)s)"
)
_PAGE: Final = " LIMIT 50"

_BY_HARM: Final = " ORDER BY harmed DESC, us DESC, gap_id"

PLAIN: Final[Mapping[str, LiteralString]] = MappingProxyType(
    {
        "NEWEST": _COLUMNS + " ORDER BY from_at DESC, gap_id DESC" + _PAGE,
        "NEWEST on": _COLUMNS
        + " AND (from_at, gap_id) < (%(from)s, %(gap)s) ORDER BY from_at DESC, gap_id DESC"
        + _PAGE,
        "OLDEST": _COLUMNS + " ORDER BY from_at, gap_id" + _PAGE,
        "OLDEST on": _COLUMNS + " AND (from_at, gap_id) > (%(from)s, %(gap)s) ORDER BY from_at, gap_id" + _PAGE,
        "DAYS": _COLUMNS + " ORDER BY us DESC, gap_id" + _PAGE,
        "DAYS on": "SELECT * FROM (" + _COLUMNS + ") g" + _US_BEYOND + " ORDER BY us DESC, gap_id" + _PAGE,
        "HARM": _COLUMNS + _BY_HARM + _PAGE,
        "HARM on, harmed": "SELECT * FROM (" + _COLUMNS + ") g" + _HARM_BEYOND + _BY_HARM + _PAGE,
        "HARM on, unharmed": "SELECT * FROM (" + _COLUMNS + ") g" + _HARM_BEYOND + _BY_HARM + _PAGE,
    }
)

_HARMED: Final = _COLUMNS + " AND harm_until > %(as_of)s"
_UNHARMED: Final = _COLUMNS + " AND harm_until <= %(as_of)s"
_RUNNING: Final = " AND lasted < 0 AND open ORDER BY lasting_since, gap_id" + _PAGE
_RUNNING_ON: Final = _RUNNING_BEYOND + _RUNNING
_ENDED: Final = " AND lasted >= 0 ORDER BY lasted DESC, gap_id" + _PAGE
_ENDED_ON: Final = _ENDED_BEYOND + _ENDED

_AND: Final = ") UNION ALL ("
_LONGEST: Final = ") ORDER BY us DESC, gap_id" + _PAGE
_HARMED_LONGEST: Final = ")" + _BY_HARM + _PAGE

PARTED: Final[Mapping[str, LiteralString]] = MappingProxyType(
    {
        **PLAIN,
        "DAYS": "(" + _COLUMNS + _RUNNING + _AND + _COLUMNS + _ENDED + _LONGEST,
        "DAYS on": "(" + _COLUMNS + _RUNNING_ON + _AND + _COLUMNS + _ENDED_ON + _LONGEST,
        "HARM": "("
        + (_HARMED + _RUNNING + _AND + _HARMED + _ENDED + _AND)
        + (_UNHARMED + _RUNNING + _AND + _UNHARMED + _ENDED)
        + _HARMED_LONGEST,
        "HARM on, harmed": "("
        + (_HARMED + _RUNNING_ON + _AND + _HARMED + _ENDED_ON + _AND)
        + (_UNHARMED + _RUNNING + _AND + _UNHARMED + _ENDED)
        + _HARMED_LONGEST,
        "HARM on, unharmed": "(" + _UNHARMED + _RUNNING_ON + _AND + _UNHARMED + _ENDED_ON + _HARMED_LONGEST,
    }
)

_ALL: Final = "AND counts_after < %(as_of)s"
_SEEN: Final = "SELECT FROM read.case_viewer v WHERE v.case_id = gap_state.case_id AND v.viewer = %(viewer)s"
_SEEN_WHOLE: Final = (
    "NOT EXISTS (SELECT FROM unnest(cases) AS over (id) WHERE NOT EXISTS "
    "(SELECT FROM read.case_viewer v WHERE v.case_id = over.id AND v.viewer = %(viewer)s))"
)
_OWN: Final = (
    f"{_ALL} AND case_id = ANY (ARRAY(SELECT v.case_id FROM read.case_viewer v WHERE v.viewer = %(viewer)s UNION ALL "
    f"SELECT g.case_id FROM read.gap_state g WHERE g.cases IS NOT NULL)) AND (cases IS NULL OR {_SEEN_WHOLE})"
)
_EACH: Final = f"{_ALL} AND (EXISTS ({_SEEN} OFFSET 0) OR cases IS NOT NULL AND {_SEEN_WHOLE})"


def joined(statements: Mapping[str, LiteralString]) -> Mapping[str, LiteralString]:
    """Return the statements for an agency's own cases, which the planner may begin with."""
    return {name: statement.replace(_ALL, _OWN) for name, statement in statements.items()}


def probed(statements: Mapping[str, LiteralString]) -> Mapping[str, LiteralString]:
    """Return the statements for an agency's own cases, looked up for each row."""
    return {name: statement.replace(_ALL, _EACH) for name, statement in statements.items()}


def page(connection: psycopg.Connection, statement: LiteralString, values: Mapping[str, object]) -> list[Any]:
    """Return the rows of a page."""
    return connection.execute(statement, values).fetchall()
