"""One round of commands: find their histories, decide each, seal, append all at once, answer each.

Commands that arrive together share one commit, and so one write to disk. Those of one stream are decided one after
the other, each on what the ones before it will have recorded. Whatever rests on an event that then is not recorded, or
on a history that has moved on, is decided again, in another round.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import UUID

import psycopg
from msgspec import Struct, structs

from ...domain.case.decide import Directory, obstacles_asked
from ...domain.case.facts import CaseOpened
from ...domain.case.history import History
from ...domain.command import Command, RefusalCode, Refused
from ...domain.event import Event, Fact
from ...domain.ids import EventId, event_id_of
from ...domain.topics import VERSIONS
from ..trail import entry
from ..vault.sealing import Place
from ..vault.vault import ToSeal, Vault
from . import appending, codec, reading
from .appending import Answer, Outcome
from .arrays import uuid_array
from .codec import KINDS, STATE_BYTES_MAX, UnreadableEvent
from .directory import StoredDirectory
from .kept import KeptHistories
from .mapper import EventMapper, NewEvent

HEADS: Final = "SELECT stream_id, version FROM knelpunt.stream_head WHERE stream_id = ANY(%s)"

Decide = Callable[[Command, Sequence[Event], datetime, Directory], Fact | Refused]
"""A decider: the fact to record for a command, or its refusal, on the history of its stream at a moment."""


class Recorded(Struct, frozen=True):
    """A command had its effect: the event it became, and where that stands."""

    position: int
    event_id: EventId
    recorded_at: datetime
    version: int


class Ticket(Struct, frozen=True, eq=False):
    """A command that waits for its answer; ``doubted``: what a round took for granted about its stream did not hold."""

    command: Command
    request_hash: bytes
    future: "Future[Recorded | Refused]"
    doubted: bool = False


class Round(Struct):
    """What a round came to: answers for some, and the tickets that must be decided again."""

    answered: list[tuple[Ticket, Recorded | Refused | Exception]]
    again: list[Ticket]


class Desk(Struct, frozen=True):
    """What a round works with; ``deciders`` by kind of stream. ``kept`` must be emptied after an error of a round."""

    deciders: Mapping[str, Decide]
    directory: StoredDirectory
    vault: Vault
    mapper: EventMapper
    kept: KeptHistories


class _Sources(Struct):
    """The histories that a round decides on; those of ``unverified`` streams were not read in this round."""

    histories: dict[UUID, History | UnreadableEvent]
    unverified: dict[UUID, int]
    """The version that each of them is taken to have."""


class _Proposal(Struct):
    """An event that a command is to become."""

    ticket: Ticket
    event: Event
    stored: NewEvent | None = None
    answer: Answer | None = None


class _Objection(Struct):
    """A refusal; ``on_pending``: it rests on events that this round has yet to record."""

    ticket: Ticket
    refusal: Refused
    on_pending: bool


def run_round(connection: psycopg.Connection, desk: Desk, tickets: Sequence[Ticket]) -> Round:
    """Handle commands of different ids. Raises psycopg's errors; then nothing is known of any of them.

    ``connection`` commits each statement and reads for the registry (``connect_as_registry``). A round of commands
    about cases at hand, none of which is refused, is one statement, appending. What happened since their histories
    were read, the expected versions notice.
    """
    outcome = Round([], [])
    sources = _sources(connection, desk.kept, tickets)
    directory = desk.directory.through(connection)
    directory.look_up(obstacle for ticket in tickets for obstacle in obstacles_asked(ticket.command.data))
    proposals, objections = _decide(desk, directory, sources.histories, tickets, outcome)
    _seal(desk, proposals, objections, sources.histories, outcome)
    proposed = [proposal for proposal in proposals if proposal.stored is not None]
    refused = [objection.ticket for objection in objections]
    before: dict[UUID, Answer] = {}
    moved_on: set[UUID] = set()
    if refused:
        # A command sent twice may be refused for what it did itself, so a refusal is given only after looking.
        before = appending.recorded_commands(
            connection, [ticket.command.id for ticket in refused], [ticket.request_hash for ticket in refused]
        )
        moved_on = _moved_on(connection, sources.unverified, {ticket.command.stream for ticket in refused})
    answers: list[Answer] = []
    if proposed:
        answers = appending.append(
            connection,
            [cast("NewEvent", proposal.stored) for proposal in proposed],
            [proposal.ticket.request_hash for proposal in proposed],
        )
    _settle(proposed, answers, objections, before, moved_on, outcome)
    _keep(desk.kept, sources.histories, proposals, moved_on)
    outcome.again = [structs.replace(ticket, doubted=True) for ticket in outcome.again]
    return outcome


def _sources(connection: psycopg.Connection, kept: KeptHistories, tickets: Sequence[Ticket]) -> _Sources:
    """Find the history of each command's stream: at hand, or in the database.

    The stream of a case that is to be opened is taken to be new: as a rule it is, and otherwise append says so.
    """
    sources = _Sources({}, {})
    unknown: list[UUID] = []
    for ticket in tickets:
        stream = ticket.command.stream
        if stream in sources.histories:
            continue
        history = kept.take(stream)
        if history is None and not ticket.doubted and isinstance(ticket.command.data, CaseOpened):
            history = History()
        if history is None or ticket.doubted:
            unknown.append(stream)
            history = History()
        else:
            sources.unverified[stream] = len(history)
        sources.histories[stream] = history
    if unknown:
        _load(connection, unknown, sources.histories)
    return sources


def _load(
    connection: psycopg.Connection, streams: Sequence[UUID], histories: dict[UUID, History | UnreadableEvent]
) -> None:
    """Read streams into their empty histories; one with an event that cannot be read becomes that error."""
    cursor = connection.cursor(binary=True).execute(reading.STREAMS, (uuid_array(streams),), prepare=True)
    for row in reading.to_rows(cursor):
        history = histories[row.stream]
        if isinstance(history, History):
            try:
                history.append(codec.decode(row))
            except UnreadableEvent as error:
                histories[row.stream] = error


def _moved_on(connection: psycopg.Connection, unverified: Mapping[UUID, int], streams: Collection[UUID]) -> set[UUID]:
    """Return which of the streams, of those that were not read in this round, have another version than was taken."""
    asked = [stream for stream in streams if stream in unverified]
    if not asked:
        return set()
    cursor = connection.cursor(binary=True).execute(HEADS, (uuid_array(asked),), prepare=True)
    heads: dict[UUID, int] = dict(cursor.fetchall())
    return {stream for stream in asked if heads.get(stream, 0) != unverified[stream]}


def _decide(
    desk: Desk,
    directory: Directory,
    histories: Mapping[UUID, History | UnreadableEvent],
    tickets: Sequence[Ticket],
    outcome: Round,
) -> tuple[list[_Proposal], list[_Objection]]:
    """Decide each command on its stream as it will be after those before it; histories grow by what is proposed."""
    proposals: list[_Proposal] = []
    objections: list[_Objection] = []
    pending: set[UUID] = set()
    now = datetime.now(UTC)
    for ticket in tickets:
        command = ticket.command
        history = histories[command.stream]
        if isinstance(history, UnreadableEvent):
            outcome.answered.append((ticket, history))
            continue
        kind = KINDS[command.data.topic]
        if history and KINDS[history[0].data.topic] != kind:
            decided: Fact | Refused = Refused(
                RefusalCode.MALFORMED, f"The stream {command.stream} is not of the kind that the command is about."
            )
        else:
            try:
                decided = desk.deciders[kind](command, history, now, directory)
            except psycopg.Error:
                raise
            except Exception as error:  # noqa: BLE001  a mistake in judging one command is not its neighbours'
                outcome.answered.append((ticket, error))
                continue
        if isinstance(decided, Refused):
            objections.append(_Objection(ticket, decided, command.stream in pending))
            continue
        event = _event(command, decided, history, now)
        history.append(event)
        pending.add(command.stream)
        proposals.append(_Proposal(ticket, event))
    return proposals, objections


def _event(command: Command, fact: Fact, history: History, now: datetime) -> Event:
    """Return the event of a decided fact. Position and ``recorded_at`` hold only until the log gives it its own."""
    return Event(
        id=event_id_of(command.id),
        stream=command.stream,
        version=history[-1].version + 1 if history else 1,
        position=history[-1].position + 1 if history else 0,
        occurred_at=command.occurred_at or now,
        recorded_at=now,
        actor=command.actor,
        command_id=command.id,
        data=fact,
        precision=command.precision,
        source=command.source,
        inferred=command.inferred,
        known_to=command.known_to,
    )


def _seal(
    desk: Desk,
    proposals: Sequence[_Proposal],
    objections: list[_Objection],
    histories: Mapping[UUID, History | UnreadableEvent],
    outcome: Round,
) -> None:
    """Give each proposal what will be stored; where one may not be, object, and put off those that build on it."""
    sealed = desk.vault.seal(
        [
            ToSeal(
                proposal.event.data,
                Place(proposal.event.id, proposal.event.stream, proposal.event.version, proposal.event.data.topic),
                # Whom a text is about unless it says so.
                cast("History", histories[proposal.event.stream]).first_subject,
            )
            for proposal in proposals
        ]
    )
    broken: set[UUID] = set()
    for proposal, fact in zip(proposals, sealed, strict=True):
        stream = proposal.event.stream
        if stream in broken:
            outcome.again.append(proposal.ticket)
            continue
        refusal: Refused | None = fact if isinstance(fact, Refused) else None
        if not isinstance(fact, Refused):
            event = proposal.event if fact is proposal.event.data else structs.replace(proposal.event, data=fact)
            stored = desk.mapper.to_stored_event(cast("Any", event))
            refusal = _refuse_size(stored)
            proposal.stored = None if refusal else stored
        if refusal is not None:
            broken.add(stream)
            # What came before it in its stream stands, or conflicts; either way it does not change this refusal.
            objections.append(_Objection(proposal.ticket, refusal, on_pending=False))
    for objection in [one for one in objections if one.on_pending and one.ticket.command.stream in broken]:
        objections.remove(objection)
        outcome.again.append(objection.ticket)


def _refuse_size(stored: NewEvent) -> Refused | None:
    stream = cast("UUID", stored.originator_id)
    if len(stored.state) <= STATE_BYTES_MAX and entry.fits(
        stream, stored.originator_version, stored.topic, VERSIONS[stored.topic], stored.state
    ):
        return None
    return Refused(
        RefusalCode.TOO_LARGE,
        "This is more than one event may hold: name fewer organisations or obstacles, or record it in several.",
        (("bytes", str(len(stored.state))), ("entryBytesMax", str(entry.ENTRY_BYTES_MAX))),
    )


def _settle(
    proposals: Sequence[_Proposal],
    answers: Sequence[Answer],
    objections: Sequence[_Objection],
    before: Mapping[UUID, Answer],
    moved_on: Collection[UUID],
    outcome: Round,
) -> None:
    """Turn the database's answers into those of the commands."""
    broken: set[UUID] = set()
    for proposal, answer in zip(proposals, answers, strict=True):
        proposal.answer = answer
        if answer.outcome is not Outcome.RECORDED:
            broken.add(proposal.event.stream)
        if answer.outcome is Outcome.CONFLICT:
            outcome.again.append(proposal.ticket)
        else:
            outcome.answered.append((proposal.ticket, _answer(proposal.ticket.command, proposal.event.id, answer)))
    for objection in objections:
        command = objection.ticket.command
        if command.id in before:
            outcome.answered.append((objection.ticket, _answer(command, event_id_of(command.id), before[command.id])))
        elif command.stream in moved_on or (objection.on_pending and command.stream in broken):
            outcome.again.append(objection.ticket)
        else:
            outcome.answered.append((objection.ticket, objection.refusal))


def _keep(
    kept: KeptHistories,
    histories: Mapping[UUID, History | UnreadableEvent],
    proposals: Sequence[_Proposal],
    moved_on: Collection[UUID],
) -> None:
    """Keep the histories that hold what is recorded now; let the others go."""
    untrue = set(moved_on)
    for proposal in proposals:
        recorded = _as_recorded(proposal)
        if recorded is None:
            untrue.add(proposal.event.stream)
        else:
            cast("History", histories[proposal.event.stream]).as_recorded(recorded)
    for stream, history in histories.items():
        if isinstance(history, History) and stream not in untrue:
            kept.keep(stream, history)


def _as_recorded(proposal: _Proposal) -> Event | None:
    """Return a proposed event as whoever reads it gets it, its texts sealed; none if it was not recorded."""
    stored, answer = proposal.stored, proposal.answer
    if stored is None or answer is None or answer.outcome is not Outcome.RECORDED:
        return None
    assert answer.position is not None
    assert answer.recorded_at is not None
    place = (answer.position, proposal.event.stream, stored.originator_version)
    with suppress(UnreadableEvent):  # whoever loads it will say so
        return codec.decode(codec.Row(*place, stored.topic, stored.topic_version, answer.recorded_at, stored.state))
    return None


def _answer(command: Command, event: EventId, answer: Answer) -> Recorded | Refused:
    if answer.outcome is Outcome.REUSED:
        return Refused(
            RefusalCode.COMMAND_REUSED,
            "This command id was used for another request; give each request an id of its own.",
            (("command", str(command.id)),),
        )
    assert answer.position is not None
    assert answer.recorded_at is not None
    assert answer.version is not None
    return Recorded(answer.position, event, answer.recorded_at, answer.version)
