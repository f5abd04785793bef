"""A history that is carried on from event to event tells what one read anew would."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest
from msgspec import structs

from domain.given import START, Known, Told, given
from domain.stories import HELD_REPORT, OPENED
from histories.machine import has_late, has_tied, is_mending, make_history
from knelpunt.domain.case.decide import decide
from knelpunt.domain.case.facts import AccountGiven, EventStruck, GapAcknowledged, GapMark
from knelpunt.domain.case.history import History
from knelpunt.domain.case.rules import Judge
from knelpunt.domain.command import Command, Refused
from knelpunt.domain.event import Event
from knelpunt.domain.vocabulary import StrikeReason

HISTORIES = 150


@dataclass(frozen=True)
class Everywhere(Known):
    """Knows every organisation, whatever the machine calls it; gaps are derived for real."""

    def organisation(self, organisation: str) -> bool:
        return True


def command_of(event: Event, moment) -> Command:
    """A command for the fact of an event, at a moment; with an id that no event of the history has."""
    return Command(uuid4(), event.stream, event.actor, event.data, moment, known_to=event.known_to)


@pytest.fixture(scope="module")
def made() -> list[list[Event]]:
    """Histories with late, tied and mended events, and with accounts and acknowledgements of gaps."""
    rng = Random(20241122)
    found = [make_history(rng, rng.randint(4, 24)) for _ in range(HISTORIES)]
    assert sum(map(has_late, found)) > HISTORIES // 5
    assert sum(map(has_tied, found)) > HISTORIES // 20
    assert sum(any(map(is_mending, one)) for one in found) > HISTORIES // 20
    said = [e.data for one in found for e in one]
    assert any(isinstance(fact, AccountGiven | GapAcknowledged) and fact.gap is not None for fact in said)
    return found


def test_carried_on_decides_as_read_anew(made) -> None:
    """At each step, commands at the end and at earlier moments are decided the same on both, and the states agree."""
    rng = Random(1)
    accepted = refused = 0
    for events in made:
        carried = History()
        for number, event in enumerate(events):
            known = events[:number]
            now = event.recorded_at + timedelta(hours=1)
            asked = [command_of(event, event.occurred_at)]
            if known:
                other = rng.choice(events)
                asked += [command_of(other, known[-1].occurred_at), command_of(other, rng.choice(known).occurred_at)]
            for command in asked:
                decided = decide(command, carried, now, Everywhere())
                assert decided == decide(command, known, now, Everywhere())
                accepted += not isinstance(decided, Refused)
                refused += isinstance(decided, Refused)
            carried.append(event)
    assert min(accepted, refused) > 10 * HISTORIES // 10


def test_carried_on_holds_the_state_of_one_read_anew(made) -> None:
    """The state after all events, asked for after each, is that of a fold from the beginning in every part."""
    for events in made:
        carried = History()
        for number, event in enumerate(events, 1):
            carried.append(event)
            end = max(e.occurred_at for e in events) + timedelta(days=1)
            states = [
                one.state_at(end, Judge(lambda mark, at, one=one: Everywhere().gap(one, mark, at)))
                for one in (carried, History(events[:number]))
            ]
            for part in type(states[0]).__struct_fields__:
                assert getattr(states[0], part) == getattr(states[1], part), part


def test_as_recorded(made) -> None:
    """An event that was proposed, folded, and then recorded at another position leaves no trace of the proposal."""
    for events in made[:40]:
        carried = History()
        for number, event in enumerate(events):
            before = carried[-1].position if number else -1
            proposed = structs.replace(event, position=before + 1, recorded_at=event.recorded_at - timedelta(seconds=1))
            carried.append(proposed)
            if number % 2:
                carried.state_at(event.occurred_at, Judge(lambda *_: True))
            recorded = structs.replace(event, position=1000 + 10 * event.position)
            carried.as_recorded(recorded)
            assert carried[-1] is recorded
        read = History(structs.replace(event, position=1000 + 10 * event.position) for event in events)
        end = max(e.occurred_at for e in events)
        states = [one.state_at(end, Judge(lambda *_: True)) for one in (carried, read)]
        assert states[0].obstacles == states[1].obstacles
        assert states[0].handoffs == states[1].handoffs


def test_a_gap_spoken_of_is_looked_for_again(made) -> None:
    """Whether a gap exists is asked again once something else occurred at that very moment, and only then."""
    events = next(one for one in made if any(map(gap_of, one)) and not any(map(is_mending, one)))
    number = next(n for n, e in enumerate(events) if gap_of(e))
    at = max(e.occurred_at for e in events[: number + 1])
    said = structs.replace(events[number], occurred_at=at)
    for later, asked_again in ((timedelta(0), True), (timedelta(hours=1), False)):
        history = History([*events[:number], said])
        asked: list[object] = []
        judge = Judge(lambda mark, moment, asked=asked: not asked.append(mark))
        history.state_at(at, judge)
        once = len(asked)
        assert once > 0
        history.append(structs.replace(events[0], version=number + 2, position=10**6, occurred_at=at + later))
        history.state_at(at + later, judge)
        assert (len(asked) > once) is asked_again


def test_a_striking_of_what_comes_later() -> None:
    """A striking of an event that is recorded later, as a history from elsewhere may hold, strikes it when it comes."""
    events = given(OPENED, Told(HELD_REPORT)).history
    opened, reported = (structs.replace(event, occurred_at=START) for event in events)
    struck = EventStruck(reported.id, StrikeReason.NEVER_HAPPENED)
    strikes = structs.replace(opened, id=uuid4(), version=2, position=1, data=struck)
    judge = Judge(lambda *_: True)
    history = History([opened, strikes])
    history.state_at(START, judge)
    history.append(structs.replace(reported, version=3, position=2))
    assert history.state_at(START, judge).obstacles == {}
    assert History([opened, reported]).state_at(START, judge).obstacles


def gap_of(event: Event) -> GapMark | None:
    """The gap that an event speaks of."""
    return event.data.gap if isinstance(event.data, AccountGiven | GapAcknowledged) else None
