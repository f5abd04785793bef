"""What the oracle answers: segments, gaps, conflicts, figures and what was said of them, as plain frozen data."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from knelpunt.domain.ids import gap_id_of
from knelpunt.domain.vocabulary import GapKind


@dataclass(frozen=True)
class OSegment:
    """A stretch ``[from_, until)`` of an obstacle's chain; ``kind`` is ``HELD`` or ``UNHELD``."""

    obstacle: UUID
    kind: str
    organisation: str | None
    claimed: bool
    from_: datetime
    until: datetime | None
    entered_by: UUID
    left_by: UUID | None


@dataclass(frozen=True)
class OGap:
    """A gap as it stands at the question; ``lasted`` is the sum of its pieces up to ``until`` or the question."""

    obstacle: UUID | None
    kind: GapKind
    from_: datetime
    until: datetime | None
    open: bool
    counts: bool
    lasted: timedelta
    to_act: tuple[str, ...]
    involved: tuple[str, ...]
    length: int | None
    begun_by: UUID

    def id_in(self, case: UUID) -> UUID:
        """Return the gap's id; ``case`` is the stream, on which a deadlock hangs."""
        return gap_id_of(self.obstacle or case, self.kind.value, self.begun_by)


@dataclass(frozen=True)
class OFigures:
    """The figures of one obstacle's chain."""

    organisations: int
    offered: int
    accepted: int
    refused: int
    referrals: int
    contacts: int
    story_retold: int
    days_open: timedelta
    days_in_gap: timedelta
    longest_gap: timedelta
    fell: bool


@dataclass(frozen=True)
class OAnswer:
    """Everything asked of one case: segments by (obstacle, from, order), gaps by (obstacle, from, kind)."""

    segments: list[OSegment]
    gaps: list[OGap]
    conflicts: set[UUID]
    figures: dict[UUID, OFigures]
    said: set[tuple[UUID, UUID]]
    """Accounts and acknowledgements, each with the event or the gaps that it is about as things stand."""
