"""Stopping what runs in the background: it comes to an end also where being told to once is not enough."""

import asyncio
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from knelpunt.infra.http import cancelling, tail
from knelpunt.infra.http.horizon import Horizon
from knelpunt.infra.http.tail import Tail

SECONDS_MAX = 2


class Pool:
    """A pool whose database is away, and whose check takes being cancelled for a broken connection, once."""

    def __init__(self) -> None:
        self.checking = asyncio.Event()
        self.took = 0

    async def check(self) -> None:
        self.checking.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            self.took += 1
            if self.took > 1:
                raise

    def connection(self) -> Any:
        raise psycopg.OperationalError


def test_the_horizon_stops_while_it_checks_its_connections() -> None:
    """It went on where it was told to stop, and was waited for for ever."""

    async def story() -> None:
        pool, woken = Pool(), Tail("")
        woken.changed.set()  # so that it does not rest after its first failure
        horizon = Horizon(pool, woken)  # pyright: ignore[reportArgumentType]  a pool as far as the horizon asks
        horizon.start()
        async with horizon.watching():
            await pool.checking.wait()
        await asyncio.wait_for(horizon.stop(), SECONDS_MAX)
        assert pool.took >= 1

    asyncio.run(story())


async def stopped_while(connecting: asyncio.Event) -> None:
    """Stop a tail that has just begun to connect."""
    watching = Tail("")
    watching.start()
    await connecting.wait()
    await asyncio.wait_for(watching.stop(), SECONDS_MAX)


def test_the_tail_stops_while_the_database_turns_it_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login that fails while it is waited for at the end is no reason to try another one."""
    connecting = asyncio.Event()

    async def connect(*_: object, **__: object) -> None:
        connecting.set()
        await asyncio.sleep(0.1)
        raise psycopg.OperationalError

    monkeypatch.setattr(tail.AsyncConnection, "connect", connect)

    asyncio.run(stopped_while(connecting))


class Connection:
    """A connection that knows whether it was closed."""

    closed = False

    async def close(self) -> None:
        self.closed = True


def test_the_tail_leaves_no_login_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is told to stop meanwhile: it waits for the connection, and closes it."""
    monkeypatch.setattr(cancelling, "AGAIN_SECONDS", 0.05)
    connection, connecting = Connection(), asyncio.Event()

    async def connect(*_: object, **__: object) -> Connection:
        connecting.set()
        await asyncio.sleep(0.3)
        return connection

    monkeypatch.setattr(tail.AsyncConnection, "connect", connect)

    asyncio.run(stopped_while(connecting))
    assert connection.closed


def test_cancelling_takes_as_often_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that have ended, well or not, are no trouble; those that go on are told until they have ended."""
    monkeypatch.setattr(cancelling, "AGAIN_SECONDS", 0.05)

    async def stubborn(times: int) -> None:
        for _ in range(times):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)

    async def failing() -> None:
        raise ValueError

    async def story() -> None:
        tasks = [asyncio.create_task(each) for each in (stubborn(1), stubborn(3), failing(), asyncio.sleep(3600))]
        await asyncio.sleep(0)
        await asyncio.wait_for(cancelling.cancel(tasks), SECONDS_MAX)
        assert all(task.done() for task in tasks)
        assert isinstance(tasks[2].exception(), ValueError)
        await cancelling.cancel([])

    asyncio.run(story())
