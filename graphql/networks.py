"""A network as clients see it: who was a member when, what they tell policymakers, and what they do for each other."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import strawberry

from ..domain.event import Event as RecordedEvent
from ..domain.network.rules import Member, last_done
from ..domain.network.rules import Signal as RaisedSignal
from ..domain.vocabulary import LearningKind, NetworkStatus, SignalReply
from .causes import Cause
from .connections import Page
from .learning import LearningStream
from .learning_parts import Part, streams_at, words_of
from .organisations import Organisation, organisation, organisations


@strawberry.type(description="That an organisation is, or was, a member of a network.")
class Membership(Part):
    """A membership; the event is the joining."""

    member: strawberry.Private[Member]

    @strawberry.field(description="Who.")
    def organisation(self) -> Organisation:
        """Return who."""
        return organisation(self.at.view, self.member.organisation)

    @strawberry.field(description="When it left; null while it is a member.")
    def left_at(self) -> datetime | None:
        """Return when it left."""
        return self.member.left.occurred_at if self.member.left else None


@strawberry.type(description="What members of a network tell a policymaker or legislator about causes, and the answer.")
class Signal(Part):
    """A signal."""

    raised: strawberry.Private[RaisedSignal]

    @strawberry.field(description="Its id, by which it is answered and linked with a policy dossier.")
    def id(self) -> strawberry.ID:
        """Return its id."""
        return strawberry.ID(str(self.raised.fact.signal))

    @strawberry.field(description="To whom it was raised.")
    def to(self) -> Organisation:
        """Return to whom."""
        return organisation(self.at.view, self.raised.fact.to)

    @strawberry.field(description="The members who joined in.")
    def members(self) -> list[Organisation]:
        """Return who joined in."""
        return organisations(self.at.view, self.raised.fact.members)

    @strawberry.field(description="The causes that it is about.")
    async def causes(self) -> list[Cause]:
        """Return its causes."""
        return await streams_at(self.at.view, LearningKind.CAUSE, self.raised.fact.causes, Cause)

    @strawberry.field(description="What it says.")
    def message(self) -> str | None:
        """Return what it says."""
        return self.words("message")

    @strawberry.field(description="By when an answer was asked for; null if no time was named.")
    def respond_by(self) -> datetime | None:
        """Return by when an answer was asked for."""
        return self.raised.fact.respond_by

    @strawberry.field(description="When it was answered; null while it was not.")
    def answered_at(self) -> datetime | None:
        """Return when it was answered."""
        return self.raised.answered.occurred_at if self.raised.answered else None

    @strawberry.field(description="What was answered; null while it was not.")
    def reply(self) -> SignalReply | None:
        """Return the reply."""
        fact: Any = self.raised.answered.data if self.raised.answered else None
        return None if fact is None else fact.reply

    @strawberry.field(description="The answer in words.")
    def answer(self) -> str | None:
        """Return the answer."""
        return words_of(self.at, self.raised.answered, "answer") if self.raised.answered else None


@strawberry.type
class _Doing(Part):
    """Something that a member did."""

    @strawberry.field(description="Who did it.")
    def organisation(self) -> Organisation:
        """Return who did it."""
        return organisation(self.at.view, self.fact.organisation)


@strawberry.type(description="That a member took up a challenge.")
class ChallengeAccepted(_Doing):
    """A challenge taken up."""

    @strawberry.field(description="What it will do about it.")
    def note(self) -> str | None:
        """Return what it will do."""
        return self.words("note")


@strawberry.type(description="What a member challenged the others to do.")
class Challenge(_Doing):
    """A challenge."""

    later: strawberry.Private[Sequence[RecordedEvent]]

    @strawberry.field(description="Its id, by which it is taken up.")
    def id(self) -> strawberry.ID:
        """Return its id."""
        return strawberry.ID(str(self.fact.challenge))

    @strawberry.field(description="What it is.")
    def description(self) -> str | None:
        """Return what it is."""
        return self.words("description")

    @strawberry.field(description="Who took it up, in order.")
    def taken_up(self) -> list[ChallengeAccepted]:
        """Return who took it up."""
        return [ChallengeAccepted(at=self.at, told=event) for event in self.later]


@strawberry.type(description="Help that a member offers.")
class HelpOffer(_Doing):
    """An offer of help."""

    @strawberry.field(description="What it offers.")
    def offer(self) -> str | None:
        """Return what it offers."""
        return self.words("offer")


@strawberry.type(description="Help that a member asked for.")
class HelpRequest(_Doing):
    """A request for help."""

    later: strawberry.Private[Sequence[RecordedEvent]]

    @strawberry.field(description="Its id, by which help is offered.")
    def id(self) -> strawberry.ID:
        """Return its id."""
        return strawberry.ID(str(self.fact.help))

    @strawberry.field(description="What it asks.")
    def question(self) -> str | None:
        """Return what it asks."""
        return self.words("question")

    @strawberry.field(description="Who offered help, in order.")
    def offers(self) -> list[HelpOffer]:
        """Return who offered help."""
        return [HelpOffer(at=self.at, told=event) for event in self.later]


@strawberry.type(
    description="How alive a network is: when members last did something together (raised a signal, set or took up a "
    "challenge, asked or offered help), and how many of those who are members now ever did."
)
class Vitality:
    """A network's vitality."""

    last_done_at: datetime | None = strawberry.field(description="When; null if they never did.")
    active_members: int = strawberry.field(description="How many of today's members ever took part in such a thing.")
    members: int = strawberry.field(description="How many members there are.")


@strawberry.type(description="Organisations that learn and speak together.")
class Network(LearningStream):
    """A network at the view's two times."""

    @strawberry.field(description="What it is called.")
    def name(self) -> str:
        """Return its name."""
        return self.state(lambda one: one.fact.name)

    @strawberry.field(description="What it is for.")
    def purpose(self) -> str | None:
        """Return what it is for."""
        return self.state(lambda one: words_of(self.at, one.begun, "purpose"))

    @strawberry.field(description="Whether anybody is in it.")
    def status(self) -> NetworkStatus:
        """Return its status."""
        return NetworkStatus(self.header.status) if self.header else self.state(lambda one: one.status)

    @strawberry.field(description="Who are members at asOf, in the order in which they joined.")
    def members(self) -> list[Organisation]:
        """Return the members."""
        return self.state(
            lambda one: organisations(self.at.view, [each.organisation for each in one.members if each.left is None])
        )

    @strawberry.field(description="Who ever was a member, since when and until when.")
    def memberships(self) -> list[Membership]:
        """Return the memberships."""
        return self.state(lambda one: [Membership(at=self.at, told=each.joined, member=each) for each in one.members])

    @strawberry.field(description="The themes that it works on, in order.")
    def themes(self) -> list[str]:
        """Return its themes."""
        return self.state(lambda one: list(one.themes))

    @strawberry.field(description="What it told policymakers and legislators, in order.")
    def signals(self) -> list[Signal]:
        """Return its signals."""
        return self.state(
            lambda one: [Signal(at=self.at, told=each.raised, raised=each) for each in one.signals.values()]
        )

    @strawberry.field(description="What its members challenged each other to do, in order.")
    def challenges(self) -> list[Challenge]:
        """Return its challenges."""
        return self.state(
            lambda one: [Challenge(at=self.at, told=told[0], later=told[1:]) for told in one.challenges.values()]
        )

    @strawberry.field(description="The help that members asked for, in order.")
    def help_asked(self) -> list[HelpRequest]:
        """Return the help asked for."""
        return self.state(
            lambda one: [HelpRequest(at=self.at, told=told[0], later=told[1:]) for told in one.asked.values()]
        )

    @strawberry.field(description="The help that was offered without being asked for, in order.")
    def help_offered(self) -> list[HelpOffer]:
        """Return the help offered."""
        return self.state(lambda one: [HelpOffer(at=self.at, told=event) for event in one.offered])

    @strawberry.field(description="How alive it is.")
    def vitality(self) -> Vitality:
        """Return its vitality."""

        def find(one: Any) -> Vitality:
            at, active = last_done(one)
            return Vitality(last_done_at=at, active_members=active, members=len(one.present))

        return self.state(find)


@strawberry.type(description="A network in a list.")
class NetworkEdge:
    """A network and its place."""

    node: Network = strawberry.field(description="The network.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of networks.")
class NetworkConnection(Page):
    """A page of networks."""

    edges: list[NetworkEdge] = strawberry.field(description="The networks and their places.")
    nodes: list[Network] = strawberry.field(description="The networks.")
