"""The stretches of a chain while they last: one held by somebody, one held by nobody, and the run of the latter.

These are the working pieces of ``chain``: it opens and closes them as custody passes, and asks them for the gaps that
lie on them.
"""

from copy import copy
from datetime import datetime
from typing import Final, Self

from msgspec import Struct

from ...domain.case import facts as f
from ...domain.event import Event
from ...domain.ids import EventId
from ...domain.vocabulary import GapKind
from .shapes import Gap

BEGINNINGS: Final[dict[type, GapKind]] = {
    f.ObstacleReported: GapKind.NEVER_TAKEN,
    f.SubjectReferred: GapKind.LOST_REFERRAL,
    f.CustodyReleased: GapKind.RELEASED,
    f.ObstacleReopened: GapKind.RELEASED,
    f.ResponsibilityMoved: GapKind.MOVED,
    f.CaseClosed: GapKind.CLOSED_UNRESOLVED,
}
"""The kind of gap that a stretch with nobody is, by what began it."""

Clock = tuple[datetime, int, EventId]
"""When a standstill clock started, and the position and id of the event that started it: of several at one moment, the
one recorded last."""


class Held(Struct, eq=False):
    """A stretch held by one organisation, while it lasts; the standstill clock starts with the stretch."""

    organisation: str
    begun_at: datetime
    entered_by: EventId
    actor: str
    claimed: bool
    clock: Clock
    carousel: Gap | None = None

    @classmethod
    def begun(cls, organisation: str, event: Event, *, claimed: bool) -> Self:
        """Return a stretch that begins now."""
        at, by = event.occurred_at, event.id
        return cls(organisation, at, by, event.actor.organisation, claimed, (at, event.position, by))

    def copy(self) -> Self:
        """Return the same stretch, to go on by itself from here."""
        return copy(self)

    def restart(self, clock: Clock) -> None:
        """Start the clock, unless it has started later."""
        self.clock = max(self.clock, clock)


class Unheld(Struct, frozen=True, eq=False):
    """A stretch held by nobody, while it lasts, and whom it asks to act."""

    kind: GapKind
    begun_at: datetime
    entered_by: EventId
    to_act: tuple[str, ...]
    involved: tuple[str, ...]

    @classmethod
    def begun(cls, event: Event, to_act: tuple[str, ...], involved: tuple[str, ...]) -> Self:
        """Return a stretch that begins now."""
        return cls(BEGINNINGS[type(event.data)], event.occurred_at, event.id, to_act, involved)


class Run(Struct, eq=False):
    """Consecutive stretches held by nobody, and who stands in them.

    Somebody who is sent to an organisation that stands in the run already is being sent round. ``experienced_at``
    stands in it only if the run begins with the report.
    """

    begun_at: datetime
    experienced_at: str | None
    last_holder: str | None
    referrals: list[tuple[Event, f.SubjectReferred]] = []

    def copy(self) -> Self:
        """Return the same run, to go on by itself from here."""
        other = copy(self)
        other.referrals = self.referrals.copy()
        return other

    def round(self) -> tuple[Event, tuple[str, ...], tuple[EventId, ...]] | None:
        """Return the referral that closed a circle first, all that stand in the run, and the run's referrals."""
        standing = {name for name in (self.experienced_at, self.last_holder) if name}
        first: Event | None = None
        for event, referral in self.referrals:
            if first is None and referral.to in standing:
                first = event
            standing |= {referral.from_, referral.to}
        if first is None:
            return None
        return first, tuple(sorted(standing)), tuple(event.id for event, _ in self.referrals)
