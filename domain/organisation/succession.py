"""What the end of an organisation, or a task that passes on, means for the obstacles of a case.

The registry writes it into each case itself, as events. ``commands_due`` says which: it compares what the record of
the case implies with what the registry has written there, and returns the commands that make the one the other. So it
may be asked at any time, by any number of programs, and answers with nothing once all is written. A fact found late
may show that an obstacle was, or was not, the organisation's at that moment: then a move is added, or struck.

The rules: who is responsible for an open obstacle is its holder, or, while nobody holds it, whom the law moved it to.
At the moment at which a task passes on, what its organisation is responsible for in that theme moves. From the moment
at which an organisation ends, whatever it is responsible for moves to its heir at once, also what comes to it
afterwards; where nobody succeeds it, it lets go.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID, uuid5

from msgspec import Struct

from ..case import facts as c
from ..case.corrections import mend
from ..case.history import place
from ..case.rules import Judge
from ..case.state import CaseState, Open
from ..command import Command
from ..event import Actor, Event, Knower
from ..ids import CommandId, EventId, ObstacleId, event_id_of
from ..vocabulary import MoveBasis, RefusalGround, Role, StrikeReason
from .standing import Standing

REGISTRY: Final = Actor("urn:knelpunt:registry", Role.ADMINISTRATOR, "registry")
"""Who writes what follows from something else: the registry itself."""

SOURCE: Final = "succession/"
"""What the source of these events begins with; the event of the organisation that they follow from comes after it."""


class Change(Struct, frozen=True):
    """An organisation ended, or its task in ``theme`` passed on: at ``at``, by which event, recorded when.

    ``to`` is none where nobody succeeds.
    """

    event: EventId
    organisation: str
    at: datetime
    recorded_at: datetime
    to: str | None
    theme: str | None = None


class Changes:
    """All changes of all organisations, as known at one moment."""

    __slots__ = ("_moments", "by_event", "endings", "organisations", "transfers")

    def __init__(self, histories: Iterable[tuple[Standing, Sequence[Event]]] = ()) -> None:
        """Take organisations as they stand, each with its events."""
        self.endings: dict[str, Change] = {}
        self.transfers: dict[str, list[Change]] = {}
        self.by_event: dict[EventId, Change] = {}
        for standing, history in histories:
            recorded = {event.id: event.recorded_at for event in history}
            name, ended = standing.organisation, standing.ended
            if ended is not None:
                self.endings[name] = Change(ended.event, name, ended.at, recorded[ended.event], ended.into)
                self.by_event[ended.event] = self.endings[name]
            for one in standing.transfers:
                change = Change(one.event, name, one.since, recorded[one.event], one.to, one.theme)
                self.transfers.setdefault(name, []).append(change)
                self.by_event[one.event] = change
        self.organisations = self.endings.keys() | self.transfers.keys()
        """Those to whose obstacles something may have to happen."""
        self._moments = sorted({change.at for change in self.by_event.values()})

    def applying(self, organisation: str, theme: str, at: datetime) -> Change | None:
        """Return what takes an obstacle of a theme away from an organisation at a moment, if something does."""
        transfer = self._transfer_at(organisation, theme, at)
        if transfer is not None:
            return transfer
        ending = self.endings.get(organisation)
        return ending if ending is not None and ending.at <= at else None

    def heir(self, change: Change, theme: str, at: datetime) -> str | None:
        """Return who is responsible after a change: the first in line from whom nothing takes it at that very moment.

        None where nobody succeeds, and where the line runs in a circle.
        """
        seen: set[str] = set()
        following: Change | None = change
        to: str | None = None
        while following is not None:
            seen.add(following.organisation)
            to = following.to or self._task_of(following.organisation, theme, at)
            if to is None or to in seen:
                return None
            following = self.applying(to, theme, at)
        return to

    def _transfer_at(self, organisation: str, theme: str, at: datetime) -> Change | None:
        """Return what passes an organisation's task on at a moment."""
        found = (one for one in self.transfers.get(organisation, ()) if one.theme == theme and one.at == at)
        return next(found, None)

    def _task_of(self, organisation: str, theme: str, at: datetime) -> str | None:
        """Return to whom an organisation's task passed that has since been dissolved."""
        begun = [one.to for one in self.transfers.get(organisation, ()) if one.theme == theme and one.at <= at]
        return begun[-1] if begun else None

    def moments(self, now: datetime) -> list[datetime]:
        """Return the moments, up to now, at which something changed, in order."""
        return self._moments[: bisect_right(self._moments, now)]


def commands_due(history: Sequence[Event], changes: Changes, now: datetime) -> list[Command]:
    """Return the commands that bring a case in line with ``changes``, in order; none if it is.

    ``history`` is the whole case in order of position, ``now`` the moment up to which changes have effect.
    """
    return _Reckoning(history, changes).due(now) if history else []


class _Written(Struct, frozen=True):
    """What the registry has written into a case before, and what people have said of it since."""

    moves: Mapping[EventId, tuple[EventId, ObstacleId]]
    """Each move, with the change that it follows from and its obstacle."""
    times: Counter[tuple[EventId, ObstacleId]]
    strikings: Counter[EventId]
    settled: frozenset[tuple[EventId, ObstacleId]]
    """Moves that somebody struck, corrected, or kept from being struck: from then on it is their word that counts."""


class _Reckoning:
    """One case, gone through in the order in which it occurred, with what follows for it at each moment."""

    def __init__(self, history: Sequence[Event], changes: Changes) -> None:
        self._history = history
        self._changes = changes
        self._mended = mend(history)
        self._written = _written(history, self._mended.struck, self._mended.corrected)
        self._state = CaseState()
        self._judge = Judge()  # what is said of gaps changes no holder
        self._recorded_at: dict[EventId, datetime] = {event.id: event.recorded_at for event in history}
        self._theme = next((e.data.theme for e in self._mended.events if isinstance(e.data, c.CaseOpened)), "")
        self._times = Counter(self._written.times)
        self._commands: list[Command] = []

    def due(self, now: datetime) -> list[Command]:
        """Return what is due."""
        waiting = self._changes.moments(now)
        for at, events in groupby(place(self._mended.events), key=lambda event: event.occurred_at):
            while waiting and waiting[0] < at:
                self._follow(waiting.pop(0))
            for event in events:
                self._show(event)
            if waiting and waiting[0] == at:
                waiting.pop(0)
            if at <= now:
                self._follow(at)
        for at in waiting:
            self._follow(at)
        return self._commands

    def _show(self, event: Event) -> None:
        """Take in an event of the case; one of the registry's own that nothing supports any more is to be struck."""
        if event.id in self._mended.struck:
            self._state.events.append(event.id)
        elif event.id not in self._written.moves or self._stands(event):
            self._judge.advance(self._state, event)
        else:
            self._state.events.append(event.id)
            times = self._written.strikings[event.id]
            fact = c.EventStruck(event.id, StrikeReason.NEVER_HAPPENED)
            self._add(uuid5(event.id, f"struck/{times}"), fact, self._last(event.occurred_at), event.source)

    def _last(self, at: datetime) -> datetime:
        """Return when a striking occurred: with the last that was recorded, for it is by that that we know."""
        return max(at, self._history[-1].recorded_at)

    def _stands(self, event: Event) -> bool:
        """Return whether a move that the registry wrote follows from the record as it is now."""
        change, obstacle = self._written.moves[event.id]
        if (change, obstacle) in self._written.settled:
            return True
        found = self._changes.by_event.get(change)
        return found is not None and event.data == self._fact_due(found, obstacle, event.occurred_at)

    def _fact_due(self, change: Change, obstacle: ObstacleId, at: datetime) -> c.ObstacleFact | None:
        """Return what follows from a change for an obstacle at a moment, if something does."""
        responsible = _responsible(self._state.obstacles.get(obstacle))
        if responsible is None or responsible != change.organisation:
            return None
        if self._changes.applying(responsible, self._theme, at) is not change:
            return None
        to = self._changes.heir(change, self._theme, at)
        if to is not None:
            basis = MoveBasis.SUCCESSION if change.theme is None else MoveBasis.TASK_TRANSFER
            return c.ResponsibilityMoved(obstacle, responsible, to, basis)
        found = self._state.obstacles[obstacle]
        if isinstance(found, Open) and found.custody is not None:
            return c.CustodyReleased(obstacle, responsible, RefusalGround.OTHER)
        return None  # nobody holds it, and nobody succeeds whom it was moved to

    def _follow(self, at: datetime) -> None:
        """Add what follows at a moment, after all that the case says of it."""
        for obstacle, found in list(self._state.obstacles.items()):
            responsible = _responsible(found)
            change = None if responsible is None else self._changes.applying(responsible, self._theme, at)
            fact = None if change is None else self._fact_due(change, obstacle, at)
            if change is None or fact is None or (change.event, obstacle) in self._written.settled:
                continue
            times = self._times[change.event, obstacle]
            self._times[change.event, obstacle] += 1
            source = f"{SOURCE}{change.event}"
            id_ = uuid5(change.event, f"{obstacle}/{times}")
            command = self._add(id_, fact, at, source, self._knowers(change, fact, at))
            self._judge.advance(self._state, self._event(command))

    def _knowers(self, change: Change, fact: c.ObstacleFact, at: datetime) -> tuple[Knower, ...]:
        """Return who knew of it: the organisation from when it happened, its heir not before it could be told."""
        knowers = [Knower(change.organisation, at)]
        if isinstance(fact, c.ResponsibilityMoved):
            found = self._state.obstacles[fact.obstacle]
            by = found.custody.event if isinstance(found, Open) and found.custody else found.event
            knowers.append(Knower(fact.to, max(at, change.recorded_at, self._recorded_at.get(by, at))))
        return tuple(knowers)

    def _add(
        self, id_: CommandId, fact: c.CaseFact, at: datetime, source: str, knowers: tuple[Knower, ...] = ()
    ) -> Command:
        command = Command(
            id=id_,
            stream=self._history[0].stream,
            actor=REGISTRY,
            data=fact,
            occurred_at=at,
            expected_version=len(self._history) + len(self._commands),
            known_to=knowers,
            source=source,
        )
        self._commands.append(command)
        return command

    def _event(self, command: Command) -> Event:
        """Return the event that a command will become, as far as it matters here."""
        last = self._history[-1]
        place_ = len(self._commands)
        assert command.occurred_at is not None
        return Event(
            id=event_id_of(command.id),
            stream=command.stream,
            version=last.version + place_,
            position=last.position + place_,
            occurred_at=command.occurred_at,
            recorded_at=last.recorded_at,
            actor=command.actor,
            command_id=command.id,
            data=command.data,
            source=command.source,
            known_to=command.known_to,
        )


def _responsible(found: object) -> str | None:
    """Return who is responsible for an obstacle: its holder, or whom the law moved it to; none once it is settled."""
    return (found.holder or found.moved_to) if isinstance(found, Open) else None


def is_written_by_registry(event: Event) -> bool:
    """Return whether the registry wrote an event because of what became of an organisation."""
    return event.actor == REGISTRY and event.source.startswith(SOURCE)


def _written(
    history: Sequence[Event], struck: Mapping[EventId, EventId], corrected: Mapping[EventId, Sequence[EventId]]
) -> _Written:
    """Return what the registry wrote into a case before."""
    own = [event for event in history if is_written_by_registry(event)]
    moves: dict[EventId, tuple[EventId, ObstacleId]] = {}
    strikings: dict[EventId, EventId] = {}
    for event in own:
        if isinstance(event.data, c.EventStruck):
            strikings[event.id] = event.data.event
        elif isinstance(event.data, c.ObstacleFact):
            moves[event.id] = UUID(event.source.removeprefix(SOURCE)), event.data.obstacle
    by_people = {move for move in moves if move in struck and struck[move] not in strikings}
    kept = {move for striking, move in strikings.items() if striking in struck}
    return _Written(
        moves,
        Counter(moves.values()),
        Counter(strikings.values()),
        frozenset(moves[move] for move in by_people | kept | (moves.keys() & corrected.keys())),
    )
