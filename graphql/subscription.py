"""Subscriptions: every event from any position on as it is recorded, and every gap from any cursor on as it opens."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated

import strawberry

from ..domain.case.named import organisations_of
from ..domain.event import Event as RecordedEvent
from ..domain.vocabulary import GapKind
from ..projections.derivation.answer import Told
from . import ids
from .asking import Asking
from .enumerations import EventType
from .events import Event
from .filters import opening_choice
from .gaps import Gap, gap_of_row
from .scalars import GapCursor, Position

AfterPosition = Annotated[
    Position | None,
    strawberry.argument(
        description="Only what stands beyond this position; -1: from the first event on. If not given: from now on."
    ),
]
Types = Annotated[list[EventType] | None, strawberry.argument(description="Only events of one of these types.")]
Organisations = Annotated[
    list[strawberry.ID] | None,
    strawberry.argument(description="Only events that one of these organisations recorded, or that name one."),
]
AfterCursor = Annotated[
    GapCursor | None,
    strawberry.argument(description="Only what opened beyond this cursor. If not given: from now on."),
]
GapKinds = Annotated[list[GapKind] | None, strawberry.argument(description="Only gaps of one of these kinds.")]
GapOrganisations = Annotated[
    list[strawberry.ID] | None,
    strawberry.argument(
        description="Only gaps in which one of these organisations had to act or was involved when it opened."
    ),
]


@strawberry.type(description="A gap that opened: from this moment on it counts, as the registry then knew it.")
class GapOpened:
    """An opening, and its place among them."""

    cursor: GapCursor = strawberry.field(description="Where to resume: gapOpened(after:) goes on beyond it.")
    at: datetime = strawberry.field(
        description="When it opened: by the end of its kind's grace, or when what proves it was recorded."
    )
    gap: Gap = strawberry.field(description="The gap, and all below it, with asOf and knownAt both at this moment.")


@strawberry.type(description="What is told as it happens.")
class Subscription:
    """Streams of the registry."""

    @strawberry.subscription(
        description="Every event, in order of position. Resumes after any position with no loss and no repeat."
    )
    async def events(
        self,
        info: strawberry.Info[Asking, None],
        after: AfterPosition = None,
        types: Types = None,
        organisations: Organisations = None,
    ) -> AsyncGenerator[Event, None]:
        """Yield events as they are recorded."""
        asking = info.context
        topics = None if types is None else {kind.value for kind in types}
        parties = (
            None
            if organisations is None
            else {ids.organisation_identifier(one, "organisations") for one in organisations}
        )
        start = await asking.session.head() if after is None else after
        async for event in asking.session.follow(start):
            if (topics is None or event.data.topic in topics) and (parties is None or parties & _parties(event)):
                view = asking.view_after(event.position, event.occurred_at)
                yield Event(view=view, known_to_only=None, told=Told(event, None, None, ()))

    @strawberry.subscription(
        description=(
            "Every gap when it opens, each once, in order: when it begins to count, because its grace has passed with "
            "nothing recorded, or because of what was recorded. A gap of the past that is only learned of now opens "
            "now, and may have ended; one that was taken back within the same hundredth of a second, as by an import, "
            "never opened. Resumes after any cursor with no loss and no repeat."
        )
    )
    async def gap_opened(
        self,
        info: strawberry.Info[Asking, None],
        organisations: GapOrganisations = None,
        kinds: GapKinds = None,
        after: AfterCursor = None,
    ) -> AsyncGenerator[GapOpened, None]:
        """Yield gaps as they open."""
        asking = info.context
        async for opening in asking.session.openings(after, opening_choice(organisations, kinds)):
            gap = gap_of_row(asking.view_at(opening.at, opening.position), opening.gap)
            yield GapOpened(cursor=GapCursor(opening.place), at=opening.at, gap=gap)


def _parties(event: RecordedEvent) -> set[str]:
    """Return the organisations that recorded an event, are named by it, or are said to know of it."""
    return {
        event.actor.organisation,
        *organisations_of(event.data),
        *(knower.organisation for knower in event.known_to),
    }
