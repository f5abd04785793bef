"""The states of a case over both times at once: rows of a state and the ``asOf`` and ``knownAt`` it is the answer for.

A row says: from this moment of the world on, as known from this moment of recording on, the thing was in this state;
and, once something was recorded that ended the state, until when. An event that was recorded in the order in which it
occurred changes only what lies after it, so the fold goes on from where it was; one that was recorded late, or mends
another, has the case folded anew, or on from a state saved before its place, and only what comes out different makes
rows. The same code therefore serves a rebuild and a single new event. The module is long because it is one class, whose
rows only it may change.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from datetime import UTC, datetime
from heapq import merge
from operator import attrgetter
from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from ...domain.case.corrections import Mended, is_mending, mend
from ...domain.case.history import place
from ...domain.event import Event
from ...domain.ids import EventId
from ...domain.registry.facts import RegistryFact
from ...domain.settings import UNCHANGED, Course
from .facets import CaseFacets, Facet, GapFacet, HandoffFacet, Key, Turns
from .fold import CaseFold
from .saved import Place, Saved, Saves, Stretch

_position: Final = attrgetter("position")

_BEFORE_ALL: Final[Place] = (datetime.min.replace(tzinfo=UTC), -1)
"""Before the place of any event."""


class Row(Struct, gc=False):
    """A state and the two times for which it is the answer; an ``until`` of none has no end.

    It is the answer for ``as_of_from <= asOf`` and ``known_from <= knownAt < known_until``, and, if ``as_of_until`` is
    given, for ``asOf < as_of_until`` or ``knownAt < until_known_from``: before the end was known the state had none. So
    what happens in order makes one row of each state, not one for what was foreseen and another for what came of it.

    ``until_known_from`` is none for a row that was stored before this session and has not been ended since: as stored.
    A row belongs to its timelines, which go on changing it: it is to be written before the next event is recorded.
    """

    state: Facet
    as_of_from: datetime
    as_of_until: datetime | None
    known_from: datetime
    until_known_from: datetime | None
    known_until: datetime | None = None
    stored: bool = False
    changed: bool = False
    """Whether it was stored, and has changed since."""


Line = list[Row]
"""What is the answer by what is known now, in the order of ``asOf``."""


class Facets(Protocol):
    """Something that follows a stream's events and says which states each one changes."""

    def show(self, event: Event, *, struck: bool = False) -> dict[Key, Turns]:
        """Advance by one event (in the order in which they occurred); return what it changed from its moment on."""
        ...

    def mended(self, inert: Sequence[tuple[Event, EventId]]) -> None:
        """Be told, before anything is shown, of corrections and strikings that cannot be applied, and to what."""
        ...


class Timelines:
    """The timelines of one stream, or of several taken together, brought from event to event.

    ``recorded`` starts it with events whose rows are stored already; ``record`` takes each further one, in order of
    position; ``take`` returns what there is to store since it was last asked.
    """

    __slots__ = ("_begin", "_changed", "_current", "_done", "_facets", "_history", "_last", "_mend", "_saves")

    def __init__(
        self,
        begin: Callable[[], Facets],
        recorded: Sequence[Event] = (),
        mending: Callable[[Sequence[Event]], Mended] = mend,
        saves: Saves | None = None,
    ) -> None:
        """Start from the events whose rows are stored already; ``begin`` makes facets that have seen nothing.

        ``mending`` applies the corrections and strikings among events; ``saves`` wants the states that events to come
        will go on from, if those are known.
        """
        self._saves = saves or Saves()
        self._begin = begin
        self._mend = mending
        self._history: list[Event] = []
        self._current: dict[Key, Line] = {}
        self._done: list[Row] = []
        self._changed: list[Row] = []
        self._facets = begin()
        self._last = _BEFORE_ALL
        if recorded:
            self._history += recorded
            known = recorded[-1].recorded_at
            for key, line in self._fold_anew().items():
                if line:
                    self._current[key] = [Row(state, from_, until, known, None) for from_, until, state in line]
            self.take()

    def __len__(self) -> int:
        """How many events it has taken in."""
        return len(self._history)

    def record(self, event: Event) -> None:
        """Take in the next recorded event."""
        self._history.append(event)
        at, known = event.occurred_at, event.recorded_at
        place_ = (at, event.position)
        if is_mending(event):
            self._saves.forget()
            self._record_late(known)
            return
        if place_ < self._last:
            self._record_late(known, self._saves.take(place_))
            return
        if self._saves.wanted:
            self._save(place_, self._lines_now)
        self._last = place_
        current = self._current
        for key, turns in self._facets.show(event).items():
            line = current.get(key)
            if line is not None:
                self._go_on(line, at, turns, known)
                if not line:
                    del current[key]
                continue
            # Something new: nothing is cut or ended by it.
            line = Line()
            for from_, until, state in turns:
                start = at if from_ < at else from_  # noqa: FURB136 - a third of the time of max
                if until is None or until > start:
                    line.append(Row(state, start, until, known, known))
            if line:
                current[key] = line

    def change_settings(self, event: Event) -> None:
        """Take in a change of the settings that its facets go by, which bears on clocks that start from it on."""
        self._saves.forget()
        if self._last[0] >= event.recorded_at or self._foresees(event.recorded_at):
            self._record_late(event.recorded_at)

    def _foresees(self, since: datetime) -> bool:
        """Return whether a clock is foreseen to start at a moment or later, and to make a gap."""
        for line in self._current.values():
            for row in line:
                state = row.state
                if isinstance(state, GapFacet):
                    if state.gap.from_ >= since:
                        return True
                elif isinstance(state, HandoffFacet) and state.delivered_at >= since:
                    return True
        return False

    def _go_on(self, line: Line, at: datetime, turns: Turns, known: datetime) -> None:
        """Replace what is so from ``at`` on by ``turns``; what comes out as it was keeps its row."""
        gone: Line = []
        while line and line[-1].as_of_from >= at:
            gone.append(line.pop())
        last: Row | None = None
        end: datetime | None = None
        if line:
            last = line[-1]
            end = last.as_of_until
            if end is None or end > at:
                end = at
        come: list[Stretch] = []
        for from_, until, state in turns:
            start = at if from_ < at else from_  # noqa: FURB136
            if until is not None and until <= start:
                continue
            if come:
                before = come[-1]
                if before[1] == start and before[2] == state:
                    come[-1] = (before[0], until, state)
                    continue
            elif last is not None and end == start and last.state == state:
                end = until
                continue
            come.append((start, until, state))
        if last is not None and end != last.as_of_until:
            line[-1] = self._ended(last, end, known)
        for stretch in come:
            line.append((self._kept(gone, stretch, known) if gone else None) or _row(stretch, known))
        for row in gone:
            self._close(row, known)

    def _save(self, here: Place, lines: Callable[[], Mapping[Key, Sequence[Stretch]]]) -> None:
        """Save the fold before the next event, at ``here``, is shown, if one told later will go on from there."""
        if isinstance(self._facets, CaseFacets):
            self._saves.passing(self._last, here, self._facets, lines)

    def _lines_now(self) -> dict[Key, list[Stretch]]:
        """Return what is so by what is known now."""
        return {
            key: [(row.as_of_from, row.as_of_until, row.state) for row in line] for key, line in self._current.items()
        }

    def _record_late(self, known: datetime, saved: Saved | None = None) -> None:
        """Take in an event that changes what lay in the past, going on from what was saved before it, if that was."""
        before, self._current = self._current, {}
        lines = self._fold_anew() if saved is None else self._fold_on(saved)
        for key, line in lines.items():
            old = before.pop(key, [])
            now = [self._kept(old, stretch, known) or _row(stretch, known) for stretch in line]
            for row in old:
                self._close(row, known)
            if now:
                self._current[key] = now
        for old in before.values():
            for row in old:
                self._close(row, known)

    def _fold_on(self, saved: Saved) -> dict[Key, Sequence[Stretch]]:
        """Fold the event recorded last and all that occurred after it; return what is so by the whole history."""
        late = self._history[-1]
        here = late.occurred_at, late.position
        self._facets, self._last = saved.facets, saved.last
        after = [event for event in self._history if (event.occurred_at, event.position) >= here]
        return self._shown(place(after), dict(saved.lines))

    def _fold_anew(self) -> dict[Key, Sequence[Stretch]]:
        """Fold the whole history in the order in which it occurred; return what is so by it."""
        mended = self._mend(self._history)
        self._facets = self._begin()
        if mended.inert:
            by_id = {event.id: event for event in self._history}
            self._facets.mended([(by_id[mending], target) for mending, target in mended.inert])
        self._last = _BEFORE_ALL
        return self._shown(place(mended.events), {}, mended.struck)

    def _shown(
        self, events: Sequence[Event], lines: dict[Key, Sequence[Stretch]], struck: Container[EventId] = ()
    ) -> dict[Key, Sequence[Stretch]]:
        """Show events that occurred after all that were shown, in order; return ``lines`` with what they change."""
        for event in events:
            at = event.occurred_at
            here = (at, event.position)
            if self._saves.wanted:
                self._save(here, lines.copy)
            self._last = here
            for key, turns in self._facets.show(event, struck=event.id in struck).items():
                lines[key] = _spliced(lines.get(key, ()), at, turns)
        return lines

    def _kept(self, rows: Line, stretch: Stretch, known: datetime) -> Row | None:
        """Take the row out of ``rows`` that says the same, if one does; one that lacks but the end is given it."""
        from_, until, state = stretch
        for index, row in enumerate(rows):
            if row.as_of_from == from_:
                if row.state == state:
                    if row.as_of_until == until:
                        return rows.pop(index)
                    if row.as_of_until is None:
                        return self._ended(rows.pop(index), until, known)
                break
        return None

    def _ended(self, row: Row, until: datetime | None, known: datetime) -> Row:
        """End a state at ``until``, as known from now on; return the row that says so."""
        if row.as_of_until is not None:
            self._close(row, known)
            return Row(row.state, row.as_of_from, until, known, known)
        row.as_of_until, row.until_known_from = until, known
        if row.stored and not row.changed:
            row.changed = True
            self._changed.append(row)
        return row

    def _close(self, row: Row, known: datetime) -> None:
        """Let a row be the answer no more, by what is known from now on."""
        row.known_until = known
        if not row.stored:
            self._done.append(row)
        elif not row.changed:
            row.changed = True
            self._changed.append(row)

    def take(self) -> tuple[list[Row], list[Row]]:
        """Return the rows to store and the stored ones that have changed, and count them all as stored."""
        rows, changed = self._done, self._changed
        self._done, self._changed = [], []
        for row in changed:
            row.changed = False
        for line in self._current.values():
            for row in line:
                if not row.stored:
                    row.stored = True
                    rows.append(row)
        return rows, changed


def _row(stretch: Stretch, known: datetime) -> Row:
    """Return a row for what is so as known from now on."""
    from_, until, state = stretch
    return Row(state, from_, until, known, known)


def _spliced(before: Sequence[Stretch], at: datetime, turns: Turns) -> list[Stretch]:
    """Return a thing's timeline with what is so from ``at`` on replaced by ``turns``."""
    line: list[Stretch] = []
    for stretch in before:
        if stretch[0] >= at:
            break
        if stretch[1] is None or stretch[1] > at:
            stretch = (stretch[0], at, stretch[2])  # noqa: PLW2901 - cut where it changes
        line.append(stretch)
    for from_, until, state in turns:
        start = max(from_, at)
        if until is not None and until <= start:
            continue
        if line and line[-1][1] == start and line[-1][2] == state:
            line[-1] = (line[-1][0], until, state)
        else:
            line.append((start, until, state))
    return line


def case_timelines(
    case: UUID, recorded: Sequence[Event] = (), settings: Course = UNCHANGED, saves: Saves | None = None
) -> Timelines:
    """Return the timelines of a case, started from the events whose rows are stored already.

    Whoever changes ``settings`` afterwards tells the timelines (``change_settings``). ``saves`` wants the states that
    events to come will go on from, if those are known.
    """
    return Timelines(lambda: CaseFacets(CaseFold(case, settings)), recorded, saves=saves)


def rows_of(
    stream: UUID,
    history: Sequence[Event],
    changes: Sequence[Event] = (),
    begin: Callable[[UUID, Course], Timelines] | None = None,
) -> list[Row]:
    """Return all rows of a stream from its whole history, under the registry's own; both in order of position.

    ``begin`` makes timelines that have seen nothing: a case's, if it is not given.
    """
    settings = Course()
    timelines = begin(stream, settings) if begin else case_timelines(stream, (), settings, Saves(history))
    # Nearly always nothing was changed, and what is done for each event counts.
    for event in merge(history, changes, key=_position) if changes else history:
        if changes and isinstance(event.data, RegistryFact):
            settings.change(event)
            timelines.change_settings(event)
        else:
            timelines.record(event)
    return timelines.take()[0]
