"""Obstacles and their chains, derived with their case.

The module is long because an obstacle, its chain and its cross-chain answer with one another.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import strawberry

from ..domain.vocabulary import Harm, LearningKind, Origin
from ..projections.derivation.answer import ObstacleAnswer
from ..projections.derivation.cross_chains import CrossChain as DerivedCrossChain
from ..projections.derivation.cross_chains import split_from
from ..projections.derivation.shapes import Segment as DerivedSegment
from ..projections.derivation.shapes import SegmentKind
from . import ids
from .across import across
from .enumerations import ObstacleStatus
from .events import Event, event_of
from .gaps import Counts, Gap, days, gaps_of
from .nodes import Node
from .organisations import Organisation, organisation, organisations
from .view import CaseAt, CaseReading, StreamAt, View, later

if TYPE_CHECKING:
    from .cases import Case
    from .causes import Cause

T = TypeVar("T")


@strawberry.type(description="A stretch of a chain with one holder, or with none.")
class Segment:
    """One segment of a chain."""

    at: strawberry.Private[CaseAt]
    segment: strawberry.Private[DerivedSegment]

    @strawberry.field(description="Whether anybody held the obstacle.")
    def kind(self) -> SegmentKind:
        """Return its kind."""
        return self.segment.kind

    @strawberry.field(description="Who held it; null while nobody did.")
    def organisation(self) -> Organisation | None:
        """Return the holder."""
        holder = self.segment.organisation
        return None if holder is None else organisation(self.at.view, holder)

    @strawberry.field(description="Whether custody rests on another's word alone, at its end or at asOf.")
    def claimed(self) -> bool:
        """Return whether custody is claimed."""
        return self.segment.claimed

    @strawberry.field(name="from", description="When it began.")
    def from_(self) -> datetime:
        """Return when it began."""
        return self.segment.from_

    @strawberry.field(description="When it ended; null while it lasts.")
    def until(self) -> datetime | None:
        """Return when it ended."""
        return self.segment.until

    @strawberry.field(description="The event that began it.")
    def entered_by(self) -> Event:
        """Return what began it."""
        return self.at.read(lambda reading: event_of(self.at, reading.event(self.segment.entered_by)))

    @strawberry.field(description="The event that ended it.")
    def left_by(self) -> Event | None:
        """Return what ended it."""
        left_by = self.segment.left_by
        return None if left_by is None else self.at.read(lambda reading: event_of(self.at, reading.event(left_by)))


@strawberry.type(description="What an obstacle was said to cost the subject, and for how long.")
class StatedHarm:
    """A harm as stated."""

    harm: Harm = strawberry.field(description="What it costs.")
    since: datetime = strawberry.field(description="Since when.")
    until: datetime | None = strawberry.field(description="Until when; null: without end.")
    event: Event = strawberry.field(description="The event that states it.")


@strawberry.type(
    description="The holders of one obstacle in order, with the stretches that nobody held it, in figures."
)
class Chain:
    """The chain of an obstacle at the view's two times."""

    at: strawberry.Private[CaseAt]
    derived: strawberry.Private[ObstacleAnswer]

    @strawberry.field(description="The obstacle that it is the chain of.")
    def obstacle(self) -> "Obstacle":
        """Return its obstacle."""
        return Obstacle(at=self.at, obstacle=self.derived.obstacle)

    @strawberry.field(
        description="Its segments in order; they never overlap, and leave no hole while the obstacle is open."
    )
    def segments(self) -> list[Segment]:
        """Return its segments."""
        return [Segment(at=self.at, segment=segment) for segment in self.derived.segments]

    @strawberry.field(description="Who has held the obstacle, in order.")
    def organisations(self) -> list[Organisation]:
        """Return its holders."""
        return organisations(self.at.view, self.derived.figures.organisations)

    @strawberry.field(description="The gaps that lie on it.")
    def gaps(self, counts: Counts = True) -> list[Gap]:  # noqa: FBT002  an argument of GraphQL
        """Return its gaps."""
        return gaps_of(self.at, self.derived.gaps, counts=counts)

    @strawberry.field(description="Whether a gap that counts lies on it.")
    def fell_between_the_cracks(self) -> bool:
        """Return whether it fell between the cracks."""
        return self.derived.figures.fell_between_the_cracks

    @strawberry.field(description="How often another was asked to take the obstacle over.")
    def handoffs_offered(self) -> int:
        """Return how many offers."""
        return self.derived.figures.handoffs_offered

    @strawberry.field(description="How often the one asked did.")
    def handoffs_accepted(self) -> int:
        """Return how many were accepted."""
        return self.derived.figures.handoffs_accepted

    @strawberry.field(description="How often the one asked refused.")
    def handoffs_refused(self) -> int:
        """Return how many were refused."""
        return self.derived.figures.handoffs_refused

    @strawberry.field(description="How often the subject was told to go elsewhere.")
    def referrals(self) -> int:
        """Return how many referrals."""
        return self.derived.figures.referrals

    @strawberry.field(description="How often an organisation and the subject were in touch.")
    def contacts(self) -> int:
        """Return how many contacts."""
        return self.derived.figures.contacts

    @strawberry.field(description="In how many contacts the subject had to tell the story again.")
    def story_retold(self) -> int:
        """Return how often the story was retold."""
        return self.derived.figures.story_retold

    @strawberry.field(description="How long the obstacle has been open, in days.")
    def days_open(self) -> float:
        """Return how long it was open."""
        return days(self.derived.figures.open_for)

    @strawberry.field(
        description="How long it lay in a gap that counts, in days: the union of its gaps, not their sum."
    )
    def days_in_gap(self) -> float:
        """Return how long it lay in a gap."""
        return days(self.derived.figures.in_a_gap)

    @strawberry.field(description="How long its longest gap that counts has lasted, in days.")
    def longest_gap_days(self) -> float:
        """Return how long its longest gap lasted."""
        return days(self.derived.figures.longest_gap)


@strawberry.type(description="One thing in a case that blocks the subject.")
class Obstacle(Node):
    """An obstacle at the view's two times."""

    at: strawberry.Private[CaseAt]
    obstacle: strawberry.Private[UUID]

    @strawberry.field(description="Its global id.")
    def id(self) -> strawberry.ID:
        """Return its global id."""
        return strawberry.ID(ids.global_id(ids.OBSTACLE, self.at.id, self.obstacle))

    @strawberry.field(description="The case in which it stands.")
    def case(self) -> Annotated["Case", strawberry.lazy(".cases")]:
        """Return its case."""
        from .cases import case_of  # noqa: PLC0415  cases imports this module

        return case_of(self.at)

    @strawberry.field(description="The event that reported it.")
    def report(self) -> Event:
        """Return its report."""
        return self._derived(lambda one, reading: event_of(self.at, reading.event(one.report.id)))

    @strawberry.field(description="The causes that it comes from, as people judged, in the order in which they did.")
    def causes(self) -> list[Annotated["Cause", strawberry.lazy(".causes")]]:
        """Return its causes."""
        found = self.at.view.linking.known.get((self.obstacle, LearningKind.CAUSE))
        return later(self._causes()) if found is None else self._causes_of(found)

    async def _causes(self) -> list[Any]:
        return self._causes_of(await self.at.view.linking.load((self.obstacle, LearningKind.CAUSE)))

    def _causes_of(self, found: Sequence[UUID]) -> list[Any]:
        from .causes import Cause  # noqa: PLC0415  causes imports this module

        return [Cause(at=StreamAt(self.at.view, cause)) for cause in found]

    @strawberry.field(description="Where it came from, as its reporter sees it.")
    def origin(self) -> Origin:
        """Return its origin."""
        return self._derived(lambda one, _: one.fact.origin)

    @strawberry.field(description="Where the subject met it.")
    def experienced_at(self) -> Organisation:
        """Return where the subject met it."""
        return self._derived(lambda one, _: organisation(self.at.view, one.fact.experienced_at))

    @strawberry.field(description="Whether it is open.")
    def status(self) -> ObstacleStatus:
        """Return its status."""
        return self._derived(lambda one, _: ObstacleStatus.OPEN if one.open else ObstacleStatus.SETTLED)

    @strawberry.field(description="When it was reported to have begun to block the subject.")
    def reported_at(self) -> datetime:
        """Return when its report occurred."""
        return self._derived(lambda one, _: one.report.occurred_at)

    @strawberry.field(description="When it was settled last; null while it is open.")
    def settled_at(self) -> datetime | None:
        """Return when it was settled."""
        return self._derived(lambda one, _: one.settled_at)

    @strawberry.field(description="Who holds it; null: nobody.")
    def holder(self) -> Organisation | None:
        """Return its holder."""
        return self._derived(lambda one, _: None if one.holder is None else organisation(self.at.view, one.holder))

    @strawberry.field(description="Whether the holder's custody rests on another's word alone.")
    def claimed(self) -> bool:
        """Return whether custody is claimed."""
        return self._derived(lambda one, _: one.claimed)

    @strawberry.field(description="What it was said to cost the subject.")
    def harms(self) -> list[StatedHarm]:
        """Return its stated harms."""
        return self._derived(
            lambda one, reading: [
                StatedHarm(
                    harm=harm.harm,
                    since=harm.since,
                    until=harm.until,
                    event=event_of(self.at, reading.event(harm.event)),
                )
                for harm in one.figures.harms
            ]
        )

    @strawberry.field(description="Its chain.")
    def chain(self) -> Chain:
        """Return its chain."""
        return self._derived(lambda one, _: Chain(at=self.at, derived=one))

    @strawberry.field(description="The obstacle whose handling set it off, perhaps in another case.")
    def triggered_by(self) -> "Obstacle | None":
        """Return what set it off."""
        return self._derived(lambda one, _: self._found(one.fact.triggered_by))

    @strawberry.field(description="The obstacle that was split into it and others.")
    def split_from(self) -> "Obstacle | None":
        """Return what it was a part of."""
        return self._derived(lambda _, reading: self._found(split_from(reading.answer, self.obstacle)))

    @strawberry.field(description="The obstacles that its handling set off, in its case and in others of its subjects.")
    def triggered(self) -> list["Obstacle"]:
        """Return what it set off."""
        return self._derived(lambda _, reading: later(self._triggered(reading)))

    async def _triggered(self, reading: CaseReading) -> list["Obstacle"]:
        view, known_to = self.at.view, self.at.known_to
        beside = await across(view).readings_beside(reading, self.at.id, known_to)
        return [
            Obstacle(at=CaseAt(view, other.report.stream, known_to), obstacle=other.obstacle)
            for one in (reading, *beside)
            for other in one.answer.obstacles
            if other.fact.triggered_by == self.obstacle
        ]

    def _derived(self, what: Callable[[ObstacleAnswer, CaseReading], T]) -> T:
        return self.at.read(lambda reading: what(reading.obstacles[self.obstacle], reading))

    def _found(self, obstacle: UUID | None) -> Any:
        if obstacle is None:
            return None
        reading = self.at.view.readings.get((self.at.id, self.at.known_to))
        if reading is not None and obstacle in reading.obstacles:
            return Obstacle(at=self.at, obstacle=obstacle)
        return later(find_obstacle(self.at.view, obstacle, self.at.known_to))


async def find_obstacle(view: View, obstacle: UUID, known_to: str | None = None) -> Obstacle | None:
    """Return an obstacle by its id alone, if this view shows it."""
    case = await view.cases_of.load(obstacle)
    if case is None:
        return None
    reading = await view.reading(case, known_to)
    if reading is None or obstacle not in reading.obstacles:
        return None
    return Obstacle(at=CaseAt(view, case, known_to), obstacle=obstacle)


@strawberry.type(description="Obstacles that one organisation's handling set off at another, taken together.")
class CrossChain:
    """Obstacles joined by triggering or a split; counts add up, times are the union of the chains'."""

    view: strawberry.Private[View]
    known_to: strawberry.Private[str | None]
    derived: strawberry.Private[DerivedCrossChain]

    @strawberry.field(description="Its obstacles, in the order in which they were reported.")
    def obstacles(self) -> list[Obstacle]:
        """Return its obstacles."""
        return [Obstacle(at=self._at(one), obstacle=one.obstacle) for one in self.derived.obstacles]

    @strawberry.field(description="The cases in which they stand, in the order of their obstacles.")
    def cases(self) -> list[Annotated["Case", strawberry.lazy(".cases")]]:
        """Return its cases."""
        from .cases import case_of  # noqa: PLC0415  cases imports this module

        found = dict.fromkeys(one.report.stream for one in self.derived.obstacles)
        return [case_of(CaseAt(self.view, case, self.known_to)) for case in found]

    @strawberry.field(description="Who has held any of them.")
    def organisations(self) -> list[Organisation]:
        """Return its holders."""
        return organisations(self.view, self.derived.organisations)

    @strawberry.field(description="The gaps that lie on any of them.")
    def gaps(self, counts: Counts = True) -> list[Gap]:  # noqa: FBT002  an argument of GraphQL
        """Return its gaps."""
        return [gap for one in self.derived.obstacles for gap in gaps_of(self._at(one), one.gaps, counts=counts)]

    def _at(self, one: ObstacleAnswer) -> CaseAt:
        return CaseAt(self.view, one.report.stream, self.known_to)

    @strawberry.field(description="Whether a gap that counts lies on any of them.")
    def fell_between_the_cracks(self) -> bool:
        """Return whether it fell between the cracks."""
        return any(one.figures.fell_between_the_cracks for one in self.derived.obstacles)

    @strawberry.field(description="How often another was asked to take one of them over.")
    def handoffs_offered(self) -> int:
        """Return how many offers."""
        return sum(one.figures.handoffs_offered for one in self.derived.obstacles)

    @strawberry.field(description="How often the one asked did.")
    def handoffs_accepted(self) -> int:
        """Return how many were accepted."""
        return sum(one.figures.handoffs_accepted for one in self.derived.obstacles)

    @strawberry.field(description="How often the one asked refused.")
    def handoffs_refused(self) -> int:
        """Return how many were refused."""
        return sum(one.figures.handoffs_refused for one in self.derived.obstacles)

    @strawberry.field(description="How often the subject was told to go elsewhere.")
    def referrals(self) -> int:
        """Return how many referrals."""
        return sum(one.figures.referrals for one in self.derived.obstacles)

    @strawberry.field(description="How often an organisation and the subject were in touch about any of them.")
    def contacts(self) -> int:
        """Return how many contacts, each once."""
        return self.derived.contacts

    @strawberry.field(description="In how many of those contacts the subject had to tell the story again.")
    def story_retold(self) -> int:
        """Return how often the story was retold."""
        return self.derived.story_retold

    @strawberry.field(description="How long any of them has been open, in days.")
    def days_open(self) -> float:
        """Return how long any was open."""
        return days(self.derived.open_for)

    @strawberry.field(description="How long any of them lay in a gap that counts, in days.")
    def days_in_gap(self) -> float:
        """Return how long any lay in a gap."""
        return days(self.derived.in_a_gap)

    @strawberry.field(description="How long the longest gap that counts has lasted, in days.")
    def longest_gap_days(self) -> float:
        """Return how long the longest gap lasted."""
        return days(self.derived.longest_gap)
