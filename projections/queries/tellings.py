"""The story retold, at two times: contacts about each obstacle, and in how many the story had to be told again."""

from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from .lens import AT, Moment, Query

PAGE: Final[LiteralString] = (
    f"SELECT case_id, obstacle_id, contacts, retold FROM read.telling_state WHERE {AT} "  # noqa: S608 - constants
    "AND (%(after_retold)s::int IS NULL OR retold < %(after_retold)s OR (retold = %(after_retold)s "
    "AND (contacts < %(after_contacts)s OR (contacts = %(after_contacts)s "
    "AND obstacle_id > %(after_obstacle)s::uuid)))) "
    "ORDER BY retold DESC, contacts DESC, obstacle_id LIMIT %(limit)s"
)

SUMS: Final[LiteralString] = (
    "SELECT count(*), coalesce(sum(contacts), 0)::bigint, coalesce(sum(retold), 0)::bigint "  # noqa: S608
    f"FROM read.telling_state WHERE {AT}"
)


class TellingRow(Struct, frozen=True):
    """An obstacle about which there was contact."""

    case: UUID
    obstacle: UUID
    contacts: int
    retold: int


Place = tuple[int, int, UUID]
"""Where a page ended: times retold, contacts, and the obstacle."""


def page(moment: Moment, after: Place | None, limit: int) -> Query:
    """Return the query for obstacles beyond a place, those whose story was told again most often first."""
    retold, contacts, obstacle = (None, None, None) if after is None else after
    return PAGE, moment.values() | {
        "after_retold": retold,
        "after_contacts": contacts,
        "after_obstacle": obstacle,
        "limit": limit,
    }


def sums(moment: Moment) -> Query:
    """Return the query for how many obstacles there are, how many contacts, and how often a story was told again."""
    return SUMS, moment.values()


def row(columns: tuple[Any, ...]) -> TellingRow:
    """Return the row that ``page`` found."""
    return TellingRow(*columns)


def place(telling: TellingRow) -> Place:
    """Return the place of an obstacle in the list."""
    return telling.retold, telling.contacts, telling.obstacle
