"""Interfaces at two times: ordered pairs of organisations, in figures. The statement stands in interfaces.sql."""

from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final, LiteralString, cast

import msgspec
from msgspec import Struct

from ...domain.vocabulary import RefusalGround
from .lens import LATEST, Moment, Query

PAIRS_MAX: Final = 2_000
"""How many interfaces one answer holds at most, the busiest first: what a page can still show as a diagram."""

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)

SKIP_MAX: Final = 1_000_000
"""How many interfaces may be left out before the first: more than there are between a thousand organisations."""


class InterfaceOrder(Enum):
    """In which order interfaces are listed."""

    BUSIEST = "BUSIEST"
    LOST = "LOST"


class InterfaceRow(Struct, frozen=True):
    """What went from one organisation to another. Times are in days, shares from 0 to 1; none: nothing to measure.

    A count is none where it rests on so few persons that the asker is not told.
    """

    from_: str
    to: str
    offers: int | None
    accepted: int | None
    refused: int | None
    withdrawn: int | None
    lapsed: int | None
    unanswered: int | None
    pending: int | None
    referrals: int | None
    arrived: int | None
    median_days: float | None
    p90_days: float | None
    grounds: tuple[tuple[RefusalGround, int], ...]
    came_back_share: float | None


class InterfaceChoice(Struct, frozen=True):
    """Which interfaces an answer holds; what is none does not matter. The period is that of the offer or referral."""

    organisation: str | None = None
    from_: str | None = None
    to: str | None = None
    period_from: datetime | None = None
    period_until: datetime | None = None
    rolled_up: bool = False


@cache
def _statement() -> LiteralString:
    """Return the statement; it is part of the program, and nobody's input."""
    return cast("LiteralString", Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def query(moment: Moment, choice: InterfaceChoice, order: InterfaceOrder, limit: int, skip: int = 0) -> Query:
    """Return the query for interfaces beyond the first ``skip``, at most ``limit``."""
    return _statement(), moment.values() | {
        "organisation": choice.organisation,
        "from": choice.from_,
        "to": choice.to,
        # Moments before and after all others, and never null: then the index by these moments is found.
        "period_from": choice.period_from or _EARLIEST,
        "period_until": min(choice.period_until or LATEST, _after(moment.as_of)),
        "rolled_up": choice.rolled_up,
        "by_lost": order is InterfaceOrder.LOST,
        "limit": limit,
        "skip": skip,
    }


def _after(as_of: datetime) -> datetime:
    """Return the moment from which on what is made cannot be seen at ``as_of``."""
    return as_of + timedelta(microseconds=1) if as_of < LATEST else LATEST


def row(columns: tuple[Any, ...]) -> InterfaceRow:
    """Return the row that the query found."""
    *figures, grounds, share = columns
    found = msgspec.json.decode(grounds, type=tuple[tuple[RefusalGround, int], ...]) if grounds else ()
    return InterfaceRow(*figures, grounds=found, came_back_share=share)
