"""Hand-written SQL for a page of gaps: what somebody who knows the tables and their indexes writes for one page.

For each order, and for going on in it from a place. ``PLAIN`` sorts by what is asked; ``PARTED`` knows that running
and ended gaps have indexes of their own, and so have those that came true, were foreseen or run long, and asks each for
a page. The benchmark compares with the faster of the two. For an agency both get its cases as a condition: ``joined``
leaves it to the planner where to begin, ``probed`` looks up each row that the order of the list meets.
"""

from collections.abc import Mapping, Sequence
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

_HARMED: Final = _COLUMNS + " AND harm_until > %(as_of)s AND harm_until > '-infinity'"
_UNHARMED: Final = _COLUMNS + " AND harm_until <= %(as_of)s"
_AND: Final = ") UNION ALL ("
_LONGEST: Final = ") ORDER BY us DESC, gap_id" + _PAGE
_HARMED_LONGEST: Final = ")" + _BY_HARM + _PAGE
_AHEAD: Final[Sequence[tuple[LiteralString, LiteralString]]] = (
    ("1", "least(%(as_of)s, %(known_at)s + interval '1536 hours')"),
    ("2", "least(%(as_of)s, %(known_at)s + interval '3072 hours')"),
    ("3", "least(%(as_of)s, %(known_at)s + interval '6144 hours')"),
    ("4", "%(as_of)s"),
)
_BOTH: Final = "least(%(as_of)s, %(known_at)s::timestamptz)"


def _longest(rows: LiteralString, *, later: bool, on: bool) -> LiteralString:
    """Return running and ended gaps, each index asked for a page: ``later`` than ``knownAt``, and further ``on``."""
    beyond: LiteralString = _RUNNING_BEYOND if on else ""
    order: LiteralString = " ORDER BY lasting_since, gap_id" + _PAGE
    running: LiteralString = rows + " AND lasted < 0 AND open" + beyond
    true: LiteralString = running + " AND known_until > lasting_since AND lasting_since <= " + _BOTH
    parts: list[LiteralString] = [
        true + " AND long" + order,
        true + " AND NOT long AND lasting_since > " + _BOTH + " - interval '6144 hours'" + order,
        rows + (_ENDED_BEYOND if on else "") + " AND lasted >= 0 ORDER BY lasted DESC, gap_id" + _PAGE,
    ]
    if later:
        foreseen: LiteralString = " AND known_from < lasting_since AND lasting_since > %(known_at)s"
        parts.append(running + foreseen + " AND lasting_since <= %(as_of)s" + order)
    return _AND.join(parts)


def _by_moment(direction: LiteralString, *, later: bool, on: bool) -> LiteralString:
    """Return gaps by when they began, in each index that holds some of them."""
    compared: LiteralString = "<" if direction == "DESC" else ">"
    beyond: LiteralString = " AND (from_at, gap_id) " + compared + " (%(from)s, %(gap)s)" if on else ""
    order: LiteralString = " ORDER BY from_at " + direction + ", gap_id " + direction + _PAGE
    true: LiteralString = _COLUMNS + " AND known_until > from_at AND from_at <= " + _BOTH + beyond + order
    if not later:
        return true
    foreseen: LiteralString = _COLUMNS + " AND known_from < from_at AND from_at > %(known_at)s" + beyond
    parts: list[LiteralString] = [
        foreseen + " AND ahead = " + class_ + " AND from_at <= " + ends + order for class_, ends in _AHEAD
    ]
    return "(" + _AND.join([true, *parts]) + ")" + order


def _parted(*, later: bool) -> Mapping[str, LiteralString]:
    return MappingProxyType(
        {
            "NEWEST": _by_moment("DESC", later=later, on=False),
            "NEWEST on": _by_moment("DESC", later=later, on=True),
            "OLDEST": _by_moment("ASC", later=later, on=False),
            "OLDEST on": _by_moment("ASC", later=later, on=True),
            "DAYS": "(" + _longest(_COLUMNS, later=later, on=False) + _LONGEST,
            "DAYS on": "(" + _longest(_COLUMNS, later=later, on=True) + _LONGEST,
            "HARM": "("
            + (_longest(_HARMED, later=later, on=False) + _AND + _longest(_UNHARMED, later=later, on=False))
            + _HARMED_LONGEST,
            "HARM on, harmed": "("
            + (_longest(_HARMED, later=later, on=True) + _AND + _longest(_UNHARMED, later=later, on=False))
            + _HARMED_LONGEST,
            "HARM on, unharmed": "(" + _longest(_UNHARMED, later=later, on=True) + _HARMED_LONGEST,
        }
    )


PARTED: Final[Mapping[str, LiteralString]] = _parted(later=False)
"""Asked up to ``knownAt``: of what was foreseen nothing is found that did not come true."""

PARTED_LATER: Final[Mapping[str, LiteralString]] = _parted(later=True)
"""Asked for later than ``knownAt``."""

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
