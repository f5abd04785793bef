"""The stretches of a chain while they last: one held by somebody, one held by nobody, and the run of the latter.

These are the working pieces of ``chain``: it opens and closes them as custody passes, and asks them for the gaps that
lie on them.
"""

from copy import copy
from datetime import datetime
from typing import Final, Self

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


class Held:
    """A stretch held by one organisation, while it lasts."""

    __slots__ = ("actor", "begun_at", "carousel", "claimed", "clock", "entered_by", "organisation")

    def __init__(self, organisation: str, event: Event, *, claimed: bool) -> None:
        """Begin now; the standstill clock starts with the stretch."""
        self.organisation = organisation
        self.begun_at = event.occurred_at
        self.entered_by = event.id
        self.actor = event.actor.organisation
        self.claimed = claimed
        self.clock: Clock = (event.occurred_at, event.position, event.id)
        self.carousel: Gap | None = None

    def copy(self) -> Self:
        """Return the same stretch, to go on by itself from here."""
        return copy(self)

    def restart(self, clock: Clock) -> None:
        """Start the clock, unless it has started later."""
        self.clock = max(self.clock, clock)


class Unheld:
    """A stretch held by nobody, while it lasts, and whom it asks to act."""

    __slots__ = ("begun_at", "entered_by", "involved", "kind", "to_act")

    def __init__(self, event: Event, to_act: tuple[str, ...], involved: tuple[str, ...]) -> None:
        """Begin now."""
        self.kind = BEGINNINGS[type(event.data)]
        self.begun_at = event.occurred_at
        self.entered_by = event.id
        self.to_act = to_act
        self.involved = involved


class Run:
    """Consecutive stretches held by nobody, and who stands in them.

    Somebody who is sent to an organisation that stands in the run already is being sent round.
    """

    __slots__ = ("begun_at", "experienced_at", "last_holder", "referrals")

    def __init__(self, at: datetime, experienced_at: str | None, last_holder: str | None) -> None:
        """Begin at ``at``; ``experienced_at`` stands in it only if the run begins with the report."""
        self.begun_at = at
        self.experienced_at = experienced_at
        self.last_holder = last_holder
        self.referrals: list[tuple[Event, f.SubjectReferred]] = []

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
