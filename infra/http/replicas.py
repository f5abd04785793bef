"""Questions answered by streaming replicas, and never behind what anybody was shown before.

Before a question is answered by a replica the main database is asked how far its projections are, once for all
questions that arrive together; a replica that has not come that far is waited for a moment, and then passed over. So
whichever replica answers, and whichever process asks it, no answer goes back. See docs/decisions/0045.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from random import sample
from time import monotonic
from typing import Any, Final

import psycopg
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ..observing.lines import tell
from ..store.connection import REGISTRY, SET_PRINCIPAL, principal_text
from ..store.patience import AsyncConnection

CATCH_UP_SECONDS_MAX: Final = 0.25
"""How long a question waits for a replica to take in what was just projected: on one network, milliseconds."""

CATCH_UP_STEP_SECONDS: Final = 0.01

TURN_SECONDS_MAX: Final = 0.25
"""How long a question waits for a connection to a replica before another one, or the main database, answers it."""

REST_SECONDS: Final = 1.0
"""For how long a replica is passed over that was away or behind; twice as long each time."""

REST_SECONDS_MAX: Final = 15.0
"""How long it takes at most until a replica that is back is asked again."""

FLOOR: Final = (
    "SELECT p.position, h.next_position - 1, r.origin "
    "FROM read.projected p CROSS JOIN knelpunt.log_head h CROSS JOIN knelpunt.registry r"
)
STANDS_BY: Final = b"; SELECT pg_is_in_recovery(), origin FROM knelpunt.registry"
"""Whether a server still is a replica, and of which registry: one that was promoted goes its own way from then on."""

_log = logging.getLogger(__name__)


class Floor(Struct, frozen=True):
    """How far the main database is: its projections, its log; and which registry it holds."""

    projected: int
    head: int
    registry: str


async def floor_of(pool: AsyncConnectionPool[AsyncConnection]) -> Floor:
    """Return how far the main database is, over connections to it. Raises ``psycopg.Error`` and ``PoolTimeout``."""
    try:
        return await _floor(pool)
    except psycopg.OperationalError:
        # Connections that a restart of the database broke are thrown out, and another one is tried.
        await pool.check()
        return await _floor(pool)


async def _floor(pool: AsyncConnectionPool[AsyncConnection]) -> Floor:
    async with pool.connection() as connection, connection.transaction():
        await connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
        row = await (await connection.execute(FLOOR)).fetchone()
    assert row is not None
    return Floor(*row)


class Floors:
    """Says how far the main database is, as of after it was asked; those who ask while it looks share the next look."""

    def __init__(self, look: Callable[[], Awaitable[Floor]]) -> None:
        self._look = look
        self._under_way: asyncio.Task[Floor] | None = None
        self._next: asyncio.Task[Floor] | None = None

    async def now(self) -> Floor:
        """Return it. Raises what looking raises."""
        if self._next is None:
            # The look that is under way may have happened before this question arrived.
            self._next = asyncio.get_running_loop().create_task(self._after(self._under_way))
        return await asyncio.shield(self._next)

    async def _after(self, before: asyncio.Task[Floor] | None) -> Floor:
        if before is not None:
            await asyncio.wait({before})
        self._under_way, self._next = self._next, None
        return await self._look()


class Pin(Struct, frozen=True):
    """A connection to a replica in a transaction that sees one moment, whose it is, and that moment."""

    connection: AsyncConnection
    replica: "Replica"
    row: tuple[Any, ...]


class _Behind(Exception):  # noqa: N818  an end on its way
    """A replica cannot answer this question; the message says why."""


class Replica:
    """One replica: its connections, and until when it is passed over."""

    def __init__(self, name: str, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self.name = name
        self.pool = pool
        self._out = 0
        """How many of its connections are in use."""
        self._rest = REST_SECONDS
        self._until = 0.0
        self._looking_over: asyncio.Task[None] | None = None

    @property
    def rests(self) -> bool:
        """Whether it is passed over."""
        return monotonic() < self._until

    async def pinned(self, begin: bytes, floor: Floor) -> Pin | None:
        """Return a transaction that sees at least the floor; none if it cannot be had now."""
        try:
            found = await self._pinned(begin, floor)
        except (psycopg.Error, PoolTimeout, _Behind) as error:
            # Where some are in use it is there and has much to do: passed over, it would leave all of that to the main
            # database.
            busy = isinstance(error, PoolTimeout) and self._out > 0
            if not busy:
                self._failed(str(error) if isinstance(error, _Behind) else type(error).__name__)
            if isinstance(error, psycopg.OperationalError) and not isinstance(error, PoolTimeout):
                self._look_over()
            return None
        if self._until:
            tell(_log, "a replica answers again", replica=self.name)
        self._rest, self._until = REST_SECONDS, 0.0
        return found

    async def close(self) -> None:
        """Close all connections."""
        if self._looking_over is not None:
            self._looking_over.cancel()
        await self.pool.close()

    async def take_back(self, connection: AsyncConnection) -> None:
        """Take back the connection of a pin."""
        self._out -= 1
        await self.pool.putconn(connection)

    def lost(self) -> None:
        """Pass it over: its connection broke under a question."""
        self._failed("it went away while it answered")
        self._look_over()

    def _failed(self, why: str) -> None:
        if not self.rests:
            _log.warning("the replica %s is passed over for %s s: %s", self.name, round(self._rest), why)
            self._until = monotonic() + self._rest
            self._rest = min(2 * self._rest, REST_SECONDS_MAX)

    def _look_over(self) -> None:
        """Begin to throw out what broke along with one connection: found by a question each, each would cost a rest.

        No question waits for it: a host that vanished is found out after seconds.
        """
        if self._looking_over is None or self._looking_over.done():
            self._looking_over = asyncio.get_running_loop().create_task(self._checked())

    async def _checked(self) -> None:
        with suppress(psycopg.OperationalError):  # the pool may be closed meanwhile
            await self.pool.check()

    async def _pinned(self, begin: bytes, floor: Floor) -> Pin:
        deadline = monotonic() + CATCH_UP_SECONDS_MAX
        while True:
            connection = await self.pool.getconn(TURN_SECONDS_MAX)
            self._out += 1
            try:
                row = await _begun(connection, begin, floor)
                if row[0] >= floor.projected:
                    return Pin(connection, self, row)
                await connection.rollback()
            except BaseException:
                await connection.close()
                await self.take_back(connection)
                raise
            await self.take_back(connection)
            if monotonic() > deadline:
                raise _Behind(f"it is {floor.projected - row[0]} events behind")
            await asyncio.sleep(CATCH_UP_STEP_SECONDS)


async def _begun(connection: AsyncConnection, begin: bytes, floor: Floor) -> tuple[Any, ...]:
    """Begin the transaction; return where the replica is. Raises ``_Behind`` where it is none of this registry's."""
    cursor = await connection.execute(begin + STANDS_BY)
    cursor.nextset()
    cursor.nextset()
    row = await cursor.fetchone()
    cursor.nextset()
    standing = await cursor.fetchone()
    if row is None or standing is None:
        raise _Behind("it holds no projections")
    stands_by, registry = standing
    if registry != floor.registry:
        raise _Behind("it holds another registry")
    if not stands_by:
        raise _Behind("it is no replica any more: it was promoted")
    return row


class Replicas:
    """Any number of replicas, asked in any order."""

    def __init__(self, replicas: Sequence[Replica], floors: Floors) -> None:
        self._replicas = replicas
        self._floors = floors

    async def open(self) -> None:
        """Begin to connect; those that are away are asked when they are back."""
        for replica in self._replicas:
            await replica.pool.open(wait=False)

    async def close(self) -> None:
        """Close all connections."""
        for replica in self._replicas:
            await replica.close()

    async def pinned(self, begin: bytes) -> tuple[Pin, Floor] | None:
        """Return a transaction on a replica that is not behind the main database as of now, or none."""
        able = [replica for replica in self._replicas if not replica.rests]
        if not able:
            return None
        floor = await self._floors.now()
        for replica in sample(able, len(able)):
            found = await replica.pinned(begin, floor)
            if found is not None:
                return found, floor
        return None


def name_of(url: str) -> str:
    """Return how lines call a replica: by its host and port, and nothing of who logs in."""
    given = conninfo_to_dict(url)
    return f"{given.get('host') or 'localhost'}:{given.get('port') or 5432}"
