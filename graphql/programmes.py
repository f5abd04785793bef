"""A programme as clients see it: the investigations that belong together, what they hold, and what became of it all."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from ..domain.vocabulary import LearningKind
from ..projections.queries import programmes, streams
from ..projections.queries.programmes import ProgrammeRow
from ..projections.queries.streams import StreamOrder
from .cases import Case, case_of
from .causes import Cause
from .connections import Page, connection
from .dialogues import Dialogue
from .investigations import FollowUp, Investigation, InvestigationFinding
from .learning_filters import InvestigationFilter, investigation_choice, marks_known_to
from .learning_parts import streams_at
from .nodes import page_size, place_of
from .view import CaseAt, StreamAt, View

INVESTIGATIONS_MAX = 200
"""How many investigations of a programme are told of, and gone through for the rest: those opened first."""


@strawberry.type(
    description="Investigations that belong together. Each says itself of which programme it is, so a programme holds "
    "those that you may know of."
)
class Programme:
    """A programme at the view's two times."""

    view: strawberry.Private[View]
    row: strawberry.Private[ProgrammeRow]

    @strawberry.field(description="Its name, as a slug.")
    def name(self) -> str:
        """Return its name."""
        return self.row.programme

    @strawberry.field(description="When its first investigation was opened.")
    def begun_at(self) -> datetime:
        """Return when it began."""
        return self.row.begun_at

    @strawberry.field(description="How many investigations it has.")
    def investigation_count(self) -> int:
        """Return how many investigations it has."""
        return self.row.investigations

    @strawberry.field(
        description=f"Its investigations, the one opened first at the head; {INVESTIGATIONS_MAX} at most."
    )
    async def investigations(self) -> list[Investigation]:
        """Return its investigations."""
        chosen = InvestigationFilter(programmes=[self.row.programme])
        choice = investigation_choice(chosen, self.view.asker.user)
        query = streams.page(self.view.moment, choice, StreamOrder.BEGUN_OLDEST, None, INVESTIGATIONS_MAX)
        rows = [streams.row(row) for row in await self.view.session.rows(*query)]
        await self.view.histories.load_all(row.id for row in rows)
        return [
            Investigation(at=StreamAt(self.view, row.id), header=row)
            for row in rows
            if await self.view.stream(row.id, LearningKind.INVESTIGATION) is not None
        ]

    @strawberry.field(
        description="The cases that its investigations include, each once; those among them that you may see."
    )
    async def cases(self) -> list[Case]:
        """Return its cases."""
        named = await self._of_each(lambda state: state.cases)
        await self.view.histories.load_all(named)
        return [case_of(CaseAt(self.view, case)) for case in named if await self.view.read(case, None) is not None]

    @strawberry.field(description="The dialogues of its investigations, each once.")
    async def dialogues(self) -> list[Dialogue]:
        """Return its dialogues."""
        return await streams_at(
            self.view, LearningKind.DIALOGUE, await self._of_each(lambda state: state.dialogues), Dialogue
        )

    @strawberry.field(description="What its investigations found, in order; each says what became of it.")
    async def findings(self) -> list[InvestigationFinding]:
        """Return what was found."""
        found = [one for each in await self.investigations() for one in await _awaited(each.findings())]
        return sorted(found, key=lambda one: one.told.occurred_at)

    @strawberry.field(
        description="The causes that its findings rest on, each once; their status says what has become of each."
    )
    async def causes(self) -> list[Cause]:
        """Return the causes."""
        found: list[InvestigationFinding] = await self.findings()
        named = dict.fromkeys(cause for one in found for cause in one.fact.causes)
        return await streams_at(self.view, LearningKind.CAUSE, named, Cause)

    @strawberry.field(description="What will be, or was, looked at after the reports, by when it is due.")
    async def follow_ups(self) -> list[FollowUp]:
        """Return the follow-ups."""
        found = [one for each in await self.investigations() for one in await _awaited(each.follow_ups())]
        return sorted(found, key=lambda one: one.fact.due)

    async def _of_each(self, what: Callable[[Any], Iterable[UUID]]) -> list[UUID]:
        """Return what all investigations name, each once."""
        found = await self.investigations()
        states = [self.view.stream_readings[each.at.id].answer.state for each in found]
        return list(dict.fromkeys(one for state in states for one in what(state)))


async def _awaited(value: Any) -> Any:
    """Return a resolver's value, which may be at hand or still to come."""
    return await value if hasattr(value, "__await__") else value


@strawberry.type(description="A programme in a list.")
class ProgrammeEdge:
    """A programme and its place."""

    node: Programme = strawberry.field(description="The programme.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of programmes.")
class ProgrammeConnection(Page):
    """A page of programmes."""

    edges: list[ProgrammeEdge] = strawberry.field(description="The programmes and their places.")
    nodes: list[Programme] = strawberry.field(description="The programmes.")


async def programme_page(view: View, first: int | None, after: str | None) -> ProgrammeConnection:
    """Return a page of programmes, by name. Raises ``Problem``."""
    size, known = page_size(first), marks_known_to(view.asker.user)
    place: str | None = place_of(after, str)
    found = await view.session.rows(*programmes.page(view.moment, known, place, size + 1))
    return connection(
        (ProgrammeConnection, ProgrammeEdge),
        view,
        [programmes.row(row) for row in found],
        size,
        after,
        programmes.count(view.moment, known),
        lambda row: Programme(view=view, row=row),
        lambda row: row.programme,
    )


async def programme_by_name(view: View, name: str) -> Programme | None:
    """Return the programme with a name; none if no investigation that may be known of is part of it."""
    if "\0" in name:
        return None
    found = await view.session.rows(*programmes.one(view.moment, marks_known_to(view.asker.user), name))
    return next((Programme(view=view, row=programmes.row(row)) for row in found), None)
