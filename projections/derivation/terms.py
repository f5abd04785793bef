"""When a decision falls overdue, with the suspensions of its term counted.

Article 4:15 of the Awb stops the term to decide while it is suspended, so every suspension that runs before the term's
end moves that end by as long as it ran, and may so bring a further suspension before the end.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from ...domain.ids import EventId


class Suspension(Struct, frozen=True, gc=False):
    """A waiting on ground of suspension; ``until`` is none while no end is known."""

    event: EventId
    began_at: datetime
    until: datetime | None


class Term(Struct, frozen=True, gc=False):
    """A term that was set, and the suspensions since, in order."""

    event: EventId
    set_at: datetime
    due: datetime
    suspensions: tuple[Suspension, ...] = ()

    def overdue_from(self) -> datetime | None:
        """Return the moment from which the decision is overdue, or none while a suspension keeps it off."""
        due = self.due
        for suspension in self.suspensions:
            began_at = max(suspension.began_at, self.set_at)
            if began_at >= due:
                break
            if suspension.until is None:
                return None
            if suspension.until > began_at:
                due += suspension.until - began_at
        return due


def ended(suspensions: Sequence[Suspension], waiting: EventId, at: datetime) -> tuple[Suspension, ...]:
    """Return the suspensions with the one of ``waiting`` ended at ``at``, unless it ended before."""
    return tuple(
        Suspension(one.event, one.began_at, min(at, one.until or at)) if one.event == waiting else one
        for one in suspensions
    )
