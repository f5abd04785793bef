"""An organisation, as it is at a view's two times."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from ..domain.event import Event as RecordedEvent
from ..domain.ids import organisation_stream_of
from ..domain.organisation.facts import StrategyShared
from ..domain.organisation.standing import standing_at
from ..domain.vocabulary import OrganisationKind
from ..projections.queries.organisations import OrganisationRow
from ..projections.queries.standings import SHOWN_MAX
from . import ids
from .batch import Batch
from .nodes import Node
from .view import View, later

if TYPE_CHECKING:
    from .events import Event
    from .standing import SolutionTeam, Strategy, TaskTransfer


@strawberry.type(
    description="An organisation, or a unit of one. Named where it plays a part, even if it was not registered by then."
)
class Organisation(Node):
    """Known by its identifier; the rest is loaded when asked for."""

    identifier: str = strawberry.field(description="Its OIN (twenty digits) or URI.")
    view: strawberry.Private[View]

    @strawberry.field(description="Its global id.")
    def id(self) -> strawberry.ID:
        """Return its global id."""
        return strawberry.ID(ids.global_id(ids.ORGANISATION, self.identifier))

    @strawberry.field(description="What it was called at asOf; null if it was not registered by then.")
    def name(self) -> str | None:
        """Return its name."""
        return self._of(lambda row: row.name if row else None)

    @strawberry.field(description="What sort of organisation it is.")
    def kind(self) -> OrganisationKind | None:
        """Return its kind."""
        return self._of(lambda row: row.kind if row else None)

    @strawberry.field(description="The organisation of which it is a unit.")
    def parent(self) -> "Organisation | None":
        """Return its parent."""
        return self._of(lambda row: Organisation(identifier=row.parent, view=self.view) if row and row.parent else None)

    @strawberry.field(description="When it ended: it was dissolved, or went up in another; null while it exists.")
    def ended_at(self) -> datetime | None:
        """Return when it ended."""
        return self._of(lambda row: row.ended_at if row else None)

    @strawberry.field(description="Its successor, if it went up in another organisation.")
    def merged_into(self) -> "Organisation | None":
        """Return its successor."""
        return self._of(
            lambda row: Organisation(identifier=row.merged_into, view=self.view) if row and row.merged_into else None
        )

    @strawberry.field(description=f"Its units, by name; {SHOWN_MAX} at most.")
    def units(self) -> list["Organisation"]:
        """Return its units."""
        return later(self._named_by(self.view.units))

    @strawberry.field(description=f"Those that went up in it, the first one first; {SHOWN_MAX} at most.")
    def predecessors(self) -> list["Organisation"]:
        """Return those that it succeeds."""
        return later(self._named_by(self.view.predecessors))

    @strawberry.field(description="Its tasks that are another's, or have been announced to become so.")
    def tasks_transferred(self) -> list[Annotated["TaskTransfer", strawberry.lazy(".standing")]]:
        """Return the tasks that it passed on."""
        return later(self._tasks_transferred())

    @strawberry.field(description=f"The tasks that passed to it, the first one first; {SHOWN_MAX} at most.")
    def tasks_received(self) -> list[Annotated["TaskTransfer", strawberry.lazy(".standing")]]:
        """Return the tasks that passed to it."""
        return later(self._tasks_received())

    @strawberry.field(description="What makes it a solution team; null if it is none.")
    def solution_team(self) -> Annotated["SolutionTeam", strawberry.lazy(".standing")] | None:
        """Return its mandate as a solution team."""
        return later(self._solution_team())

    @strawberry.field(description="The ways of working that it shares with others.")
    def strategies_shared(self) -> list[Annotated["Strategy", strawberry.lazy(".standing")]]:
        """Return what it shares."""
        return later(self._strategies(adopted=False))

    @strawberry.field(description="The ways of working of others that it adopted.")
    def strategies_adopted(self) -> list[Annotated["Strategy", strawberry.lazy(".standing")]]:
        """Return what it adopted."""
        return later(self._strategies(adopted=True))

    @strawberry.field(description="What happened to it, in the order in which it occurred, conflicts included.")
    def events(self) -> list[Annotated["Event", strawberry.lazy(".events")]]:
        """Return the events of its own stream."""
        return later(self._events())

    async def _history(self) -> Sequence[RecordedEvent]:
        """Return the events of its own stream, whenever they occurred: a correction may have moved them."""
        return await self.view.histories.load(organisation_stream_of(self.identifier))

    async def _named_by(self, batch: Batch[str, list[str]]) -> list["Organisation"]:
        return organisations(self.view, await batch.load(self.identifier))

    async def _tasks_transferred(self) -> list[Any]:
        from .standing import TaskTransfer  # noqa: PLC0415  standing imports this module

        found = standing_at(await self._history(), self.view.as_of)
        last = {one.theme: one for one in found.transfers} if found else {}
        return [
            TaskTransfer(theme=one.theme, from_=self, to=organisation(self.view, one.to), since=one.since)
            for one in last.values()
        ]

    async def _tasks_received(self) -> list[Any]:
        from .standing import TaskTransfer  # noqa: PLC0415  standing imports this module

        return [
            TaskTransfer(theme=theme, from_=organisation(self.view, from_), to=self, since=since)
            for from_, theme, since in await self.view.tasks_to.load(self.identifier)
        ]

    async def _solution_team(self) -> Any:
        from .standing import SolutionTeam, events_in_stream  # noqa: PLC0415  standing imports this module

        history = await self._history()
        found = standing_at(history, self.view.as_of)
        if found is None or found.team is None:
            return None
        return SolutionTeam(view=self.view, event=events_in_stream(self.view, history)[found.team])

    async def _strategies(self, *, adopted: bool) -> list[Any]:
        from .standing import Strategy, events_in_stream  # noqa: PLC0415  standing imports this module

        found = standing_at(await self._history(), self.view.as_of)
        known = [one for one in found.strategies.values() if (one.shared_by is not None) is adopted] if found else []
        sharers = {one.strategy: one.shared_by or self.identifier for one in known}
        streams = {name: organisation_stream_of(name) for name in sharers.values()}
        await self.view.histories.load_all(streams.values())
        shared = {
            event.told.event.data.strategy: event
            for stream in streams.values()
            for event in events_in_stream(self.view, self.view.histories.known[stream]).values()
            if isinstance(event.told.event.data, StrategyShared)
        }
        return [Strategy(view=self.view, event=shared[strategy]) for strategy in sharers if strategy in shared]

    async def _events(self) -> list[Any]:
        from .standing import events_in_stream  # noqa: PLC0415  standing imports this module

        found = events_in_stream(self.view, await self._history()).values()
        return [event for event in found if event.told.event.occurred_at <= self.view.as_of]

    def _of(self, what: Callable[[OrganisationRow | None], Any]) -> Any:
        known = self.view.organisations.known
        return what(known[self.identifier]) if self.identifier in known else later(self._loaded(what))

    async def _loaded(self, what: Callable[[OrganisationRow | None], Any]) -> Any:
        return what(await self.view.organisations.load(self.identifier))


def organisation(view: View, identifier: str) -> Organisation:
    """Return an organisation by its identifier."""
    return Organisation(identifier=identifier, view=view)


def organisations(view: View, identifiers: Sequence[str]) -> list[Organisation]:
    """Return organisations by their identifiers."""
    return [Organisation(identifier=identifier, view=view) for identifier in identifiers]
