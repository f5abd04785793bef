"""Rows: commands that are durable when answered, 64 at a time and one at a time, against the stock application.

Both sides live the same cases, command by command, as their clients would: each client takes a case, opens it, and
sends its next command when the last one is answered. Ours are decided by the domain and their texts sealed; the stock
aggregate judges nothing and seals nothing, and stores JSON of the same size.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from itertools import count
from random import Random
from statistics import median
from threading import Lock
from time import perf_counter
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import structs

from knelpunt.domain.command import Command
from knelpunt.domain.event import API
from knelpunt.infra.bootstrap import DECIDERS, bootstrap, derived
from knelpunt.infra.store import codec
from knelpunt.infra.store.batch import Recorded
from knelpunt.infra.store.writer import Writer

from .generate import BEGIN, Told, case, registrations
from .laboratory import History, Laboratory
from .measuring import ROUNDS, Measure, Report, Row, alternate
from .opponents import stock

CLIENTS: Final = 64

SECONDS: Final = 2.0
"""How long the clients of a round send commands."""

ANSWER_SECONDS_MAX: Final = 60.0

OURS_MAX: Final = 12_000
"""Commands a second for which cases are made ready; clients that run out of cases would measure nothing."""

STOCK_MAX: Final = 4_000

UNDER_WAY: Final = 40
"""Commands more for each client: it keeps the case that it is at, of which a short round sees the beginning alone."""

_seeds = count(1)


def next_seed() -> int:
    """Return a seed that was not used before in this run."""
    return next(_seeds)


def rows(laboratory: Laboratory, report: Report, rounds: int = ROUNDS, seconds: float = SECONDS) -> list[Row]:
    """Measure with 64 clients, and with one."""
    ours_url = laboratory.migrated("bench_commands")
    stock_url = laboratory.empty("bench_stock_commands")
    tuned_url = laboratory.empty("bench_tuned_commands")
    with (
        bootstrap(ours_url, secrets.token_bytes(32)) as parts,
        stock.StockCases(stock.environment(stock_url)) as application,
        stock.StockCases(stock.tuned(tuned_url)) as tuned,
        ExitStack() as closing,
    ):
        for answer in [parts.writer.submit(as_sent(command)) for command in registrations()]:
            assert isinstance(answer.result(ANSWER_SECONDS_MAX), Recorded)
        loading = Writer(ours_url, parts.vault, DECIDERS, derived, events_kept_max=0)
        closing.callback(loading.close)
        measured: list[list[list[float]]] = []
        for clients in (CLIENTS, 1):
            report(f"commands: {clients} at a time, {rounds} rounds of {seconds:g} s each side")
            sides = (
                _ours(parts.writer, clients, seconds),
                _stock(application, clients, seconds),
                _stock(tuned, clients, seconds),
                _ours(loading, clients, seconds),
            )
            measured.append(alternate(sides, rounds))
        stored = application.recorder.max_notification_id() or 0
    laboratory.drop(ours_url)
    laboratory.drop(stock_url)
    laboratory.drop(tuned_url)
    (together, stock_together, tuned_together, loading_together), (alone, stock_alone, tuned_alone, loading_alone) = (
        measured
    )
    against = f"stock Application: repository.get, trigger, save ({stock.WRITERS} connections)"
    return [
        Row(
            key="commands-64",
            what=f"commands, {CLIENTS} at a time, each durable when answered (load, decide, append)",
            against=against,
            events=stored,
            unit="commands/s",
            ours=together,
            theirs=stock_together,
            at_least=10.0,
            details=_beside(together, tuned_together, loading_together),
            meaning=(
                f"{CLIENTS} clients, each with one command under way: the domain decides on its case, texts are "
                "sealed, the event is appended and on disk before the answer. Ours share commits, and keep the cases "
                "that are worked on at hand, behind a check of their versions; beside it, ours with every case loaded "
                "for every command. The stock recorder locks its table and writes to disk once a command."
            ),
        ),
        Row(
            key="commands-1",
            what="one command at a time, durable when answered (load, decide, append)",
            against=against,
            events=stored,
            unit="commands/s",
            ours=alone,
            theirs=stock_alone,
            at_least=1.5,
            details=_beside(alone, tuned_alone, loading_alone),
            meaning=(
                "One client that waits for each answer: what a command costs when it shares its commit with no other, "
                "which is one write to disk and the round trips around it."
            ),
        ),
    ]


def _beside(ours: list[float], tuned: list[float], loading: list[float]) -> dict[str, float | str]:
    """Return what is told beside: the stock recorder with its option for speed, and ours with nothing at hand."""
    name = "theirs with POSTGRES_ENABLE_DB_FUNCTIONS"
    return {
        f"{name}, commands/s": median(tuned),
        f"ratio to {name}": median(ours) / median(tuned),
        "ours, loading the case for each command, commands/s": median(loading),
    }


def cases_of(seed: int, commands: int) -> Iterator[list[Told]]:
    """Yield whole cases, of at least so many commands together, that no other seed has."""
    rng = Random(seed)
    made = 0
    while made < commands:
        told = case(rng, BEGIN + timedelta(days=rng.randrange(1_000), seconds=rng.randrange(86_400)))
        made += len(told)
        yield told


def _ours(writer: Writer, clients: int, seconds: float) -> Measure:
    def measure() -> float:
        made = cases_of(next_seed(), int(OURS_MAX * seconds) + UNDER_WAY * clients)
        return asyncio.run(
            _tasks(writer, [[as_sent(told.command) for told in each] for each in made], clients, seconds)
        )

    return measure


async def _tasks(writer: Writer, cases: Sequence[Sequence[Command]], clients: int, seconds: float) -> float:
    """Let clients work through cases for some seconds, as tasks of one loop: so the service hands commands in."""
    waiting = iter(cases)
    deadline = perf_counter() + seconds

    async def client() -> int:
        answered = 0
        while True:
            commands = next(waiting, None)
            assert commands is not None, "there were too few cases for these seconds"
            for command in commands:
                answer = await writer.ask(command)
                assert isinstance(answer, Recorded), answer
                answered += 1
                if perf_counter() > deadline:
                    return answered

    begun = perf_counter()
    answered = sum(await asyncio.gather(*(client() for _ in range(clients))))
    return answered / (perf_counter() - begun)


def as_sent(command: Command) -> Command:
    """Return a generated command as one that came in through the API."""
    return structs.replace(command, source=API)


def _stock(application: stock.StockCases, clients: int, seconds: float) -> Measure:
    def send(entry: tuple[UUID, int, dict[str, Any]]) -> None:
        stream, version, body = entry
        if version == 1:
            application.open(stream, body)
        else:
            application.record(stream, body)

    def measure() -> float:
        seed = next_seed()
        made = [
            [
                (event.stream, event.version, msgspec.json.decode(codec.encode(event)))
                for event in History(each, seed).events()
            ]
            for each in cases_of(seed, int(STOCK_MAX * seconds) + UNDER_WAY * clients)
        ]
        return _clients(made, send, clients, seconds)

    return measure


def _clients(cases: Sequence[Sequence[Any]], send: Callable[[Any], None], clients: int, seconds: float) -> float:
    """Let clients work through cases for some seconds, a thread each, since the stock application blocks."""
    waiting = iter(cases)
    turn = Lock()
    deadline = perf_counter() + seconds

    def client() -> int:
        answered = 0
        while True:
            with turn:
                commands = next(waiting, None)
            assert commands is not None, "there were too few cases for these seconds"
            for command in commands:
                send(command)
                answered += 1
                if perf_counter() > deadline:
                    return answered

    begun = perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        answered = sum(future.result() for future in [pool.submit(client) for _ in range(clients)])
    return answered / (perf_counter() - begun)
