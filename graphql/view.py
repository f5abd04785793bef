"""How one question looks at the registry: at which two times, up to which position, as whom.

A ``View`` is the lens of everything below one ``registry`` field. It loads histories and organisations in batches and
derives each case once; ``CaseReading`` is one case as derived, with what its answer is looked up by. The module is long
because streams and cases are looked at in the same ways, which refer to each other.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from ..domain.case.corrections import is_mending, mend
from ..domain.case.facts import AccountGiven, CaseFact, CaseOpened, GapAcknowledged, HandoffOffered
from ..domain.event import Event
from ..domain.ids import organisation_stream_of
from ..domain.investigation.standing import Investigation
from ..domain.learning.facts import LearningFact
from ..domain.organisation.standing import standing_at
from ..domain.registry.facts import STREAM as REGISTRY_STREAM
from ..domain.settings import Course
from ..domain.text import Clear, Erased, Sealed, Withheld
from ..domain.vocabulary import LearningKind
from ..projections.derivation.answer import CaseAnswer, ObstacleAnswer, Told, answer
from ..projections.derivation.learning import LearningAnswer
from ..projections.derivation.learning_kinds import answer_of_stream
from ..projections.derivation.organisations import facet_of
from ..projections.queries import organisations as organisation_queries
from ..projections.queries import standings, streams
from ..projections.queries.lens import Moment
from ..projections.queries.obstacles import CASES_OF, cases_of
from ..projections.queries.organisations import OrganisationRow
from .batch import Batch
from .ports import Asker, Session

if TYPE_CHECKING:
    from .across import Across

SAYING: Final = (AccountGiven, GapAcknowledged)
"""The facts by which something is said of a gap or an event."""

_OF_OPENINGS: Final = frozenset({"accounts", "acknowledgements", "reference", "selfNoticed", "theme", "title"})
"""Fields of cases that their openings tell, where nothing was mended; and those of gaps where nothing was said."""

_OF_ORGANISATIONS: Final = frozenset({"name", "kind", "parent", "endedAt", "mergedInto"})
"""Fields of an organisation that stand in its row."""

__all__ = ["At", "CaseAt", "CaseReading", "Reading", "StreamAt", "StreamReading", "View", "ViewOfEvents", "later"]

T = TypeVar("T")


def later(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return a coroutine where a resolver promises its result: the executor awaits what comes as an awaitable.

    So a field whose value is at hand costs no task, and one whose value is not may take its time.
    """
    return coroutine


class Reading:
    """One case or learning stream as it is derived at a view, and what is looked up in it."""

    __slots__ = ("_numbers", "about", "conflicts", "recorded", "told")

    def __init__(self, history: Sequence[Event], derived: CaseAnswer | LearningAnswer) -> None:
        self.recorded: dict[UUID, Event] = {event.id: event for event in history}
        self.told: dict[UUID, Told] = {told.event.id: told for told in derived.timeline}
        self.conflicts = {conflict.event: conflict for conflict in derived.conflicts}
        self.about: dict[UUID, list[Event]] = {}
        """Accounts and acknowledgements, by the gap or event that they are about."""
        for event, target in derived.said:
            self.about.setdefault(target, []).append(event)
        self._numbers: dict[UUID, int] | None = None

    def number(self, event: UUID) -> int | None:
        """Return an event's number in the timeline, from 1; none if it does not stand there."""
        if self._numbers is None:
            self._numbers = {one: number for number, one in enumerate(self.told, 1)}
        return self._numbers.get(event)

    def event(self, event: UUID) -> Told:
        """Return an event as it is to be shown; raises ``KeyError``."""
        found = self.told.get(event)
        return found if found is not None else Told(self.recorded[event], None, None, ())


class CaseReading(Reading):
    """One case as it is derived at a view."""

    __slots__ = ("answer", "obstacles")

    def __init__(self, history: Sequence[Event], derived: CaseAnswer) -> None:
        super().__init__(history, derived)
        self.answer = derived
        self.obstacles: dict[UUID, ObstacleAnswer] = {one.obstacle: one for one in derived.obstacles}

    @property
    def opening(self) -> Event:
        """The case's opening, also where it lies ahead of the view: what had happened before it is the case's, too."""
        return self.answer.opened or next(e for e in self.recorded.values() if isinstance(e.data, CaseOpened))


class StreamReading(Reading):
    """One learning stream as it is derived at a view."""

    __slots__ = ("answer",)

    def __init__(self, history: Sequence[Event], derived: LearningAnswer) -> None:
        super().__init__(history, derived)
        self.answer = derived


class View:
    """The registry at two times. ``position`` is the last event it takes in; ``known_at`` only says when that was."""

    __slots__ = (
        "_mended", "_offers", "_settings", "_to_open", "across", "adoptions", "as_of", "asker", "begun", "cases_of",
        "histories", "known_at", "linking", "moment", "organisations", "position", "predecessors", "readings",
        "session", "silent", "stream_readings", "tasks_to", "texts", "units",
    )  # fmt: skip

    def __init__(
        self, session: Session, asker: Asker, as_of: datetime, known_at: datetime, position: int, moment: Moment
    ) -> None:
        self.session = session
        self.asker = asker
        self.as_of = as_of
        self.known_at = known_at
        self.position = position
        self.moment = moment
        self.histories = Batch[UUID, Sequence[Event]](self._histories)
        self.begun = Batch[UUID, Event | None](self._begun)
        """What opened a case, none where the record was mended since: see ``recorded_opening``."""
        self.silent: set[UUID] = set()
        """Cases in which nobody said anything of a gap or an event, among those whose openings were looked for."""
        self.organisations = Batch[str, OrganisationRow | None](self._organisations)
        self.units = Batch[str, list[str]](self._units)
        self.predecessors = Batch[str, list[str]](self._predecessors)
        self.tasks_to = Batch[str, list[tuple[str, str, datetime]]](self._tasks_to)
        self.adoptions = Batch[UUID, list[tuple[str, datetime]]](self._adoptions)
        self.cases_of = Batch[UUID, UUID | None](self._cases_of)
        self.texts = Batch[UUID, Mapping[Sealed, Clear | Erased | Withheld]](self._texts)
        self.across: Across | None = None
        """What lies over several cases, once it was asked for."""
        self._to_open: dict[UUID, Event] = {}
        self._mended: dict[UUID, tuple[dict[UUID, Event], dict[UUID, list[UUID]]]] = {}
        self._offers: dict[UUID, dict[UUID, Event]] = {}
        self._settings: Course | None = None
        self.readings: dict[tuple[UUID, str | None], CaseReading] = {}
        self.stream_readings: dict[UUID, StreamReading] = {}
        self.linking = Batch[tuple[UUID, str], list[UUID]](self._linking)
        """The streams of a kind that are linked with something: by what it is and the kind's name."""

    async def _histories(self, cases: Sequence[UUID]) -> Mapping[UUID, Sequence[Event] | Exception]:
        # The registry's own stream comes along the first time: whoever reads a case goes by its terms and graces.
        wanted = cases if self._settings is not None or REGISTRY_STREAM in cases else (*cases, REGISTRY_STREAM)
        found = await self.session.histories(wanted, self.position)
        changes = found.get(REGISTRY_STREAM)
        if changes is not None and not isinstance(changes, Exception):
            self._settings = Course.of(changes)
        return found

    async def _organisations(self, identifiers: Sequence[str]) -> Mapping[str, OrganisationRow | Exception | None]:
        query, values = organisation_queries.named(self.moment, identifiers)
        found = {row.identifier: row for row in map(organisation_queries.row, await self.session.rows(query, values))}
        return {identifier: found.get(identifier) for identifier in identifiers}

    async def _units(self, parents: Sequence[str]) -> Mapping[str, list[str] | Exception]:
        rows = await self.session.rows(*standings.units(self.moment, parents))
        return {parent: [unit for above, unit in rows if above == parent] for parent in parents}

    async def _predecessors(self, successors: Sequence[str]) -> Mapping[str, list[str] | Exception]:
        rows = await self.session.rows(*standings.predecessors(self.moment, successors))
        return {successor: [name for into, name in rows if into == successor] for successor in successors}

    async def _tasks_to(
        self, organisations: Sequence[str]
    ) -> Mapping[str, list[tuple[str, str, datetime]] | Exception]:
        rows = await self.session.rows(*standings.tasks_to(self.moment, organisations))
        return {
            name: [(from_, theme, since) for to, from_, theme, since in rows if to == name] for name in organisations
        }

    async def _adoptions(self, strategies: Sequence[UUID]) -> Mapping[UUID, list[tuple[str, datetime]] | Exception]:
        rows = await self.session.rows(*standings.adoptions(self.moment, strategies))
        return {one: [(name, at) for strategy, name, at in rows if strategy == one] for one in strategies}

    async def below(self, organisations: Sequence[str]) -> list[str]:
        """Return organisations and all that stand under them, as the tree stood."""
        return [name for (name,) in await self.session.rows(*standings.below(self.moment, organisations))]

    async def _cases_of(self, obstacles: Sequence[UUID]) -> Mapping[UUID, UUID | Exception | None]:
        found = dict(cases_of(await self.session.rows(CASES_OF, {"obstacles": list(obstacles)})))
        return {obstacle: found.get(obstacle) for obstacle in obstacles}

    async def _linking(self, keys: Sequence[tuple[UUID, str]]) -> Mapping[tuple[UUID, str], list[UUID] | Exception]:
        rows = await self.session.rows(*streams.linked_with(self.moment, [target for target, _ in keys]))
        return {key: [stream for target, kind, stream in rows if (target, kind) == key] for key in keys}

    async def _texts(
        self, events: Sequence[UUID]
    ) -> Mapping[UUID, Mapping[Sealed, Clear | Erased | Withheld] | Exception]:
        opened = await self.session.opened([self._to_open[event] for event in events])
        return dict.fromkeys(events, opened)

    async def opened(self, events: Sequence[Event]) -> Mapping[Sealed, Clear | Erased | Withheld]:
        """Return the texts that events hold, as they were recorded, by their sealed form."""
        self._to_open.update((event.id, event) for event in events)
        await self.texts.load_all(event.id for event in events)
        opened: dict[Sealed, Clear | Erased | Withheld] = {}
        for event in events:
            opened.update(self.texts.known[event.id])
        return opened

    def told(self, case: UUID, events: Sequence[UUID]) -> list[Told] | None:
        """Return events of a case as corrected, to everybody, without deriving it; none if they are not at hand.

        For events that have effect, as what proves a gap has: what became of others is derived with their case.
        Raises ``KeyError``.
        """
        mended = self._mended.get(case)
        if mended is None or not all(event in mended[0] for event in events):
            history = self.histories.known.get(case)
            if history is None:
                return None
            mended = self._mend(case, history)
        placed, corrected = mended
        return [Told(placed[event], None, None, tuple(corrected.get(event, ()))) for event in events]

    async def recorded_opening(self, case: UUID) -> Event | None:
        """Return the event that opened a case, without deriving it; none where the record was mended since.

        What it says holds at every view then: a list of cases by their titles need not fold each of them.
        """
        if case in self.begun.known:
            return self.begun.known[case]
        return _only_opening(await self.histories.load(case))

    async def _begun(self, cases: Sequence[UUID]) -> Mapping[UUID, Event | Exception | None]:
        found = await self.session.begun(cases, self.position)
        for case, events in found.items():
            if not isinstance(events, Exception) and not any(isinstance(one.data, SAYING) for one in events):
                self.silent.add(case)
        return {
            case: events if isinstance(events, Exception) else _only_opening(events) for case, events in found.items()
        }

    async def have_cases(self, cases: Iterable[UUID], asked: AbstractSet[str]) -> None:
        """Have at hand what is asked of many cases, by the names of fields: so that none has to wait by itself.

        That is what their openings say of them; their titles are opened where these are asked for, and not else.
        """
        if asked.isdisjoint(_OF_OPENINGS):
            return
        wanted = [case for case in cases if case not in self.histories.known]
        await self.begun.look_ahead(wanted)
        if "title" in asked:
            openings = [opening for case in wanted if (opening := self.begun.known.get(case)) is not None]
            with suppress(Exception):  # told to whoever asks for it
                await self.opened([one for one in openings if isinstance(getattr(one.data, "title", None), Sealed)])

    async def have_organisations(self, names: Iterable[str], asked: AbstractSet[str]) -> None:
        """Have at hand what is asked of organisations, by the names of fields."""
        if not asked.isdisjoint(_OF_ORGANISATIONS):
            await self.organisations.look_ahead(names)

    async def look_ahead(self, events: Mapping[UUID, Sequence[UUID]]) -> None:
        """Have events at hand for ``told``, by their cases: they and what mends them, not the whole histories."""
        missing = [case for case in events if case not in self._mended and case not in self.histories.known]
        if missing:
            wanted = [event for case in missing for event in events[case]]
            found = await self.session.parts(missing, wanted, self.position)
            for case, history in found.items():
                if not isinstance(history, Exception):  # else whoever asks for it is told
                    self._mend(case, history)

    def _mend(self, case: UUID, history: Sequence[Event]) -> tuple[dict[UUID, Event], dict[UUID, list[UUID]]]:
        found = mend(history)
        mended = self._mended[case] = ({event.id: event for event in found.events}, found.corrected)
        return mended

    async def offer(self, case: UUID, handoff: UUID) -> Event | None:
        """Return the event by which a handoff was offered, as recorded."""
        found = self._offers.get(case)
        if found is None:
            history = await self.histories.load(case)
            found = {one.data.handoff: one for one in history if isinstance(one.data, HandoffOffered)}
            self._offers[case] = found
        return found.get(handoff)

    async def settings(self) -> Course:
        """Return the registry's terms and graces, as known at this view."""
        if self._settings is None:
            self._settings = Course.of(await self.histories.load(REGISTRY_STREAM))
        return self._settings

    async def read(self, case: UUID, known_to: str | None) -> CaseReading | None:
        """Return a case as derived, to everybody or to one organisation; none if there is no such case at this view."""
        found = await self.reading(case, known_to)
        return None if found is None or found.answer.opened is None else found

    async def reading(self, case: UUID, known_to: str | None) -> CaseReading | None:
        """Return the same, also of a case that had not been opened yet; none if it is no case."""
        found = self.readings.get((case, known_to))
        if found is not None:
            return found
        history = await self.histories.load(case)
        if not history or not isinstance(history[0].data, CaseFact):
            return None
        settings = await self.settings()
        found = self.readings.get((case, known_to))
        if found is None:
            derived = answer(history, self.as_of, None, known_to, settings)
            found = self.readings[case, known_to] = CaseReading(history, derived)
        return found

    async def stream(self, stream: UUID, kind: LearningKind) -> StreamReading | None:
        """Return a learning stream of a kind as derived; none if it had not begun at this view."""
        found = await self.stream_reading(stream)
        if found is None or found.answer.kind is not kind or found.answer.state is None:
            return None
        # Of an investigation that was not published only those know who are on it.
        state = found.answer.state
        return None if isinstance(state, Investigation) and not state.shown_to(self.asker.user) else found

    async def stream_reading(self, stream: UUID) -> StreamReading | None:
        """Return the same of any kind, also of one that had not begun yet; none if it is no learning stream."""
        found = self.stream_readings.get(stream)
        if found is not None:
            return found
        history = await self.histories.load(stream)
        if not history or not isinstance(history[0].data, LearningFact):
            return None
        settings = await self.settings()
        found = self.stream_readings.get(stream)
        if found is None:
            derived = answer_of_stream(history, self.as_of, settings)
            found = self.stream_readings[stream] = StreamReading(history, derived)
        return found


def _only_opening(history: Sequence[Event]) -> Event | None:
    """Return what opened a case, none where the record was mended."""
    openings = [event for event in history if isinstance(event.data, CaseOpened)]
    return openings[0] if len(openings) == 1 and not any(map(is_mending, history)) else None


class ViewOfEvents(View):
    """A view that rests on events alone: right at any position, before the projections have come there."""

    __slots__ = ()

    async def _organisations(self, identifiers: Sequence[str]) -> Mapping[str, OrganisationRow | Exception | None]:
        streams = {identifier: organisation_stream_of(identifier) for identifier in identifiers}
        histories = await self.session.histories(list(streams.values()), self.position)
        return {identifier: self._organisation(histories[stream]) for identifier, stream in streams.items()}

    def _organisation(self, history: Sequence[Event] | Exception) -> OrganisationRow | Exception | None:
        if isinstance(history, Exception):
            return history
        standing = standing_at(history, self.as_of)
        if standing is None:
            return None
        facet = facet_of(standing)
        return OrganisationRow(
            facet.organisation, facet.name, facet.kind, facet.parent, facet.ended_at, facet.merged_into, facet.team
        )


class At(ABC):
    """A case or learning stream as a view shows it, derived when something of it is asked for."""

    __slots__ = ("id", "known_to", "view")

    def __init__(self, view: View, stream: UUID, known_to: str | None = None) -> None:
        self.view = view
        self.id = stream
        self.known_to = known_to

    @property
    @abstractmethod
    def is_read(self) -> bool:
        """Whether it has been derived already."""

    @abstractmethod
    def read(self, what: Callable[[Reading], T]) -> T:
        """Return something of it as derived: at once if it has been, else as an awaitable."""


class StreamAt(At):
    """A learning stream as a view shows it."""

    __slots__ = ()

    @property
    def is_read(self) -> bool:
        """Whether the stream has been derived already."""
        return self.id in self.view.stream_readings

    def read(self, what: Callable[[StreamReading], T]) -> T:
        """Return something of the stream as derived: at once if it has been, else as an awaitable."""
        found = self.view.stream_readings.get(self.id)
        return what(found) if found is not None else later(self._read(what))

    async def _read(self, what: Callable[[StreamReading], T]) -> T:
        found = await self.view.stream_reading(self.id)
        assert found is not None, "whoever names a stream has found it at this view"
        value: Any = what(found)
        return await value if hasattr(value, "__await__") else value


class CaseAt(At):
    """A case as a view shows it."""

    __slots__ = ()

    @property
    def is_read(self) -> bool:
        """Whether the case has been derived already."""
        return (self.id, self.known_to) in self.view.readings

    def read(self, what: Callable[[CaseReading], T]) -> T:
        """Return something of the case as derived: at once if it has been, else as an awaitable."""
        found = self.view.readings.get((self.id, self.known_to))
        return what(found) if found is not None else later(self._read(what))

    async def _read(self, what: Callable[[CaseReading], T]) -> T:
        found = await self.view.reading(self.id, self.known_to)
        assert found is not None, "whoever names a case has found it at this view"
        value: Any = what(found)
        return await value if hasattr(value, "__await__") else value
