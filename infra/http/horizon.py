"""Up to when it is settled which gaps opened: looked at once for all subscriptions of a process, while there are any.

What a moment brought is settled when all that was recorded by then is projected and nothing more can be recorded
before it. Where the log goes on, its next events settle that by themselves. Where only time goes on, somebody has to
close the past (``knelpunt.settle``), which is done when something is due and not before.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ...projections.queries.openings import NEXT, SETTLING
from ..store import patience
from ..store.connection import REGISTRY, SET_PRINCIPAL, principal_text
from .cancelling import cancel
from .tail import POLL_SECONDS, RETRY_SECONDS, Tail

LOOK_SECONDS_MIN: Final = 0.02
"""How long to rest between two looks, however much is recorded: nobody notices, and closing the past is a commit."""

LAG_SECONDS_MIN: Final = 0.01
"""How soon to look again when projections lag: as long as a batch takes. Doubled each time, up to ``POLL_SECONDS``."""

STANDING: Final = """
SELECT p.position, e.recorded_at, p.position + 1 >= h.next_position, clock_timestamp()
  FROM read.projected p CROSS JOIN knelpunt.log_head h LEFT JOIN knelpunt.event e ON e.position = p.position
"""
SETTLE: Final = "SELECT knelpunt.settle(%s)"

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_log = logging.getLogger(__name__)


class Horizon:
    """Up to when openings are settled, and a signal for whoever waits for more; take it before looking."""

    def __init__(self, pool: AsyncConnectionPool[patience.AsyncConnection], tail: Tail) -> None:
        self._pool = pool
        self._tail = tail
        self._task: asyncio.Task[None] | None = None
        self._watchers = 0
        self._watched = asyncio.Event()
        self._lag = LAG_SECONDS_MIN
        self.until = _BEGINNING
        """What was due before this is settled."""
        self.changed = asyncio.Event()

    def start(self) -> None:
        """Begin to look whenever somebody watches, in the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            await cancel([self._task])

    @asynccontextmanager
    async def watching(self) -> AsyncGenerator[None]:
        """Have it looked until the end of the block."""
        self._watchers += 1
        self._watched.set()
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._watched.clear()

    async def _run(self) -> None:
        failed = False
        while True:
            await self._watched.wait()
            recorded = self._tail.changed
            try:
                if failed:
                    # Throws out the connections that a restart of the database broke.
                    await self._pool.check()
                pause = await self._look()
                failed = False
            except (psycopg.Error, PoolTimeout) as error:
                _log.info("looking which gaps opened: the database is away (%s)", type(error).__name__)
                failed, pause = True, RETRY_SECONDS
            await asyncio.sleep(LOOK_SECONDS_MIN)
            if pause > LOOK_SECONDS_MIN:
                await self._tail.wait(recorded, pause - LOOK_SECONDS_MIN)

    async def _look(self) -> float:
        """Settle what can be settled now; return for how many seconds there is no need to look again."""
        async with self._pool.connection() as connection:
            async with connection.transaction():
                await connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
                standing = await (await connection.execute(STANDING)).fetchone()
                assert standing is not None
                position, recorded_at, caught_up, now = standing
                found = await (await connection.execute(NEXT, {"from": self.until})).fetchone()
            due = None if found is None else found[0]
            if due is not None and recorded_at is not None and due < recorded_at - SETTLING:
                # All that was recorded by then is projected, and what comes is recorded later.
                self._advance(recorded_at)
                return 0
            if not caught_up:
                self._lag = min(2 * self._lag, POLL_SECONDS)
                return self._lag
            self._lag = LAG_SECONDS_MIN
            if due is None:
                return POLL_SECONDS
            wait = due + SETTLING - now
            if wait >= timedelta(0):
                return min(POLL_SECONDS, wait.total_seconds())
            settled = await (await connection.execute(SETTLE, (position,))).fetchone()
            if settled is not None and settled[0] is not None:
                self._advance(settled[0])
            return 0

    def _advance(self, moment: datetime) -> None:
        """Note that everything recorded by a moment is projected and that nothing more will be."""
        until = moment - SETTLING
        if until > self.until:
            self.until = until
            changed, self.changed = self.changed, asyncio.Event()
            changed.set()
