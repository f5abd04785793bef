"""What requests hold of the database and of a replica: nothing once they are answered, and meanwhile all there is."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from graph.given import Asked
from knelpunt.graphql.problems import Problem
from knelpunt.infra.http import replicas
from knelpunt.infra.http.origin import Origin
from knelpunt.infra.http.reading import SessionClosedError, reading_pool
from knelpunt.infra.http.replicas import Floors, Replica, Replicas, floor_of
from knelpunt.infra.store.patience import AsyncConnection

ORIGIN = Origin("test")
POSITION = "{ registry { position } }"
FAILS_AT_ONCE = "query($b: Boolean = true) { registry { position } viewer { role @include(if: $b) } }"
"""With null for the variable, ``viewer`` fails before ``registry`` has begun, and the answer does not wait for it."""


def available(pool: AsyncConnectionPool[AsyncConnection]) -> int:
    return pool.get_stats().get("pool_available", 0)


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def replica_of(asked: Asked, size: int) -> AsyncGenerator[Replica]:
    """The main database as a replica of itself, which questions go to until the end of the block."""
    replica = Replica("itself", reading_pool(asked.url, size))
    await replica.pool.open(wait=True)
    asked.running.replicas = Replicas([replica], Floors(lambda: floor_of(asked.running.pool)))
    try:
        yield replica
    finally:
        asked.running.replicas = None
        await replica.pool.close()


@pytest.fixture
def own_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a server count as a replica that is none."""
    monkeypatch.setattr(replicas, "STANDS_BY", b"; SELECT true, origin FROM knelpunt.registry")


@asynccontextmanager
async def pool_of(asked: Asked, where: str) -> AsyncGenerator[AsyncConnectionPool[AsyncConnection]]:
    """Give the connections that questions take: those of the main database, or of a replica."""
    if where == "primary":
        await asked.running.pool.wait()
        yield asked.running.pool
    else:
        async with replica_of(asked, 2) as replica:
            await replica.pool.wait()
            yield replica.pool


@pytest.mark.parametrize("where", ["primary", "replica"])
def test_what_runs_on_after_the_answer_takes_no_connection(asked: Asked, own_replica: None, where: str) -> None:
    """Otherwise anybody with a token could take all there are, and nobody would be answered any more."""

    async def story() -> None:
        async with pool_of(asked, where) as pool:
            size = available(pool)
            for _ in range(9):
                found = await asked.running.ask(asked.asker(), FAILS_AT_ONCE, {"b": None})
                assert found["data"] is None, found
                # What was left over begins now.
                await asyncio.sleep(0.05)
            await until(lambda: available(pool) == size)
            assert "errors" not in await asked.running.ask(asked.asker(), POSITION)

    asked.run(story())


@pytest.mark.parametrize("where", ["primary", "replica"])
def test_a_session_that_is_closed_while_it_waits_keeps_nothing(asked: Asked, own_replica: None, where: str) -> None:
    """What it waited for, as all were taken, is given back as it comes."""

    async def story() -> None:
        async with pool_of(asked, where) as pool:
            taken = [await pool.getconn() for _ in range(available(pool))]
            async with asked.running.session(asked.asker(), ORIGIN, asked.running.replicas) as session:
                pinning = asyncio.create_task(session.pin())
                await until(lambda: pool.get_stats().get("requests_waiting", 0) == 1)
            for connection in taken:
                await pool.putconn(connection)
            with pytest.raises(SessionClosedError):
                await pinning
            await until(lambda: available(pool) == len(taken))

    asked.run(story())


def test_a_closed_session_answers_nothing(asked: Asked) -> None:
    """Nor does it ask: its snapshot is over, and another one may say something else."""

    async def story() -> None:
        async with asked.running.session(asked.asker(), ORIGIN) as session:
            await session.pin()
        with pytest.raises(SessionClosedError):
            await session.pin()
        with pytest.raises(SessionClosedError):
            await session.reach(0)
        with pytest.raises(SessionClosedError):
            await session.head()

    asked.run(story())


def answered(asked: Asked) -> dict[str, float]:
    """How many questions each kind of server answered."""
    return {by: asked.running.measures.questions.labels(by)._value.get() for by in ("replica", "primary")}


def test_a_busy_replica_is_not_passed_over(asked: Asked, own_replica: None) -> None:
    """What it has no connection for, the main database answers; it has the next question as soon as one is free."""

    async def story() -> None:
        async with replica_of(asked, 2) as replica, AsyncExitStack() as open_:
            sessions = [
                await open_.enter_async_context(asked.running.session(asked.asker(), ORIGIN, asked.running.replicas))
                for _ in range(2)
            ]
            for session in sessions:
                await session.pin()
            assert answered(asked) == {"replica": 2, "primary": 0}
            assert "errors" not in await asked.running.ask(asked.asker(), POSITION)
            assert answered(asked) == {"replica": 2, "primary": 1}
            assert not replica.rests
            await sessions[0].close()
            assert "errors" not in await asked.running.ask(asked.asker(), POSITION)
            assert answered(asked) == {"replica": 3, "primary": 1}

    asked.run(story())


def test_a_replica_that_breaks_under_a_question_is_passed_over(asked: Asked, own_replica: None) -> None:
    """Who asked is told so, to have the main database asked."""

    async def story() -> None:
        async with (
            replica_of(asked, 2) as replica,
            asked.running.session(asked.asker(), ORIGIN, asked.running.replicas) as session,
        ):
            await session.pin()
            async with await psycopg.AsyncConnection.connect(asked.url, autocommit=True) as owner:
                await owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND state = 'idle in transaction'"
                )
            with pytest.raises(Problem):
                await session.head()
            assert session.replica_failed
            assert replica.rests

    asked.run(story())


def test_a_replica_that_cannot_be_reached_is_passed_over(asked: Asked) -> None:
    """As none of its connections is in use, waiting for one is in vain."""

    async def story() -> None:
        away = Replica("away", reading_pool("postgresql://nobody@127.0.0.1:1/nothing", 2))
        await away.pool.open(wait=False)
        try:
            assert await away.pinned(b"BEGIN", await floor_of(asked.running.pool)) is None
            assert away.rests
        finally:
            await away.pool.close()

    asked.run(story())
