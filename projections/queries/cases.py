"""The list of cases at two times, and the case behind a reference."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from .lens import AT, Conditions, Moment, Query, counted_up_to

COLUMNS: Final = "case_id, reference, theme, opened_at, closed_at"


class CaseOrder(Enum):
    """In which order cases are listed."""

    OPENED_NEWEST = "OPENED_NEWEST"
    OPENED_OLDEST = "OPENED_OLDEST"


class CaseRow(Struct, frozen=True):
    """A case's header as it is at the two times."""

    id: UUID
    reference: str
    theme: str
    opened_at: datetime
    closed_at: datetime | None


class CaseChoice(Struct, frozen=True):
    """Which cases a list holds; what is none does not matter."""

    open: bool | None = None
    themes: Sequence[str] | None = None
    organisations: Sequence[str] | None = None
    reference: str | None = None
    opened_from: datetime | None = None
    opened_until: datetime | None = None
    causes: Sequence[UUID] | None = None


BY_REFERENCE: Final = f"SELECT {COLUMNS} FROM read.case_state WHERE reference = %(reference)s AND {AT}"  # noqa: S608


def by_reference(moment: Moment, reference: str) -> Query:
    """Return the query for the case that people name so."""
    return BY_REFERENCE, moment.values() | {"reference": reference}


def row(columns: tuple[Any, ...]) -> CaseRow:
    """Return the row that a query here found."""
    return CaseRow(*columns)


def page(
    moment: Moment, choice: CaseChoice, order: CaseOrder, after: tuple[datetime, UUID] | None, limit: int
) -> Query:
    """Return the query for cases beyond the one that was opened at a moment and has an id."""
    conditions = _conditions(moment, choice)
    direction: LiteralString = "DESC" if order is CaseOrder.OPENED_NEWEST else "ASC"
    if after is not None:
        sign: LiteralString = "<" if order is CaseOrder.OPENED_NEWEST else ">"
        # The identifier counts upwards in both orders, as the index has it.
        conditions.add(
            f"opened_at {sign}= %(after_opened)s AND (opened_at {sign} %(after_opened)s OR case_id > %(after_case)s)",
            after_opened=after[0],
            after_case=after[1],
        )
    return (
        f"SELECT {COLUMNS} FROM read.case_state WHERE {conditions.text()} "  # noqa: S608
        f"ORDER BY opened_at {direction}, case_id LIMIT %(limit)s"
    ), conditions.values | {"limit": limit}


def count(moment: Moment, choice: CaseChoice) -> Query:
    """Return the query for how many there are."""
    conditions = _conditions(moment, choice)
    return f"SELECT count(*) FROM read.case_state WHERE {conditions.text()}", conditions.values  # noqa: S608


def count_up_to(moment: Moment, choice: CaseChoice, most: int) -> Query:
    """Return the same, counted from the newest on and no further than ``most``."""
    conditions = _conditions(moment, choice)
    rows: LiteralString = f"SELECT FROM read.case_state WHERE {conditions.text()} ORDER BY opened_at DESC, case_id"
    return counted_up_to(rows), conditions.values | {"most": most}


_PARTY: Final = (
    "EXISTS (SELECT FROM read.case_party p WHERE p.case_id = case_state.case_id AND p.organisation = ANY(%(parties)s) "
    "AND p.as_of_from <= %(as_of)s AND (p.as_of_until > %(as_of)s OR p.until_known_from > %(known_at)s) "
    "AND p.known_from <= %(known_at)s AND p.known_until > %(known_at)s)"
)


_WITH_CAUSES: Final = (
    "case_id IN (SELECT k.case_id FROM knelpunt.known_obstacle k WHERE k.obstacle_id IN ("  # noqa: S608 - constants
    f"SELECT target_id FROM read.stream_link WHERE stream_id = ANY(%(causes)s) AND relation = 'OBSTACLE' AND {AT}))"
)


def _conditions(moment: Moment, choice: CaseChoice) -> Conditions:
    conditions = Conditions(moment)
    if choice.open is not None:
        conditions.add("closed_at IS NULL" if choice.open else "closed_at IS NOT NULL")
    conditions.add_any("theme = ANY(%(themes)s)", "themes", choice.themes)
    conditions.add_any(_PARTY, "parties", choice.organisations)
    conditions.add_any(_WITH_CAUSES, "causes", choice.causes)
    if choice.reference is not None:
        conditions.add("reference = %(reference)s", reference=choice.reference)
    if choice.opened_from is not None:
        conditions.add("opened_at >= %(opened_from)s", opened_from=choice.opened_from)
    if choice.opened_until is not None:
        conditions.add("opened_at < %(opened_until)s", opened_until=choice.opened_until)
    return conditions
