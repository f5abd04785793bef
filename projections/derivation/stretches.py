"""Clipping intervals to the time that an obstacle is open.

A gap cannot run while its obstacle is settled. A settled stretch at an edge moves the edge; one in the middle leaves
the gap one gap, whose length is that of its pieces.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from .shapes import NO_TIME

Stretch = tuple[datetime, datetime | None]
"""A stretch ``[from, until)`` of being open; an ``until`` of none: open still."""


class Clipped(Struct, frozen=True, gc=False):
    """What is left of an interval: its edges, how long its ended pieces lasted, and where the running one began."""

    from_: datetime
    until: datetime | None
    pieces: timedelta
    running_from: datetime | None


def clip(from_: datetime, until: datetime | None, stretches: Sequence[Stretch]) -> Clipped | None:
    """Return what of ``[from_, until)`` lies in ``stretches`` (in order, disjoint), or none if nothing does.

    An interval without an end stays without one only if the last stretch has none.
    """
    last = stretches[-1]
    if from_ >= last[0] and last[1] is None:
        # Nearly always: it began after the obstacle last opened.
        if until is None:
            return Clipped(from_, None, NO_TIME, from_)
        return Clipped(from_, until, until - from_, None) if until > from_ else None
    begin: datetime | None = None
    end: datetime | None = None
    pieces = NO_TIME
    running_from: datetime | None = None
    for opened, settled in stretches:
        start = max(opened, from_)
        stop = settled if until is None else until if settled is None else min(settled, until)
        if stop is None:
            begin, end, running_from = begin or start, None, start
        elif stop > start:
            begin, end, pieces = begin or start, stop, pieces + (stop - start)
    return None if begin is None else Clipped(begin, end, pieces, running_from)
