"""What the read model keeps for answers over many cases: who promised what, who noticed what, who was asked and told.

Each is small, and made by one event of its case or learning stream. The answers themselves are counted when they are
asked for (``queries.repeated`` and its neighbours); docs/answers.md defines them.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from ...domain.case.facts import AccountGiven, GapAcknowledged, GapMark, Party
from ...domain.event import Event
from ...domain.ids import CaseId, EventId, GapId, ObstacleId
from ...domain.learning.facts import LearningGapAcknowledged
from ...domain.vocabulary import GapKind, LearningKind, Level, Stance


class CommitmentKind(StrEnum):
    """What an organisation took upon itself.

    PLAN: to end a gap that it acknowledged, by the plan it gave. MEASURE: a change that should remove a cause. STEP: a
    first step of a dialogue's action team. FOLLOW_UP: to see what became of an investigation's report. PROMISE: what a
    policy dossier says that it promised.
    """

    PLAN = "PLAN"
    MEASURE = "MEASURE"
    STEP = "STEP"
    FOLLOW_UP = "FOLLOW_UP"
    PROMISE = "PROMISE"


class CommitmentOutcome(StrEnum):
    """What has come of a commitment.

    RUNNING: nothing yet. DONE: what was promised. GIVEN_UP: it was given up, with a reason. LAPSED: its cause ended
    first, so nobody asks for it any more.
    """

    RUNNING = "RUNNING"
    DONE = "DONE"
    GIVEN_UP = "GIVEN_UP"
    LAPSED = "LAPSED"


class CommitmentFacet(Struct, frozen=True, gc=False):
    """A commitment, by the event in which it was made; ``due_at`` is never before that.

    ``stream_kind`` is of which kind of learning stream it is, none if it is of a case. What was promised about a gap
    over several cases of a subject has these as ``cases``.
    """

    event: EventId
    kind: CommitmentKind
    organisation: str
    made_at: datetime
    due_at: datetime
    ended_at: datetime | None = None
    outcome: CommitmentOutcome = CommitmentOutcome.RUNNING
    stream_kind: LearningKind | None = None
    cases: tuple[CaseId, ...] = ()

    @property
    def name(self) -> str:
        """What names it among all else of its stream."""
        return f"commitment/{self.event}"


class EscalationFacet(Struct, frozen=True, gc=False):
    """A cause was brought to an organisation; ``ended_at`` is when it was answered, or the cause ended."""

    event: EventId
    asked_by: str
    to: str
    level: Level
    made_at: datetime
    respond_by: datetime
    ended_at: datetime | None

    @property
    def name(self) -> str:
        """What names it among all else of its cause."""
        return f"escalation/{self.event}"


class NoticeFacet(Struct, frozen=True, gc=False):
    """An organisation said of a gap, at ``at``, that it is so: it acknowledged it, or gave an account that confirms it.

    The gap is meant as it stood then: its id and kind, what it lies on (an obstacle, a case, a subject or a learning
    stream, whose kind ``stream_kind`` tells), and since when. A gap that a late fact moved is found by the last three.
    """

    event: EventId
    organisation: str
    at: datetime
    gap: GapId
    kind: GapKind
    lies_on: UUID
    since: datetime
    stream_kind: LearningKind | None = None

    @property
    def name(self) -> str:
        """What names it among all else of its stream."""
        return f"notice/{self.event}"


class TellingFacet(Struct, frozen=True, gc=False):
    """How often there was contact about an obstacle, and in how many of these the story had to be told again."""

    obstacle: ObstacleId
    contacts: int
    retold: int

    @property
    def name(self) -> str:
        """What names it among all else of its case."""
        return f"telling/{self.obstacle}"


AnswerFacet = CommitmentFacet | EscalationFacet | NoticeFacet | TellingFacet


def notices(event: Event, stream_kind: LearningKind | None = None) -> Iterator[NoticeFacet]:
    """Yield what an event with effect says of a gap, if an organisation says by it that the gap is so.

    ``stream_kind`` is the kind of the learning stream that the event is of.
    """
    match event.data:
        case GapAcknowledged(organisation=by, gap=gap, subject=subject):
            yield _notice(event, by, gap, subject or gap.obstacle or event.stream)
        case LearningGapAcknowledged(organisation=by, gap=gap):
            yield _notice(event, by, gap, event.stream, stream_kind)
        case AccountGiven(stance=Stance.CONFIRMS, by=Party(organisation=str() as by), gap=GapMark() as gap) as fact:
            yield _notice(event, by, gap, fact.subject or gap.obstacle or event.stream)
        case _:
            pass


def _notice(event: Event, by: str, gap: GapMark, lies_on: UUID, stream_kind: LearningKind | None = None) -> NoticeFacet:
    return NoticeFacet(event.id, by, event.occurred_at, gap.id, gap.kind, lies_on, gap.since, stream_kind)
