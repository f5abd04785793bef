"""How a process of the service keeps its memory: what is garbage is looked for, and what is free is given back.

Schema, templates and libraries are half a million objects that never go. Python went through all of them once in a
dozen pages, which took a tenth of a second, and whoever asked just then waited for it (decisions/0055).

Whatever is larger than half a kilobyte Python asks of the C library. That of glibc, once a large piece was freed, no
longer gives pieces of that size back: it keeps a hole, of which the next small thing takes a corner. A table of ten
thousand entries that is laid out anew a few times a day may then cost its size each time. Such pieces are to be mapped
each by itself, and given back when they are freed (decisions/0066).
"""

import ctypes
import gc
import sys
from contextlib import suppress
from typing import Final

YOUNG_MAX: Final = 10_000
"""How many more objects may come than go before the youngest are looked through: some page's worth. At Python's own
700 that is done ten times a page, mostly to find that all of them are still in use."""

LARGE_BYTES: Final = 256 << 10
"""What is mapped by itself: more than a page of gaps takes, so that hardly any answer pays for mapping one, some
microseconds; and less than half of what those tables take."""

SPARE_BYTES: Final = 1 << 20
"""What is kept at the end of the heap for the next answer. Said because glibc, told of the one, stops finding out the
other: it would give back and ask for the same pages with each answer."""

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
"""Of ``mallopt`` in ``malloc.h``; see mallopt(3)."""


def settle() -> None:
    """Take all that there is by now for permanent. To be called once, when a process has all it needs to answer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX)


def give_back() -> None:
    """Have large pieces of memory given back when they are freed, where the C library lets itself be told (glibc)."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # musl has no mallopt, and gives such pieces back anyway
            tell = ctypes.CDLL(None).mallopt
            tell(_MMAP_THRESHOLD, LARGE_BYTES)
            tell(_TRIM_THRESHOLD, SPARE_BYTES)
