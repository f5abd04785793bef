"""Programmes at two times: investigations that belong together, under the name that each of them gives."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from .lens import AT, Moment, Query

_OF: Final = (
    "SELECT split_part(mark, '=', 2) AS programme, begun_at FROM read.stream_state "  # noqa: S608
    "CROSS JOIN LATERAL unnest(marks) AS mark "
    f"WHERE kind = 'INVESTIGATION' AND starts_with(mark, 'programme=') AND marks && %(known)s AND {AT}"
)
"""Each investigation that may be known of and is part of a programme; names are slugs, and hold no other sign."""

PAGE: Final = (
    f"SELECT programme, min(begun_at), count(*) FROM ({_OF}) p WHERE %(after)s::text IS NULL OR programme > %(after)s "  # noqa: S608
    "GROUP BY programme ORDER BY programme LIMIT %(limit)s"
)
ONE: Final = (
    f"SELECT programme, min(begun_at), count(*) FROM ({_OF}) p WHERE programme = %(programme)s GROUP BY programme"  # noqa: S608
)
COUNT: Final = f"SELECT count(DISTINCT programme) FROM ({_OF}) p"  # noqa: S608


class ProgrammeRow(Struct, frozen=True):
    """A programme: its name, when its first investigation was opened, and how many of them may be known of."""

    programme: str
    begun_at: datetime
    investigations: int


def row(columns: tuple[Any, ...]) -> ProgrammeRow:
    """Return the row that a query here found."""
    return ProgrammeRow(*columns)


def page(moment: Moment, known: Sequence[str], after: str | None, limit: int) -> Query:
    """Return the query for programmes by name, beyond one, of investigations with one of the marks ``known``."""
    return PAGE, moment.values() | {"known": list(known), "after": after, "limit": limit}


def one(moment: Moment, known: Sequence[str], programme: str) -> Query:
    """Return the query for one programme, of investigations with one of the marks ``known``."""
    return ONE, moment.values() | {"known": list(known), "programme": programme}


def count(moment: Moment, known: Sequence[str]) -> Query:
    """Return the query for how many there are."""
    return COUNT, moment.values() | {"known": list(known)}
