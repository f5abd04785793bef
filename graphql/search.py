"""What search finds: things of four types, each with by what it was found."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Annotated

import strawberry

from ..projections.queries import search
from ..projections.queries.cases import CaseRow
from ..projections.queries.gaps import GapRow
from ..projections.queries.search import ObstacleFound, SearchCloseness, SearchField, SearchPlace, SearchRow
from ..projections.queries.search_words import TooMuchText, asked
from .asking import Asking
from .cases import Case, case_of_row
from .chains import Obstacle
from .connections import Page
from .gap_pages import cases_of_gaps, have_names
from .gaps import Gap, gap_of_row
from .looking import asked_below
from .nodes import cursor, page_info, page_size, place_of
from .organisations import Organisation
from .problems import bad_input
from .view import CaseAt, View

strawberry.enum(
    SearchField,
    description="By what a thing was found: of a case, a gap, an obstacle or an organisation what is its own.",
)
strawberry.enum(
    SearchCloseness,
    description=(
        "How close it is. EXACT: the whole text is its code, name, theme or kind. WORDS: each word is the beginning or "
        "a form of one of its words, in Dutch or in English. ALIKE: some word is only spelt much like it."
    ),
)

SearchResult = Annotated[
    Case | Gap | Obstacle | Organisation,
    strawberry.union("SearchResult", description="What can be found."),
]


@strawberry.type(description="A thing found, and why.")
class SearchEdge:
    """A thing and its place."""

    node: SearchResult = strawberry.field(description="The thing.")
    cursor: str = strawberry.field(description="Its place in this list.")
    field: SearchField = strawberry.field(description="By what it was found.")
    value: str = strawberry.field(
        description="What was found there: a reference, theme, name or identifier, or the name of a kind or harm."
    )
    closeness: SearchCloseness = strawberry.field(description="How close that is to what was asked for.")


@strawberry.type(description="A page of what was found.")
class SearchConnection(Page):
    """A page of what was found."""

    edges: list[SearchEdge] = strawberry.field(description="The things, their places, and why each was found.")
    nodes: list[SearchResult] = strawberry.field(description="The things.")


async def search_page(
    view: View, info: strawberry.Info[Asking, None], text: str, first: int | None, after: str | None
) -> SearchConnection:
    """Return a page of what a text finds. Raises ``Problem``."""
    size, place = page_size(first), place_of(after, SearchPlace)
    if "\0" in text or (place is not None and "\0" in place.label + place.id):
        raise bad_input("text: a value may not hold a null character.")
    try:
        # Half a pair of surrogates is no text that the database can take.
        text.encode()
        words = asked(text)
    except TooMuchText as error:
        message = f"text: {error}"
        raise bad_input(message) from None
    except UnicodeEncodeError:
        raise bad_input("text: this is no Unicode text.") from None
    query = search.page(view.moment, words, place, size + 1) if words.words else None
    rows = [] if query is None else [search.row(row) for row in await view.session.rows(*query)]
    await _have(view, rows[:size], asked_below(info))
    nodes = [_node(view, row) for row in rows[:size]]
    cursors = [cursor(row.place) for row in rows[:size]]
    return SearchConnection(
        edges=[
            SearchEdge(node=node, cursor=at, field=row.field, value=row.value, closeness=row.closeness)
            for node, at, row in zip(nodes, cursors, rows, strict=False)
        ],
        nodes=nodes,
        page_info=page_info(cursors, after, more=len(rows) > size),
        view=view,
        counting=search.count(view.moment, words) if words.words else None,
        counting_up_to=partial(search.count_up_to, view.moment, words),
    )


async def _have(view: View, rows: Sequence[SearchRow], asked: AbstractSet[str]) -> None:
    """Have at hand what is asked of the things found, by the names of fields: so that no case is read as a whole."""
    found = [row.thing for row in rows]
    lying = [thing for thing in found if isinstance(thing, GapRow)]
    cases = [thing.case for thing in found if isinstance(thing, ObstacleFound)]
    if "title" in asked:  # what else an opening says stands in the row
        cases += [thing.id for thing in found if isinstance(thing, CaseRow)]
    await view.have_cases([*cases, *cases_of_gaps(lying)], asked)
    await have_names(view, lying, asked)


def _node(view: View, row: SearchRow) -> Case | Gap | Obstacle | Organisation:
    match row.thing:
        case CaseRow() as case:
            return case_of_row(CaseAt(view, case.id), case)
        case GapRow() as gap:
            return gap_of_row(view, gap)
        case ObstacleFound(case, obstacle):
            return Obstacle(at=CaseAt(view, case), obstacle=obstacle)
        case organisation:
            view.organisations.known[organisation.identifier] = organisation
            return Organisation(identifier=organisation.identifier, view=view)
