"""Sessions of requests over PostgreSQL: reads as the one who asks, in one snapshot where they must agree.

A query that looks at the read model pins its session: one transaction, REPEATABLE READ, for all its statements. What
reads events alone needs none, since what is recorded up to a position never changes. The module is long because it is
one class, which keeps to itself what a request has pinned.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import lru_cache
from time import monotonic
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from msgspec.structs import replace
from psycopg import errors, sql
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ...domain.command import Command, RefusalCode, Refused
from ...domain.event import Event
from ...domain.ids import SubjectId
from ...domain.text import Clear, Erased, Sealed, Withheld
from ...domain.vocabulary import IdentityKind
from ...graphql.ports import Asker, Pinned
from ...graphql.problems import Problem, ProblemCode
from ...projections.queries import openings
from ...projections.queries.openings import Opening, OpeningChoice, OpeningPlace
from ..logbook.processing import Activity, NotNoted, Reading
from ..logbook.security import DONE, Action, SecurityEvent
from ..observing import tracing
from ..store import patience, reading
from ..store.batch import Recorded
from ..store.codec import Row, UnreadableEvent
from ..store.connection import PATIENCE_SECONDS, DatabaseRole, address, principal_text
from ..store.principal import principal_of
from ..store.writer import Overloaded, StoreUnavailable
from ..vault import identities
from ..vault.identities import Identities, IdentityError
from .entitled import OPENED_TO, entitled
from .horizon import Horizon
from .measures import Measures, about
from .origin import Origin
from .published import PublishedTrail
from .replicas import Replica, Replicas
from .services import Services
from .tail import POLL_SECONDS, Tail

ASKERS_MAX: Final = 1_000
"""How many beginnings of transactions are kept at hand, some for each of those who ask, of a few hundred bytes."""

TURN_SECONDS_MAX: Final = 3.0
"""How long a request waits for a connection; then too many ask at once."""

TOLD_SECONDS_MAX: Final = 4.0
"""How long the commands of a request may wait for their answers. The writer goes on trying for longer, since a restart
of the database takes seconds; whoever waits at the other end is told within five."""

SILENT_SECONDS: Final = 1.0
"""For how long the rest of a request does not ask a server that has just not answered it: it would be told too late."""

REACH_SECONDS_MAX: Final = 5.0
"""How long to wait for the projections to take in a position."""

LOOK_SECONDS: Final = 0.005
LOOK_SECONDS_MAX: Final = 0.1
"""How often to look whether they have: at first as often as a projection takes, then less and less."""

FOLLOWED_AT_ONCE: Final = 500
"""Events that a subscription reads at a time: what a slow client makes us hold."""

FOLLOWED_POSITIONS: Final = 10_000
"""Positions that a subscription looks through at a time: for who sees few of them, it ends well within a statement's
time, as exports do it."""

OPENINGS_AT_ONCE: Final = 200
"""Openings that a subscription looks through at a time, be they asked for or not: some 20 ms."""

PIN: Final = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL knelpunt.principal = {principal}; "
    "SELECT p.position, e.recorded_at, p.position + 1 >= h.next_position "
    "FROM read.projected p CROSS JOIN knelpunt.log_head h LEFT JOIN knelpunt.event e ON e.position = p.position"
)
BRIEF: Final = "BEGIN READ ONLY; SET LOCAL knelpunt.principal = {principal}"
REACHED: Final = "SELECT position FROM read.projected"
HEAD: Final = "SELECT next_position - 1 FROM knelpunt.log_head"
SETTLED: Final = (
    "SELECT next_position - 1, CASE WHEN knelpunt.sees_log() THEN next_position - 1 "
    "ELSE (SELECT position FROM read.projected) END FROM knelpunt.log_head"
)
"""Where the log ends, and up to where it is settled who sees what: that follows from what the projections took in."""

BETWEEN: Final = (
    f"SELECT {reading.COLUMNS} FROM knelpunt.event WHERE position > %s AND position <= %s "  # noqa: S608
    "ORDER BY position LIMIT %s"
)
OF_TOPICS: Final = (
    f"SELECT {reading.COLUMNS} FROM knelpunt.event WHERE position > %(after)s AND position <= %(upto)s "  # noqa: S608
    "AND (%(topics)s::text[] IS NULL OR topic = ANY (%(topics)s)) AND occurred_at <= %(as_of)s "
    "ORDER BY position LIMIT %(most)s"
)
AT: Final = f"SELECT {reading.COLUMNS} FROM knelpunt.event WHERE position = %s"  # noqa: S608

NOTED_SECONDS: Final = 60.0
"""How long a record of having read of somebody stands for more of the same subscription: else a client that catches
up would wait for the disk once for each event."""

SETTINGS: Final = frozenset({"term-changed", "grace-changed"})
"""The events by which settings change."""

_UNAVAILABLE: Final = "The database cannot be reached at this moment: try again in a few seconds."
_UNTOLD: Final = (
    "The database has not answered in time: send the command again, with the same commandId, in a few seconds; "
    "it has its effect once."
)
_NOT_BUILT: Final = "The projections have not been built yet: start the projector (knelpunt project), and ask again."


@lru_cache(maxsize=ASKERS_MAX)
def saying(statements: LiteralString, principal: str) -> bytes:
    """Return statements that begin a transaction, with who asks filled in: what ``principal_text`` says of them."""
    return sql.SQL(statements).format(principal=sql.Literal(principal)).as_bytes(None)


async def _patient(connection: patience.AsyncConnection) -> None:
    connection.patience = PATIENCE_SECONDS[DatabaseRole.READER]


KEPT_SECONDS: Final = 3600.0
"""How long a reading connection is kept, idle or not: a new one has each of its statements planned anew, which takes
longer than to execute them. It ends then because what the server keeps for it only grows."""


def reading_pool(url: str, size: int) -> AsyncConnectionPool[patience.AsyncConnection]:
    """Return a pool, not yet open, of ``size`` reading connections, none of which waits for ever.

    All are opened at once and take turns. Were they opened as bursts need them, each burst that is larger than those
    before would meet a new one, whose statements are yet to be planned, and the server would grow for hours.
    """
    return AsyncConnectionPool(
        address(url, DatabaseRole.READER),
        connection_class=patience.AsyncConnection,
        configure=_patient,
        kwargs={"autocommit": True},
        min_size=size,
        timeout=TURN_SECONDS_MAX,
        max_idle=KEPT_SECONDS,
        max_lifetime=KEPT_SECONDS,
        name="knelpunt-http",
        open=False,
    )


def shown(error: BaseException) -> Problem | None:
    """Return the error that a client gets for one of the database's, none for what is nobody's business."""
    match error:
        case errors.QueryCanceled():
            return Problem(ProblemCode.TIMEOUT, "The database took too long over this: ask for less at once.")
        case errors.UndefinedTable() | errors.UndefinedFunction() | errors.InvalidSchemaName():
            return Problem(ProblemCode.UNAVAILABLE, _NOT_BUILT)
        case PoolTimeout() | psycopg.OperationalError() | psycopg.InterfaceError() | errors.InFailedSqlTransaction():
            return Problem(ProblemCode.UNAVAILABLE, _UNAVAILABLE)
        case StoreUnavailable() | Overloaded():
            return Problem(ProblemCode.UNAVAILABLE, str(error))
        case UnreadableEvent() as unreadable:
            message = "This holds an event that cannot be read; knelpunt doctor says which, and why."
            return Problem(ProblemCode.UNREADABLE, message, position=unreadable.position)
        case _:
            return None


def _by_stream(streams: Sequence[UUID], rows: Sequence[tuple[Any, ...]]) -> Mapping[UUID, Sequence[Event] | Exception]:
    """Return the events of rows by their stream, or the error of the first in one that cannot be read."""
    found: dict[UUID, list[Event] | Exception] = {stream: [] for stream in streams}
    for columns in rows:
        row = Row(*columns)
        event = reading.attempt(row)
        history = found[row.stream]
        if isinstance(history, Exception):
            continue
        if isinstance(event, UnreadableEvent):
            found[row.stream] = shown(event) or event
        else:
            history.append(event)
    return found


class SessionClosedError(Exception):
    """The request was answered before all of it had ended: what is left of it gets nothing."""


class PostgresSession:
    """One request's dealings with the registry, as the one who asks. Close it when the request is answered."""

    def __init__(
        self,
        pool: AsyncConnectionPool[patience.AsyncConnection],
        asker: Asker,
        services: Services,
        tail: Tail,
        horizon: Horizon,
        origin: Origin,
        measures: Measures,
        replicas: Replicas | None = None,
    ) -> None:
        self._pool = pool
        self._services = services
        self._asker = asker
        self._vault = services.vault
        self._origin = origin
        self._reading = Reading(
            actor=asker.user, role=asker.role, organisation=asker.organisation, name="graphql", trace=origin.trace
        )
        self._tail = tail
        self._horizon = horizon
        self._measures = measures
        self._replicas = replicas
        self._pinned_to: Replica | None = None
        """The replica that it is pinned to; none: the main database."""
        self._closed = False
        self.replica_failed = False
        """Whether a replica went away, or stopped a question, while it answered: the main database can be asked."""
        self._principal = principal_text(principal_of(asker))
        self._pinned: patience.AsyncConnection | None = None
        self._trail: asyncio.Task[PublishedTrail | None] | None = None
        self._shown_of: set[SubjectId] = set()
        self._noted: dict[SubjectId, float] = {}
        self._silent_until = 0.0
        self._told_by: float | None = None
        """By when who asked is told what became of the commands of this request; none before the first of them."""

    async def close(self) -> None:
        """Give back what the request held; from now on it is given nothing, also where parts of it still run."""
        self._closed = True
        connection, self._pinned = self._pinned, None
        if connection is not None:
            try:
                if not connection.closed:
                    # What only read may as well be committed; at a rollback psycopg forgets every statement that it
                    # has prepared, and each would be planned anew for the next request.
                    await connection.commit()
            except psycopg.Error:
                await connection.close()
            finally:
                if self._pinned_to is None:
                    await self._pool.putconn(connection)
                else:
                    await self._pinned_to.take_back(connection)

    async def pin(self) -> Pinned:
        """Have every read from now on see one moment of the database. Raises ``SessionClosedError``."""
        assert self._pinned is None, "a session is pinned once"
        self._expect_open()
        try:
            pinned = await self._pin()
        finally:
            if self._closed:
                # It was closed while this waited for a connection, and had none to give back.
                await self.close()
        self._expect_open()
        return pinned

    async def _pin(self) -> Pinned:
        with _shown():
            if self._replicas is not None:
                found = await self._replicas.pinned(saying(PIN, self._principal))
                if found is not None:
                    pin, floor = found
                    self._pinned, self._pinned_to = pin.connection, pin.replica
                    self._measures.questions.labels("replica").inc()
                    position, recorded_at, _ = pin.row
                    # The log's end is the main database's: what is recorded there may not have come through yet.
                    return Pinned(position, recorded_at, position >= floor.head)
                self._measures.questions.labels("primary").inc()
            self._pinned, cursor = await self._begun(PIN)
            cursor.nextset()
            cursor.nextset()
            row = await cursor.fetchone()
            assert row is not None
            position, recorded_at, caught_up = row
            return Pinned(position, recorded_at, caught_up)

    async def reach(self, position: int) -> bool:
        """Wait until the projections take in ``position``; whether they did in time."""
        deadline = monotonic() + REACH_SECONDS_MAX
        pause = LOOK_SECONDS
        while True:
            with _shown():
                try:
                    async with self._briefly() as connection:
                        row = await (await connection.execute(REACHED)).fetchone()
                except errors.UndefinedTable:
                    row = None
            if row is not None and row[0] >= position:
                return True
            if monotonic() + pause > deadline:
                return False
            await asyncio.sleep(pause)
            pause = min(2 * pause, LOOK_SECONDS_MAX)

    async def rows(self, query: LiteralString, values: Mapping[str, object]) -> Sequence[tuple[Any, ...]]:
        """Return what a query finds."""
        started = monotonic()
        with tracing.span("query", about=about(query)) as span:
            found = await self._fetched(query, values)
            span.set_attribute("rows", len(found))
        self._measures.queried(query, monotonic() - started)
        return found

    async def histories(self, streams: Sequence[UUID], upto: int) -> Mapping[UUID, Sequence[Event] | Exception]:
        """Return the events of streams up to a position, or the error of one that cannot be read."""
        return _by_stream(streams, await self._fetched(reading.STREAMS_UPTO, (list(streams), upto)))

    async def parts(
        self, streams: Sequence[UUID], events: Sequence[UUID], upto: int
    ) -> Mapping[UUID, Sequence[Event] | Exception]:
        """Return some events of streams up to a position, and those that correct or strike any there."""
        values = {"streams": list(streams), "events": list(events), "upto": upto, "mending": list(reading.MENDING)}
        return _by_stream(streams, await self._fetched(reading.PARTS_UPTO, values))

    async def begun(self, cases: Sequence[UUID], upto: int) -> Mapping[UUID, Sequence[Event] | Exception]:
        """Return of cases, up to a position, what opened them, what was said in them of gaps, and what mends any."""
        values = {"streams": list(cases), "upto": upto, "topics": list(reading.BEGINNING)}
        return _by_stream(cases, await self._fetched(reading.BEGUN_UPTO, values))

    async def event_at(self, position: int) -> Event | Exception | None:
        """Return the event at a position."""
        for columns in await self._fetched(AT, (position,)):
            return reading.attempt(Row(*columns))
        return None

    async def between(
        self, after: int, upto: int, topics: Sequence[str] | None, as_of: datetime, most: int
    ) -> tuple[Sequence[Event], int]:
        """Return the first events beyond a position that can be read, and up to where these are all."""
        chosen = None if topics is None else list(topics)
        values = {"after": after, "upto": upto, "topics": chosen, "as_of": as_of, "most": most}
        rows = [Row(*columns) for columns in await self._fetched(OF_TOPICS, values)] if most else []
        until = upto if len(rows) < most else rows[-1].position if rows else after
        return reading.readable(rows)[0], until

    async def opened(self, events: Sequence[Event]) -> Mapping[Sealed, Clear | Erased | Withheld]:
        """Return the texts of events as they were recorded, those that are not for the asker to read withheld."""
        rows = await self._fetched(OPENED_TO, ([event.position for event in events],))
        may_open, withheld = entitled(events, {position: (own, about) for position, own, about in rows})
        with _shown():
            opened = await asyncio.to_thread(self._vault.open, may_open)
        self._shown_of.update(text.about for text, shown in opened.items() if isinstance(shown, Clear))
        return withheld | opened

    async def note(self) -> None:
        """Record of whom an answer that is ready to leave shows texts. Raises ``Problem``: then it must not leave."""
        now = monotonic()
        unnoted = {one for one in self._shown_of if now - self._noted.get(one, -NOTED_SECONDS) >= NOTED_SECONDS}
        if not unnoted:
            return
        try:
            await asyncio.to_thread(self._services.processing.note, self._reading, unnoted)
        except NotNoted as error:
            raise Problem(ProblemCode.NOT_LOGGED, str(error)) from error
        self._noted.update(dict.fromkeys(unnoted, now))

    async def outdated(self) -> bool:
        """Return whether somebody whose texts were opened since this was last asked has been erased meanwhile.

        To be asked when an answer is ready to leave: one that holds their texts must not, nor one of which nobody can
        tell.
        """
        shown_of, self._shown_of = self._shown_of, set()
        if not shown_of:
            return False
        try:
            return bool(await asyncio.to_thread(self._vault.erased_among, shown_of))
        except (psycopg.Error, PoolTimeout):
            return True

    async def known_by(self, kind: IdentityKind, identity: str) -> Sequence[SubjectId]:
        """Return the subjects who are known by a number or a name."""
        if self._asker.role not in identities.MAY:
            message = "Who somebody is may be looked up by intake, an investigator or a solution team."
            raise Problem(ProblemCode.FORBIDDEN, message)
        with _shown():
            try:
                found = await asyncio.to_thread(
                    lambda: Identities(self._vault).find(identities.identity(kind, identity))
                )
            except IdentityError as error:
                raise Problem(ProblemCode.BAD_INPUT, str(error)) from None
            reading = replace(self._reading, activity=Activity.IDENTITIES)
            try:
                await asyncio.to_thread(self._services.processing.note, reading, found)
            except NotNoted as error:
                raise Problem(ProblemCode.NOT_LOGGED, str(error)) from error
        return found

    async def record(self, command: Command) -> Recorded | Refused:
        """Hand in a command and wait for its answer, as long as whoever asks is to be left without one."""
        if self._told_by is None:
            self._told_by = monotonic() + TOLD_SECONDS_MAX
        with _shown(), tracing.span("command", topic=command.data.topic):
            handed_in = self._services.writer.ask(command)
            try:
                answer = await asyncio.wait_for(handed_in, self._told_by - monotonic())
            except TimeoutError:
                raise StoreUnavailable(_UNTOLD) from None
        if not isinstance(answer, Refused):
            if command.data.topic in SETTINGS:
                self._watch(Action.SETTING, command, DONE)
        elif answer.code is RefusalCode.NOT_PERMITTED:
            self.not_permitted(command, answer)
        return answer

    def not_permitted(self, command: Command, refused: Refused) -> None:
        """Take note that a command was refused that the asker's role may not give."""
        self._watch(Action.COMMAND, command, f"REFUSED {refused.code}")

    def _watch(self, action: Action, command: Command, result: str) -> None:
        """Note what bears on security."""
        by = f"{command.actor.organisation} {command.actor.user}"
        self._services.security.note(SecurityEvent(action, command.data.topic, result, self._origin.address, by))

    async def head(self) -> int:
        """Return the position of the last event of the log."""
        rows = await self._fetched(HEAD, None)
        return rows[0][0]

    async def trail(self) -> PublishedTrail | None:
        """Return what was published when the request first asked."""
        if self._trail is None:
            self._trail = asyncio.get_running_loop().create_task(PublishedTrail.now(self._services.trail))
        return await self._trail

    async def follow(self, after: int) -> AsyncIterator[Event]:
        """Yield every event beyond a position, those recorded and those to come; outages are waited out."""
        position = after
        while True:
            changed = self._tail.changed
            try:
                ((head, settled),) = await self._fetched(SETTLED, None)
                upto = max(position, min(settled, position + FOLLOWED_POSITIONS))
                rows = await self._fetched(BETWEEN, (position, upto, FOLLOWED_AT_ONCE))
            except Problem:
                # Nothing was read, so nothing is passed over. The tail wakes when the database is back, and the poll
                # comes anyway.
                await self._tail.wait(changed, POLL_SECONDS)
                continue
            for columns in rows:
                event = reading.attempt(Row(*columns))
                # One that cannot be read is quarantined and told by doctor; nobody can be shown it.
                if isinstance(event, Event):
                    yield event
            # What they do not see is passed over once and for all.
            position = upto if len(rows) < FOLLOWED_AT_ONCE else rows[-1][0]
            if position >= settled:
                await self._tail.wait(changed, POLL_SECONDS if head <= settled else LOOK_SECONDS_MAX)

    async def openings(self, after: OpeningPlace | None, choice: OpeningChoice) -> AsyncIterator[Opening]:
        """Yield every gap that opened beyond a place, or opens from now on; outages are waited out."""
        place = openings.place_at((await self._fetched(openings.NOW, None))[0][0]) if after is None else after
        read = place.due
        async with self._horizon.watching():
            while True:
                changed, until = self._horizon.changed, self._horizon.until
                more = until > read
                rows: Sequence[tuple[Any, ...]] = ()
                if more:
                    with suppress(Problem):
                        rows = await self._fetched(*openings.page(place, until, choice, OPENINGS_AT_ONCE))
                        more = len(rows) >= OPENINGS_AT_ONCE
                        read = read if more else until
                for columns in rows:
                    opening = openings.opening(columns)
                    if opening is not None:
                        yield opening
                    place = openings.place(columns)
                if not rows or not more:
                    await self._tail.wait(changed, POLL_SECONDS)

    async def _fetched(self, query: LiteralString, values: Any) -> Sequence[tuple[Any, ...]]:
        with _shown():
            if self._pinned is not None:
                try:
                    return await _fetched(self._pinned, query, values)
                except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                    # One that took too long would take as long anywhere.
                    if self._pinned_to is not None and not isinstance(error, errors.QueryCanceled):
                        self.replica_failed = True
                        self._pinned_to.lost()
                    raise
            async with self._briefly() as connection:
                return await _fetched(connection, query, values)

    @asynccontextmanager
    async def _briefly(self) -> AsyncGenerator[patience.AsyncConnection]:
        """Give a connection in a transaction of its own. Raises ``SessionClosedError``."""
        self._expect_open()
        connection, _ = await self._begun(BRIEF)
        try:
            yield connection
            await connection.commit()  # as in close
        except BaseException:
            # Closed rather than asked anything more: it may be the connection that is broken.
            await connection.close()
            raise
        finally:
            await self._pool.putconn(connection)

    def _expect_open(self) -> None:
        # graphql-core answers without waiting for the fields beside one that failed, and lets them run on: nobody would
        # give back what they take then.
        if self._closed:
            raise SessionClosedError

    async def _begun(self, statements: LiteralString) -> tuple[patience.AsyncConnection, psycopg.AsyncCursor]:
        """Return a connection in a transaction as the one who asks, and the cursor with what ``statements`` found.

        Connections that a restart of the database broke are thrown out, and another one is tried.
        """
        begin = saying(statements, self._principal)
        tried = False
        while True:
            if monotonic() < self._silent_until:
                raise patience.Unanswered(patience.MESSAGE)
            connection = await self._pool.getconn()
            try:
                # One text, one round trip; nothing in it but constants and the quoted principal.
                return connection, await connection.execute(begin)
            except BaseException as error:
                await connection.close()
                await self._pool.putconn(connection)
                if isinstance(error, patience.Unanswered):
                    # The other connections of the pool are no better, and asking each would take as long again.
                    self._silent_until = monotonic() + SILENT_SECONDS
                if tried or isinstance(error, patience.Unanswered) or not isinstance(error, psycopg.OperationalError):
                    raise
            tried = True
            await self._pool.check()


async def _fetched(
    connection: patience.AsyncConnection, query: LiteralString, values: Any
) -> Sequence[tuple[Any, ...]]:
    cursor = connection.cursor(binary=True)
    await cursor.execute(query, values, prepare=True)
    return await cursor.fetchall()


class _shown:  # noqa: N801  reads as what it does
    """Turns the database's errors into those that clients get to see."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        found = None if error is None else shown(error)
        if found is not None:
            raise found from error
