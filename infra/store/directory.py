"""What lies outside a stream, as a decider may ask for it: which ids the registry knows.

Answers are what is committed at the moment of asking. What exists never ceases to, so a yes is kept at hand; a no holds
for the round in which it was given.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

import psycopg

from ...domain.case.facts import GapMark
from ...domain.event import Event
from ...domain.ids import organisation_stream_of
from ...domain.learning.kinds import RULES
from ...domain.registry.facts import STREAM as REGISTRY_STREAM
from ...domain.settings import Course
from ...domain.vocabulary import LearningKind
from . import reading
from .arrays import uuid_array
from .codec import CASE, ORGANISATION

KNOWN_MAX: Final = 10_000
"""How many ids of each kind are kept at hand, a megabyte or two: all organisations of most countries, and the
obstacles of a busy hour. Whatever else is asked for costs a query."""

STREAMS: Final = "SELECT FROM knelpunt.stream_head WHERE stream_id = %s AND kind = %s"
OBSTACLES: Final = "SELECT obstacle_id FROM knelpunt.known_obstacle WHERE obstacle_id = ANY(%s)"

Id = TypeVar("Id", str, UUID)

Gaps = Callable[[Sequence[Event], GapMark, datetime, Course], bool]
"""Whether the gap that a mark names exists in a history at a moment, under the terms and graces in force: a derivation,
so it is handed in."""


class StoredDirectory:
    """The directory of a database. It is asked through one connection at a time, which reads for somebody."""

    def __init__(self, gaps: Gaps) -> None:
        self._gaps = gaps
        self._organisations: set[str] = set()
        self._cases: set[UUID] = set()
        self._obstacles: set[UUID] = set()
        self._streams: dict[LearningKind, set[UUID]] = {kind: set() for kind in LearningKind}
        self._missing: set[UUID] = set()  # obstacles that were looked for in this round
        self._connection: psycopg.Connection | None = None

    def through(self, connection: psycopg.Connection) -> "StoredDirectory":
        """Return this directory, asked through ``connection`` until it is given another; a round begins."""
        self._connection = connection
        self._missing.clear()
        return self

    def look_up(self, obstacles: Iterable[UUID]) -> None:
        """Look for obstacles that will be asked for, all with one query."""
        asked = {obstacle for obstacle in obstacles if obstacle not in self._obstacles}
        if asked:
            found = {obstacle for (obstacle,) in self._found(OBSTACLES, (uuid_array(asked),))}
            _remember(self._obstacles, found)
            self._missing |= asked - found

    def organisation(self, organisation: str) -> bool:
        """Return whether the organisation is registered."""
        return organisation in self._organisations or self._learnt(
            self._organisations, organisation, organisation_stream_of(organisation), ORGANISATION
        )

    def organisation_history(self, organisation: str) -> Sequence[Event]:
        """Return the events of an organisation's own stream that can be read, in order of position."""
        return self.history(organisation_stream_of(organisation))

    def case(self, case: UUID) -> bool:
        """Return whether the case has been opened."""
        return case in self._cases or self._learnt(self._cases, case, case, CASE)

    def concluded(self, dialogue: UUID) -> bool | None:
        """Return whether the dialogue has been concluded; none if there is no such dialogue."""
        state = RULES[LearningKind.DIALOGUE].state_at(self.history(dialogue))
        return None if state is None else state.concluded is not None

    def obstacle(self, obstacle: UUID) -> bool:
        """Return whether the obstacle has been reported, in whatever case."""
        if obstacle not in self._obstacles and obstacle not in self._missing:
            self.look_up([obstacle])
        return obstacle in self._obstacles

    def stream(self, stream: UUID, kind: LearningKind) -> bool:
        """Return whether a learning stream of a kind has begun."""
        return stream in self._streams[kind] or self._learnt(self._streams[kind], stream, stream, kind.lower())

    def history(self, stream: UUID) -> Sequence[Event]:
        """Return the events of any stream that can be read, in order of position."""
        return reading.readable(reading.stream_rows(self._asked, [stream]))[0]

    def gap(self, history: Sequence[Event], mark: GapMark, moment: datetime) -> bool:
        """Return whether the gap that a mark names exists in this history at a moment."""
        return self._gaps(history, mark, moment, Course.of(self.history(REGISTRY_STREAM)))

    def _learnt(self, known: set[Id], name: Id, stream: UUID, kind: str) -> bool:
        """Return whether a stream of a kind exists, and keep at hand the name under which it was asked for if so."""
        exists = bool(self._found(STREAMS, (stream, kind)))
        if exists:
            _remember(known, {name})
        return exists

    @property
    def _asked(self) -> psycopg.Connection:
        assert self._connection is not None, "a directory is asked through a connection"
        return self._connection

    def _found(self, query: str, values: Sequence[object]) -> list[tuple[UUID, ...]]:
        return self._asked.cursor(binary=True).execute(query.encode(), values, prepare=True).fetchall()


def _remember(known: set[Id], found: set[Id]) -> None:
    """Keep ids at hand that were found."""
    if len(known) >= KNOWN_MAX:
        known.clear()
    known |= found
