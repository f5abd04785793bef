"""Lists of learning streams of one kind at two times, and what they are linked with.

All kinds share their tables, so all share these queries: a kind's own filters are marks (``StreamFacet``).
"""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from ...domain.vocabulary import LearningKind
from .lens import AT, Conditions, Moment, Query

COLUMNS: Final = "stream_id, begun_at, status, theme"


class StreamOrder(Enum):
    """In which order learning streams are listed."""

    BEGUN_NEWEST = "BEGUN_NEWEST"
    BEGUN_OLDEST = "BEGUN_OLDEST"


class StreamRow(Struct, frozen=True):
    """A stream's header as it is at the two times."""

    id: UUID
    begun_at: datetime
    status: str
    theme: str | None


class StreamChoice(Struct, frozen=True):
    """Which streams a list holds; what is none does not matter.

    Of each of ``marks`` the stream has one of several, and of each of ``links`` it is linked with one of several;
    at most ``SETS_MAX`` of either.
    """

    kind: LearningKind
    statuses: Sequence[str] | None = None
    themes: Sequence[str] | None = None
    organisations: Sequence[str] | None = None
    begun_from: datetime | None = None
    begun_until: datetime | None = None
    marks: Sequence[Sequence[str]] = ()
    links: Sequence[Sequence[UUID]] = ()


_MARKS: Final[tuple[LiteralString, ...]] = tuple(f"marks && %(marks_{n})s" for n in "01234567")  # pyright: ignore[reportAssignmentType]
_LINKS: Final[tuple[LiteralString, ...]] = tuple(  # pyright: ignore[reportAssignmentType]
    f"stream_id IN (SELECT stream_id FROM read.stream_link WHERE target_id = ANY(%(links_{n})s) AND {AT})"  # noqa: S608
    for n in "01234567"
)
SETS_MAX: Final = len(_MARKS)


def row(columns: tuple[Any, ...]) -> StreamRow:
    """Return the row that a query here found."""
    return StreamRow(*columns)


def page(
    moment: Moment, choice: StreamChoice, order: StreamOrder, after: tuple[datetime, UUID] | None, limit: int
) -> Query:
    """Return the query for streams beyond the one that began at a moment and has an id."""
    conditions = _conditions(moment, choice)
    direction: LiteralString = "DESC" if order is StreamOrder.BEGUN_NEWEST else "ASC"
    if after is not None:
        sign: LiteralString = "<" if order is StreamOrder.BEGUN_NEWEST else ">"
        conditions.add(
            f"begun_at {sign}= %(after_begun)s AND (begun_at {sign} %(after_begun)s OR stream_id > %(after_stream)s)",
            after_begun=after[0],
            after_stream=after[1],
        )
    return (
        f"SELECT {COLUMNS} FROM read.stream_state WHERE {conditions.text()} "  # noqa: S608
        f"ORDER BY begun_at {direction}, stream_id LIMIT %(limit)s"
    ), conditions.values | {"limit": limit}


def count(moment: Moment, choice: StreamChoice) -> Query:
    """Return the query for how many there are."""
    conditions = _conditions(moment, choice)
    return f"SELECT count(*) FROM read.stream_state WHERE {conditions.text()}", conditions.values  # noqa: S608


def _conditions(moment: Moment, choice: StreamChoice) -> Conditions:
    conditions = Conditions(moment)
    conditions.add("kind = %(kind)s", kind=choice.kind.value)
    conditions.add_any("status = ANY(%(statuses)s)", "statuses", choice.statuses)
    conditions.add_any("theme = ANY(%(themes)s)", "themes", choice.themes)
    conditions.add_any("organisations && %(organisations)s", "organisations", choice.organisations)
    if choice.begun_from is not None:
        conditions.add("begun_at >= %(begun_from)s", begun_from=choice.begun_from)
    if choice.begun_until is not None:
        conditions.add("begun_at < %(begun_until)s", begun_until=choice.begun_until)
    for n, several in enumerate(choice.marks):
        conditions.add_any(_MARKS[n], f"marks_{n}", several)
    for n, several in enumerate(choice.links):
        conditions.add_any(_LINKS[n], f"links_{n}", several)
    return conditions


LINKED_WITH: Final = (
    f"SELECT l.target_id, s.kind, l.stream_id FROM (SELECT stream_id, target_id, since FROM read.stream_link "  # noqa: S608
    f"WHERE target_id = ANY(%(targets)s) AND {AT}) l "
    f"JOIN (SELECT stream_id, kind FROM read.stream_state WHERE {AT}) s USING (stream_id) "
    "ORDER BY l.since, l.stream_id"
)


def linked_with(moment: Moment, targets: Sequence[UUID]) -> Query:
    """Return the query for the streams that are linked with things: with what, of what kind, and which."""
    return LINKED_WITH, moment.values() | {"targets": list(targets)}
