"""Which cases of an export are of one person, told without naming them (decisions/0036).

A subject is called by the first of their cases that the reader sees, by the position of its opening, and by their place
in that opening: a name that says nothing but "the same one as there", and stays the same in every later export.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from ...domain.case.facts import CaseOpened
from ...domain.event import Event
from ...domain.ids import SubjectId
from ...projections.derivation.lens import see

KEPT: Final = 50_000
"""Openings of cases in other chunks that are kept at hand; some 20 MB."""


class Opening(Struct, frozen=True):
    """Of a case: where the opening that has effect stands in the log, and whom it names, in order."""

    position: int
    subjects: tuple[SubjectId, ...]


Openings = Mapping[UUID, Opening]


class Persons:
    """Names subjects. ``cases_of`` finds what may be cases of some subjects, ``openings_of`` reads how they opened."""

    def __init__(
        self,
        cases_of: Callable[[Collection[SubjectId]], Iterable[UUID]],
        openings_of: Callable[[Collection[UUID]], Openings],
    ) -> None:
        self._cases_of = cases_of
        self._openings_of = openings_of
        self._kept: OrderedDict[UUID, Opening | None] = OrderedDict()

    def names(self, here: Openings) -> dict[SubjectId, str]:
        """Return how the subjects of some cases are called: ``CASE/PLACE``."""
        wanted = {subject for opening in here.values() for subject in opening.subjects}
        if not wanted:
            return {}
        first: dict[SubjectId, tuple[int, str]] = {}
        for case, opening in [*here.items(), *self._elsewhere(wanted, here.keys())]:
            for place, subject in enumerate(opening.subjects):
                if subject in wanted:
                    found = opening.position, f"{case}/{place}"
                    first[subject] = min(first.get(subject, found), found)
        return {subject: name for subject, (_, name) in first.items()}

    def _elsewhere(self, subjects: Collection[SubjectId], here: Collection[UUID]) -> Iterable[tuple[UUID, Opening]]:
        others = set(self._cases_of(subjects)) - set(here)
        missing = others - self._kept.keys()
        if missing:
            found = self._openings_of(missing)
            self._kept.update((case, found.get(case)) for case in missing)
        known = [(case, opening) for case in others if (opening := self._kept[case]) is not None]
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return known


def opening_of(history: Sequence[Event], now: datetime) -> Opening | None:
    """Return how a case opened, as it is known now; none if that was struck, or is not for the reader."""
    seen = see(history, now)
    for event in seen.events:
        if isinstance(event.data, CaseOpened) and event.id not in seen.mended.struck:
            return Opening(event.position, event.data.subjects)
    return None
