"""The registry as the place where an import's commands go: a chunk is one transaction of one append call.

What was imported before is recognised by its command ids; how far an import has come stands beside the events, so that
one which is gone on with need not look at each. Where somebody has worked on an imported case since, what is
new of it is judged against the case as it stands, like any command.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Final
from uuid import UUID

import psycopg
from msgspec import Struct
from msgspec.structs import replace

from ...domain.case.decide import decide
from ...domain.case.facts import GapMark
from ...domain.command import Command, Refused
from ...domain.event import Event, Fact
from ...domain.ids import event_id_of
from ...domain.organisation.facts import OrganisationFact
from ...domain.vocabulary import LearningKind
from ..store.arrays import uuid_array
from ..store.bulk import CommandReused, StreamMovedOn, append_bulk
from ..store.connection import REGISTRY, SET_PRINCIPAL, principal_text
from ..store.reading import events_of
from ..store.registry import Registry
from ..vault.sealing import Place, clear_texts
from ..vault.vault import ToSeal, Vault
from .handover import Appended, RefusedCase
from .progress import AGAIN_MAX, Bookmark, Reached

ATTEMPTS_MAX: Final = 5
"""How often a chunk is planned anew because a case moved on between planning and appending. Each needs somebody who
works on one of these very cases in these milliseconds."""

HEADS: Final = "SELECT stream_id, version FROM knelpunt.stream_head WHERE stream_id = ANY(%s)"
RECORDED: Final = "SELECT command_id, request_hash FROM knelpunt.command WHERE command_id = ANY(%s)"

BROKEN_OFF: Final = "SELECT traces, cases, events, again, reached_at FROM knelpunt.import_run WHERE fingerprint = %s"
NOTE: Final = "SELECT knelpunt.note_import(%s, %s, %s, %s, %s)"
END: Final = "SELECT knelpunt.end_import(%s)"

CHANGED: Final = (
    "it was imported before from rows, or by a mapping, that said something else; it stays as it is: correct it in the "
    "registry, or import under another source"
)


class _Plan(Struct):
    """What is to be appended of a chunk, and what is not."""

    events: list[Event]
    request_hashes: list[bytes]
    present: int
    refused: list[RefusedCase]


class RegistrySink:
    """Appends to the registry through its appender. One import at a time uses it."""

    def __init__(self, registry: Registry, vault: Vault) -> None:
        self._registry = registry
        self._vault = vault
        self._fingerprint = b""
        self._reached = Reached()

    def begin(self, fingerprint: bytes) -> Reached:
        """Begin an import, as ``handover.Sink`` says. Raises ``psycopg.Error``."""
        self._fingerprint, self._reached = fingerprint, Reached()
        with self._registry.appender.connection() as connection, connection.transaction():
            connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
            row = connection.execute(BROKEN_OFF, (fingerprint,)).fetchone()
        if row is not None:
            traces, cases, events, again, at = row
            self._reached = Reached(traces, cases, events, frozenset(again), at)
        return self._reached

    def append_chunk(self, commands: Sequence[Command], bookmark: Bookmark) -> Appended:
        """Record what is new, in one transaction, as ``handover.Sink`` says. Raises ``psycopg.Error``."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return self._appended(commands, bookmark)
            except (StreamMovedOn, CommandReused):
                # Somebody recorded in one of these cases since the plan was made; or, having the same file, all of it.
                if attempt == ATTEMPTS_MAX:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def end(self) -> None:
        """Forget how far the import has come. Raises ``psycopg.Error``."""
        with self._registry.appender.connection() as connection:
            connection.execute(END, (self._fingerprint,))

    def _appended(self, commands: Sequence[Command], bookmark: Bookmark) -> Appended:
        with self._registry.appender.connection() as connection:
            plan = self._plan(connection, commands)
            reached = self._reached_with(commands, bookmark, plan.refused)
            recorded = 0
            with connection.transaction():
                if plan.events:
                    recorded = append_bulk(connection, self._sealed(plan.events), plan.request_hashes).recorded
                if len(reached.again) <= AGAIN_MAX:
                    noted = (reached.traces, reached.cases, reached.events, sorted(reached.again))
                    connection.execute(NOTE, (self._fingerprint, *noted))
        self._reached = reached
        # What was planned and not recorded, another import of the same rows has recorded meanwhile.
        return Appended(recorded, plan.present + len(plan.events) - recorded, tuple(plan.refused))

    def _reached_with(self, commands: Sequence[Command], bookmark: Bookmark, refused: list[RefusedCase]) -> Reached:
        """Return how far the import has come with a chunk."""
        before, numbers = self._reached, bookmark.numbers
        again = bookmark.again | {numbers[case.case] for case in refused}
        whole = {stream for stream, number in numbers.items() if number not in again}
        return Reached(
            max(before.traces, bookmark.traces),
            before.cases + len(whole),
            before.events + sum(command.stream in whole for command in commands),
            (before.again - frozenset(numbers.values())) | again,
        )

    def _plan(self, connection: psycopg.Connection, commands: Sequence[Command]) -> _Plan:
        with connection.transaction():
            connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
            heads = _heads(connection, {command.stream for command in commands})
            recorded = _recorded(connection, (command.id for command in commands if command.stream in heads))
        plan = _Plan([], [], 0, [])
        for stream, of_stream in groupby(commands, key=attrgetter("stream")):
            self._plan_stream(plan, stream, list(of_stream), heads.get(stream, 0), recorded)
        return plan

    def _plan_stream(
        self, plan: _Plan, stream: UUID, commands: list[Command], head: int, recorded: dict[UUID, bytes]
    ) -> None:
        """Plan what becomes of one stream's commands."""
        if head and isinstance(commands[0].data, OrganisationFact):
            plan.present += len(commands)  # registered, by whomever
            return
        hashed = [(command, self._vault.request_hash(command)) for command in commands]
        known = 0
        if head:
            while known < len(hashed) and recorded.get(hashed[known][0].id) == hashed[known][1]:
                known += 1
            if any(command.id in recorded for command, _ in hashed[known:]):
                plan.refused.append(RefusedCase(stream, CHANGED))
                return
        fresh = hashed[known:]
        if fresh and head > known:
            refusal = self._refusal(stream, [command for command, _ in fresh])
            if refusal is not None:
                plan.refused.append(RefusedCase(stream, refusal.message))
                return
        plan.present += known
        for version, (command, request_hash) in enumerate(fresh, head + 1):
            plan.events.append(_event(command, version))
            plan.request_hashes.append(request_hash)

    def _sealed(self, events: Sequence[Event]) -> Sequence[Event]:
        """Return events with their texts sealed, and without those about somebody who has been erased since."""
        worded = [event for event in events if clear_texts(event.data)]
        places = [Place(event.id, event.stream, event.version, event.data.topic) for event in worded]
        facts = self._vault.seal([ToSeal(one.data, place, None) for one, place in zip(worded, places, strict=True)])
        sealed = {
            event.id: replace(event, data=_silent(event.data) if isinstance(fact, Refused) else fact)
            for event, fact in zip(worded, facts, strict=True)
        }
        return [sealed.get(event.id, event) for event in events]

    def _refusal(self, case: UUID, commands: Sequence[Command]) -> Refused | None:
        """Return why one of ``commands`` is refused by the case as it stands, with what others recorded; or none."""
        history = events_of(self._registry.reader, REGISTRY, [case])
        now = datetime.now(UTC)
        for command in commands:
            answer = decide(command, history, now, _OfImports())
            if isinstance(answer, Refused):
                return answer
            history.append(_event(command, len(history) + 1, history[-1].position + 1))
        return None


class _OfImports:
    """What import rules may name outside of a case: organisations that the import has registered, and nothing else."""

    def organisation(self, organisation: str) -> bool:
        """Return true: every organisation is registered before the first command that names it."""
        return True

    def organisation_history(self, organisation: str) -> Sequence[Event]:
        """Return nothing: imports only register organisations."""
        return ()

    def case(self, case: UUID) -> bool:
        """Return false: imports link no cases."""
        return False

    def obstacle(self, obstacle: UUID) -> bool:
        """Return false: imports name no obstacle of another case."""
        return False

    def concluded(self, dialogue: UUID) -> bool | None:
        """Return none: imports know of no dialogue."""
        return None

    def stream(self, stream: UUID, kind: LearningKind) -> bool:
        """Return false: imports name no learning stream."""
        return False

    def history(self, stream: UUID) -> Sequence[Event]:
        """Return none: what an import asks of one stream hangs on no other's events."""
        return ()

    def gap(self, history: Sequence[Event], mark: GapMark, moment: datetime) -> bool:
        """Return false: imports speak of no gap."""
        return False


def _silent(fact: Fact) -> Fact:
    """Return a fact without its texts."""
    return replace(fact, **{name: None for name, _ in clear_texts(fact)})


def _heads(connection: psycopg.Connection, streams: set[UUID]) -> dict[UUID, int]:
    """Return the version of each stream that exists."""
    return dict(connection.execute(HEADS, (uuid_array(streams),)).fetchall())


def _recorded(connection: psycopg.Connection, commands: Iterable[UUID]) -> dict[UUID, bytes]:
    """Return the request hash of each command that has had its effect."""
    asked = list(commands)
    return dict(connection.execute(RECORDED, (uuid_array(asked),)).fetchall()) if asked else {}


def _event(command: Command, version: int, position: int = 0) -> Event:
    """Return the event that a command leads to; append gives it its place and moment of recording."""
    at = command.occurred_at
    assert at is not None, "imported commands name their moment"
    return Event(
        event_id_of(command.id),
        command.stream,
        version,
        position,
        at,
        at,
        command.actor,
        command.id,
        command.data,
        command.precision,
        command.source,
        command.inferred,
    )
