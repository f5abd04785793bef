"""Connections that do not wait for ever for a server that takes a question and never answers.

The limits on statements are the server's own, and stand still with it: a machine that hangs, a disk that does not come
back, processes that are stopped. So whoever waits counts for themselves, and lets go of the connection.
"""

from typing import Final, TypeVar

import psycopg
from psycopg.abc import PQGen

INTERVAL_SECONDS: Final = 0.1
"""How often to look for a signal meanwhile, as psycopg does of itself."""

MESSAGE: Final = "the server took a statement and has not answered"

T = TypeVar("T")


class Unanswered(psycopg.OperationalError):
    """The server took a statement and said nothing in time; what became of it is not known."""


class Connection(psycopg.Connection):
    """A connection whose statements take ``patience`` seconds at most; none: as long as they take."""

    patience: float | None = None

    def wait(self, gen: PQGen[T], interval: float = INTERVAL_SECONDS, timeout: float | None = None) -> T:
        """Wait for the server. Raises ``Unanswered``, and is closed then."""
        if timeout is not None:  # the end of who waits for notifications, and not for an answer
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  to be converted, it says
            # Nothing is asked of it any more, not even to stop: that, too, would have to be waited for.
            self.pgconn.finish()
            raise Unanswered(MESSAGE) from None


class AsyncConnection(psycopg.AsyncConnection):
    """The same, for a loop."""

    patience: float | None = None

    async def wait(self, gen: PQGen[T], interval: float = INTERVAL_SECONDS, timeout: float | None = None) -> T:  # noqa: ASYNC109  as psycopg has it
        """Wait for the server. Raises ``Unanswered``, and is closed then."""
        if timeout is not None:  # the end of who waits for notifications, and not for an answer
            return await super().wait(gen, interval, timeout)
        try:
            return await super().wait(gen, interval, self.patience)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  to be converted, it says
            self.pgconn.finish()
            raise Unanswered(MESSAGE) from None
