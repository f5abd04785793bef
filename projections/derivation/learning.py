"""Folding the events of a learning stream: its state, its gaps and what contradicts the record, for every kind alike.

A kind is described by a ``Derivation``; the rules of its state are the domain's. The fold answers, at the moment of its
last event, what is so now and what will be so by time alone, and serves a single question and the read model alike. A
stream is short, so all that hangs on its state is told anew after each event, and compared. The module is long because
the fold, its rows and its answers are of one state.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from ...domain.case.facts import GapMark
from ...domain.case.named import organisations_of
from ...domain.case.rules import Objection
from ...domain.command import RefusalCode
from ...domain.event import Event
from ...domain.ids import EventId
from ...domain.learning.facts import LearningGapAcknowledged
from ...domain.learning.rules import Rules
from ...domain.organisation.succession import REGISTRY
from ...domain.settings import UNCHANGED, Course
from ...domain.vocabulary import GapKind, LearningKind
from .answer import UNFIT, Told, told_of
from .answer_facets import (
    CommitmentFacet,
    CommitmentKind,
    CommitmentOutcome,
    EscalationFacet,
    NoticeFacet,
    notices,
)
from .commitments import Commitment, commitment
from .facets import GapFacet, Key, Turns, note_todos
from .learning_facets import StreamFacet, StreamLinkFacet
from .lens import see
from .shapes import NO_TIME, Conflict, Gap, follows, graced
from .todos import todo_of_conflict


class Header(Struct, frozen=True):
    """What lists choose a stream by, as ``StreamFacet`` has it; the organisations are found by the fold."""

    status: str
    theme: str | None = None
    marks: tuple[str, ...] = ()


class Derivation(Struct, frozen=True):
    """What the read model keeps of one kind of stream, and the gaps that follow from its state.

    ``gaps`` yields every gap that a state amounts to: ended, running, and foreseen (those that begin by time alone). It
    is given the stream, the state and the terms in force. ``asked`` yields what a state holds of promises made and of
    answers asked for; plans to end a gap are the fold's to find.
    """

    rules: Rules
    header: Callable[[Any], Header]
    links: Callable[[Any], Iterable[StreamLinkFacet]]
    gaps: Callable[[UUID, Any, Course], Iterable[Gap]]
    asked: Callable[[Any], Iterable[CommitmentFacet | EscalationFacet]] = lambda _: ()


def stream_gap(
    on: tuple[LearningKind, UUID],
    kind: GapKind,
    begun_by: EventId,
    from_: datetime,
    ended: tuple[datetime, EventId] | None,
    *,
    to_act: Iterable[str] = (),
    involved: Iterable[str] = (),
    evidence: tuple[EventId, ...] = (),
) -> Iterator[Gap]:
    """Yield the gap of a stream from a moment until it was ended, by which event; none if it ended before it began.

    ``evidence`` are events that prove it beside the one that began it and the one that ended it.
    """
    if ended is not None and ended[0] <= from_:
        return
    yield Gap(
        kind=kind,
        lies_on=on[1],
        begun_by=begun_by,
        from_=from_,
        until=ended[0] if ended else None,
        open=ended is None,
        to_act=tuple(sorted(set(to_act))),
        involved=tuple(sorted(set(involved))),
        evidence=(begun_by, *evidence, *((ended[1],) if ended else ())),
        pieces=ended[0] - from_ if ended else NO_TIME,
        running_from=None if ended else from_,
        stream_kind=on[0],
    )


class LearningFold:
    """A stream at the moment of the last event that it was shown."""

    __slots__ = (
        "_done",
        "_promised",
        "conflicts",
        "derivation",
        "gaps",
        "notices",
        "organisations",
        "plans",
        "settings",
        "state",
        "stream",
    )

    def __init__(self, stream: UUID, derivation: Derivation, settings: Course = UNCHANGED) -> None:
        """Start with a stream that has not begun."""
        self.stream = stream
        self.derivation = derivation
        self.settings = settings
        self.state: Any = None
        self.gaps: list[Gap] = []
        """All gaps by now, those included that begin later if nothing more happens."""
        self.organisations: set[str] = set()
        self.conflicts: dict[EventId, Conflict] = {}
        self.plans: dict[EventId, CommitmentFacet] = {}
        """What was promised about its gaps, done or not."""
        self.notices: list[NoticeFacet] = []
        self._promised: list[Commitment] = []
        self._done: list[Gap] = []

    def show(self, event: Event, *, struck: bool = False) -> bool:
        """Advance by one event (in the order in which they occurred); return whether it has effect."""
        if struck:
            return False
        objection = self._take(event)
        if objection is not None:
            self.conflicts[event.id] = Conflict(event.id, objection.code, objection.message, objection.contradicted_by)
            return False
        # What the registry writes itself makes it no party.
        own = {event.actor.organisation} if event.actor != REGISTRY else set[str]()
        self.organisations |= {*own, *organisations_of(event.data)}
        found = list(self.derivation.gaps(self.stream, self.state, self.settings))
        self._keep_promises(event, found)
        kind = self.derivation.rules.kind
        for one in self._promised:
            found += stream_gap(
                (kind, self.stream),
                GapKind.COMMITMENT_OVERDUE,
                one.event,
                one.due,
                None,
                to_act=(one.organisation,),
            )
        self.gaps = [graced(gap, self.settings) for gap in (*found, *self._done)]
        return True

    def _take(self, event: Event) -> Objection | None:
        fact = event.data
        rules = self.derivation.rules
        if isinstance(fact, LearningGapAcknowledged):
            if not self.gap_exists(fact.gap, event.occurred_at):
                return Objection(RefusalCode.UNKNOWN_GAP, f"There is no such gap of this {rules.noun} at that moment.")
            promised = commitment(((gap.from_, gap) for gap in self.gaps if gap.until is None), event, fact)
            if promised is not None:
                self._promised.append(promised)
                self.plans[event.id] = CommitmentFacet(
                    event.id,
                    CommitmentKind.PLAN,
                    promised.organisation,
                    promised.at,
                    promised.due,
                    stream_kind=rules.kind,
                )
            self.notices += notices(event, rules.kind)
            return None
        after = rules.next(self.state, event, self.settings)
        if isinstance(after, Objection):
            return after
        self.state = after
        return None

    def _keep_promises(self, event: Event, found: Sequence[Gap]) -> None:
        """Note which commitments are done: none of the gaps that they were about runs any more."""
        running = {gap.key for gap in found if gap.until is None}
        for one in [one for one in self._promised if running.isdisjoint(one.gaps)]:
            self._promised.remove(one)
            plan, at = self.plans[one.event], event.occurred_at
            self.plans[one.event] = replace(plan, ended_at=at, outcome=CommitmentOutcome.DONE)
            self._done += stream_gap(
                (self.derivation.rules.kind, self.stream),
                GapKind.COMMITMENT_OVERDUE,
                one.event,
                one.due,
                (event.occurred_at, event.id),
                to_act=(one.organisation,),
            )

    def gaps_at(self, as_of: datetime) -> list[Gap]:
        """Return the gaps that exist at ``as_of``, which must not lie before the last event shown."""
        return [gap for gap in self.gaps if gap.from_ <= as_of]

    def gap_exists(self, mark: GapMark, moment: datetime) -> bool:
        """Return whether the gap that a mark names exists at ``moment``, even if its beginning has moved since."""
        return any(follows(mark, gap, moment) for gap in self.gaps_at(moment))


class LearningFacets:
    """The facets of one fold, and which of them an event changed."""

    __slots__ = ("_fold", "_inert", "_shown")

    def __init__(self, fold: LearningFold) -> None:
        """Follow ``fold`` from its beginning."""
        self._fold = fold
        self._shown: dict[Key, Turns] = {}
        self._inert: dict[EventId, list[Event]] = {}

    def mended(self, inert: Sequence[tuple[Event, EventId]]) -> None:
        """Take note of the corrections and strikings that cannot be applied, each with the event that it names."""
        for event, target in inert:
            self._inert.setdefault(target, []).append(event)

    def show(self, event: Event, *, struck: bool = False) -> dict[Key, Turns]:
        """Advance by one event; return what it changed, from its moment on."""
        at = event.occurred_at
        changed: dict[Key, Turns] = {}
        note_todos(changed, (todo_of_conflict(mending, at, None) for mending in self._inert.get(event.id, ())))
        if struck:
            return changed
        if not self._fold.show(event):
            note_todos(changed, (todo_of_conflict(event, at, None),))
            return changed
        now = self._facets()
        before, self._shown = self._shown, now
        changed |= {key: turns for key, turns in now.items() if before.get(key) != turns}
        return changed | {key: [] for key in before if key not in now}

    def _facets(self) -> dict[Key, Turns]:
        fold = self._fold
        derivation, state = fold.derivation, fold.state
        header = derivation.header(state)
        facet = StreamFacet(
            derivation.rules.kind,
            state.begun.occurred_at,
            header.status,
            header.theme,
            tuple(sorted(fold.organisations)),
            tuple(sorted(header.marks)),
        )
        now: dict[Key, Turns] = {fold.stream.int: [(facet.begun_at, None, facet)]}
        for link in derivation.links(state):
            now[link.name] = [(link.since, None, link)]
        for one in (*derivation.asked(state), *fold.plans.values()):
            now[one.name] = [(one.made_at, None, one)]
        for notice in fold.notices:
            now[notice.name] = [(notice.at, None, notice)]
        for gap in fold.gaps:
            now[gap.key] = [(gap.from_, None, GapFacet(gap, (), None, header.theme or ""))]
        return now


class LearningAnswer(Struct, frozen=True):
    """One stream, at the moment asked for; ``state`` is none where it had not begun.

    Gaps stand in the order of beginning and kind.
    """

    kind: LearningKind
    stream: UUID
    state: Any
    organisations: tuple[str, ...]
    gaps: tuple[Gap, ...]
    conflicts: tuple[Conflict, ...]
    timeline: tuple[Told, ...]
    said: tuple[tuple[Event, UUID], ...]
    """Acknowledgements that have effect, each with the gap that it is about."""


def learning_answer(
    derivation: Derivation,
    history: Sequence[Event],
    as_of: datetime,
    known_at: datetime | None = None,
    settings: Course = UNCHANGED,
) -> LearningAnswer:
    """Return what is so of a stream at the moment asked for; ``history`` is all of it in order of position."""
    seen = see(history, as_of, known_at)
    stream = history[0].stream if history else UUID(int=0)
    fold = LearningFold(stream, derivation, settings)
    for event in seen.events:
        fold.show(event, struck=event.id in seen.mended.struck)
    shown = {event.id for event in seen.events}
    inert = tuple(
        Conflict(mending, RefusalCode.NOT_CORRECTABLE, UNFIT, (target,))
        for mending, target in seen.mended.inert
        if target in shown
    )
    gaps = tuple(sorted(fold.gaps_at(as_of), key=lambda gap: (gap.from_, gap.kind, str(gap.id))))
    return LearningAnswer(
        kind=derivation.rules.kind,
        stream=stream,
        state=fold.state,
        organisations=tuple(sorted(fold.organisations)),
        gaps=gaps,
        conflicts=(*fold.conflicts.values(), *inert),
        timeline=told_of(fold.conflicts, seen),
        said=tuple(_said(fold, gaps, [event for event in seen.events if event.id not in seen.mended.struck])),
    )


def _said(fold: LearningFold, gaps: Sequence[Gap], events: Iterable[Event]) -> Iterator[tuple[Event, UUID]]:
    for event in events:
        fact = event.data
        if isinstance(fact, LearningGapAcknowledged) and event.id not in fold.conflicts:
            exact = [gap for gap in gaps if gap.id == fact.gap.id]
            for gap in exact or [gap for gap in gaps if follows(fact.gap, gap, event.occurred_at)]:
                yield event, gap.id
