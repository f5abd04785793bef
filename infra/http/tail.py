"""The end of the log, watched by one connection for all subscriptions of a process: it wakes them, and reads nothing.

A notification that got lost costs them a second, since each also looks by itself that often.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Final

import psycopg
from psycopg import AsyncConnection

from ..store.connection import DatabaseRole, address
from ..store.recorder import CHANNEL
from .cancelling import cancel

POLL_SECONDS: Final = 1.0
"""How often a subscription looks without having been woken."""

RETRY_SECONDS: Final = 1.0
"""How long to wait before listening again after the database went away."""

_log = logging.getLogger(__name__)


class Tail:
    """Wakes whoever waits for new events. ``changed`` is the signal to wait for; take it before looking."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch, in the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self) -> None:
        """Stop watching."""
        if self._task is not None:
            await cancel([self._task])

    async def wait(self, changed: asyncio.Event, seconds: float) -> None:
        """Wait for a signal taken earlier, or for so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await changed.wait()
        except TimeoutError:
            pass

    def _wake(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    async def _watch(self) -> None:
        while True:
            try:
                async with await self._connected() as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self._wake()
                    async for _ in connection.notifies():
                        self._wake()
            except psycopg.Error as error:
                _log.info("listening for new events: the database is away (%s)", type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)

    async def _connected(self) -> AsyncConnection:
        """Return a connection. A login is not left half done when it is time to stop: the server would wait for it."""
        connecting = asyncio.ensure_future(
            AsyncConnection.connect(address(self._url, DatabaseRole.READER), autocommit=True)
        )
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            while not connecting.done():
                with suppress(asyncio.CancelledError):  # who is told to stop is told again
                    await asyncio.wait({connecting})
            if connecting.exception() is None:
                await connecting.result().close()
            raise
