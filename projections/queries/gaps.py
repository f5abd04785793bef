"""The list of gaps at two times: filtered, in one of its orders, page by page.

A running gap has lasted since a moment and an ended one for a time, and each kind has an index of its own. So a page
by length is the best of both, and where harm comes first, of both with it and without. A cursor holds the length that
the last gap had at its own ``asOf``: on the next page running gaps have grown, and none is shown twice or left out.
What is open by what is known last is asked for most, and is little of all there is: it has an index of its own, in
which it is counted and filtered (decisions/0046). Who sees few cases is answered from these, others in the order of the
list (decisions/0061). The module is long because it is one list, whose orders share all but their indexes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from ...domain.vocabulary import GapKind, Harm, LearningKind
from . import stretches
from .honesty import NOTICED
from .lens import AT, COUNTS, ENDED, LATEST, OPEN, Conditions, Moment, Query, counted_up_to

_RUNNING_US: Final = "(extract(epoch FROM %(as_of)s - lasting_since) * 1000000)::bigint"

COLUMNS: Final = (
    "case_id, gap_id, obstacle_id, kind, from_at, until_at, open, counts_after < %(as_of)s AS counts, "
    f"CASE WHEN lasted < 0 THEN {_RUNNING_US} ELSE lasted END AS us, "
    "to_act, involved, length, evidence, cases, stream_kind, harm_until > %(as_of)s AS harmed"
)

_NOTHING: Final = "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"
"""As many columns, with nothing in them."""

_KEY: Final = "case_id, gap_id, as_of_from, known_from"

# What the order by harm, or by length alone, needs.
_HARMED_COLUMN: Final = "harm_until > %(as_of)s AS harmed"
_LENGTH: Final = f"CASE WHEN lasted < 0 THEN {_RUNNING_US} ELSE lasted END AS us, {_HARMED_COLUMN}"

_RESTING: Final = "lasted >= 0 AND open"

_HARMED: Final = "harm_until > %(as_of)s AND harm_until > '-infinity'"
"""The latter has an index found that holds none but those of which harm was stated."""

_UNHARMED: Final = "harm_until <= %(as_of)s"
_BEYOND_RUNNING: Final = "(lasting_since, gap_id) > (%(after_since)s, %(after_gap)s)"
_BEYOND_ENDED: Final = "lasted <= %(after_lasted)s AND (lasted < %(after_lasted)s OR gap_id > %(after_gap)s)"
_BEYOND: Final = f"CASE WHEN lasted < 0 THEN {_BEYOND_RUNNING} ELSE {_BEYOND_ENDED} END"

_FEW: Final = "WITH few AS MATERIALIZED (SELECT read.few_seen(%(few)s, %(first)s) AS ids)"
_FEW_NAMED: Final = (
    "WITH few AS MATERIALIZED (SELECT coalesce("
    "read.few_named(%(to_act)s::text[], %(involved)s::text[], %(few)s), read.few_seen(%(few)s, %(first)s)) AS ids)"
)
_OF_FEW: Final = "case_id = ANY ((SELECT ids FROM few)::uuid[])"
_IN_ORDER: Final = "(SELECT ids IS NULL FROM few)"

_FEW_MAX: Final = 1_500
"""Of how many cases gaps are looked for case by case, some 20 µs each: going through a list in its order finds a page
sooner else. By length, most of what is passed in that order had ended by then."""

_FEW_BY_MOMENT_MAX: Final = 1_000
"""The same by when they began or ended, where little is passed that is not so then."""

_FEW_PICKED_MAX: Final = 5_000
"""The same where all are counted, or what gaps hold is asked for: the order passes others for each that is found."""

_FEW_OPEN_MAX: Final = 20_000
"""The same of what is open by what is known last, of which a case has one or none."""


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
    ENDED = "ENDED"


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
    ended_from: datetime | None = None
    lasted_at_least: timedelta | None = None
    harms: Sequence[Harm] | None = None
    themes: Sequence[str] | None = None
    case: UUID | None = None
    causes: Sequence[UUID] | None = None
    from_causes: Sequence[UUID] | None = None
    self_noticed: bool | None = None
    noticed_by: str | None = None


class GapPlace(Struct, frozen=True):
    """Where a page ended: the gap's length at the ``asOf`` of its page, its times, whether harm lasts, its id."""

    as_of: datetime
    lasted: int
    from_: datetime
    harmed: bool
    id: UUID
    until: datetime | None = None


def row(columns: tuple[Any, ...]) -> GapRow:
    """Return the row that a query here found; with a page's come more columns than a gap has."""
    case, gap, obstacle, kind, from_, until, open_, counts, lasted, *rest = columns
    to_act, involved, length, evidence, cases, stream_kind, harmed, *_ = rest
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
    return GapPlace(as_of, gap.lasted // _MICROSECOND, gap.from_, gap.harmed, gap.id, gap.until)


class _Way(Enum):
    """For whom a query for a page is: for those who see few cases, for those who see many, or for whomever."""

    FEW = "FEW"
    MANY = "MANY"
    EITHER = "EITHER"


def pages(
    moment: Moment,
    choice: GapChoice,
    order: GapOrder,
    after: GapPlace | None,
    limit: int,
    most: int = 0,
    *,
    sees_all: bool = False,
) -> Sequence[Query]:
    """Return the queries for gaps beyond a place, at most ``limit``; given ``most``, each with how many there are.

    They are to be asked in turn until what one finds is not ``passed_on``. Whoever ``sees_all`` is spared the one for
    those who see few cases; the rows are right whatever it says. Gaps are counted no further than ``most`` or
    ``limit``, whichever is more: what a page passes need not be gone through a second time for that.
    """
    # By whom a gap names few may be found for anybody, also where it is looked through many.
    if choice.to_act is not None or choice.involved is not None:
        ways = (_Way.EITHER,)
    else:
        ways = (_Way.MANY,) if sees_all else (_Way.FEW, _Way.MANY)
    return [_page(moment, choice, order, after, limit, most, way) for way in ways]


def passed_on(found: Sequence[tuple[Any, ...]]) -> bool:
    """Return whether a query says that who asks sees more cases than it looks through, and the next is to be asked."""
    return len(found) == 1 and found[0][0] is None


def _page(
    moment: Moment, choice: GapChoice, order: GapOrder, after: GapPlace | None, limit: int, most: int, way: _Way
) -> Query:
    conditions = _conditions(moment, choice)
    list_ = _list(moment, conditions, choice, order, after, "" if way is _Way.MANY else f"{_IN_ORDER} AND ")
    if _is_sifted(moment, choice, order):
        list_ = replace(list_, in_order=list_.sifted())
    few = _few_values(moment, choice, order if most <= limit else None)
    values = conditions.values | few | {"limit": limit, "most": max(limit, most)}
    if after is not None:
        values |= {
            "after_lasted": after.lasted,
            "after_since": _since(after)[0],
            "after_from": after.from_,
            "after_until": after.until or after.as_of,
            "after_gap": after.id,
        }
    counted = most > 0
    match way:
        case _Way.FEW:
            return _for_few(list_, counted=counted), values
        case _Way.MANY:
            return _for_many(list_, counted=counted), values
        case _Way.EITHER:
            return _for_either(_few(choice), list_, counted=counted), values


def count(moment: Moment, choice: GapChoice) -> Query:
    """Return the query for how many there are."""
    conditions = _conditions(moment, choice)
    return f"SELECT count(*) FROM read.gap_state WHERE {conditions.text()}", conditions.values  # noqa: S608


def count_up_to(moment: Moment, choice: GapChoice, most: int) -> Query:
    """Return the same, counted no further than ``most``."""
    conditions = _conditions(moment, choice)
    one_by_one, in_order = _both_ways(conditions)
    ways: tuple[LiteralString, ...] = (f"{in_order}{_counted_from(moment, choice)}",)
    if choice.open and moment.known_at < LATEST:
        # In two indexes that hold all there is to know of them.
        running = stretches.running(moment, None)
        ways = (*(f"{in_order} AND {arm.condition}" for arm in running), f"{in_order} AND {_RESTING}")
        for arm in running:
            conditions.values.update(arm.values)
    rows: LiteralString = " UNION ALL ".join(
        f"(SELECT FROM read.gap_state WHERE {way} LIMIT %(most)s)" for way in (one_by_one, *ways)
    )
    return f"{_few(choice)} {counted_up_to(rows)}", conditions.values | _few_values(moment, choice) | {"most": most}


def counts_by_kind(moment: Moment, choice: GapChoice) -> Query:
    """Return the query for how many there are of each kind, the most first."""
    conditions = _conditions(moment, choice)
    # Grouped where they are read: there it is known how few kinds there are.
    rows: LiteralString = " UNION ALL ".join(
        f"SELECT kind, count(*) AS number FROM read.gap_state WHERE {where} GROUP BY kind"  # noqa: S608
        for where in _both_ways(conditions)
    )
    values = conditions.values | _few_values(moment, choice)
    return f"{_few(choice)} SELECT kind, number FROM ({rows}) found ORDER BY number DESC, kind", values  # noqa: S608


def _few(choice: GapChoice) -> LiteralString:
    """Return the beginning of a statement: in which cases to look for what is chosen, none if in all."""
    return _FEW if choice.to_act is None and choice.involved is None else _FEW_NAMED


def _few_values(moment: Moment, choice: GapChoice, order: GapOrder | None = None) -> dict[str, Any]:
    """Return in how many cases what is chosen is looked for case by case, by when these began, and whom it must name.

    ``order`` is that of a page, none where there is more to be found than a page.
    """
    values: dict[str, Any] = {"few": _few_max(moment, choice, order), "first": min(moment.as_of, moment.known_at)}
    if choice.to_act is not None or choice.involved is not None:
        named = {"to_act": choice.to_act, "involved": choice.involved}
        values |= {name: None if each is None else list(each) for name, each in named.items()}
    return values


def _few_max(moment: Moment, choice: GapChoice, order: GapOrder | None) -> int:
    if choice.open and moment.known_at >= LATEST:
        return _FEW_OPEN_MAX
    if order is None or _is_filtered(choice):
        return _FEW_PICKED_MAX
    return _FEW_MAX if order in {GapOrder.HARM, GapOrder.DAYS} else _FEW_BY_MOMENT_MAX


def _both_ways(conditions: Conditions) -> tuple[LiteralString, LiteralString]:
    """Return the conditions for whoever sees few cases and for whoever sees many; nothing meets both."""
    return f"{_OF_FEW} AND {conditions.sifting()}", f"{_IN_ORDER} AND {conditions.text()}"


def _counted_from(moment: Moment, choice: GapChoice) -> LiteralString:
    """Return the order in which to count, if there is one in which little is passed that is not counted."""
    if choice.ended_from is not None:
        return " ORDER BY until_at DESC, gap_id DESC"
    return " ORDER BY as_of_until" if choice.open and moment.known_at >= LATEST else ""


def _is_sifted(moment: Moment, choice: GapChoice, order: GapOrder) -> bool:
    """Return whether to go through what is picked, rather than through a list in its order.

    A case's gaps are found by its key. Where a filter leaves little of what is open by what is known last, most of all
    gaps there ever were would be passed in the order of the list.
    """
    if choice.case is not None:
        return True
    if not choice.open or moment.known_at < LATEST or order is GapOrder.ENDED:
        return False
    return _is_filtered(choice) and choice.causes is None


def _is_filtered(choice: GapChoice) -> bool:
    """Return whether by what gaps hold some are chosen, so that a list in its order passes others."""
    filters = (choice.kinds, choice.to_act, choice.involved, choice.harms, choice.themes, choice.lasted_at_least)
    return any(one is not None for one in filters)


def _conditions(moment: Moment, choice: GapChoice) -> Conditions:
    conditions = Conditions(moment)
    # IS TRUE: half of all rows may be of a kind, which is nothing to begin with.
    conditions.add_any("(kind = ANY(%(kinds)s)) IS TRUE", "kinds", choice.kinds)
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
        conditions.add(OPEN if choice.open else ENDED)
    if choice.counts is not None:
        conditions.add(COUNTS if choice.counts else "counts_after >= %(as_of)s")
    if choice.overlaps_until is not None:
        conditions.add("from_at < %(overlaps_until)s", overlaps_until=choice.overlaps_until)
    if choice.overlaps_from is not None:
        # One without length overlaps what it lies in.
        conditions.add(
            "(until_at IS NULL OR until_at > %(overlaps_from)s OR from_at >= %(overlaps_from)s)",
            overlaps_from=choice.overlaps_from,
        )
    if choice.ended_from is not None:
        conditions.add("NOT open AND until_at >= %(ended_from)s", ended_from=choice.ended_from)
    if choice.lasted_at_least is not None:
        conditions.add(
            "CASE WHEN lasted < 0 THEN %(as_of)s - lasting_since >= %(at_least)s ELSE lasted >= %(at_least_us)s END",
            at_least=choice.lasted_at_least,
            at_least_us=choice.lasted_at_least // _MICROSECOND,
        )
    return conditions


class _List(Struct, frozen=True):
    """A list in one of its orders: the query that finds its first rows in that order, and what picks and orders it.

    Where it is not only for whoever sees many cases, its conditions begin with the ``guard`` that says so.
    """

    guard: LiteralString
    in_order: LiteralString
    where: LiteralString
    by: LiteralString
    """The columns that ``order`` needs."""
    order: LiteralString

    def sifted(self) -> LiteralString:
        """Return the query that finds the same rows by what picks them, in whatever order they lie, and sorts them."""
        # OFFSET keeps the planner from going through the list in its order after all, in the hope of an early end.
        return (
            f"SELECT * FROM (SELECT {_KEY}, {self.by} FROM read.gap_state "  # noqa: S608
            f"WHERE {self.guard}{self.where} OFFSET 0) sifted ORDER BY {self.order} LIMIT %(most)s"
        )


def _list(
    moment: Moment,
    conditions: Conditions,
    choice: GapChoice,
    order: GapOrder,
    after: GapPlace | None,
    guard: LiteralString,
) -> _List:
    """Return the list of gaps beyond a place."""
    match order:
        case GapOrder.HARM:
            return _by_harm(moment, conditions, choice, after, guard)
        case GapOrder.DAYS:
            where = conditions.sifting() if after is None else conditions.sifting(_BEYOND)
            longest = _by_length(moment, conditions, choice, after, guard)
            return _List(guard, longest, where, _LENGTH, _LONGEST)
        case GapOrder.NEWEST:
            # No gap is shown before it began, so the newest that can be shown began at asOf.
            place: LiteralString = "(from_at, gap_id) < (%(after_from)s, %(after_gap)s)"
            arms = stretches.begun(moment, None if after is None else (after.from_, after.id), newest=True)
            return _by_moment(conditions, guard, "from_at", "DESC", arms, None if after is None else place)
        case GapOrder.OLDEST:
            place = "(from_at, gap_id) > (%(after_from)s, %(after_gap)s)"
            arms = stretches.begun(moment, None if after is None else (after.from_, after.id), newest=False)
            return _by_moment(conditions, guard, "from_at", "ASC", arms, None if after is None else place)
        case GapOrder.ENDED:
            conditions.add(ENDED)
            place = "(until_at, gap_id) < (%(after_until)s, %(after_gap)s)"
            arms = stretches.ended(moment, None if after is None else (after.until or after.as_of, after.id))
            return _by_moment(conditions, guard, "until_at", "DESC", arms, None if after is None else place)


_LONGEST: Final = "us DESC, gap_id"


def _by_harm(
    moment: Moment, conditions: Conditions, choice: GapChoice, after: GapPlace | None, guard: LiteralString
) -> _List:
    """Return the list of gaps whose harm lasts or looms, then the others, each by length."""
    order: LiteralString = f"harmed DESC, {_LONGEST}"
    if after is not None and not after.harmed:
        others = _by_length(moment, conditions, choice, after, guard, _UNHARMED)
        return _List(guard, others, conditions.sifting(_UNHARMED, _BEYOND), _LENGTH, order)
    first = _by_length(moment, conditions, choice, after, guard, _HARMED)
    # The others are looked for where those with harm do not fill the page: mostly they do.
    not_full: LiteralString = "(SELECT count(*) FROM harmed) < %(most)s AND "
    others = _by_length(moment, conditions, choice, None, f"{guard}{not_full}", _UNHARMED, name="_unharmed")
    in_order: LiteralString = (
        f"WITH harmed AS MATERIALIZED ({first}) SELECT * FROM harmed UNION ALL ({others}) "  # noqa: S608
        f"ORDER BY {order} LIMIT %(most)s"
    )
    where = conditions.sifting() if after is None else conditions.sifting(f"({_UNHARMED} OR {_BEYOND})")
    return _List(guard, in_order, where, _LENGTH, order)


def _by_length(
    moment: Moment,
    conditions: Conditions,
    choice: GapChoice,
    after: GapPlace | None,
    guard: LiteralString,
    *more: LiteralString,
    name: LiteralString = "",
) -> LiteralString:
    """Return the query for gaps by length: the best of running ones and of ended ones, each in an index's own order."""
    ended: tuple[LiteralString, ...] = (*more, "lasted >= 0")
    if after is not None:
        ended = (*ended, _BEYOND_ENDED)
    # Each with the length as it has it, so that the index holds all that is asked for.
    by_lasted: LiteralString = (
        f"SELECT {_KEY}, lasted AS us, {_HARMED_COLUMN} FROM read.gap_state "  # noqa: S608
        f"WHERE {guard}{conditions.text(*ended)} ORDER BY lasted DESC, gap_id LIMIT %(most)s"
    )
    if choice.open is False:
        return by_lasted  # what runs is open
    arms = stretches.running(moment, None if after is None else _since(after), name)
    columns: LiteralString = f"{_KEY}, {_RUNNING_US} AS us, {_HARMED_COLUMN}"
    running = _merged(conditions, guard, columns, "lasting_since", "ASC", arms, *more)
    by_since: LiteralString = f"SELECT {_KEY}, us, harmed FROM ({running}) running"  # noqa: S608
    return f"({by_since}) UNION ALL ({by_lasted}) ORDER BY {_LONGEST} LIMIT %(most)s"


def _by_moment(
    conditions: Conditions,
    guard: LiteralString,
    column: LiteralString,
    direction: LiteralString,
    arms: Sequence[stretches.Arm],
    place: LiteralString | None,
) -> _List:
    """Return the list of gaps by when they began or ended."""
    order: LiteralString = f"{column} {direction}, gap_id {direction}"
    in_order = _merged(conditions, guard, _KEY, column, direction, arms)
    # Where cases are looked at one by one, no index shall be asked for all gaps of all cases since then.
    where = conditions.sifting(f"({column} <= %(as_of)s) IS TRUE" if place is None else f"({place}) IS TRUE")
    return _List(guard, in_order, where, column, order)


def _merged(
    conditions: Conditions,
    guard: LiteralString,
    columns: LiteralString,
    column: LiteralString,
    direction: LiteralString,
    arms: Sequence[stretches.Arm],
    *more: LiteralString,
) -> LiteralString:
    """Return the query for the first rows of some parts of a list, each of which an index has in its order."""
    order: LiteralString = f"ORDER BY {column} {direction}, gap_id {direction} LIMIT %(most)s"
    parts: list[LiteralString] = []
    for arm in arms:
        conditions.values.update(arm.values)
        parts.append(
            f"SELECT {columns}, {column} FROM read.gap_state "  # noqa: S608
            f"WHERE {guard}{conditions.text(*more, arm.condition)} {order}"
        )
    # All in one order: PostgreSQL merges them as it goes, and asks none for more than it needs.
    return parts[0] if len(parts) == 1 else f"{' UNION ALL '.join(f'({part})' for part in parts)} {order}"


def _since(place: GapPlace) -> tuple[datetime, UUID]:
    """Return where a page ended in the order of since when gaps have lasted."""
    return place.as_of - timedelta(microseconds=place.lasted), place.id


def _for_few(list_: _List, *, counted: bool) -> LiteralString:
    """Return the query for a page of whoever sees few cases; for others it finds one row that says so: nothing in it.

    They are answered from the rows of these cases, which are then at hand: in the order of the list they would pass a
    hundred rows of others for each of their own.
    """
    found = _one_by_one(list_)
    if not counted:
        nothing: LiteralString = f"SELECT {_NOTHING} FROM few WHERE ids IS NULL"  # noqa: S608
        return f"{_FEW} ({found}) UNION ALL ({nothing}) ORDER BY {list_.order} LIMIT %(limit)s"
    nothing = f"SELECT {_NOTHING}, 0 FROM few WHERE ids IS NULL"  # noqa: S608
    return (
        f"{_FEW}, own AS MATERIALIZED ({found}) SELECT own.*, (SELECT count(*) FROM own) FROM own "  # noqa: S608
        f"UNION ALL ({nothing}) ORDER BY {list_.order} LIMIT %(limit)s"
    )


def _for_many(list_: _List, *, counted: bool) -> LiteralString:
    """Return the query for a page of whoever sees many cases.

    It is found in the order of the list, in an index alone, and its end is never far; what it shows is then fetched by
    its keys.
    """
    order = list_.order
    if not counted:
        return f"{_by_keys(_keys_of(list_.in_order))} ORDER BY {order} LIMIT %(limit)s"
    return (
        f"WITH listed AS MATERIALIZED ({list_.in_order}) "  # noqa: S608
        f"{_by_keys(_first_keys(order), ', (SELECT count(*) FROM listed)')} ORDER BY {order} LIMIT %(limit)s"
    )


def _for_either(few: LiteralString, list_: _List, *, counted: bool) -> LiteralString:
    """Return the query for a page in both ways at once: ``few`` says which is taken, and the other ends at once."""
    order = list_.order
    if not counted:
        return (
            f"{few} ({_one_by_one(list_)}) UNION ALL ({_by_keys(_keys_of(list_.in_order))}) "
            f"ORDER BY {order} LIMIT %(limit)s"
        )
    return (
        f"{few}, own AS MATERIALIZED ({_one_by_one(list_)}), listed AS MATERIALIZED ({list_.in_order}) "  # noqa: S608
        f"SELECT page.*, (SELECT count(*) FROM own) + (SELECT count(*) FROM listed) FROM ("
        f"(SELECT * FROM own) UNION ALL ({_by_keys(_first_keys(order))})) page ORDER BY {order} LIMIT %(limit)s"
    )


def _one_by_one(list_: _List) -> LiteralString:
    """Return the query for the first rows of a few cases."""
    return (
        f"SELECT {COLUMNS} FROM read.gap_state WHERE {_OF_FEW} AND {list_.where} "  # noqa: S608
        f"ORDER BY {list_.order} LIMIT %(most)s"
    )


def _keys_of(listed: LiteralString) -> LiteralString:
    return f"SELECT {_KEY} FROM ({listed}) listed"  # noqa: S608


def _first_keys(order: LiteralString) -> LiteralString:
    return f"SELECT {_KEY} FROM listed ORDER BY {order} LIMIT %(limit)s"  # noqa: S608


def _by_keys(keys: LiteralString, more: LiteralString = "") -> LiteralString:
    """Return the query for the rows of some keys, and more columns."""
    return f"SELECT {COLUMNS}{more} FROM ({keys}) keys JOIN read.gap_state USING ({_KEY})"  # noqa: S608


_MICROSECOND: Final = timedelta(microseconds=1)
_KINDS: Final = {kind.value: kind for kind in GapKind}
