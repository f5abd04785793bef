"""Small histories told in a few lines, for examples that somebody works out on paper.

Days count from ``START``. Everything is recorded in the order in which it is told, long after it happened, so that a
question may ask for what was recorded up to some event.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from knelpunt.domain.case import facts as f
from knelpunt.domain.event import Actor, Event, Fact
from knelpunt.domain.ids import organisation_stream_of
from knelpunt.domain.organisation.facts import OrganisationFact, OrganisationRegistered
from knelpunt.domain.vocabulary import NoticedBy, OrganisationKind, Origin, Role

SPACE = UUID("0b1c1c1e-0000-4000-8000-000000000000")
START = datetime(2024, 3, 4, 9, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
RECORDED = START + 2000 * DAY


def named(name: str) -> UUID:
    """Return the id that a case, obstacle, subject or handoff of this name has."""
    return uuid5(SPACE, name)


def day(number: float) -> datetime:
    """Return a moment, in days after the start."""
    return START + number * DAY


class Tale:
    """What is told, case by case; organisations are told of too."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.events: list[Event] = []

    def tell(self, case: str, at: float, fact: Fact, by: str | None = None) -> Event:
        """Record a fact that happened on a day; by whom it is about, if nobody else."""
        who = by or getattr(fact, "organisation", None) or getattr(fact, "received_by", None) or "urn:org:TELLER"
        return self._record(named(case), at, fact, who)

    def organisation(self, at: float, fact: OrganisationFact) -> Event:
        """Record what became of an organisation on a day."""
        return self._record(organisation_stream_of(fact.organisation), at, fact, "urn:org:TELLER")

    def _record(self, stream: UUID, at: float, fact: Fact, who: str) -> Event:
        n = len(self.events)
        version = sum(event.stream == stream for event in self.events) + 1
        command = named(f"command {n}")
        actor = Actor(who, Role.AGENCY, "somebody")
        event = Event(
            named(f"event {n}"), stream, version, n, day(at), RECORDED + n * MINUTE, actor, command, fact
        )  # fmt: skip
        self.events.append(event)
        return event

    def opened(self, case: str, *subjects: str, at: float = 0) -> Event:
        """Open a case of these subjects."""
        ids = tuple(named(subject) for subject in subjects or ("somebody",))
        return self.tell(case, at, f.CaseOpened("K-000001", ids, "schulden", NoticedBy.OTHER))

    def reported(
        self, case: str, obstacle: str, at: float, received_by: str | None = None, triggered_by: str | None = None
    ) -> Event:
        """Report an obstacle, received by an organisation or by nobody."""
        trigger = None if triggered_by is None else named(triggered_by)
        where = received_by or "urn:org:DESK"
        fact = f.ObstacleReported(
            named(obstacle), Origin.UNKNOWN, where, received_by=received_by, triggered_by=trigger
        )  # fmt: skip
        return self.tell(case, at, fact)

    def registered(self, organisation: str, parent: str | None = None) -> Event:
        """Register an organisation, long before everything else."""
        fact = OrganisationRegistered(organisation, organisation, OrganisationKind.OTHER, parent)
        return self.organisation(-1000, fact)

    def cases(self) -> Mapping[UUID, list[Event]]:
        """Return the events of each case, in the order in which they were recorded."""
        cases: dict[UUID, list[Event]] = {}
        for event in self.events:
            if isinstance(event.data, f.CaseFact):
                cases.setdefault(event.stream, []).append(event)
        return cases

    def organisations(self) -> list[Event]:
        """Return the events of all organisations."""
        return [event for event in self.events if isinstance(event.data, OrganisationFact)]
