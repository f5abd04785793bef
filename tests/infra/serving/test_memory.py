"""Memory that a process of the service is done with."""

import platform
import subprocess
import sys

import pytest

HOLES = """
import sys
from pathlib import Path
from knelpunt.infra.serving import memory

def held():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss_Anon:"))

if sys.argv[1] == "told":
    memory.give_back()
for _ in range(3):
    large = bytearray(8_000_000)  # from now on glibc, unless told, gives nothing back that is smaller
    del large
before, tables, small = held(), [], []
for _ in range(40):
    tables.append(bytearray(600_000))
    tables[-1][::4096] = b"." * len(tables[-1][::4096])  # all of its pages are in use
    small.append(bytearray(20_000))
del tables
print(held() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps holes, and is told not to")
def test_large_pieces_are_given_back_however_small_ones_lie_between() -> None:
    """Forty tables of 600 kB are gone with their memory; unless glibc is told, it keeps nearly all of it."""
    kept = {
        told: int(subprocess.run([sys.executable, "-c", HOLES, told], check=True, capture_output=True).stdout)
        for told in ("told", "not")
    }
    assert kept["told"] < 2_000_000
    assert kept["not"] > 10_000_000, "glibc does better by itself now: see whether it has still to be told"
