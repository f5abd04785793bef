"""One round of commands: find their histories, decide each, seal, append all at once, answer each.

Commands that arrive together share one commit, and so one write to disk. Those of one stream are decided one after
the other, each on what the ones before it will have recorded. Whatever rests on an event that then is not recorded, or
on a history that has moved on, is decided again, in another round.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import psycopg
from msgspec import Struct, structs

from ...domain.case.decide import Directory
from ...domain.case.facts import CaseOpened, FactCorrected
from ...domain.case.history import History
from ...domain.case.named import about_by_default, obstacles_asked
from ...domain.command import Command, RefusalCode, Refused
from ...domain.event import Event, Fact
from ...domain.ids import EventId, event_id_of
from ...domain.topics import VERSIONS
from ..trail import entry
from ..vault.keyline import Ahead, KeyLine
from ..vault.sealing import Place
from ..vault.texts import clear_texts
from ..vault.vault import ToSeal, Vault
from . import appending
from .appending import Answer, Outcome
from .codec import KINDS, STATE_BYTES_MAX
from .directory import StoredDirectory
from .handover import Pending
from .kept import KeptHistories
from .mapper import EventMapper, NewEvent
from .streams import Stream, streams_of, verify

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

Decide = Callable[[Command, Sequence[Event], datetime, Directory], Fact | Refused]
"""A decider: the fact to record for a command, or its refusal, on the history of its stream at a moment."""

Append = Callable[[Sequence[NewEvent], Sequence[bytes]], Sequence[Answer]]
"""What appends events, with the hashes of their requests, and answers each."""


class Recorded(Struct, frozen=True):
    """A command had its effect: the event it became, and where that stands."""

    position: int
    event_id: EventId
    recorded_at: datetime
    version: int


class Ticket(Struct, frozen=True, eq=False):
    """A command that waits for its answer; ``doubted``: what a round took for granted about its stream did not hold.

    ``trace`` is the span in which it was handed in, if anybody traces.
    """

    command: Command
    request_hash: bytes
    future: Pending[Recorded | Refused]
    doubted: bool = False
    trace: "SpanContext | None" = None


class Round(Struct):
    """What a round came to: answers for some, and the tickets that must be decided again."""

    answered: list[tuple[Ticket, Recorded | Refused | Exception]]
    again: list[Ticket]


class Desk(Struct, frozen=True):
    """What a round works with; ``deciders`` by kind of stream. ``kept`` must be emptied after an error of a round.

    Through ``keys`` those of the vault are asked for beforehand, if there is such a line.
    """

    deciders: Mapping[str, Decide]
    directory: StoredDirectory
    vault: Vault
    mapper: EventMapper
    kept: KeptHistories
    keys: KeyLine | None = None


class _Proposal(Struct):
    """An event that a command is to become."""

    ticket: Ticket
    stream: Stream
    event: Event
    """As it was decided; once ``stored`` is there, with its texts sealed."""
    stored: NewEvent | None = None
    answer: Answer | None = None


class _Objection(Struct):
    """A refusal; ``on_pending``: it rests on events that this round has yet to record."""

    ticket: Ticket
    stream: Stream
    refusal: Refused
    on_pending: bool


class Begun(Struct):
    """A round in which all is decided, and nothing recorded: ``append`` is to be done, and its answers taken in."""

    streams: Sequence[Stream]
    ready: list[_Proposal]
    objections: list[_Objection]
    before: Mapping[UUID, Answer]
    outcome: Round

    def append(self) -> tuple[list[NewEvent], list[bytes]]:
        """Return the events to append, and the hashes of their requests."""
        events = [cast("NewEvent", proposal.stored) for proposal in self.ready]
        return events, [proposal.ticket.request_hash for proposal in self.ready]


def run_round(
    connection: psycopg.Connection, desk: Desk, tickets: Sequence[Ticket], append: Append, marked: int | None = None
) -> Round:
    """Handle commands of different ids. Raises psycopg's errors; then nothing is known of any of them.

    ``connection`` commits each statement and reads for the registry (``connect_as_registry``); ``marked`` as below.
    """
    begun = begin_round(connection, desk, tickets, marked)
    return finish_round(desk, begun, append(*begun.append()) if begun.ready else ())


def begin_round(
    connection: psycopg.Connection, desk: Desk, tickets: Sequence[Ticket], marked: int | None = None
) -> Begun:
    """Decide commands of different ids, and seal what is to be recorded of them. Raises psycopg's errors.

    ``marked`` is the mark of the session that will append it, and no other (``Vault.seal``); none if any may.

    Of commands about cases at hand, none of which is refused, nothing is asked of the database. What happened since
    their histories were read, the expected versions notice.
    """
    outcome = Round([], [])
    doubted = {ticket.command.stream for ticket in tickets if ticket.doubted}
    streams = streams_of(connection, desk.kept, [ticket.command for ticket in tickets], doubted=doubted)
    ahead = _ask_ahead(desk, tickets, streams, marked)
    directory = desk.directory.through(connection)
    directory.look_up(obstacle for ticket in tickets for obstacle in obstacles_asked(ticket.command.data))
    proposals, objections = _decide(desk, directory, tickets, streams, outcome)
    _seal(desk, proposals, objections, outcome, marked, ahead)
    before: dict[UUID, Answer] = {}
    if objections:
        # A command sent twice may be refused for what it did itself, so a refusal is given only after looking.
        refused = [objection.ticket for objection in objections]
        before = appending.recorded_commands(
            connection, [ticket.command.id for ticket in refused], [ticket.request_hash for ticket in refused]
        )
        verify(connection, [objection.stream for objection in objections])
    ready = [proposal for proposal in proposals if proposal.stored is not None]
    return Begun(streams, ready, objections, before, outcome)


def finish_round(desk: Desk, begun: Begun, answers: Sequence[Answer]) -> Round:
    """Take in what came of the events that were appended, and return what the round came to."""
    outcome = begun.outcome
    for proposal, answer in zip(begun.ready, answers, strict=True):
        proposal.answer = answer
    _settle(begun.ready, begun.objections, begun.before, outcome)
    _keep(desk.kept, begun.streams, begun.ready)
    outcome.again = [structs.replace(ticket, doubted=True) for ticket in outcome.again]
    return outcome


def _ask_ahead(desk: Desk, tickets: Sequence[Ticket], streams: Sequence[Stream], marked: int | None) -> Ahead | None:
    """Ask for the keys that will be needed if all goes as it does as a rule, and each command is recorded."""
    if desk.keys is None or marked is None:
        return None
    foreseen: set[UUID] = set()
    for ticket, stream in zip(tickets, streams, strict=True):
        fact = ticket.command.data
        texts = clear_texts(fact)
        # What a correction says is about whom the corrected text was about: to be looked for.
        if not texts or isinstance(fact, FactCorrected):
            continue
        first = stream.history.first_subject
        if first is None and isinstance(fact, CaseOpened):
            first = next(iter(fact.subjects), None)
        foreseen.update(about for _, text in texts if (about := text.about or first))
    return desk.vault.ask_ahead(desk.keys, foreseen, marked) if foreseen else None


def _decide(
    desk: Desk, directory: Directory, tickets: Sequence[Ticket], streams: Sequence[Stream], outcome: Round
) -> tuple[list[_Proposal], list[_Objection]]:
    """Decide each command on its stream as it will be after those before it; histories grow by what is proposed."""
    proposals: list[_Proposal] = []
    objections: list[_Objection] = []
    now = datetime.now(UTC)
    for ticket, stream in zip(tickets, streams, strict=True):
        command, history = ticket.command, stream.history
        if stream.unreadable is not None:
            outcome.answered.append((ticket, stream.unreadable))
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
            objections.append(_Objection(ticket, stream, decided, stream.pending))
            continue
        event = _event(command, decided, history, now)
        history.append(event)
        stream.pending = True
        proposals.append(_Proposal(ticket, stream, event))
    return proposals, objections


def _event(command: Command, fact: Fact, history: History, now: datetime) -> Event:
    """Return the event of a decided fact. Position and ``recorded_at`` hold only until the log gives it its own."""
    version = len(history) + 1
    return Event(
        id=event_id_of(command.id),
        stream=command.stream,
        version=version,
        position=history[-1].position + 1 if version > 1 else 0,
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
    outcome: Round,
    marked: int | None,
    ahead: Ahead | None,
) -> None:
    """Give each proposal what will be stored; where one may not be, object, and put off those that build on it."""
    sealed = desk.vault.seal(
        [
            ToSeal(
                proposal.event.data,
                Place(proposal.event.id, proposal.event.stream, proposal.event.version, proposal.event.data.topic),
                _whom(proposal),
            )
            for proposal in proposals
        ],
        marked,
        ahead,
    )
    for proposal, fact in zip(proposals, sealed, strict=True):
        stream = proposal.stream
        if stream.broken:
            outcome.again.append(proposal.ticket)
            continue
        refusal: Refused | None = fact if isinstance(fact, Refused) else None
        if not isinstance(fact, Refused):
            if fact is not proposal.event.data:
                proposal.event = structs.replace(proposal.event, data=fact)
            stored = desk.mapper.to_stored_event(cast("Any", proposal.event))
            refusal = _refuse_size(stored)
            proposal.stored = None if refusal else stored
        if refusal is not None:
            stream.broken = True
            # What came before it in its stream stands, or conflicts; either way it does not change this refusal.
            objections.append(_Objection(proposal.ticket, stream, refusal, on_pending=False))
    for objection in [one for one in objections if one.on_pending and one.stream.broken]:
        objections.remove(objection)
        outcome.again.append(objection.ticket)


def _whom(proposal: _Proposal) -> UUID | None:
    """Return whom a text of an event is about unless it says so."""
    history = proposal.stream.history
    return about_by_default(proposal.event, history.first_subject, history)


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
    proposals: Sequence[_Proposal], objections: Sequence[_Objection], before: Mapping[UUID, Answer], outcome: Round
) -> None:
    """Turn the database's answers into those of the commands."""
    for proposal in proposals:
        answer = proposal.answer
        assert answer is not None
        if answer.outcome is not Outcome.RECORDED:
            proposal.stream.broken = True
        if answer.outcome is Outcome.CONFLICT:
            outcome.again.append(proposal.ticket)
        else:
            outcome.answered.append((proposal.ticket, _answer(proposal.ticket.command, proposal.event.id, answer)))
    for objection in objections:
        command = objection.ticket.command
        if command.id in before:
            outcome.answered.append((objection.ticket, _answer(command, event_id_of(command.id), before[command.id])))
        elif objection.stream.behind or (objection.on_pending and objection.stream.broken):
            outcome.again.append(objection.ticket)
        else:
            outcome.answered.append((objection.ticket, objection.refusal))


def _keep(kept: KeptHistories, streams: Sequence[Stream], proposals: Sequence[_Proposal]) -> None:
    """Keep the histories that hold just what is recorded now; let the others go."""
    for proposal in proposals:
        recorded = _as_recorded(proposal)
        if recorded is None:
            proposal.stream.broken = True
        else:
            proposal.stream.history.as_recorded(recorded)
    for stream in streams:
        if not stream.broken and stream.unreadable is None:
            kept.keep(stream.id, stream.history)


def _as_recorded(proposal: _Proposal) -> Event | None:
    """Return a proposed event as whoever reads it gets it, its texts sealed; none if it was not recorded."""
    answer = proposal.answer
    if answer is None or answer.outcome is not Outcome.RECORDED:
        return None
    return structs.replace(proposal.event, position=answer.position, recorded_at=answer.recorded_at)


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
