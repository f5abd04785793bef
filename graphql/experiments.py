"""An experiment as clients see it: what was tried where, what was learnt, and who adopted it."""

from datetime import datetime

import strawberry

from ..domain.vocabulary import ExperimentStatus, Finding, LearningKind
from .causes import Cause
from .connections import Page
from .learning import LearningStream
from .learning_parts import Part, streams_at, words_of
from .organisations import Organisation, organisation, organisations


@strawberry.type(description="Something that was seen in an experiment.")
class Observation(Part):
    """An observation."""

    @strawberry.field(description="What was seen.")
    def text(self) -> str | None:
        """Return what was seen."""
        return self.words("observation")


@strawberry.type(description="That an organisation works from then on in the way that an experiment showed.")
class ExperimentAdoption(Part):
    """An adoption."""

    @strawberry.field(description="Who adopted it.")
    def organisation(self) -> Organisation:
        """Return who adopted it."""
        return organisation(self.at.view, self.fact.organisation)

    @strawberry.field(description="The strategy that it is shared as, by its id; null if it is not.")
    def strategy(self) -> strawberry.ID | None:
        """Return the strategy."""
        return None if self.fact.strategy is None else strawberry.ID(str(self.fact.strategy))

    @strawberry.field(description="The organisation that shares that strategy.")
    def shared_by(self) -> Organisation | None:
        """Return who shares the strategy."""
        return None if self.fact.shared_by is None else organisation(self.at.view, self.fact.shared_by)


@strawberry.type(description="A trial in the field of something that may work, by professionals and citizens.")
class Experiment(LearningStream):
    """An experiment at the view's two times."""

    @strawberry.field(description="The organisations that run it.")
    def run_by(self) -> list[Organisation]:
        """Return who run it."""
        return self.state(lambda one: organisations(self.at.view, one.fact.organisations))

    @strawberry.field(description="Its theme, as a slug.")
    def theme(self) -> str:
        """Return its theme."""
        return self.state(lambda one: one.fact.theme)

    @strawberry.field(description="What is tried, and why.")
    def hypothesis(self) -> str | None:
        """Return its hypothesis."""
        return self.state(lambda one: words_of(self.at, one.begun, "hypothesis"))

    @strawberry.field(description="Where.")
    def place(self) -> str | None:
        """Return its place."""
        return self.state(lambda one: words_of(self.at, one.begun, "place"))

    @strawberry.field(description="How many professionals are in its team.")
    def professionals(self) -> int:
        """Return how many professionals."""
        return self.state(lambda one: one.fact.professionals)

    @strawberry.field(description="How many citizens are in its team.")
    def citizens(self) -> int:
        """Return how many citizens."""
        return self.state(lambda one: one.fact.citizens)

    @strawberry.field(description="How far it has come.")
    def status(self) -> ExperimentStatus:
        """Return its status."""
        return ExperimentStatus(self.header.status) if self.header else self.state(lambda one: one.status)

    @strawberry.field(description="The causes that it may remove.")
    async def causes(self) -> list[Cause]:
        """Return the causes."""
        reading = await self.at.view.stream_reading(self.at.id)
        assert reading is not None, "whoever names a stream has found it at this view"
        return await streams_at(self.at.view, LearningKind.CAUSE, reading.answer.state.fact.causes, Cause)

    @strawberry.field(description="What was seen, in order.")
    def observations(self) -> list[Observation]:
        """Return what was seen."""
        return self.state(lambda one: [Observation(at=self.at, told=event) for event in one.observations])

    @strawberry.field(description="What it showed; null while it has not been concluded.")
    def finding(self) -> Finding | None:
        """Return what it showed."""
        return self.state(lambda one: one.finding)

    @strawberry.field(description="What was learnt.")
    def lesson(self) -> str | None:
        """Return what was learnt."""
        return self.state(lambda one: words_of(self.at, one.concluded, "lesson") if one.concluded else None)

    @strawberry.field(description="When it was concluded; null while it runs.")
    def concluded_at(self) -> datetime | None:
        """Return when it was concluded."""
        return self.state(lambda one: one.concluded.occurred_at if one.concluded else None)

    @strawberry.field(description="Who adopted what it showed, in order.")
    def adoptions(self) -> list[ExperimentAdoption]:
        """Return who adopted it."""
        return self.state(lambda one: [ExperimentAdoption(at=self.at, told=event) for event in one.adoptions])


@strawberry.type(description="An experiment in a list.")
class ExperimentEdge:
    """An experiment and its place."""

    node: Experiment = strawberry.field(description="The experiment.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of experiments.")
class ExperimentConnection(Page):
    """A page of experiments."""

    edges: list[ExperimentEdge] = strawberry.field(description="The experiments and their places.")
    nodes: list[Experiment] = strawberry.field(description="The experiments.")
