"""Events as clients see them: in their place, as corrected, with their texts opened and in plain words.

The module is long because an event tells of all that was said of it: what mended it, what disputes it, its proof.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import strawberry
from msgspec.structs import replace

from ..domain.case import facts as f
from ..domain.case.corrections import mend
from ..domain.case.named import obstacle_elsewhere
from ..domain.command import RefusalCode
from ..domain.event import Event as RecordedEvent
from ..domain.learning.facts import LearningFact
from ..domain.organisation.facts import OrganisationFact
from ..domain.organisation.standing import told
from ..domain.text import Clear, Erased, Sealed, Withheld
from ..domain.vocabulary import Precision, Role
from ..projections.derivation.answer import UNFIT, Told
from ..projections.summaries import Language, organisations_named, summary
from . import ids
from .enumerations import TYPE_OF_TOPIC, EventType
from .log import InclusionProof, inclusion
from .nodes import Node, PageInfo
from .organisations import Organisation, organisation
from .scalars import Json, Position
from .shown import shown_fact
from .view import At, CaseAt, Reading, StreamAt, View, later

if TYPE_CHECKING:
    from .cases import Case

T = TypeVar("T")


@strawberry.type(description="Who recorded an event.")
class Actor:
    """An organisation, a role in it, and a person by pseudonym."""

    organisation: Organisation = strawberry.field(description="The organisation that recorded it.")
    role: Role = strawberry.field(description="In which role.")
    user: str = strawberry.field(description="A pseudonym of the person; the issuer of tokens knows who it is.")


@strawberry.type(description="An organisation that also knew of an event.")
class Knower:
    """Who knew, and since when."""

    organisation: Organisation = strawberry.field(description="Who knew.")
    since: datetime = strawberry.field(description="Since when.")


@strawberry.type(description="Why an event has no effect: it contradicts what the record says for its place in time.")
class Conflict:
    """An inert event and what it contradicts."""

    event: "Event" = strawberry.field(description="The event without effect.")
    code: RefusalCode = strawberry.field(description="Why, for programs.")
    message: str = strawberry.field(description="Why, in a sentence.")
    contradicted_by: list["Event"] = strawberry.field(description="The events that contradict it.")


@strawberry.type(description="Something that happened, as the registry holds it: immutable, but shown as corrected.")
class Event(Node):
    """One event of a case or of an organisation, within a view."""

    view: strawberry.Private[View]
    known_to_only: strawberry.Private[str | None]
    told: strawberry.Private[Told]

    @strawberry.field(description="Its global id.")
    def id(self) -> strawberry.ID:
        """Return its global id."""
        event = self.told.event
        return strawberry.ID(ids.global_id(ids.EVENT, event.stream, event.id))

    @strawberry.field(description="Its place in the log, from 0.")
    def position(self) -> Position:
        """Return its position."""
        return Position(self.told.event.position)

    @strawberry.field(description="What kind of thing it says happened.")
    def type(self) -> EventType:
        """Return its type."""
        return TYPE_OF_TOPIC[self.told.event.data.topic]

    @strawberry.field(
        description="The stream in which it stands: the UUID of its case, of its cause or its like, or of an "
        "organisation's stream."
    )
    def stream(self) -> strawberry.ID:
        """Return its stream."""
        return strawberry.ID(str(self.told.event.stream))

    @strawberry.field(description="Its number within the stream, from 1.")
    def version(self) -> int:
        """Return its version."""
        return self.told.event.version

    @strawberry.field(
        description="Its number in the timeline of its case, cause or the like, from 1, at this view; null for one "
        "that does not stand there, and for those of organisations."
    )
    def number(self) -> int | None:
        """Return its place in the timeline."""
        return self._within(lambda reading: reading.number(self.told.event.id), None)

    @strawberry.field(
        description="The offer that it accepts, refuses or takes back, which says from whom to whom and about which "
        "obstacle; null for all other events, and where the offer is not known."
    )
    def offer(self) -> "Event | None":
        """Return the offer that it answers."""
        fact = self.told.event.data
        if not isinstance(fact, f.HandoffFact) or isinstance(fact, f.HandoffOffered):
            return None

        return later(self._offer(fact.handoff))

    async def _offer(self, handoff: UUID) -> "Event | None":
        offer = await self.view.offer(self.told.event.stream, handoff)
        if offer is None:
            return None
        found: Any = self._within(lambda reading: reading.told.get(offer.id), None)
        told = await found if hasattr(found, "__await__") else found
        return None if told is None else Event(view=self.view, known_to_only=self.known_to_only, told=told)

    @strawberry.field(description="When it happened in the world, as corrected.")
    def occurred_at(self) -> datetime:
        """Return when it happened."""
        return self.told.event.occurred_at

    @strawberry.field(description="How exactly that moment is known.")
    def precision(self) -> Precision:
        """Return how exactly."""
        return self.told.event.precision

    @strawberry.field(description="When the registry accepted it.")
    def recorded_at(self) -> datetime:
        """Return when it was recorded."""
        return self.told.event.recorded_at

    @strawberry.field(description="Whether an importer deduced it, instead of somebody saying so.")
    def inferred(self) -> bool:
        """Return whether it was deduced."""
        return self.told.event.inferred

    @strawberry.field(description="Where it came from: 'api', or the import that brought it.")
    def source(self) -> str:
        """Return its source."""
        return self.told.event.source

    @strawberry.field(description="Who recorded it.")
    def actor(self) -> Actor:
        """Return who recorded it."""
        actor = self.told.event.actor
        return Actor(organisation=organisation(self.view, actor.organisation), role=actor.role, user=actor.user)

    @strawberry.field(description="Who else was said to know of it, and since when.")
    def known_to(self) -> list[Knower]:
        """Return who else knew."""
        return [
            Knower(organisation=organisation(self.view, knower.organisation), since=knower.since)
            for knower in self.told.event.known_to
        ]

    @strawberry.field(
        description='Its own fields. A text about somebody who was erased is {"erased": true}, and one that is not for '
        'you to read {"withheld": true}.'
    )
    def data(self) -> Json:
        """Return the fact's fields, with its texts opened."""
        fact = self.told.event.data
        elsewhere = obstacle_elsewhere(fact)
        if elsewhere is not None:
            return later(self._but_for(*elsewhere))
        if not any(isinstance(getattr(fact, name), Sealed) for name in fact.__struct_fields__):
            return Json(shown_fact(fact, {}))
        return later(self._opened(lambda texts: shown_fact(fact, texts)))

    async def _but_for(self, field: str, obstacle: UUID) -> Any:
        """Return the fact's fields, without an obstacle of a case that who asks may not see."""
        fact = self.told.event.data
        if await self.view.cases_of.load(obstacle) is None:
            fact = replace(fact, **{field: None})
        return await self._opened(lambda texts: shown_fact(fact, texts))

    @strawberry.field(description="It in one plain sentence.")
    def summary(
        self, language: Annotated[Language, strawberry.argument(description="In which language.")] = Language.NL
    ) -> str:
        """Return its sentence."""
        event = self.told.event
        known = self.view.organisations.known
        if all(name in known for name in organisations_named(event)) and not isinstance(event.data, f.HandoffFact):
            return summary(event, language, self._called)
        return later(self._summary(language))

    @strawberry.field(
        description="That it stands in the log for auditors; null while no published checkpoint covers it."
    )
    async def proof(
        self,
        tree_size: Annotated[
            int | None,
            strawberry.argument(description="In the tree of so many entries; if not given, the published one's."),
        ] = None,
    ) -> InclusionProof | None:
        """Return the proof that it stands in the log."""
        trail = await self.view.session.trail()
        position = self.told.event.position
        if trail is None or (tree_size is None and position >= trail.size):
            return None
        return await inclusion(trail, position, tree_size)

    @strawberry.field(
        description="The case in whose story it stands; null for one of a cause or its like, or of an organisation."
    )
    def case(self) -> Annotated["Case", strawberry.lazy(".cases")] | None:
        """Return its case."""
        from .cases import case_of  # noqa: PLC0415  cases imports this module

        case = self._at
        return case_of(case) if isinstance(case, CaseAt) else None

    @strawberry.field(description="Why it has no effect, if it has none.")
    def conflict(self) -> Conflict | None:
        """Return its conflict."""
        at = self._at
        if isinstance(self.told.event.data, OrganisationFact):
            return later(self._conflict_of_organisation())
        if at is None:
            return None
        return at.read(lambda reading: conflict_of(at, reading, self.told.event.id))

    @strawberry.field(description="The event that struck it from the record.")
    def struck_by(self) -> "Event | None":
        """Return what struck it."""

        def find(reading: Reading) -> "Event | None":
            told = reading.told.get(self.told.event.id)
            return None if told is None or told.struck_by is None else self._other(reading, told.struck_by)

        return later(self._struck_in_organisation()) if self._at is None else self._within(find, None)

    @strawberry.field(description="The corrections applied to it, in the order in which they were recorded.")
    def corrected_by(self) -> list["Event"]:
        """Return what corrected it."""

        def find(reading: Reading) -> list["Event"]:
            told = reading.told.get(self.told.event.id)
            return [] if told is None else [self._other(reading, each) for each in told.corrected_by]

        return later(self._corrected_in_organisation()) if self._at is None else self._within(find, [])

    async def _conflict_of_organisation(self) -> Conflict | None:
        """Return the conflict of an event of an organisation, told from its own stream."""
        history = await self.view.histories.load(self.told.event.stream)
        id_ = self.told.event.id
        for event, _, objection in told(history):
            if event.id == id_ and objection is not None and event.occurred_at <= self.view.as_of:
                return Conflict(
                    event=self,
                    code=objection.code,
                    message=objection.message,
                    contradicted_by=[self._in_stream(history, each) for each in objection.contradicted_by],
                )
        for mending, target in mend(history).inert:
            if mending == id_:
                return Conflict(
                    event=self,
                    code=RefusalCode.NOT_CORRECTABLE,
                    message=UNFIT,
                    contradicted_by=[self._in_stream(history, target)],
                )
        return None

    async def _struck_in_organisation(self) -> "Event | None":
        by = self.told.struck_by
        return None if by is None else self._in_stream(await self.view.histories.load(self.told.event.stream), by)

    async def _corrected_in_organisation(self) -> list["Event"]:
        history = await self.view.histories.load(self.told.event.stream)
        return [self._in_stream(history, each) for each in self.told.corrected_by]

    def _in_stream(self, history: Sequence[RecordedEvent], event: UUID) -> "Event":
        found = next(one for one in history if one.id == event)
        return Event(view=self.view, known_to_only=None, told=Told(found, None, None, ()))

    @property
    def _at(self) -> At | None:
        """The case or learning stream in which it stands; none for other streams."""
        event = self.told.event
        if isinstance(event.data, f.CaseFact):
            return CaseAt(self.view, event.stream, self.known_to_only)
        return StreamAt(self.view, event.stream) if isinstance(event.data, LearningFact) else None

    def _within(self, what: Callable[[Reading], T], otherwise: T) -> T:
        at = self._at
        return otherwise if at is None else at.read(what)

    def _other(self, reading: Reading, event: UUID) -> "Event":
        return Event(view=self.view, known_to_only=self.known_to_only, told=reading.event(event))

    def _called(self, identifier: str) -> str:
        row = self.view.organisations.known.get(identifier)
        return identifier if row is None else row.name

    async def _summary(self, language: Language) -> str:
        event = self.told.event
        asked: str | None = None
        fact = event.data
        if isinstance(fact, f.HandoffFact) and not isinstance(fact, f.HandoffOffered):
            offer = await self.view.offer(event.stream, fact.handoff)
            if offer is not None and isinstance(offer.data, f.HandoffOffered):
                asked = offer.data.to
        await self.view.organisations.load_all((*organisations_named(event), *((asked,) if asked else ())))
        return summary(event, language, self._called, asked)

    async def _opened(self, what: Callable[[Mapping[Sealed, Clear | Erased | Withheld]], Any]) -> Any:
        return what(await self.view.opened(await texts_held(self.view, self.told)))


async def texts_held(view: View, told: Told) -> list[RecordedEvent]:
    """Return the events, as recorded, in which the texts of an event stand: its own, and those that corrected it."""
    event = told.event
    if not told.corrected_by:
        return [event]
    recorded = {one.id: one for one in await view.histories.load(event.stream)}
    return [recorded[event.id], *(recorded[each] for each in told.corrected_by)]


def conflict_of(case: At, reading: Reading, event: UUID) -> Conflict | None:
    """Return the conflict of an event, if it has one."""
    found = reading.conflicts.get(event)
    if found is None:
        return None
    return Conflict(
        event=event_of(case, reading.event(event)),
        code=found.code,
        message=found.message,
        contradicted_by=events_of(case, reading, found.contradicted_by),
    )


def event_of(case: At, told: Told) -> Event:
    """Return an event of a case or learning stream."""
    return Event(view=case.view, known_to_only=case.known_to, told=told)


def events_of(case: At, reading: Reading, events: Sequence[UUID]) -> list[Event]:
    """Return events of a case by their ids."""
    return [event_of(case, reading.event(each)) for each in events]


@strawberry.type(description="An event in a list.")
class EventEdge:
    """An event and its place."""

    node: Event = strawberry.field(description="The event.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of events, in the order in which they occurred.")
class EventConnection:
    """A page of a timeline."""

    edges: list[EventEdge] = strawberry.field(description="The events and their places.")
    nodes: list[Event] = strawberry.field(description="The events.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")
    total_count: int = strawberry.field(description="How many events there are in all pages.")
