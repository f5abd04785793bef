"""Subscriptions: every event from any position on, as it is recorded."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from ..domain.case.decide import organisations_of
from ..domain.event import Event as RecordedEvent
from ..projections.derivation.answer import Told
from . import ids
from .asking import Asking
from .enumerations import EventType
from .events import Event
from .scalars import Position

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


def _parties(event: RecordedEvent) -> set[str]:
    """Return the organisations that recorded an event, are named by it, or are said to know of it."""
    return {
        event.actor.organisation,
        *organisations_of(event.data),
        *(knower.organisation for knower in event.known_to),
    }
