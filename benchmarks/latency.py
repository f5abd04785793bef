"""Row: how long after its commit an event can be asked for, at a steady 500 commands a second.

The projector runs in a process of its own, as it does beside the service. An event can be asked for when the position
that queries read has reached it; a reader looks every two milliseconds, and what that adds is counted in.
"""

import asyncio
import secrets
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from os import environ
from threading import Event as Signal
from threading import Thread
from time import perf_counter, sleep
from typing import Final

import psycopg

from knelpunt.domain.command import Command
from knelpunt.infra.bootstrap import Parts, bootstrap
from knelpunt.infra.settings import DATABASE_URL
from knelpunt.infra.store.batch import Recorded
from knelpunt.infra.store.connection import DatabaseRole, connect

from .commands import as_sent, cases_of, next_seed
from .generate import Told, registrations
from .laboratory import Laboratory
from .measuring import Report, Row, percentile

RATE: Final = 500
SECONDS: Final = 10.0
WARM_UP_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.002
READY_SECONDS_MAX: Final = 30.0


def row(laboratory: Laboratory, report: Report, seconds: float = SECONDS) -> Row:
    """Measure with a projector beside."""
    report(f"commit to answerable: {RATE} commands a second for {seconds:g} s")
    url = laboratory.migrated("bench_latency")
    with bootstrap(url, secrets.token_bytes(32)) as parts:
        for answer in [parts.writer.submit(as_sent(command)) for command in registrations()]:
            answer.result(READY_SECONDS_MAX)
        with projector(url), connect(url, DatabaseRole.READER) as reader, watched(lambda: _position(reader)) as seen:
            answered: list[tuple[int, float]] = []
            behind = asyncio.run(sent(parts, RATE, seconds, lambda position, at: answered.append((position, at))))
            waited = waits(seen, answered)
    laboratory.drop(url)
    return Row(
        key="answerable",
        what=f"commit to answerable at {RATE} events/s",
        against="nobody: a limit of its own",
        events=len(answered),
        unit="ms",
        ours=waited,
        theirs=[],
        limited="p99",
        limited_value=percentile(waited, 99),
        limit=250.0,
        details={
            "sent a second": len(answered) / seconds,
            "p50, ms": percentile(waited, 50),
            "how far the sender fell behind its own clock at most, ms": behind * 1000,
        },
        meaning=(
            "From the moment at which a command was answered, its event being on disk, to the moment at which queries "
            "see it: the projector is told, folds the case on, and commits rows and position together."
        ),
    )


async def sent(parts: Parts, rate: float, seconds: float, told: Callable[[int, float], object]) -> float:
    """Send so many commands a second, many cases side by side, for some seconds after a warm-up.

    Each answer that counts is ``told``, its position and the moment of it on the performance counter. Return by how
    many seconds the sender fell behind its own clock at most.
    """
    begin = perf_counter() + WARM_UP_SECONDS
    end = begin + seconds
    behind = 0.0

    async def send(command: Command) -> None:
        answer = await asyncio.wrap_future(parts.writer.submit(as_sent(command)))
        assert isinstance(answer, Recorded), answer
        if perf_counter() > begin:
            told(answer.position, perf_counter())

    cases = cases_of(next_seed(), int(rate * (seconds + WARM_UP_SECONDS) * 2))
    # Sixty-four cases side by side; the commands of one are always sent in their order.
    lanes: list[Iterator[Told]] = [iter(()) for _ in range(64)]
    under_way: set[asyncio.Task[None]] = set()
    due = perf_counter()
    turn = 0
    while perf_counter() < end:
        following = next(lanes[turn % 64], None)
        if following is None:
            lanes[turn % 64] = iter(next(cases))
            continue
        turn += 1
        await asyncio.sleep(max(0.0, due - perf_counter()))
        behind = max(behind, perf_counter() - due)
        task = asyncio.create_task(send(following.command))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        due += 1 / rate
    await asyncio.gather(*under_way)
    return behind


@contextmanager
def projector(url: str) -> Generator[int]:
    """Have a projector follow the log in a process of its own, as the service has; gives that process."""
    child = subprocess.Popen(
        [sys.executable, "-m", "knelpunt.infra.serving.projector"],
        stdin=subprocess.PIPE,
        env={**environ, DATABASE_URL: url},
    )
    assert child.stdin is not None
    try:
        yield child.pid
    finally:
        child.stdin.close()
        child.wait(READY_SECONDS_MAX)


@contextmanager
def watched(position: Callable[[], int]) -> Generator[list[tuple[int, float]]]:
    """Give a list that grows by each position that is come to, and when; it begins when there is one."""
    seen: list[tuple[int, float]] = []
    stop = Signal()
    deadline = perf_counter() + READY_SECONDS_MAX
    while position() < 0:
        assert perf_counter() < deadline, "nothing follows the log"
        sleep(0.1)

    def look() -> None:
        while not stop.wait(LOOK_SECONDS):
            now = position()
            if not seen or now > seen[-1][0]:
                seen.append((now, perf_counter()))

    thread = Thread(target=look, name="bench-reader", daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def _position(reader: psycopg.Connection) -> int:
    try:
        row = reader.execute("SELECT position FROM read.projected").fetchone()
    except psycopg.errors.UndefinedTable:
        return -1
    assert row is not None
    return int(row[0])


def waits(seen: list[tuple[int, float]], answered: list[tuple[int, float]]) -> list[float]:
    """Return, in ms, how long after each answer its position was come to; waits for the last one."""
    last = max(position for position, _ in answered)
    deadline = perf_counter() + READY_SECONDS_MAX
    while not seen or seen[-1][0] < last:
        assert perf_counter() < deadline, "what follows the log fell behind for good"
        sleep(LOOK_SECONDS)
    reached = [position for position, _ in seen]
    return [(seen[bisect_left(reached, position)][1] - at) * 1000 for position, at in answered]
