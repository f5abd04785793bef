"""Cross-chains: the obstacles that one organisation's handling set off at another, taken together.

Obstacles joined by ``triggered_by`` or a split form one. Its figures are those of its chains together: counts are
added up, times are the union of theirs, so that what ran side by side is not counted twice.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from ...domain.case import facts as f
from .answer import CaseAnswer, ObstacleAnswer
from .figures import union
from .shapes import NO_TIME, Gap


class CrossChain(Struct, frozen=True):
    """Two or more obstacles that belong together, in the order in which they were reported, and their figures."""

    obstacles: tuple[ObstacleAnswer, ...]
    organisations: tuple[str, ...]
    gaps: tuple[Gap, ...]
    contacts: int
    story_retold: int
    open_for: timedelta
    in_a_gap: timedelta
    longest_gap: timedelta


def cross_chains(case: CaseAnswer) -> tuple[CrossChain, ...]:
    """Return the cross-chains within a case, in the order in which their first obstacles were reported."""
    return cross_chains_of((case,))


def cross_chains_of(cases: Sequence[CaseAnswer]) -> tuple[CrossChain, ...]:
    """Return the cross-chains over cases at one moment, in the order in which their first obstacles were reported."""
    obstacles = sorted(
        (one for case in cases for one in case.obstacles), key=lambda one: (one.report.occurred_at, str(one.obstacle))
    )
    leads: dict[UUID, UUID] = {one.obstacle: one.obstacle for one in obstacles}

    def lead(obstacle: UUID) -> UUID:
        while leads[obstacle] != obstacle:
            obstacle = leads[obstacle]
        return obstacle

    for one, other in (pair for case in cases for pair in _joined(case)):
        if one in leads and other in leads:
            leads[lead(other)] = lead(one)
    groups: dict[UUID, list[ObstacleAnswer]] = {}
    for one in obstacles:
        groups.setdefault(lead(one.obstacle), []).append(one)
    contacts = [
        told.event.data
        for case in cases
        for told in case.timeline
        if isinstance(told.event.data, f.ContactMade) and told.conflict is None and told.struck_by is None
    ]
    return tuple(_taken_together(group, contacts, cases[0].as_of) for group in groups.values() if len(group) > 1)


def _joined(case: CaseAnswer) -> Iterator[tuple[UUID, UUID]]:
    """Yield the pairs of obstacles of which one came from the other, as the case has it."""
    for one in case.obstacles:
        if one.fact.triggered_by is not None:
            yield one.fact.triggered_by, one.obstacle
    for split in _splits(case):
        for part in split.into:
            yield split.obstacle, part


def _splits(case: CaseAnswer) -> Iterator[f.ObstacleSplit]:
    """Yield the splits that had their effect, in order."""
    for told in case.timeline:
        fact = told.event.data
        if isinstance(fact, f.ObstacleSplit) and told.conflict is None and told.struck_by is None:
            yield fact


def split_from(case: CaseAnswer, obstacle: UUID) -> UUID | None:
    """Return the obstacle of a case that was split into this one first, if any was."""
    return next((split.obstacle for split in _splits(case) if obstacle in split.into), None)


def _taken_together(obstacles: list[ObstacleAnswer], contacts: Sequence[f.ContactMade], as_of: datetime) -> CrossChain:
    """Return obstacles as one; a contact about several of them was one contact."""
    names = {one.obstacle for one in obstacles}
    own = [contact for contact in contacts if not names.isdisjoint(contact.obstacles)]
    counting = [(gap, one) for one in obstacles for gap in one.gaps if gap.counts(as_of)]
    return CrossChain(
        obstacles=tuple(obstacles),
        organisations=tuple(dict.fromkeys(name for one in obstacles for name in one.figures.organisations)),
        gaps=tuple(gap for one in obstacles for gap in one.gaps),
        contacts=len(own),
        story_retold=sum(contact.story_retold for contact in own),
        open_for=union(stretch for one in obstacles for stretch in _open(one, as_of)),
        in_a_gap=union(piece for gap, one in counting for piece in _pieces(gap, one, as_of)),
        longest_gap=max((gap.lasted(as_of) for gap, _ in counting), default=NO_TIME),
    )


def _open(one: ObstacleAnswer, as_of: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the stretches that an obstacle was open: its segments tile them."""
    for segment in one.segments:
        yield segment.from_, segment.until or as_of


def _pieces(gap: Gap, one: ObstacleAnswer, as_of: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the stretches of a gap: those in which its obstacle was open, where a settlement cuts it."""
    until = gap.until or as_of
    if gap.lasted(as_of) == until - gap.from_:
        yield gap.from_, until
        return
    for opened, settled in _open(one, as_of):
        start, stop = max(opened, gap.from_), min(settled, until)
        if stop > start:
            yield start, stop
