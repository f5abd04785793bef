"""Solved for one, not for all, as clients see it: remedies behind which nothing was done for all others."""

from datetime import datetime
from uuid import UUID

import strawberry

from ..projections.queries import remedies
from ..projections.queries.remedies import LeftOver, RemedyChoice, RemedyRow
from .cases import Case, case_of
from .causes import Cause
from .chains import Obstacle
from .connections import Page, connection
from .events import Event, event_of
from .filters import organisations_of
from .nodes import page_size, place_of
from .organisations import Organisation, organisation
from .view import CaseAt, StreamAt, View

strawberry.enum(LeftOver, description=LeftOver.__doc__)


@strawberry.input(description="Which remedies a list holds: all conditions must hold, and of several values any.")
class SolvedForOneFilter:
    """Conditions on remedies."""

    left_over: LeftOver | None = strawberry.field(default=None, description="That leave this to be done; null: either.")
    organisations: list[strawberry.ID] | None = strawberry.field(
        default=None, description="That one of these organisations applied."
    )


@strawberry.type(description="A solution for one subject, where what made it necessary goes on for all others.")
class SolvedForOne:
    """A remedy."""

    view: strawberry.Private[View]
    row: strawberry.Private[RemedyRow]

    @strawberry.field(description="What is left to be done.")
    def left_over(self) -> LeftOver:
        """Return what is left to be done."""
        return LeftOver.NO_MEASURE if self.row.causes else LeftOver.NO_CAUSE_NAMED

    @strawberry.field(description="Who applied it.")
    def organisation(self) -> Organisation:
        """Return who applied it."""
        return organisation(self.view, self.row.organisation)

    @strawberry.field(description="When.")
    def applied_at(self) -> datetime:
        """Return when."""
        return self.row.applied_at

    @strawberry.field(description="The rule that it departed from, by its identifier; null if none was named.")
    def rule_departed_from(self) -> str | None:
        """Return the rule."""
        return self.row.rule

    @strawberry.field(description="The causes of its obstacle, in the order in which they were linked with it.")
    def causes(self) -> list[Cause]:
        """Return the causes."""
        return [Cause(at=StreamAt(self.view, one)) for one in self.row.causes]

    @strawberry.field(description="The case.")
    def case(self) -> Case:
        """Return the case."""
        return case_of(CaseAt(self.view, self.row.case))

    @strawberry.field(description="The obstacle that it solved for one.")
    def obstacle(self) -> Obstacle:
        """Return the obstacle."""
        return Obstacle(at=CaseAt(self.view, self.row.case), obstacle=self.row.obstacle)

    @strawberry.field(description="The event that tells of it.")
    def event(self) -> Event:
        """Return the event."""
        at = CaseAt(self.view, self.row.case)
        return at.read(lambda reading: event_of(at, reading.event(self.row.event)))


@strawberry.type(description="A remedy in the list.")
class SolvedForOneEdge:
    """A remedy and its place."""

    node: SolvedForOne = strawberry.field(description="The remedy.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of remedies.")
class SolvedForOneConnection(Page):
    """A page of remedies."""

    edges: list[SolvedForOneEdge] = strawberry.field(description="The remedies and their places.")
    nodes: list[SolvedForOne] = strawberry.field(description="The remedies.")


async def solved_for_one_page(
    view: View, chosen: SolvedForOneFilter | None, first: int | None, after: str | None
) -> SolvedForOneConnection:
    """Return a page of remedies, the newest first. Raises ``Problem``."""
    size, place = page_size(first), place_of(after, tuple[datetime, UUID])
    asked = chosen or SolvedForOneFilter()
    choice = RemedyChoice(asked.left_over, organisations_of(asked.organisations, "organisations"))
    found = await view.session.rows(*remedies.page(view.moment, choice, place, size + 1))
    return connection(
        (SolvedForOneConnection, SolvedForOneEdge),
        view,
        [remedies.row(row) for row in found],
        size,
        after,
        remedies.count(view.moment, choice),
        lambda row: SolvedForOne(view=view, row=row),
        lambda row: (row.applied_at, row.event),
    )
