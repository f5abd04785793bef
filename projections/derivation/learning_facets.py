"""What the read model keeps of a learning stream: its header, by which lists filter and sort, and its links.

One form for every kind of stream. They are few compared to cases, so what else there is to say of one is derived when
it is asked for; a header holds no more than what lists choose by.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from ...domain.event import Event
from ...domain.ids import EventId
from ...domain.vocabulary import LearningKind


class StreamFacet(Struct, frozen=True, gc=False):
    """A stream: what lists filter and sort by.

    ``status`` is one of its kind's own words. ``organisations`` are those that have a part in it, sorted. ``marks`` are
    what else its kind is chosen by, each a name and a value such as ``locus=LAW``, sorted; one name may stand there
    with several values.
    """

    kind: LearningKind
    begun_at: datetime
    status: str
    theme: str | None
    organisations: tuple[str, ...]
    marks: tuple[str, ...]


class StreamLinkFacet(Struct, frozen=True, gc=False):
    """The stream is linked with something: with what, as what, since when and by which event.

    ``relation`` says what the target is (``OBSTACLE``, ``CASE``, or a kind of stream), or what it is to the stream
    where that needs telling apart; a target is linked once in a relation.
    """

    relation: str
    target: UUID
    since: datetime
    event: EventId

    @property
    def name(self) -> str:
        """What names the link within its stream."""
        return f"{self.relation}/{self.target}"


def links_to(relation: str, targets: Iterable[tuple[UUID, Event]]) -> Iterator[StreamLinkFacet]:
    """Yield a link with each target, by the first of the events that name it; those come in the order of time."""
    for target, event in dict(reversed(list(targets))).items():
        yield StreamLinkFacet(relation, target, event.occurred_at, event.id)
