"""Given what happened, when a command comes, then it is recorded or refused: the domain's tests in three words.

Events happen an hour apart, each recorded when it happened; a command comes an hour after the last one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from knelpunt.domain.case.decide import decide
from knelpunt.domain.case.facts import GapMark
from knelpunt.domain.command import Command, RefusalCode, Refused
from knelpunt.domain.event import Actor, Event, Fact, Knower
from knelpunt.domain.ids import event_id_of
from knelpunt.domain.vocabulary import LearningKind, Role
from knelpunt.projections.derivation.answer import answer
from knelpunt.projections.derivation.fold import follows

SPACE = UUID("7d0f1c0e-0000-4000-8000-000000000000")
CASE, OTHER_CASE = uuid5(SPACE, "case"), uuid5(SPACE, "other case")
GEM, UWV, SVB, STRANGER = "urn:org:GEM", "urn:org:UWV", "urn:org:SVB", "urn:org:NOBODY-KNOWS"
START = datetime(2024, 3, 4, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def some_id(name: str) -> UUID:
    return uuid5(SPACE, name)


def event_id(number: int) -> UUID:
    """The id of the event with a number, from 0, of what was given."""
    return event_id_of(some_id(f"command {number}"))


@dataclass(frozen=True)
class Told:
    """A fact, and who told it when."""

    fact: Fact
    by: str = GEM
    at: datetime | None = None


@dataclass(frozen=True)
class Known:
    """What the registry knows beside the case; gaps are derived for real."""

    organisations: frozenset[str] = frozenset({GEM, UWV, SVB})
    histories: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    cases: frozenset[UUID] = frozenset({CASE, OTHER_CASE})
    obstacles: frozenset[UUID] = frozenset({some_id("obstacle of another case")})
    dialogues: Mapping[UUID, bool] = field(default_factory=dict)
    causes: frozenset[UUID] = frozenset()

    def organisation(self, organisation: str) -> bool:
        return organisation in self.organisations

    def organisation_history(self, organisation: str) -> Sequence[Event]:
        return self.histories.get(organisation, ())

    def case(self, case: UUID) -> bool:
        return case in self.cases

    def obstacle(self, obstacle: UUID) -> bool:
        return obstacle in self.obstacles

    def concluded(self, dialogue: UUID) -> bool | None:
        return self.dialogues.get(dialogue)

    def stream(self, stream: UUID, kind: LearningKind) -> bool:
        known: Collection[UUID] = {LearningKind.CAUSE: self.causes, LearningKind.DIALOGUE: self.dialogues}.get(kind, ())
        return stream in known

    def history(self, stream: UUID) -> Sequence[Event]:
        return ()

    def gap(self, history: Sequence[Event], mark: GapMark, moment: datetime) -> bool:
        return any(follows(mark, gap, moment) for gap in answer(history, moment).gaps)


@dataclass(frozen=True)
class Given:
    """What happened before."""

    history: list[Event]

    @property
    def next_hour(self) -> datetime:
        return max((event.occurred_at for event in self.history), default=START - HOUR) + HOUR

    def when(
        self,
        fact: Fact,
        *,
        by: str = GEM,
        at: datetime | None = None,
        now: datetime | None = None,
        expected_version: int | None = None,
        known_to: tuple[Knower, ...] = (),
        role: Role = Role.AGENCY,
    ) -> "When":
        """A command comes; ``now`` is when it does, if not at the moment that it tells of."""
        at = at or self.next_hour
        actor = Actor(by, role, "somebody")
        id_ = some_id(f"command {len(self.history)}")
        command = Command(id_, CASE, actor, fact, at, expected_version=expected_version, known_to=known_to)
        return When(self, command, decide(command, self.history, now or at, Known()))


@dataclass(frozen=True)
class When:
    """A command that was decided."""

    given: Given
    command: Command
    decided: Fact | Refused = field(repr=True)

    def then_recorded(self, recorded_at: datetime | None = None) -> Given:
        """It was accepted as it was; return what has happened by now."""
        assert self.decided == self.command.data
        told = Told(self.command.data, self.command.actor.organisation, self.command.occurred_at)
        return Given([*self.given.history, _event(len(self.given.history), told, told.at or START, recorded_at)])

    def then_refused(self, code: RefusalCode, *contradicted_by: UUID) -> Refused:
        """It was refused with a code, one sentence, and the events that contradict it."""
        assert isinstance(self.decided, Refused), f"accepted, instead of {code}"
        assert self.decided.code == code, self.decided
        assert self.decided.message.endswith(".")
        assert "\n" not in self.decided.message
        for event in contradicted_by:
            assert ("event", str(event)) in self.decided.facts
        return self.decided


def given(*facts: Fact | Told) -> Given:
    """These things happened, an hour apart unless said otherwise, and were recorded at once."""
    history: list[Event] = []
    at = START
    for number, one in enumerate(facts):
        told = one if isinstance(one, Told) else Told(one)
        at = told.at or (at + HOUR if number else START)
        history.append(_event(number, told, at))
    return Given(history)


def _event(number: int, told: Told, at: datetime, recorded_at: datetime | None = None) -> Event:
    return Event(
        id=event_id(number),
        stream=CASE,
        version=number + 1,
        position=number,
        occurred_at=at,
        recorded_at=recorded_at or at,
        actor=Actor(told.by, Role.AGENCY, "somebody"),
        command_id=some_id(f"command {number}"),
        data=told.fact,
    )
