"""What is derived: segments, gaps, conflicts and the figures of a chain.

All are values. Moments are aware datetimes in UTC, durations are timedeltas, intervals are half-open, and an ``until``
of none means that it has not ended at the moment asked for.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from ...domain.case.facts import GapMark
from ...domain.command import RefusalCode
from ...domain.ids import CaseId, EventId, GapId, ObstacleId, gap_id_of
from ...domain.settings import GRACES, Course
from ...domain.vocabulary import GapKind, Harm, LearningKind

NO_TIME: Final = timedelta(0)


ON_SEVERAL: Final = frozenset({GapKind.DEADLOCK, GapKind.UNCOORDINATED})
"""The kinds that lie on no single obstacle."""


class SegmentKind(StrEnum):
    """Whether anybody held the obstacle."""

    HELD = "HELD"
    UNHELD = "UNHELD"


class Segment(Struct, frozen=True, gc=False):
    """A stretch of a chain with one holder, or none. ``claimed`` is its state at its end, or when asked for."""

    obstacle: ObstacleId
    kind: SegmentKind
    organisation: str | None
    claimed: bool
    from_: datetime
    until: datetime | None
    entered_by: EventId
    left_by: EventId | None


GapKey = tuple[GapKind, int, int]
"""A gap's kind, and the numbers of the event that began it and of what it lies on: its name, but quicker to make."""


class Gap(Struct, frozen=True, gc=False):
    """A gap in one of its states.

    ``lies_on`` is the obstacle; of a deadlock within a case the case; of what lies over the cases of one subject the
    subject, and ``cases`` are then those that it lies in, in the order in which they came into it; of a learning
    stream's own the stream, whose kind ``stream_kind`` tells. ``pieces`` is how
    long its ended pieces lasted together; ``running_from`` is where the piece that still runs began, none once it has
    ended. ``to_act`` and ``involved`` are sorted, but for a carousel's holders, which stand in the order of their
    segments; ``length`` is a carousel's number of holders. ``evidence`` lists the events that prove it, in their order.
    """

    kind: GapKind
    lies_on: UUID
    begun_by: EventId
    from_: datetime
    until: datetime | None
    open: bool
    to_act: tuple[str, ...]
    involved: tuple[str, ...]
    evidence: tuple[EventId, ...]
    pieces: timedelta = NO_TIME
    running_from: datetime | None = None
    length: int | None = None
    cases: tuple[CaseId, ...] = ()
    stream_kind: LearningKind | None = None
    """The kind of learning stream that it lies on; none: it is about cases."""
    grace: timedelta | None = None
    """How long it must last before it counts, where that is not what a registry begins with."""
    on_case: bool = False
    """Whether it lies on a case as a whole, though its kind mostly lies on an obstacle: a plan for a deadlock."""

    @property
    def id(self) -> GapId:
        """Its name, which hangs on its obstacle, its kind and the event that began it.

        Computed when asked for; a fold makes many gaps that nobody asks for the name of.
        """
        return gap_id_of(self.lies_on, self.kind, self.begun_by)

    @property
    def key(self) -> "GapKey":
        """What tells it from the others of its case, cheaper than its name."""
        return self.kind, self.begun_by.int, self.lies_on.int

    @property
    def obstacle(self) -> ObstacleId | None:
        """The obstacle that it lies on; none for what lies on several or over several cases, or is about no case."""
        several = self.cases or self.on_case or self.kind in ON_SEVERAL or self.stream_kind is not None
        return None if several else self.lies_on

    def runs_on_as(self, other: "Gap") -> bool:
        """Return whether two gaps with one key and no end are the same: quicker than comparing all that they hold."""
        return (
            self.from_ == other.from_
            and self.to_act == other.to_act
            and self.involved == other.involved
            and self.evidence == other.evidence
            and self.running_from == other.running_from
            and self.grace == other.grace
        )

    def cracks(self) -> bool:
        """Return whether an obstacle on which it lies, if it counts, fell between the cracks.

        A commitment that is overdue is about a gap that does so itself; it is no further one. What nobody coordinates
        has its holders, each of whom may be doing its work.
        """
        return self.kind not in {GapKind.COMMITMENT_OVERDUE, GapKind.UNCOORDINATED}

    def lasted(self, as_of: datetime) -> timedelta:
        """Return how long its pieces lasted together, up to its end or to ``as_of``."""
        return self.pieces if self.running_from is None else self.pieces + (as_of - self.running_from)

    def counts(self, as_of: datetime) -> bool:
        """Return whether it has lasted longer than its kind's grace at ``as_of``."""
        return self.lasted(as_of) > self._grace

    @property
    def counts_after(self) -> datetime | None:
        """The moment after which it counts if it still runs; none for an ended gap."""
        if self.running_from is None:
            return None
        return self.running_from - self.pieces + self._grace

    @property
    def _grace(self) -> timedelta:
        return GRACES.get(self.kind, NO_TIME) if self.grace is None else self.grace


GapTurn = tuple[datetime, datetime | None, Gap]
"""A gap in one of its states, and the moments ``[from, until)`` for which it is that state's turn."""


def graced(gap: Gap, settings: Course) -> Gap:
    """Return a gap with the grace that was in force when it began."""
    if not settings.has_changed:
        return gap
    grace = settings.at(gap.from_).grace(gap.kind)
    return gap if grace == GRACES.get(gap.kind, NO_TIME) else replace(gap, grace=grace)


class Lying(Protocol):
    """A gap, as far as it matters to what was said of it."""

    @property
    def id(self) -> GapId:
        """Its name."""
        ...

    @property
    def kind(self) -> GapKind:
        """Its kind."""
        ...

    @property
    def obstacle(self) -> ObstacleId | None:
        """The obstacle that it lies on, if it is one."""
        ...

    @property
    def from_(self) -> datetime:
        """Where it begins."""
        ...

    @property
    def until(self) -> datetime | None:
        """Where it ended."""
        ...


def follows(mark: GapMark, gap: Lying, moment: datetime) -> bool:
    """Return whether what was said of a gap at ``moment`` is about ``gap``.

    Both lie in one case, or over the cases of one subject. It is about it if the gap is the same one, or of the same
    obstacle and kind and overlaps the time that was spoken of.
    """
    if gap.id == mark.id:
        return True
    if gap.kind is not mark.kind or gap.obstacle != mark.obstacle:
        return False
    return gap.from_ <= moment and (gap.until is None or gap.until > mark.since or gap.from_ >= mark.since)


class Conflict(Struct, frozen=True, gc=False):
    """An event without effect, why, and the events that contradict it."""

    event: EventId
    code: RefusalCode
    message: str
    contradicted_by: tuple[EventId, ...]


class StatedHarm(Struct, frozen=True, gc=False):
    """What an obstacle was said to cost, and for how long."""

    harm: Harm
    since: datetime
    until: datetime | None
    event: EventId


class Figures(Struct, frozen=True, gc=False):
    """A chain in numbers, at the moment asked for. ``in_a_gap`` is the union of the gaps that count, not their sum."""

    organisations: tuple[str, ...]
    handoffs_offered: int
    handoffs_accepted: int
    handoffs_refused: int
    referrals: int
    contacts: int
    story_retold: int
    open_for: timedelta
    in_a_gap: timedelta
    longest_gap: timedelta
    fell_between_the_cracks: bool
    harms: tuple[StatedHarm, ...]
