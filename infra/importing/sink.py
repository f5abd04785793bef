"""The registry as the place where an import's commands go: a chunk is one transaction of one append call.

What was imported before is recognised by its command ids; how far an import has come stands beside the events, so that
one which is gone on with need not look at each. Where somebody has worked on an imported case since, what is
new of it is judged against the case as it stands, like any command.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import psycopg
from msgspec import Struct
from msgspec.structs import replace

from ...domain.case.decide import decide
from ...domain.case.facts import GapMark
from ...domain.command import Command, Refused
from ...domain.event import Event, Fact
from ...domain.vocabulary import LearningKind
from ..store.arrays import uuid_array
from ..store.bulk import CommandReused, StreamMovedOn, append_rows
from ..store.connection import REGISTRY, SET_PRINCIPAL, principal_text
from ..store.reading import events_of
from ..store.registry import Registry
from ..store.staging import staged_row
from ..vault.sealing import Place
from ..vault.texts import clear_texts
from ..vault.vault import ToSeal, Vault
from .handover import Appended, RefusedCase
from .packing import ID_BYTES, Packed, Packer, Worded, commands_of, event_of
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
    """What is to be appended of a chunk, and what is not. ``rows`` holds events whose texts have to be sealed yet."""

    rows: list[bytes | tuple[Event, bytes]]
    present: int
    refused: list[RefusedCase]


class RegistrySink:
    """Appends to the registry through its appender. One import at a time uses it."""

    def __init__(self, registry: Registry, vault: Vault) -> None:
        self._registry = registry
        self._vault = vault
        self._fingerprint = b""
        self._reached = Reached()

    @property
    def packer(self) -> Packer:
        """What packs commands, as ``handover.Sink`` says."""
        return Packer(self._vault.request_secret)

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

    def append_chunk(self, streams: Sequence[Packed | Worded], bookmark: Bookmark) -> Appended:
        """Record what is new, in one transaction, as ``handover.Sink`` says. Raises ``psycopg.Error``."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return self._appended(streams, bookmark)
            except (StreamMovedOn, CommandReused):
                # Somebody recorded in one of these cases since the plan was made; or, having the same file, all of it.
                if attempt == ATTEMPTS_MAX:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def end(self) -> None:
        """Forget how far the import has come. Raises ``psycopg.Error``."""
        with self._registry.appender.connection() as connection:
            connection.execute(END, (self._fingerprint,))

    def _appended(self, streams: Sequence[Packed | Worded], bookmark: Bookmark) -> Appended:
        with self._registry.appender.connection() as connection:
            plan = self._plan(connection, streams)
            reached = self._reached_with(streams, bookmark, plan.refused)
            recorded = 0
            with connection.transaction():
                if plan.rows:
                    recorded = append_rows(connection, self._sealed(plan.rows)).recorded
                if len(reached.again) <= AGAIN_MAX:
                    noted = (reached.traces, reached.cases, reached.events, sorted(reached.again))
                    connection.execute(NOTE, (self._fingerprint, *noted))
        self._reached = reached
        # What was planned and not recorded, another import of the same rows has recorded meanwhile.
        return Appended(recorded, plan.present + len(plan.rows) - recorded, tuple(plan.refused))

    def _reached_with(
        self, streams: Sequence[Packed | Worded], bookmark: Bookmark, refused: list[RefusedCase]
    ) -> Reached:
        """Return how far the import has come with a chunk."""
        before, numbers = self._reached, bookmark.numbers
        again = bookmark.again | {numbers[case.case] for case in refused}
        whole = {stream for stream, number in numbers.items() if number not in again}
        return Reached(
            max(before.traces, bookmark.traces),
            before.cases + len(whole),
            before.events + sum(len(packed.keys) for packed in streams if packed.stream in whole),
            (before.again - frozenset(numbers.values())) | again,
        )

    def _plan(self, connection: psycopg.Connection, streams: Sequence[Packed | Worded]) -> _Plan:
        with connection.transaction():
            connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
            heads = _heads(connection, {packed.stream for packed in streams})
            there = [packed for packed in streams if packed.stream in heads and not packed.of_organisation]
            recorded = _recorded(connection, (UUID(bytes=key[:ID_BYTES]) for packed in there for key in packed.keys))
        plan = _Plan([], 0, [])
        for packed in streams:
            self._plan_stream(plan, packed, heads.get(packed.stream, 0), recorded)
        return plan

    def _plan_stream(self, plan: _Plan, packed: Packed | Worded, head: int, recorded: dict[bytes, bytes]) -> None:
        """Plan what becomes of one stream's commands."""
        keys, known = packed.keys, 0
        if head:
            if packed.of_organisation:
                plan.present += len(keys)  # registered, by whomever
                return
            while known < len(keys) and recorded.get(keys[known][:ID_BYTES]) == keys[known][ID_BYTES:]:
                known += 1
            if any(key[:ID_BYTES] in recorded for key in keys[known:]):
                plan.refused.append(RefusedCase(packed.stream, CHANGED))
                return
            if len(keys) > known and head > known:
                self._plan_after_others(plan, packed, known, head)
                return
        plan.present += known
        if isinstance(packed, Packed):
            # Row by row their versions go on from the head: they were counted from the stream's beginning.
            plan.rows += packed.rows[known:]
        else:
            plan.rows += [(event, key[ID_BYTES:]) for event, key in zip(packed.rows, keys, strict=True)][known:]

    def _plan_after_others(self, plan: _Plan, packed: Packed | Worded, known: int, head: int) -> None:
        """Plan what is new of a case in which others have recorded: as their commands would be judged, and after them.

        Its first ``known`` commands are recorded, and ``head`` is the case's version.
        """
        fresh = commands_of(packed)[known:]
        refusal = self._refusal(packed.stream, fresh)
        if refusal is not None:
            plan.refused.append(RefusedCase(packed.stream, refusal.message))
            return
        plan.present += known
        events = [event_of(command, version) for version, command in enumerate(fresh, head + 1)]
        plan.rows += [(event, key[ID_BYTES:]) for event, key in zip(events, packed.keys[known:], strict=True)]

    def _sealed(self, rows: Sequence[bytes | tuple[Event, bytes]]) -> list[bytes]:
        """Return rows with their texts sealed, and without those about somebody who has been erased since."""
        events = [row[0] for row in rows if not isinstance(row, bytes)]
        worded = [event for event in events if clear_texts(event.data)]
        places = [Place(event.id, event.stream, event.version, event.data.topic) for event in worded]
        facts = self._vault.seal([ToSeal(one.data, place, None) for one, place in zip(worded, places, strict=True)])
        sealed = {
            event.id: replace(event, data=_silent(event.data) if isinstance(fact, Refused) else fact)
            for event, fact in zip(worded, facts, strict=True)
        }
        return [row if isinstance(row, bytes) else staged_row(sealed.get(row[0].id, row[0]), row[1]) for row in rows]

    def _refusal(self, case: UUID, commands: Sequence[Command]) -> Refused | None:
        """Return why one of ``commands`` is refused by the case as it stands, with what others recorded; or none."""
        history = events_of(self._registry.reader, REGISTRY, [case])
        now = datetime.now(UTC)
        for command in commands:
            answer = decide(command, history, now, _OfImports())
            if isinstance(answer, Refused):
                return answer
            history.append(event_of(command, len(history) + 1, history[-1].position + 1))
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
        """Return true: only exports name obstacles of other cases, which are taken over with them."""
        return True

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


def _recorded(connection: psycopg.Connection, commands: Iterable[UUID]) -> dict[bytes, bytes]:
    """Return the request hash of each command that has had its effect, by the bytes of its id."""
    asked = list(commands)
    rows = connection.execute(RECORDED, (uuid_array(asked),)).fetchall() if asked else []
    return {command.bytes: request_hash for command, request_hash in rows}
