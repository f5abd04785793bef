"""Shows where time goes: ``python -m benchmarks.profile rebuild --events 100000``, or ``commands``.

One worker in this process under cProfile, so the numbers are larger than those of a run, and their proportions count.
Times are of this process's processor alone, which other programs disturb little; the server's come on top.
"""

import argparse
import cProfile
import pstats
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from time import perf_counter, process_time

from knelpunt.infra.bootstrap import DECIDERS, derived
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store.batch import Desk, Recorded, Ticket, run_round
from knelpunt.infra.store.connection import DatabaseRole, connect_as_registry
from knelpunt.infra.store.directory import StoredDirectory
from knelpunt.infra.store.kept import KeptHistories
from knelpunt.infra.store.mapper import EventMapper
from knelpunt.infra.vault.vault import Vault

from .commands import CLIENTS, as_sent, cases_of, next_seed
from .generate import Told, registrations
from .laboratory import Laboratory, laboratory


def main() -> None:
    """Profile what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("what", choices=["rebuild", "commands"])
    parser.add_argument("--events", type=int, default=100_000, help="size of the generated registry, or commands")
    parser.add_argument("--lines", type=int, default=45, help="how many functions to show")
    parser.add_argument("--sort", default="tottime", choices=["tottime", "cumtime", "ncalls"])
    parser.add_argument("--output", type=Path, help="also write the profile here, for other viewers")
    arguments = parser.parse_args()
    profiler = cProfile.Profile(process_time)
    with laboratory() as place:
        if arguments.what == "rebuild":
            _rebuild(place, arguments.events, profiler)
        else:
            _commands(place, arguments.events, profiler)
    pstats.Stats(profiler).strip_dirs().sort_stats(arguments.sort).print_stats(arguments.lines)
    if arguments.output is not None:
        profiler.dump_stats(arguments.output)


def _rebuild(place: Laboratory, events: int, profiler: cProfile.Profile) -> None:
    begun = perf_counter()
    given = place.registry("bench_profile", events)
    print(f"generated and stored {given.events} events in {perf_counter() - begun:.1f} s")
    for workers in (1, 2):
        _timed(f"rebuild, {workers} workers", events, lambda workers=workers: rebuild(given.url, workers))
    profiler.runcall(rebuild, given.url, 1)


def _commands(place: Laboratory, commands: int, profiler: cProfile.Profile) -> None:
    """Run the writer's rounds in this thread, half of the clients in each: the others are being answered meanwhile."""
    url = place.migrated("bench_profile")
    vault = Vault(url, secrets.token_bytes(32))
    desk = Desk(DECIDERS, StoredDirectory(derived), vault, EventMapper(), KeptHistories())
    with connect_as_registry(url, DatabaseRole.APPENDER) as connection:

        def handle(sent: list[Ticket]) -> None:
            answered = run_round(connection, desk, sent).answered
            unrecorded = [answer for _, answer in answered if not isinstance(answer, Recorded)]
            assert not unrecorded, unrecorded[0]
            assert len(answered) == len(sent)

        handle([Ticket(each, vault.request_hash(each), Future()) for each in map(as_sent, registrations())])

        for sent in _batches(vault, commands):
            handle(sent)
        batches = _batches(vault, commands)
        _timed("commands", commands, lambda: [handle(sent) for sent in batches])
        batches = _batches(vault, commands)
        profiler.runcall(lambda: [handle(sent) for sent in batches])
    vault.close()


def _batches(vault: Vault, commands: int) -> list[list[Ticket]]:
    """Return so many commands as the batches of two halves of clients in turn, each of which has its own case."""
    cases = cases_of(next_seed(), commands + 40 * CLIENTS)
    lanes: list[Iterator[Told]] = [iter(()) for _ in range(CLIENTS)]
    batches: list[list[Ticket]] = []
    for number in range(commands // (CLIENTS // 2)):
        sent: list[Ticket] = []
        for lane in range(number % 2, CLIENTS, 2):
            told = next(lanes[lane], None)
            if told is None:
                lanes[lane] = iter(next(cases))
                told = next(lanes[lane])
            command = as_sent(told.command)
            sent.append(Ticket(command, vault.request_hash(command), Future()))
        batches.append(sent)
    return batches


def _timed(what: str, count: int, work: Callable[[], object]) -> None:
    begun, spent = perf_counter(), process_time()
    work()
    took, spent = perf_counter() - begun, process_time() - spent
    print(
        f"{what}, no profiler: {took:.2f} s, {count / took:,.0f} a second; "
        f"{1e6 * spent / count:.0f} µs each of this process's processor"
    )


if __name__ == "__main__":
    main()
