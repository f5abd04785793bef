"""The story retold, as clients see it: contacts about each obstacle, and how often the story had to be told again."""

import strawberry

from ..projections.queries import tellings
from ..projections.queries.tellings import TellingRow
from .chains import Chain, Obstacle
from .connections import Page, connection
from .nodes import page_size, place_of
from .view import CaseAt, View, later


@strawberry.type(description="An obstacle about which there was contact, and how often its story was told again.")
class StoryRetold:
    """An obstacle's story."""

    view: strawberry.Private[View]
    row: strawberry.Private[TellingRow]

    @strawberry.field(description="The obstacle.")
    def obstacle(self) -> Obstacle:
        """Return the obstacle."""
        return Obstacle(at=CaseAt(self.view, self.row.case), obstacle=self.row.obstacle)

    @strawberry.field(description="Its chain.")
    def chain(self) -> Chain:
        """Return its chain."""
        return later(self._chain())

    @strawberry.field(description="How often there was contact about it.")
    def contacts(self) -> int:
        """Return how often there was contact."""
        return self.row.contacts

    @strawberry.field(description="In how many of these contacts the story had to be told from the beginning.")
    def story_retold(self) -> int:
        """Return how often the story was told again."""
        return self.row.retold

    async def _chain(self) -> Chain:
        reading = await self.view.reading(self.row.case, None)
        assert reading is not None, "the read model lists the obstacles of cases that exist"
        return Chain(at=CaseAt(self.view, self.row.case), derived=reading.obstacles[self.row.obstacle])


@strawberry.type(description="A story in the list.")
class StoryRetoldEdge:
    """A story and its place."""

    node: StoryRetold = strawberry.field(description="The story.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of stories.")
class StoryRetoldConnection(Page):
    """A page of stories."""

    edges: list[StoryRetoldEdge] = strawberry.field(description="The stories and their places.")
    nodes: list[StoryRetold] = strawberry.field(description="The stories.")

    @strawberry.field(description="How many contacts there were about all obstacles, on all pages.")
    def contacts(self) -> int:
        """Return how many contacts there were."""
        return later(self._sum(1))

    @strawberry.field(description="How often a story was told again, on all pages.")
    def story_retold(self) -> int:
        """Return how often a story was told again."""
        return later(self._sum(2))

    async def _sum(self, column: int) -> int:
        return (await self.view.session.rows(*tellings.sums(self.view.moment)))[0][column]


async def story_page(view: View, first: int | None, after: str | None) -> StoryRetoldConnection:
    """Return a page of stories, that told again most often first. Raises ``Problem``."""
    size, place = page_size(first), place_of(after, tellings.Place)
    found = await view.session.rows(*tellings.page(view.moment, place, size + 1))
    return connection(
        (StoryRetoldConnection, StoryRetoldEdge),
        view,
        [tellings.row(row) for row in found],
        size,
        after,
        tellings.sums(view.moment),
        lambda row: StoryRetold(view=view, row=row),
        tellings.place,
    )
