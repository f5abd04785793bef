"""The states of a case over both times at once: rectangles of ``asOf`` by ``knownAt``.

Each row says: from this moment of the world until that one, as known from this moment of recording until that one, the
thing was in this state. An event that was recorded in the order in which it occurred changes only what lies after it,
so the fold goes on from where it was; one that was recorded late, or mends another, has the case folded anew, and only
what comes out different makes rows. The same code therefore serves a rebuild and a single new event.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from ...domain.case.corrections import is_mending, mend
from ...domain.case.decide import place
from ...domain.event import Event
from ...domain.settings import DEFAULTS, Settings
from .facets import CaseFacets, Facet, Key, Turns
from .fold import CaseFold

_BEFORE_ALL: Final = (datetime.min.replace(tzinfo=UTC), -1)
"""Before the place of any event."""


class Row(Struct, frozen=True, gc=False):
    """A state, its window of ``asOf`` and its window of ``knownAt``; an ``until`` of none has no end."""

    state: Facet
    as_of_from: datetime
    as_of_until: datetime | None
    known_from: datetime
    known_until: datetime | None


class Close(Struct, frozen=True, gc=False):
    """A row that was stored earlier is the answer only up to ``known_until``."""

    state: Facet
    as_of_from: datetime
    known_until: datetime


class Stretch(Struct, frozen=True, gc=False):
    """A state in its window of ``asOf``; ``known_from`` is none for one that was stored before this session."""

    from_: datetime
    until: datetime | None
    state: Facet
    known_from: datetime | None


class Facets(Protocol):
    """Something that follows a stream's events and says which states each one changes."""

    def show(self, event: Event, *, struck: bool = False) -> dict[Key, Turns]:
        """Advance by one event (in the order in which they occurred); return what it changed from its moment on."""
        ...


class Timelines:
    """The timelines of one stream, brought from event to event.

    ``recorded`` starts it with events whose rows are stored already; ``record`` takes each further one, in order of
    position; ``take`` returns what there is to store since it was last asked.
    """

    __slots__ = ("_begin", "_closes", "_current", "_done", "_facets", "_history", "_last")

    def __init__(self, begin: Callable[[], Facets], recorded: Sequence[Event] = ()) -> None:
        """Start from the events whose rows are stored already; ``begin`` makes facets that have seen nothing."""
        self._begin = begin
        self._history: list[Event] = list(recorded)
        self._current: dict[Key, list[Stretch]] = {}
        self._done: list[Row] = []
        self._closes: list[Close] = []
        self._fold_anew()

    def __len__(self) -> int:
        """How many events it has taken in."""
        return len(self._history)

    def record(self, event: Event) -> None:
        """Take in the next recorded event."""
        self._history.append(event)
        if not is_mending(event) and (event.occurred_at, event.position) > self._last:
            self._last = (event.occurred_at, event.position)
            at, recorded_at = event.occurred_at, event.recorded_at
            for key, turns in self._facets.show(event).items():
                line = self._current.get(key)
                if line is None:
                    # Something new: nothing is cut or closed by it.
                    line = [
                        Stretch(max(from_, at), until, state, recorded_at)
                        for from_, until, state in turns
                        if until is None or until > max(from_, at)
                    ]
                    if line:
                        self._current[key] = line
                else:
                    self._replace(key, line, self._spliced(line, at, turns, recorded_at), recorded_at)
            return
        before = self._current
        self._fold_anew(event.recorded_at)
        after, self._current = self._current, before
        for key in before.keys() | after.keys():
            self._replace(key, before.get(key, []), after.get(key, []), event.recorded_at)

    def _fold_anew(self, known_from: datetime | None = None) -> None:
        """Fold the whole history in the order in which it occurred."""
        mended = mend(self._history)
        self._current = {}
        self._facets = self._begin()
        self._last = _BEFORE_ALL
        for event in place(mended.events):
            self._last = (event.occurred_at, event.position)
            for key, turns in self._facets.show(event, struck=event.id in mended.struck).items():
                self._current[key] = self._spliced(self._current.get(key, []), event.occurred_at, turns, known_from)

    @staticmethod
    def _spliced(before: list[Stretch], at: datetime, turns: Turns, known_from: datetime | None) -> list[Stretch]:
        """Return a thing's timeline with what is so from ``at`` on replaced by ``turns``."""
        line: list[Stretch] = []
        for stretch in before:
            if stretch.from_ >= at:
                break
            if stretch.until is None or stretch.until > at:
                stretch = Stretch(stretch.from_, at, stretch.state, known_from)  # noqa: PLW2901 - cut where it changes
            line.append(stretch)
        for from_, until, state in turns:
            start = max(from_, at)
            if until is not None and until <= start:
                continue
            if line and line[-1].until == start and line[-1].state == state:
                line[-1] = Stretch(line[-1].from_, until, state, known_from)
            else:
                line.append(Stretch(start, until, state, known_from))
        return line

    def _replace(self, key: Key, before: list[Stretch], line: list[Stretch], at: datetime) -> None:
        """Put a new timeline in place of the old one; what is as it was keeps its row."""
        kept: list[Stretch] = []
        rest = list(before)
        for stretch in line:
            for index, old in enumerate(rest):
                if old.from_ == stretch.from_:
                    if old is stretch or (old.until == stretch.until and old.state == stretch.state):
                        kept.append(rest.pop(index))
                        break
                    kept.append(Stretch(stretch.from_, stretch.until, stretch.state, at))
                    break
            else:
                kept.append(Stretch(stretch.from_, stretch.until, stretch.state, at))
        for old in rest:
            if old.known_from is None:
                self._closes.append(Close(old.state, old.from_, at))
            else:
                self._done.append(Row(old.state, old.from_, old.until, old.known_from, at))
        if kept:
            self._current[key] = kept
        else:
            self._current.pop(key, None)

    def take(self) -> tuple[list[Row], list[Close]]:
        """Return the rows to store and the stored ones to close, and count them as stored."""
        rows, closes = self._done, self._closes
        self._done, self._closes = [], []
        for line in self._current.values():
            for index, stretch in enumerate(line):
                if stretch.known_from is not None:
                    rows.append(Row(stretch.state, stretch.from_, stretch.until, stretch.known_from, None))
                    line[index] = Stretch(stretch.from_, stretch.until, stretch.state, None)
        return rows, closes


def case_timelines(case: UUID, recorded: Sequence[Event] = (), settings: Settings = DEFAULTS) -> Timelines:
    """Return the timelines of a case, started from the events whose rows are stored already."""
    return Timelines(lambda: CaseFacets(CaseFold(case, settings)), recorded)


def rows_of(case: UUID, history: Iterable[Event], settings: Settings = DEFAULTS) -> list[Row]:
    """Return all rows of a case from its whole history, in order of position."""
    timelines = case_timelines(case, (), settings)
    for event in history:
        timelines.record(event)
    return timelines.take()[0]
