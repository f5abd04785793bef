"""When gaps opened: each gap once, at the first moment at which it counted as the registry then knew it.

A row of ``gap_state`` is the answer for two ranges of moments. Asked for both at the same moment, which is what "now"
is, it is the answer from one moment to another: from when it was known, had begun and counts, until it ended or was
known to have been otherwise. The first of these moments never changes any more once everything recorded by then is
projected, whatever is recorded later; so it makes an order in which nothing ever comes in behind a reader.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from ...domain.vocabulary import GapKind
from .gaps import GapRow
from .gaps import row as gap_row
from .lens import Query, position_by

SETTLING: Final = timedelta(milliseconds=10)
"""How long a gap must be so to have opened. One append records its events a microsecond after each other, 5,000 at most
as a rule, and nobody ever saw what lay between: an import would open a gap at every step of every old case."""

DUE: Final = "greatest(known_from, as_of_from, counts_after)"
"""The moment at which, or right after which, a row first counts. Indexed (``gap_state_due``), as is ``LASTS``."""

LASTS: Final = (
    f"{DUE} < known_until "
    "AND CASE WHEN known_until < 'infinity' THEN known_until - known_from >= '00:00:00.01' ELSE true END "
    f"AND ({DUE} < as_of_until OR ({DUE} < until_known_from AND until_known_from - known_from >= '00:00:00.01'))"
)
"""What holds for every row that ever was the answer to whoever asked for now, and for few others."""

# A gap counts when it has lasted longer than its grace: from a microsecond after counts_after on.
_AT: Final = "greatest(s.known_from, s.as_of_from, s.counts_after + interval '1 microsecond')"
_SHOWN: Final = (
    f"{_AT} < 'infinity' AND "
    f"{_AT} + interval '0.01 seconds' <= least(s.known_until, greatest(s.as_of_until, s.until_known_from))"
)
_EARLIER_AT: Final = _AT.replace("s.", "e.")
_EARLIER_SHOWN: Final = _SHOWN.replace("s.", "e.")


class OpeningPlace(Struct, frozen=True):
    """A place in the order in which gaps opened: the moment that was due, and the gap's id."""

    due: datetime
    gap: UUID


class OpeningChoice(Struct, frozen=True):
    """Which openings are told, by what the gap was when it opened; what is none does not matter."""

    organisations: Sequence[str] | None = None
    kinds: Sequence[GapKind] | None = None


class Opening(Struct, frozen=True):
    """A gap that opened: when, as it was then, and the last event that had been recorded by then."""

    place: OpeningPlace
    at: datetime
    position: int
    gap: GapRow


FIRST: Final = OpeningPlace(datetime.min.replace(tzinfo=UTC), UUID(int=0))
"""Before all that ever opened."""


def place_at(moment: datetime) -> OpeningPlace:
    """Return the place before everything that is due at a moment or later."""
    return OpeningPlace(moment, FIRST.gap)


NOW: Final = "SELECT greatest(clock_timestamp(), last_recorded_at) FROM knelpunt.log_head"
"""The moment after which everything to come is recorded, by the database's clock."""

RECORDED_AT: Final = "SELECT recorded_at FROM knelpunt.event WHERE position = %(position)s"
"""When an event was recorded: all that opens because of a later one opens after it."""

NEXT: Final = f"SELECT {DUE} FROM read.gap_state WHERE {DUE} >= %(from)s AND {LASTS} ORDER BY {DUE} LIMIT 1"  # noqa: S608
"""What is due first from a moment on; it may be long to come."""

PAGE: Final = f"""
WITH scanned AS MATERIALIZED (
    SELECT {DUE} AS due, g.* FROM read.gap_state g
     WHERE ({DUE}, gap_id) > (%(after_due)s, %(after_gap)s) AND {DUE} < %(until)s AND {LASTS}
     ORDER BY {DUE}, gap_id
     FETCH FIRST %(limit)s ROWS WITH TIES
)
SELECT s.due, s.gap_id, o.*
  FROM scanned s
  LEFT JOIN LATERAL (
    SELECT f.at, {position_by("f.at")} AS position, s.case_id, s.gap_id, s.obstacle_id, s.kind, s.from_at, s.until_at,
           s.open, true AS counts,
           CASE WHEN s.lasted < 0 THEN (extract(epoch FROM f.at - s.lasting_since) * 1000000)::bigint
                ELSE s.lasted END AS us,
           s.to_act, s.involved, s.length, s.evidence, s.cases, s.stream_kind, s.harm_until > f.at AS harmed
      FROM (SELECT {_AT} AS at) f
     WHERE {_SHOWN}
       AND (%(kinds)s::text[] IS NULL OR s.kind = ANY(%(kinds)s))
       AND (%(organisations)s::text[] IS NULL OR s.to_act && %(organisations)s OR s.involved && %(organisations)s)
       -- Not if the gap had been so before, in another state.
       AND NOT EXISTS (SELECT FROM read.gap_state e WHERE e.case_id = s.case_id AND e.gap_id = s.gap_id
                          AND {_EARLIER_AT} < f.at AND {_EARLIER_SHOWN})
  ) o ON true
 ORDER BY s.due, s.gap_id
"""  # noqa: S608 - constants


def page(after: OpeningPlace, until: datetime, choice: OpeningChoice, limit: int) -> Query:
    """Return the query for the places beyond one and due before a moment, and what opened at each.

    At most some ``limit`` places, so that a choice of few among many takes several short queries. ``until`` must lie
    ``SETTLING`` before a moment by which everything recorded is projected.
    """
    return PAGE, {
        "after_due": after.due,
        "after_gap": after.gap,
        "until": until,
        "organisations": None if choice.organisations is None else list(choice.organisations),
        "kinds": None if choice.kinds is None else [kind.value for kind in choice.kinds],
        "limit": limit,
    }


def place(columns: tuple[Any, ...]) -> OpeningPlace:
    """Return the place of a row that ``page`` found."""
    return OpeningPlace(columns[0], columns[1])


def opening(columns: tuple[Any, ...]) -> Opening | None:
    """Return what opened at the place of a row that ``page`` found; none where nothing did that was asked for."""
    if columns[2] is None:
        return None
    return Opening(place(columns), columns[2], columns[3], gap_row(columns[4:]))
