"""When the open obstacles of one subject are held by three or more organisations and nobody coordinates.

``Uncoordinated.observe`` takes what each event changed about who holds what, who coordinates and who stands under whom,
in the order in which events occurred. What lies between the events of one instant has no length: whatever is so after
the last of them is so at that instant, and what ran before it runs on if it is still so.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from ...domain.event import Event
from ...domain.ids import CaseId, EventId, ObstacleId
from ...domain.organisation.facts import OrganisationFact
from ...domain.vocabulary import GapKind
from .shapes import Gap, GapTurn
from .tree import Tree

HOLDERS: Final = 3
"""How many organisations of different top parents it takes (gaps.md): two may still phone each other."""


class Holding(Struct, frozen=True, gc=False):
    """An organisation holds an open obstacle since the event at a place; places follow the order of events."""

    organisation: str
    event: EventId
    place: int


class Coordination(Struct, frozen=True, gc=False):
    """A coordinator was named in a case, up to ``until`` (none: for good)."""

    event: EventId
    place: int
    case: CaseId
    until: datetime | None


class Change(Struct, frozen=True, gc=False):
    """What an event changed about a case: who holds which obstacle (none: nobody any more), and who coordinates.

    An organisation's event changes neither; it may change who stands under whom.
    """

    event: Event
    place: int
    case: CaseId | None
    holdings: Mapping[ObstacleId, Holding | None] = {}
    coordination: Coordination | None = None


class _Spell(Struct, frozen=True, gc=False):
    """It is so from ``from_`` on, begun by an event of a case (none: of an organisation).

    ``holdings`` are who held obstacles in it, and in which cases, by what events.
    """

    begun_by: EventId
    begun_at: int
    begun_in: CaseId | None
    from_: datetime
    holdings: Mapping[tuple[CaseId, ObstacleId, EventId], Holding]

    def with_(self, holdings: Mapping[tuple[CaseId, ObstacleId, EventId], Holding]) -> "_Spell":
        """Return it with more that were held in it."""
        return replace(self, holdings={**self.holdings, **holdings})


class Uncoordinated:
    """The stretches in which nobody coordinates what several do for one subject, at the moment of the last event."""

    __slots__ = ("_before", "_closed", "_coordinations", "_held", "_instant", "_now", "_subject", "_tree")

    def __init__(self, subject: UUID) -> None:
        """Start with nobody holding anything."""
        self._subject = subject
        self._tree = Tree()
        self._held: dict[tuple[CaseId, ObstacleId], Holding] = {}
        self._coordinations: dict[CaseId, Coordination] = {}
        self._closed: dict[EventId, Gap] = {}
        self._instant: datetime | None = None
        self._before: _Spell | None = None
        """What ran before the instant of the last event."""
        self._now: _Spell | None = None
        """What runs, or will by time alone."""

    def observe(self, change: Change) -> None:
        """Take in what an event changed; changes must come in the order in which their events occurred."""
        at = change.event.occurred_at
        if self._instant is None or at > self._instant:
            # What was to begin by time alone has begun by now; what begins at this very instant did not run before it.
            self._before = self._now if self._now is not None and self._now.from_ < at else None
            self._instant = at
        if change.case is not None:
            for obstacle, holding in change.holdings.items():
                if holding is None:
                    self._held.pop((change.case, obstacle), None)
                else:
                    self._held[change.case, obstacle] = holding
            if change.coordination is not None:
                self._coordinations[change.case] = change.coordination
        elif isinstance(change.event.data, OrganisationFact):
            self._tree.show(change.event)
        self._now = self._next(change, at)
        self._close(change, at)

    def _next(self, change: Change, at: datetime) -> _Spell | None:
        """Return what runs after an event, or will by time alone."""
        tops = {self._tree.top(one) for one in {holding.organisation for holding in self._held.values()}}
        if len(tops) < HOLDERS:
            return None
        held = {(*key, holding.event): holding for key, holding in self._held.items()}
        cases = {case for case, _ in self._held}
        coordinated = [
            one for case, one in self._coordinations.items() if case in cases and (one.until is None or one.until > at)
        ]
        if any(one.until is None for one in coordinated):
            return None
        if coordinated:
            last = max(coordinated, key=lambda one: (one.until, one.place))
            assert last.until is not None
            return _Spell(last.event, last.place, last.case, last.until, held)
        if self._before is not None:
            return self._before.with_(held)
        if self._now is not None and self._now.from_ == at:
            return replace(self._now, holdings=held)
        return _Spell(change.event.id, change.place, change.case, at, held)

    def _close(self, change: Change, at: datetime) -> None:
        """Keep what ran before this instant as ended, if it does not run on."""
        before, now = self._before, self._now
        if before is None:
            return
        if now is not None and now.begun_by == before.begun_by and now.from_ == before.from_:
            self._closed.pop(before.begun_by, None)
            return
        closed = self._closed.get(before.begun_by)
        if closed is not None and closed.until == at:
            return  # An earlier event of this instant ended it; this one found it ended.
        gap = self._gap(before)
        evidence = dict.fromkeys((*gap.evidence, change.event.id))
        self._closed[before.begun_by] = replace(
            gap,
            until=at,
            open=False,
            evidence=tuple(evidence),
            pieces=at - before.from_,
            running_from=None,
            cases=_in_order(*gap.cases, change.case),
        )

    def gaps(self) -> Iterator[GapTurn]:
        """Yield each stretch as a gap, with the moments for which it is so."""
        for gap in self._closed.values():
            assert gap.until is not None
            yield gap.until, None, gap
        if self._now is not None:
            yield self._now.from_, None, self._gap(self._now)

    def _gap(self, spell: _Spell) -> Gap:
        """Return a stretch as a gap that runs."""
        held = sorted(spell.holdings.items(), key=lambda item: item[1].place)
        proof = {spell.begun_at: spell.begun_by} | {holding.place: holding.event for _, holding in held}
        return Gap(
            kind=GapKind.UNCOORDINATED,
            lies_on=self._subject,
            begun_by=spell.begun_by,
            from_=spell.from_,
            until=None,
            open=True,
            to_act=(),
            involved=tuple(sorted({holding.organisation for _, holding in held})),
            evidence=tuple(proof[place] for place in sorted(proof)),
            running_from=spell.from_,
            # Also where what began it happened: it is evidence, and who may not see that case may not see it.
            cases=_in_order(*(case for (case, _, _), _ in held), spell.begun_in),
        )


def _in_order(*cases: CaseId | None) -> tuple[CaseId, ...]:
    """Return cases, each once."""
    return tuple(dict.fromkeys(case for case in cases if case is not None))
