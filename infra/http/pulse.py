"""Looks once a second at what a process has at hand: connections, and who waits for what."""

import asyncio
from typing import Final

from psycopg_pool import AsyncConnectionPool

from ..store.patience import AsyncConnection
from ..store.writer import Writer
from .measures import Measures

SECONDS: Final = 1.0
"""How often: some measures are only there to be looked at, and looking costs microseconds."""


async def pulse(measures: Measures, pool: AsyncConnectionPool[AsyncConnection], writer: Writer) -> None:
    """Note it until cancelled."""
    while True:
        found = pool.get_stats()
        idle = found.get("pool_available", 0)
        measures.pool.labels("idle").set(idle)
        measures.pool.labels("busy").set(found.get("pool_size", 0) - idle)
        measures.queue.set(found.get("requests_waiting", 0))
        measures.waiting.set(writer.waiting)
        await asyncio.sleep(SECONDS)
