"""How long processors worked for this program and for its database, where Linux tells of that.

Where other work keeps the machine busy, that says more of what something costs than the clock does.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from os import sysconf
from pathlib import Path
from time import process_time
from typing import Final

PROCESSES: Final = Path("/proc")

NANOSECONDS_A_MS: Final = 1_000_000


def parents() -> dict[int, int]:
    """Return the parent of each process of this machine; nothing where it is not told."""
    found: dict[int, int] = {}
    for stat in PROCESSES.glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            # The program's name stands in parentheses, and may hold some itself.
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    return found


def below(roots: AbstractSet[int]) -> Iterator[int]:
    """Yield some processes and those that they started, and those that these did."""
    above_each = parents()
    for process in above_each:
        above: int | None = process
        while above is not None and above not in roots:
            above = above_each.get(above)
        if above is not None:
            yield process


def parent_of(process: int) -> int | None:
    """Return which process started one; none where it is not told."""
    return parents().get(process)


def worked_seconds(process: int) -> float:
    """Return the processor time that a process has used so far, all its threads, in its own code and in the kernel.

    Raises ``OSError`` if it has ended.
    """
    fields = (PROCESSES / str(process) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / sysconf("SC_CLK_TCK")


def processor_ms(server: int | None) -> float:
    """Return the milliseconds of this process and of those that work for a server so far; 0 where it is not told."""
    if server is None:
        return 0.0
    worked = 0
    for process, parent in parents().items():
        if parent == server:
            with suppress(OSError):
                worked += int((PROCESSES / str(process) / "schedstat").read_text().split()[0])
    return process_time() * 1000 + worked / NANOSECONDS_A_MS
