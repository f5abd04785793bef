"""A case's history as deciding needs it: its events in order of position, and what is looked for among them at hand.

A history grows by one event at a time, and what was learned from the events before is carried on wherever that comes
to the same as beginning anew. An event that occurred before others, or that mends one, makes the next fold begin anew.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import overload

from ..event import Event, Fact
from ..ids import HandoffId, ObstacleId, SubjectId
from ..settings import Course
from . import facts as f
from .corrections import mend
from .rules import Judge
from .state import CaseState


class History(Sequence[Event]):
    """All events of a stream, versions 1, 2, 3 and so on. Of an organisation's stream it knows nothing but them."""

    __slots__ = (
        "_events",
        "_folded",
        "_gap_at",
        "_mends",
        "_opened_for",
        "_reached",
        "_related",
        "_settings",
        "_state",
        "offered",
        "reported",
    )

    def __init__(self, events: Iterable[Event] = ()) -> None:
        """Begin with these events, in order of position."""
        self.reported: set[ObstacleId] = set()
        self.offered: set[HandoffId] = set()
        self._events: list[Event] = []
        self._opened_for: list[SubjectId] = []
        self._related: list[SubjectId] = []
        self._mends = False
        self._gap_at: datetime | None = None  # the last moment at which an event speaks of a gap
        # The case after the first ``_folded`` events, under ``_settings``; the last event occurred at ``_reached``.
        self._state: CaseState | None = None
        self._settings: Course | None = None
        self._folded = 0
        self._reached: datetime | None = None
        for event in events:
            self.append(event)

    def __len__(self) -> int:
        """Return the version of the stream."""
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        """Iterate in order of position."""
        return iter(self._events)

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...

    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        """Return an event, or several, by place from 0."""
        return self._events[index]

    def append(self, event: Event) -> None:
        """Add the event that comes next in order of position."""
        self._events.append(event)
        at = event.occurred_at
        # A fold is carried on by what comes after it in time. What a striking or correction does to an event elsewhere,
        # and whether a gap spoken of at this very moment exists, only a fold from the beginning tells.
        late = self._reached is not None and at < self._reached
        if late or self._mends or (self._gap_at is not None and at <= self._gap_at):
            self._state = None
        else:
            self._reached = at
        self._learn(event.data, at)

    def _learn(self, fact: Fact, at: datetime) -> None:
        if isinstance(fact, f.ObstacleReported):
            self.reported.add(fact.obstacle)
        elif isinstance(fact, f.HandoffOffered):
            self.offered.add(fact.handoff)
        elif isinstance(fact, f.CaseOpened):
            self._opened_for += fact.subjects
        elif isinstance(fact, f.SubjectRelated):
            self._related += (fact.subject, fact.to)
        elif isinstance(fact, f.FactCorrected | f.EventStruck):
            self._mends, self._state = True, None
        elif isinstance(fact, f.GapAcknowledged | f.AccountGiven) and fact.gap is not None and fact.subject is None:
            self._gap_at = at if self._gap_at is None else max(self._gap_at, at)

    def as_recorded(self, event: Event) -> None:
        """Put an event as it was recorded in the place of the same one as it was proposed."""
        place = event.version - 1
        assert self._events[place].id == event.id, "an event takes the place of itself"
        self._events[place] = event
        if place < self._folded:
            self._state = None

    @property
    def first_subject(self) -> SubjectId | None:
        """The subject that the case was opened for first; none if it has not been opened."""
        return next(iter(self._opened_for or self._related), None)

    def knows(self, subject: SubjectId) -> bool:
        """Return whether a subject is of this case: opened for them, or they are related to one of those."""
        return subject in self._opened_for or subject in self._related

    def state_at(self, moment: datetime, judge: Judge) -> CaseState:
        """Return the case after all that occurred up to and at a moment. It is lent: nobody may change it."""
        if self._state is None or self._settings is not judge.settings:
            return self._fold(moment, judge)
        if self._reached is not None and moment < self._reached:
            return self._fold(moment, judge)
        for event in self._events[self._folded :]:
            judge.advance(self._state, event)
        self._folded = len(self._events)
        return self._state

    def _fold(self, moment: datetime, judge: Judge) -> CaseState:
        """Fold from the beginning, and keep the state if it is that after all events."""
        state = CaseState()
        mended = mend(self._events)
        placed = place(mended.events)
        for event in placed:
            if event.occurred_at > moment:
                return state
            if event.id in mended.struck:
                state.events.append(event.id)
            else:
                judge.advance(state, event)
        self._state, self._settings, self._folded = state, judge.settings, len(self._events)
        self._reached = placed[-1].occurred_at if placed else None
        return state


def place(history: Sequence[Event]) -> list[Event]:
    """Return events in the order in which they occurred; what occurred at one moment stands in order of recording."""
    return sorted(history, key=lambda event: (event.occurred_at, event.position))
