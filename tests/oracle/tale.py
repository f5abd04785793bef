"""Small registries told in a few lines, for examples that somebody works out on paper: cases and what organisations do.

Everything is the word of whom it is about, and is recorded in the order in which it is told.
"""

from typing import Final
from uuid import UUID

from histories.several import Told, day, named
from knelpunt.domain.case import facts as f
from knelpunt.domain.event import Event, Fact
from knelpunt.domain.organisation.facts import OrganisationFact, OrganisationRegistered
from knelpunt.domain.vocabulary import OrganisationKind

EVER: Final = day(10_000)
"""Long after everything was recorded."""


class Tale(Told):
    """What is told, case by case; organisations are told of too."""

    def says(self, case: str, at: float, fact: Fact, by: str | None = None) -> Event:
        """Record a fact of a case that happened on a day: by whom it is about, if by nobody else."""
        return self.tell(named(case), at, fact, by or getattr(fact, "organisation", None) or "urn:org:TELLER")

    def registered(self, *organisations: str, parent: str | None = None) -> None:
        """Register organisations, long before everything else."""
        for name in organisations:
            self.organisation(-1000, OrganisationRegistered(name, name, OrganisationKind.OTHER, parent))

    def cases(self) -> dict[UUID, list[Event]]:
        """Return the events of each case, in the order in which they were recorded."""
        return {stream: events for stream, events in self.histories().items() if isinstance(events[0].data, f.CaseFact)}

    def organisations(self) -> list[Event]:
        """Return the events of all organisations."""
        return [event for event in self.events if isinstance(event.data, OrganisationFact)]
