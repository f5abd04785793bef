"""What lies over several cases of one subject: gaps that no single case shows, and chains that run on in another case.

Pure functions of the events of those cases, and of the streams of organisations, which say who stands under whom;
without those every organisation stands for itself. The events are what was recorded by ``knownAt``: whoever asks has
left out the others. Nothing that occurred after ``as_of`` counts.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from ...domain.case import facts as f
from ...domain.case.corrections import Mended, mend
from ...domain.case.facts import CaseOpened
from ...domain.case.history import place
from ...domain.case.named import organisations_of
from ...domain.event import Event
from ...domain.ids import CaseId, EventId, SubjectId
from ...domain.organisation import facts as o
from ...domain.settings import UNCHANGED, Course
from .answer import CaseAnswer, answer
from .cross_chains import CrossChain, cross_chains_of
from .lens import see
from .shapes import Gap
from .subject_facets import SubjectFacets
from .subject_fold import SubjectFold
from .timelines import Row, Timelines, rows_of

WITHOUT_MEANING: Final = frozenset(
    {
        *(f.SubjectRelated, f.CaseLinked, f.TermSet, f.ContactMade, f.RemedyApplied, f.ResolutionContested),
        *(f.ResolutionUpheld, f.ContestWithdrawn, f.RulingGiven, f.AccountGiven),
    }
)
"""Facts that change neither who holds what, nor who waits, nor who coordinates, nor what harm is stated, nor what was
promised; whatever is made of them by a correction does not either."""


def subject_gaps(
    histories: Mapping[CaseId, Sequence[Event]],
    as_of: datetime,
    settings: Course = UNCHANGED,
    *,
    subject: SubjectId | None = None,
    known_to: str | None = None,
) -> list[Gap]:
    """Return the gaps over the cases of one subject at ``as_of``: who coordinates nothing, and deadlocks over cases.

    ``histories`` are whole cases by id, each in order of position, and by their streams those of organisations.
    ``subject`` is whose gaps they are; none: the one whom all cases opened by then have in common, the first named if
    there are several, and no gaps if there is none. ``known_to``, if given, leaves out of the cases what that
    organisation did not know of. What lies on one case alone (all other kinds, and a deadlock within it) is that
    case's. Gaps stand in the order of beginning, kind and id.
    """
    seen = [
        see(history, as_of, None, None if _is_organisation(history) else known_to) for history in histories.values()
    ]
    events = place([event for one in seen for event in one.events])
    struck = {event for one in seen for event in one.mended.struck}
    whose = subject or _shared(events, struck)
    if whose is None:
        return []
    fold = SubjectFold(whose, settings)
    for event in events:
        fold.show(event, struck=event.id in struck)
    return sorted(fold.gaps(as_of), key=lambda gap: (gap.from_, gap.kind, str(gap.id)))


def _shared(events: Sequence[Event], struck: Container[EventId]) -> SubjectId | None:
    """Return the subject whom all opened cases have in common, the first named."""
    openings: dict[CaseId, tuple[SubjectId, ...]] = {}
    for event in events:
        if isinstance(event.data, CaseOpened) and event.id not in struck:
            openings.setdefault(event.stream, event.data.subjects)
    named = list(openings.values())
    if not named:
        return None
    shared = set(named[0]).intersection(*named[1:])
    return next((one for one in named[0] if one in shared), None)


def cross_chains(histories: Mapping[CaseId, Sequence[Event]], as_of: datetime) -> list[CrossChain]:
    """Return the cross-chains over several of the cases at ``as_of``, in the order of their first obstacles.

    Only over cases opened by then that have a subject in common. Those within one case are the case's own.
    """
    answers = [answer(history, as_of) for history in histories.values() if not _is_organisation(history)]
    return list(chains_across([one for one in answers if one.fact is not None]))


def chains_across(cases: Sequence[CaseAnswer]) -> tuple[CrossChain, ...]:
    """Return the cross-chains over several of these cases, for each subject over its own; each once."""
    subjects = dict.fromkeys(subject for case in cases if case.fact is not None for subject in case.fact.subjects)
    found: dict[frozenset[tuple[CaseId, CaseId]], CrossChain] = {}
    for subject in subjects:
        own = [case for case in cases if case.fact is not None and subject in case.fact.subjects]
        for chain in cross_chains_of(own):
            if len({one.report.stream for one in chain.obstacles}) > 1:
                found.setdefault(frozenset((one.report.stream, one.obstacle) for one in chain.obstacles), chain)
    return tuple(
        sorted(found.values(), key=lambda one: (one.obstacles[0].report.occurred_at, str(one.obstacles[0].obstacle)))
    )


def _is_organisation(history: Sequence[Event]) -> bool:
    return bool(history) and isinstance(history[0].data, o.OrganisationFact)


def mend_each(history: Iterable[Event]) -> Mended:
    """Return several streams as corrected, in one; a correction reaches no further than its own stream."""
    streams: dict[CaseId, list[Event]] = {}
    for event in history:
        streams.setdefault(event.stream, []).append(event)
    whole = Mended([], {}, {}, [])
    for events in streams.values():
        mended = mend(events)
        whole.events += mended.events
        whole.struck |= mended.struck
        whole.corrected |= mended.corrected
        whole.inert += mended.inert
    return whole


class SubjectTimelines(Timelines):
    """The timelines of what lies over the cases of one subject.

    Their events are those of every case that ever named the subject, and of the organisations that those name and the
    ones above them, in one order of position.
    """

    __slots__ = ()

    def __init__(self, subject: SubjectId, recorded: Iterable[Event] = (), settings: Course = UNCHANGED) -> None:
        """Start from the events whose rows are stored already."""
        kept = [event for event in recorded if type(event.data) not in WITHOUT_MEANING]
        super().__init__(lambda: SubjectFacets(SubjectFold(subject, settings)), kept, mend_each)

    def record(self, event: Event) -> None:
        """Take in the next recorded event, unless it can mean nothing here."""
        if type(event.data) not in WITHOUT_MEANING:
            super().record(event)


def subject_rows_of(subject: SubjectId, history: Sequence[Event], changes: Sequence[Event] = ()) -> list[Row]:
    """Return all rows over the cases of a subject, under the registry's own changes; both in order of position."""
    return rows_of(subject, history, changes, lambda subject, settings: SubjectTimelines(subject, (), settings))


def organisations_named(events: Iterable[Event]) -> set[str]:
    """Return every organisation that may come to hold an obstacle by these events: more than do, and never fewer."""
    named: set[str] = set()
    for event in events:
        fact = event.data
        named.update(organisations_of(fact))
        if isinstance(fact, f.FactCorrected) and isinstance(fact.value, str):
            named.add(fact.value)
    return named


def organisations_above(events: Iterable[Event]) -> set[str]:
    """Return every organisation that one may stand under by the events of its own stream."""
    above: set[str] = set()
    for event in events:
        match event.data:
            case o.OrganisationRegistered(parent=str() as parent) | o.ParentChanged(parent=str() as parent):
                above.add(parent)
            case o.OrganisationMerged(into=into):
                above.add(into)
            case o.OrganisationFactCorrected(value=str() as value):
                above.add(value)
            case _:
                pass
    return above
