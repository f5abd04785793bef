"""Deadlocks: obstacles that wait for each other in a circle, in one case or over several of one subject.

Each obstacle waits for at most one other at a time, so circles are found by following who waits for whom. A circle is
the set of obstacles in it: broken and closed again at one instant, it is the same gap still.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from copy import copy
from datetime import datetime
from typing import Self
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from ...domain.case.state import Waiting
from ...domain.ids import CaseId, EventId, ObstacleId
from ...domain.settings import UNCHANGED, Course
from ...domain.vocabulary import GapKind
from .shapes import Gap, GapTurn, graced

Ring = frozenset[ObstacleId]


class Spell(Struct, frozen=True, gc=False):
    """An obstacle waited for another, from ``began_at`` to ``until`` (none: no end in sight)."""

    case: CaseId
    obstacle: ObstacleId
    for_obstacle: ObstacleId
    organisation: str
    event: EventId
    began_at: datetime
    until: datetime | None


class Circle(Struct, frozen=True, gc=False):
    """A ring that was closed from ``from_`` to ``until``, and the waitings in it, in order."""

    ring: Ring
    from_: datetime
    until: datetime | None
    spells: tuple[Spell, ...]


class Circles:
    """The waitings of one case for obstacles, and the deadlocks that they make."""

    __slots__ = ("circles", "lies_on", "settings", "spells")

    def __init__(self, lies_on: UUID, settings: Course = UNCHANGED) -> None:
        """Start with nobody waiting; the deadlocks will lie on ``lies_on``."""
        self.settings = settings
        self.lies_on = lies_on
        self.spells: list[Spell] = []
        self.circles: tuple[Circle, ...] = ()

    def begin(self, case: CaseId, obstacle: ObstacleId, waiting: Waiting) -> bool:
        """Take in that an obstacle began to wait; return whether the deadlocks may have changed."""
        if waiting.for_obstacle is None:
            return False
        self.spells.append(
            Spell(
                case,
                obstacle,
                waiting.for_obstacle,
                waiting.organisation,
                waiting.event,
                waiting.began_at,
                waiting.until,
            )
        )
        return self.derive()

    def end(self, waiting: Waiting, at: datetime) -> bool:
        """Take in that a waiting ended at ``at``, if it had not run out; return whether deadlocks may have changed."""
        for index in range(len(self.spells) - 1, -1, -1):
            spell = self.spells[index]
            if spell.event == waiting.event:
                if spell.until is None or at < spell.until:
                    self.spells[index] = replace(spell, until=at)
                    return self.derive()
                return False
        return False

    def copy(self) -> Self:
        """Return circles that go on by themselves from here."""
        other = copy(self)
        other.spells = self.spells.copy()
        return other

    def derive(self) -> bool:
        """Derive the circles anew; return whether there are or were any."""
        before, self.circles = self.circles, tuple(self.found())
        return bool(before or self.circles)

    def found(self) -> Iterator[Circle]:
        """Yield the circles that the waitings make."""
        return circles(self.spells)

    def gaps(self) -> Iterator[GapTurn]:
        """Yield every deadlock in each of its states, with the moments for which it is that state's turn."""
        for circle in self.circles:
            closing = max(
                (spell for spell in circle.spells if spell.began_at <= circle.from_),
                key=lambda spell: (spell.began_at, self.spells.index(spell)),
            )
            gap = Gap(
                kind=GapKind.DEADLOCK,
                lies_on=self.lies_on,
                begun_by=closing.event,
                from_=circle.from_,
                until=None,
                open=True,
                to_act=tuple(sorted({spell.organisation for spell in circle.spells})),
                involved=(),
                evidence=tuple(spell.event for spell in circle.spells),
                running_from=circle.from_,
                cases=self.cases_of(circle),
            )
            gap = graced(gap, self.settings)
            yield circle.from_, circle.until, gap
            if circle.until is not None:
                lasted = circle.until - circle.from_
                yield circle.until, None, replace(gap, until=circle.until, open=False, pieces=lasted, running_from=None)

    def cases_of(self, circle: Circle) -> tuple[CaseId, ...]:
        """Return the cases that a deadlock lies in, if it is not its own case's."""
        return ()


class CirclesAcross(Circles):
    """The waitings in the cases of one subject, and the deadlocks over several of them.

    A deadlock within one case lies on that case, and is told there.
    """

    __slots__ = ("members",)

    def __init__(self, lies_on: UUID, members: AbstractSet[CaseId]) -> None:
        """Start with nobody waiting; ``members`` says which cases are the subject's, now and as it changes."""
        super().__init__(lies_on)
        self.members = members

    def found(self) -> Iterator[Circle]:
        """Yield the circles over several of the subject's cases."""
        spells = [spell for spell in self.spells if spell.case in self.members]
        if len({spell.case for spell in spells}) < 2:  # noqa: PLR2004  several
            return
        for circle in circles(spells):
            if len({spell.case for spell in circle.spells}) > 1:
                yield circle

    def cases_of(self, circle: Circle) -> tuple[CaseId, ...]:
        """Return the cases that a deadlock lies in."""
        return tuple(dict.fromkeys(spell.case for spell in circle.spells))


def circles(spells: Sequence[Spell]) -> Iterator[Circle]:
    """Yield every maximal interval in which the same obstacles wait for each other in a circle."""
    moments = sorted({moment for spell in spells for moment in (spell.began_at, spell.until) if moment is not None})
    running: dict[Ring, Circle] = {}
    for moment in moments:
        waits = {
            spell.obstacle: spell
            for spell in spells
            if spell.began_at <= moment and (spell.until is None or moment < spell.until)
        }
        rings = {frozenset(ring): ring for ring in _rings(waits)}
        for ring in [ring for ring in running if ring not in rings]:
            yield replace(running.pop(ring), until=moment)
        for ring, members in rings.items():
            now = tuple(waits[obstacle] for obstacle in members)
            if ring in running:
                merged = dict.fromkeys((*running[ring].spells, *now))
                running[ring] = replace(running[ring], spells=_in_order(merged, spells))
            else:
                running[ring] = Circle(ring, moment, None, _in_order(now, spells))
    yield from running.values()


def _in_order(chosen: Sequence[Spell] | dict[Spell, None], spells: Sequence[Spell]) -> tuple[Spell, ...]:
    """Return the chosen spells in the order in which they began."""
    return tuple(spell for spell in spells if spell in chosen)


def _rings(waits: dict[ObstacleId, Spell]) -> Iterator[tuple[ObstacleId, ...]]:
    """Yield each circle of two or more obstacles once, by following who waits for whom."""
    seen: set[ObstacleId] = set()
    for start in waits:
        path: dict[ObstacleId, None] = {}
        here = start
        while here in waits and here not in seen and here not in path:
            path[here] = None
            here = waits[here].for_obstacle
        if here in path:
            trail = tuple(path)
            ring = trail[trail.index(here) :]
            if len(ring) > 1:
                yield ring
        seen.update(path)
