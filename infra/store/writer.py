"""Takes commands from many threads and records them in shared commits.

One thread drains the queue: whatever waits when a round begins goes into it. A command that comes alone does not wait
for others; after a round of several there is a moment for those who were answered to come with their next. A command is
answered when its event is on disk, or with its refusal. Where many wait, they are two rounds in turn: while the server
writes one to disk, the other is decided. After a lost connection, whose last commit may or may not have happened, the
commands are simply sent again: by their ids, none has its effect twice.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event as Signal
from threading import Thread
from time import monotonic, sleep
from typing import Any, Final, Protocol
from uuid import UUID

import psycopg
from msgspec import Struct

from ...domain.command import Command, Refused
from ..observing import tracing
from ..vault.vault import Vault
from .appending import AppendLine, append, hold_log
from .batch import Begun, Decide, Desk, Recorded, Round, Ticket, begin_round, finish_round, run_round
from .connection import DatabaseRole, connect_as_registry
from .directory import Gaps, StoredDirectory
from .handover import Handover, Pending
from .kept import EVENTS_KEPT_MAX, KeptHistories
from .line import Sent
from .mapper import EventMapper

__all__ = ["Overloaded", "Recorded", "StoreUnavailable", "Submit", "Writer"]

BATCH_MAX: Final = 256
"""How many commands share a commit at most; more hardly saves anything, and makes the first wait for the last."""

ABREAST_MIN: Final = 16
"""How many must wait for a round to begin while another is being written: of fewer, deciding takes less time than the
write to disk that they would not share."""

GATHER_SECONDS_MAX: Final = 0.004
"""How long after a round the next one may wait for as many commands as there were before: less than what a round takes.
Clients who work step by step send on as soon as they are answered, and with all of them in one round, instead of two
halves in turn, each writing to disk serves twice as many."""

GATHER_STEP_SECONDS: Final = 0.001
"""How long to wait at a time; when nobody came meanwhile, the round begins."""

WAITING_MAX: Final = 10_000
"""How many commands may wait: some seconds of work. Beyond it callers are told at once, instead of after a timeout; of
those who come at one and the same moment some may be taken beyond it."""

FREE_ROUNDS_MAX: Final = 3
"""How often commands are decided while others may append meanwhile. Only another writer to the same stream can cause
a conflict, so two rounds nearly always do. After three, the log is held for a round, which then meets none."""

OUTAGE_SECONDS_MAX: Final = 30.0
"""How long to go on trying without a database: a restart takes seconds."""

FULL_SECONDS_MAX: Final = 2.0
"""How long to go on trying while its disk is full: that takes somebody to make room, so callers are told."""

RETRY_SECONDS: Final = 0.1
"""How long to wait before the first new try; twice as long each time, up to two seconds."""

RETRY_SECONDS_MAX: Final = 2.0

Submit = Callable[[Command], "Future[Recorded | Refused]"]
"""Hands in a command: what a writer's ``submit`` does, for those who need no more of it."""

_CLOSING: Final = "The registry is shutting down; send the command again, with the same id."

_log = logging.getLogger(__name__)


class Watcher(Protocol):
    """Who wants to know how recording goes."""

    def appended(self, commands: int, seconds: float) -> None:
        """Hear that so many commands shared a round, which took so long."""
        ...

    def answered(self, outcome: str) -> None:
        """Hear what came of a command: ``recorded``, ``refused`` or ``failed``."""
        ...


class StoreUnavailable(Exception):  # noqa: N818  named for what it is
    """The database could not be reached or written to for half a minute.

    Whether the command had its effect is not known; sending it again with the same id is safe, and tells.
    """


class Overloaded(Exception):  # noqa: N818  named for what it is
    """So many commands wait that this one was not taken; nothing of it happened."""


class _Flight(Struct):
    """A round under way: its commands, what was decided, and the append that was sent off, if there is any.

    ``decided`` is none if something went wrong before it was sent; ``began`` is by the monotonic clock.
    """

    tickets: Sequence[Ticket]
    streams: frozenset[UUID]
    began: float
    decided: Begun | None = None
    sent: Sent | None = None


class Writer:
    """Records commands. ``deciders`` by kind of stream (``codec.CASE``, ``codec.ORGANISATION``); ``gaps`` derives.

    At most ``events_kept_max`` events of cases that are worked on stay at hand; with 0, each case is loaded every time.
    """

    def __init__(
        self,
        url: str,
        vault: Vault,
        deciders: Mapping[str, Decide],
        gaps: Gaps,
        events_kept_max: int = EVENTS_KEPT_MAX,
    ) -> None:
        """Start the thread; the first command connects to ``url``."""
        self._url = url
        self._vault = vault
        self._keys = vault.line()
        self._desk = Desk(
            deciders, StoredDirectory(gaps), vault, EventMapper(), KeptHistories(events_kept_max), self._keys
        )
        # Without a bound of its own: the one that has it locks and wakes in Python, which costs a lone command most.
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._put_off: list[Ticket] = []
        self._expected = 0
        """How many will wait when all have sent on who were answered last."""
        self._connection: psycopg.Connection | None = None
        self._line = AppendLine(url)
        self._handover: Handover[Recorded | Refused] | None = None
        self._closing = Signal()
        self._ended = Signal()
        self._watcher: Watcher | None = None
        self._thread = Thread(target=self._serve, name="knelpunt-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many commands wait for their turn."""
        return self._queue.qsize()

    def watched_by(self, watcher: Watcher) -> None:
        """Tell somebody how recording goes, from now on."""
        self._watcher = watcher

    def submit(self, command: Command) -> "Future[Recorded | Refused]":
        """Hand in a command; the future gets its answer, or ``StoreUnavailable``. Raises ``Overloaded``."""
        future: Future[Recorded | Refused] = Future()
        self._hand_in(command, future)
        return future

    def ask(self, command: Command) -> "asyncio.Future[Recorded | Refused]":
        """Hand in a command as ``submit`` does, for somebody who waits in the running loop."""
        loop = asyncio.get_running_loop()
        handover = self._handover
        if handover is None or handover.loop is not loop:
            handover = self._handover = Handover(loop)  # answers under way in another loop know their own
        awaited = handover.awaited()
        self._hand_in(command, awaited)
        return awaited.future

    def _hand_in(self, command: Command, future: Pending[Recorded | Refused]) -> None:
        if self._closing.is_set():
            raise StoreUnavailable(_CLOSING)
        if self._queue.qsize() >= WAITING_MAX:
            message = f"{WAITING_MAX} commands are waiting already; send this one again in a few seconds."
            raise Overloaded(message)
        self._queue.put(Ticket(command, self._vault.request_hash(command), future, trace=tracing.here()))
        if self._ended.is_set():  # since it was asked above whether it will
            self._turn_away()

    def close(self) -> None:
        """Answer what waits, and stop."""
        if not self._closing.is_set():
            self._closing.set()
            self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        flight: _Flight | None = None
        try:
            while True:
                expected, self._expected = self._expected, 0
                gather(self._queue, expected)
                batch = self._next_batch(flight)
                if not batch and flight is None:
                    break
                if flight is None and self._queue.empty() and not self._put_off:
                    self._handle(batch)  # nobody waits who could be decided meanwhile
                    continue
                following = self._begin(batch) if batch else None
                again = self._finish(flight) if flight is not None else []
                if again:
                    # Appended by themselves, and on the same line: so nothing may be under way on it.
                    again += self._finish(following) if following is not None else []
                    following = None
                    self._handle(again, rounds=1)
                flight = following
        finally:
            self._disconnect()
            self._ended.set()
            self._turn_away()

    def _turn_away(self) -> None:
        """Refuse what was handed in when nobody takes anything any more."""
        with suppress(Empty):
            while True:
                ticket = self._queue.get_nowait()
                if ticket is not None and ticket.future.set_running_or_notify_cancel():
                    ticket.future.set_exception(StoreUnavailable(_CLOSING))

    def _next_batch(self, flight: "_Flight | None") -> list[Ticket]:
        """Return the commands of the next round. Without a round under way wait for one; none: it is time to stop.

        Beside a round under way come none of its streams, and none at all if they are few. Without one, as many as
        make two rounds are halved.
        """
        waiting, self._put_off = self._put_off, []
        there = len(waiting) + self._queue.qsize()
        taken_max = min(BATCH_MAX, there // 2 if there >= 2 * ABREAST_MIN else BATCH_MAX)
        busy: frozenset[UUID] = frozenset()
        if flight is not None:
            taken_max = BATCH_MAX if there >= ABREAST_MIN else 0
            busy = flight.streams
        batch: dict[object, Ticket] = {}
        stop = False
        while len(batch) < taken_max:
            if waiting:
                ticket = waiting.pop(0)
            else:
                try:
                    waits = not batch and not stop and flight is None
                    taken = self._queue.get() if waits else self._queue.get_nowait()
                except Empty:
                    break
                if taken is None:
                    stop = True
                    self._queue.put(None)  # found again when all before it is answered
                    break
                if not taken.future.set_running_or_notify_cancel():
                    continue
                ticket = taken
            # The same command once more waits for the answer to the first.
            if ticket.command.id in batch or ticket.command.stream in busy:
                self._put_off.append(ticket)
            else:
                batch[ticket.command.id] = ticket
        self._put_off.extend(waiting)
        return list(batch.values())

    def _begin(self, tickets: Sequence[Ticket]) -> "_Flight":
        """Decide a round and send it off."""
        flight = _Flight(tickets, frozenset(ticket.command.stream for ticket in tickets), monotonic())
        traces = [ticket.trace for ticket in tickets]
        # Without ``decided`` all of it is tried again when its turn to be finished has come.
        with tracing.joint_span("decide", traces, commands=len(tickets)), suppress(Exception):
            begun = begin_round(self._connected(), self._desk, tickets, self._line.ready())
            flight.sent = self._line.send(*begun.append()) if begun.ready else None
            flight.decided = begun
        return flight

    def _finish(self, flight: "_Flight") -> list[Ticket]:
        """Answer the tickets of a round; return those that must be decided again."""
        traces = [ticket.trace for ticket in flight.tickets]
        outcome: Round | None = None
        with tracing.joint_span("append", traces, commands=len(traces)), suppress(Exception):
            if flight.decided is not None:
                answers = self._line.answers(flight.sent) if flight.sent is not None else ()
                outcome = finish_round(self._desk, flight.decided, answers)
        if outcome is None:
            self._line.disconnect()
            self._desk.kept.clear()
            # By itself, where what is wrong is waited out, or told to whom it concerns.
            self._handle(flight.tickets)
            return []
        self._take_in(flight.tickets, outcome, flight.began)
        return outcome.again

    def _take_in(self, tickets: Sequence[Ticket], outcome: Round, began: float) -> None:
        """Tell the watcher of a round, and those who are answered by it."""
        if self._watcher is not None:
            self._watcher.appended(len(tickets), monotonic() - began)
        # Before they are answered: of who comes now nobody can tell any more whether they waited, or have come back.
        self._expected = self._queue.qsize() + len(outcome.answered)
        for ticket, answer in outcome.answered:
            self._answer(ticket, answer)

    def _handle(self, tickets: Sequence[Ticket], rounds: int = 0) -> None:
        """Answer every ticket, in rounds of which nothing else goes on; ``rounds`` have been tried before."""
        while tickets:
            began = monotonic()
            try:
                play = _round_alone if rounds >= FREE_ROUNDS_MAX else self._round_free
                with tracing.joint_span("append", [ticket.trace for ticket in tickets], commands=len(tickets)):
                    outcome = self._through_outages(tickets, play)
            except StoreUnavailable as error:
                for ticket in tickets:
                    self._answer(ticket, error)
                return
            except Exception as error:  # noqa: BLE001  handed to whoever waits for the answer
                if len(tickets) == 1:
                    _log.exception("a command could not be handled")
                    self._answer(tickets[0], error)
                else:
                    # One of them is at fault. Alone, each gets its own answer.
                    for ticket in tickets:
                        self._handle([ticket])
                return
            self._take_in(tickets, outcome, began)
            # Fewer each time nobody interferes: the first of each stream gets its answer, whatever the others do.
            tickets = outcome.again
            rounds += 1

    def _answer(self, ticket: Ticket, answer: Recorded | Refused | Exception) -> None:
        """Give a command its answer, and count what it was: before, so that who was answered finds it counted."""
        if self._watcher is not None:
            failed = isinstance(answer, Exception)
            self._watcher.answered("failed" if failed else "refused" if isinstance(answer, Refused) else "recorded")
        if isinstance(answer, Exception):
            ticket.future.set_exception(answer)
        else:
            ticket.future.set_result(answer)

    def _through_outages(
        self, tickets: Sequence[Ticket], play: Callable[[psycopg.Connection, Desk, Sequence[Ticket]], Round]
    ) -> Round:
        """Run a round, trying again while the database is away."""
        began = monotonic()
        pause = RETRY_SECONDS
        while True:
            try:
                return play(self._connected(), self._desk, tickets)
            except psycopg.OperationalError as error:
                self._disconnect()
                full = isinstance(error, psycopg.errors.DiskFull)
                deadline = began + (FULL_SECONDS_MAX if full else OUTAGE_SECONDS_MAX)
                if monotonic() + pause > deadline or self._closing.wait(pause):
                    message = (
                        f"The database could not be reached or written to ({type(error).__name__}): "
                        "send the command again, with the same id, when it is back."
                    )
                    raise StoreUnavailable(message) from error
                pause = min(2 * pause, RETRY_SECONDS_MAX)

    def _round_free(self, connection: psycopg.Connection, desk: Desk, tickets: Sequence[Ticket]) -> Round:
        """Run a round while others may append."""
        return run_round(connection, desk, tickets, self._line.append, self._line.ready())

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect_as_registry(self._url, DatabaseRole.APPENDER)
        return self._connection

    def _disconnect(self) -> None:
        self._line.disconnect()
        self._keys.disconnect()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._desk.kept.clear()  # the next connection may lead to a server that lost what this one had


def _round_alone(connection: psycopg.Connection, desk: Desk, tickets: Sequence[Ticket]) -> Round:
    """Run a round while nobody else can append."""
    with connection.transaction():
        hold_log(connection)
        return run_round(connection, desk, tickets, partial(append, connection))


def gather(queue: "SimpleQueue[Any]", expected: int) -> None:
    """Give those whom the last round answered, and who send on at once, the time to come into the next one.

    ``expected`` is how many wait when all of them have sent on. One alone is not waited for: that would save nobody
    anything.
    """
    waiting = queue.qsize()
    expected = min(expected, BATCH_MAX)
    deadline = monotonic() + GATHER_SECONDS_MAX
    while 1 < expected > waiting and monotonic() < deadline:
        sleep(GATHER_STEP_SECONDS)
        before, waiting = waiting, queue.qsize()
        if waiting == before:
            break
