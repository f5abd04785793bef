"""What becomes of the organisations in a machine-made case, and the case with what the registry then writes into it."""

# pyright: reportAttributeAccessIssue=false
# A fact found by its kind in a list has that kind's fields, which a type checker cannot follow.

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import msgspec

from domain.given import Known, some_id
from knelpunt.domain.case import facts as f
from knelpunt.domain.case.decide import decide
from knelpunt.domain.command import Refused
from knelpunt.domain.event import Actor, Event
from knelpunt.domain.ids import event_id_of, organisation_stream_of
from knelpunt.domain.organisation.facts import (
    OrganisationDissolved,
    OrganisationFact,
    OrganisationMerged,
    OrganisationRegistered,
    TaskTransferred,
)
from knelpunt.domain.organisation.standing import standing_at
from knelpunt.domain.organisation.succession import Changes, commands_due
from knelpunt.domain.vocabulary import OrganisationKind, Role

from .world import ONLOOKER, ORGANISATIONS

HEIR, LAST = "urn:org:HEIR", "urn:org:LAST"
TICK = timedelta(microseconds=1)
EVERYBODY = Known(frozenset({HEIR, LAST, ONLOOKER, *ORGANISATIONS, *Known().organisations}))
LONG_BEFORE = timedelta(days=9000)


def changes(*facts: tuple[OrganisationFact, datetime]) -> Changes:
    """What became of organisations, as facts and when they occurred; each organisation is registered long before."""
    return changes_by(streams_of(*facts))


def streams_of(*facts: tuple[OrganisationFact, datetime]) -> list[Event]:
    """The events of organisations by facts and when they occurred, each stream with the registration before them."""
    events: list[Event] = []
    for n, (fact, at) in enumerate(facts):
        name = fact.organisation
        if all(event.data.organisation != name for event in events):
            registered = OrganisationRegistered(name, name, OrganisationKind.OTHER)
            events.append(organisation_event(registered, at - LONG_BEFORE, 0))
        events.append(organisation_event(fact, at, n + 1))
    return events


def changes_by(events: Iterable[Event]) -> Changes:
    """What became of organisations, by their events, in each stream's order."""
    streams: dict[UUID, list[Event]] = {}
    for event in events:
        streams.setdefault(event.stream, []).append(event)
    return Changes((found, history) for history in streams.values() if (found := standing_at(history)))


def organisation_event(fact: OrganisationFact, at: datetime, n: int) -> Event:
    """Return the event by which an organisation's fact is recorded at once; ``n`` counts from 0 in its stream."""
    command = some_id(f"{fact.organisation}/{n}")
    actor = Actor(ONLOOKER, Role.ADMINISTRATOR, "somebody")
    return Event(
        event_id_of(command), organisation_stream_of(fact.organisation), n + 1, n, at, at, actor, command, fact
    )


def some_changes(rng: Random, history: Sequence[Event]) -> Changes:
    """Ends and transfers of some organisations of a machine-made case, some in a line, at moments of no event."""
    return changes(*some_ends(rng, history))


def some_ends(rng: Random, history: Sequence[Event]) -> list[tuple[OrganisationFact, datetime]]:
    """The same as facts, and when they occurred."""
    theme = next(event.data.theme for event in history if isinstance(event.data, f.CaseOpened))
    times = [event.occurred_at for event in history]
    told: list[tuple[OrganisationFact, datetime]] = []
    for number, name in enumerate(rng.sample(ORGANISATIONS, 2)):
        to = rng.choice([one for one in (HEIR, *ORGANISATIONS) if one != name])
        # Some of what happens to one happens to the other at the same moment.
        odd = timedelta(microseconds=rng.choice((1, number + 1)))
        for _ in range(rng.choice((1, 1, 2))):
            at = rng.choice(times) + timedelta(seconds=rng.randint(-9, 9), hours=rng.randint(-30, 30)) + odd
            at = rng.choice((at, told[0][1])) if told else at
            kind = rng.random()
            if kind < 0.4:
                told.append((OrganisationMerged(name, to), at))
            elif kind < 0.6:
                told.append((OrganisationDissolved(name), at))
            else:
                told.append((TaskTransferred(name, theme, to), at))
    return told


def due(events: Sequence[Event], known: Changes, now: datetime) -> Iterator[Event]:
    """Yield what the registry writes into a case, each accepted by the domain on the case as it then is."""
    recorded = list(events)
    for command in commands_due(events, known, now):
        decided = decide(command, recorded, now, EVERYBODY)
        assert not isinstance(decided, Refused), (command, decided)
        assert command.expected_version == len(recorded)
        assert command.occurred_at is not None
        last = recorded[-1]
        recorded.append(
            Event(
                id=event_id_of(command.id),
                stream=command.stream,
                version=last.version + 1,
                position=last.position + 1,
                occurred_at=command.occurred_at,
                recorded_at=last.recorded_at + TICK,
                actor=command.actor,
                command_id=command.id,
                data=decided,
                source=command.source,
                known_to=command.known_to,
            )
        )
        yield recorded[-1]


def followed(rng: Random, history: Sequence[Event]) -> list[Event]:
    """Return a machine-made case in which the registry wrote, now and then, what became of organisations."""
    known = some_changes(rng, history)
    now = max(max(event.occurred_at, event.recorded_at) for event in history)
    events: list[Event] = []
    for event in history:
        at = max(event.recorded_at, events[-1].recorded_at + TICK) if events else event.recorded_at
        n = len(events)
        events.append(msgspec.structs.replace(event, version=n + 1, position=n, recorded_at=at))
        if rng.random() < 0.3:
            events.extend(due(events, known, now))
    events.extend(due(events, known, now))
    return events
