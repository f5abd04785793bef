"""The list of to-dos at two times, by when they came up, and why an event that cannot be read cannot be."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from ..derivation.todos import TodoKind
from .lens import AT, Conditions, Moment, Query, counted_up_to

_NO_CASE: Final = UUID(int=0)


class TodoOrder(Enum):
    """In which order to-dos are listed."""

    OLDEST = "OLDEST"
    NEWEST = "NEWEST"


class TodoRow(Struct, frozen=True):
    """A to-do as it is at the two times; ``case`` is none for an event of a stream that is not a case's.

    ``position`` and ``reason`` are of an event that cannot be read; of others the event itself can tell.
    """

    kind: TodoKind
    since: datetime
    organisation: str | None
    case: UUID | None
    stream: UUID
    event: UUID
    obstacle: UUID | None
    position: int | None
    reason: str | None


class TodoChoice(Struct, frozen=True):
    """Which to-dos a list holds; what is none does not matter."""

    kinds: Sequence[TodoKind] | None = None
    organisations: Sequence[str] | None = None
    case: UUID | None = None


def row(columns: tuple[Any, ...]) -> TodoRow:
    """Return the row that a query here found."""
    kind, since, organisation, case, *rest = columns
    return TodoRow(TodoKind(kind), since, organisation, None if case == _NO_CASE else case, *rest)


def page(
    moment: Moment, choice: TodoChoice, order: TodoOrder, after: tuple[datetime, UUID] | None, limit: int
) -> Query:
    """Return the query for to-dos beyond the one that came up at a moment and is about an event.

    An event makes one to-do at a time, so the two are a place in the list.
    """
    conditions = _conditions(moment, choice)
    direction: LiteralString = "DESC" if order is TodoOrder.NEWEST else "ASC"
    if after is not None:
        sign: LiteralString = "<" if order is TodoOrder.NEWEST else ">"
        conditions.add(
            f"(since, event_id) {sign} (%(after_since)s, %(after_event)s)",
            after_since=after[0],
            after_event=after[1],
        )
    found: LiteralString = (
        f"SELECT * FROM read.todo_state WHERE {conditions.text()} "  # noqa: S608 - constants
        f"ORDER BY since {direction}, event_id {direction} LIMIT %(limit)s"
    )
    return (
        "SELECT t.kind, t.since, t.organisation, t.case_id, t.stream_id, t.event_id, t.obstacle_id, t.position, "  # noqa: S608
        f"q.reason FROM ({found}) t "
        "LEFT JOIN read.quarantined q ON q.case_id = t.stream_id AND q.position = t.position "
        f"ORDER BY t.since {direction}, t.event_id {direction}"
    ), conditions.values | {"limit": limit}


def count(moment: Moment, choice: TodoChoice) -> Query:
    """Return the query for how many there are."""
    conditions = _conditions(moment, choice)
    return f"SELECT count(*) FROM read.todo_state WHERE {conditions.text()}", conditions.values  # noqa: S608


def count_up_to(moment: Moment, choice: TodoChoice, most: int) -> Query:
    """Return the same, counted no further than ``most``."""
    conditions = _conditions(moment, choice)
    rows: LiteralString = f"SELECT FROM read.todo_state WHERE {conditions.text()}"
    return counted_up_to(rows), conditions.values | {"most": most}


# A cause is named in a stream of its own, so that is looked for when it is asked.
_NOT_NAMED: Final = (
    "(kind <> 'NO_CAUSE_NAMED' OR obstacle_id NOT IN (SELECT target_id FROM read.stream_link l "  # noqa: S608
    f"WHERE l.target_id = todo_state.obstacle_id AND l.relation = 'OBSTACLE' AND {AT} "
    f"AND l.stream_id IN (SELECT stream_id FROM read.stream_state WHERE kind = 'CAUSE' AND {AT})))"
)


def _conditions(moment: Moment, choice: TodoChoice) -> Conditions:
    conditions = Conditions(moment)
    conditions.add(_NOT_NAMED)
    conditions.add_any("kind = ANY(%(kinds)s)", "kinds", choice.kinds)
    conditions.add_any("organisation = ANY(%(organisations)s)", "organisations", choice.organisations)
    if choice.case is not None:
        conditions.add("case_id = %(case)s", case=choice.case)
    return conditions
