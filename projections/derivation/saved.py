"""States of a case's fold, saved where events that were told late have their place.

Whoever has the whole history before them knows which events come late and where they belong. So the fold is saved as it
passes there, and goes on from that when such an event comes, instead of from the beginning of the case. Nothing else is
derived from it: whoever does not know what is to come saves nothing, and gets the same.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from ...domain.case.corrections import is_mending
from ...domain.event import Event
from .facets import CaseFacets, Facet, Key

Place = tuple[datetime, int]
"""Where an event stands among those of its case: when it occurred, and its position."""

Stretch = tuple[datetime, datetime | None, Facet]
"""A state and the moments ``[from, until)`` of the world for which it is the answer."""

Lines = Mapping[Key, Sequence[Stretch]]
"""What is so of each thing, in the order of the moments for which it is."""


LATE_EVENTS_MAX: Final = 16
"""In a case with more late events than this, saving before each of them costs what it spares; nothing is saved."""


class Saved(Struct, frozen=True, gc=False):
    """A fold before a place, what was so by it, and the place of the last event in it. It may be gone on from once."""

    facets: CaseFacets
    lines: Lines
    last: Place


class Saves:
    """The states that are wanted of one case's fold, and those that have been saved."""

    __slots__ = ("_saved", "wanted")

    def __init__(self, history: Sequence[Event] = ()) -> None:
        """Want what the late events of ``history``, in order of position, will go on from."""
        self._saved: dict[Place, Saved] = {}
        self.wanted: list[Place] = []
        """Before which places, in order, the fold is to be saved."""
        last: Place | None = None
        for event in history:
            here = event.occurred_at, event.position
            if is_mending(event):
                break  # What mends reaches back further than any place: from here on all is folded anew.
            if last is not None and here < last:
                insort(self.wanted, here)
            else:
                last = here
        if len(self.wanted) > LATE_EVENTS_MAX:
            self.wanted.clear()

    def passing(self, last: Place, here: Place, facets: CaseFacets, lines: Callable[[], Lines]) -> None:
        """Save what is wanted between two events that follow each other: the fold has been shown ``last``."""
        wanted = self.wanted
        for place in wanted[bisect_left(wanted, last) : bisect_left(wanted, here)]:
            self._saved[place] = Saved(facets.copy(), lines(), last)

    def take(self, place: Place) -> Saved | None:
        """Return the fold before a place, if it was saved; it is wanted no more."""
        saved = self._saved.pop(place, None)
        if saved is not None:
            self.wanted.remove(place)
        return saved

    def forget(self) -> None:
        """Want nothing any more: what is told now changes what lies before any place."""
        self._saved.clear()
        self.wanted.clear()
