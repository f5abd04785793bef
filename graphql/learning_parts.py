"""What the parts of learning streams have in common, as clients see them: each was told by one event of the stream."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import strawberry

from ..domain.event import Event as RecordedEvent
from ..domain.vocabulary import LearningKind
from .events import Event, event_of
from .gaps import text_of
from .learning import LearningStream
from .view import StreamAt, View

S = TypeVar("S", bound=LearningStream)


@strawberry.type
class Part:
    """Something that an event of a learning stream told; ``told`` is that event, as corrected."""

    at: strawberry.Private[StreamAt]
    told: strawberry.Private[RecordedEvent]

    @strawberry.field(description="When it happened.")
    def occurred_at(self) -> datetime:
        """Return when it happened."""
        return self.told.occurred_at

    @strawberry.field(description="The event that tells of it.")
    def event(self) -> Event:
        """Return the event."""
        return self.at.read(lambda reading: event_of(self.at, reading.event(self.told.id)))

    def words(self, field: str) -> str | None:
        """Return a text of the event in clear; none where there is none, or whose it is was forgotten."""
        return words_of(self.at, self.told, field)

    @property
    def fact(self) -> Any:
        """What the event says; of a type that each kind of part knows."""
        return self.told.data


def words_of(at: StreamAt, told: RecordedEvent, field: str) -> str | None:
    """Return a text of an event of a stream in clear; none where there is none, or whose it is was forgotten."""
    return at.read(lambda reading: text_of(at.view, reading.event(told.id), getattr(told.data, field)))


async def streams_at(view: View, kind: LearningKind, named: Iterable[UUID], make: type[S]) -> list[S]:
    """Return streams of a kind by their ids, made by their type, without those that have not begun at the view."""
    found = dict.fromkeys(named)
    await view.histories.load_all(found)
    return [make(at=StreamAt(view, each)) for each in found if await view.stream(each, kind) is not None]


async def streams_linking(view: View, kind: LearningKind, targets: Sequence[UUID], make: type[S]) -> list[S]:
    """Return the streams of a kind that are linked with one of some things, made by their type."""
    await view.linking.load_all((target, kind.value) for target in targets)
    known = view.linking.known
    return await streams_at(view, kind, (each for target in targets for each in known[target, kind.value]), make)
