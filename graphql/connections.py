"""Pages of lists: what one statement found, and how many there are if somebody asks, to the end or up to a bound."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import strawberry

from ..projections.queries.lens import Query
from .cases import Case
from .chains import Chain
from .gaps import Gap
from .nodes import PageInfo, cursor, page_info
from .organisations import Organisation
from .problems import expect_between
from .todos import Todo
from .view import View, later

R = TypeVar("R")

COUNTED_MAX: Final = 10_000
"""The largest bound of a count that stops: up to there it takes less than a tenth of a second."""


class Counted(NamedTuple):
    """How many there are, counted no further than a bound: so many means that many or more. ``None``: to the end."""

    number: int
    bound: int | None

    def up_to(self, most: int | None) -> int | None:
        """Return how many there are, counted no further than ``most`` (none: to the end); none if that is not known."""
        if self.bound is None or self.number < self.bound:
            return self.number if most is None else min(self.number, most)
        return most if most is not None and most <= self.bound else None


async def _counted(view: View, query: Query) -> int:
    return (await view.session.rows(*query))[0][0]


@strawberry.type
class Page:
    """What every page says beside what stands on it; ``counting`` is none where nothing can be found.

    ``counting_up_to`` is the query that stops at a bound, for lists that may be long.
    """

    page_info: PageInfo = strawberry.field(description="Where this page stands.")
    view: strawberry.Private[View]
    counting: strawberry.Private[Query | None]
    counting_up_to: strawberry.Private[Callable[[int], Query] | None] = None
    counted: strawberry.Private[Counted | None] = None
    """What was counted already."""

    @strawberry.field(description="How many there are in all pages, however many: all of them are gone through.")
    def total_count(self) -> int:
        """Return how many there are."""
        known = self._known(None)
        if known is not None or self.counting is None:
            return known or 0
        return later(_counted(self.view, self.counting))

    @strawberry.field(
        description="How many there are in all pages, counted no further than 'most': so many means that many or more. "
        "It takes no longer however many there are."
    )
    def count_up_to(
        self,
        most: Annotated[int, strawberry.argument(description=f"Where to stop: from 1 to {COUNTED_MAX}.")] = 1_000,
    ) -> int:
        """Return how many there are, up to a bound. Raises ``Problem``."""
        expect_between("most", most, 1, COUNTED_MAX)
        known = self._known(most)
        if known is not None or self.counting is None:
            return known or 0
        if self.counting_up_to is None:
            return later(self._at_most(most))
        return later(_counted(self.view, self.counting_up_to(most)))

    def _known(self, most: int | None) -> int | None:
        return None if self.counted is None else self.counted.up_to(most)

    async def _at_most(self, most: int) -> int:
        assert self.counting is not None, "asked after that"
        return min(most, await _counted(self.view, self.counting))


@strawberry.type(description="A gap in a list.")
class GapEdge:
    """A gap and its place."""

    node: Gap = strawberry.field(description="The gap.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of gaps.")
class GapConnection(Page):
    """A page of gaps."""

    edges: list[GapEdge] = strawberry.field(description="The gaps and their places.")
    nodes: list[Gap] = strawberry.field(description="The gaps.")


@strawberry.type(description="A case in a list.")
class CaseEdge:
    """A case and its place."""

    node: Case = strawberry.field(description="The case.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of cases.")
class CaseConnection(Page):
    """A page of cases."""

    edges: list[CaseEdge] = strawberry.field(description="The cases and their places.")
    nodes: list[Case] = strawberry.field(description="The cases.")


@strawberry.type(description="A chain in a list.")
class ChainEdge:
    """A chain and its place."""

    node: Chain = strawberry.field(description="The chain.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of chains.")
class ChainConnection(Page):
    """A page of chains."""

    edges: list[ChainEdge] = strawberry.field(description="The chains and their places.")
    nodes: list[Chain] = strawberry.field(description="The chains.")


@strawberry.type(description="An organisation in a list.")
class OrganisationEdge:
    """An organisation and its place."""

    node: Organisation = strawberry.field(description="The organisation.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of organisations.")
class OrganisationConnection(Page):
    """A page of organisations."""

    edges: list[OrganisationEdge] = strawberry.field(description="The organisations and their places.")
    nodes: list[Organisation] = strawberry.field(description="The organisations.")


@strawberry.type(description="A to-do in a list.")
class TodoEdge:
    """A to-do and its place."""

    node: Todo = strawberry.field(description="The to-do.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of to-dos.")
class TodoConnection(Page):
    """A page of to-dos."""

    edges: list[TodoEdge] = strawberry.field(description="The to-dos and their places.")
    nodes: list[Todo] = strawberry.field(description="The to-dos.")


def connection(
    kinds: tuple[Callable[..., Any], Callable[..., Any]],
    view: View,
    rows: Sequence[R],
    size: int,
    after: str | None,
    counting: Query,
    node: Callable[[R], object],
    place: Callable[[R], object],
    counting_up_to: Callable[[int], Query] | None = None,
    counted: Counted | None = None,
) -> Any:
    """Return a page, a connection of the first of ``kinds`` with edges of the second.

    ``rows`` are one more than ``size`` where there is another page.
    """
    of_connection, of_edge = kinds
    shown = rows[:size]
    nodes = [node(row) for row in shown]
    cursors = [cursor(place(row)) for row in shown]
    return of_connection(
        edges=[of_edge(node=each, cursor=at) for each, at in zip(nodes, cursors, strict=True)],
        nodes=nodes,
        page_info=page_info(cursors, after, more=len(rows) > size),
        view=view,
        counting=counting,
        counting_up_to=counting_up_to,
        # What ends on its first page has been counted with it.
        counted=Counted(len(rows), None) if after is None and len(rows) <= size else counted,
    )
