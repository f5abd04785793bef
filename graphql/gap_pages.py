"""Pages of gaps: the registry's own list, and those that stand behind a figure."""

from functools import partial
from typing import Annotated

import strawberry

from ..projections.queries import gaps
from ..projections.queries.gaps import GapChoice, GapOrder, GapPlace
from .asking import Asking
from .connections import GapConnection, GapEdge, connection
from .gaps import gap_of_row
from .looking import asked_below
from .nodes import page_size, place_of
from .view import View

GapOrderArgument = Annotated[GapOrder, strawberry.argument(description="In which order.")]


async def gap_page(
    view: View,
    info: strawberry.Info[Asking, None],
    choice: GapChoice,
    order: GapOrder,
    first: int | None,
    after: str | None,
) -> GapConnection:
    """Return a page of the gaps that are chosen. Raises ``Problem``."""
    size, place = page_size(first), place_of(after, GapPlace)
    rows = [gaps.row(row) for row in await view.session.rows(*gaps.page(view.moment, choice, order, place, size + 1))]
    if "evidence" in asked_below(info):
        # Once for the page, so that no gap has to wait for its own.
        await view.histories.look_ahead(case for row in rows[:size] for case in row.cases or (row.case,))
    return connection(
        (GapConnection, GapEdge),
        view,
        rows,
        size,
        after,
        gaps.count(view.moment, choice),
        lambda row: gap_of_row(view, row),
        lambda row: gaps.place(view.as_of, row),
        partial(gaps.count_up_to, view.moment, choice),
    )
