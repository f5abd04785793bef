"""Promises kept, as clients see them: what organisations took upon themselves, and what came of it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from msgspec.structs import replace

from ..domain.vocabulary import LearningKind
from ..projections.derivation.answer_facets import CommitmentKind
from ..projections.queries import commitments
from ..projections.queries.commitments import CommitmentChoice, CommitmentRow, KeeperRow, Standing
from . import ids
from .across import across
from .cases import After, Case, First, case_of
from .connections import Page, connection
from .events import Event, event_of
from .filters import organisations_of
from .learning import LearningStream
from .learning_types import TYPES
from .networks import Network
from .nodes import page_size, place_of
from .organisations import Organisation, organisation
from .view import CaseAt, StreamAt, View, later

strawberry.enum(CommitmentKind, description=CommitmentKind.__doc__)
strawberry.enum(Standing, name="CommitmentStanding", description=Standing.__doc__)


@strawberry.input(description="Which commitments an answer is about: all conditions must hold, of several values any.")
class CommitmentFilter:
    """Conditions on commitments."""

    kinds: list[CommitmentKind] | None = strawberry.field(default=None, description="Of these kinds.")
    organisations: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Of one of these organisations."
    )
    standings: list[Standing] | None = strawberry.field(default=None, description="That stand so.")
    network: strawberry.ID | None = strawberry.field(
        default=None, description="Of an organisation that is a member of this network at asOf."
    )


@strawberry.type(description="Something that an organisation took upon itself, and by when.")
class Commitment:
    """A commitment."""

    view: strawberry.Private[View]
    row: strawberry.Private[CommitmentRow]

    @strawberry.field(description="What it took upon itself.")
    def kind(self) -> CommitmentKind:
        """Return its kind."""
        return self.row.kind

    @strawberry.field(description="Whose it is.")
    def organisation(self) -> Organisation:
        """Return whose it is."""
        return organisation(self.view, self.row.organisation)

    @strawberry.field(description="When it was made.")
    def made_at(self) -> datetime:
        """Return when it was made."""
        return self.row.made_at

    @strawberry.field(description="By when it is due; never before it was made.")
    def due(self) -> datetime:
        """Return when it is due."""
        return self.row.due_at

    @strawberry.field(description="When it was done or given up, or lapsed; null while nothing has come of it.")
    def ended_at(self) -> datetime | None:
        """Return when it ended."""
        return self.row.ended_at

    @strawberry.field(description="How it stands.")
    def standing(self) -> Standing:
        """Return how it stands."""
        return self.row.standing

    @strawberry.field(
        description="The cases that it lies in: of a plan to end a gap; mostly one, none if it is about a cause or its "
        "like."
    )
    def cases(self) -> list[Case]:
        """Return its cases."""
        cases = self.row.cases or ((self.row.case,) if self.row.stream_kind is None else ())
        return [case_of(CaseAt(self.view, case)) for case in cases]

    @strawberry.field(description="The cause or its like that it is about; null if it is about cases.")
    def about(self) -> LearningStream | None:
        """Return the learning stream that it is about."""
        kind: LearningKind | None = self.row.stream_kind
        return None if kind is None else TYPES[kind](at=StreamAt(self.view, self.row.case))

    @strawberry.field(description="The event in which it was made.")
    def event(self) -> Event:
        """Return the event."""
        if self.row.cases:
            return later(self._event_across())
        at = CaseAt(self.view, self.row.case)
        if self.row.stream_kind is not None:
            at = StreamAt(self.view, self.row.case)
        return at.read(lambda reading: event_of(at, reading.event(self.row.event)))

    async def _event_across(self) -> Event:
        (told,) = await across(self.view).told(self.row.cases, (), (self.row.event,))
        return event_of(CaseAt(self.view, told.event.stream), told)


@strawberry.type(description="A commitment in a list.")
class CommitmentEdge:
    """A commitment and its place."""

    node: Commitment = strawberry.field(description="The commitment.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of commitments.")
class CommitmentConnection(Page):
    """A page of commitments."""

    edges: list[CommitmentEdge] = strawberry.field(description="The commitments and their places.")
    nodes: list[Commitment] = strawberry.field(description="The commitments.")


@strawberry.type
class Keeper:
    """Whoever made promises: in figures, and with the list of them."""

    view: strawberry.Private[View]
    choice: strawberry.Private[CommitmentChoice]

    made: int = strawberry.field(description="How many were made.")
    kept: int = strawberry.field(description="How many were done by the time they were due.")
    kept_late: int = strawberry.field(description="How many were done, but later than that.")
    overdue: int = strawberry.field(description="How many are due, and not done.")
    pending: int = strawberry.field(description="How many are not due yet.")
    given_up: int = strawberry.field(description="How many were given up.")
    lapsed: int = strawberry.field(description="How many lapsed, because the cause that they were about ended first.")

    @strawberry.field(
        description="Of those that came due (kept, kept late or overdue) the share that was done in time, from 0 to 1; "
        "null where none did."
    )
    def share_kept(self) -> float | None:
        """Return the share that was done in time."""
        due = self.kept + self.kept_late + self.overdue
        return self.kept / due if due else None

    @strawberry.field(description="The commitments, the first due first.")
    async def commitments(self, first: First = None, after: After = None) -> CommitmentConnection:
        """Return a page of the commitments."""
        return await commitment_page(self.view, self.choice, first, after)


@strawberry.type(description="What an organisation promised, and what it kept of that.")
class PromisesOfOrganisation(Keeper):
    """An organisation's promises."""

    organisation: Organisation = strawberry.field(description="The organisation.")


@strawberry.type(description="What an organisation promised, in the list.")
class PromisesOfOrganisationEdge:
    """An organisation's promises and their place."""

    node: PromisesOfOrganisation = strawberry.field(description="What it promised.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of what organisations promised.")
class PromisesOfOrganisationConnection(Page):
    """A page of organisations' promises."""

    edges: list[PromisesOfOrganisationEdge] = strawberry.field(description="What they promised, and the places.")
    nodes: list[PromisesOfOrganisation] = strawberry.field(description="What they promised.")


@strawberry.type(description="What the members of a network promised, each on its own, and what they kept of that.")
class PromisesOfNetwork(Keeper):
    """The promises of a network's members."""

    network: Network = strawberry.field(description="The network.")


@strawberry.type(description="What the members of a network promised, in the list.")
class PromisesOfNetworkEdge:
    """The promises of a network's members and their place."""

    node: PromisesOfNetwork = strawberry.field(description="What they promised.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of what the members of networks promised.")
class PromisesOfNetworkConnection(Page):
    """A page of the promises of networks' members."""

    edges: list[PromisesOfNetworkEdge] = strawberry.field(description="What they promised, and the places.")
    nodes: list[PromisesOfNetwork] = strawberry.field(description="What they promised.")


@strawberry.type(description="Promises kept: what organisations took upon themselves, due and done.")
class PromisesKept:
    """The answer, of which each part is looked up when it is asked for."""

    view: strawberry.Private[View]
    choice: strawberry.Private[CommitmentChoice]

    @strawberry.field(description="By organisation, that with most that is overdue first.")
    async def by_organisation(self, first: First = None, after: After = None) -> PromisesOfOrganisationConnection:
        """Return a page of what each organisation promised."""
        view, choice = self.view, self.choice
        size, place = page_size(first), place_of(after, commitments.Place)
        found = await view.session.rows(*commitments.by_organisation(view.moment, choice, place, size + 1))
        return connection(
            (PromisesOfOrganisationConnection, PromisesOfOrganisationEdge),
            view,
            [commitments.keeper(row) for row in found],
            size,
            after,
            commitments.count_organisations(view.moment, choice),
            lambda row: PromisesOfOrganisation(
                **self._figures(row, replace(choice, organisations=[row.who])),
                organisation=organisation(view, row.who),
            ),
            commitments.place,
        )

    @strawberry.field(
        description="By network: what its members at asOf promised, each on its own; that with most that is overdue "
        "first."
    )
    async def by_network(self, first: First = None, after: After = None) -> PromisesOfNetworkConnection:
        """Return a page of what the members of each network promised."""
        view, choice = self.view, self.choice
        size, place = page_size(first), place_of(after, commitments.Place)
        found = await view.session.rows(*commitments.by_network(view.moment, choice, place, size + 1))
        return connection(
            (PromisesOfNetworkConnection, PromisesOfNetworkEdge),
            view,
            [commitments.keeper(row) for row in found],
            size,
            after,
            commitments.count_networks(view.moment, choice),
            lambda row: PromisesOfNetwork(
                **self._figures(row, replace(choice, network=UUID(row.who))),
                network=Network(at=StreamAt(view, UUID(row.who))),
            ),
            commitments.place,
        )

    @strawberry.field(description="The commitments, the first due first.")
    async def commitments(self, first: First = None, after: After = None) -> CommitmentConnection:
        """Return a page of the commitments."""
        return await commitment_page(self.view, self.choice, first, after)

    def _figures(self, row: KeeperRow, choice: CommitmentChoice) -> dict[str, Any]:
        figures = {name: getattr(row, name) for name in row.__struct_fields__ if name != "who"}
        return {"view": self.view, "choice": choice, **figures}


CommitmentFilterArgument = Annotated[
    CommitmentFilter | None, strawberry.argument(description="Which commitments are looked at.")
]


def promises_kept(view: View, chosen: CommitmentFilter | None) -> PromisesKept:
    """Return the answer about the commitments that a filter chooses. Raises ``Problem``."""
    asked = chosen or CommitmentFilter()
    choice = CommitmentChoice(
        asked.kinds,
        organisations_of(asked.organisations, "organisations"),
        asked.standings,
        None if asked.network is None else ids.parse(asked.network, ids.NETWORK, "network").id,
    )
    return PromisesKept(view=view, choice=choice)


async def commitment_page(
    view: View, choice: CommitmentChoice, first: int | None, after: str | None
) -> CommitmentConnection:
    """Return a page of commitments, the first due first. Raises ``Problem``."""
    size, place = page_size(first), place_of(after, tuple[datetime, UUID])
    found = await view.session.rows(*commitments.page(view.moment, choice, place, size + 1))
    return connection(
        (CommitmentConnection, CommitmentEdge),
        view,
        [commitments.row(row) for row in found],
        size,
        after,
        commitments.count(view.moment, choice),
        lambda row: Commitment(view=view, row=row),
        lambda row: (row.due_at, row.event),
    )
