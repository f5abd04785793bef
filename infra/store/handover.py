"""Answers of the writer's thread for those who wait in an event loop: all that come together wake the loop once.

To wake it for each costs a write to the loop's own pipe, and the writer its turn at the interpreter each time: a fifth
of what a command costs where many come at once.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Pending(Protocol[T_contra]):
    """Where an answer goes: a ``concurrent.futures.Future``, or one that waits in a loop."""

    def set_running_or_notify_cancel(self) -> bool:
        """Return whether anybody still waits, when their turn has come."""
        ...

    def set_result(self, result: T_contra, /) -> None:
        """Give the answer."""
        ...

    def set_exception(self, exception: BaseException, /) -> None:
        """Tell that there is none."""
        ...


class Handover(Generic[T]):
    """The way of answers from other threads into one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand over to ``loop``; in the thread in which it runs."""
        self.loop = loop
        self._answers: deque[tuple[asyncio.Future[T], Callable[[], None]]] = deque()
        self._woken = False

    def awaited(self) -> "Awaited[T]":
        """Return where an answer goes that somebody in the loop waits for."""
        return Awaited(self, self.loop.create_future())

    def put(self, future: asyncio.Future[T], give: Callable[[], None]) -> None:
        """Have an answer given in the loop; from any thread."""
        self._answers.append((future, give))
        # Whoever is woken takes this back before looking, so nothing that is added here is left behind.
        if not self._woken:
            self._woken = True
            with suppress(RuntimeError):  # the loop is closed, and nobody waits in it any more
                self.loop.call_soon_threadsafe(self._give)

    def _give(self) -> None:
        self._woken = False
        while self._answers:
            future, give = self._answers.popleft()
            if not future.done():
                give()


class Awaited(Generic[T]):
    """A future in a loop that another thread answers."""

    __slots__ = ("_handover", "future")

    def __init__(self, handover: Handover[T], future: asyncio.Future[T]) -> None:
        """Answer ``future`` by way of ``handover``."""
        self._handover = handover
        self.future = future

    def set_running_or_notify_cancel(self) -> bool:
        """Return whether anybody still waits."""
        return not self.future.done()

    def set_result(self, result: T, /) -> None:
        """Give the answer."""
        self._handover.put(self.future, lambda: self.future.set_result(result))

    def set_exception(self, exception: BaseException, /) -> None:
        """Tell that there is none."""
        self._handover.put(self.future, lambda: self.future.set_exception(exception))
