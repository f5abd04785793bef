"""A chain in numbers."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from .chain import Chain
from .shapes import NO_TIME, Figures, Gap
from .stretches import Stretch


def figures_of(chain: Chain, gaps: Iterable[Gap], as_of: datetime) -> Figures:
    """Return the figures of a chain at ``as_of``; ``gaps`` are those that lie on it."""
    counting = [gap for gap in gaps if gap.counts(as_of)]
    return Figures(
        organisations=tuple(chain.organisations),
        handoffs_offered=chain.offered,
        handoffs_accepted=chain.accepted,
        handoffs_refused=chain.refused,
        referrals=chain.referrals,
        contacts=chain.contacts,
        story_retold=chain.retold,
        open_for=sum(((until or as_of) - from_ for from_, until in chain.stretches), NO_TIME),
        in_a_gap=union(piece for gap in counting for piece in pieces_of(gap, chain, as_of)),
        longest_gap=max((gap.lasted(as_of) for gap in counting), default=NO_TIME),
        fell_between_the_cracks=any(gap.cracks() for gap in counting),
        harms=tuple(chain.harms),
    )


def pieces_of(gap: Gap, chain: Chain, as_of: datetime) -> Iterable[tuple[datetime, datetime]]:
    """Yield the stretches of a gap up to ``as_of``: without those in which its obstacle was settled."""
    until = gap.until or as_of
    if gap.pieces == until - gap.from_ or gap.running_from == gap.from_:
        yield gap.from_, until
        return
    stretches: list[Stretch] = chain.stretches
    for opened, settled in stretches:
        start, stop = max(opened, gap.from_), min(settled or as_of, until)
        if stop > start:
            yield start, stop


def union(pieces: Iterable[tuple[datetime, datetime]]) -> timedelta:
    """Return how much time a set of intervals covers."""
    covered = NO_TIME
    reached: datetime | None = None
    for start, stop in sorted(pieces):
        start = start if reached is None else max(start, reached)  # noqa: PLW2901 - the part not yet covered
        if stop > start:
            covered += stop - start
        reached = stop if reached is None else max(reached, stop)
    return covered
