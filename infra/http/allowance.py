"""How much one asker may have answered in a minute, so that nobody takes the registry from everybody else.

A token bucket for each principal (organisation and person): it holds a minute's worth, fills evenly, and each question
takes out what it may answer with before it is executed. Each process that serves counts for itself.
"""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Final

COST_PER_MINUTE: Final = 300_000
"""What one principal may have answered in a minute, in items: some 1,500 full pages, a quarter of what one process can.
A command counts as one."""

ASKERS_KEPT: Final = 10_000
"""Principals whose bucket is kept; the one that has not asked for the longest is forgotten first, and starts full."""

Principal = tuple[str | None, str]
"""The organisation and the person that a token names."""


class Allowance:
    """The buckets of all principals; none is limited if ``per_minute`` is 0."""

    def __init__(self, per_minute: int = COST_PER_MINUTE, clock: Callable[[], float] = monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[Principal, tuple[float, float]] = OrderedDict()
        """What was left, and when that was."""

    def take(self, principal: Principal, cost: int) -> float:
        """Take a cost out of a principal's bucket; return 0, or in how many seconds there will be enough in it.

        What costs more than a whole bucket is let through when the bucket is full, and leaves a debt.
        """
        if self._per_minute == 0:
            return 0.0
        now = self._clock()
        full = float(self._per_minute)
        left, then = self._buckets.pop(principal, (full, now))
        left = min(full, left + (now - then) * full / 60)
        needed = min(float(cost), full)
        wait = max(0.0, (needed - left) * 60 / full)
        self._buckets[principal] = (left if wait else left - cost, now)
        if len(self._buckets) > ASKERS_KEPT:
            self._buckets.popitem(last=False)
        return wait
