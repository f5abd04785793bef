"""What of the registry somebody may take along, chunk by chunk: read as them, so that row security decides.

An export holds the log up to one position. Each chunk is a few short statements, so that an export of any size keeps
nothing of the database waiting, and takes memory for one chunk.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from time import monotonic, sleep
from typing import Final
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct
from psycopg_pool import ConnectionPool

from ...domain.case import facts as f
from ...domain.case.named import obstacle_elsewhere, subjects_told_of
from ...domain.event import Event
from ...domain.ids import SubjectId, organisation_stream_of
from ...domain.registry.facts import STREAM as REGISTRY_STREAM
from ...domain.settings import Course
from ..cloud_events import SEEN as OBSTACLES_SEEN
from ..store.arrays import uuid_array
from ..store.codec import Row
from ..store.connection import REGISTRY, Principal, acting_for
from ..store.reading import COLUMNS, events_of, readable, rows_of, to_rows
from ..vault.texts import sealed_texts
from .persons import Opening, Openings, Persons, opening_of
from .story import Story, story_of

CHUNK_EVENTS: Final = 5_000
"""About as many events are read, and written to disk, at a time: a tenth of a second's work, and some 20 MB."""

PAGE_CASES: Final = 2_000
"""Cases that are found at a time, before any of them is read."""

WINDOW: Final = 10_000
"""Positions that are looked through in one statement: also where all but a few are hidden from the reader, it ends
well within a statement's time."""

BEFORE_ALL: Final = UUID(int=0)

REACH_SECONDS_MAX: Final = 5.0
"""How long to wait for the projections, which say who sees what, to take in what was recorded before."""

LOOK_SECONDS: Final = 0.05

PROJECTED: Final = "SELECT p.position, h.next_position - 1 FROM read.projected p CROSS JOIN knelpunt.log_head h"
# Who sees all goes through the directory; others through the cases that they have to do with, which may be very few.
CASES: Final = """
SELECT case_id FROM (
    (SELECT h.stream_id FROM knelpunt.stream_head h
      WHERE (SELECT knelpunt.sees_all()) AND h.kind = 'case' AND h.stream_id > %(after)s
      ORDER BY h.stream_id LIMIT %(most)s)
    UNION
    (SELECT DISTINCT v.case_id FROM read.case_viewer v
      WHERE NOT (SELECT knelpunt.sees_all()) AND v.case_id > %(after)s
      ORDER BY v.case_id LIMIT %(most)s)
) AS found (case_id) ORDER BY case_id LIMIT %(most)s
"""
SIZES: Final = "SELECT stream_id, version FROM knelpunt.stream_head WHERE stream_id = ANY(%s) AND kind = 'case'"
# Also those whose report was struck are left out: there is no such obstacle any more.
SEEN: Final = """
SELECT DISTINCT obstacle_id, case_id FROM read.chain_state WHERE obstacle_id = ANY(%s) AND known_until = 'infinity'
"""
WHOSE: Final = "SELECT DISTINCT case_id FROM read.case_subject WHERE subject_id = ANY(%s)"
"""What is or once was a case of theirs, as far as the reader sees it."""

BETWEEN: Final = f"SELECT {COLUMNS} FROM knelpunt.event WHERE position > %s AND position <= %s ORDER BY position"  # noqa: S608


class Chunk(Struct, frozen=True):
    """Some cases, up to and with ``last``; ``events`` are as they were recorded, ``unreadable`` is a number of them."""

    last: UUID
    stories: tuple[Story, ...]
    subjects: frozenset[SubjectId]
    unreadable: int


class RowChunk(Struct, frozen=True):
    """Some events in the order of the log, up to and with the position ``last``.

    ``seen`` are the obstacles that they name of those that the reader may see.
    """

    last: int
    rows: tuple[Row, ...]
    seen: frozenset[UUID]
    subjects: frozenset[SubjectId]


class Reader:
    """Reads for a principal up to a position."""

    def __init__(self, connections: ConnectionPool, principal: Principal, upto: int, now: datetime) -> None:
        """``now`` is the moment at which what is exported is so: nothing of later is told."""
        self._connections = connections
        self._principal = principal
        self._upto = upto
        self._now = now
        self._persons = Persons(self._cases_of, self._openings_of)

    @cached_property
    def settings(self) -> Course:
        """The terms of the registry in the course of time."""
        return Course.of(events_of(self._connections, REGISTRY, [REGISTRY_STREAM], self._upto))

    def chunks(self, after: UUID = BEFORE_ALL) -> Iterator[Chunk]:
        """Yield all cases beyond one, by their ids. Raises ``psycopg.Error``."""
        while cases := self._found(after):
            for some in self._cut(cases):
                yield self._chunk(some)
            after = cases[-1]

    def row_chunks(self, after: int) -> Iterator[RowChunk]:
        """Yield all events beyond a position in the order of the log, of whatever stream. Raises ``psycopg.Error``."""
        while after < self._upto:
            last = min(after + WINDOW, self._upto)
            with acting_for(self._connections, self._principal) as connection:
                rows = to_rows(connection.cursor(binary=True).execute(BETWEEN, (after, last)))
                events = readable(rows)[0]
                named = _elsewhere(events)
                seen = connection.execute(OBSTACLES_SEEN, (uuid_array(named),)).fetchall() if named else ()
            yield RowChunk(last, tuple(rows), frozenset(row[0] for row in seen), frozenset(_subjects(events)))
            after = last

    def organisation(self, organisation: str) -> Sequence[Event]:
        """Return what was recorded of an organisation."""
        rows = rows_of(self._connections, self._principal, [organisation_stream_of(organisation)], self._upto)
        return readable(rows)[0]

    def _found(self, after: UUID) -> list[UUID]:
        with acting_for(self._connections, self._principal) as connection:
            rows = connection.execute(CASES, {"after": after, "most": PAGE_CASES}).fetchall()
        return [row[0] for row in rows]

    def _cut(self, cases: Sequence[UUID]) -> Iterator[list[UUID]]:
        """Yield cases in groups that together have some ``CHUNK_EVENTS`` events."""
        with acting_for(self._connections, self._principal) as connection:
            sizes = dict(connection.execute(SIZES, (uuid_array(cases),)).fetchall())
        some: list[UUID] = []
        events = 0
        for case in cases:
            some.append(case)
            events += sizes.get(case, 1)
            if events >= CHUNK_EVENTS:
                yield some
                some, events = [], 0
        if some:
            yield some

    def _chunk(self, cases: Sequence[UUID]) -> Chunk:
        rows = rows_of(self._connections, self._principal, cases, self._upto)
        events, unreadable = readable(rows)
        lies_in = self._lies_in(events)
        histories = _by_stream(_shorn(event, lies_in) for event in events)
        whose = self._persons.names(_openings(histories, self._now))
        stories = [
            story_of(histories[case], self._now, self.settings, whose, lies_in) for case in cases if case in histories
        ]
        return Chunk(
            cases[-1],
            tuple(story for story in stories if story is not None),
            frozenset(_subjects(events)),
            len(unreadable),
        )

    def _lies_in(self, events: list[Event]) -> dict[UUID, UUID]:
        """Return in which case each obstacle lies that events name and that may be another's, of those seen."""
        named = _elsewhere(events)
        if not named:
            return {}
        with acting_for(self._connections, self._principal) as connection:
            return dict(connection.execute(SEEN, (uuid_array(named),)).fetchall())

    def _cases_of(self, subjects: Collection[SubjectId]) -> list[UUID]:
        with acting_for(self._connections, self._principal) as connection:
            return [row[0] for row in connection.execute(WHOSE, (uuid_array(subjects),)).fetchall()]

    def _openings_of(self, cases: Collection[UUID]) -> Openings:
        found: dict[UUID, Opening] = {}
        for some in self._cut(sorted(cases)):
            events, _ = readable(rows_of(self._connections, self._principal, some, self._upto))
            found |= _openings(_by_stream(events), self._now)
        return found


def _by_stream(events: Iterable[Event]) -> dict[UUID, list[Event]]:
    histories: dict[UUID, list[Event]] = {}
    for event in events:
        histories.setdefault(event.stream, []).append(event)
    return histories


def _openings(histories: Mapping[UUID, Sequence[Event]], now: datetime) -> dict[UUID, Opening]:
    found = {case: opening_of(history, now) for case, history in histories.items()}
    return {case: opening for case, opening in found.items() if opening is not None}


def reached(connections: ConnectionPool) -> tuple[int, int]:
    """Return up to which position to export, and how many events later ones are left out.

    That is as far as the projections have come, which say who sees what; they are given ``REACH_SECONDS_MAX`` to
    take in what was recorded before. Raises ``psycopg.Error``.
    """
    deadline = monotonic() + REACH_SECONDS_MAX
    position, head = projected(connections)
    wanted = head
    while position < wanted and monotonic() < deadline:
        sleep(LOOK_SECONDS)
        position, head = projected(connections)
    return position, max(0, wanted - position)


def projected(connections: ConnectionPool) -> tuple[int, int]:
    """Return up to which position the projections have come, and the last one of the log. Raises ``psycopg.Error``."""
    with acting_for(connections, REGISTRY) as connection:
        row = connection.execute(PROJECTED).fetchone()
    if row is None:
        raise psycopg.errors.UndefinedTable('relation "read.projected" is empty')
    return row[0], row[1]


def _shorn(event: Event, seen: Collection[UUID]) -> Event:
    other = obstacle_elsewhere(event.data)
    if other is None or other[1] in seen:
        return event
    return msgspec.structs.replace(event, data=msgspec.structs.replace(event.data, **{other[0]: None}))


def _elsewhere(events: Iterable[Event]) -> set[UUID]:
    """Return the obstacles that events name and that may be of other cases."""
    return {other[1] for event in events if (other := obstacle_elsewhere(event.data)) is not None}


def _subjects(events: Sequence[Event]) -> Iterator[SubjectId]:
    """Yield whom events are about, as far as they say so: by naming them, or by a text of theirs."""
    for event in events:
        yield from subjects_told_of(event.data)
        for _, text in sealed_texts(event.data):
            if isinstance(event.data, f.CaseFact):
                yield text.about
