"""Events in the order in which they were recorded: what a program asks for that takes along all it may see."""

from collections.abc import Sequence

import strawberry

from ..projections.derivation.answer import Told
from .enumerations import EventType
from .events import Event
from .nodes import page_size
from .problems import bad_input
from .scalars import Position
from .view import View


@strawberry.type(description="Some events, in the order in which they were recorded.")
class RecordedEvents:
    """A stretch of the log, as far as the asker sees it."""

    nodes: list[Event] = strawberry.field(description="The events, as they were recorded.")
    until: Position = strawberry.field(
        description="The last position that was looked at, whether or not you see its event: go on after it."
    )
    more: bool = strawberry.field(description="Whether there may be more after that, within this view.")


async def recorded_events(
    view: View, after: int | None, types: Sequence[EventType] | None, first: int | None
) -> RecordedEvents:
    """Return the events of a view that stand beyond a position. Raises ``Problem``."""
    size, start = page_size(first), -1 if after is None else after
    if start < -1:
        raise bad_input(f"after: {start} is no position; those are counted from 0, and -1 is before the first.")
    topics = None if types is None else [kind.value for kind in types]
    found, until = await view.session.between(start, view.position, topics, view.as_of, size)
    return RecordedEvents(
        nodes=[Event(view=view, known_to_only=None, told=Told(event, None, None, ())) for event in found],
        until=Position(max(start, until)),
        more=until < view.position,
    )
