"""The list of chains at two times: one for each obstacle."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from ...domain.vocabulary import Harm
from .lens import AT, Conditions, Moment, Query, at, counted_up_to

COLUMNS: Final = "case_id, obstacle_id, reported_at"


class ChainOrder(Enum):
    """In which order chains are listed."""

    REPORTED_NEWEST = "REPORTED_NEWEST"
    REPORTED_OLDEST = "REPORTED_OLDEST"


class ChainRow(Struct, frozen=True):
    """Which obstacle a chain is of."""

    case: UUID
    obstacle: UUID
    reported_at: datetime


class ChainChoice(Struct, frozen=True):
    """Which chains a list holds; what is none does not matter. ``held`` is whether anybody holds an open obstacle."""

    open: bool | None = None
    holders: Sequence[str] | None = None
    held: bool | None = None
    organisations: Sequence[str] | None = None
    fell_between_the_cracks: bool | None = None
    themes: Sequence[str] | None = None
    harms: Sequence[Harm] | None = None
    case: UUID | None = None
    causes: Sequence[UUID] | None = None


def row(columns: tuple[Any, ...]) -> ChainRow:
    """Return the row that a page found; beside it stands how many there are in all."""
    return ChainRow(*columns[:-1])


def page(
    moment: Moment, choice: ChainChoice, order: ChainOrder, after: tuple[datetime, UUID] | None, limit: int
) -> Query:
    """Return the query for chains beyond the one that was reported at a moment and has an obstacle.

    Beside each stands how many there are beyond, where all of them are gone through for the page, and else null.
    """
    conditions = _conditions(moment, choice)
    newest = order is ChainOrder.REPORTED_NEWEST
    # One index, read from either end: so the oldest first is the newest first turned round, ties included.
    order_by: LiteralString = "reported_at DESC, obstacle_id" if newest else "reported_at, obstacle_id DESC"
    if after is not None:
        sign: LiteralString = "<" if newest else ">"
        tied: LiteralString = ">" if newest else "<"
        conditions.add(
            f"reported_at {sign}= %(after_reported)s "
            f"AND (reported_at {sign} %(after_reported)s OR obstacle_id {tied} %(after_obstacle)s)",
            after_reported=after[0],
            after_obstacle=after[1],
        )
    # What somebody has is little of all: it is found first and put in order then.
    first: LiteralString = "" if choice.holders is None else " OFFSET 0"
    counted: LiteralString = "NULL::bigint" if choice.holders is None else "count(*) OVER ()"
    return (
        f"SELECT {COLUMNS}, {counted} "  # noqa: S608
        f"FROM (SELECT {COLUMNS} FROM read.chain_state WHERE {conditions.text()}{first}) found "
        f"ORDER BY {order_by} LIMIT %(limit)s"
    ), conditions.values | {"limit": limit}


def count(moment: Moment, choice: ChainChoice) -> Query:
    """Return the query for how many there are."""
    conditions = _conditions(moment, choice)
    return f"SELECT count(*) FROM read.chain_state WHERE {conditions.text()}", conditions.values  # noqa: S608


def count_up_to(moment: Moment, choice: ChainChoice, most: int) -> Query:
    """Return the same, counted no further than ``most``."""
    conditions = _conditions(moment, choice)
    rows: LiteralString = f"SELECT FROM read.chain_state WHERE {conditions.text()}"
    return counted_up_to(rows), conditions.values | {"most": most}


_FELL: Final = (
    "EXISTS (SELECT FROM read.gap_state g WHERE g.case_id = chain_state.case_id "
    "AND g.obstacle_id = chain_state.obstacle_id AND g.kind <> 'COMMITMENT_OVERDUE' AND g.counts_after < %(as_of)s "
    f"AND {at('g')})"
)


_FROM_CAUSES: Final = (
    "obstacle_id IN (SELECT target_id FROM read.stream_link WHERE stream_id = ANY(%(causes)s) "  # noqa: S608
    f"AND relation = 'OBSTACLE' AND {AT})"
)


def _conditions(moment: Moment, choice: ChainChoice) -> Conditions:
    conditions = Conditions(moment)
    if choice.open is not None:
        conditions.add("settled_at IS NULL" if choice.open else "settled_at IS NOT NULL")
    if choice.held is not None:
        conditions.add("settled_at IS NULL")
        conditions.add("holder IS NOT NULL" if choice.held else "holder IS NULL")
    conditions.add_any("holder = ANY(%(holders)s)", "holders", choice.holders)
    conditions.add_any("organisations && %(organisations)s", "organisations", choice.organisations)
    conditions.add_any("theme = ANY(%(themes)s)", "themes", choice.themes)
    conditions.add_any("harms && %(harms)s", "harms", choice.harms)
    if choice.case is not None:
        conditions.add("case_id = %(case)s", case=choice.case)
    conditions.add_any(_FROM_CAUSES, "causes", choice.causes)
    if choice.fell_between_the_cracks is not None:
        conditions.add(_FELL if choice.fell_between_the_cracks else f"NOT {_FELL}")
    return conditions
