"""How many processors this program may use, which may be fewer than the machine has."""

import os


def processors() -> int:
    """Return how many processors this process may run on, at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
