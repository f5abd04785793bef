"""Repeat offenders as clients see them: causes, by the days that people spent in gaps because of them."""

import strawberry

from ..projections.queries import offenders
from ..projections.queries.gaps import GapChoice, GapOrder
from ..projections.queries.offenders import OBSTACLES_MAX, OffenderRow, Spent
from .asking import Asking
from .cases import After, First
from .causes import Cause
from .chains import Obstacle
from .connections import GapConnection, Page, connection
from .gap_pages import GapOrderArgument, gap_page
from .gaps import days
from .nodes import page_size, place_of
from .view import CaseAt, StreamAt, View


@strawberry.type(description="An obstacle, and how long gaps that count lay on it.")
class DaysInGaps:
    """An obstacle's part of the days."""

    view: strawberry.Private[View]
    spent: strawberry.Private[Spent]

    @strawberry.field(description="The obstacle.")
    def obstacle(self) -> Obstacle:
        """Return the obstacle."""
        return Obstacle(at=CaseAt(self.view, self.spent.case), obstacle=self.spent.obstacle)

    @strawberry.field(description="In days: its chain's daysInGap.")
    def days(self) -> float:
        """Return how many days."""
        return days(self.spent.time)


@strawberry.type(description="A cause, and the days that people spent in gaps because of it.")
class RepeatOffender:
    """A cause with what it cost in time."""

    view: strawberry.Private[View]
    row: strawberry.Private[OffenderRow]

    @strawberry.field(description="The cause.")
    def cause(self) -> Cause:
        """Return the cause."""
        return Cause(at=StreamAt(self.view, self.row.cause))

    @strawberry.field(
        description="The days in which at least one gap that counts lay on an obstacle, summed over the obstacles that "
        "come from this cause."
    )
    def days(self) -> float:
        """Return how many days."""
        return days(self.row.time)

    @strawberry.field(description="How many obstacles come from it.")
    def obstacles(self) -> int:
        """Return how many obstacles."""
        return self.row.obstacles

    @strawberry.field(description="On how many of them a gap that counts lay.")
    def obstacles_in_gaps(self) -> int:
        """Return on how many a gap lay."""
        return self.row.in_gaps

    @strawberry.field(description="How many people the cases of all these obstacles are about, each counted once.")
    def people(self) -> int:
        """Return how many people."""
        return self.row.people

    @strawberry.field(description=f"The obstacles, that with most days first; {OBSTACLES_MAX} at most.")
    def longest(self) -> list[DaysInGaps]:
        """Return the obstacles that were longest in gaps."""
        return [DaysInGaps(view=self.view, spent=one) for one in self.row.worst]

    @strawberry.field(description="The gaps that are counted.")
    async def gaps(
        self,
        info: strawberry.Info[Asking, None],
        order_by: GapOrderArgument = GapOrder.DAYS,
        first: First = None,
        after: After = None,
    ) -> GapConnection:
        """Return a page of the gaps on its obstacles."""
        return await gap_page(self.view, info, GapChoice(from_causes=[self.row.cause]), order_by, first, after)


@strawberry.type(description="A repeat offender in the list.")
class RepeatOffenderEdge:
    """A repeat offender and its place."""

    node: RepeatOffender = strawberry.field(description="The repeat offender.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of repeat offenders.")
class RepeatOffenderConnection(Page):
    """A page of repeat offenders."""

    edges: list[RepeatOffenderEdge] = strawberry.field(description="The repeat offenders and their places.")
    nodes: list[RepeatOffender] = strawberry.field(description="The repeat offenders.")


async def offender_page(view: View, first: int | None, after: str | None) -> RepeatOffenderConnection:
    """Return a page of causes, the one that cost most days first. Raises ``Problem``."""
    size, place = page_size(first), place_of(after, offenders.Place)
    found = await view.session.rows(*offenders.page(view.moment, place, size + 1))
    return connection(
        (RepeatOffenderConnection, RepeatOffenderEdge),
        view,
        [offenders.row(row) for row in found],
        size,
        after,
        offenders.count(view.moment),
        lambda row: RepeatOffender(view=view, row=row),
        offenders.place,
    )
