"""Folding the events of all cases of one subject, and of the organisations in them, into what lies over several cases.

The domain's rules judge each event in its own case, as everywhere; here only who holds what, who waits for what and who
coordinates is looked at. Which cases are the subject's, their openings say, as mended: a fold may be shown cases that
turn out not to be. Where several persons have all their cases in common, they are told of as one, by the first named;
so a fold is shown the cases of those, too, who share one with the subject.
"""

from collections.abc import Iterator
from datetime import datetime

from ...domain.case import facts as f
from ...domain.case.rules import Judge
from ...domain.case.state import CaseState, Obstacle, Open
from ...domain.event import Event
from ...domain.ids import CaseId, EventId, ObstacleId, SubjectId
from ...domain.organisation.facts import OrganisationFact
from ...domain.settings import UNCHANGED, Course
from .circles import CirclesAcross
from .promises import CommitmentTurn, Promise, overdue, promise_of, taken_on
from .shapes import Gap, GapTurn, StatedHarm, graced
from .uncoordinated import Change, Coordination, Holding, Uncoordinated


class CaseSeen:
    """A case of the subject, as far as it matters here."""

    __slots__ = ("harms", "state")

    def __init__(self) -> None:
        """Start with a case of which nothing is known."""
        self.state = CaseState()
        self.harms: list[StatedHarm] = []

    @property
    def theme(self) -> str:
        """The theme of the case."""
        return self.state.opened.theme if self.state.opened is not None else ""


class SubjectFold:
    """What lies over the cases of one subject, at the moment of the last event that it was shown."""

    __slots__ = (
        "_changes",
        "_circles",
        "_judge",
        "_members",
        "_places",
        "_promises",
        "_settings",
        "_uncoordinated",
        "cases",
        "subject",
    )

    def __init__(self, subject: SubjectId, settings: Course = UNCHANGED) -> None:
        """Start with a subject of whom nothing has been shown."""
        self.subject = subject
        self.cases: dict[CaseId, CaseSeen] = {}
        self._judge = Judge(settings=settings)  # what is said of gaps within a case changes nothing here
        self._members: dict[CaseId, None] = {}
        """The subject's cases, in the order in which they were opened."""
        self._places: dict[EventId, int] = {}
        self._changes: list[Change] = []
        self._promises: list[Promise] = []
        self._circles = CirclesAcross(subject, self._members.keys())
        self._uncoordinated = Uncoordinated(subject)
        self._settings = settings

    def show(self, event: Event, *, struck: bool = False) -> bool:
        """Advance by one event (in the order in which they occurred); return whether anything may have changed."""
        place = self._places[event.id] = len(self._places)
        if isinstance(event.data, OrganisationFact):
            self._observe(Change(event, place, None))
            return True
        case = self.cases.get(event.stream)
        if case is None:
            case = self.cases[event.stream] = CaseSeen()
        state = case.state
        if struck:
            state.events.append(event.id)
            return False
        before, opened = dict(state.obstacles), state.opened
        if self._judge.advance(state, event) is not None:
            return False
        changed = self._waitings(event, before, state)
        change = self._change(event, place, before, state)
        if change is not None:
            self._observe(change)
            changed = True
        fact = event.data
        if isinstance(fact, f.HarmStated):
            case.harms.append(StatedHarm(fact.harm, fact.since, fact.until, event.id))
            changed = True
        elif isinstance(fact, f.GapAcknowledged) and fact.subject == self.subject:
            promise = promise_of(event, fact)
            if promise is not None:
                self._promises.append(promise)
                changed = True
        if state.opened is not opened:
            self._open(event.stream, state)
            changed = True
        return changed

    def _change(self, event: Event, place: int, before: dict[ObstacleId, Obstacle], state: CaseState) -> Change | None:
        """Return what an event changed about who holds what and who coordinates, or none if nothing."""
        holdings: dict[ObstacleId, Holding | None] = {}
        for obstacle, now in state.obstacles.items():
            was = before.get(obstacle)
            if was is not now:
                held_before, holding = self._holding(was), self._holding(now)
                if held_before != holding:
                    holdings[obstacle] = holding
        coordination: Coordination | None = None
        if isinstance(event.data, f.CoordinatorNamed):
            coordination = Coordination(event.id, place, event.stream, event.data.until)
        if not holdings and coordination is None:
            return None
        return Change(event, place, event.stream, holdings, coordination)

    def _holding(self, obstacle: Obstacle | None) -> Holding | None:
        """Return who holds an obstacle, since which event."""
        if not isinstance(obstacle, Open) or obstacle.custody is None:
            return None
        custody = obstacle.custody
        return Holding(custody.organisation, custody.event, self._places[custody.event])

    def _waitings(self, event: Event, before: dict[ObstacleId, Obstacle], state: CaseState) -> bool:
        """Take in which waitings ended and began; return whether deadlocks may have changed."""
        changed = False
        for obstacle, now in state.obstacles.items():
            was = before.get(obstacle)
            if was is now:
                continue
            waited = was.waiting if isinstance(was, Open) else None
            waits = now.waiting if isinstance(now, Open) else None
            if waited is not waits:
                if waited is not None:
                    changed |= self._circles.end(waited, event.occurred_at)
                if waits is not None:
                    changed |= self._circles.begin(event.stream, obstacle, waits)
        return changed

    def _observe(self, change: Change) -> None:
        """Take in a change, if it is about a case of the subject."""
        self._changes.append(change)
        if change.case is None or change.case in self._members:
            self._uncoordinated.observe(change)

    def _open(self, case: CaseId, state: CaseState) -> None:
        """Take in that a case was opened. What had happened in it before is the subject's from now on, from then on."""
        assert state.opened is not None
        if self.subject not in state.opened.subjects:
            return
        self._members[case] = None
        self._circles.derive()
        if any(change.case == case for change in self._changes):
            self._uncoordinated = Uncoordinated(self.subject)
            for change in self._changes:
                if change.case is None or change.case in self._members:
                    self._uncoordinated.observe(change)

    def turns(self) -> Iterator[GapTurn]:
        """Yield every gap in each of its states, with the moments ``[from, until)`` for which it is that state's turn.

        They are right from the moment of the last event shown on.
        """
        turns = self._turns()
        if self._promises:
            turns += overdue(self._promises, [gap for _, _, gap in turns])
        for from_, until, gap in turns:
            yield from_, until, graced(gap, self._settings)

    def commitments(self) -> Iterator[CommitmentTurn]:
        """Yield what was promised about these gaps, in the same way."""
        if self._promises:
            yield from taken_on(self._promises, [gap for _, _, gap in self._turns()])

    def _turns(self) -> list[GapTurn]:
        """Return the gaps themselves, without those of promises that were not kept about them."""
        if self._members and self._told_of():
            return [*self._uncoordinated.gaps(), *self._circles.gaps()]
        return []

    def _told_of(self) -> bool:
        """Return whether what is found is told of this subject: nobody named earlier has exactly the same cases."""
        opened = {case: seen.state.opened.subjects for case, seen in self.cases.items() if seen.state.opened}
        own = self._members.keys()
        named = opened[next(iter(own))]
        earlier = named[: named.index(self.subject)]
        return not any({case for case, subjects in opened.items() if one in subjects} == own for one in earlier)

    def gaps(self, as_of: datetime) -> Iterator[Gap]:
        """Yield the gaps that exist at ``as_of``, which must not lie before the last event shown."""
        for from_, until, gap in self.turns():
            if from_ <= as_of and (until is None or as_of < until):
                yield gap
