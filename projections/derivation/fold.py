"""Folding a case's events into its chains, one event at a time.

The domain's rules judge each event; what has effect is shown to the chain of every obstacle that it touches. The fold
answers, at the moment of its last event, what is so now and what will be so by time alone; it is the only derivation,
used for a single question and for the read model alike.
"""

from collections.abc import Callable, Iterator
from copy import copy
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from ...domain.case import facts as f
from ...domain.case.rules import Judge
from ...domain.case.state import CaseState, Open
from ...domain.command import COMMANDS
from ...domain.event import Event
from ...domain.ids import EventId, ObstacleId
from ...domain.settings import UNCHANGED, Course
from .chain import Chain
from .circles import Circles
from .commitments import Commitment, commitment
from .live import live
from .promises import CommitmentTurn, overdue_on_case, taken_on_case
from .shapes import Conflict, Gap, GapTurn, follows, graced


class CaseFold(Judge):
    """A case at the moment of the last event that it was shown.

    It judges by the domain's rules itself, knowing which gaps exist. A judge of its own would hold the fold that holds
    it, and a rebuild, which lets nobody look for such cycles, would keep every case that it has folded.
    """

    __slots__ = (
        "case",
        "chains",
        "circles",
        "circles_changed",
        "commitments",
        "conflicts",
        "state",
    )

    def __init__(self, case: UUID, settings: Course = UNCHANGED) -> None:
        """Start with a case of which nothing has been shown."""
        super().__init__(settings=settings)
        self.case = case
        self.state = CaseState()
        self.chains: dict[ObstacleId, Chain] = {}
        self.circles = Circles(case, settings)
        self.circles_changed = False
        """Whether what lies on the case as a whole may have changed since whoever follows the fold last looked."""
        self.commitments: list[Commitment] = []
        """What was taken on about gaps that lie on the case as a whole."""
        self.conflicts: dict[EventId, Conflict] = {}

    def copy(self) -> Self:
        """Return a fold that goes on by itself from here."""
        other = copy(self)
        other.state = self.state.copy()
        other.chains = {obstacle: chain.copy() for obstacle, chain in self.chains.items()}
        other.circles = self.circles.copy()
        other.commitments = self.commitments.copy()
        other.conflicts = self.conflicts.copy()
        return other

    def show(self, event: Event, *, struck: bool = False) -> list[Chain]:
        """Advance by one event (in the order in which they occurred); return the chains that it touched.

        A struck event has its place and no effect: it can still be spoken of.
        """
        if struck:
            self.state.events.append(event.id)
            return []
        find = _TOUCHES.get(type(event.data))
        touched = find(self.state, event.data) if find is not None else ()
        objection = self.advance(self.state, event)
        if objection is not None:
            self.conflicts[event.id] = Conflict(event.id, objection.code, objection.message, objection.contradicted_by)
            return []
        chains: list[Chain] = []
        for obstacle in touched:
            chain = self.chains.get(obstacle)
            if chain is None:
                chain = self.chains[obstacle] = Chain(obstacle, self.settings)
            was, now = chain.state, self.state.obstacles[obstacle]
            chain.observe(event, was, now)
            chains.append(chain)
            waited = was.waiting if type(was) is Open else None
            waits = now.waiting if type(now) is Open else None
            if waited is not waits:
                if waited is not None:
                    self.circles_changed |= self.circles.end(waited, event.occurred_at)
                if waits is not None:
                    self.circles_changed |= self.circles.begin(self.case, obstacle, waits)
        if type(event.data) is f.GapAcknowledged and event.data.subject is None and event.data.gap.obstacle is None:
            self._commit(event, event.data)
        return chains

    def _commit(self, event: Event, fact: f.GapAcknowledged) -> None:
        """Take in that an organisation took something on about a gap that lies on the case as a whole."""
        at = event.occurred_at
        running = [(from_, gap) for from_, until, gap in self.on_case() if gap.open and (until is None or at < until)]
        taken_on = commitment(running, event, fact)
        if taken_on is not None:
            self.commitments.append(taken_on)
            self.circles_changed = True

    def on_case(self) -> Iterator[GapTurn]:
        """Yield the gaps that lie on the case as a whole, in each of their states; deadlocks, and plans about them."""
        turns = list(self.circles.gaps())
        yield from turns
        for from_, until, gap in overdue_on_case(self.case, self.commitments, turns):
            yield from_, until, graced(gap, self.settings)

    def taken_on_case(self) -> Iterator[CommitmentTurn]:
        """Yield what was taken on about gaps that lie on the case as a whole, in each of its states."""
        if self.commitments:
            yield from taken_on_case(self.case, self.commitments, self.circles.gaps())

    def gaps(self, as_of: datetime) -> Iterator[Gap]:
        """Yield the gaps that exist at ``as_of``, which must not lie before the last event shown."""
        for chain in self.chains.values():
            yield from chain.closed.values()
            for from_, gap in live(chain):
                if from_ <= as_of:
                    yield gap
        for from_, until, gap in self.on_case():
            if from_ <= as_of and (until is None or as_of < until):
                yield gap

    def gap_exists(self, mark: f.GapMark, moment: datetime) -> bool:
        """Return whether the gap that a mark names exists at ``moment``, even if its beginning has moved since."""
        return any(follows(mark, gap, moment) for gap in self.gaps(moment) if gap.kind is mark.kind)


def _obstacle(_: CaseState, fact: f.ObstacleFact | f.HandoffOffered) -> tuple[ObstacleId, ...]:
    return (fact.obstacle,)


def _offered(state: CaseState, fact: f.HandoffFact) -> tuple[ObstacleId, ...]:
    offer = state.handoffs.get(fact.handoff)
    return (offer.obstacle,) if offer else ()


def _several(_: CaseState, fact: f.ContactMade) -> tuple[ObstacleId, ...]:
    return tuple(dict.fromkeys(fact.obstacles))


def _all_open(state: CaseState, _: f.CaseClosed) -> tuple[ObstacleId, ...]:
    return tuple(obstacle for obstacle, found in state.obstacles.items() if isinstance(found, Open))


def _acknowledged(state: CaseState, fact: f.GapAcknowledged) -> tuple[ObstacleId, ...]:
    obstacle = fact.gap.obstacle
    return (obstacle,) if obstacle is not None and obstacle in state.obstacles else ()


def _accounted(state: CaseState, fact: f.AccountGiven) -> tuple[ObstacleId, ...]:
    # An account may confirm whoever's custody rests on the event that it is about.
    return tuple(
        obstacle
        for obstacle, found in state.obstacles.items()
        if isinstance(found, Open) and found.custody is not None and found.custody.rests_on(fact.event)
    )


_TOUCHES: Final[dict[type, Callable[[CaseState, Any], tuple[ObstacleId, ...]]]] = {
    fact: _obstacle for fact in COMMANDS.values() if issubclass(fact, f.ObstacleFact)
} | {
    f.HandoffOffered: _obstacle,
    f.HandoffAccepted: _offered,
    f.HandoffRefused: _offered,
    f.HandoffWithdrawn: _offered,
    f.ContactMade: _several,
    f.CaseClosed: _all_open,
    f.GapAcknowledged: _acknowledged,
    f.AccountGiven: _accounted,
}
"""How to find the obstacles that a fact of each kind is about; kinds not named are about none."""
