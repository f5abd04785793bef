"""Ends tasks that may miss being told to.

Whoever is handed a connection of a pool in the moment of being cancelled takes that and goes on, and so does who has a
pool check its connections: it takes being cancelled for a broken one. To tell them once and wait is to wait for ever.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

AGAIN_SECONDS: Final = 0.5
"""How long what is to stop may take before it is told to again; it may be tidying up after itself."""


async def cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, as often as it takes, and wait until they have ended."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=AGAIN_SECONDS)
