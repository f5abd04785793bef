"""Several cases of one subject, told by hand: facts on days, each recorded when it happened unless said otherwise.

And machine-made ones: histories of single cases whose people, waits and triggers are joined, with openings that are
found late or corrected, so that what lies over them changes with both times.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid5

from msgspec.structs import replace

from histories.world import ORGANISATIONS
from knelpunt.domain.case import facts as f
from knelpunt.domain.event import Actor, Event, Fact
from knelpunt.domain.ids import NAMESPACE, organisation_stream_of, reference_of
from knelpunt.domain.organisation.facts import OrganisationFact
from knelpunt.domain.vocabulary import CaseRelation, NoticedBy, Origin, Outcome, Role, WaitingGround

BEGIN = datetime(2024, 1, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
GEM, UWV, SVB, ZORG = (f"urn:org:{name}" for name in ("GEM", "UWV", "SVB", "ZORG"))


def named(name: str) -> UUID:
    """The id of whatever has a name."""
    return uuid5(NAMESPACE, f"several/{name}")


def day(number: float) -> datetime:
    """A moment so many days after the beginning."""
    return BEGIN + number * DAY


class Told:
    """Events of several streams, in the order in which they are recorded."""

    def __init__(self) -> None:
        """Start with nothing told."""
        self.events: list[Event] = []

    def tell(self, stream: UUID, at: float, fact: Fact, by: str = GEM, recorded: float | None = None) -> Event:
        """Tell that something happened on a day; recorded then, or later, but always after what was told before."""
        moment = day(at if recorded is None else recorded)
        if self.events:
            moment = max(moment, self.events[-1].recorded_at + timedelta(microseconds=1))
        number = len(self.events)
        event = Event(
            id=named(f"event {number}"),
            stream=stream,
            version=1 + sum(one.stream == stream for one in self.events),
            position=number,
            occurred_at=day(at),
            recorded_at=moment,
            actor=Actor(by, Role.AGENCY, "somebody"),
            command_id=named(f"command {number}"),
            data=fact,
        )
        self.events.append(event)
        return event

    def organisation(self, at: float, fact: OrganisationFact, recorded: float | None = None) -> Event:
        """Tell something of an organisation."""
        return self.tell(organisation_stream_of(fact.organisation), at, fact, recorded=recorded)

    def opens(self, case: str, at: float, *subjects: str, recorded: float | None = None) -> Event:
        """A case is opened for some subjects: the one that all have in common, if none is named."""
        of = tuple(named(subject) for subject in subjects or ("subject",))
        fact = f.CaseOpened(reference_of(named(case)), of, f"theme-{case}", NoticedBy.OTHER)
        return self.tell(named(case), at, fact, recorded=recorded)

    def reports(self, case: str, obstacle: str, at: float, holder: str | None, **more: Any) -> Event:
        """An obstacle is reported, received by somebody."""
        fact = f.ObstacleReported(named(obstacle), Origin.UNKNOWN, GEM, received_by=holder, **more)
        return self.tell(named(case), at, fact, holder or GEM)

    def takes(self, case: str, obstacle: str, at: float, holder: str, recorded: float | None = None) -> Event:
        """Somebody takes an obstacle on."""
        return self.tell(named(case), at, f.CustodyTaken(named(obstacle), holder), holder, recorded)

    def releases(self, case: str, obstacle: str, at: float, holder: str) -> Event:
        """The holder lets go."""
        return self.tell(named(case), at, f.CustodyReleased(named(obstacle), holder), holder)

    def resolves(self, case: str, obstacle: str, at: float, holder: str, recorded: float | None = None) -> Event:
        """The holder settles an obstacle."""
        return self.tell(
            named(case), at, f.ObstacleResolved(named(obstacle), holder, Outcome.REMOVED), holder, recorded
        )

    def coordinates(
        self, case: str, at: float, until: float | None = None, by: str = GEM, recorded: float | None = None
    ) -> Event:
        """A coordinator is named in a case."""
        end = None if until is None else day(until)
        return self.tell(named(case), at, f.CoordinatorNamed(by, end), by, recorded)

    def waits(self, case: str, obstacle: str, at: float, holder: str, for_: str, until: float | None = None) -> Event:
        """The holder of an obstacle waits for another obstacle."""
        end = None if until is None else day(until)
        fact = f.WaitingBegan(named(obstacle), holder, WaitingGround.OTHER_OBSTACLE, None, named(for_), end)
        return self.tell(named(case), at, fact, holder)

    def histories(self, known_at: float | None = None) -> dict[UUID, list[Event]]:
        """What was recorded by a day, by stream."""
        return by_stream([e for e in self.events if known_at is None or e.recorded_at <= day(known_at)])


def by_stream(events: Sequence[Event]) -> dict[UUID, list[Event]]:
    """Return events by their streams."""
    streams: dict[UUID, list[Event]] = {}
    for event in events:
        streams.setdefault(event.stream, []).append(event)
    return streams


def people_of(log: Sequence[Event]) -> list[UUID]:
    """Everybody whose a case was ever said to be."""
    found: dict[UUID, None] = {}
    for event in log:
        match event.data:
            case f.CaseOpened(subjects=subjects):
                found |= dict.fromkeys(subjects)
            case f.FactCorrected(field="subjects", value=tuple() as subjects):
                found |= dict.fromkeys(UUID(one) for one in subjects)
            case _:
                pass
    return list(found)


def joined(rng: Random, histories: Sequence[Sequence[Event]]) -> list[list[Event]]:
    """Return histories of single cases as cases of three persons, who have some in common."""
    people = [uuid5(NAMESPACE, f"person/{rng.random()}") for _ in range(3)]
    reported = [[e.data.obstacle for e in h if isinstance(e.data, f.ObstacleReported)] for h in histories]
    # Obstacles of one case and the next wait for each other, if they wait; the others for any.
    pairs = [
        pair
        for one, other in zip(reported[::2], reported[1::2], strict=False)
        for pair in zip(one, other, strict=False)
    ]
    others = dict(pairs) | {other: one for one, other in pairs}
    cases = [history[0].stream for history in histories]
    of_all = [one for of in reported for one in of]
    return [[_joined(rng, event, people, cases, of_all, others) for event in history] for history in histories]


def _joined(
    rng: Random,
    event: Event,
    people: Sequence[UUID],
    cases: Sequence[UUID],
    obstacles: Sequence[UUID],
    others: Mapping[UUID, UUID],
) -> Event:
    """Return an event as one of several cases: of these people, perhaps about an obstacle of another case."""
    fact = event.data
    draw = rng.random()
    match fact:
        case f.CaseOpened():
            subjects = rng.choice((people[:1], people[:1], people[:2], (people[1], people[0]), people[1:2], people))
            late = timedelta(days=rng.choice((0, 0, 0, 0, 5, 40)))
            fact = replace(fact, subjects=tuple(subjects), theme=rng.choice(("schulden", "zorg", "other")))
            return replace(event, data=fact, occurred_at=event.occurred_at + late)
        case f.WaitingBegan():
            return replace(event, data=replace(fact, for_obstacle=others.get(fact.obstacle) or rng.choice(obstacles)))
        case f.ObstacleReported() if draw < 0.4:
            return replace(event, data=replace(fact, triggered_by=rng.choice(obstacles)))
        case f.StepTaken(obstacle=obstacle, organisation=str() as holder) if draw < 0.8 and obstacle in others:
            ground = WaitingGround.OTHER_OBSTACLE
            return replace(event, data=f.WaitingBegan(obstacle, holder, ground, None, others[obstacle]))
        case f.ContactMade() | f.RemedyApplied() | f.HarmStated() if draw > 0.7:
            to = rng.choice(cases)
            link = f.CaseLinked(to, rng.choice(tuple(CaseRelation)))
            return event if to == event.stream else replace(event, data=link)
        case f.StepTaken() | f.ContactMade() | f.RemedyApplied() if draw < 0.15:
            until = event.occurred_at + DAY * rng.choice((10, 30))
            return replace(event, data=f.CoordinatorNamed(rng.choice(ORGANISATIONS), until))
        case f.FactCorrected(field="precision"):
            value = tuple(str(one) for one in rng.sample(people, 2))
            return replace(event, data=f.FactCorrected(fact.event, "subjects", value))
        case _:
            return event
