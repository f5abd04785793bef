"""Pages of gaps: the registry's own list, and those that stand behind a figure."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

import strawberry

from ..domain.vocabulary import LearningKind
from ..projections.queries import gaps
from ..projections.queries.gaps import GapChoice, GapOrder, GapPlace, GapRow
from .asking import Asking
from .connections import Counted, GapConnection, GapEdge, connection
from .gaps import gap_of_row
from .looking import asked_below
from .nodes import page_size, place_of
from .view import View

GapOrderArgument = Annotated[GapOrder, strawberry.argument(description="In which order.")]


COUNTED_ALONG: Final = 201
"""Up to where a page counts its list while it finds its own rows; further, it is counted by itself."""

OF_WHOLE_CASES: Final = frozenset({
    "accounts", "acknowledgements", "case", "cases", "conflict", "correctedBy", "number", "obstacle", "offer",
    "selfNoticed", "struckBy", "summary",
})  # fmt: skip
"""Fields of gaps and their events for which the whole story of their cases is read: then it serves as evidence, too."""


async def _look_ahead(view: View, rows: Sequence[GapRow], *, whole: bool) -> None:
    """Have at hand what proves gaps: the histories of their cases, or those events alone where that is enough."""
    lying = [row for row in rows if whole or row.cases]
    await view.histories.look_ahead(case for row in lying for case in row.cases or (row.case,))
    proving: dict[UUID, list[UUID]] = {}
    for row in rows:
        if not whole and not row.cases:
            proving.setdefault(row.case, []).extend(row.evidence)
    await view.look_ahead(proving)


def cases_of_gaps(rows: Sequence[GapRow]) -> list[UUID]:
    """Return the cases in which gaps lie; what is about a learning stream lies in none."""
    return [case for row in rows if row.stream_kind is None for case in row.cases or (row.case,)]


async def have_names(view: View, rows: Sequence[GapRow], asked: AbstractSet[str]) -> None:
    """Have at hand what a page of gaps names, so that none of its fields has to wait by itself."""
    if asked & {"toAct", "involved"}:
        await view.have_organisations((name for row in rows for name in (*row.to_act, *row.involved)), asked)
    if asked & {"accounts", "acknowledgements", "case", "cases", "selfNoticed"}:
        await view.have_cases(cases_of_gaps(rows), asked)
    if "causes" in asked:
        obstacles = [row.obstacle for row in rows if row.obstacle is not None]
        await view.linking.look_ahead((obstacle, LearningKind.CAUSE) for obstacle in obstacles)


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
    asked = asked_below(info)
    most = COUNTED_ALONG if after is None and "countUpTo" in asked else 0
    found: Sequence[tuple[Any, ...]] = ()
    for query in gaps.pages(view.moment, choice, order, place, size + 1, most, sees_all=view.asker.sees_all):
        found = await view.session.rows(*query)
        if not gaps.passed_on(found):
            break
    rows = [gaps.row(row) for row in found]
    if "evidence" in asked:
        # Once for the page, so that no gap has to wait for its own.
        await _look_ahead(view, rows[:size], whole=bool(asked & OF_WHOLE_CASES))
    await have_names(view, rows[:size], asked)
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
        counted=Counted(found[0][-1], most) if most and found else None,
    )
