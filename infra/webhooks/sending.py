"""Sends events to subscribers: each in order within its case, until it is taken or becomes a dead letter.

What is to be sent is written down first, in the transaction that notes how far the log was looked at; so there is one
record for each event and subscription, wherever the sender is killed. An attempt is written down before it is made:
one that was under way is made again later, under the same id. Nothing here looks at the read model but for up to where
it is settled who sees what, so a rebuild sends nothing. The module is long because it is one class, whose statements
share what a subscription is.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import httpx2
import msgspec
import psycopg
from msgspec import Struct
from psycopg import AsyncConnection, errors

from ..cloud_events import SEEN as OBSTACLES_SEEN
from ..cloud_events import cloud_event, obstacles_named
from ..store import reading
from ..store.codec import Row
from ..store.connection import REGISTRY, SET_PRINCIPAL, DatabaseRole, Principal, address, principal_text
from ..trail.entry import EntryError
from .reach import Network
from .retries import ATTEMPTS_MAX, RETRY_AFTER_MAX, rest_after, wait_after
from .signing import headers, message_id, numbers_that_sign, secret_of
from .subscriptions import BURY
from .wire import Delivered, Failed, Gone, Outcome, new_client, send

LOOKED_AT_ONCE: Final = 500
"""How many events of the log are looked at in one transaction."""

WAITING_MAX: Final = 10_000
"""How many events may wait for a subscriber; then the log is looked at no further for it. Some 2 MB of table."""

SENT_AT_ONCE: Final = 8
"""How many events, of as many cases, a subscriber is sent at a time."""

POLL_SECONDS: Final = 0.5
"""How often to look whether anything is to be sent: how late an event may be, on top of its projection."""

RETRY_SECONDS: Final = 2.0
"""How long to wait before trying again when the database is away, or somebody else is sending."""

KEPT: Final = timedelta(days=90)
"""How long it is remembered that an event was delivered: to answer a receiver who says that it was not."""

SWEEP_SECONDS: Final = 3600.0

LOCK: Final = 0x6B6E6C70_686F6F6B
"""The advisory lock of the one that sends ("knlphook"): two would keep no order."""

GONE: Final = "The receiver answered 410 Gone, which ends the subscription."
UNMAKEABLE: Final = "This program can make no CloudEvent of the event; knelpunt doctor says whether it can be read."

TRY_LOCK: Final = "SELECT pg_try_advisory_lock(%s)"
# Up to where it is settled who sees what: that follows from what the projections took in, save for whoever sees all.
SETTLED: Final = (
    "SELECT CASE WHEN knelpunt.sees_log() THEN next_position - 1 "
    "ELSE (SELECT position FROM read.projected) END FROM knelpunt.log_head"
)
BUSY: Final = """
SELECT w.webhook_id FROM knelpunt.webhook w CROSS JOIN knelpunt.log_head h
 WHERE w.ended_at IS NULL AND NOT w.paused AND coalesce(w.resting_until <= %(now)s, true)
   AND (w.position < h.next_position - 1
        OR EXISTS (SELECT FROM knelpunt.webhook_delivery d
                    WHERE d.webhook_id = w.webhook_id AND d.state = 'WAITING' AND d.next_at <= %(now)s))
 ORDER BY w.webhook_id
"""
STANDING: Final = """
SELECT url, principal, topics, secret_number, rotated_at, position, failures FROM knelpunt.webhook
 WHERE webhook_id = %(webhook)s AND ended_at IS NULL AND NOT paused AND coalesce(resting_until <= %(now)s, true)
   FOR UPDATE
"""
WAITING: Final = "SELECT count(*) FROM knelpunt.webhook_delivery WHERE webhook_id = %s AND state = 'WAITING'"
SEEN: Final = """
SELECT position, case_id, stream_id FROM knelpunt.event
 WHERE position > %(after)s AND position <= %(upto)s AND (%(topics)s::text[] = '{}' OR topic = ANY (%(topics)s))
 ORDER BY position
"""
TAKE: Final = """
INSERT INTO knelpunt.webhook_delivery (webhook_id, position, case_id, stream_id, state, next_at)
SELECT %(webhook)s, u.position, u.case_id, u.stream_id, 'WAITING', %(now)s
  FROM unnest(%(positions)s::bigint[], %(cases)s::uuid[], %(streams)s::uuid[]) AS u (position, case_id, stream_id)
"""
LOOKED: Final = "UPDATE knelpunt.webhook SET position = %s WHERE webhook_id = %s"
# The first that waits of each stream; the others wait for it.
DUE: Final = """
WITH first AS (
    SELECT DISTINCT ON (stream_id) stream_id, position, attempts, next_at FROM knelpunt.webhook_delivery
     WHERE webhook_id = %(webhook)s AND state = 'WAITING' ORDER BY stream_id, position
)
SELECT position, attempts FROM first WHERE next_at <= %(now)s ORDER BY position LIMIT %(most)s
"""
CLAIM: Final = """
UPDATE knelpunt.webhook_delivery SET attempts = %(attempts)s, next_at = %(next)s
 WHERE webhook_id = %(webhook)s AND position = %(position)s
"""
READ: Final = f"SELECT {reading.COLUMNS} FROM knelpunt.event WHERE position = ANY (%s)"  # noqa: S608
# A record that was put back to the beginning meanwhile, by a replay, has another number of attempts.
SETTLE: Final = """
UPDATE knelpunt.webhook_delivery SET state = %(state)s, problem = %(problem)s, settled_at = %(settled)s
 WHERE webhook_id = %(webhook)s AND position = %(position)s AND attempts = %(attempts)s AND state = 'WAITING'
"""
BACK: Final = "UPDATE knelpunt.webhook SET failures = 0, resting_until = NULL WHERE webhook_id = %s"
HASTEN: Final = "UPDATE knelpunt.webhook_delivery SET next_at = %s WHERE webhook_id = %s AND state = 'WAITING'"
REST: Final = "UPDATE knelpunt.webhook SET failures = failures + 1, resting_until = %s WHERE webhook_id = %s"
END: Final = "UPDATE knelpunt.webhook SET ended_at = %s, ended_because = %s WHERE webhook_id = %s AND ended_at IS NULL"
SWEEP: Final = "DELETE FROM knelpunt.webhook_delivery WHERE state IN ('DELIVERED', 'WITHDRAWN') AND settled_at < %s"

_log = logging.getLogger(__name__)


class Letter(Struct, frozen=True):
    """An event on its way: where it stands in the log, which attempt this is, and what is sent, signed."""

    position: int
    attempts: int
    signed: Mapping[str, str]
    body: bytes


class Round(Struct, frozen=True):
    """What a subscription is sent at a time; ``looked`` is whether the log was looked at further."""

    url: str
    failures: int
    letters: Sequence[Letter]
    looked: bool


class Sender:
    """Sends the events of one registry. ``now`` and ``jitter`` (from 0 to 1) may be handed in."""

    def __init__(
        self,
        url: str,
        source: str,
        master: bytes,
        networks: Sequence[Network] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = random.random,
        client: Callable[[], httpx2.AsyncClient] = new_client,
    ) -> None:
        self._url = url
        self._source = source
        self._master = master
        self._networks = networks
        self._now = now
        self._jitter = jitter
        self._new_client = client
        self._turn = asyncio.Lock()
        self._connection: AsyncConnection
        self._client: httpx2.AsyncClient

    @asynccontextmanager
    async def sending(self) -> AsyncGenerator[bool]:
        """Hold what sending takes until the end of the block; whether this is the one sender there may be."""
        async with (
            await AsyncConnection.connect(address(self._url, DatabaseRole.APPENDER), autocommit=True) as connection,
            self._new_client() as client,
        ):
            self._connection, self._client = connection, client
            row = await (await connection.execute(TRY_LOCK, (LOCK,))).fetchone()
            yield row is not None and bool(row[0])

    async def run(self, stopping: Callable[[], bool]) -> None:
        """Send what comes until told to stop; outages of the database are waited out."""
        while not stopping():
            try:
                async with self.sending() as alone:
                    if alone:
                        await self._follow(stopping)
            except psycopg.Error as error:
                _log.warning("Webhooks cannot be sent now, and are tried again: %s", type(error).__name__)
            if not stopping():
                await asyncio.sleep(RETRY_SECONDS)

    async def send_due(self) -> None:
        """Send all that is due now, within ``sending``. Raises ``psycopg.Error``."""
        async with asyncio.TaskGroup() as tasks:
            for webhook in await self._busy():
                tasks.create_task(self._serve(webhook))

    async def _follow(self, stopping: Callable[[], bool]) -> None:
        """Serve each subscriber in a task of its own, so that none waits for another's receiver."""
        serving: dict[UUID, asyncio.Task[None]] = {}
        broken: set[UUID] = set()
        swept = -SWEEP_SECONDS
        clock = asyncio.get_running_loop().time
        try:
            while not stopping():
                for webhook in [one for one, task in serving.items() if task.done()]:
                    error = serving.pop(webhook).exception()
                    if isinstance(error, psycopg.Error):
                        raise error
                    if error is not None:
                        # A mistake of ours, which must not keep the other subscribers from their events.
                        _log.error("Webhook %s is left alone until a restart", webhook, exc_info=error)
                        broken.add(webhook)
                for webhook in await self._busy():
                    if webhook not in serving and webhook not in broken:
                        serving[webhook] = asyncio.create_task(self._serve(webhook))
                if clock() - swept >= SWEEP_SECONDS:
                    await self._sweep()
                    swept = clock()
                await asyncio.sleep(POLL_SECONDS)
        finally:
            # What is under way is broken off: it was written down, and is sent again.
            for task in serving.values():
                task.cancel()
            await asyncio.gather(*serving.values(), return_exceptions=True)

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncConnection]:
        """Give the connection in a transaction that acts for the registry; one at a time."""
        async with self._turn, self._connection.transaction():
            await _act_for(self._connection, REGISTRY)
            yield self._connection

    async def _busy(self) -> list[UUID]:
        """Return the subscriptions for which there may be something to do."""
        async with self._transaction() as connection:
            return [webhook for (webhook,) in await _rows(connection, BUSY, {"now": self._now()})]

    async def _sweep(self) -> None:
        async with self._transaction() as connection:
            await connection.execute(SWEEP, (self._now() - KEPT,))

    async def _serve(self, webhook: UUID) -> None:
        """Send a subscriber what is due, until nothing is."""
        while (made := await self._prepared(webhook)) is not None:
            if not made.letters:
                if not made.looked:
                    return
                continue
            outcomes = await asyncio.gather(
                *(send(self._client, made.url, self._networks, each.signed, each.body) for each in made.letters)
            )
            if not await self._settled(webhook, made, outcomes):
                return

    async def _prepared(self, webhook: UUID) -> Round | None:
        """Look on in the log for a subscription, and write down the attempts that are made now; none if it rests."""
        now = self._now()
        async with self._transaction() as connection:
            for url, given, topics, number, rotated_at, position, failures in await _rows(
                connection, STANDING, {"webhook": webhook, "now": now}
            ):
                reader = msgspec.convert(given, Principal)
                looked = await self._look_on(connection, webhook, reader, topics, position)
                # While nobody answers, one event finds out whether somebody does again.
                most = 1 if failures else SENT_AT_ONCE
                due = await _rows(connection, DUE, {"webhook": webhook, "now": now, "most": most})
                rows, obstacles = await self._read(connection, reader, [at for at, _ in due])
                secrets = tuple(
                    secret_of(self._master, webhook, each) for each in numbers_that_sign(number, rotated_at, now)
                )
                letters = [
                    letter
                    for at, attempts in due
                    if (
                        letter := await self._claimed(
                            connection, webhook, at, attempts + 1, rows.get(at), obstacles, secrets
                        )
                    )
                ]
                return Round(url, failures, letters, looked or len(letters) < len(due))
        return None

    async def _look_on(
        self, connection: AsyncConnection, webhook: UUID, reader: Principal, topics: list[str], position: int
    ) -> bool:
        """Write down which of the next events a subscription is to be sent; whether there were any to look at."""
        ((waiting,),) = await _rows(connection, WAITING, (webhook,))
        if waiting >= WAITING_MAX:
            return False
        await _act_for(connection, reader)
        upto = min(await _settled_upto(connection), position + LOOKED_AT_ONCE)
        seen = (
            await _rows(connection, SEEN, {"after": position, "upto": upto, "topics": topics})
            if upto > position
            else []
        )
        await _act_for(connection, REGISTRY)
        if upto <= position:
            return False
        if seen:
            positions, cases, streams = (list(column) for column in zip(*seen, strict=True))
            values = {"webhook": webhook, "positions": positions, "cases": cases, "streams": streams}
            await connection.execute(TAKE, {**values, "now": self._now()})
        await connection.execute(LOOKED, (upto, webhook))
        return True

    async def _read(
        self, connection: AsyncConnection, reader: Principal, positions: Sequence[int]
    ) -> tuple[Mapping[int, Row], Collection[UUID]]:
        """Return the events at positions that a reader is to see now, and which obstacles named in them they see."""
        if not positions:
            return {}, ()
        await _act_for(connection, reader)
        rows = {row.position: row for row in (Row(*each) for each in await _rows(connection, READ, (list(positions),)))}
        named = _named(rows.values())
        seen = [row[0] for row in await _rows(connection, OBSTACLES_SEEN, (list(named),))] if named else []
        await _act_for(connection, REGISTRY)
        return rows, seen

    async def _claimed(
        self,
        connection: AsyncConnection,
        webhook: UUID,
        position: int,
        attempts: int,
        row: Row | None,
        obstacles: Collection[UUID],
        secrets: tuple[bytes, ...],
    ) -> Letter | None:
        """Write an attempt down, and return what is sent; none for an event of which nothing may or can be sent."""
        now = self._now()
        values = {"webhook": webhook, "position": position, "attempts": attempts}
        await connection.execute(CLAIM, {**values, "next": now + wait_after(attempts, self._jitter())})
        if row is None:
            withdrawn = {"state": "WITHDRAWN", "problem": None, "settled": now}
            await connection.execute(SETTLE, values | withdrawn)
            return None
        try:
            body = msgspec.json.encode(cloud_event(row, self._source, obstacles))
        except EntryError:
            await connection.execute(SETTLE, values | {"state": "DEAD", "problem": UNMAKEABLE, "settled": now})
            return None
        return Letter(position, attempts, headers(secrets, message_id(webhook, position), now, body), body)

    async def _settled(self, webhook: UUID, made: Round, outcomes: Sequence[Outcome]) -> bool:
        """Write down what came of attempts; whether the subscriber may be sent more now."""
        now = self._now()
        async with self._transaction() as connection:
            for letter, outcome in zip(made.letters, outcomes, strict=True):
                await connection.execute(SETTLE, _settlement(webhook, letter, outcome, now))
            if any(isinstance(outcome, Gone) for outcome in outcomes):
                await connection.execute(END, (now, GONE, webhook))
                await connection.execute(BURY, {"webhook": webhook, "now": now, "problem": GONE})
                _log.warning("The webhook %s is ended: its receiver answered 410 Gone", webhook)
                return False
            away = [outcome for outcome in outcomes if isinstance(outcome, Failed) and outcome.away]
            if away:
                asked = max((one.retry_after or timedelta(0) for one in away), default=timedelta(0))
                rest = max(rest_after(made.failures + 1, self._jitter()), min(asked, RETRY_AFTER_MAX))
                await connection.execute(REST, (now + rest, webhook))
                _log.info("The webhook %s rests: %s", webhook, away[0].problem)
                return False
            if made.failures:
                # Somebody answers again: what failed meanwhile need not wait any longer.
                await connection.execute(BACK, (webhook,))
                await connection.execute(HASTEN, (now, webhook))
        return True


def _named(rows: Iterable[Row]) -> set[UUID]:
    """Return the obstacles that events name; of one that can be made no CloudEvent of, that is told later."""
    named: set[UUID] = set()
    for row in rows:
        with suppress(EntryError):
            named |= obstacles_named([row])
    return named


def _settlement(webhook: UUID, letter: Letter, outcome: Outcome, now: datetime) -> dict[str, Any]:
    """Return what is written of an attempt."""
    values = {"webhook": webhook, "position": letter.position, "attempts": letter.attempts}
    match outcome:
        case Delivered():
            return values | {"state": "DELIVERED", "problem": None, "settled": now}
        case Gone():
            return values | {"state": "DEAD", "problem": GONE, "settled": now}
        case Failed(problem=problem) if letter.attempts >= ATTEMPTS_MAX:
            return values | {"state": "DEAD", "problem": problem, "settled": now}
        case Failed(problem=problem):
            return values | {"state": "WAITING", "problem": problem, "settled": None}


async def _act_for(connection: AsyncConnection, principal: Principal) -> None:
    """Say for whom the rest of the transaction is."""
    await connection.execute(SET_PRINCIPAL, (principal_text(principal),))


async def _rows(connection: AsyncConnection, query: Any, values: Any) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query, values)).fetchall()


async def _settled_upto(connection: AsyncConnection) -> int:
    """Return up to where it is settled what the transaction's principal sees; -1 while nothing has been projected."""
    with suppress(errors.UndefinedTable):
        async with connection.transaction():
            ((upto,),) = await _rows(connection, SETTLED, None)
            return upto
    return -1
