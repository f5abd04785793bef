"""The enumerations of the schema: those of the domain by their own names, and the schema's own.

A domain enumeration becomes one of GraphQL by being registered here; its description is its docstring.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Final

import strawberry

from ..domain import vocabulary
from ..domain.command import RefusalCode
from ..domain.topics import FACTS
from ..projections.derivation.shapes import SegmentKind
from ..projections.summaries import Language

__all__ = ["TYPE_OF_TOPIC", "CaseStatus", "EventType", "ObstacleStatus"]


class CaseStatus(Enum):
    """Whether a case is open."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class ObstacleStatus(Enum):
    """Whether an obstacle still blocks the subject, as far as the registry knows."""

    OPEN = "OPEN"
    SETTLED = "SETTLED"


# Called by the names that domain.md gives the events; the topic, which is stored, is what a name stands for.
if TYPE_CHECKING:

    class EventType(Enum):
        """What a type checker can know of it: its members are found when the program runs."""
else:
    EventType = Enum("EventType", {fact.__name__: topic for topic, fact in FACTS.items()})

TYPE_OF_TOPIC: Final[Mapping[str, EventType]] = {member.value: member for member in EventType}
"""Each type of event by the stable name under which its facts are stored."""


def _register() -> None:
    for enumeration in (*vars(vocabulary).values(), RefusalCode, SegmentKind, Language, CaseStatus, ObstacleStatus):
        if isinstance(enumeration, type) and issubclass(enumeration, Enum) and list(enumeration):
            strawberry.enum(enumeration, description=enumeration.__doc__)
    strawberry.enum(EventType, description="What kind of thing an event says happened.")


_register()
