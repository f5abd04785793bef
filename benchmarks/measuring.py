"""How a figure is taken: two things in one run, A B A B, after a warm-up each, and the medians of what they did."""

import gc
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from time import perf_counter
from typing import Final

from msgspec import Struct

ROUNDS: Final = 5
"""How often each side is measured: the median then bears two disturbed rounds."""

Measure = Callable[[], float]
"""Does the work once and returns its figure, in the row's unit."""

Report = Callable[[str], None]
"""Told what is being done."""


class Row(Struct, kw_only=True):
    """One comparison at one size: every sample of both sides, what is to be reached, and what it means.

    The ratio is ours divided by theirs, of medians. ``at_least`` is the ratio to reach where more is better;
    ``at_most`` where less is. Where a limit holds for our figure itself, ``limit`` is that, of ``limited``.
    ``theirs`` is empty where there is nobody to compare with.
    """

    key: str
    what: str
    against: str
    events: int
    unit: str
    ours: list[float]
    theirs: list[float]
    at_least: float | None = None
    at_most: float | None = None
    limited: str | None = None
    limited_value: float | None = None
    limit: float | None = None
    limit_unit: str | None = None
    """The unit of ``limit``, if it is another than the row's."""
    meaning: str
    details: dict[str, float | str] = {}

    @property
    def ours_median(self) -> float:
        return median(self.ours)

    @property
    def theirs_median(self) -> float | None:
        return median(self.theirs) if self.theirs else None

    @property
    def ratio(self) -> float | None:
        theirs = self.theirs_median
        return None if theirs is None else self.ours_median / theirs

    def reached(self, share: float = 1.0) -> bool:
        """Return whether the figures reach their targets, or a share of them (0.5: half)."""
        ratio = self.ratio
        return all(
            (
                self.at_least is None or (ratio is not None and ratio >= self.at_least * share),
                self.at_most is None or (ratio is not None and ratio <= self.at_most / share),
                self.limit is None or (self.limited_value is not None and self.limited_value <= self.limit / share),
            )
        )


class Line(Struct, frozen=True):
    """The share of a path's time that one function took itself, and with all that it called; 1 is the whole."""

    function: str
    own: float
    with_called: float


class Profile(Struct, frozen=True):
    """Where time went on a path: microseconds of processor for each thing, while samples were taken and without."""

    path: str
    things: str
    plain_us: float
    sampled_us: float
    samples: int
    lines: list[Line]


def alternate(sides: Sequence[Measure], rounds: int = ROUNDS) -> list[list[float]]:
    """Measure all sides in turn, after a round each that does not count; return the samples of each side."""
    samples: list[list[float]] = [[] for _ in sides]
    for number in range(rounds + 1):
        for side, measure in zip(samples, sides, strict=True):
            # What one round left to be collected is not the next one's.
            gc.collect()
            figure = measure()
            if number > 0:
                side.append(figure)
    return samples


def rate(count: int, work: Callable[[], object]) -> float:
    """Return how many of ``count`` things a second ``work`` does."""
    begun = perf_counter()
    work()
    return count / (perf_counter() - begun)


def percentile(samples: Sequence[float], percent: int) -> float:
    """Return a percentile (1 to 99) of at least two samples."""
    return quantiles(samples, n=100, method="inclusive")[percent - 1]
