"""What waits for an organisation: offers that it has not answered, and referrals that have not arrived."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from .lens import AT, Moment, Query

WAITING_MAX: Final = 200
"""How many one answer holds at most: more than that nobody works through in a day."""

_PAGE: Final = (
    "SELECT case_id, handoff_id, obstacle_id, kind, from_organisation, made_at, respond_by FROM read.handoff_state "  # noqa: S608 - constants
    f"WHERE to_organisation = %(organisation)s AND outcome = 'PENDING' AND {AT} "
    "ORDER BY respond_by NULLS LAST, made_at, handoff_id LIMIT %(limit)s"
)


class WaitingRow(Struct, frozen=True):
    """An offer or a referral as it is at the two times; ``respond_by`` is none for a referral."""

    case: UUID
    handoff: UUID
    obstacle: UUID
    offered: bool
    from_: str
    made_at: datetime
    respond_by: datetime | None


def query(moment: Moment, organisation: str, limit: int) -> Query:
    """Return the query for what waits for an organisation, what must be answered first coming first."""
    return _PAGE, moment.values() | {"organisation": organisation, "limit": limit}


def row(columns: tuple[Any, ...]) -> WaitingRow:
    """Return the row that the query found."""
    case, handoff, obstacle, kind, *rest = columns
    return WaitingRow(case, handoff, obstacle, kind == "OFFER", *rest)
