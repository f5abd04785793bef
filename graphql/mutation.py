"""Mutations: every command of the domain by its name, and what it answers.

They are made from the list of commands, so that none can be missing. Each answers with its payload, or with a refusal
that says which rule stands in the way. The module is long because each kind of stream has a payload of its own.
"""

import types
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import strawberry
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from ..domain.access import may_record, may_say
from ..domain.case import facts as f
from ..domain.command import COMMANDS, Command, RefusalCode
from ..domain.command import Refused as DomainRefused
from ..domain.event import Fact
from ..domain.learning.facts import LearningFact
from ..domain.organisation.facts import OrganisationFact
from ..domain.registry.facts import RegistryFact
from ..domain.vocabulary import LearningKind, Role
from ..projections.derivation.answer import Told
from .asking import Asking
from .cases import Case
from .causes import Cause
from .chains import Obstacle
from .commands import command_of
from .dialogues import Dialogue
from .dossiers import PolicyDossier
from .events import Event
from .experiments import Experiment
from .inputs import input_of
from .investigations import Investigation
from .networks import Network
from .organisations import Organisation
from .ports import Recorded as Answer
from .problems import Problem, ProblemCode
from .scalars import Position
from .unseen import record
from .view import CaseAt, CaseReading, StreamAt, View, later

__all__ = ["Mutation"]


@strawberry.type(description="A fact that a refusal rests on.")
class RefusalFact:
    """A name and a value."""

    name: str = strawberry.field(description="What it is.")
    value: str = strawberry.field(description="Its value, as text.")


@strawberry.type(
    description="The command was refused and nothing was recorded; it may be sent again when things have changed."
)
class Refused:
    """A refusal."""

    code: RefusalCode = strawberry.field(description="Why, for programs.")
    message: str = strawberry.field(description="Why, in a sentence.")
    facts: list[RefusalFact] = strawberry.field(description="What that rests on.")


@strawberry.interface(description="A command had its effect: the event that it became. What all payloads have.")
class Recorded:
    """What a payload says, whatever the command was."""

    answer: strawberry.Private[Answer]
    command: strawberry.Private[Command]
    view: strawberry.Private[View]

    @strawberry.field(description="Where the event stands in the log; give it as 'atLeast' to read what was written.")
    def position(self) -> Position:
        """Return the event's position."""
        return Position(self.answer.position)

    @strawberry.field(description="When the registry accepted it.")
    def recorded_at(self) -> datetime:
        """Return when it was recorded."""
        return self.answer.recorded_at

    @strawberry.field(description="Its version in its stream: the 'expectedVersion' for whoever builds on it.")
    def version(self) -> int:
        """Return the event's version."""
        return self.answer.version

    @strawberry.field(description="The command's id: the same id again has no second effect, and gets this answer.")
    def command_id(self) -> strawberry.ID:
        """Return the command's id."""
        return strawberry.ID(str(self.command.id))

    @strawberry.field(description="The event.")
    def event(self) -> Event:
        """Return the event."""
        return later(self._event())

    async def _event(self) -> Event:
        for event in await self.view.histories.load(self.command.stream):
            if event.id == self.answer.event_id:
                return Event(view=self.view, known_to_only=None, told=Told(event, None, None, ()))
        message = "The event was recorded but cannot be read at this moment; ask for it by its position."
        raise Problem(ProblemCode.UNAVAILABLE, message, position=self.answer.position)


@strawberry.interface(description="A command about a case had its effect.")
class RecordedInCase(Recorded):
    """What payloads of a case's commands have."""

    @strawberry.field(description="The case as it is now, this event included.")
    def case(self) -> Case:
        """Return the case."""
        return Case(at=CaseAt(self.view, self.command.stream))


@strawberry.interface(description="A command about an obstacle had its effect.")
class RecordedOnObstacle(RecordedInCase):
    """What payloads of an obstacle's commands have."""

    @strawberry.field(description="The obstacle as it is now, this event included.")
    def obstacle(self) -> Obstacle:
        """Return the obstacle."""
        at, fact = CaseAt(self.view, self.command.stream), self.command.data
        if isinstance(fact, f.ObstacleFact | f.HandoffOffered):
            return Obstacle(at=at, obstacle=fact.obstacle)
        return at.read(lambda reading: Obstacle(at=at, obstacle=_offered(reading, fact)))


@strawberry.interface(description="A command about a handoff had its effect.")
class RecordedOnHandoff(RecordedOnObstacle):
    """What payloads of a handoff's commands have."""

    @strawberry.field(description="The handoff's id, by which it is accepted, refused or withdrawn.")
    def handoff(self) -> strawberry.ID:
        """Return the handoff."""
        fact = self.command.data
        assert isinstance(fact, f.HandoffFact)
        return strawberry.ID(str(fact.handoff))


@strawberry.interface(description="A command about an organisation had its effect.")
class RecordedOnOrganisation(Recorded):
    """What payloads of an organisation's commands have."""

    @strawberry.field(description="The organisation.")
    def organisation(self) -> Organisation:
        """Return the organisation."""
        fact = self.command.data
        assert isinstance(fact, OrganisationFact)
        return Organisation(identifier=fact.organisation, view=self.view)


@strawberry.interface(description="A command about a cause had its effect.")
class RecordedOnCause(Recorded):
    """What payloads of a cause's commands have."""

    @strawberry.field(description="The cause as it is now, this event included.")
    def cause(self) -> Cause:
        """Return the cause."""
        return Cause(at=StreamAt(self.view, self.command.stream))


@strawberry.interface(description="A command about a dialogue had its effect.")
class RecordedOnDialogue(Recorded):
    """What payloads of a dialogue's commands have."""

    @strawberry.field(description="The dialogue as it is now, this event included.")
    def dialogue(self) -> Dialogue:
        """Return the dialogue."""
        return Dialogue(at=StreamAt(self.view, self.command.stream))


@strawberry.interface(description="A command about a policy dossier had its effect.")
class RecordedOnPolicyDossier(Recorded):
    """What payloads of a policy dossier's commands have."""

    @strawberry.field(description="The policy dossier as it is now, this event included.")
    def policy_dossier(self) -> PolicyDossier:
        """Return the policy dossier."""
        return PolicyDossier(at=StreamAt(self.view, self.command.stream))


@strawberry.interface(description="A command about a network had its effect.")
class RecordedOnNetwork(Recorded):
    """What payloads of a network's commands have."""

    @strawberry.field(description="The network as it is now, this event included.")
    def network(self) -> Network:
        """Return the network."""
        return Network(at=StreamAt(self.view, self.command.stream))


@strawberry.interface(description="A command about an experiment had its effect.")
class RecordedOnExperiment(Recorded):
    """What payloads of an experiment's commands have."""

    @strawberry.field(description="The experiment as it is now, this event included.")
    def experiment(self) -> Experiment:
        """Return the experiment."""
        return Experiment(at=StreamAt(self.view, self.command.stream))


@strawberry.interface(description="A command about an investigation had its effect.")
class RecordedOnInvestigation(Recorded):
    """What payloads of an investigation's commands have."""

    @strawberry.field(description="The investigation as it is now, this event included.")
    def investigation(self) -> Investigation:
        """Return the investigation."""
        return Investigation(at=StreamAt(self.view, self.command.stream))


_ON_STREAMS: Final[Mapping[LearningKind, type]] = {
    LearningKind.CAUSE: RecordedOnCause,
    LearningKind.DIALOGUE: RecordedOnDialogue,
    LearningKind.INVESTIGATION: RecordedOnInvestigation,
    LearningKind.POLICY_DOSSIER: RecordedOnPolicyDossier,
    LearningKind.NETWORK: RecordedOnNetwork,
    LearningKind.EXPERIMENT: RecordedOnExperiment,
}
"""What payloads of the commands of each kind of learning stream build on."""


def _offered(reading: CaseReading, fact: Fact) -> UUID:
    """Return the obstacle that a handoff is of."""
    assert isinstance(fact, f.HandoffFact)
    return next(
        event.data.obstacle
        for event in reading.recorded.values()
        if isinstance(event.data, f.HandoffOffered) and event.data.handoff == fact.handoff
    )


def _base_of(fact: type[Fact]) -> tuple[type, ...]:
    """Return the interface of a fact's payload, and those that it builds on."""
    if issubclass(fact, RegistryFact):
        return (Recorded,)
    if issubclass(fact, LearningFact):
        return (_ON_STREAMS[fact.stream_kind],)
    if issubclass(fact, OrganisationFact):
        return (RecordedOnOrganisation,)
    if issubclass(fact, f.HandoffFact):
        return (RecordedOnHandoff,)
    if issubclass(fact, f.ObstacleFact):
        return (RecordedOnObstacle,)
    return (RecordedInCase,)


def _payload_of(name: str) -> type:
    """Return the payload type of a command."""
    made = types.new_class(f"{name}Payload", _base_of(COMMANDS[name]), {}, lambda body: body.update(__annotations__={}))
    return strawberry.type(made, name=f"{name}Payload", description=f"What {name} came to.")


def _not_permitted(role: Role, command: Command) -> DomainRefused | None:
    """Return why somebody in a role may not have a command recorded, if so."""
    facts = (("role", role.value),)
    if not may_record(role, type(command.data)):
        message = "This is not for somebody in your role to record; viewer.mayRecord names what is."
        return DomainRefused(RefusalCode.NOT_PERMITTED, message, facts)
    if not may_say(command.actor, command.data):
        message = "What becomes of an organisation is for itself, an investigator or an administrator to record."
        return DomainRefused(RefusalCode.NOT_PERMITTED, message, (*facts, ("actor", command.actor.organisation)))
    return None


def _field_of(name: str) -> StrawberryField:
    """Return the mutation of a command."""
    payload, given = _payload_of(name), input_of(name)

    async def resolve(info: strawberry.Info[Asking, None], input: Any) -> Any:  # noqa: A002  Relay's word
        asking = info.context
        command = await command_of(asking, name, input)
        if isinstance(command, DomainRefused):
            return refused(command)
        not_permitted = None if asking.asker.owns else _not_permitted(asking.asker.role, command)
        if not_permitted is not None:
            asking.session.not_permitted(command, not_permitted)
            return refused(not_permitted)
        answer = await record(asking, command)
        if isinstance(answer, DomainRefused):
            return refused(answer)
        return payload(answer=answer, command=command, view=asking.view_after(answer.position, command.occurred_at))

    union = Annotated[
        payload | Refused, strawberry.union(f"{name}Result", description=f"What {name} came to, or why it was refused.")
    ]  # fmt: skip
    resolve.__annotations__ = {
        "info": strawberry.Info[Asking, None],
        "input": Annotated[given, strawberry.argument(description="What there is to say.")],
        "return": union,
    }
    fact = COMMANDS[name]
    said = (fact.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ").replace("``", "'")
    return strawberry.field(resolver=resolve, name=to_camel_case(_snake(name)), description=f"Records: {said}")


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def refused(refusal: DomainRefused) -> Refused:
    """Return a refusal as clients see it."""
    return Refused(
        code=refusal.code,
        message=refusal.message,
        facts=[RefusalFact(name=name, value=value) for name, value in refusal.facts],
    )


def _mutation() -> type:
    fields = {_snake(name): _field_of(name) for name in COMMANDS}
    made = types.new_class("Mutation", (), {}, lambda body: body.update(fields, __annotations__={}))
    return strawberry.type(made, name="Mutation", description="Every command of the registry.")


Mutation: Final = _mutation()
