"""A dialogue as clients see it: who took part, what was said in its two parts, and what came of it.

The module is long because a dialogue's report is one question, and everything that may stand in it is here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import strawberry

from ..domain.dialogue.rules import Dialogue as DialogueState
from ..domain.dialogue.rules import Step as ChosenStep
from ..domain.event import Event as RecordedEvent
from ..domain.vocabulary import DialogueStatus, LearningKind, ParticipantRole, StepStatus
from .causes import Cause
from .connections import Page
from .experiments import Experiment
from .learning import LearningStream
from .learning_parts import Part, streams_at, streams_linking, words_of
from .organisations import Organisation, organisation, organisations
from .view import StreamAt

if TYPE_CHECKING:
    from .dossiers import PolicyDossier


P = TypeVar("P", bound=Part)


@strawberry.type(description="Somebody who takes part in a dialogue, by a pseudonym of their own.")
class Participant(Part):
    """A participant; the event is their joining."""

    @strawberry.field(description="Their pseudonym.")
    def id(self) -> strawberry.ID:
        """Return their pseudonym."""
        return strawberry.ID(str(self.fact.participant))

    @strawberry.field(description="As what they take part.")
    def role(self) -> ParticipantRole:
        """Return their role."""
        return self.fact.role

    @strawberry.field(description="The organisation for which they sit there; null if for none.")
    def organisation(self) -> Organisation | None:
        """Return their organisation."""
        named = self.fact.organisation
        return None if named is None else organisation(self.at.view, named)

    @strawberry.field(description="What they are called; null if nobody said, or if they were forgotten.")
    def name(self) -> str | None:
        """Return their name."""
        return self.words("name")


@strawberry.type
class _Spoken(Part):
    """Something that a participant said."""

    @strawberry.field(description="Who said it; null if it was nobody in particular.")
    def participant(self) -> Participant | None:
        """Return who said it."""
        return _participant(self.at, self.fact.participant)


@strawberry.type(description="What a citizen or practitioner met with, as told in the first part of a dialogue.")
class Experience(_Spoken):
    """An experience."""

    @strawberry.field(description="What they told; null if they were forgotten.")
    def text(self) -> str | None:
        """Return what they told."""
        return self.words("experience")


@strawberry.type(description="Where it goes wrong, as it was named together in the first part of a dialogue.")
class Bottleneck(Part):
    """A bottleneck."""

    @strawberry.field(description="Its id, by which options name it.")
    def id(self) -> strawberry.ID:
        """Return its id."""
        return strawberry.ID(str(self.fact.bottleneck))

    @strawberry.field(description="What it is.")
    def statement(self) -> str | None:
        """Return what it is."""
        return self.words("statement")

    @strawberry.field(description="The causes that it comes from.")
    async def causes(self) -> list[Cause]:
        """Return its causes."""
        return await streams_at(self.at.view, LearningKind.CAUSE, self.fact.causes, Cause)


@strawberry.type(description="How a policymaker sees it, as they said in the second part of a dialogue.")
class PolicymakersView(_Spoken):
    """A view."""

    @strawberry.field(description="What they said; null if they were forgotten.")
    def text(self) -> str | None:
        """Return what they said."""
        return self.words("view")


@strawberry.type(description="Something that might be done, as it was proposed in the second part of a dialogue.")
class ProposedOption(_Spoken):
    """An option."""

    @strawberry.field(description="Its id, by which an action team's plan names it.")
    def id(self) -> strawberry.ID:
        """Return its id."""
        return strawberry.ID(str(self.fact.option))

    @strawberry.field(description="What it comes down to.")
    def proposal(self) -> str | None:
        """Return what it comes down to."""
        return self.words("proposal")

    @strawberry.field(description="The bottlenecks that it is about.")
    def bottlenecks(self) -> list[Bottleneck]:
        """Return its bottlenecks."""
        return self.at.read(
            lambda reading: _parts(Bottleneck, self.at, reading.answer.state.bottlenecks, self.fact.bottlenecks)
        )


@strawberry.type(description="Those who leave a dialogue with a plan for its first step.")
class ActionTeam(Part):
    """An action team."""

    @strawberry.field(description="The organisations in it; only they take its steps.")
    def organisations(self) -> list[Organisation]:
        """Return its organisations."""
        return organisations(self.at.view, self.fact.organisations)

    @strawberry.field(description="The participants in it.")
    def participants(self) -> list[Participant]:
        """Return its participants."""
        return self.at.read(
            lambda reading: _parts(Participant, self.at, reading.answer.state.participants, self.fact.participants)
        )

    @strawberry.field(description="The options that its plan is made of.")
    def options(self) -> list[ProposedOption]:
        """Return the options."""
        return self.at.read(
            lambda reading: _parts(ProposedOption, self.at, reading.answer.state.options, self.fact.options)
        )

    @strawberry.field(description="Its plan.")
    def plan(self) -> str | None:
        """Return its plan."""
        return self.words("plan")


@strawberry.type(description="Something that was done towards a step.")
class StepProgress(Part):
    """Progress with a step."""

    @strawberry.field(description="What was done.")
    def note(self) -> str | None:
        """Return what was done."""
        return self.words("note")


@strawberry.type(description="A step of an action team, followed until it is done or given up.")
class Step(Part):
    """A step; the event is the one by which it was chosen."""

    chosen: strawberry.Private[ChosenStep]

    @strawberry.field(description="Its id, by which its progress is told.")
    def id(self) -> strawberry.ID:
        """Return its id."""
        return strawberry.ID(str(self.chosen.fact.step))

    @strawberry.field(description="Who takes it.")
    def organisation(self) -> Organisation:
        """Return who takes it."""
        return organisation(self.at.view, self.chosen.fact.organisation)

    @strawberry.field(description="By when it is due.")
    def due(self) -> datetime:
        """Return when it is due."""
        return self.chosen.due

    @strawberry.field(description="What it is.")
    def description(self) -> str | None:
        """Return what it is."""
        return self.words("description")

    @strawberry.field(description="What it should bring about.")
    def expected_effect(self) -> str | None:
        """Return what it should bring about."""
        return self.words("expected_effect")

    @strawberry.field(description="The experiment that tries it, if one does.")
    async def experiment(self) -> Experiment | None:
        """Return the experiment."""
        named = [each for each in (self.chosen.fact.experiment,) if each is not None]
        found = await streams_at(self.at.view, LearningKind.EXPERIMENT, named, Experiment)
        return found[0] if found else None

    @strawberry.field(description="What became of it.")
    def status(self) -> StepStatus:
        """Return what became of it."""
        return self.chosen.status

    @strawberry.field(description="Whether it was due and neither done nor given up at asOf.")
    def overdue(self) -> bool:
        """Return whether it is late."""
        return self.chosen.settled is None and self.chosen.due <= self.at.view.as_of

    @strawberry.field(description="What was done towards it, in order.")
    def progress(self) -> list[StepProgress]:
        """Return what was done towards it."""
        return [StepProgress(at=self.at, told=event) for event in self.chosen.progress]

    @strawberry.field(description="When it was done or given up; null while it runs.")
    def settled_at(self) -> datetime | None:
        """Return when it was done or given up."""
        return self.chosen.settled.occurred_at if self.chosen.settled else None

    @strawberry.field(description="What came of it, or why it was given up.")
    def outcome(self) -> str | None:
        """Return what came of it."""
        settled = self.chosen.settled
        if settled is None:
            return None
        return words_of(self.at, settled, "effect" if self.chosen.status is StepStatus.DONE else "reason")


@strawberry.type(
    description="A moderated conversation about one problem. First citizens and practitioners tell what they met with; "
    "then policymakers give their view."
)
class Dialogue(LearningStream):
    """A dialogue at the view's two times."""

    @strawberry.field(description="Who convened it.")
    def convener(self) -> Organisation:
        """Return who convened it."""
        return self.state(lambda one: organisation(self.at.view, one.fact.organisation))

    @strawberry.field(description="Its theme, as a slug.")
    def theme(self) -> str:
        """Return its theme."""
        return self.state(lambda one: one.fact.theme)

    @strawberry.field(description="The problem that it is about.")
    def problem(self) -> str | None:
        """Return its problem."""
        return self.state(lambda one: words_of(self.at, one.begun, "problem"))

    @strawberry.field(description="How far it has come.")
    def status(self) -> DialogueStatus:
        """Return its status."""
        return DialogueStatus(self.header.status) if self.header else self.state(lambda one: one.status)

    @strawberry.field(description="Who take part, in the order in which they joined.")
    def participants(self) -> list[Participant]:
        """Return who take part."""
        return self._told(Participant, lambda one: one.participants.values())

    @strawberry.field(description="What citizens and practitioners told, in order.")
    def experiences(self) -> list[Experience]:
        """Return the experiences."""
        return self._told(Experience, lambda one: one.experiences)

    @strawberry.field(description="Where it goes wrong, as they named it, in order.")
    def bottlenecks(self) -> list[Bottleneck]:
        """Return the bottlenecks."""
        return self._told(Bottleneck, lambda one: one.bottlenecks.values())

    @strawberry.field(description="When the first part was closed; null while it runs.")
    def first_part_closed_at(self) -> datetime | None:
        """Return when the first part was closed."""
        return self.state(lambda one: one.first_part_closed.occurred_at if one.first_part_closed else None)

    @strawberry.field(description="How policymakers see it, in order.")
    def views(self) -> list[PolicymakersView]:
        """Return the views."""
        return self._told(PolicymakersView, lambda one: one.views)

    @strawberry.field(description="What might be done about it, in the order in which it was proposed.")
    def options(self) -> list[ProposedOption]:
        """Return the options."""
        return self._told(ProposedOption, lambda one: one.options.values())

    @strawberry.field(description="The action team that stands; null if none was formed.")
    def action_team(self) -> ActionTeam | None:
        """Return the action team."""
        return self.state(lambda one: ActionTeam(at=self.at, told=one.team) if one.team else None)

    @strawberry.field(description="The steps that its action team took upon itself, the first one first.")
    def steps(self) -> list[Step]:
        """Return the steps."""
        return self.state(lambda one: [Step(at=self.at, told=step.chosen, chosen=step) for step in one.steps.values()])

    @strawberry.field(description="When the conversation was over; null while it is not.")
    def concluded_at(self) -> datetime | None:
        """Return when it was concluded."""
        return self.state(lambda one: one.concluded.occurred_at if one.concluded else None)

    @strawberry.field(description="What was learnt from it.")
    def lesson(self) -> str | None:
        """Return what was learnt."""
        return self.state(lambda one: words_of(self.at, one.concluded, "lesson") if one.concluded else None)

    @strawberry.field(description="The causes that its bottlenecks come from, each once.")
    async def causes(self) -> list[Cause]:
        """Return the causes."""
        state: DialogueState = await _state(self.at)
        named = (cause for event in state.bottlenecks.values() for cause in _causes(event))
        return await streams_at(self.at.view, LearningKind.CAUSE, named, Cause)

    @strawberry.field(description="The policy dossiers that it is linked with.")
    async def policy_dossiers(self) -> list[Annotated["PolicyDossier", strawberry.lazy(".dossiers")]]:
        """Return the dossiers."""
        from .dossiers import PolicyDossier  # noqa: PLC0415  dossiers imports this module

        return await streams_linking(self.at.view, LearningKind.POLICY_DOSSIER, [self.at.id], PolicyDossier)

    def _told(self, part: type[P], of: Callable[[DialogueState], Iterable[RecordedEvent]]) -> list[P]:
        """Return parts of a kind, each told by an event of its state."""
        return self.state(lambda one: [part(at=self.at, told=event) for event in of(one)])


def _causes(event: RecordedEvent) -> tuple[UUID, ...]:
    fact: Any = event.data
    return fact.causes


async def _state(at: StreamAt) -> Any:
    reading = await at.view.stream_reading(at.id)
    assert reading is not None, "whoever names a stream has found it at this view"
    return reading.answer.state


def _participant(at: StreamAt, named: UUID | None) -> Participant | None:
    if named is None:
        return None
    return at.read(lambda reading: Participant(at=at, told=reading.answer.state.participants[named]))


def _parts(part: type[P], at: StreamAt, known: Mapping[UUID, RecordedEvent], named: Sequence[UUID]) -> list[P]:
    return [part(at=at, told=known[each]) for each in named]


@strawberry.type(description="A dialogue in a list.")
class DialogueEdge:
    """A dialogue and its place."""

    node: Dialogue = strawberry.field(description="The dialogue.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of dialogues.")
class DialogueConnection(Page):
    """A page of dialogues."""

    edges: list[DialogueEdge] = strawberry.field(description="The dialogues and their places.")
    nodes: list[Dialogue] = strawberry.field(description="The dialogues.")
