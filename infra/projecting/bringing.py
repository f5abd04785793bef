"""Brings one part of the read model's rows on, with what is kept at hand for that.

Where a part is all there is, streams and subjects are brought on together. Where others have the rest, its subjects
follow as far as everybody's streams have come, and everybody meets at the few events that bear on all rows: a changed
term or grace, an erasure.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

import psycopg
from msgspec.structs import replace

from ...domain.case.facts import EventStruck, FactCorrected
from ...domain.erasure import SubjectErased
from ...domain.event import Event
from ...domain.learning.facts import LearningFact
from ...domain.organisation.facts import OrganisationFact
from ...domain.registry.facts import GraceChanged, RegistryFact, SettingFact, TermChanged
from ...domain.settings import Course
from ...projections.derivation.learning_kinds import learning_timelines
from ...projections.derivation.organisations import organisation_timelines
from ...projections.derivation.timelines import Timelines, case_timelines
from ..observing import tracing
from ..store import reading
from ..store.codec import Row, UnreadableEvent, decode
from . import viewers
from .forgetting import erased_subjects, forget_erased, forget_in
from .rederiving import rederive, settings_upto
from .shares import Part, Shares, Standing, in_shares
from .subjects import Subjects, bearing
from .writing import Sheets, quarantine

TIMELINES_KEPT: Final = 2_000
"""Cases whose timelines are kept at hand, so that a case's next event need not fold its history; some 50 MB."""

HISTORY_KEPT_MAX: Final = 300
"""Longer histories are not kept at hand: they would take the memory of many short ones."""

BRINGS_BACK: Final = (FactCorrected, EventStruck)
"""Facts that may have rows written anew of what an earlier event said, and so of who was erased since."""

FOR_ALL: Final = (TermChanged.topic, GraceChanged.topic, SubjectErased.topic)
"""Events that bear on the rows of all shares."""

OWN: Final = f"""
SELECT {reading.COLUMNS} FROM knelpunt.event
 WHERE position > %(after)s AND position <= %(upto)s AND ({in_shares("stream_id")} OR topic = ANY(%(for_all)s))
 ORDER BY position
"""  # noqa: S608 - constants


class Bringing:
    """Brings a part on, in the read model first on the search path."""

    def __init__(self, shares: Shares) -> None:
        """Begin with nothing at hand."""
        self._shares = shares
        self._kept: OrderedDict[UUID, Timelines] = OrderedDict()
        self._subjects = Subjects()
        self._settings = Course()
        self._reached: tuple[int, int] | None = None
        """To where what is kept at hand has been brought, and the settings."""
        self.taken = 0
        """How many events were taken in last."""

    def bring(self, connection: psycopg.Connection, part: Part, standing: Standing, most: int, upto: int) -> Part:
        """Bring the part on by at most so many positions, in the transaction that is open; return where it is then.

        Its streams do not go beyond ``upto``. Its row is for the caller to move.
        """
        self.taken = 0
        if self._reached != (part.streams, part.subjects):
            # Another projector has been at work, or a rebuild: what is kept at hand is not of these rows.
            self._kept.clear()
            self._settings = settings_upto(connection, part.streams)
            self._subjects.forget(self._settings)
        alone = self._shares.are_all
        together = alone and part.streams == part.subjects
        moved = part
        # Who has all brings the subjects up to the streams first, and then both on together.
        if together or not alone:
            moved = self._bring_streams(connection, part, min(upto, part.streams + most), together)
        if not together:
            moved = self._bring_subjects(connection, moved, standing.moved(moved).streams, most)
        self._reached = moved.streams, moved.subjects
        return moved

    def _bring_streams(self, connection: psycopg.Connection, part: Part, upto: int, together: bool) -> Part:  # noqa: FBT001
        """Bring on cases and other streams up to a position at most, and together with them the subjects or not."""
        if upto <= part.streams:
            return part
        rows = self._read(connection, part.streams, upto)
        with tracing.span("batch", events=len(rows), position=upto):
            return self._take_in(connection, part, rows, upto, together)

    def _take_in(
        self,
        connection: psycopg.Connection,
        part: Part,
        rows: list[Row],
        upto: int,
        together: bool,  # noqa: FBT001  see above
    ) -> Part:
        """Take in the events up to a position, or those before the first that bears on all rows."""
        streams: dict[UUID, list[Event]] = {}
        unreadable: list[UnreadableEvent] = []
        erased = False
        for number, each in enumerate(rows):
            try:
                event = decode(each)
            except UnreadableEvent as error:
                unreadable.append(error)
                continue
            erasure = isinstance(event.data, SubjectErased)
            if isinstance(event.data, SettingFact) or (erasure and not together):
                if event.position == part.streams + 1:
                    return self._pass(connection, part, event)
                rows, upto = rows[:number], event.position - 1
                break
            erased = erased or erasure
            if not erasure and not isinstance(event.data, RegistryFact):
                streams.setdefault(event.stream, []).append(event)
        self._write(connection, streams, part.streams, upto)
        if unreadable:
            quarantine(connection, unreadable)
        brings_back = any(isinstance(one.data, BRINGS_BACK) for of_stream in streams.values() for one in of_stream)
        self.taken = len(rows)
        if not together:
            if brings_back and (gone := erased_subjects(connection, upto)):
                forget_in(connection, self._shares, gone)
            return replace(part, streams=upto)
        if brings_back or erased:
            forget_erased(connection)
        self._subjects.bring(connection, self._shares, streams, part.subjects, upto)
        return part.at(upto)

    def _bring_subjects(self, connection: psycopg.Connection, part: Part, reached: int, most: int) -> Part:
        """Bring on what lies over the cases of subjects, as far as all streams have come."""
        upto = min(reached, part.subjects + most)
        if upto <= part.subjects:
            return part
        streams = bearing(connection, self._shares, part.subjects, upto)
        self._subjects.bring(connection, self._shares, streams, part.subjects, upto)
        return replace(part, subjects=upto)

    def _pass(self, connection: psycopg.Connection, part: Part, event: Event) -> Part:
        """Take in the next event, which bears on all rows; not before the subjects have come to it."""
        if part.subjects != part.streams:
            return part
        if isinstance(event.data, SubjectErased):
            forget_in(connection, self._shares, [event.data.subject])
            moved = part.at(event.position)
        else:
            moved = rederive(connection, part, self._shares, event, self._settings)
            if moved.streams == event.position:
                self._kept.clear()
                self._settings.change(event)
                self._subjects.forget(self._settings)
        return moved

    def _read(self, connection: psycopg.Connection, after: int, upto: int) -> list[Row]:
        """Return the events between two positions that are for these shares."""
        many = upto - after > reading.AT_A_TIME
        if self._shares.are_all:
            return reading.fetched(connection, reading.BETWEEN, (after, upto), many=many)
        values = {"after": after, "upto": upto, "for_all": list(FOR_ALL), **self._shares.values()}
        return reading.fetched(connection, OWN, values, many=many)

    def _write(self, connection: psycopg.Connection, streams: dict[UUID, list[Event]], before: int, upto: int) -> None:
        """Write what becomes of the rows of streams by their next events."""
        sheets = Sheets()
        self._load(connection, streams, before)
        for stream, events in streams.items():
            timelines = self._kept[stream]
            for event in events:
                timelines.record(event)
            sheets.add(stream, *timelines.take())
        sheets.write(connection)
        viewers.bring(connection, streams, upto)
        self._trim(streams)

    def _load(self, connection: psycopg.Connection, streams: dict[UUID, list[Event]], upto: int) -> None:
        """See that the timelines of these streams are at hand, brought to ``upto``."""
        missing: list[UUID] = []
        for stream, events in streams.items():
            if stream in self._kept:
                self._kept.move_to_end(stream)
            elif events[0].version == 1:
                self._kept[stream] = timelines_of(stream, (), events[0], self._settings)
            else:
                missing.append(stream)
        if not missing:
            return
        earlier = reading.histories(connection, missing, upto)
        for stream in missing:
            self._kept[stream] = timelines_of(stream, earlier.get(stream, ()), streams[stream][0], self._settings)

    def _trim(self, grown: Iterable[UUID]) -> None:
        """Let go of the cases longest not touched, and of those among the grown ones that are long now."""
        for stream in grown:
            if len(self._kept[stream]) > HISTORY_KEPT_MAX:
                del self._kept[stream]
        while len(self._kept) > TIMELINES_KEPT:
            self._kept.popitem(last=False)


def timelines_of(stream: UUID, recorded: Sequence[Event], event: Event, settings: Course) -> Timelines:
    """Return the timelines of the kind of stream that ``event`` stands in."""
    fact = event.data
    if isinstance(fact, OrganisationFact):
        return organisation_timelines(recorded)
    if isinstance(fact, LearningFact):
        return learning_timelines(fact.stream_kind, recorded, stream, settings)
    return case_timelines(stream, recorded, settings)
