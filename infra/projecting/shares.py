"""How the work of projecting is shared out: streams and subjects by the hash of their ids, and how far each part is.

Each row of the read model belongs to one share: that of the stream it was derived from, or of the subject over whose
cases it lies. A part is some shares at one position; whoever has claimed them brings them on (decisions/0049).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, LiteralString

import psycopg
from msgspec import Struct
from msgspec.structs import replace

STANDING: Final = (
    "SELECT part, shares, streams, over_cases, rederiving, (SELECT next_position - 1 FROM knelpunt.log_head) FROM part"
)
MOVE: Final = """
UPDATE part SET streams = %(streams)s, over_cases = %(subjects)s, rederiving = %(rederiving)s
 WHERE part = %(part)s AND streams = %(streams_before)s AND over_cases = %(subjects_before)s
"""
# What was together with the touched ones is parted anew as well: a row never outlives who brought it on.
ARRANGE: Final = """
WITH gone AS (DELETE FROM part WHERE shares && %(touched)s::integer[] RETURNING shares, streams, over_cases, rederiving)
INSERT INTO part (shares, streams, over_cases, rederiving)
SELECT array_agg(s.share ORDER BY s.share), g.streams, g.over_cases, g.rederiving
  FROM gone g CROSS JOIN LATERAL unnest(g.shares) AS s (share)
 GROUP BY s.share = ANY(%(together)s::integer[]), g.streams, g.over_cases, g.rederiving
"""


class ClaimLost(Exception):  # noqa: N818  named for what it is
    """Another projector has gone on with what this one believed to be its own."""


class Shares(Struct, frozen=True):
    """Some of all shares, of which there is a power of two."""

    own: frozenset[int]
    number: int

    def values(self) -> dict[str, Any]:
        """Return the values that ``in_shares`` names."""
        return {"mask": self.number - 1, "shares": sorted(self.own)}

    @property
    def are_all(self) -> bool:
        """Whether there are no others."""
        return len(self.own) == self.number


def in_shares(column: LiteralString) -> LiteralString:
    """Return the condition that the id in a column belongs to one of some shares."""
    return f"uuid_hash_extended({column}, 0) & %(mask)s::bigint = ANY(%(shares)s::bigint[])"


class Part(Struct, frozen=True):
    """Some shares, and up to where their streams and their subjects are projected."""

    part: int
    shares: frozenset[int]
    streams: int
    subjects: int
    rederiving: int | None

    def at(self, position: int) -> "Part":
        """Return it with all brought to one position."""
        return replace(self, streams=position, subjects=position, rederiving=None)


class Standing(Struct, frozen=True):
    """Where all parts are, and where the log ends."""

    parts: Sequence[Part]
    head: int

    @property
    def shares(self) -> frozenset[int]:
        """All shares there are."""
        return frozenset(share for part in self.parts for share in part.shares)

    @property
    def position(self) -> int:
        """The last event that all rows take in."""
        return min(part.subjects for part in self.parts)

    @property
    def streams(self) -> int:
        """The last event that the rows of all cases and other streams take in."""
        return min(part.streams for part in self.parts)

    def moved(self, moved: Part) -> "Standing":
        """Return it with one of the parts somewhere else."""
        return replace(self, parts=[moved if part.part == moved.part else part for part in self.parts])

    def fits(self, held: frozenset[int]) -> bool:
        """Return whether who holds these shares finds them in parts of their own, no two of which stand together."""
        own = [part for part in self.parts if part.shares & held]
        places = {(part.streams, part.subjects, part.rederiving) for part in own}
        return all(part.shares <= held for part in own) and len(places) == len(own)


def standing(connection: psycopg.Connection) -> Standing:
    """Return where all is, in the read model first on the search path."""
    rows = connection.execute(STANDING).fetchall()
    parts = [Part(part, frozenset(shares), *places) for part, shares, *places, _ in rows]
    return Standing(parts, rows[0][-1])


def arrange(connection: psycopg.Connection, touched: Collection[int], together: Collection[int]) -> None:
    """Part shares anew: of those ``touched`` and what stands with them, those ``together`` where they are at one place.

    Nobody else may be arranging shares meanwhile, nor bring on any of the touched.
    """
    connection.execute(ARRANGE, {"touched": sorted(touched), "together": sorted(together)})


def move(connection: psycopg.Connection, before: Part, after: Part) -> None:
    """Note where a part has been brought; raises ``ClaimLost`` if it is not where it was."""
    values: Mapping[str, object] = {
        "part": before.part,
        "streams_before": before.streams,
        "subjects_before": before.subjects,
        "streams": after.streams,
        "subjects": after.subjects,
        "rederiving": after.rederiving,
    }
    if connection.execute(MOVE, values).rowcount != 1:
        message = f"part {before.part} is not at {before.streams} any more"
        raise ClaimLost(message)
