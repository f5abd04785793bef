"""What the tests of learning streams share: a stream told as facts, and a command judged on it.

Facts happen a day apart from the start, each recorded at once by the organisation said; a command comes a day later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.given import DAY, GEM, START, SVB, UWV, some_id
from knelpunt.domain.command import Command, RefusalCode, Refused
from knelpunt.domain.event import Actor, Event, Fact
from knelpunt.domain.ids import event_id_of
from knelpunt.domain.learning.decide import decide_learning
from knelpunt.domain.learning.facts import LearningFact
from knelpunt.domain.learning.kinds import RULES
from knelpunt.domain.vocabulary import LearningKind, Role

MZK = "urn:org:MZK"
"""A ministry."""

CAUSE, DIALOGUE, EXPERIMENT, NETWORK = (some_id(name) for name in ("cause", "dialogue", "experiment", "network"))
KNOWN: Mapping[LearningKind, UUID] = {
    LearningKind.CAUSE: CAUSE,
    LearningKind.DIALOGUE: DIALOGUE,
    LearningKind.EXPERIMENT: EXPERIMENT,
    LearningKind.NETWORK: NETWORK,
}
"""The other streams that the registry knows."""


@dataclass(frozen=True)
class By:
    """A fact that another than the municipality tells, perhaps not on its day."""

    fact: LearningFact
    organisation: str = GEM
    day: float | None = None


@dataclass(frozen=True)
class Directory:
    """What the registry knows beside the stream."""

    histories: Mapping[UUID, Sequence[Event]] = field(default_factory=dict)
    shared: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    gaps: frozenset[UUID] = frozenset()

    def organisation(self, organisation: str) -> bool:
        return organisation in {GEM, UWV, SVB, MZK}

    def organisation_history(self, organisation: str) -> Sequence[Event]:
        return self.shared.get(organisation, ())

    def case(self, case: UUID) -> bool:
        return False

    def obstacle(self, obstacle: UUID) -> bool:
        return False

    def concluded(self, dialogue: UUID) -> bool | None:
        return None

    def stream(self, stream: UUID, kind: LearningKind) -> bool:
        return KNOWN.get(kind) == stream

    def history(self, stream: UUID) -> Sequence[Event]:
        return self.histories.get(stream, ())

    def gap(self, history: Sequence[Event], mark: Any, moment: datetime) -> bool:
        return mark.id in self.gaps


def event_id(number: int) -> UUID:
    """The id of the event with a number, from 0, of a stream."""
    return event_id_of(some_id(f"told {number}"))


def stream(*facts: LearningFact | By) -> list[Event]:
    """What happened in a stream, in order of recording."""
    return [_event(number, one if isinstance(one, By) else By(one)) for number, one in enumerate(facts)]


def _event(number: int, told: By) -> Event:
    at = START + DAY * (number if told.day is None else told.day)
    return Event(
        id=event_id(number),
        stream=some_id("this stream"),
        version=number + 1,
        position=number,
        occurred_at=at,
        recorded_at=max(at, START + DAY * number),
        actor=Actor(told.organisation, Role.AGENCY, "somebody"),
        command_id=some_id(f"told {number}"),
        data=told.fact,
    )


def decided(
    before: Sequence[LearningFact | By],
    then: LearningFact | By,
    directory: Directory | None = None,
    *,
    now: datetime | None = None,
    **more: Any,
) -> Fact | Refused:
    """What becomes of a command: told a day after what happened before, unless it says when it occurred."""
    history = stream(*before)
    one = then if isinstance(then, By) else By(then)
    at = max((event.occurred_at for event in history), default=START - DAY) + DAY
    command = Command(
        some_id("this"),
        some_id("this stream"),
        Actor(one.organisation, Role.AGENCY, "somebody"),
        one.fact,
        at if one.day is None else START + DAY * one.day,
        **more,
    )
    return decide_learning(command, history, now or at, directory or Directory())


def assert_recorded(answer: Fact | Refused, fact: LearningFact | By) -> None:
    """It was accepted as it was."""
    assert answer == (fact.fact if isinstance(fact, By) else fact)


def assert_refused(answer: Fact | Refused, code: RefusalCode) -> None:
    """It was refused with a code and one sentence."""
    assert isinstance(answer, Refused), f"accepted, instead of {code}"
    assert answer.code is code, answer
    assert answer.message.endswith(".")
    assert "\n" not in answer.message


def state(kind: LearningKind, *facts: LearningFact | By, day: float | None = None) -> Any:
    """What a stream is at the end of a day (none: in the end)."""
    return RULES[kind].state_at(stream(*facts), None if day is None else START + DAY * day)


def inert(kind: LearningKind, *facts: LearningFact | By) -> list[int]:
    """Which facts have no effect, by their numbers from 0."""
    numbers = {event.id: number for number, event in enumerate(stream(*facts))}
    return sorted(numbers[event.id] for event, _, objection in RULES[kind].told(stream(*facts)) if objection)
