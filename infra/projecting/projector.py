"""Brings the read model up to date: many events, one transaction with their position.

A batch is read, its cases' timelines are brought on and then those of their subjects, and rows and position are
committed together: a projector that dies anywhere leaves the read model as it was. An event that cannot be read is put
in quarantine and the others go on. One projector works at a time; others wait for its lock and take over when it goes.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Event as Signal
from time import monotonic
from typing import Final
from uuid import UUID

import psycopg

from ...domain.case.facts import EventStruck, FactCorrected
from ...domain.erasure import SubjectErased
from ...domain.event import Event
from ...domain.learning.facts import LearningFact
from ...domain.organisation.facts import OrganisationFact
from ...domain.registry.facts import RegistryFact, SettingFact
from ...domain.settings import Course
from ...projections.derivation.learning_kinds import learning_timelines
from ...projections.derivation.organisations import organisation_timelines
from ...projections.derivation.timelines import Timelines, case_timelines
from ..observing import tracing
from ..store import reading
from ..store.codec import Row, UnreadableEvent, decode
from ..store.connection import REGISTRY, SET_PRINCIPAL, DatabaseRole, connect, principal_text
from ..store.recorder import CHANNEL
from . import schema, viewers
from .forgetting import forget_erased
from .rederiving import rederive, settings_upto
from .subjects import Subjects
from .writing import Sheets, quarantine

BATCH_EVENTS: Final = 2_000
"""Events in a transaction at most: some 50 ms of work, which is what a reader may lag while much is written."""

TIMELINES_KEPT: Final = 2_000
"""Cases whose timelines are kept at hand, so that a case's next event need not fold its history; some 50 MB."""

HISTORY_KEPT_MAX: Final = 300
"""Longer histories are not kept at hand: they would take the memory of many short ones."""

POLL_SECONDS: Final = 1.0
"""How often to look without having been told: what a lost notification costs at most."""

RETRY_SECONDS: Final = 1.0
"""How long to wait before trying again when the database cannot be reached."""

LOCK: Final = 0x6B6E6C70_70726F6A
"""The advisory lock that one projector holds ("knlpproj")."""

BRINGS_BACK: Final = (FactCorrected, EventStruck)
"""Facts that may have rows written anew of what an earlier event said, and so of who was erased since."""

Told = Callable[[int, float], None]
"""Hears how many events a batch took in, and how many seconds that took."""

_log = logging.getLogger(__name__)


class Projector:
    """Projects the events of one registry into its read model, over one connection."""

    def __init__(self, url: str, target: str = schema.LIVE, told: Told | None = None) -> None:
        """Work on the registry at ``url``; the first call connects. Whoever is ``told`` hears of each batch."""
        self._url = url
        self._target = target
        self._told = told
        self._taken = 0
        self._connection: psycopg.Connection | None = None
        self._kept: OrderedDict[UUID, Timelines] = OrderedDict()
        self._subjects = Subjects()
        self._settings = Course()
        self._reached: int | None = None
        """The position to which what is kept at hand, and the settings, have been brought."""

    def close(self) -> None:
        """Close the connection; what was committed stays."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def catch_up(self) -> int:
        """Project all that is recorded; return the position reached, -1 where nothing is recorded."""
        connection = self._connected()
        while True:
            position, more = self._batch(connection)
            if not more:
                return position

    def run(self, stopping: Signal) -> None:
        """Project as events are recorded, until told to stop; outages are waited out."""
        while not stopping.is_set():
            try:
                connection = self._connected()
                connection.execute(f"LISTEN {CHANNEL}")
                while not stopping.is_set():
                    self.catch_up()
                    # Wakes at the first notification, or when it is time to look all the same.
                    for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                        pass
            except psycopg.OperationalError as error:
                _log.warning("The projector lost the database and tries again: %s", type(error).__name__)
                self._forget()
                stopping.wait(RETRY_SECONDS)

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._forget()
            self._connection = connect(self._url, DatabaseRole.PROJECTOR)
            schema.ensure(self._connection)
        return self._connection

    def _forget(self) -> None:
        """Forget what was kept at hand: it may be ahead of what was committed."""
        self.close()
        self._let_go()

    def _let_go(self) -> None:
        """Let go of what is kept at hand."""
        self._kept.clear()
        self._subjects.forget()
        self._reached = None

    def _batch(self, connection: psycopg.Connection) -> tuple[int, bool]:
        """Project one batch; return the position reached and whether there may be more."""
        self._taken = 0
        try:
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                began = monotonic()
                connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
                schema.within(connection, self._target)
                reached, more = self.project_batch(connection)
        except BaseException:
            # What is kept at hand has taken in events that were not committed.
            self._let_go()
            raise
        if self._told is not None and self._taken:
            self._told(self._taken, monotonic() - began)
        return reached, more

    def project_batch(self, connection: psycopg.Connection) -> tuple[int, bool]:
        """Project one batch in the transaction that is open, into the read model first on the search path.

        A change of the registry's own is a batch by itself, or several.
        """
        row = connection.execute("SELECT position FROM projected FOR UPDATE").fetchone()
        assert row is not None
        position = int(row[0])
        if position != self._reached:
            # Another projector has been at work, or a rebuild: what is kept at hand is not of these rows.
            self._let_go()
            self._settings = settings_upto(connection, position)
            self._subjects.forget(self._settings)
            self._reached = position
        rows = reading.to_rows(connection.execute(reading.AFTER, (position, BATCH_EVENTS)))
        if not rows:
            return position, False
        with tracing.span("batch", events=len(rows), position=rows[-1].position):
            return self._take_in(connection, rows, position)

    def _take_in(self, connection: psycopg.Connection, rows: list[Row], position: int) -> tuple[int, bool]:
        """Take in what follows a position, or the first of it; return what ``project_batch`` does."""
        last = rows[-1].position
        streams: dict[UUID, list[Event]] = {}
        unreadable: list[UnreadableEvent] = []
        erased = False
        for each in rows:
            try:
                event = decode(each)
            except UnreadableEvent as error:
                unreadable.append(error)
            else:
                if isinstance(event.data, SettingFact):
                    if each is rows[0]:
                        return self._change(connection, event)
                    rows = rows[: event.position - rows[0].position]
                    break
                if isinstance(event.data, SubjectErased):
                    erased = True
                elif not isinstance(event.data, RegistryFact):
                    streams.setdefault(event.stream, []).append(event)
        sheets = Sheets()
        self._load(connection, streams, position)
        for stream, events in streams.items():
            timelines = self._kept[stream]
            for event in events:
                timelines.record(event)
            sheets.add(stream, *timelines.take())
        sheets.write(connection)
        viewers.bring(connection, streams, rows[-1].position)
        if any(isinstance(one.data, BRINGS_BACK) for of_stream in streams.values() for one in of_stream) or erased:
            forget_erased(connection)
        if unreadable:
            quarantine(connection, unreadable)
        self._taken, reached = len(rows), rows[-1].position
        self._subjects.bring(connection, streams, position, reached)
        self._reached = reached
        connection.execute("UPDATE projected SET position = %s", (reached,))
        self._trim()
        return reached, len(rows) == BATCH_EVENTS or reached < last

    def _change(self, connection: psycopg.Connection, change: Event) -> tuple[int, bool]:
        """Bring some of the rows in line with a change of a term or grace, which is the next event."""
        if not rederive(connection, change, self._settings):
            return change.position - 1, True
        self._kept.clear()
        self._settings.change(change)
        self._subjects.forget(self._settings)
        self._reached = change.position
        return change.position, True

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

    def _trim(self) -> None:
        """Let go of the cases longest not touched, and of the long ones."""
        while len(self._kept) > TIMELINES_KEPT:
            self._kept.popitem(last=False)
        for stream in [stream for stream, one in self._kept.items() if len(one) > HISTORY_KEPT_MAX]:
            del self._kept[stream]


def timelines_of(stream: UUID, recorded: Sequence[Event], event: Event, settings: Course) -> Timelines:
    """Return the timelines of the kind of stream that ``event`` stands in."""
    fact = event.data
    if isinstance(fact, OrganisationFact):
        return organisation_timelines(recorded)
    if isinstance(fact, LearningFact):
        return learning_timelines(fact.stream_kind, recorded, stream, settings)
    return case_timelines(stream, recorded, settings)
