"""Figures for analysts: over all cases, and none that rests on fewer than ten persons.

The database counts, and says nothing to anybody else (projections/read_model/counted.sql).
"""

from collections.abc import Sequence
from typing import Any, Final

from ...domain.vocabulary import GapKind
from .interfaces import InterfaceChoice, InterfaceRow
from .lens import Moment, Query

INTERFACES: Final = (
    "SELECT * FROM read.counted_interfaces(%(as_of)s, %(known_at)s, %(from)s, %(to)s, %(organisation)s, "
    "%(period_from)s, %(period_until)s)"
)
GAPS: Final = "SELECT * FROM read.counted_gaps(%(as_of)s, %(known_at)s, %(kinds)s::text[], %(open)s)"


def interfaces(moment: Moment, choice: InterfaceChoice) -> Query:
    """Return the query for the interfaces that an analyst is told of; they are not rolled up."""
    return INTERFACES, moment.values() | {
        "organisation": choice.organisation,
        "from": choice.from_,
        "to": choice.to,
        "period_from": choice.period_from,
        "period_until": choice.period_until,
    }


def interface(columns: tuple[Any, ...]) -> InterfaceRow:
    """Return an interface; how long answers took, and why it was refused, is nothing that an analyst is told."""
    return InterfaceRow(*columns, median_days=None, p90_days=None, grounds=(), came_back_share=None)


def gaps(moment: Moment, kinds: Sequence[GapKind] | None, *, open_: bool | None) -> Query:
    """Return the query for how many gaps that count there are of kinds (none: of each), open, ended or both."""
    return GAPS, moment.values() | {"kinds": None if kinds is None else list(kinds), "open": open_}
