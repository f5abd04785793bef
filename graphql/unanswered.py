"""Who is waiting for whom, as clients see it: escalations without an answer, and the circles that they make."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import strawberry

from ..domain.vocabulary import Level
from ..projections.queries import escalations
from ..projections.queries.escalations import PAIRS_MAX, PairRow, WaitRow
from . import ids
from .cases import After, First
from .causes import Cause
from .connections import Page, connection
from .events import Event
from .gaps import days
from .nodes import page_size, place_of
from .organisations import Organisation, organisation, organisations
from .view import StreamAt, View


@strawberry.type(description="That an organisation waits for another's answer, because it brought a cause to it.")
class Wait:
    """An escalation that was not answered in time."""

    view: strawberry.Private[View]
    row: strawberry.Private[WaitRow]

    @strawberry.field(description="Who waits: who escalated.")
    def waiting(self) -> Organisation:
        """Return who waits."""
        return organisation(self.view, self.row.waiting)

    @strawberry.field(name="for", description="For whom: who was asked.")
    def for_(self) -> Organisation:
        """Return who was asked."""
        return organisation(self.view, self.row.for_)

    @strawberry.field(description="The cause.")
    def cause(self) -> Cause:
        """Return the cause."""
        return Cause(at=StreamAt(self.view, self.row.cause))

    @strawberry.field(description="At which level it was asked.")
    def level(self) -> Level:
        """Return the level."""
        return self.row.level

    @strawberry.field(description="When it was asked.")
    def asked_at(self) -> datetime:
        """Return when it was asked."""
        return self.row.asked_at

    @strawberry.field(description="By when an answer was due: since when they wait in vain.")
    def respond_by(self) -> datetime:
        """Return by when."""
        return self.row.respond_by

    @strawberry.field(description="For how many days they have waited in vain.")
    def days(self) -> float:
        """Return for how many days."""
        return days(self.view.as_of - self.row.respond_by)

    @strawberry.field(description="The event that asked.")
    def event(self) -> Event:
        """Return the event."""
        return Cause(at=StreamAt(self.view, self.row.cause)).event(self.row.event)


@strawberry.type(description="A wait in a list.")
class WaitEdge:
    """A wait and its place."""

    node: Wait = strawberry.field(description="The wait.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of waits.")
class WaitConnection(Page):
    """A page of waits."""

    edges: list[WaitEdge] = strawberry.field(description="The waits and their places.")
    nodes: list[Wait] = strawberry.field(description="The waits.")


@strawberry.type(description="An organisation that cannot go on, because others do not answer.")
class BlockedOrganisation:
    """An organisation that waits."""

    organisation: Organisation = strawberry.field(description="Who waits.")
    waits_for: list[Organisation] = strawberry.field(description="For whom, the one that it waits for longest first.")
    answers: int = strawberry.field(description="For how many answers.")
    since: datetime = strawberry.field(description="Since when for the first of them.")
    days: float = strawberry.field(description="For how many days for that.")


@strawberry.type(description="Organisations each of which waits for the next one, and the last for the first.")
class WaitingCircle:
    """A circle."""

    organisations: list[Organisation] = strawberry.field(
        description="In the order in which they wait: each for the next, the last one for the first."
    )


@strawberry.type(
    description="Organisations that others keep waiting, by not answering when a cause is brought to them."
)
class WhoWaitsForWhom:
    """The answer, of which each part is looked up when it is asked for."""

    view: strawberry.Private[View]
    pairs: strawberry.Private[Sequence[PairRow]]

    @strawberry.field(description=f"Who is blocked, the longest first; of the {PAIRS_MAX} pairs that wait longest.")
    def blocked(self) -> list[BlockedOrganisation]:
        """Return who is blocked."""
        of_each: dict[str, list[PairRow]] = {}
        for one in self.pairs:
            of_each.setdefault(one.waiting, []).append(one)
        return [self._blocked(waiting, own) for waiting, own in of_each.items()]

    def _blocked(self, waiting: str, own: Sequence[PairRow]) -> BlockedOrganisation:
        since = min(one.since for one in own)
        lasted: timedelta = self.view.as_of - since
        return BlockedOrganisation(
            organisation=organisation(self.view, waiting),
            waits_for=organisations(self.view, [one.for_ for one in own]),
            answers=sum(one.answers for one in own),
            since=since,
            days=days(lasted),
        )

    @strawberry.field(
        description="Circles of two or more that wait for each other, the shortest first: for each wait that lies on "
        "one, the shortest on which it does."
    )
    def circles(self) -> list[WaitingCircle]:
        """Return the circles."""
        found = escalations.circles([(one.waiting, one.for_) for one in self.pairs])
        return [WaitingCircle(organisations=organisations(self.view, ring)) for ring in found]

    @strawberry.field(description="The escalations that wait for an answer, the longest first.")
    async def waits(
        self,
        organisation: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only what this organisation waits for.")
        ] = None,
        first: First = None,
        after: After = None,
    ) -> WaitConnection:
        """Return a page of waits."""
        view, size, place = self.view, page_size(first), place_of(after, tuple[datetime, UUID])
        waiting = None if organisation is None else ids.organisation_identifier(organisation, "organisation")
        found = await view.session.rows(*escalations.page(view.moment, waiting, place, size + 1))
        return connection(
            (WaitConnection, WaitEdge),
            view,
            [escalations.row(row) for row in found],
            size,
            after,
            escalations.count(view.moment, waiting),
            lambda row: Wait(view=view, row=row),
            lambda row: (row.respond_by, row.event),
        )


async def who_waits_for_whom(view: View) -> WhoWaitsForWhom:
    """Return who waits for whom at a view."""
    found = await view.session.rows(*escalations.pairs(view.moment))
    return WhoWaitsForWhom(view=view, pairs=[escalations.pair(row) for row in found])
