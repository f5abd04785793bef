"""The answer to a question about one case: what was so at ``asOf``, as known at ``knownAt``, to everyone or to one.

``answer`` is a pure function of the case's events. What it says at two times equals what a registry would say that
holds only the events recorded by ``knownAt``, of those only the ones that occurred by ``asOf``, and for ``knownTo`` of
those only the ones that organisation knew of.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from ...domain.case import facts as f
from ...domain.case.corrections import is_mending
from ...domain.case.state import Open
from ...domain.command import RefusalCode
from ...domain.event import Event
from ...domain.ids import EventId, ObstacleId
from ...domain.settings import UNCHANGED, Course
from .chain import Chain
from .figures import figures_of
from .fold import CaseFold
from .lens import Seen, see
from .shapes import Conflict, Figures, Gap, Segment, follows

NOBODY: Final = UUID(int=0)
"""The stream of a case without events."""


UNFIT: Final = "The correction or striking cannot be applied to the event that it names."
"""Why one that is inert has no effect."""


class Told(Struct, frozen=True):
    """An event in a timeline, with what became of it."""

    event: Event
    conflict: Conflict | None
    struck_by: EventId | None
    corrected_by: tuple[EventId, ...]


class ObstacleAnswer(Struct, frozen=True):
    """One obstacle and its chain, at the moment asked for."""

    obstacle: ObstacleId
    report: Event
    fact: f.ObstacleReported
    open: bool
    holder: str | None
    claimed: bool
    settled_at: datetime | None
    segments: tuple[Segment, ...]
    gaps: tuple[Gap, ...]
    figures: Figures


class CaseAnswer(Struct, frozen=True):
    """One case, at the moment asked for; gaps stand in the order of obstacle, beginning and kind."""

    as_of: datetime
    opened: Event | None
    fact: f.CaseOpened | None
    closed_at: datetime | None
    obstacles: tuple[ObstacleAnswer, ...]
    gaps: tuple[Gap, ...]
    conflicts: tuple[Conflict, ...]
    timeline: tuple[Told, ...]
    said: tuple[tuple[Event, UUID], ...]
    """Accounts and acknowledgements that have effect, each with the gap or the event that it is about."""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments, obstacle by obstacle."""
        return tuple(segment for one in self.obstacles for segment in one.segments)


def answer(
    history: Sequence[Event],
    as_of: datetime,
    known_at: datetime | None = None,
    known_to: str | None = None,
    settings: Course = UNCHANGED,
) -> CaseAnswer:
    """Return what is so of a case at the moment asked for; ``history`` is the whole case in order of position."""
    seen = see(history, as_of, known_at, known_to)
    fold = CaseFold(history[0].stream if history else NOBODY, settings)
    for event in seen.events:
        fold.show(event, struck=event.id in seen.mended.struck)
    return assemble(fold, seen)


def assemble(fold: CaseFold, seen: Seen) -> CaseAnswer:
    """Return the answer that a fold, shown all that was seen, amounts to."""
    as_of = seen.as_of
    gaps = tuple(sorted(fold.gaps(as_of), key=_order))
    by_event = {event.id: event for event in seen.events}
    opened = by_event.get(fold.state.opened_by) if fold.state.opened_by else None
    closed = by_event.get(fold.state.closed_by) if fold.state.closed_by else None
    obstacles = tuple(
        _obstacle(fold, chain, tuple(gap for gap in gaps if gap.obstacle == obstacle), by_event, as_of)
        for obstacle, chain in sorted(fold.chains.items(), key=lambda item: (item[1].reported_at, str(item[0])))
    )
    inert = tuple(
        Conflict(mending, RefusalCode.NOT_CORRECTABLE, UNFIT, (target,))
        for mending, target in seen.mended.inert
        if target in by_event
    )
    return CaseAnswer(
        as_of=as_of,
        opened=opened,
        fact=fold.state.opened,
        closed_at=closed.occurred_at if closed else None,
        obstacles=obstacles,
        gaps=gaps,
        conflicts=(*fold.conflicts.values(), *inert),
        timeline=told_of(fold.conflicts, seen),
        said=tuple(_said(fold, gaps, seen.events, seen.mended.struck)),
    )


def _order(gap: Gap) -> tuple[bool, str, datetime, str, str]:
    return gap.obstacle is None, str(gap.obstacle), gap.from_, gap.kind, str(gap.id)


def _obstacle(
    fold: CaseFold, chain: Chain, gaps: tuple[Gap, ...], events: dict[EventId, Event], as_of: datetime
) -> ObstacleAnswer:
    """Return one obstacle at the moment asked for."""
    state = fold.state.obstacles[chain.obstacle]
    custody = state.custody if isinstance(state, Open) else None
    current = chain.current_segment()
    assert chain.report is not None
    assert chain.report_event is not None
    return ObstacleAnswer(
        obstacle=chain.obstacle,
        report=events[chain.report_event],
        fact=chain.report,
        open=isinstance(state, Open),
        holder=custody.organisation if custody else None,
        claimed=custody.claimed if custody else False,
        settled_at=None if isinstance(state, Open) else state.at,
        segments=(*chain.segments, current) if current else tuple(chain.segments),
        gaps=gaps,
        figures=figures_of(chain, gaps, as_of),
    )


def told_of(conflicts: Mapping[EventId, Conflict], seen: Seen) -> tuple[Told, ...]:
    """Return every recorded event that is seen, in the order in which it occurred, and what became of it."""
    shown = {event.id for event in seen.events}
    mended = seen.mended
    placed = {event.id: event for event in mended.events}
    told = [
        Told(
            event=placed.get(event.id, event),
            conflict=conflicts.get(event.id),
            struck_by=mended.struck.get(event.id),
            corrected_by=tuple(mended.corrected.get(event.id, ())),
        )
        for event in seen.recorded
        if event.id in shown or is_mending(event)
    ]
    return tuple(sorted(told, key=lambda one: (one.event.occurred_at, one.event.position)))


def _said(
    fold: CaseFold, gaps: Sequence[Gap], events: Sequence[Event], struck: Container[EventId]
) -> Iterator[tuple[Event, UUID]]:
    """Yield each account and acknowledgement with effect, and what it is about today."""
    for event in events:
        fact = event.data
        if event.id in fold.conflicts or event.id in struck or not isinstance(fact, f.AccountGiven | f.GapAcknowledged):
            continue
        if fact.gap is None:
            assert fact.event is not None
            yield event, fact.event
            continue
        if fact.subject is not None:
            continue  # It is about what lies over several cases, and about nothing in this one alone.
        mark, at = fact.gap, event.occurred_at
        exact = [gap for gap in gaps if gap.id == mark.id]
        # The gap that was meant if it still exists; else those that a late fact made of it.
        for gap in exact or [gap for gap in gaps if follows(mark, gap, at)]:
            yield event, gap.id
