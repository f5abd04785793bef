"""A cause as clients see it: what it is, who was asked to remove it, and what came of that.

The module is long because all that hangs on a cause is asked for through it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import strawberry

from ..domain.cause import facts as c
from ..domain.cause.rules import Cause as CauseState
from ..domain.cause.rules import Evaluation as FoundEvaluation
from ..domain.cause.rules import Linked
from ..domain.cause.rules import Measure as MadeMeasure
from ..domain.cause.rules import Proposal as MadeProposal
from ..domain.vocabulary import CauseStatus, CostPer, GapKind, Locus, RefusalGround, Stopped
from ..projections.derivation.causes import status_of
from ..projections.queries import causes
from .catalogue import Barrier, barrier
from .connections import Page
from .escalations import NextStep, Rung, ladder_of, next_of
from .events import Event
from .gaps import days, text_of
from .learning import LearningStream
from .organisations import Organisation, organisation, organisations
from .view import CaseAt, StreamAt, StreamReading, View

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


@strawberry.type(description="Obstacles of a cause before and after a measure, by when they were reported.")
class Recurrence:
    """What came back."""

    days: float = strawberry.field(description="How long since the measure was implemented, in days.")
    before: int = strawberry.field(description="How many were reported in as many days before.")
    after: int = strawberry.field(description="How many were reported since.")
    stopped: bool = strawberry.field(description="Whether none were reported since.")


@strawberry.type(description="How many obstacles of a cause were reported in a month.")
class CauseMonth:
    """A month."""

    month: datetime = strawberry.field(description="Its first moment (UTC).")
    obstacles: int = strawberry.field(description="How many obstacles of this cause were reported in it.")


@strawberry.type(description="An obstacle that may come from a cause, and what it has in common with those that do.")
class CauseCandidate:
    """A suggestion; whether it is so people judge."""

    view: strawberry.Private[View]
    found: strawberry.Private[causes.Candidate]

    @strawberry.field(description="The obstacle.")
    def obstacle(self) -> Annotated["Obstacle", strawberry.lazy(".chains")]:
        """Return the obstacle."""
        from .chains import Obstacle  # noqa: PLC0415  chains imports this module

        return Obstacle(at=CaseAt(self.view, self.found.case), obstacle=self.found.obstacle)

    @strawberry.field(description="Organisations that held it, and obstacles of this cause too.")
    def same_organisations(self) -> list[Organisation]:
        """Return the organisations in common."""
        return organisations(self.view, self.found.organisations)

    @strawberry.field(description="Its theme, if the cause or one of its obstacles has it too.")
    def same_theme(self) -> str | None:
        """Return the theme in common."""
        return self.found.theme

    @strawberry.field(description="Grounds on which it was refused, and obstacles of this cause too.")
    def same_grounds(self) -> list[RefusalGround]:
        """Return the grounds in common."""
        return list(self.found.grounds)

    @strawberry.field(description="The shape of its chain: gaps that count on it, and on obstacles of this cause too.")
    def same_gaps(self) -> list[GapKind]:
        """Return the kinds of gaps in common."""
        return list(self.found.kinds)


@strawberry.type(description="What obstacles of a cause cost, as organisations estimated last, taken together.")
class FailureCostTotal:
    """A total."""

    per: CostPer = strawberry.field(description="For what.")
    euros: float = strawberry.field(description="The sum of the last estimate of each organisation, in whole euros.")


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

    @strawberry.field(
        description="What the registry itself finds: obstacles of this cause that were reported since it was "
        "implemented, and in as long a time before; null while it has not been."
    )
    async def recurrence(self) -> Recurrence | None:
        """Return what was reported before and after."""
        since = self.made.implemented_at
        if since is None:
            return None
        found = causes.recurrence(await reported_at(self.at), since, self.at.view.as_of)
        if found is None:
            return None
        return Recurrence(
            days=days(timedelta(days=found.days)), before=found.before, after=found.after, stopped=found.after == 0
        )

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

    @strawberry.field(description="What it costs by what was estimated last by each organisation, added up.")
    def failure_cost_totals(self) -> list[FailureCostTotal]:
        """Return the sums of the last estimates."""

        def find(reading: StreamReading) -> list[FailureCostTotal]:
            last: dict[tuple[CostPer, str], int] = {}
            for event in reading.answer.state.costs:
                fact = reading.event(event).event.data
                assert isinstance(fact, c.FailureCostEstimated)
                last[fact.per, fact.organisation] = fact.euros
            sums = {per: sum(euros for (of, _), euros in last.items() if of is per) for per, _ in last}
            return [FailureCostTotal(per=per, euros=euros) for per, euros in sums.items()]

        return self.at.read(find)

    @strawberry.field(description="The ladder by which it is escalated, the lowest level first.")
    def ladder(self) -> list[Rung]:
        """Return its ladder."""
        return self._of(lambda cause: ladder_of(self.at, cause))

    @strawberry.field(
        description="Where it should go now, because an answer failed to come; null while none did, or while somebody "
        "at that level or above may still see to it."
    )
    def next_step(self) -> NextStep | None:
        """Return where it should go next."""
        return self._of(lambda cause: next_of(self.at, cause))

    @strawberry.field(
        description="How many of its obstacles were reported in each month, from the first such month to asOf's."
    )
    async def months(self) -> list[CauseMonth]:
        """Return its obstacles by the month of their reports."""
        found = causes.by_month(await reported_at(self.at), self.at.view.as_of)
        return [CauseMonth(month=month, obstacles=count) for month, count in found]

    @strawberry.field(
        description=f"Obstacles that may come from it too: of the {causes.NEWEST_MAX} newest with an organisation or "
        "theme in common, those with most in common first, and at least two of organisations, theme, grounds of "
        f"refusal and gaps; {causes.CANDIDATES_MAX} at most. Whether they do is for people to judge."
    )
    async def candidates(self) -> list[CauseCandidate]:
        """Return what the registry suggests."""
        view = self.at.view
        rows = await view.session.rows(*causes.candidates(view.moment, self.at.id))
        return [CauseCandidate(view=view, found=causes.candidate(row)) for row in rows]

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


async def reported_at(at: StreamAt) -> list[datetime]:
    """Return when the obstacles of a cause were reported, the first one first."""
    return [reported for _, reported in await at.view.session.rows(*causes.reported(at.view.moment, at.id))]


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
