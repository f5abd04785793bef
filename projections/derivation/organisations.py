"""What an organisation is called over time: the facets of an organisation's stream."""

from collections.abc import Sequence

from msgspec.structs import replace

from ...domain.event import Event
from ...domain.organisation.facts import OrganisationRegistered, OrganisationRenamed
from .facets import Key, OrganisationFacet, Turns
from .timelines import Timelines


class OrganisationFacets:
    """An organisation at the moment of the last event that it was shown."""

    __slots__ = ("_facet",)

    def __init__(self) -> None:
        """Start with an organisation that is not registered."""
        self._facet: OrganisationFacet | None = None

    def show(self, event: Event, *, struck: bool = False) -> dict[Key, Turns]:
        """Advance by one event; a name given before the registration has no effect."""
        fact = event.data
        if struck:
            return {}
        if isinstance(fact, OrganisationRegistered) and self._facet is None:
            self._facet = OrganisationFacet(fact.organisation, fact.name, fact.kind, fact.parent)
        elif isinstance(fact, OrganisationRenamed) and self._facet is not None:
            self._facet = replace(self._facet, name=fact.name)
        else:
            return {}
        return {fact.organisation: [(event.occurred_at, None, self._facet)]}


def organisation_timelines(recorded: Sequence[Event] = ()) -> Timelines:
    """Return the timelines of an organisation, started from the events whose rows are stored already."""
    return Timelines(OrganisationFacets, recorded)
