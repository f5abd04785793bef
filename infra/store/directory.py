"""What lies outside a stream, as a decider may ask for it: which ids the registry knows.

Answers are what is committed at the moment of asking. What exists never ceases to, so a yes is kept at hand; a no is
asked again.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import psycopg

from ...domain.case.decide import Directory
from ...domain.case.facts import GapMark
from ...domain.event import Event
from ...domain.ids import organisation_stream_of
from .codec import CASE, ORGANISATION

KNOWN_MAX: Final = 100_000
"""How many ids are kept at hand: all organisations of a country, and the obstacles of a day."""

STREAMS: Final = "SELECT FROM knelpunt.stream_head WHERE stream_id = %s AND kind = %s"
OBSTACLES: Final = "SELECT FROM knelpunt.known_obstacle WHERE obstacle_id = %s"

Gaps = Callable[[Sequence[Event], GapMark, datetime], bool]
"""Whether the gap that a mark names exists in a history at a moment: a derivation, so it is handed in."""


class StoredDirectory:
    """The directory of a database. It is asked through one connection at a time, which reads for somebody."""

    def __init__(self, gaps: Gaps) -> None:
        self._gaps = gaps
        self._known: set[tuple[str, UUID]] = set()
        self._connection: psycopg.Connection | None = None

    def through(self, connection: psycopg.Connection) -> Directory:
        """Return this directory, asked through ``connection`` until it is given another."""
        self._connection = connection
        return self

    def organisation(self, organisation: str) -> bool:
        """Return whether the organisation is registered."""
        stream = organisation_stream_of(organisation)
        return self._exists(ORGANISATION, stream, STREAMS, (stream, ORGANISATION))

    def case(self, case: UUID) -> bool:
        """Return whether the case has been opened."""
        return self._exists(CASE, case, STREAMS, (case, CASE))

    def obstacle(self, obstacle: UUID) -> bool:
        """Return whether the obstacle has been reported, in whatever case."""
        return self._exists("obstacle", obstacle, OBSTACLES, (obstacle,))

    def gap(self, history: Sequence[Event], mark: GapMark, moment: datetime) -> bool:
        """Return whether the gap that a mark names exists in this history at a moment."""
        return self._gaps(history, mark, moment)

    def _exists(self, kind: str, wanted: UUID, query: str, values: Sequence[object]) -> bool:
        if (kind, wanted) in self._known:
            return True
        assert self._connection is not None, "a directory is asked through a connection"
        found = self._connection.execute(query.encode(), values, prepare=True).fetchone() is not None
        if found:
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            self._known.add((kind, wanted))
        return found
