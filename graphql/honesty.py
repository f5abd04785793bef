"""What honesty costs, as clients see it: of the gaps in which an organisation has to act, how many it noticed."""

from typing import Annotated

import strawberry

from ..projections.queries import honesty
from ..projections.queries.gaps import GapChoice, GapOrder
from ..projections.queries.honesty import ShareRow
from .asking import Asking
from .cases import After, First
from .connections import GapConnection, Page, connection
from .filters import organisations_of
from .gap_pages import GapOrderArgument, gap_page
from .nodes import page_size, place_of
from .organisations import Organisation, organisation
from .view import View


@strawberry.type(description="Of the gaps that count in which an organisation has to act, how many it noticed itself.")
class Honesty:
    """An organisation's share."""

    view: strawberry.Private[View]
    row: strawberry.Private[ShareRow]

    @strawberry.field(description="The organisation.")
    def organisation(self) -> Organisation:
        """Return the organisation."""
        return organisation(self.view, self.row.organisation)

    @strawberry.field(description="In how many gaps that count it has to act, or had to.")
    def gaps_to_act(self) -> int:
        """Return how many gaps."""
        return self.row.gaps

    @strawberry.field(description="How many of these it acknowledged, or confirmed in an account of its own.")
    def self_noticed(self) -> int:
        """Return how many it noticed itself."""
        return self.row.noticed

    @strawberry.field(description="The latter of the former, from 0 to 1.")
    def share(self) -> float:
        """Return the share that it noticed itself."""
        return self.row.noticed / self.row.gaps

    @strawberry.field(description="The gaps.")
    async def gaps(
        self,
        info: strawberry.Info[Asking, None],
        self_noticed: Annotated[
            bool | None, strawberry.argument(description="Those that it noticed itself, or did not; null: both.")
        ] = None,
        order_by: GapOrderArgument = GapOrder.DAYS,
        first: First = None,
        after: After = None,
    ) -> GapConnection:
        """Return a page of the gaps."""
        own = self.row.organisation
        choice = GapChoice(to_act=[own], self_noticed=self_noticed, noticed_by=own)
        return await gap_page(self.view, info, choice, order_by, first, after)


@strawberry.type(description="An organisation's share in the list.")
class HonestyEdge:
    """A share and its place."""

    node: Honesty = strawberry.field(description="The share.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of organisations' shares.")
class HonestyConnection(Page):
    """A page of shares."""

    edges: list[HonestyEdge] = strawberry.field(description="The shares and their places.")
    nodes: list[Honesty] = strawberry.field(description="The shares.")


async def honesty_page(
    view: View, chosen: list[strawberry.ID] | None, first: int | None, after: str | None
) -> HonestyConnection:
    """Return a page of shares, of all organisations or of those chosen. Raises ``Problem``."""
    organisations = organisations_of(chosen, "organisations")
    size, place = page_size(first), place_of(after, honesty.Place)
    found = await view.session.rows(*honesty.page(view.moment, organisations, place, size + 1))
    return connection(
        (HonestyConnection, HonestyEdge),
        view,
        [honesty.row(row) for row in found],
        size,
        after,
        honesty.count(view.moment, organisations),
        lambda row: Honesty(view=view, row=row),
        honesty.place,
    )
