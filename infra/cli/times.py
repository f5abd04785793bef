"""Moments as people type and read them: RFC 3339 with an offset, or a date."""

from datetime import UTC, date, datetime, time

import typer


def moment(text: str) -> datetime:
    """Return the moment that somebody typed; a date is the beginning of that day in UTC. For typer options."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no moment: write 2024-03-04T09:00:00+01:00, or 2024-03-04.") from None
    if found.tzinfo is not None:
        return found.astimezone(UTC)
    if len(text) <= len("2024-03-04"):
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    raise typer.BadParameter(f"{text!r} needs its offset from UTC: write {text}Z or {text}+01:00.")


def day(text: str | None) -> str:
    """Return the day of a moment as RFC 3339, or an ellipsis for one that has not come."""
    return text[:10] if text is not None else "…"


def minute(text: str) -> str:
    """Return a moment as RFC 3339 to the minute, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M")
