"""Loading many things at once: what is asked for in one turn of the event loop is fetched by one call.

So the fields of one level of a question cost one statement together, however many objects stand there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Batch(Generic[K, V]):
    """Things of one kind, each fetched once for the length of a request.

    ``fetch`` gets the keys asked for and returns a value or an exception for each; what it leaves out is ``KeyError``.
    """

    __slots__ = ("_asked", "_fetch", "_tasks", "_waiting", "known")

    def __init__(self, fetch: Callable[[Sequence[K]], Awaitable[Mapping[K, V | Exception]]]) -> None:
        self._fetch = fetch
        self._asked: dict[K, asyncio.Future[V]] = {}
        self._waiting: dict[K, asyncio.Future[V]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.known: dict[K, V] = {}

    async def load(self, key: K) -> V:
        """Return the thing of a key, with whatever else is being asked for at this moment."""
        if key in self.known:
            return self.known[key]
        # Shielded: whoever gives up waiting must not take it from the others who wait for the same.
        return await asyncio.shield(self._awaited(key))

    def _awaited(self, key: K) -> "asyncio.Future[V]":
        # Being fetched already, or about to be.
        future = self._asked.get(key)
        if future is None or future.cancelled():
            loop = asyncio.get_running_loop()
            if not self._waiting:
                loop.call_soon(self._dispatch)
            future = self._asked[key] = self._waiting[key] = loop.create_future()
        return future

    def _dispatch(self) -> None:
        waiting, self._waiting = self._waiting, {}
        task = asyncio.get_running_loop().create_task(self._settle(waiting))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(self, waiting: dict[K, "asyncio.Future[V]"]) -> None:
        try:
            found = await self._fetch(list(waiting))
        except Exception as error:  # noqa: BLE001  handed to all who wait
            for key, future in waiting.items():
                self._asked.pop(key, None)
                if not future.done():
                    future.set_exception(error)
            return
        for key, future in waiting.items():
            self._asked.pop(key, None)
            value = found.get(key, KeyError(key))
            if not isinstance(value, Exception):
                self.known[key] = value
            if future.done():
                continue
            if isinstance(value, Exception):
                future.set_exception(value)
            else:
                future.set_result(value)

    async def load_all(self, keys: Iterable[K]) -> None:
        """Load several, with whatever else is being asked for at this moment."""
        waiting = [self._awaited(key) for key in dict.fromkeys(keys) if key not in self.known]
        if waiting:
            await asyncio.shield(asyncio.gather(*waiting))

    async def look_ahead(self, keys: Iterable[K]) -> None:
        """Load several that will be asked for. What fails is told to whoever asks for it, and to nobody else."""
        waiting = [self._awaited(key) for key in dict.fromkeys(keys) if key not in self.known]
        if waiting:
            await asyncio.shield(asyncio.gather(*waiting, return_exceptions=True))
