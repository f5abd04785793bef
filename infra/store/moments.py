"""Moments as PostgreSQL's binary form has them."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Return an aware moment as PostgreSQL counts: microseconds since 2000-01-01 UTC."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment_of(count: int) -> datetime:
    """Return what ``microseconds`` counts, in UTC."""
    return _EPOCH + timedelta(microseconds=count)
