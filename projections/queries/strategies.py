"""Ways of working that organisations share, at two times: chosen by the kind of obstacle that they worked for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from ...domain.vocabulary import Origin
from ..derivation.experiments import STRATEGY
from .lens import AT, Conditions, Moment, Query

COLUMNS: Final = "at, event_id, strategy_id, organisation"
_ADOPTED: Final = (
    f"strategy_id IN (SELECT strategy_id FROM read.strategy_state WHERE shared_by IS NOT NULL AND {AT} UNION ALL "  # noqa: S608
    f"SELECT target_id FROM read.stream_link WHERE relation = '{STRATEGY}' AND {AT})"
)


class StrategyRow(Struct, frozen=True):
    """A strategy as an organisation shares it: since when, by which event, its id, and whose it is."""

    at: datetime
    event: UUID
    id: UUID
    organisation: str


class StrategyChoice(Struct, frozen=True):
    """Which strategies a list holds; what is none does not matter.

    ``adopted``: that somebody adopted, from whom shares it or from an experiment, or that nobody did.
    """

    ids: Sequence[UUID] | None = None
    themes: Sequence[str] | None = None
    origins: Sequence[Origin] | None = None
    shared_by: Sequence[str] | None = None
    adopted: bool | None = None


def row(columns: tuple[Any, ...]) -> StrategyRow:
    """Return the row that a query here found."""
    return StrategyRow(*columns)


def page(moment: Moment, choice: StrategyChoice, after: tuple[datetime, UUID] | None, limit: int) -> Query:
    """Return the query for strategies, the last shared first, beyond the one shared at a moment by an event."""
    conditions = _conditions(moment, choice)
    if after is not None:
        conditions.add(
            "at <= %(after_at)s AND (at < %(after_at)s OR event_id > %(after_event)s)",
            after_at=after[0],
            after_event=after[1],
        )
    return (
        f"SELECT {COLUMNS} FROM read.strategy_state WHERE {conditions.text()} "  # noqa: S608
        "ORDER BY at DESC, event_id LIMIT %(limit)s"
    ), conditions.values | {"limit": limit}


def count(moment: Moment, choice: StrategyChoice) -> Query:
    """Return the query for how many there are."""
    conditions = _conditions(moment, choice)
    return f"SELECT count(*) FROM read.strategy_state WHERE {conditions.text()}", conditions.values  # noqa: S608


def _conditions(moment: Moment, choice: StrategyChoice) -> Conditions:
    conditions = Conditions(moment)
    conditions.add("shared_by IS NULL")
    conditions.add_any("strategy_id = ANY(%(ids)s)", "ids", choice.ids)
    conditions.add_any("themes && %(themes)s", "themes", choice.themes)
    conditions.add_any("origins && %(origins)s", "origins", choice.origins)
    conditions.add_any("organisation = ANY(%(shared_by)s)", "shared_by", choice.shared_by)
    if choice.adopted is not None:
        conditions.add(_ADOPTED if choice.adopted else f"NOT ({_ADOPTED})")
    return conditions
