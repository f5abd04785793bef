"""What a process miner does with a log in PM4Py: read it, discover the handover of work, and count rework.

Run by the interpreter of an environment that has PM4Py: ``python mining.py LOG ROUNDS``. Prints, for each round, its
seconds and what was found, as a line of JSON. Loading the library comes before and is not counted.
"""

import json
import sys
from time import perf_counter

import pm4py  # pyright: ignore[reportMissingImports]  it is in an environment of its own


def main(log: str, rounds: int) -> None:
    """Mine a log so many times."""
    for _ in range(rounds):
        begun = perf_counter()
        read = pm4py.read_xes(log)
        network = pm4py.discover_handover_of_work_network(read, resource_key="org:group")
        rework = pm4py.get_rework_cases_per_activity(read)
        took = perf_counter() - begun
        found = {"events": len(read), "handovers": len(network.connections), "reworked": sum(rework.values())}
        print(json.dumps({"seconds": took, **found}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
