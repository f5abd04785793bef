"""What a case is at a moment: the state that its events, taken in order, have led to.

An obstacle is ``Open`` or ``Settled``; nothing else. A state says who holds an obstacle on whose word, what was offered
to whom and what is waited for: enough to judge the next event, and no more. Pieces are frozen and replaced; the case
that holds them belongs to one fold, which advances it in place.
"""

from copy import copy
from datetime import datetime
from typing import Self

from msgspec import Struct

from ..ids import EventId, HandoffId, ObstacleId
from ..vocabulary import WaitingGround
from .facts import CaseOpened


class Custody(Struct, frozen=True, gc=False):
    """Who holds an obstacle, since when, by which event; ``claimed`` while only another's word says so.

    ``retaken`` are further events that gave it: custody let go and taken back at one instant goes on.
    """

    organisation: str
    claimed: bool
    since: datetime
    event: EventId
    retaken: tuple[EventId, ...] = ()

    def rests_on(self, event: EventId | None) -> bool:
        """Return whether the event gave this custody."""
        return event == self.event or event in self.retaken


class Offer(Struct, frozen=True, gc=False):
    """A handoff that was offered; its times are those of the event as corrected, with the defaults filled in."""

    handoff: HandoffId
    obstacle: ObstacleId
    from_: str
    to: str
    event: EventId
    position: int
    offered_at: datetime
    delivered_at: datetime
    respond_by: datetime


class Waiting(Struct, frozen=True, gc=False):
    """A holder waits; it runs from ``began_at`` up to, and not at, ``until``."""

    event: EventId
    position: int
    organisation: str
    ground: WaitingGround
    began_at: datetime
    until: datetime | None
    for_obstacle: ObstacleId | None

    def runs_at(self, moment: datetime) -> bool:
        """Return whether the waiting has not yet run out at ``moment``."""
        return self.until is None or moment < self.until


class Contest(Struct, frozen=True, gc=False):
    """A resolution is contested, and an answer is due."""

    event: EventId
    answer_due: datetime


class Open(Struct, frozen=True, gc=False):
    """An obstacle that blocks the subject.

    ``let_go`` is the custody that ended last and when, as long as nobody has held the obstacle since: whoever takes it
    back at the very same instant never let go. ``moved_to`` is whom the law moved it to, while nobody holds it.
    """

    since: datetime
    event: EventId
    custody: Custody | None = None
    let_go: tuple[Custody, datetime] | None = None
    moved_to: str | None = None
    offers: tuple[Offer, ...] = ()
    waiting: Waiting | None = None

    @property
    def holder(self) -> str | None:
        """The organisation that holds the obstacle, or none."""
        return self.custody.organisation if self.custody else None


class Settled(Struct, frozen=True, gc=False):
    """An obstacle that was resolved, withdrawn or split.

    ``resolved_by`` is none unless it was resolved. ``annulled`` is the ruling that annulled the resolution;
    ``unanswered`` are the contests that were neither upheld against whoever contested nor withdrawn.
    """

    at: datetime
    event: EventId
    resolved: bool
    resolved_by: str | None = None
    contest: Contest | None = None
    annulled: EventId | None = None
    unanswered: tuple[EventId, ...] = ()


Obstacle = Open | Settled


class CaseState(Struct, eq=False):
    """A case at a moment. One fold owns it and advances it in place; see ``rules.advance``."""

    opened: CaseOpened | None = None
    opened_by: EventId | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: EventId | None = None
    """The event that closed the case; none while it is open."""
    obstacles: dict[ObstacleId, Obstacle] = {}
    handoffs: dict[HandoffId, Offer] = {}
    """Every offer that had effect, pending or not."""
    ended: dict[HandoffId, EventId] = {}
    """The event that ended an offer: its answer, withdrawal, or what made it lapse."""
    events: list[EventId] = []
    """Every event that has its place before this moment, with or without effect. A list, because every event goes
    in and hardly one is ever looked for."""

    def copy(self) -> Self:
        """Return a state that goes on by itself from here."""
        other = copy(self)
        other.obstacles = self.obstacles.copy()
        other.handoffs = self.handoffs.copy()
        other.ended = self.ended.copy()
        other.events = self.events.copy()
        return other
