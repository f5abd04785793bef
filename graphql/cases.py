"""A case as clients see it: its header from the list that found it, all else derived when asked for."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import strawberry

from ..domain.case import facts as f
from ..domain.case.corrections import is_mending
from ..domain.case.facts import CaseOpened
from ..domain.case.named import organisations_of
from ..domain.event import Event as RecordedEvent
from ..domain.vocabulary import CaseRelation
from ..projections.derivation.answer import CaseAnswer, Told
from ..projections.queries.cases import CaseRow
from . import ids
from .across import across
from .chains import CrossChain, Obstacle
from .enumerations import CaseStatus
from .events import Conflict, Event, EventConnection, conflict_of, event_of
from .gaps import Counts, Gap, gap_of_row, gaps_of, text_of
from .nodes import Node, page_size, place_of
from .organisations import Organisation, organisations
from .problems import bad_input
from .timeline import Place, event_page, stretch, window
from .view import CaseAt, CaseReading, View, later

T = TypeVar("T")

First = Annotated[int | None, strawberry.argument(description="How many; 20 if not given, 200 at most.")]
After = Annotated[str | None, strawberry.argument(description="The endCursor of the page before.")]
StartAt = Annotated[
    int | None,
    strawberry.argument(
        description="In the place of 'after': the number of the event to begin with, from 1. Where fewer than 'first' "
        "follow, the page begins earlier, so that any number beyond the end gives the last events."
    ),
]


@strawberry.type(description="One story as a whole, which may run through many organisations.")
class Case(Node):
    """A case at the view's two times."""

    at: strawberry.Private[CaseAt]
    header: strawberry.Private[CaseRow | None] = None

    @strawberry.field(description="Its global id.")
    def id(self) -> strawberry.ID:
        """Return its global id."""
        return strawberry.ID(ids.global_id(ids.CASE, self.at.id))

    @strawberry.field(description="The code by which people name it.")
    def reference(self) -> str:
        """Return its reference."""
        return self.header.reference if self.header else self._opening(lambda fact: fact.reference)

    @strawberry.field(description="Its title; null if it has none, or if the subject was erased.")
    def title(self) -> str | None:
        """Return its title."""
        return self._told(lambda told, opened: text_of(self.at.view, told, opened.title))

    @strawberry.field(description="Its theme, as a slug.")
    def theme(self) -> str:
        """Return its theme."""
        return self.header.theme if self.header else self._opening(lambda fact: fact.theme)

    @strawberry.field(description="Whether it is open. A closed case may have open obstacles, held by nobody.")
    def status(self) -> CaseStatus:
        """Return its status."""
        if self.header:
            return _status(self.header.closed_at)
        return self._answer(lambda answer: _status(answer.closed_at))

    @strawberry.field(description="When it was opened.")
    def opened_at(self) -> datetime:
        """Return when it was opened."""
        return self.header.opened_at if self.header else self.at.read(lambda reading: reading.opening.occurred_at)

    @strawberry.field(description="When it was closed; null while it is open.")
    def closed_at(self) -> datetime | None:
        """Return when it was closed."""
        return self.header.closed_at if self.header else self._answer(lambda answer: answer.closed_at)

    @strawberry.field(description="The pseudonyms of those it is about, the first one first.")
    def subjects(self) -> list[strawberry.ID]:
        """Return its subjects."""
        return self._opening(lambda fact: [strawberry.ID(str(subject)) for subject in fact.subjects])

    @strawberry.field(description="Every organisation that has a part in it, in the order in which they came in.")
    def organisations(self) -> list[Organisation]:
        """Return every organisation that an event with effect names."""
        return self._answer(
            lambda answer: organisations(
                self.at.view,
                list(
                    dict.fromkeys(
                        name
                        for told in answer.timeline
                        if told.conflict is None and told.struck_by is None and not is_mending(told.event)
                        for name in organisations_of(told.event.data)
                    )
                ),
            )
        )

    @strawberry.field(
        description="The organisation that keeps the overview; null: none was named, or its time is over."
    )
    def coordinator(self) -> Organisation | None:
        """Return the coordinator named last, if that still holds."""

        def find(answer: CaseAnswer) -> Organisation | None:
            named = [
                told.event.data
                for told in answer.timeline
                if told.conflict is None and told.struck_by is None
                if isinstance(told.event.data, f.CoordinatorNamed)
            ]
            if not named or (named[-1].until is not None and named[-1].until <= answer.as_of):
                return None
            return Organisation(identifier=named[-1].organisation, view=self.at.view)

        return self._answer(find)

    @strawberry.field(description="What blocks the subject, in the order in which it was reported.")
    def obstacles(self) -> list[Obstacle]:
        """Return its obstacles."""
        return self._answer(lambda answer: [Obstacle(at=self.at, obstacle=one.obstacle) for one in answer.obstacles])

    @strawberry.field(
        description="The gaps that lie in it, by obstacle, beginning and kind; then those over several cases of its "
        "subjects that lie in it too."
    )
    def gaps(
        self,
        counts: Counts = True,  # noqa: FBT002  an argument of GraphQL
        first: Annotated[
            int | None, strawberry.argument(description="With 'startAt': of how many events, 20 if not given.")
        ] = None,
        start_at: Annotated[
            int | None,
            strawberry.argument(
                description="Only those that lie, in part at least, in the stretch of time of the events that "
                "'timeline' answers with for the same number. What ended before the "
                "last event of all does not lie in its stretch."
            ),
        ] = None,
    ) -> list[Gap]:
        """Return its gaps."""
        size = page_size(first)
        return later(self._gaps(counts=counts, window=None if start_at is None else (size, _from_one(start_at))))

    async def _gaps(self, *, counts: bool | None, window: tuple[int, int] | None) -> list[Gap]:
        view, known_to = self.at.view, self.at.known_to
        over = await across(view).gaps_of_case(self.at.id, known_to)
        reading = await view.read(self.at.id, known_to)
        assert reading is not None, "whoever names a case has found it at this view"
        gaps = reading.answer.gaps
        if window is not None:
            begin, end = stretch(reading.answer.timeline, *window, reading.answer.as_of)
            gaps = [gap for gap in gaps if gap.from_ <= end and (gap.until is None or gap.until >= begin)]
            over = [row for row in over if row.from_ <= end and (row.until is None or row.until >= begin)]
        return [
            *gaps_of(self.at, gaps, counts=counts),
            *(gap_of_row(view, row, known_to) for row in over if counts is None or row.counts is counts),
        ]

    @strawberry.field(description="The events without effect, and what contradicts them.")
    def conflicts(self) -> list[Conflict]:
        """Return its conflicts."""

        def find(reading: CaseReading) -> list[Conflict]:
            found = (conflict_of(self.at, reading, event) for event in reading.conflicts)
            return [conflict for conflict in found if conflict is not None]

        return self.at.read(find)

    @strawberry.field(description="Its events, in the order in which they occurred.")
    def timeline(self, first: First = None, after: After = None, start_at: StartAt = None) -> EventConnection:
        """Return a page of its events."""
        size, place = page_size(first), place_of(after, Place)
        if start_at is not None:
            if after is not None:
                raise bad_input("startAt: it stands in the place of 'after', not beside it.")
            number = _from_one(start_at)
            return self.at.read(lambda reading: window(self.at, reading.answer.timeline, size, number))
        return self.at.read(lambda reading: event_page(self.at, reading.answer.timeline, size, place, after))

    @strawberry.field(
        description="Its obstacles that set each other off, taken together; also with those in other cases of its "
        "subjects."
    )
    def cross_chains(self) -> list[CrossChain]:
        """Return its cross-chains."""
        return self.at.read(lambda reading: later(self._cross_chains(reading)))

    async def _cross_chains(self, reading: CaseReading) -> list[CrossChain]:
        found = await across(self.at.view).chains_of_case(reading, self.at.id, self.at.known_to)
        return [CrossChain(view=self.at.view, known_to=self.at.known_to, derived=derived) for derived in found]

    @strawberry.field(description="The cases that it was linked with, or that were linked with it.")
    async def linked_cases(self) -> list["LinkedCase"]:
        """Return its linked cases."""
        view = self.at.view
        found: list[LinkedCase] = []
        for one, other, relation, event in await across(view).links.load(self.at.id):
            linked = other if one == self.at.id else one
            if await view.read(linked, None) is not None:
                found.append(LinkedCase(view=view, case_id=linked, by=one, relation=relation, event_id=event))
        return sorted(found, key=lambda link: (str(link.case_id), str(link.event_id)))

    def _answer(self, what: Callable[[CaseAnswer], T]) -> T:
        return self.at.read(lambda reading: what(reading.answer))

    def _opening(self, what: Callable[[CaseOpened], T]) -> T:
        """Return something of what opened it."""
        return self._told(lambda _, opened: what(opened))

    def _told(self, what: Callable[[Told, CaseOpened], T]) -> T:
        """Return something of what opened it, and of how it is to be shown."""

        def find(reading: CaseReading) -> T:
            opened = reading.opening
            assert isinstance(opened.data, CaseOpened)
            return what(reading.event(opened.id), opened.data)

        if self.at.is_read or self.at.known_to is not None:
            return self.at.read(find)
        opened = self.at.view.begun.known.get(self.at.id)
        return later(self._found(what, find)) if opened is None else _of_opening(what, opened)

    async def _found(self, what: Callable[[Told, CaseOpened], T], find: Callable[[CaseReading], T]) -> T:
        opened = await self.at.view.recorded_opening(self.at.id)
        if opened is None:
            value: Any = self.at.read(find)
        else:
            value = _of_opening(what, opened)
        return await value if hasattr(value, "__await__") else value


def _of_opening(what: Callable[[Told, CaseOpened], T], opened: RecordedEvent) -> T:
    assert isinstance(opened.data, CaseOpened)
    return what(Told(opened, None, None, ()), opened.data)


def _from_one(number: int) -> int:
    """Return the number of an event. Raises ``Problem``."""
    if number < 1:
        raise bad_input(f"startAt: {number} is no event's number; they are counted from 1.")
    return number


@strawberry.type(description="A case that another one was linked with.")
class LinkedCase:
    """A link, seen from either side."""

    view: strawberry.Private[View]
    case_id: strawberry.Private[UUID]
    by: strawberry.Private[UUID]
    event_id: strawberry.Private[UUID]
    relation: CaseRelation = strawberry.field(description="How the linking case stands to the linked one.")

    @strawberry.field(description="The other case.")
    def case(self) -> Case:
        """Return the case at the other end."""
        return Case(at=CaseAt(self.view, self.case_id))

    @strawberry.field(description="Whether the other case is the one whose record says so.")
    def linking(self) -> bool:
        """Return whether the link is the other case's."""
        return self.by == self.case_id

    @strawberry.field(description="The event that linked them.")
    def event(self) -> Event:
        """Return what linked them."""
        at = CaseAt(self.view, self.by)
        return at.read(lambda reading: event_of(at, reading.event(self.event_id)))


def _status(closed_at: datetime | None) -> CaseStatus:
    return CaseStatus.OPEN if closed_at is None else CaseStatus.CLOSED


def case_of(at: CaseAt) -> Case:
    """Return a case that was found at this view."""
    return Case(at=at)


def case_of_row(at: CaseAt, row: CaseRow) -> Case:
    """Return a case that a list found."""
    return Case(at=at, header=row)
