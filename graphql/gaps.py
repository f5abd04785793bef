"""A gap as clients see it, be it a row of a list or derived with its case.

The module is long because a gap tells of all that was said of it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, NamedTuple
from uuid import UUID

import strawberry

from ..domain.case import facts as f
from ..domain.event import Event as RecordedEvent
from ..domain.learning.facts import LearningGapAcknowledged
from ..domain.text import Clear, Erased, Sealed, Withheld
from ..domain.vocabulary import GapKind, LearningKind, Stance
from ..projections.derivation.answer import Told
from ..projections.derivation.shapes import Gap as DerivedGap
from ..projections.queries.gaps import GapRow
from . import ids
from .across import across
from .events import Event, event_of, events_of, texts_held
from .nodes import Node
from .organisations import Organisation, organisation, organisations
from .view import At, CaseAt, Reading, StreamAt, View, later

if TYPE_CHECKING:
    from .cases import Case
    from .causes import Cause
    from .chains import Obstacle
    from .learning import LearningStream

DAY_DIGITS = 5
"""Decimals of a number of days: to the second."""


def days(duration: timedelta) -> float:
    """Return a duration in days, to the second."""
    return round(duration.total_seconds() / 86_400, DAY_DIGITS)


@strawberry.type(description="Somebody's own version of an event or a gap.")
class Account:
    """An account, by an organisation or by a subject."""

    view: strawberry.Private[View]
    told: strawberry.Private[Told]
    event: Event = strawberry.field(description="The event that recorded it.")
    by: Organisation | None = strawberry.field(description="The organisation whose word it is; null: a subject's.")
    by_subject: strawberry.ID | None = strawberry.field(description="The pseudonym of the subject whose word it is.")
    stance: Stance = strawberry.field(description="Whether it confirms or disputes.")

    @strawberry.field(description="It in their own words; null if they gave none, or if they were erased.")
    def text(self) -> str | None:
        """Return its text."""
        fact = self.told.event.data
        assert isinstance(fact, f.AccountGiven)
        return text_of(self.view, self.told, fact.account)


@strawberry.type(description="An organisation's word that it owns up to a gap.")
class Acknowledgement:
    """An acknowledgement, with its plan."""

    view: strawberry.Private[View]
    told: strawberry.Private[Told]
    event: Event = strawberry.field(description="The event that recorded it.")
    organisation: Organisation = strawberry.field(description="Who owns up.")
    due: datetime | None = strawberry.field(description="By when it means to close the gap.")

    @strawberry.field(description="What it will do; null if it did not say, or if the subject was erased.")
    def plan(self) -> str | None:
        """Return its plan."""
        fact = self.told.event.data
        assert isinstance(fact, f.GapAcknowledged | LearningGapAcknowledged)
        return text_of(self.view, self.told, fact.plan)


def text_of(view: View, told: Told, text: object) -> str | None:
    """Return a sealed text of an event in clear, none where there is none or it was erased."""
    if not isinstance(text, Sealed):
        return None
    at_hand = None if told.corrected_by else view.texts.known.get(told.event.id)
    return later(_text(view, told, text)) if at_hand is None else _clear(at_hand, text)


async def _text(view: View, told: Told, text: Sealed) -> str | None:
    return _clear(await view.opened(await texts_held(view, told)), text)


def _clear(texts: Mapping[Sealed, Clear | Erased | Withheld], text: Sealed) -> str | None:
    opened = texts.get(text)
    return opened.content.reveal() if isinstance(opened, Clear) else None


def accounts_of(case: At, reading: Reading, target: UUID) -> list[Account]:
    """Return the accounts of an event or gap, in the order in which they were given."""
    said = [(case, reading.event(event.id)) for event in reading.about.get(target, ())]
    return _accounts(said)


def _accounts(said: Sequence[tuple[At, Told]]) -> list[Account]:
    """Return the accounts among what was said, each in its case."""
    found: list[Account] = []
    for case, told in said:
        fact = told.event.data
        if isinstance(fact, f.AccountGiven):
            by = fact.by.organisation
            found.append(
                Account(
                    view=case.view,
                    told=told,
                    event=event_of(case, told),
                    by=None if by is None else organisation(case.view, by),
                    by_subject=None if fact.by.subject is None else strawberry.ID(str(fact.by.subject)),
                    stance=fact.stance,
                )
            )
    return found


@strawberry.type(
    description="An interval in which a chain failed the subject. It accuses nobody: it says who has to act."
)
class Gap(Node):
    """A gap at the view's two times."""

    at: strawberry.Private[At]
    gap: strawberry.Private[UUID]
    lies_on: strawberry.Private[UUID | None]
    kind: GapKind = strawberry.field(description="In which way the chain failed.")
    from_: datetime = strawberry.field(name="from", description="When it began.")
    until: datetime | None = strawberry.field(description="When it ended; null while it has not.")
    open: bool = strawberry.field(description="Whether it is still open.")
    counts: bool = strawberry.field(description="Whether it has lasted longer than its kind's grace.")
    days: float = strawberry.field(description="How long its pieces lasted together, up to its end or asOf, in days.")
    length: int | None = strawberry.field(description="Of a carousel: how many different holders; 2 is ping-pong.")
    to_act_ids: strawberry.Private[Sequence[str]]
    involved_ids: strawberry.Private[Sequence[str]]
    evidence_ids: strawberry.Private[Sequence[UUID]]
    stream_kind: strawberry.Private[LearningKind | None] = None
    """The kind of learning stream that it is about; ``at`` is then at that stream."""
    over: strawberry.Private[Sequence[UUID]] = ()
    """The cases that it lies in, if it lies over the cases of one subject; ``at`` is then at the subject."""

    @strawberry.field(description="Its global id.")
    def id(self) -> strawberry.ID:
        """Return its global id."""
        return strawberry.ID(ids.global_id(ids.GAP, self.at.id, self.gap))

    @strawberry.field(description="The organisations that have to act to close it.")
    def to_act(self) -> list[Organisation]:
        """Return who has to act."""
        return organisations(self.at.view, self.to_act_ids)

    @strawberry.field(description="The other organisations that it is about; of a carousel: its holders, in order.")
    def involved(self) -> list[Organisation]:
        """Return who is involved."""
        return organisations(self.at.view, self.involved_ids)

    @strawberry.field(description="Whether an organisation that has to act acknowledged or confirmed it itself.")
    def self_noticed(self) -> bool:
        """Return whether one of those to act said so themselves."""
        if self._unsaid:
            return False
        if self.over:
            return later(self._self_noticed_across())
        return self.at.read(lambda reading: _self_noticed(reading.about.get(self.gap, ()), self.to_act_ids))

    @property
    def _unsaid(self) -> bool:
        """Whether it is known without deriving its case that nothing was said of it there, nor could be elsewhere."""
        return not self.over and self.at.id in self.at.view.silent

    async def _self_noticed_across(self) -> bool:
        return _self_noticed([told.event for _, told in await self._said_across()], self.to_act_ids)

    async def _said_across(self) -> list[tuple[At, Told]]:
        """Return what was said of it, if it lies over several cases."""
        at, lying = self.at, _Lying(self.gap, self.kind, None, self.from_, self.until)
        said = await across(at.view).said(at.id, lying, at.known_to)
        return [(CaseAt(at.view, case, at.known_to), told) for case, told in said]

    @strawberry.field(
        description="The case in which it lies; null if it lies over several cases of one subject, or is about a cause "
        "or its like."
    )
    def case(self) -> Annotated["Case", strawberry.lazy(".cases")] | None:
        """Return its case."""
        cases = self.cases()
        return cases[0] if len(cases) == 1 else None

    @strawberry.field(
        description="The cases in which it lies, in the order in which they came into it; mostly one, none if it is "
        "about a cause or its like."
    )
    def cases(self) -> list[Annotated["Case", strawberry.lazy(".cases")]]:
        """Return its cases."""
        from .cases import case_of  # noqa: PLC0415  cases imports this module

        if isinstance(self.at, CaseAt) and not self.over:
            return [case_of(self.at)]
        return [case_of(CaseAt(self.at.view, case, self.at.known_to)) for case in self.over]

    @strawberry.field(
        description="The pseudonym of the subject over all whose cases it is looked for; null if it is one case's own."
    )
    def subject(self) -> strawberry.ID | None:
        """Return its subject."""
        return strawberry.ID(str(self.at.id)) if self.over else None

    @strawberry.field(
        description="The obstacle on which it lies; null for a deadlock and for what nobody coordinates, which lie on "
        "several."
    )
    def obstacle(self) -> Annotated["Obstacle", strawberry.lazy(".chains")] | None:
        """Return its obstacle."""
        from .chains import Obstacle  # noqa: PLC0415  chains imports this module

        if self.lies_on is None or not isinstance(self.at, CaseAt):
            return None
        return Obstacle(at=self.at, obstacle=self.lies_on)

    @strawberry.field(description="The cause that it is about; null if it is about a case, or about something else.")
    def cause(self) -> Annotated["Cause", strawberry.lazy(".causes")] | None:
        """Return its cause."""
        from .causes import Cause  # noqa: PLC0415  causes imports this module

        return Cause(at=self.at) if isinstance(self.at, StreamAt) and self.stream_kind is LearningKind.CAUSE else None

    @strawberry.field(description="The cause or its like that it is about; null if it is about cases.")
    def about(self) -> Annotated["LearningStream", strawberry.lazy(".learning")] | None:
        """Return the learning stream that it is about."""
        from .learning_types import TYPES  # noqa: PLC0415  they import this module

        at, kind = self.at, self.stream_kind
        return TYPES[kind](at=at) if isinstance(at, StreamAt) and kind is not None else None

    @strawberry.field(description="The events that prove it, in their order.")
    def evidence(self) -> list[Event]:
        """Return its evidence."""
        at, events = self.at, self.evidence_ids
        if self.over:
            return later(self._evidence_across())
        if at.known_to is not None or at.is_read:
            # What one organisation knew of, corrections included, only a derivation tells.
            return at.read(lambda reading: events_of(at, reading, events))
        found = at.view.told(at.id, events)
        return later(self._evidence()) if found is None else [event_of(at, told) for told in found]

    async def _evidence_across(self) -> list[Event]:
        told = await across(self.at.view).told(self.over, (*self.to_act_ids, *self.involved_ids), self.evidence_ids)
        return [event_of(self.at, one) for one in told]

    async def _evidence(self) -> list[Event]:
        await self.at.view.histories.load(self.at.id)
        found = self.at.view.told(self.at.id, self.evidence_ids)
        assert found is not None, "the history has just been loaded"
        return [event_of(self.at, told) for told in found]

    @strawberry.field(description="What organisations and subjects say about it.")
    def accounts(self) -> list[Account]:
        """Return what was said about it."""
        if self._unsaid:
            return []
        if self.over:
            return later(self._accounts_across())
        return self.at.read(lambda reading: accounts_of(self.at, reading, self.gap))

    async def _accounts_across(self) -> list[Account]:
        return _accounts(await self._said_across())

    @strawberry.field(description="Who owned up to it, and with what plan.")
    def acknowledgements(self) -> list[Acknowledgement]:
        """Return who owned up to it."""
        if self._unsaid:
            return []
        if self.over:
            return later(self._acknowledgements_across())
        return self.at.read(
            lambda reading: _acknowledgements(
                [(self.at, reading.event(event.id)) for event in reading.about.get(self.gap, ())]
            )
        )

    async def _acknowledgements_across(self) -> list[Acknowledgement]:
        return _acknowledgements(await self._said_across())


class _Lying(NamedTuple):
    """A gap, as far as it matters to what was said of it."""

    id: UUID
    kind: GapKind
    obstacle: UUID | None
    from_: datetime
    until: datetime | None


def _self_noticed(said: Sequence[RecordedEvent], to_act: Sequence[str]) -> bool:
    for event in said:
        match event.data:
            case f.GapAcknowledged(organisation=by) | LearningGapAcknowledged(organisation=by) if by in to_act:
                return True
            case f.AccountGiven(stance=Stance.CONFIRMS, by=f.Party(organisation=by)) if by in to_act:
                return True
            case _:
                pass
    return False


def _acknowledgements(said: Sequence[tuple[At, Told]]) -> list[Acknowledgement]:
    """Return the acknowledgements among what was said, each where it was recorded."""
    found: list[Acknowledgement] = []
    for case, told in said:
        fact = told.event.data
        if isinstance(fact, f.GapAcknowledged | LearningGapAcknowledged):
            found.append(
                Acknowledgement(
                    view=case.view,
                    told=told,
                    event=event_of(case, told),
                    organisation=organisation(case.view, fact.organisation),
                    due=fact.due,
                )
            )
    return found


@strawberry.type(description="A kind of gap, and how many there are.")
class GapKindCount:
    """One kind, counted."""

    kind: GapKind = strawberry.field(description="The kind.")
    count: int = strawberry.field(description="How many there are.")


def gap_of_row(view: View, row: GapRow, known_to: str | None = None) -> Gap:
    """Return the gap that a list found."""
    return Gap(
        at=CaseAt(view, row.case, known_to) if row.stream_kind is None else StreamAt(view, row.case),
        gap=row.id,
        lies_on=row.obstacle,
        kind=row.kind,
        from_=row.from_,
        until=row.until,
        open=row.open,
        counts=row.counts,
        days=days(row.lasted),
        length=row.length,
        to_act_ids=row.to_act,
        involved_ids=row.involved,
        evidence_ids=row.evidence,
        stream_kind=row.stream_kind,
        over=row.cases,
    )


def gap_of(case: At, gap: DerivedGap) -> Gap:
    """Return a gap derived with its case or learning stream."""
    as_of = case.view.as_of
    return Gap(
        at=case,
        gap=gap.id,
        lies_on=gap.obstacle,
        kind=gap.kind,
        from_=gap.from_,
        until=gap.until,
        open=gap.open,
        counts=gap.counts(as_of),
        days=days(gap.lasted(as_of)),
        length=gap.length,
        to_act_ids=gap.to_act,
        involved_ids=gap.involved,
        evidence_ids=gap.evidence,
        stream_kind=gap.stream_kind,
    )


Counts = Annotated[
    bool | None,
    strawberry.argument(description="Those that count (default), those that do not, or with null all."),
]


def gaps_of(case: At, gaps: Sequence[DerivedGap], *, counts: bool | None) -> list[Gap]:
    """Return gaps derived with their case or learning stream: those that count, those that do not, or all."""
    as_of = case.view.as_of
    return [gap_of(case, gap) for gap in gaps if counts is None or gap.counts(as_of) is counts]
