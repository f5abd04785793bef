"""A cause as clients see it: what it is, who was asked to remove it, and what came of that."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import strawberry

from ..domain.cause import facts as c
from ..domain.cause.rules import Cause as CauseState
from ..domain.cause.rules import Evaluation as FoundEvaluation
from ..domain.cause.rules import Linked
from ..domain.cause.rules import Measure as MadeMeasure
from ..domain.cause.rules import Proposal as MadeProposal
from ..domain.vocabulary import CauseStatus, CostPer, Locus, Stopped
from ..projections.derivation.causes import status_of
from .catalogue import Barrier, barrier
from .connections import Page
from .events import Event
from .gaps import text_of
from .learning import LearningStream
from .organisations import Organisation, organisation, organisations
from .view import CaseAt, StreamAt, StreamReading

if TYPE_CHECKING:
    from .chains import Obstacle

T = TypeVar("T")


@strawberry.type(description="That an obstacle comes from a cause, as somebody judged.")
class CauseLink:
    """A link between an obstacle and a cause."""

    at: strawberry.Private[StreamAt]
    case_id: strawberry.Private[UUID]
    linked: strawberry.Private[Linked]

    @strawberry.field(description="The obstacle.")
    def obstacle(self) -> Annotated["Obstacle", strawberry.lazy(".chains")]:
        """Return the obstacle."""
        from .chains import Obstacle  # noqa: PLC0415  chains imports this module

        return Obstacle(at=CaseAt(self.at.view, self.case_id), obstacle=self.linked.obstacle)

    @strawberry.field(description="Since when it is said to.")
    def linked_at(self) -> datetime:
        """Return when it was linked."""
        return self.linked.at

    @strawberry.field(description="Who judged so.")
    def linked_by(self) -> Organisation:
        """Return who linked it."""
        return organisation(self.at.view, self.linked.by)

    @strawberry.field(description="The event that links them.")
    def event(self) -> Event:
        """Return the event."""
        return Cause(at=self.at).event(self.linked.event)


@strawberry.type(description="That an organisation was asked to own a cause, and what it answered.")
class OwnerProposal:
    """A proposal."""

    at: strawberry.Private[StreamAt]
    made: strawberry.Private[MadeProposal]

    @strawberry.field(description="Who was asked.")
    def owner(self) -> Organisation:
        """Return who was asked."""
        return organisation(self.at.view, self.made.owner)

    @strawberry.field(description="When.")
    def proposed_at(self) -> datetime:
        """Return when."""
        return self.made.at

    @strawberry.field(description="Whether it accepted; null while it has not answered.")
    def accepted(self) -> bool | None:
        """Return what it answered."""
        return None if self.made.answered_by is None else self.made.accepted

    @strawberry.field(description="The event with its answer.")
    def answered_by(self) -> Event | None:
        """Return its answer."""
        return None if self.made.answered_by is None else Cause(at=self.at).event(self.made.answered_by)


@strawberry.type(description="What an organisation estimates that a cause costs.")
class FailureCost:
    """An estimate."""

    event: Event = strawberry.field(description="The event that states it.")
    organisation: Organisation = strawberry.field(description="Who estimates it.")
    euros: float = strawberry.field(description="How much, in whole euros.")
    per: CostPer = strawberry.field(description="For what.")


@strawberry.type(description="What an organisation found of a measure, and with whom.")
class Evaluation:
    """An evaluation."""

    at: strawberry.Private[StreamAt]
    found: strawberry.Private[FoundEvaluation]

    @strawberry.field(description="The event that states it.")
    def event(self) -> Event:
        """Return the event."""
        return Cause(at=self.at).event(self.found.event)

    @strawberry.field(description="When.")
    def evaluated_at(self) -> datetime:
        """Return when."""
        return self.found.at

    @strawberry.field(description="Who evaluated.")
    def organisation(self) -> Organisation:
        """Return who evaluated."""
        return organisation(self.at.view, self.found.organisation)

    @strawberry.field(description="With which partners.")
    def partners(self) -> list[Organisation]:
        """Return with whom."""
        return organisations(self.at.view, self.found.partners)

    @strawberry.field(description="Whether obstacles of this cause stopped, as they found.")
    def stopped(self) -> Stopped:
        """Return what they found."""
        return self.found.stopped


@strawberry.type(description="A change that should remove a cause, and what came of it.")
class Measure:
    """A measure."""

    at: strawberry.Private[StreamAt]
    made: strawberry.Private[MadeMeasure]

    @strawberry.field(description="Its id, by which it is implemented and evaluated.")
    def id(self) -> strawberry.ID:
        """Return its id."""
        return strawberry.ID(str(self.made.measure))

    @strawberry.field(description="The event by which it was committed.")
    def event(self) -> Event:
        """Return the event."""
        return Cause(at=self.at).event(self.made.event)

    @strawberry.field(description="Who committed itself to it.")
    def organisation(self) -> Organisation:
        """Return who committed itself."""
        return organisation(self.at.view, self.made.organisation)

    @strawberry.field(description="When.")
    def committed_at(self) -> datetime:
        """Return when it was committed."""
        return self.made.at

    @strawberry.field(description="By when it is due.")
    def due(self) -> datetime:
        """Return when it is due."""
        return self.made.due

    @strawberry.field(description="What it is; null if nobody said.")
    def plan(self) -> str | None:
        """Return its plan."""

        def find(reading: StreamReading) -> str | None:
            told = reading.event(self.made.event)
            fact = told.event.data
            assert isinstance(fact, c.MeasureCommitted)
            return text_of(self.at.view, told, fact.plan)

        return self.at.read(find)

    @strawberry.field(description="When it was implemented; null while it has not been.")
    def implemented_at(self) -> datetime | None:
        """Return when it was implemented."""
        return self.made.implemented_at

    @strawberry.field(description="What was found of it, in order.")
    def evaluations(self) -> list[Evaluation]:
        """Return its evaluations."""
        return [Evaluation(at=self.at, found=found) for found in self.made.evaluations]


@strawberry.type(description="What produces obstacles of a kind. Solving one case does not remove it.")
class Cause(LearningStream):
    """A cause at the view's two times."""

    @strawberry.field(description="What it is, in words.")
    def statement(self) -> str | None:
        """Return its statement."""

        def find(reading: StreamReading) -> str | None:
            cause: CauseState = reading.answer.state
            return text_of(self.at.view, reading.event(cause.begun.id), cause.fact.statement)

        return self.at.read(find)

    @strawberry.field(description="Where it sits.")
    def locus(self) -> Locus:
        """Return its locus."""
        return self._of(lambda cause: cause.fact.locus)

    @strawberry.field(description="Its theme, as a slug; null if none was named.")
    def theme(self) -> str | None:
        """Return its theme."""
        return self.header.theme if self.header else self._of(lambda cause: cause.fact.theme)

    @strawberry.field(description="What keeps government from involving citizens here, if one of the catalogue fits.")
    def barrier(self) -> Barrier | None:
        """Return its barrier."""
        return self._of(lambda cause: None if cause.fact.barrier is None else barrier(self.at.view, cause.fact.barrier))

    @strawberry.field(description="How far it has come.")
    def status(self) -> CauseStatus:
        """Return its status."""
        return CauseStatus(self.header.status) if self.header else self._of(status_of)

    @strawberry.field(description="Who owns it: who sees to it that it goes; null while nobody does.")
    def owner(self) -> Organisation | None:
        """Return its owner."""
        return self._of(lambda cause: None if cause.owner is None else organisation(self.at.view, cause.owner))

    @strawberry.field(description="Who was asked to own it, in order, and what they answered.")
    def proposals(self) -> list[OwnerProposal]:
        """Return who was asked to own it."""
        return self._of(lambda cause: [OwnerProposal(at=self.at, made=one) for one in cause.proposals])

    @strawberry.field(description="When it ended: it was removed, or accepted as it is; null while it has not.")
    def ended_at(self) -> datetime | None:
        """Return when it ended."""
        return self._of(lambda cause: cause.ended.at if cause.ended else None)

    @strawberry.field(description="The event that ended it: that it was removed, or accepted as it is.")
    def ended_by(self) -> Event | None:
        """Return what ended it."""
        return self._of(lambda cause: self.event(cause.ended.event) if cause.ended else None)

    @strawberry.field(description="The obstacles that come from it, in the order in which they were linked.")
    async def links(self) -> list[CauseLink]:
        """Return its links with obstacles of cases that the asker may see."""
        reading = await self.at.view.stream_reading(self.at.id)
        assert reading is not None, "whoever names a stream has found it at this view"
        linked = list(reading.answer.state.obstacles.values())
        await self.at.view.cases_of.load_all(one.obstacle for one in linked)
        cases = self.at.view.cases_of.known
        return [
            CauseLink(at=self.at, case_id=case, linked=one)
            for one in linked
            if (case := cases[one.obstacle]) is not None
        ]

    @strawberry.field(description="What it costs, as was estimated, in order.")
    def failure_costs(self) -> list[FailureCost]:
        """Return the estimates of what it costs."""
        return self.at.read(lambda reading: [self._cost(reading, event) for event in reading.answer.state.costs])

    @strawberry.field(description="The changes that should remove it, in the order in which they were committed.")
    def measures(self) -> list[Measure]:
        """Return its measures."""
        return self._of(lambda cause: [Measure(at=self.at, made=one) for one in cause.measures.values()])

    def _of(self, what: Callable[[CauseState], T]) -> T:
        return self.state(what)

    def _cost(self, reading: StreamReading, event: UUID) -> FailureCost:
        fact = reading.event(event).event.data
        assert isinstance(fact, c.FailureCostEstimated)
        return FailureCost(
            event=self.event(event),
            organisation=organisation(self.at.view, fact.organisation),
            euros=fact.euros,
            per=fact.per,
        )


@strawberry.type(description="A cause in a list.")
class CauseEdge:
    """A cause and its place."""

    node: Cause = strawberry.field(description="The cause.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of causes.")
class CauseConnection(Page):
    """A page of causes."""

    edges: list[CauseEdge] = strawberry.field(description="The causes and their places.")
    nodes: list[Cause] = strawberry.field(description="The causes.")
