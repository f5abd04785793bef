"""What becomes of a case's obstacles when an organisation ends or passes on a task, and when facts are found late."""

from collections import Counter
from datetime import datetime
from random import Random

import msgspec
import pytest

from domain.given import CASE, DAY, GEM, START, SVB, UWV, some_id
from domain.stories import OBSTACLE, OPENED, SUBJECT
from histories.machine import make_history, renumbered
from histories.organisations import HEIR, LAST, changes, due, some_changes
from knelpunt.domain.case import facts as f
from knelpunt.domain.case.corrections import mend
from knelpunt.domain.event import Actor, Event, Fact
from knelpunt.domain.ids import event_id_of
from knelpunt.domain.organisation.facts import (
    OrganisationDissolved,
    OrganisationMerged,
    TaskTransferred,
)
from knelpunt.domain.organisation.succession import Changes, commands_due, is_written_by_registry
from knelpunt.domain.vocabulary import (
    GapKind,
    MoveBasis,
    Origin,
    Outcome,
    Role,
    StepKind,
    StrikeReason,
)
from knelpunt.projections.derivation.answer import CaseAnswer, answer
from knelpunt.projections.derivation.shapes import SegmentKind

ENDED = START + 100 * DAY
NOW = START + 1000 * DAY
SOMEBODY = Actor(UWV, Role.AGENCY, "somebody")


MERGED = changes((OrganisationMerged(GEM, HEIR), ENDED))
DISSOLVED = changes((OrganisationDissolved(GEM), ENDED))
TRANSFERRED = changes((TaskTransferred(GEM, "schulden", HEIR), ENDED))


class Recorded:
    """A case as it is recorded, event by event; the registry writes into it when asked to."""

    def __init__(self, *told: tuple[Fact, int]) -> None:
        """Begin with facts, each so many days after the start."""
        self.events: list[Event] = []
        for fact, day in told:
            self.tell(fact, day)

    def tell(self, fact: Fact, day: float, by: str = UWV) -> Event:
        """Record a fact, so many days after the start."""
        n = len(self.events)
        at = START + day * DAY
        command = some_id(f"command {n}")
        event = Event(
            event_id_of(command), CASE, n + 1, n, at, NOW + n * DAY, Actor(by, Role.AGENCY, "somebody"), command, fact
        )
        self.events.append(event)
        return event

    def take(self, event: Event) -> None:
        """Record an event made elsewhere."""
        n = len(self.events)
        self.events.append(msgspec.structs.replace(event, version=n + 1, position=n))

    def follow(self, known: Changes, now: datetime = NOW + 900 * DAY) -> list[Fact]:
        """Have the registry write what is due, and return what it wrote; afterwards nothing more is due."""
        written = list(due(self.events, known, now))
        self.events.extend(written)
        assert commands_due(self.events, known, now) == []
        assert len({event.id for event in self.events}) == len(self.events)
        return [event.data for event in written]

    def answer(self) -> CaseAnswer:
        """The answer of today."""
        return answer(self.events, NOW + 900 * DAY)

    def chain(self) -> list[tuple[str | None, int, int | None]]:
        """Who held the obstacle, from which day until which."""
        return [
            (one.organisation, (one.from_ - START).days, None if one.until is None else (one.until - START).days)
            for one in self.answer().segments
        ]


HELD = ((OPENED, 0), (f.ObstacleReported(OBSTACLE, Origin.UNKNOWN, UWV, received_by=GEM), 0))
MOVE = f.ResponsibilityMoved(OBSTACLE, GEM, HEIR, MoveBasis.SUCCESSION)


def test_a_merger_moves_what_is_held() -> None:
    """What an organisation held when it went up in another is the other's to take, from that moment on."""
    case = Recorded(*HELD)
    assert case.follow(MERGED) == [MOVE]
    assert case.chain() == [(GEM, 0, 100), (None, 100, None)]
    (gap,) = [gap for gap in case.answer().gaps if gap.kind is GapKind.MOVED]
    assert (gap.from_, gap.to_act, gap.involved) == (ENDED, (HEIR,), (GEM,))
    assert case.follow(MERGED) == []
    case.tell(f.StepTaken(OBSTACLE, HEIR, StepKind.LETTER), 120, by=HEIR)
    assert case.follow(MERGED) == []
    assert case.chain() == [(GEM, 0, 100), (None, 100, 120), (HEIR, 120, None)]


def test_a_dissolution_lets_go() -> None:
    """Where nobody succeeds, the organisation lets go; nothing is moved to nobody."""
    case = Recorded(*HELD)
    assert [type(fact) for fact in case.follow(DISSOLVED)] == [f.CustodyReleased]
    assert [gap.kind for gap in case.answer().gaps if gap.until is None] == [GapKind.RELEASED]


def test_a_transfer_moves_one_theme_at_one_moment() -> None:
    """A task that passes on takes with it what its organisation holds in that theme, and nothing that comes later."""
    case = Recorded(*HELD)
    moved = f.ResponsibilityMoved(OBSTACLE, GEM, HEIR, MoveBasis.TASK_TRANSFER)
    other = changes((TaskTransferred(GEM, "zorg", HEIR), ENDED))
    assert case.follow(other) == []
    assert case.follow(TRANSFERRED) == [moved]
    later = Recorded((OPENED, 0), (f.ObstacleReported(OBSTACLE, Origin.UNKNOWN, UWV, received_by=GEM), 101))
    assert later.follow(TRANSFERRED) == []


def test_a_transfer_waits_for_its_moment() -> None:
    """A task that passes on at a moment still to come moves nothing before."""
    known = changes((TaskTransferred(GEM, "schulden", HEIR, ENDED), START))
    case = Recorded(*HELD)
    assert case.follow(known, ENDED - DAY) == []
    assert [type(fact) for fact in case.follow(known, ENDED)] == [f.ResponsibilityMoved]


@pytest.mark.parametrize(
    "told",
    [
        (HELD[0],),
        (*HELD, (f.ObstacleResolved(OBSTACLE, GEM, Outcome.REMOVED), 50)),
        (*HELD, (f.CustodyReleased(OBSTACLE, GEM), 50)),
        (OPENED and HELD[0], (f.ObstacleReported(OBSTACLE, Origin.UNKNOWN, GEM), 0)),
        (*HELD, (f.HandoffOffered(some_id("h"), OBSTACLE, GEM, SVB), 50), (f.HandoffAccepted(some_id("h")), 60)),
    ],
)
def test_what_it_did_not_hold_stays(told) -> None:
    """What was settled, let go or handed over before the end is no business of it."""
    assert Recorded(*told).follow(MERGED) == []


def test_a_fact_found_late_is_followed() -> None:
    """An obstacle told of after the merger moves when it is told; one that proves to be elsewhere moves back."""
    case = Recorded(*HELD)
    case.follow(MERGED)
    offered = case.tell(f.HandoffOffered(some_id("h"), OBSTACLE, GEM, SVB), 50, by=GEM)
    accepted = case.tell(f.HandoffAccepted(some_id("h")), 60, by=SVB)
    # The move did not happen after all: it was not the organisation's any more.
    (struck,) = case.follow(MERGED)
    assert isinstance(struck, f.EventStruck)
    assert case.chain() == [(GEM, 0, 60), (SVB, 60, None)]
    assert case.answer().conflicts == ()
    # The acceptance proves to be another's, and so the move happened nevertheless.
    case.tell(f.EventStruck(accepted.id, StrikeReason.WRONG_CASE), 61)
    assert case.follow(MERGED) == [MOVE]
    assert case.chain() == [(GEM, 0, 100), (None, 100, None)]
    assert offered


def test_what_comes_to_it_afterwards_goes_on_to_its_heir() -> None:
    """Whatever an organisation that has ended comes to hold later moves at once, and is nobody's until taken."""
    case = Recorded((OPENED, 0), (f.ObstacleReported(OBSTACLE, Origin.UNKNOWN, UWV, received_by=GEM), 150))
    assert case.follow(MERGED) == [MOVE]
    assert case.chain() == [(GEM, 150, 150), (None, 150, None)]


def test_the_heir_is_the_first_that_still_exists() -> None:
    """Who succeeds is told in line; a circle of successors, made by late facts, has no heir and ends all the same."""
    line = changes((OrganisationMerged(GEM, HEIR), ENDED), (OrganisationMerged(HEIR, LAST), ENDED - DAY))
    assert Recorded(*HELD).follow(line) == [f.ResponsibilityMoved(OBSTACLE, GEM, LAST, MoveBasis.SUCCESSION)]
    circle = changes((OrganisationMerged(GEM, HEIR), ENDED), (OrganisationMerged(HEIR, GEM), ENDED))
    assert [type(fact) for fact in Recorded(*HELD).follow(circle)] == [f.CustodyReleased]
    later = changes((OrganisationMerged(GEM, HEIR), ENDED), (OrganisationMerged(HEIR, LAST), ENDED + DAY))
    assert [fact.to for fact in Recorded(*HELD).follow(later) if isinstance(fact, f.ResponsibilityMoved)] == [
        HEIR,
        LAST,
    ]
    tasks = changes((TaskTransferred(GEM, "schulden", LAST), ENDED - DAY), (OrganisationDissolved(GEM), ENDED))
    afterwards = Recorded((OPENED, 0), (f.ObstacleReported(OBSTACLE, Origin.UNKNOWN, UWV, received_by=GEM), 150))
    assert [fact.to for fact in afterwards.follow(tasks) if isinstance(fact, f.ResponsibilityMoved)] == [LAST]


def test_tasks_that_pass_on_at_one_moment() -> None:
    """A task that passes to one and from there to another at the same moment goes to the other; a circle lets go."""
    line = changes((TaskTransferred(GEM, "schulden", HEIR), ENDED), (TaskTransferred(HEIR, "schulden", LAST), ENDED))
    assert Recorded(*HELD).follow(line) == [f.ResponsibilityMoved(OBSTACLE, GEM, LAST, MoveBasis.TASK_TRANSFER)]
    circle = changes((TaskTransferred(GEM, "schulden", HEIR), ENDED), (TaskTransferred(HEIR, "schulden", GEM), ENDED))
    assert [type(fact) for fact in Recorded(*HELD).follow(circle)] == [f.CustodyReleased]


def test_a_change_recorded_late_puts_right_what_was_written() -> None:
    """An earlier end that is found late replaces what a later one had led to."""
    case = Recorded(*HELD)
    case.follow(DISSOLVED)
    merged_before = changes((OrganisationMerged(GEM, HEIR), ENDED - 9 * DAY), (OrganisationDissolved(GEM), ENDED))
    assert {type(fact) for fact in case.follow(merged_before)} == {f.EventStruck, f.ResponsibilityMoved}
    assert case.chain() == [(GEM, 0, 91), (None, 91, None)]


def test_what_people_say_of_a_move_stands() -> None:
    """A move that somebody struck or corrected is not written again, nor struck."""
    case = Recorded(*HELD)
    case.follow(MERGED)
    move = case.events[-1]
    case.tell(f.EventStruck(move.id, StrikeReason.WRONG_PARTY), 130)
    assert case.follow(MERGED) == []
    corrected = Recorded(*HELD)
    corrected.follow(MERGED)
    corrected.tell(f.FactCorrected(corrected.events[-1].id, "to", SVB), 130)
    assert corrected.follow(MERGED) == []
    assert corrected.answer().obstacles[0].gaps[-1].to_act == (SVB,)


def test_who_knew_of_a_move() -> None:
    """The organisation knew of its own end; its heir knew of the obstacle when it could be told."""
    case = Recorded(*HELD)
    case.follow(MERGED)
    move = case.events[-1]
    report = case.events[1]
    assert [(knower.organisation, knower.since) for knower in move.known_to] == [
        (GEM, ENDED), (HEIR, max(ENDED, report.recorded_at)),
    ]  # fmt: skip
    assert SUBJECT
    seen = answer(case.events, report.recorded_at, known_to=HEIR)
    assert [type(told.event.data) for told in seen.timeline] == [
        f.CaseOpened,
        f.ObstacleReported,
        f.ResponsibilityMoved,
    ]
    assert answer(case.events, ENDED, known_to=HEIR).timeline == ()


def outline(case: Recorded) -> list[tuple[object, ...]]:
    """Who held what when, by no event's name."""
    return [(one.obstacle, one.kind, one.organisation, one.from_, one.until) for one in case.answer().segments]


def moves(case: Recorded) -> set[tuple[datetime, Fact]]:
    """The moves that the registry wrote and that stand."""
    mended = mend(case.events)
    return {
        (event.occurred_at, event.data)
        for event in mended.events
        if is_written_by_registry(event) and event.id not in mended.struck
    }


def tied(case: Recorded) -> bool:
    """Whether the registry wrote something at a moment of several events: there the order of recording decides."""
    events = mend(case.events).events
    times = Counter(event.occurred_at for event in events if not is_written_by_registry(event))
    return any(times[event.occurred_at] > 1 for event in events if is_written_by_registry(event))


def check(seed: int) -> tuple[int, bool]:
    """Check one machine-made case; return how many moves there were, and whether its order of recording was free."""
    rng = Random(seed)
    history = renumbered(make_history(rng))
    known = some_changes(rng, history)
    at_once, bit_by_bit = Recorded(), Recorded()
    for event in history:
        at_once.take(event)
        bit_by_bit.take(event)
        bit_by_bit.follow(known)
    at_once.follow(known)
    for case in (at_once, bit_by_bit):
        for segment in case.answer().segments:
            ending = known.endings.get(segment.organisation or "")
            if segment.kind is SegmentKind.HELD and ending is not None:
                # Nobody holds anything after its end, but for the instant at which it came there.
                assert segment.until is not None, seed
                assert segment.until <= max(ending.at, segment.from_), seed
        # The registry never contradicts the record.
        conflicts = {conflict.event for conflict in case.answer().conflicts}
        assert not [e for e in case.events if is_written_by_registry(e) and e.id in conflicts], seed
    if not tied(at_once) and not tied(bit_by_bit):
        assert moves(at_once) == moves(bit_by_bit), seed
        assert outline(at_once) == outline(bit_by_bit), seed
        return len(moves(at_once)), True
    return len(moves(at_once)), False


def test_machine_made_cases() -> None:
    """In any case, whenever the registry looks at it: it writes what is due, once, and the same in whatever order."""
    found = [check(seed) for seed in range(150)]
    assert sum(count > 0 for count, _ in found) > 40
    assert sum(free for _, free in found) > 40


@pytest.mark.long
def test_many_machine_made_cases() -> None:
    """The same, of many."""
    for seed in range(1000, 9000):
        check(seed)
