"""The list of gaps at two times: filtered, in one of five orders, page by page.

A running gap has lasted since a moment and an ended one for a time, and each kind has an index of its own. So a page
by length is the best of both, and where harm comes first, of both with it and without. A cursor holds the length that
the last gap had at its own ``asOf``: on the next page running gaps have grown, and none is shown twice or left out.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from ...domain.vocabulary import GapKind, Harm, LearningKind
from .honesty import NOTICED
from .lens import AT, Conditions, Moment, Query

_RUNNING_US: Final = "(extract(epoch FROM %(as_of)s - lasting_since) * 1000000)::bigint"

COLUMNS: Final = (
    "case_id, gap_id, obstacle_id, kind, from_at, until_at, open, counts_after < %(as_of)s AS counts, "
    f"CASE WHEN lasted < 0 THEN {_RUNNING_US} ELSE lasted END AS us, "
    "to_act, involved, length, evidence, cases, stream_kind, harm_until > %(as_of)s AS harmed"
)

_KEY: Final = "case_id, gap_id, as_of_from, known_from"

# What the order by harm, or by length alone, needs.
_LENGTH: Final = f"CASE WHEN lasted < 0 THEN {_RUNNING_US} ELSE lasted END AS us, harm_until > %(as_of)s AS harmed"

_HARMED: Final = "harm_until > %(as_of)s"
_UNHARMED: Final = "harm_until <= %(as_of)s"
_BEYOND_RUNNING: Final = "(lasting_since, gap_id) > (%(after_since)s, %(after_gap)s)"
_BEYOND_ENDED: Final = "lasted <= %(after_lasted)s AND (lasted < %(after_lasted)s OR gap_id > %(after_gap)s)"
_BEYOND: Final = f"CASE WHEN lasted < 0 THEN {_BEYOND_RUNNING} ELSE {_BEYOND_ENDED} END"

_IN_ORDER: Final = "(SELECT ids IS NULL FROM few)"


IN_CASE: Final = (
    "case_id IN (SELECT %(case)s::uuid UNION ALL SELECT subject_id FROM read.case_subject WHERE case_id = %(case)s) "
    "AND (cases IS NULL OR %(case)s = ANY(cases))"
)

_OF_CAUSES: Final = (
    f"(case_id = ANY(%(causes)s) OR obstacle_id IN (SELECT target_id FROM read.stream_link "  # noqa: S608 - constants
    f"WHERE stream_id = ANY(%(causes)s) AND relation = 'OBSTACLE' AND {AT}))"
)
"""About one of these causes, or on an obstacle that comes from one."""

_FROM_CAUSES: Final = (
    "obstacle_id IN (SELECT target_id FROM read.stream_link "  # noqa: S608 - constants
    f"WHERE stream_id = ANY(%(from_causes)s) AND relation = 'OBSTACLE' AND {AT})"
)


class GapOrder(Enum):
    """In which order gaps are listed."""

    HARM = "HARM"
    DAYS = "DAYS"
    NEWEST = "NEWEST"
    OLDEST = "OLDEST"


class GapRow(Struct, frozen=True):
    """A gap as it is at the two times. ``lasted`` is how long its pieces lasted together, up to its end or ``asOf``.

    What lies over the cases of one subject has these as ``cases``, and the subject as ``case``; what is about a
    learning stream has the stream as ``case``, and its kind as ``stream_kind``.
    """

    case: UUID
    id: UUID
    obstacle: UUID | None
    kind: GapKind
    from_: datetime
    until: datetime | None
    open: bool
    counts: bool
    lasted: timedelta
    to_act: Sequence[str]
    involved: Sequence[str]
    length: int | None
    evidence: Sequence[UUID]
    cases: Sequence[UUID]
    stream_kind: LearningKind | None
    harmed: bool


class GapChoice(Struct, frozen=True):
    """Which gaps a list holds; what is none does not matter.

    ``causes`` are what they are about, or their obstacles come from; ``from_causes`` the latter alone.
    ``self_noticed`` is by anybody who has to act, or by ``noticed_by`` if that is given.
    """

    kinds: Sequence[GapKind] | None = None
    to_act: Sequence[str] | None = None
    involved: Sequence[str] | None = None
    open: bool | None = None
    counts: bool | None = True
    overlaps_from: datetime | None = None
    overlaps_until: datetime | None = None
    lasted_at_least: timedelta | None = None
    harms: Sequence[Harm] | None = None
    themes: Sequence[str] | None = None
    case: UUID | None = None
    causes: Sequence[UUID] | None = None
    from_causes: Sequence[UUID] | None = None
    self_noticed: bool | None = None
    noticed_by: str | None = None


class GapPlace(Struct, frozen=True):
    """Where a page ended: the gap's length at the ``asOf`` of its page, its beginning, whether harm lasts, its id."""

    as_of: datetime
    lasted: int
    from_: datetime
    harmed: bool
    id: UUID


def row(columns: tuple[Any, ...]) -> GapRow:
    """Return the row that a query here found."""
    case, gap, obstacle, kind, from_, until, open_, counts, lasted, *rest = columns
    to_act, involved, length, evidence, cases, stream_kind, harmed = rest
    return GapRow(
        case,
        gap,
        obstacle,
        _KINDS[kind],
        from_,
        until,
        open_,
        counts,
        timedelta(microseconds=lasted),
        to_act,
        involved,
        length,
        evidence,
        cases or (),
        None if stream_kind is None else LearningKind(stream_kind),
        harmed,
    )


def place(as_of: datetime, gap: GapRow) -> GapPlace:
    """Return the place of a gap in the lists of its page."""
    return GapPlace(as_of, gap.lasted // _MICROSECOND, gap.from_, gap.harmed, gap.id)


def page(moment: Moment, choice: GapChoice, order: GapOrder, after: GapPlace | None, limit: int) -> Query:
    """Return the query for gaps beyond a place, at most ``limit``."""
    conditions = _conditions(moment, choice)
    values = conditions.values | {"limit": limit}
    if after is not None:
        values |= {
            "after_lasted": after.lasted,
            "after_since": after.as_of - timedelta(microseconds=after.lasted),
            "after_from": after.from_,
            "after_gap": after.id,
        }
    match order:
        case GapOrder.HARM:
            return _by_harm(conditions, after), values
        case GapOrder.DAYS:
            return _by_days(conditions, beyond=after is not None), values
        case GapOrder.NEWEST:
            return _by_beginning(conditions, "DESC", "<", beyond=after is not None), values
        case GapOrder.OLDEST:
            return _by_beginning(conditions, "ASC", ">", beyond=after is not None), values


def count(moment: Moment, choice: GapChoice) -> Query:
    """Return the query for how many there are."""
    conditions = _conditions(moment, choice)
    return f"SELECT count(*) FROM read.gap_state WHERE {conditions.text()}", conditions.values  # noqa: S608


def counts_by_kind(moment: Moment, choice: GapChoice) -> Query:
    """Return the query for how many there are of each kind, the most first."""
    conditions = _conditions(moment, choice)
    return (
        f"SELECT kind, count(*) FROM read.gap_state WHERE {conditions.text()} "  # noqa: S608
        "GROUP BY kind ORDER BY count(*) DESC, kind"
    ), conditions.values


def _conditions(moment: Moment, choice: GapChoice) -> Conditions:
    conditions = Conditions(moment)
    conditions.add_any("kind = ANY(%(kinds)s)", "kinds", choice.kinds)
    conditions.add_any("to_act && %(to_act)s", "to_act", choice.to_act)
    conditions.add_any("involved && %(involved)s", "involved", choice.involved)
    conditions.add_any("harms && %(harms)s", "harms", choice.harms)
    conditions.add_any("(theme = ANY(%(themes)s) OR themes && %(themes)s)", "themes", choice.themes)
    if choice.case is not None:
        # By its key, whoever's it is: its own, or one over the cases of its subjects.
        conditions.add(IN_CASE, case=choice.case)
    conditions.add_any(_OF_CAUSES, "causes", choice.causes)
    conditions.add_any(_FROM_CAUSES, "from_causes", choice.from_causes)
    if choice.self_noticed is not None:
        conditions.add(NOTICED if choice.self_noticed else f"NOT {NOTICED}", noticed_by=choice.noticed_by)
    if choice.open is not None:
        conditions.add("open" if choice.open else "NOT open")
    if choice.counts is not None:
        conditions.add("counts_after < %(as_of)s" if choice.counts else "counts_after >= %(as_of)s")
    if choice.overlaps_until is not None:
        conditions.add("from_at < %(overlaps_until)s", overlaps_until=choice.overlaps_until)
    if choice.overlaps_from is not None:
        # One without length overlaps what it lies in.
        conditions.add(
            "(until_at IS NULL OR until_at > %(overlaps_from)s OR from_at >= %(overlaps_from)s)",
            overlaps_from=choice.overlaps_from,
        )
    if choice.lasted_at_least is not None:
        conditions.add(
            "CASE WHEN lasted < 0 THEN %(as_of)s - lasting_since >= %(at_least)s ELSE lasted >= %(at_least_us)s END",
            at_least=choice.lasted_at_least,
            at_least_us=choice.lasted_at_least // _MICROSECOND,
        )
    return conditions


def _by_harm(conditions: Conditions, after: GapPlace | None) -> LiteralString:
    """Return the query for gaps whose harm lasts or looms, then the others, each by length."""
    order: LiteralString = "harmed DESC, us DESC, gap_id"
    if after is None:
        branches: list[LiteralString] = [*_by_length(conditions, _HARMED), *_by_length(conditions, _UNHARMED)]
        return _paged(branches, conditions.text(), _LENGTH, order)
    if after.harmed:
        branches = [*_by_length(conditions, _HARMED, beyond=True), *_by_length(conditions, _UNHARMED)]
        return _paged(branches, conditions.text(f"({_UNHARMED} OR {_BEYOND})"), _LENGTH, order)
    branches = _by_length(conditions, _UNHARMED, beyond=True)
    return _paged(branches, conditions.text(_UNHARMED, _BEYOND), _LENGTH, order)


def _by_days(conditions: Conditions, *, beyond: bool) -> LiteralString:
    """Return the query for gaps by length."""
    where = conditions.text(_BEYOND) if beyond else conditions.text()
    return _paged(_by_length(conditions, beyond=beyond), where, _LENGTH, "us DESC, gap_id")


def _by_length(conditions: Conditions, *more: LiteralString, beyond: bool = False) -> list[LiteralString]:
    """Return the queries for running gaps and for ended ones, each by length and in an order that an index has."""
    running: tuple[LiteralString, ...] = (*more, "lasted < 0")
    ended: tuple[LiteralString, ...] = (*more, "lasted >= 0")
    if beyond:
        running, ended = (*running, _BEYOND_RUNNING), (*ended, _BEYOND_ENDED)
    by_since: LiteralString = (
        f"SELECT {_KEY}, {_LENGTH} FROM read.gap_state "  # noqa: S608
        f"WHERE {_IN_ORDER} AND {conditions.text(*running)} ORDER BY lasting_since, gap_id LIMIT %(limit)s"
    )
    by_lasted: LiteralString = (
        f"SELECT {_KEY}, {_LENGTH} FROM read.gap_state "  # noqa: S608
        f"WHERE {_IN_ORDER} AND {conditions.text(*ended)} ORDER BY lasted DESC, gap_id LIMIT %(limit)s"
    )
    return [by_since, by_lasted]


def _by_beginning(
    conditions: Conditions, direction: LiteralString, sign: LiteralString, *, beyond: bool
) -> LiteralString:
    """Return the query for gaps by when they began."""
    # Where the scan of the index begins; with two such conditions PostgreSQL may take the wrong one. No gap is shown
    # before it began, so the newest that can be shown began at asOf.
    begin: LiteralString = "from_at <= %(as_of)s"
    if beyond:
        begin = f"(from_at, gap_id) {sign} (%(after_from)s, %(after_gap)s)"
    order: LiteralString = f"from_at {direction}, gap_id {direction}"
    in_order: LiteralString = (
        f"SELECT {_KEY}, from_at FROM read.gap_state "  # noqa: S608
        f"WHERE {_IN_ORDER} AND {conditions.text(begin)} ORDER BY {order} LIMIT %(limit)s"
    )
    # Where cases are looked at one by one, no index shall be asked for all gaps of all cases since then.
    return _paged([in_order], conditions.text(f"({begin}) IS TRUE"), "from_at", order)


def _paged(
    in_order: Sequence[LiteralString], where: LiteralString, by: LiteralString, order: LiteralString
) -> LiteralString:
    """Return the query for a page: found by its keys in one of two ways, then fetched.

    Whoever sees few cases is answered from the rows of these: in the order of the list they would pass a hundred rows
    of others for each of their own. Whoever sees many is answered in that order, in an index alone, and the end of
    their page is never far. ``few`` says which, and the other way ends before it begins. ``in_order`` are the queries
    whose first rows together hold the page; ``by`` the columns that ``order`` needs.
    """
    one_by_one: LiteralString = (
        f"SELECT {_KEY}, {by} FROM read.gap_state "  # noqa: S608
        f"WHERE case_id = ANY ((SELECT ids FROM few)::uuid[]) AND {where} ORDER BY {order} LIMIT %(limit)s"
    )
    found: LiteralString = " UNION ALL ".join(f"({way})" for way in (one_by_one, *in_order))
    return (
        "WITH few AS MATERIALIZED (SELECT read.few_seen() AS ids) "  # noqa: S608
        f"SELECT {COLUMNS} FROM (SELECT {_KEY} FROM ({found} ORDER BY {order} LIMIT %(limit)s) found) page "
        f"JOIN read.gap_state USING ({_KEY}) ORDER BY {order}"
    )


_MICROSECOND: Final = timedelta(microseconds=1)
_KINDS: Final = {kind.value: kind for kind in GapKind}
