"""What the read model keeps of an organisation: the organisation itself, its tasks that passed on, its strategies.

They are apart from the facets of a case because they come from streams of their own and are no case data.
"""

from datetime import datetime

from msgspec import Struct

from ...domain.ids import EventId, StrategyId
from ...domain.vocabulary import OrganisationKind


class OrganisationFacet(Struct, frozen=True, gc=False):
    """An organisation: what it is called, of what it is a unit, and whether it has ended.

    ``merged_into`` is its successor, none if it was dissolved or has not ended; ``team`` is the event that made it a
    solution team, if one did.
    """

    organisation: str
    name: str
    kind: OrganisationKind
    parent: str | None
    ended_at: datetime | None = None
    merged_into: str | None = None
    team: EventId | None = None


class TaskFacet(Struct, frozen=True, gc=False):
    """The organisation's task in a theme is another's since a moment."""

    organisation: str
    theme: str
    to: str
    since: datetime
    event: EventId


class StrategyFacet(Struct, frozen=True, gc=False):
    """A way of working that the organisation shares, or adopted from ``shared_by``.

    ``themes`` and ``origins`` are the obstacles that it is said to work for, sorted; of an adoption none.
    """

    organisation: str
    strategy: StrategyId
    at: datetime
    shared_by: str | None
    event: EventId
    themes: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
