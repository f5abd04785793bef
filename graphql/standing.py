"""What more there is to an organisation: the tasks that passed on, its mandate as a solution team, its strategies."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from ..domain.case.corrections import mend
from ..domain.case.history import place
from ..domain.event import Event as RecordedEvent
from ..domain.ids import organisation_stream_of
from ..domain.organisation import facts as o
from ..domain.vocabulary import LearningKind, Origin, TeamMotive
from ..projections.derivation.answer import Told
from ..projections.queries import cases, rules
from ..projections.queries.cases import CaseChoice
from ..projections.queries.rules import RULES_MAX, RuleChoice
from .events import Event
from .gaps import text_of
from .organisations import Organisation, organisation
from .rules import RuleDepartedFrom, rules_departed_from
from .view import View, later

if TYPE_CHECKING:
    from .experiments import Experiment


@strawberry.type(description="A task of an organisation that passed to another.")
class TaskTransfer:
    """A theme, from whom, to whom, since when."""

    theme: str = strawberry.field(description="The theme, as a slug.")
    from_: Organisation = strawberry.field(name="from", description="Whose task it was.")
    to: Organisation = strawberry.field(description="Whose task it is.")
    since: datetime = strawberry.field(description="Since when; a moment still to come, if it has been announced.")


@strawberry.type(description="What makes an organisation a solution team.")
class SolutionTeam:
    """A team as it was last established."""

    view: strawberry.Private[View]
    event: Event = strawberry.field(description="The event that established it, or gave it its mandate last.")

    @strawberry.field(description="Since when it is one, or has this mandate.")
    def established_at(self) -> datetime:
        """Return when it was established."""
        return self.event.told.event.occurred_at

    @strawberry.field(description="Why it was set up.")
    def motives(self) -> list[TeamMotive]:
        """Return its motives."""
        return list(self._fact.motives)

    @strawberry.field(description="What it may do.")
    def mandate(self) -> str | None:
        """Return its mandate."""
        return text_of(self.view, self.event.told, self._fact.mandate)

    @strawberry.field(description="How to reach it.")
    def contact(self) -> str | None:
        """Return how to reach it."""
        return text_of(self.view, self.event.told, self._fact.contact)

    @strawberry.field(
        description=f"Rules that remedies in its cases departed from, the one that most did first; {RULES_MAX} at most."
    )
    async def rules_departed_from(self) -> list[RuleDepartedFrom]:
        """Return the rules departed from in its cases."""
        return await rules_departed_from(self.view, RuleChoice(parties=[self._fact.organisation]))

    @strawberry.field(description="In how many cases it has a part.")
    async def case_count(self) -> int:
        """Return how many cases it has a part in; 'cases' with its id as organisation lists them."""
        choice = CaseChoice(organisations=[self._fact.organisation])
        return (await self.view.session.rows(*cases.count(self.view.moment, choice)))[0][0]

    @strawberry.field(description="How many solutions for one subject alone there were in those cases.")
    async def remedy_count(self) -> int:
        """Return how many remedies there were in its cases."""
        choice = RuleChoice(parties=[self._fact.organisation])
        return (await self.view.session.rows(*rules.remedies(self.view.moment, choice)))[0][0]

    @property
    def _fact(self) -> o.SolutionTeamEstablished:
        fact = self.event.told.event.data
        assert isinstance(fact, o.SolutionTeamEstablished)
        return fact


@strawberry.type(description="An organisation works in the way that another one shared.")
class Adoption:
    """Who, and since when."""

    organisation: Organisation = strawberry.field(description="Who adopted it.")
    at: datetime = strawberry.field(description="Since when.")
    experiment: Annotated["Experiment", strawberry.lazy(".experiments")] | None = strawberry.field(
        description="The experiment that showed them that it works; null if they adopted it from who shares it."
    )


@strawberry.type(description="A way of working that an organisation shares with others.")
class Strategy:
    """A strategy, as it was shared."""

    view: strawberry.Private[View]
    event: Event = strawberry.field(description="The event that shared it.")

    @strawberry.field(description="Its id, by which it is adopted.")
    def id(self) -> strawberry.ID:
        """Return its id."""
        return strawberry.ID(str(self._fact.strategy))

    @strawberry.field(description="Who shares it.")
    def shared_by(self) -> Organisation:
        """Return who shares it."""
        return organisation(self.view, self._fact.organisation)

    @strawberry.field(description="Since when.")
    def shared_at(self) -> datetime:
        """Return when it was shared."""
        return self.event.told.event.occurred_at

    @strawberry.field(description="What it is called.")
    def title(self) -> str | None:
        """Return its title."""
        return text_of(self.view, self.event.told, self._fact.title)

    @strawberry.field(description="What it comes down to.")
    def description(self) -> str | None:
        """Return its description."""
        return text_of(self.view, self.event.told, self._fact.description)

    @strawberry.field(description="The themes of the obstacles that it worked for, as slugs.")
    def themes(self) -> list[str]:
        """Return about what the obstacles were that it worked for."""
        return sorted(set(self._fact.themes))

    @strawberry.field(description="Where the obstacles that it worked for came from.")
    def origins(self) -> list[Origin]:
        """Return where the obstacles came from that it worked for."""
        return sorted(set(self._fact.origins))

    @strawberry.field(
        description="Who adopted it, from who shares it or from an experiment, the first one first; 200 at most from "
        "who shares it."
    )
    def adopted_by(self) -> list[Adoption]:
        """Return who adopted it."""
        return later(self._adopted_by())

    async def _adopted_by(self) -> list[Adoption]:
        found = await self.view.adoptions.load(self._fact.strategy)
        adoptions = [Adoption(organisation=organisation(self.view, name), at=at, experiment=None) for name, at in found]
        return sorted([*adoptions, *await self._adopted_from_experiments()], key=lambda adoption: adoption.at)

    async def _adopted_from_experiments(self) -> list[Adoption]:
        from .experiments import Experiment  # noqa: PLC0415  experiments import this module, by lists
        from .learning_parts import streams_linking  # noqa: PLC0415  the same

        strategy = self._fact.strategy
        return [
            Adoption(
                organisation=organisation(self.view, event.data.organisation),
                at=event.occurred_at,
                experiment=experiment,
            )
            for experiment in await streams_linking(self.view, LearningKind.EXPERIMENT, [strategy], Experiment)
            for event in self.view.stream_readings[experiment.at.id].answer.state.adoptions
            if event.data.strategy == strategy
        ]

    @property
    def _fact(self) -> o.StrategyShared:
        fact = self.event.told.event.data
        assert isinstance(fact, o.StrategyShared)
        return fact


async def shared_strategies(view: View, shared: Sequence[tuple[str, UUID]]) -> list[Strategy]:
    """Return strategies by who shares each and the event that shared it."""
    streams = {name: organisation_stream_of(name) for name, _ in shared}
    await view.histories.load_all(streams.values())
    events: dict[UUID, Event] = {}
    for stream in streams.values():
        events |= events_in_stream(view, view.histories.known[stream])
    return [Strategy(view=view, event=events[event]) for _, event in shared]


def events_in_stream(view: View, history: Sequence[RecordedEvent]) -> dict[UUID, Event]:
    """Return the events of a stream (``history``, in order of position) that is no case's as corrected, by id.

    They stand in the order in which they occurred, corrections and strikings among them.
    """
    mended = mend(history)
    placed = {event.id: event for event in mended.events}
    return {
        event.id: Event(
            view=view,
            known_to_only=None,
            told=Told(event, None, mended.struck.get(event.id), tuple(mended.corrected.get(event.id, ()))),
        )
        for event in place([placed.get(event.id, event) for event in history])
    }
