"""The scalars of the schema beside GraphQL's own: moments, positions and JSON."""

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from ..projections.queries.openings import OpeningPlace
from .nodes import cursor, place_of
from .problems import Problem, bad_input

POSITION_MAX: Final = 2**63 - 1

Position = NewType("Position", int)
"""A place in the log, from 0; -1 is before the first."""

GapCursor = NewType("GapCursor", OpeningPlace)
"""A place among the gaps that opened."""

Json = NewType("Json", object)
"""Any JSON value."""


def moment_text(moment: datetime) -> str:
    """Return a moment as RFC 3339 in UTC, with a fraction of a second only where there is one."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat()[:-6] + "Z"


def parse_moment(value: object) -> datetime:
    """Return the moment that a client wrote. Raises ``Problem`` for what is none, and for one without its offset."""
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            found = None
        if found is not None and ("T" in value or " " in value or "t" in value):
            if found.tzinfo is None:
                raise bad_input(f"The moment {value!r} needs its offset from UTC: write {value}Z or {value}+01:00.")
            try:
                return found.astimezone(UTC)
            except OverflowError:
                pass
    raise bad_input(f"{value!r} is no moment: write it as RFC 3339, such as 2024-03-04T09:00:00+01:00.")


def parse_position(value: object) -> int:
    """Return the position that a client wrote, as a number or in digits. Raises ``Problem``."""
    if isinstance(value, str) and value.removeprefix("-").isdecimal() and len(value) < 20:  # noqa: PLR2004  digits of 2^63
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -1 <= value <= POSITION_MAX:
        raise bad_input(f"{value!r} is no position in the log: positions are whole numbers from 0.")
    return value


def parse_gap_cursor(value: object) -> OpeningPlace:
    """Return the place that a client was given. Raises ``Problem``."""
    try:
        found = place_of(value, OpeningPlace) if isinstance(value, str) else None
    except Problem:
        found = None
    if found is None or found.due.tzinfo is None:
        raise bad_input("after: this is no cursor of gapOpened; take one that it gave, or Registry.gapCursor.")
    return found


def _as_is(value: Any) -> Any:
    return value


def scalars() -> dict[object, ScalarDefinition]:
    """Return the schema's scalars by the Python type that stands for each."""
    return dict(_SCALARS)


_SCALARS: Final = MappingProxyType[object, ScalarDefinition](
    {
        datetime: strawberry.scalar(
            name="DateTime",
            description=(
                "A moment as RFC 3339, with its offset from UTC: 2024-03-04T09:00:00+01:00. Answers are in UTC."
            ),
            specified_by_url="https://scalars.graphql.org/andimarek/date-time",
            serialize=moment_text,
            parse_value=parse_moment,
        ),
        Position: strawberry.scalar(
            name="Position",
            description="A place in the log: a whole number of 64 bits, counted from 0 without holes.",
            serialize=_as_is,
            parse_value=parse_position,
        ),
        GapCursor: strawberry.scalar(
            name="GapCursor",
            description="A place among the gaps that opened, in their order. Keep it as it is; it says nothing.",
            serialize=cursor,
            parse_value=parse_gap_cursor,
        ),
        Json: strawberry.scalar(
            name="JSON",
            description="Any JSON value (RFC 8259).",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
            serialize=_as_is,
            parse_value=_as_is,
        ),
    }
)
