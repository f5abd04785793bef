"""What is left to do about the record, as clients see it."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from uuid import UUID

import strawberry

from ..domain.case.corrections import mend
from ..domain.case.facts import CaseFact
from ..projections.derivation.answer import Told
from ..projections.derivation.todos import TodoKind
from ..projections.queries.todos import TodoRow
from .cases import Case, case_of
from .chains import Obstacle
from .events import Event, event_of
from .organisations import Organisation, organisation
from .scalars import Position
from .standing import events_in_stream
from .view import CaseAt, View, later

strawberry.enum(TodoKind, description=TodoKind.__doc__)


@strawberry.type(
    description="Something that one organisation can set right by saying something. It accuses nobody and is no gap."
)
class Todo:
    """A to-do at the view's two times."""

    view: strawberry.Private[View]
    row: strawberry.Private[TodoRow]
    kind: TodoKind = strawberry.field(description="What asks for something to be said.")

    @strawberry.field(
        description=(
            "Since when: four weeks after the resolution, when custody was claimed, or when the event occurred that "
            "has no effect or cannot be read."
        )
    )
    def since(self) -> datetime:
        """Return since when."""
        return self.row.since

    @strawberry.field(
        description=(
            "Whose it is: who resolved the obstacle, who is said to hold it, or who recorded the event; null where "
            "that cannot be told."
        )
    )
    def organisation(self) -> Organisation | None:
        """Return whose it is."""
        return None if self.row.organisation is None else organisation(self.view, self.row.organisation)

    @strawberry.field(
        description="The case; null for an organisation's own event, and while the case was not open yet at asOf."
    )
    def case(self) -> Case | None:
        """Return the case."""
        case = self.row.case
        if case is None:
            return None
        opening = self.view.begun.known.get(case)
        if opening is None:
            return later(self._case(case))
        # What opened it was not mended, so that it was open from then on.
        return case_of(CaseAt(self.view, case)) if opening.occurred_at <= self.view.as_of else None

    @strawberry.field(description="The obstacle; null where it is about none, or about an event alone.")
    def obstacle(self) -> Obstacle | None:
        """Return the obstacle."""
        case, obstacle = self.row.case, self.row.obstacle
        return None if case is None or obstacle is None else Obstacle(at=CaseAt(self.view, case), obstacle=obstacle)

    @strawberry.field(
        description=(
            "The event that it is about: the resolution, what gave the custody, or the event that has no effect; null "
            "if it cannot be read, or is not for whoever asks to see."
        )
    )
    def event(self) -> Event | None:
        """Return the event."""
        case, event = self.row.case, self.row.event
        if self.row.position is not None:
            return None
        try:
            told = None if case is None else self.view.told(case, [event])
        except KeyError:  # it was struck, and stands among what was recorded alone
            told = None
        return later(self._event()) if case is None or told is None else event_of(CaseAt(self.view, case), told[0])

    @strawberry.field(description="The place in the log of an event that cannot be read; of others the event tells it.")
    def position(self) -> Position | None:
        """Return the position."""
        return None if self.row.position is None else Position(self.row.position)

    @strawberry.field(description="Why an event cannot be read; why one has no effect, its conflict tells.")
    def reason(self) -> str | None:
        """Return the reason."""
        return self.row.reason

    async def _case(self, case: UUID) -> Case | None:
        found = await self.view.read(case, None)
        return None if found is None else case_of(CaseAt(self.view, case))

    async def _event(self) -> Event | None:
        history = await self.view.histories.load(self.row.stream)
        recorded = {event.id: event for event in history}
        if self.row.event not in recorded:  # as a link of a cause with an obstacle in a case of others
            return None
        if not isinstance(history[0].data, CaseFact):
            return events_in_stream(self.view, history)[self.row.event]
        mended = mend(history)
        placed = next((event for event in mended.events if event.id == self.row.event), recorded[self.row.event])
        told = Told(placed, None, None, tuple(mended.corrected.get(placed.id, ())))
        return event_of(CaseAt(self.view, self.row.stream), told)


async def have_todos(view: View, rows: Sequence[TodoRow], asked: AbstractSet[str]) -> None:
    """Have at hand what is asked of a page of to-dos, by the names of fields: their cases, and what they are about."""
    lying = [(row.case, row.event) for row in rows if row.case is not None]
    if "case" in asked:
        await view.have_cases((case for case, _ in lying), asked)
    if "event" in asked:
        about: dict[UUID, list[UUID]] = {}
        for case, event in lying:
            about.setdefault(case, []).append(event)
        await view.look_ahead(about)
