"""A policy dossier as clients see it: questions and answers, how citizens were involved, and what was promised."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from ..domain.dossier.rules import Promise as GivenPromise
from ..domain.event import Event as RecordedEvent
from ..domain.network.rules import Signal as RaisedSignal
from ..domain.vocabulary import (
    DossierStatus,
    Influence,
    Involvement,
    LearningKind,
    PolicyQuestion,
    PolicyStage,
    PromiseStatus,
)
from . import catalogue
from .causes import Cause
from .connections import Page
from .dialogues import Dialogue
from .learning import LearningStream
from .learning_parts import Part, streams_at, words_of
from .networks import Signal
from .organisations import Organisation, organisation
from .view import StreamAt


@strawberry.type(description="An answer to a question of the Beleidskompas.")
class PolicyAnswer(Part):
    """One version of an answer."""

    @strawberry.field(description="The answer in words.")
    def text(self) -> str | None:
        """Return the answer."""
        return self.words("answer")

    @strawberry.field(description="The problem or goal stated as behaviour: who does what.")
    def behaviour(self) -> str | None:
        """Return it as behaviour."""
        return self.words("behaviour")


@strawberry.type(description="A question of the Beleidskompas, and what was answered.")
class AnsweredQuestion:
    """A question within a dossier."""

    at: strawberry.Private[StreamAt]
    asked: strawberry.Private[PolicyQuestion]
    told: strawberry.Private[Sequence[RecordedEvent]]

    @strawberry.field(description="The question.")
    def question(self) -> PolicyQuestion:
        """Return the question."""
        return self.asked

    @strawberry.field(description="The answer that stands; null while it is open.")
    def answer(self) -> PolicyAnswer | None:
        """Return the last answer."""
        return PolicyAnswer(at=self.at, told=self.told[-1]) if self.told else None

    @strawberry.field(description="Every answer that was ever given, the first one first.")
    def versions(self) -> list[PolicyAnswer]:
        """Return all answers."""
        return [PolicyAnswer(at=self.at, told=event) for event in self.told]


@strawberry.type(description="That citizens were involved: at which stage, how, and with what influence.")
class CitizenInvolvement(Part):
    """An involvement of citizens."""

    @strawberry.field(description="At which stage of the policy.")
    def stage(self) -> PolicyStage:
        """Return the stage."""
        return self.fact.stage

    @strawberry.field(description="How.")
    def how(self) -> Involvement:
        """Return how."""
        return self.fact.how

    @strawberry.field(description="What influence they had.")
    def influence(self) -> Influence:
        """Return their influence."""
        return self.fact.influence

    @strawberry.field(description="More about it.")
    def note(self) -> str | None:
        """Return the note."""
        return self.words("note")


@strawberry.type(description="That something kept citizens from being involved.")
class MetBarrier(Part):
    """A barrier that was met."""

    @strawberry.field(description="What, as the catalogue has it.")
    def barrier(self) -> catalogue.Barrier:
        """Return the barrier."""
        return catalogue.barrier(self.at.view, self.fact.barrier)

    @strawberry.field(description="More about it.")
    def note(self) -> str | None:
        """Return the note."""
        return self.words("note")


@strawberry.type(description="What an organisation promised to do, and whether it did.")
class MadePromise(Part):
    """A promise; the event is the one by which it was made."""

    made: strawberry.Private[GivenPromise]

    @strawberry.field(description="Its id, by which it is kept.")
    def id(self) -> strawberry.ID:
        """Return its id."""
        return strawberry.ID(str(self.made.fact.promise))

    @strawberry.field(description="Whose it is.")
    def organisation(self) -> Organisation:
        """Return whose it is."""
        return organisation(self.at.view, self.made.fact.organisation)

    @strawberry.field(description="By when it is due.")
    def due(self) -> datetime:
        """Return when it is due."""
        return self.made.due

    @strawberry.field(description="Of what kind, as the catalogue has it; null if none of those fits.")
    def kind(self) -> catalogue.Promise | None:
        """Return its kind."""
        slug = self.made.fact.kind
        return None if slug is None else catalogue.promise(self.at.view, slug)

    @strawberry.field(description="What was promised.")
    def promised(self) -> str | None:
        """Return what was promised."""
        return self.words("promised")

    @strawberry.field(description="Whether it was kept.")
    def status(self) -> PromiseStatus:
        """Return whether it was kept."""
        return self.made.status

    @strawberry.field(description="Whether it was due and not kept at asOf.")
    def overdue(self) -> bool:
        """Return whether it is late."""
        return self.made.kept is None and self.made.due <= self.at.view.as_of

    @strawberry.field(description="When it was kept; null while it was not.")
    def kept_at(self) -> datetime | None:
        """Return when it was kept."""
        return self.made.kept.occurred_at if self.made.kept else None

    @strawberry.field(description="What was said when it was kept.")
    def note(self) -> str | None:
        """Return what was said."""
        return words_of(self.at, self.made.kept, "note") if self.made.kept else None


@strawberry.type(description="The answers to the questions of the Beleidskompas on one problem, and who was heard.")
class PolicyDossier(LearningStream):
    """A policy dossier at the view's two times."""

    @strawberry.field(description="Whose it is.")
    def owner(self) -> Organisation:
        """Return whose it is."""
        return self.state(lambda one: organisation(self.at.view, one.fact.organisation))

    @strawberry.field(description="Its theme, as a slug.")
    def theme(self) -> str:
        """Return its theme."""
        return self.state(lambda one: one.fact.theme)

    @strawberry.field(description="Its title.")
    def title(self) -> str | None:
        """Return its title."""
        return self.state(lambda one: words_of(self.at, one.begun, "title"))

    @strawberry.field(description="Whether every question has an answer.")
    def status(self) -> DossierStatus:
        """Return its status."""
        return DossierStatus(self.header.status) if self.header else self.state(lambda one: one.status)

    @strawberry.field(description="All questions, in their order, each with what was answered.")
    def questions(self) -> list[AnsweredQuestion]:
        """Return the questions."""
        return self.state(
            lambda one: [
                AnsweredQuestion(at=self.at, asked=each, told=one.answers.get(each, ())) for each in PolicyQuestion
            ]
        )

    @strawberry.field(description="The questions that nobody has answered yet, in their order.")
    def open_questions(self) -> list[PolicyQuestion]:
        """Return the open questions."""
        return self.state(lambda one: list(one.open_questions))

    @strawberry.field(description="How citizens were involved, in order.")
    def involvements(self) -> list[CitizenInvolvement]:
        """Return how citizens were involved."""
        return self.state(lambda one: [CitizenInvolvement(at=self.at, told=event) for event in one.involved])

    @strawberry.field(description="What kept citizens from being involved, in order.")
    def barriers_met(self) -> list[MetBarrier]:
        """Return the barriers met."""
        return self.state(lambda one: [MetBarrier(at=self.at, told=event) for event in one.barriers])

    @strawberry.field(description="What was promised, in order.")
    def promises(self) -> list[MadePromise]:
        """Return the promises."""
        return self.state(
            lambda one: [MadePromise(at=self.at, told=each.made, made=each) for each in one.promises.values()]
        )

    @strawberry.field(description="The causes that belong with it.")
    async def causes(self) -> list[Cause]:
        """Return the causes."""
        return await streams_at(self.at.view, LearningKind.CAUSE, await self._linked("cause"), Cause)

    @strawberry.field(description="The dialogues that belong with it.")
    async def dialogues(self) -> list[Dialogue]:
        """Return the dialogues."""
        return await streams_at(self.at.view, LearningKind.DIALOGUE, await self._linked("dialogue"), Dialogue)

    @strawberry.field(description="The signals of networks that belong with it.")
    async def signals(self) -> list[Signal]:
        """Return the signals."""
        wanted = await self._linked("signal")
        found: list[Signal] = []
        for network in dict.fromkeys(await self._linked("network")):
            reading = await self.at.view.stream(network, LearningKind.NETWORK)
            raised: Mapping[UUID, RaisedSignal] = reading.answer.state.signals if reading else {}
            at = StreamAt(self.at.view, network)
            found += [Signal(at=at, told=raised[each].raised, raised=raised[each]) for each in wanted if each in raised]
        return found

    async def _linked(self, field: str) -> list[UUID]:
        """Return what it is linked with in one field of its links."""
        reading = await self.at.view.stream_reading(self.at.id)
        assert reading is not None, "whoever names a stream has found it at this view"
        facts: list[Any] = [event.data for event in reading.answer.state.links]
        return [named for fact in facts if (named := getattr(fact, field)) is not None]


@strawberry.type(description="A policy dossier in a list.")
class PolicyDossierEdge:
    """A policy dossier and its place."""

    node: PolicyDossier = strawberry.field(description="The policy dossier.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of policy dossiers.")
class PolicyDossierConnection(Page):
    """A page of policy dossiers."""

    edges: list[PolicyDossierEdge] = strawberry.field(description="The policy dossiers and their places.")
    nodes: list[PolicyDossier] = strawberry.field(description="The policy dossiers.")
