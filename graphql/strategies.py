"""The list of ways of working that organisations share, by the kind of obstacle that they worked for."""

from datetime import datetime
from uuid import UUID

import strawberry

from ..domain.vocabulary import Origin
from ..projections.queries import strategies
from ..projections.queries.strategies import StrategyChoice, StrategyRow
from . import ids
from .connections import Page, connection
from .filters import organisations_of, texts_of
from .nodes import page_size, place_of
from .standing import Strategy, shared_strategies
from .view import View


@strawberry.input(
    description="Which strategies a list holds: all conditions must hold, and of several values any. What a strategy "
    "worked for is the word of who shares it."
)
class StrategyFilter:
    """Conditions on strategies."""

    themes: list[str] | None = strawberry.field(
        default=None, description="That worked for obstacles of one of these themes."
    )
    origins: list[Origin] | None = strawberry.field(
        default=None, description="That worked for obstacles that came from one of these."
    )
    shared_by: list[strawberry.ID] | None = strawberry.field(
        default=None, description="That one of these organisations shares."
    )
    adopted: bool | None = strawberry.field(
        default=None, description="That somebody adopted, from who shares it or from an experiment, or nobody did."
    )


@strawberry.type(description="A strategy in a list.")
class StrategyEdge:
    """A strategy and its place."""

    node: Strategy = strawberry.field(description="The strategy.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of strategies.")
class StrategyConnection(Page):
    """A page of strategies."""

    edges: list[StrategyEdge] = strawberry.field(description="The strategies and their places.")
    nodes: list[Strategy] = strawberry.field(description="The strategies.")


def strategy_choice(chosen: StrategyFilter | None) -> StrategyChoice:
    """Return what a filter means. Raises ``Problem``."""
    asked = chosen or StrategyFilter()
    return StrategyChoice(
        themes=texts_of(asked.themes, "themes"),
        origins=asked.origins,
        shared_by=organisations_of(asked.shared_by, "sharedBy"),
        adopted=asked.adopted,
    )


async def strategy_page(view: View, choice: StrategyChoice, first: int | None, after: str | None) -> StrategyConnection:
    """Return a page of strategies, the last shared first. Raises ``Problem``."""
    size = page_size(first)
    place = place_of(after, tuple[datetime, UUID])
    rows = await _rows(view, choice, place, size + 1)
    shown = dict(zip(rows, await shared_strategies(view, [(row.organisation, row.event) for row in rows]), strict=True))
    return connection(
        (StrategyConnection, StrategyEdge),
        view,
        rows,
        size,
        after,
        strategies.count(view.moment, choice),
        shown.__getitem__,
        lambda row: (row.at, row.event),
    )


async def strategy_by_id(view: View, id_: str) -> Strategy | None:
    """Return a strategy by its id; none if nobody shared it by then. Raises ``Problem``."""
    found = await _rows(view, StrategyChoice(ids=[ids.bare(id_, "id")]), None, 1)
    return next(iter(await shared_strategies(view, [(row.organisation, row.event) for row in found])), None)


async def _rows(
    view: View, choice: StrategyChoice, place: tuple[datetime, UUID] | None, limit: int
) -> list[StrategyRow]:
    found = await view.session.rows(*strategies.page(view.moment, choice, place, limit))
    return [strategies.row(row) for row in found]
