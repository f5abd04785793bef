"""What the read model keeps of what lies over the cases of one subject: its gaps and what was promised about them."""

from collections.abc import Sequence

from ...domain.event import Event
from ...domain.ids import EventId
from .facets import GapFacet, Key, Turns, harm_of
from .shapes import Gap
from .subject_fold import SubjectFold


class SubjectFacets:
    """The facets of one subject's fold, and which of them an event changed."""

    __slots__ = ("_fold", "_shown")

    def __init__(self, fold: SubjectFold) -> None:
        """Follow ``fold`` from its beginning."""
        self._fold = fold
        self._shown: dict[Key, Turns] = {}

    def mended(self, inert: Sequence[tuple[Event, EventId]]) -> None:
        """Take note of nothing: a correction that cannot be applied is its own case's matter."""

    def show(self, event: Event, *, struck: bool = False) -> dict[Key, Turns]:
        """Advance the fold by one event; return what it changed, from the moment of the event on."""
        if not self._fold.show(event, struck=struck):
            return {}
        now: dict[Key, Turns] = {}
        for from_, until, gap in self._fold.turns():
            now.setdefault(gap.key, []).append((from_, until, self._facet(gap)))
        for from_, until, made in self._fold.commitments():
            now.setdefault(made.name, []).append((from_, until, made))
        before, self._shown = self._shown, now
        changed = {key: turns for key, turns in now.items() if before.get(key) != turns}
        return changed | {key: [] for key in before if key not in now}

    def _facet(self, gap: Gap) -> GapFacet:
        """Return a gap with the harm and the themes of the cases that it lies in."""
        cases = [self._fold.cases[case] for case in gap.cases]
        harms, harm_until = harm_of([harm for case in cases for harm in case.harms])
        return GapFacet(gap, harms, harm_until, "", tuple(dict.fromkeys(case.theme for case in cases)))
