"""The two times of a query on the read model, and the condition that picks the rows that answer at them.

Every query is a pair: SQL that is constant text, and its values by name. Conditions are put together from constants
only; what a client gives is always a value.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, LiteralString

from msgspec import Struct

LATEST: Final = datetime.max.replace(tzinfo=UTC)
"""A moment of recording after all others: whoever asks with it gets what is known last."""

Query = tuple[LiteralString, dict[str, Any]]
"""A statement and its values by name."""


class Moment(Struct, frozen=True):
    """When something was so in the world, and what had been recorded by then (``LATEST``: everything)."""

    as_of: datetime
    known_at: datetime

    def values(self) -> dict[str, Any]:
        """Return the values that ``AT`` names."""
        return {"as_of": self.as_of, "known_at": self.known_at}


AT: Final = (
    "as_of_from <= %(as_of)s AND (as_of_until > %(as_of)s OR until_known_from > %(known_at)s) "
    "AND known_from <= %(known_at)s AND known_until > %(known_at)s"
)
"""The condition that a row is the answer at a moment."""


AT_LATEST: Final = "(as_of_from <= %(as_of)s) IS TRUE AND as_of_until > %(as_of)s AND known_until = 'infinity'"
"""The same of what is known last, in which an index of what is known last is found: no value then says that.

``IS TRUE`` keeps PostgreSQL from going through a whole key for the rows that began by then, which most have.
"""


def at(table: LiteralString) -> LiteralString:
    """Return the same condition on the rows of a table that stands under a name beside others."""
    return (
        f"{table}.as_of_from <= %(as_of)s "
        f"AND ({table}.as_of_until > %(as_of)s OR {table}.until_known_from > %(known_at)s) "
        f"AND {table}.known_from <= %(known_at)s AND {table}.known_until > %(known_at)s"
    )


COUNTS: Final = "counts_after < %(as_of)s"
"""The condition that a gap counts."""

OPEN: Final = "open"
ENDED: Final = "NOT open"
"""The conditions that a gap is open, and that it has ended."""

_SIFTING: Final[Mapping[LiteralString, LiteralString]] = MappingProxyType(
    {
        AT: (
            "as_of_from <= %(as_of)s AND known_from <= %(known_at)s AND ((as_of_until > %(as_of)s "
            "OR until_known_from > %(known_at)s) AND known_until > %(known_at)s) IS TRUE"
        ),
        COUNTS: f"({COUNTS}) IS TRUE",
        ENDED: f"({ENDED}) IS TRUE",
    }
)
"""The same conditions, such that no index is found for them but that of the rows of a case, as they became so."""


class Conditions:
    """Conditions that all must hold, and the values that they name."""

    def __init__(self, moment: Moment) -> None:
        """Begin with the condition of the two times."""
        self.values = moment.values()
        self._all: list[LiteralString] = [AT_LATEST if moment.known_at >= LATEST else AT]

    def add(self, condition: LiteralString, **values: object) -> None:
        """Ask for one more."""
        self._all.append(condition)
        self.values.update(values)

    def add_any(self, condition: LiteralString, name: str, chosen: Sequence[object] | None) -> None:
        """Ask for one of several, if any were chosen; an empty choice finds nothing."""
        if chosen is not None:
            self.add(condition, **{name: list(chosen)})

    def text(self, *more: LiteralString) -> LiteralString:
        """Return them all, and some more, as the text of a WHERE clause."""
        return " AND ".join((*self._all, *more))

    def sifting(self, *more: LiteralString) -> LiteralString:
        """Return them all, for rows that are looked up one by one: no index is to be gone through for the two times.

        PostgreSQL would go through whole indexes of other columns for them, and intersect what it finds. Only what is
        open by what is known last has an index for it.
        """
        latest: LiteralString = AT_LATEST if OPEN in self._all else f"({AT_LATEST}) IS TRUE"
        sifting: Mapping[LiteralString, LiteralString] = {**_SIFTING, AT_LATEST: latest}
        return " AND ".join([sifting.get(condition, condition) for condition in (*self._all, *more)])


def counted_up_to(rows: LiteralString) -> LiteralString:
    """Return the query for how many rows a query finds, which stops at ``most``."""
    return f"SELECT count(*) FROM (({rows}) LIMIT %(most)s) counted"  # noqa: S608


POSITION_AT: Final = "SELECT knelpunt.position_by(%(known_at)s, %(upto)s)"


def position_at(known_at: datetime, upto: int) -> Query:
    """Return the query for the last position, up to one, that was recorded by a moment; -1: none was."""
    return POSITION_AT, {"known_at": known_at, "upto": upto}


def position_by(moment: LiteralString) -> LiteralString:
    """Return the expression for the last position of all that was recorded by a moment, itself an expression."""
    return f"knelpunt.position_by({moment})"
