"""Shows where the time of a rebuild goes: ``python -m benchmarks.profile rebuild --events 100000``.

One worker in this process under cProfile, so the numbers are larger than those of a run, and their proportions count.
Times are of this process's processor alone, which other programs disturb little; the server's come on top.
"""

import argparse
import cProfile
import pstats
from pathlib import Path
from time import perf_counter, process_time

from knelpunt.infra.projecting.rebuild import rebuild

from .laboratory import laboratory


def main() -> None:
    """Profile what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("what", choices=["rebuild"])
    parser.add_argument("--events", type=int, default=100_000, help="size of the generated registry")
    parser.add_argument("--lines", type=int, default=45, help="how many functions to show")
    parser.add_argument("--sort", default="tottime", choices=["tottime", "cumtime", "ncalls"])
    parser.add_argument("--output", type=Path, help="also write the profile here, for other viewers")
    arguments = parser.parse_args()
    with laboratory() as place:
        begun = perf_counter()
        given = place.registry("bench_profile", arguments.events)
        print(f"generated and stored {given.events} events in {perf_counter() - begun:.1f} s")
        for workers in (1, 2):
            begun, spent = perf_counter(), process_time()
            rebuild(given.url, workers)
            took, spent = perf_counter() - begun, process_time() - spent
            print(
                f"rebuild, workers {workers}, no profiler: {took:.2f} s, {given.events / took:,.0f} events/s; "
                f"{1e6 * spent / given.events:.0f} µs an event of this process's processor"
            )
        profiler = cProfile.Profile(process_time)
        profiler.runcall(rebuild, given.url, 1)
        statistics = pstats.Stats(profiler)
        statistics.strip_dirs().sort_stats(arguments.sort).print_stats(arguments.lines)
        if arguments.output is not None:
            profiler.dump_stats(arguments.output)


if __name__ == "__main__":
    main()
