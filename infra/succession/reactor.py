"""Writes into cases what mergers, dissolutions and transfers of tasks mean for their obstacles, and into causes too.

It follows the log behind the projector, which knows in which cases an organisation has a part. An organisation's event
has all its cases swept, batch by batch; an event of a case has that case looked at, for a fact found late may be about
an organisation that is no more. What is due is told from the case itself (``domain.organisation.succession``), and
commands have ids that hang on what they follow from: so it may be killed anywhere, and run twice, and all is written
once. The module is long because looking on, sweeping and settling share what is known of organisations.
"""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from threading import Event as Signal
from typing import Final
from uuid import UUID, uuid5

import psycopg
from msgspec import Struct
from psycopg import errors

from ...domain.case.corrections import mend
from ...domain.case.facts import CustodyReleased, EventStruck, ResponsibilityMoved
from ...domain.cause.facts import CauseFact
from ...domain.cause.succession import commands_due as causes_due
from ...domain.command import Command, Refused
from ...domain.event import Event
from ...domain.ids import EventId, organisation_stream_of
from ...domain.organisation.facts import (
    OrganisationDissolved,
    OrganisationEventStruck,
    OrganisationFact,
    OrganisationFactCorrected,
    OrganisationMerged,
    OrganisationRenamed,
    ParentChanged,
    SolutionTeamEstablished,
    StrategyAdopted,
    StrategyShared,
    TaskTransferred,
)
from ...domain.organisation.standing import standing_at
from ...domain.organisation.succession import SOURCE, Changes, commands_due
from ..store import reading
from ..store.batch import Recorded
from ..store.connection import DatabaseRole, connect_as_registry
from ..store.listening import heard
from ..store.recorder import CHANNEL
from ..store.writer import Overloaded, StoreUnavailable, Submit

BATCH_EVENTS: Final = 5_000
"""Events looked at between two notes of the position: what is looked at again after a kill, and some 10 MB."""

BATCH_CASES: Final = 200
"""Cases held in memory at a time: a few hundred commands, which the writer records in one or two commits."""

ATTEMPTS_MAX: Final = 10
"""How often a case is decided anew because somebody recorded in it meanwhile."""

POLL_SECONDS: Final = 1.0
"""How often to look without having been told: what a lost notification costs, and a moment that came."""

BEHIND_SECONDS: Final = 0.05
"""How long to wait for the projector, which takes some milliseconds."""

RETRY_SECONDS: Final = 1.0
"""How long to wait before trying again when the database cannot be reached."""

LOCK: Final = 0x6B6E6C70_73756363
"""The advisory lock of the one that works ("knlpsucc"): two would write nothing twice, but do all of it twice."""

TOPICS: Final = (
    OrganisationMerged.topic,
    OrganisationDissolved.topic,
    TaskTransferred.topic,
    OrganisationFactCorrected.topic,
    OrganisationEventStruck.topic,
)

_OF_NO_CASE: Final = (
    OrganisationRenamed,
    ParentChanged,
    SolutionTeamEstablished,
    StrategyShared,
    StrategyAdopted,
)
"""What an organisation may do without anything following from it for a case."""

AT_ONCE: Final = datetime.min.replace(tzinfo=UTC)
"""When a sweep is due that need not wait."""

_PLACE: Final = "SELECT s.position, p.position FROM knelpunt.succession s CROSS JOIN read.projected p"
# Who is told by it: an organisation's change, the registry's own writing (which tells nothing new), or a case. What the
# registry wrote holds no text, so that its source can be told from the stored bytes.
_AFTER: Final = (
    "SELECT position, stream_id, topic = ANY(%(changes)s), "
    "topic = ANY(%(own)s) AND position(%(source)s::bytea IN state) > 0 FROM knelpunt.event "
    "WHERE position > %(position)s AND position <= %(upto)s ORDER BY position LIMIT %(limit)s"
)
_AT: Final = f"SELECT {reading.COLUMNS} FROM knelpunt.event WHERE position = ANY(%s) ORDER BY position"  # noqa: S608
# Of all moments of knowing: what an organisation was once thought to be may have been written into cases.
_CHANGED: Final = (
    "SELECT organisation FROM read.organisation_state WHERE ended_at IS NOT NULL "
    "UNION SELECT organisation FROM read.task_state"
)
_BEFORE: Final = """
WITH RECURSIVE passed (organisation, heir) AS (
    SELECT organisation, merged_into FROM read.organisation_state WHERE merged_into IS NOT NULL
    UNION SELECT organisation, to_organisation FROM read.task_state
), line (organisation) AS (
    SELECT organisation FROM passed WHERE heir = %(organisation)s
    UNION SELECT p.organisation FROM passed p JOIN line l ON p.heir = l.organisation
)
SELECT organisation FROM line WHERE organisation <> %(organisation)s ORDER BY organisation
"""
_CONCERNED: Final = (
    "SELECT DISTINCT case_id FROM read.case_party WHERE case_id = ANY(%s) AND organisation = ANY(%s) ORDER BY case_id"
)
_CASES_OF: Final = (
    "SELECT DISTINCT case_id FROM read.case_party WHERE organisation = %s AND case_id > %s ORDER BY case_id LIMIT %s"
)
# Of all moments of knowing, as above: who was once thought to own a cause may have been written out of it.
_CAUSES_CONCERNED: Final = (
    "SELECT DISTINCT stream_id FROM read.stream_state WHERE stream_id = ANY(%s) AND kind = 'CAUSE' AND marks && %s "
    "ORDER BY stream_id"
)
_CAUSES_OF: Final = (
    "SELECT DISTINCT stream_id FROM read.stream_state WHERE kind = 'CAUSE' AND marks && %s ORDER BY stream_id"
)
_SWEEP: Final = (
    "INSERT INTO knelpunt.succession_sweep AS s (event_id, organisation, due_at) VALUES (%s, %s, %s) "
    "ON CONFLICT (event_id) DO UPDATE SET due_at = excluded.due_at, reached = DEFAULT"
)
_DUE: Final = (
    "SELECT event_id, organisation, reached FROM knelpunt.succession_sweep WHERE due_at <= %s ORDER BY due_at, event_id"
)
_SWEPT: Final = "UPDATE knelpunt.succession_sweep SET reached = %s WHERE event_id = %s"
_DONE: Final = "DELETE FROM knelpunt.succession_sweep WHERE event_id = %s"

_MARKS: Final = {
    "changes": list(TOPICS),
    "own": [ResponsibilityMoved.topic, CustodyReleased.topic, EventStruck.topic],
    "source": f'"source":"{SOURCE}'.encode(),
}

_log = logging.getLogger(__name__)


class Sweep(Struct, frozen=True):
    """An organisation's cases beyond one are still to be looked at."""

    event: UUID
    organisation: str
    reached: UUID


class Reactor:
    """Follows one registry's log, and hands in what is due with ``submit``."""

    def __init__(self, url: str, submit: Submit) -> None:
        """Work on the registry at ``url``; the first call connects."""
        self._url = url
        self._submit = submit
        self._connection: psycopg.Connection | None = None
        self._changes: Changes | None = None
        self._stopping = Signal()

    def close(self) -> None:
        """Close the connection; what was recorded stays."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._changes = None

    def catch_up(self) -> int:
        """Write all that is due by what has been projected; return the position looked at, -1 where there is none.

        Waits for whoever is at it. Raises ``psycopg.Error``, ``StoreUnavailable`` and ``Overloaded``; what was done by
        then stays.
        """
        connection = self._connected()
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        try:
            while True:
                position, upto = self._place(connection)
                swept = self._sweep(connection)
                if self._stopping.is_set() or (position >= upto and not swept):
                    return position
                self._look_on(connection, position, upto)
        finally:
            if not connection.closed:
                connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))

    def run(self, stopping: Signal) -> None:
        """Follow the log until told to stop; outages are waited out."""
        self._stopping = stopping
        while not stopping.is_set():
            try:
                connection = self._connected()
                connection.execute(f"LISTEN {CHANNEL}")
                while not stopping.is_set():
                    self._await_projector(stopping)
                    self.catch_up()
                    heard(connection, POLL_SECONDS)
            except (psycopg.Error, StoreUnavailable, Overloaded) as error:
                _log.warning("What becomes of organisations cannot be written now, and is tried again: %s", error)
                self.close()
                stopping.wait(RETRY_SECONDS)

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self.close()
            self._connection = connect_as_registry(self._url, DatabaseRole.APPENDER)
            # A sweep may wait long for one that is under way elsewhere, and that is no fault.
            self._connection.execute("SET lock_timeout = 0; SET statement_timeout = 0")
        return self._connection

    def _await_projector(self, stopping: Signal) -> None:
        """Wait until the projector has taken in what is recorded, or for as long as a look takes."""
        connection = self._connected()
        for _ in range(int(POLL_SECONDS / BEHIND_SECONDS)):
            head = connection.execute("SELECT next_position - 1 FROM knelpunt.log_head").fetchone()
            assert head is not None
            if self._place(connection)[1] >= head[0] or stopping.wait(BEHIND_SECONDS):
                return

    @staticmethod
    def _place(connection: psycopg.Connection) -> tuple[int, int]:
        """Return the position looked at, and the one up to which the read model knows who has a part in what."""
        try:
            row = connection.execute(_PLACE).fetchone()
        except errors.UndefinedTable:
            return -1, -1  # nothing has been projected yet
        assert row is not None
        return row[0], row[1]

    def _look_on(self, connection: psycopg.Connection, position: int, upto: int) -> None:
        """Look at the next events: have organisations swept, and look at the cases that tell of changed ones."""
        batch = {"position": position, "upto": upto, "limit": BATCH_EVENTS}
        rows = connection.cursor(binary=True).execute(_AFTER, {**batch, **_MARKS}).fetchall()
        if not rows:
            return
        changing = [place for place, _, changes, _ in rows if changes]
        told: list[Event] = []
        if changing:
            self._changes = None
            told = reading.readable(reading.to_rows(connection.execute(_AT, (changing,))))[0]
        changed = list(self._known(connection).organisations)
        cases = {stream for _, stream, changes, own in rows if not changes and not own}
        if cases and changed:
            concerned = [case for (case,) in connection.execute(_CONCERNED, (list(cases), changed)).fetchall()]
            owned = connection.execute(_CAUSES_CONCERNED, (list(cases), _owned_by(changed))).fetchall()
            concerned += [cause for (cause,) in owned]
            for start in range(0, len(concerned), BATCH_CASES):
                self._settle(connection, concerned[start : start + BATCH_CASES])
        sweeps = [sweep for event in told for sweep in self._sweeps_of(connection, event)]
        with connection.transaction():
            for sweep in sweeps:
                connection.execute(_SWEEP, sweep)
            connection.execute("UPDATE knelpunt.succession SET position = %s", (rows[-1][0],))

    def _sweep(self, connection: psycopg.Connection) -> bool:
        """Look at all cases of organisations of which something is due; return whether there was any."""
        due = [Sweep(*row) for row in connection.execute(_DUE, (datetime.now(UTC),)).fetchall()]
        for sweep in due:
            reached = sweep.reached
            # Causes are few, and looked at at once.
            owned = connection.execute(_CAUSES_OF, (_owned_by([sweep.organisation]),)).fetchall()
            self._settle(connection, [cause for (cause,) in owned])
            while found := connection.execute(_CASES_OF, (sweep.organisation, reached, BATCH_CASES)).fetchall():
                self._settle(connection, [case for (case,) in found])
                reached = found[-1][0]
                connection.execute(_SWEPT, (reached, sweep.event))
                if self._stopping.is_set():
                    return True
            connection.execute(_DONE, (sweep.event,))
        return bool(due)

    def _known(self, connection: psycopg.Connection) -> Changes:
        """Return what has become of organisations, as far as it has been projected."""
        if self._changes is None:
            names = [name for (name,) in connection.execute(_CHANGED).fetchall()]
            self._changes = changes_of(connection, names)
        return self._changes

    def _sweeps_of(self, connection: psycopg.Connection, event: Event) -> list[tuple[UUID, str, datetime]]:
        """Return the sweeps that an organisation's event asks for: which event, whose cases, not before when."""
        fact = event.data
        assert isinstance(fact, OrganisationFact)
        if not isinstance(fact, OrganisationFactCorrected | OrganisationEventStruck):
            return [(event.id, fact.organisation, _due_at(event))]
        history = _histories(connection, [event.stream]).get(event.stream, [])
        mended = _mended(history, fact.event)
        if mended is None or isinstance(mended.data, _OF_NO_CASE):
            return []
        # What was written because of it is struck at once, also for those who had passed on what they had along a line
        # through this organisation; what follows from it as it is now may be due later.
        sweeps = [(event.id, fact.organisation, AT_ONCE), (mended.id, fact.organisation, _due_at(mended))]
        return sweeps + [(uuid5(event.id, name), name, AT_ONCE) for name in _before(connection, fact.organisation)]

    def _settle(self, connection: psycopg.Connection, cases: Sequence[UUID]) -> None:
        """Bring cases in line with what became of organisations."""
        left = list(cases)
        for _ in range(ATTEMPTS_MAX):
            if not left:
                return
            left = self._settled_but(connection, left)
        _log.error("%s cases are written to so often that what is due in them is put off: %s first", len(left), left[0])

    def _settled_but(self, connection: psycopg.Connection, cases: Sequence[UUID]) -> list[UUID]:
        """Hand in what is due in cases, and return those that somebody else recorded in meanwhile."""
        waiting: list[tuple[UUID, Future[Recorded | Refused]]] = []
        for case, history in _histories(connection, cases).items():
            waiting += [(case, self._submit(command)) for command in self._due(connection, history)]
        again: dict[UUID, None] = {}
        for case, answer in waiting:
            try:
                refused = answer.result()
            except StoreUnavailable:
                raise
            except Exception:  # noqa: BLE001  one case that cannot be written keeps no other from it
                _log.exception("What is due in case %s cannot be written; it is looked at again when it changes", case)
                continue
            if isinstance(refused, Refused):
                _log.info("Case %s has moved on: %s", case, refused.code)
                again[case] = None
        return list(again)

    def _due(self, connection: psycopg.Connection, history: Sequence[Event]) -> list[Command]:
        """Return what is due in a case; nothing where that cannot be told, which is no other case's matter."""
        changes = self._known(connection)
        try:
            due = causes_due if isinstance(history[0].data, CauseFact) else commands_due
            return due(history, changes, datetime.now(UTC))
        except Exception:  # noqa: BLE001  as above
            _log.exception("It cannot be told what is due in case %s", history[0].stream)
            return []


def changes_of(connection: psycopg.Connection, organisations: Iterable[str]) -> Changes:
    """Return what has become of organisations, by all that is recorded of them."""
    streams = [organisation_stream_of(name) for name in organisations]
    histories = _histories(connection, streams).values()
    return Changes((found, history) for history in histories if (found := standing_at(history)) is not None)


def _owned_by(organisations: Sequence[str]) -> list[str]:
    """Return the marks of the causes that organisations own (``projections.derivation.causes``)."""
    return [f"owner={organisation}" for organisation in organisations]


def _histories(connection: psycopg.Connection, streams: Sequence[UUID]) -> dict[UUID, list[Event]]:
    """Return the events of streams; one that holds an event that cannot be read is left out."""
    histories: dict[UUID, list[Event]] = {}
    events, unreadable = reading.readable(reading.stream_rows(connection, streams))
    for event in events:
        histories.setdefault(event.stream, []).append(event)
    for error in unreadable:
        histories.pop(error.stream, None)
    return histories


def _due_at(event: Event) -> datetime:
    """Return from when on something follows from an organisation's event for its cases."""
    since = event.data.since if isinstance(event.data, TaskTransferred) else None
    return since or event.occurred_at


def _mended(history: Sequence[Event], event: EventId) -> Event | None:
    """Return the event that a correction or striking is about in the end, as it is now; none if it is not there."""
    by_id = {one.id: one for one in history}
    while (found := by_id.get(event)) is not None and isinstance(
        found.data, OrganisationFactCorrected | OrganisationEventStruck
    ):
        event = found.data.event
    return next((one for one in mend(history).events if one.id == event), None)


def _before(connection: psycopg.Connection, organisation: str) -> list[str]:
    """Return the organisations that were ever said to pass anything on to one, directly or along a line."""
    return [name for (name,) in connection.execute(_BEFORE, {"organisation": organisation}).fetchall()]
