"""Brings what lies over the cases of one subject up to date, in the transaction that projects the cases themselves.

An event of a case, or of an organisation in it, may change what lies over all cases of a subject. Their rows are made
by folding all those streams together. They are brought on after the cases' own rows: in the same transaction where one
projector has all of them, and else as far as all have brought those. A subject belongs to one share, so no two
projectors ever work on one. Most have one case with one obstacle, over which nothing can lie; they cost one look-up.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType
from typing import Final
from uuid import UUID

import psycopg
from msgspec import Struct

from ...domain.case.facts import CaseFact
from ...domain.event import Event
from ...domain.ids import CaseId, SubjectId, organisation_stream_of
from ...domain.organisation.facts import OrganisationFact
from ...domain.settings import UNCHANGED, Course
from ...projections.derivation.subjects import (
    SubjectTimelines,
    organisations_above,
    organisations_named,
)
from ..store import reading
from .shares import Shares, in_shares
from .writing import Sheets

SUBJECTS_KEPT: Final = 100
"""Subjects whose timelines are kept at hand; some megabytes, as each has the events of several obstacles.

Few cases in a hundred bear on a subject with something to follow, so this goes back further than the cases that are
kept, and it is full within minutes: memory that still grows after that is lost somewhere.
"""

HISTORY_KEPT_MAX: Final = 1_000
"""Longer histories are not kept at hand: they would take the memory of many short ones."""

SUBJECTS_LOADED: Final = 200
"""Subjects whose histories are read at a time: some thousands of events each time."""

TOUCHED: Final = f"""
WITH named AS (SELECT DISTINCT subject_id FROM case_subject WHERE case_id = ANY(%(cases)s))
SELECT subject_id FROM (
    SELECT subject_id FROM named
     UNION SELECT other.subject_id
      FROM named JOIN case_subject own USING (subject_id) JOIN case_subject other ON other.case_id = own.case_id
     UNION SELECT subject_id FROM subject_organisation WHERE organisation = ANY(%(organisations)s)) touched
 WHERE {in_shares("subject_id")}
"""  # noqa: S608 - constants
"""Whose cases these are or ever were, who shares a case with those, and whose cases these organisations have to do
with: of all those, who belongs to some shares."""

BEARING: Final = f"""
SELECT {reading.COLUMNS} FROM knelpunt.event e
 WHERE position > %(after)s AND position <= %(upto)s
   AND (case_id = '00000000-0000-0000-0000-000000000000' OR EXISTS (
        SELECT FROM case_subject near
          JOIN case_subject other ON other.subject_id = near.subject_id
          JOIN case_subject own ON own.case_id = other.case_id
         WHERE near.case_id = e.stream_id AND {in_shares("own.subject_id")}))
 ORDER BY position
"""  # noqa: S608 - constants
"""The events that may touch subjects of some shares: of their cases, of those of who shares one, and of no case."""

# Three holders take three obstacles, and a circle over several cases two in two. What was known once counts as well:
# rows are never deleted, so who has something to follow always will have. With their own cases come those of everybody
# who shares one: they say whether somebody else has exactly the same.
FOLLOWED: Final = """
SELECT f.subject_id, ARRAY(
    SELECT DISTINCT near.case_id
      FROM case_subject own
      JOIN case_subject other ON other.case_id = own.case_id
      JOIN case_subject near ON near.subject_id = other.subject_id
     WHERE own.subject_id = f.subject_id)
  FROM (SELECT c.subject_id
          FROM case_subject c
          LEFT JOIN LATERAL (SELECT s.obstacle_id FROM chain_state s WHERE s.case_id = c.case_id) o ON true
         WHERE c.subject_id = ANY(%s)
         GROUP BY c.subject_id
        HAVING count(DISTINCT o.obstacle_id) >= 3
            OR (count(DISTINCT o.obstacle_id) = 2 AND count(DISTINCT c.case_id) > 1)) f
"""
"""Over whose cases something may lie, of some subjects, and which cases it takes to tell."""

LIST_FOLLOWED: Final = """
CREATE UNLOGGED TABLE followed AS
SELECT own.subject_id, array_agg(DISTINCT near.case_id) AS cases
  FROM (SELECT c.subject_id
          FROM case_subject c
          LEFT JOIN (SELECT DISTINCT case_id, obstacle_id FROM chain_state) o ON o.case_id = c.case_id
         GROUP BY c.subject_id
        HAVING count(DISTINCT o.obstacle_id) >= 3
            OR (count(DISTINCT o.obstacle_id) = 2 AND count(DISTINCT c.case_id) > 1)) f
  JOIN case_subject own ON own.subject_id = f.subject_id
  JOIN case_subject other ON other.case_id = own.case_id
  JOIN case_subject near ON near.subject_id = other.subject_id
 GROUP BY own.subject_id
"""
"""Notes the same of all subjects, by reading through tables that have no indexes yet."""

LISTED: Final = (
    "SELECT subject_id, cases FROM followed WHERE uuid_hash_extended(subject_id, 0) & 1023 >= %(from)s "
    "AND uuid_hash_extended(subject_id, 0) & 1023 < %(to)s"
)
"""Those of a range of shares."""

NOTE: Final = (
    "INSERT INTO subject_organisation (subject_id, organisation) SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING"
)
FILL: Final = "INSERT INTO subject_organisation (subject_id, organisation) SELECT %s, unnest(%s::text[])"


class Followed(Struct):
    """A subject, all on whose events their rows hang, and those events up to a position, in order."""

    subject: SubjectId
    cases: frozenset[CaseId]
    organisations: frozenset[str]
    recorded: Sequence[Event]


class _Kept(Struct):
    """A subject at hand: all on whose events their rows hang, and their timelines."""

    cases: frozenset[CaseId]
    organisations: frozenset[str]
    timelines: SubjectTimelines


class Organisations:
    """The streams of organisations, each read once and kept at hand: they are few and short."""

    __slots__ = ("_known", "upto")

    def __init__(self, upto: int) -> None:
        """Know none; they will be read up to and with a position."""
        self.upto = upto
        self._known: dict[str, list[Event]] = {}

    def go_on(self, events: Iterable[Event], upto: int) -> None:
        """Take in what was recorded since, up to a position."""
        for event in events:
            assert isinstance(event.data, OrganisationFact)
            known = self._known.get(event.data.organisation)
            if known is not None:
                known.append(event)
        self.upto = upto

    def load(self, connection: psycopg.Connection, names: Collection[str]) -> None:
        """Have these at hand, and whatever they ever stood under."""
        missing = set(names) - self._known.keys()
        while missing:
            streams = {organisation_stream_of(name): name for name in missing}
            for name in missing:
                self._known[name] = []
            for event in _read(connection, list(streams), self.upto):
                self._known[streams[event.stream]].append(event)
            missing = organisations_above(e for name in missing for e in self._known[name]) - self._known.keys()

    def above(self, names: Collection[str], news: Mapping[str, Sequence[Event]]) -> frozenset[str]:
        """Return these and whatever they ever stood under, also by events that were not read yet."""
        found: set[str] = set()
        todo = set(names)
        while todo:
            found |= todo
            events = (e for name in todo for e in (*self._known.get(name, ()), *news.get(name, ())))
            todo = organisations_above(events) - found
        return frozenset(found)

    def reach(
        self, connection: psycopg.Connection, names: Collection[str], news: Mapping[str, Sequence[Event]]
    ) -> frozenset[str]:
        """Return what ``above`` does, with all of it at hand."""
        while missing := self.above(names, news) - self._known.keys():
            self.load(connection, missing)
        return self.above(names, news)

    def events(self, names: Iterable[str]) -> Iterator[Event]:
        """Yield the events of some of those at hand."""
        for name in names:
            yield from self._known[name]


class Subjects:
    """What lies over the cases of subjects, in one read model."""

    __slots__ = ("_kept", "_organisations", "_settings")

    def __init__(self) -> None:
        """Start with nothing at hand."""
        self._settings = UNCHANGED
        self._kept: OrderedDict[SubjectId, _Kept] = OrderedDict()
        self._organisations = Organisations(-1)

    def forget(self, settings: Course = UNCHANGED) -> None:
        """Forget what is at hand, which may be of other rows than those stored; go by ``settings`` from now on."""
        self._settings = settings
        self._kept.clear()
        self._organisations = Organisations(-1)

    def bring(
        self,
        connection: psycopg.Connection,
        shares: Shares,
        streams: Mapping[UUID, Sequence[Event]],
        before: int,
        upto: int,
    ) -> None:
        """Bring the rows of some shares on by the events of a batch, those up to ``before`` having been taken in.

        ``streams`` has them by stream: all there are, or all that bear on these shares. The rows of the cases
        themselves must have been written at least up to there, whosever shares they belong to.
        """
        if self._organisations.upto != before:
            self._organisations = Organisations(before)
        cases: list[UUID] = []
        news: dict[str, Sequence[Event]] = {}
        for stream, events in streams.items():
            fact = events[0].data
            if isinstance(fact, OrganisationFact):
                news[fact.organisation] = events
            elif isinstance(fact, CaseFact):
                cases.append(stream)
        values = {"cases": cases, "organisations": list(news), **shares.values()}
        touched = connection.execute(TOUCHED, values).fetchall()
        for start in range(0, len(touched), SUBJECTS_LOADED):
            some = [subject for (subject,) in touched[start : start + SUBJECTS_LOADED]]
            self._bring(connection, some, streams, news, before)
        self._organisations.go_on((event for events in news.values() for event in events), upto)

    def _bring(
        self,
        connection: psycopg.Connection,
        subjects: Sequence[SubjectId],
        streams: Mapping[UUID, Sequence[Event]],
        news: Mapping[str, Sequence[Event]],
        before: int,
    ) -> None:
        """Bring on the rows of some subjects."""
        found = followed(connection, subjects)
        changed = {
            subject: cases for subject, cases in found.items() if not self._follows(subject, cases, streams, news)
        }
        for one in follow(connection, changed, self._organisations, before, streams, news):
            timelines = SubjectTimelines(one.subject, one.recorded, self._settings)
            self._kept[one.subject] = _Kept(one.cases, one.organisations, timelines)
            connection.execute(NOTE, (one.subject, sorted(one.organisations)))
        sheets = Sheets()
        for subject in found:
            kept = self._kept[subject]
            self._kept.move_to_end(subject)
            own = [*kept.cases, *map(organisation_stream_of, kept.organisations)]
            for event in in_order(event for stream in own for event in streams.get(stream, ())):
                kept.timelines.record(event)
            sheets.add(subject, *kept.timelines.take())
            if len(kept.timelines) > HISTORY_KEPT_MAX:
                del self._kept[subject]
        sheets.write(connection)
        while len(self._kept) > SUBJECTS_KEPT:
            self._kept.popitem(last=False)

    def _follows(
        self,
        subject: SubjectId,
        cases: frozenset[CaseId],
        streams: Mapping[UUID, Sequence[Event]],
        news: Mapping[str, Sequence[Event]],
    ) -> bool:
        """Return whether a subject is at hand with all on whose events their rows hang, those of the batch included."""
        kept = self._kept.get(subject)
        if kept is None or kept.cases != cases:
            return False
        named = organisations_named(event for case in cases for event in streams.get(case, ()))
        return self._organisations.above(named | kept.organisations, news) == kept.organisations


def bearing(connection: psycopg.Connection, shares: Shares, before: int, upto: int) -> dict[UUID, list[Event]]:
    """Return the events up to a position that may bear on subjects of some shares, by stream."""
    values = {"after": before, "upto": upto, **shares.values()}
    streams: dict[UUID, list[Event]] = {}
    rows = reading.fetched(connection, BEARING, values, many=upto - before > reading.AT_A_TIME)
    for event in reading.readable(rows)[0]:
        streams.setdefault(event.stream, []).append(event)
    return streams


def followed(connection: psycopg.Connection, subjects: Sequence[SubjectId]) -> dict[SubjectId, frozenset[CaseId]]:
    """Return over whose cases something may lie, of some subjects, and which cases it takes to tell."""
    rows = connection.execute(FOLLOWED, (list(subjects),)).fetchall()
    return {subject: frozenset[CaseId](cases) for subject, cases in rows}


def follow(
    connection: psycopg.Connection,
    cases: Mapping[SubjectId, frozenset[CaseId]],
    organisations: Organisations,
    upto: int,
    streams: Mapping[UUID, Sequence[Event]] = MappingProxyType({}),
    news: Mapping[str, Sequence[Event]] = MappingProxyType({}),
) -> Iterator[Followed]:
    """Yield subjects, given with their cases, with what is recorded up to a position.

    ``streams`` and ``news`` hold what comes after it, by stream and by organisation: on what else their rows hang then.
    """
    if not cases:
        return
    histories: dict[CaseId, list[Event]] = {}
    for event in _read(connection, sorted({case for own in cases.values() for case in own}), upto):
        histories.setdefault(event.stream, []).append(event)
    for subject, own in cases.items():
        named = organisations_named(
            event for case in own for event in (*histories.get(case, ()), *streams.get(case, ()))
        )
        above = organisations.reach(connection, named, news)
        recorded = [event for case in own for event in histories.get(case, ())]
        yield Followed(subject, own, above, in_order((*recorded, *organisations.events(above))))


def in_order(events: Iterable[Event]) -> list[Event]:
    """Return events of several streams in the order in which they were recorded."""
    return sorted(events, key=attrgetter("position"))


def _read(connection: psycopg.Connection, streams: Sequence[UUID], upto: int) -> list[Event]:
    """Return the events of streams up to a position; those that cannot be read are in quarantine already."""
    if upto < 0 or not streams:
        return []
    return reading.read_upto(connection, streams, upto)
