"""The writer: commands in from many threads, one answer each."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import Queue, SimpleQueue
from time import monotonic, sleep
from uuid import uuid4

import psycopg
import pytest

from infra.store.conftest import DECIDERS
from infra.store.given import CLERK, MOMENT, append, command, event, open_case, recorded, report, step
from knelpunt.domain.case.facts import ContactMade, ObstacleReported
from knelpunt.domain.command import Command, RefusalCode, Refused
from knelpunt.domain.event import Actor, Knower
from knelpunt.domain.ids import event_id_of
from knelpunt.domain.text import clear
from knelpunt.domain.vocabulary import Channel, Initiative, Origin, Role
from knelpunt.infra.store import writer as writer_module
from knelpunt.infra.store.appending import AppendLine
from knelpunt.infra.store.codec import CASE, ORGANISATION, UnreadableEvent
from knelpunt.infra.store.connection import REGISTRY, DatabaseRole, connect
from knelpunt.infra.store.reading import events_of
from knelpunt.infra.store.writer import (
    FREE_ROUNDS_MAX,
    GATHER_SECONDS_MAX,
    Overloaded,
    Recorded,
    StoreUnavailable,
    Writer,
    gather,
)


def code(answer: object) -> RefusalCode:
    assert isinstance(answer, Refused), answer
    return answer.code


def test_a_story_is_recorded(writer, registry) -> None:
    """Commands become the events that they ask for, with what they say, each answered with its place."""
    case, obstacle = uuid4(), uuid4()
    knower = Knower(CLERK.organisation, MOMENT)
    asked = [
        open_case(case, occurred_at=MOMENT),
        report(case, obstacle, occurred_at=MOMENT + timedelta(hours=1), known_to=(knower,)),
        step(case, obstacle),
    ]
    before = datetime.now(UTC)
    answers = [writer.submit(one).result(30) for one in asked]
    events = events_of(registry.reader, REGISTRY, [case])
    assert [(a.position, a.version, a.event_id, a.recorded_at) for a in answers] == [
        (e.position, e.version, e.id, e.recorded_at) for e in events
    ]
    assert [e.data for e in events] == [one.data for one in asked]
    assert [(e.id, e.command_id, e.actor) for e in events] == [(event_id_of(c.id), c.id, CLERK) for c in asked]
    assert [e.occurred_at for e in events[:2]] == [one.occurred_at for one in asked[:2]]
    assert before <= events[2].occurred_at <= datetime.now(UTC)
    assert events[1].known_to == (knower,)


def test_commands_that_wait_together_share_a_commit(writer, registry_url) -> None:
    """Sixty-four commands handed in at once need only a few transactions."""
    with psycopg.connect(registry_url, autocommit=True) as connection:
        wanted = [writer.submit(open_case(uuid4())) for _ in range(64)]
        positions = [future.result(30).position for future in wanted]
        assert positions == list(range(1, 65))
        (transactions,) = connection.execute("SELECT count(DISTINCT xmin::text) FROM knelpunt.event").fetchall()
    assert transactions[0] <= 6


def test_one_client_alone_waits_for_nobody(writer, monkeypatch) -> None:
    """Commands that come one after the other begin their round at once, however soon they follow."""
    waits: list[float] = []
    monkeypatch.setattr("knelpunt.infra.store.writer.sleep", waits.append)
    case, obstacle = uuid4(), uuid4()
    for one in (open_case(case), report(case, obstacle), step(case, obstacle), step(case, obstacle)):
        writer.submit(one).result(30)
    assert waits == []


def test_one_who_sends_on_at_once_is_not_waited_for(writer, monkeypatch) -> None:
    """Nobody is taken for a second client who is the first one, back before the writer looks who waits."""
    waits: list[float] = []
    monkeypatch.setattr("knelpunt.infra.store.writer.sleep", waits.append)
    case, obstacle = uuid4(), uuid4()
    commands = [open_case(case), report(case, obstacle), *(step(case, obstacle) for _ in range(10))]
    answered: Queue[Recorded] = Queue()

    def send_on(number: int) -> None:
        future = writer.submit(commands[number])
        if number + 1 < len(commands):
            future.add_done_callback(lambda _: send_on(number + 1))  # in the thread that answers
        future.add_done_callback(lambda done: answered.put(done.result()))

    send_on(0)
    assert sorted(answered.get(timeout=30).version for _ in commands) == list(range(1, len(commands) + 1))
    assert waits == []


@pytest.mark.parametrize(
    ("expected", "arriving", "steps"),
    [(8, [8], 1), (8, [5, 3], 2), (8, [2, 0], 2), (8, [0], 1), (1, [], 0), (0, [], 0)],
)
def test_those_who_were_answered_together_are_waited_for(monkeypatch, expected, arriving, steps) -> None:
    """After a round of several the next waits step by step until as many are there, or nobody came any more."""
    queue: SimpleQueue[int] = SimpleQueue()
    coming = iter(arriving)
    waits: list[float] = []

    def pass_time(seconds: float) -> None:
        waits.append(seconds)
        for _ in range(next(coming)):
            queue.put(1)

    monkeypatch.setattr("knelpunt.infra.store.writer.sleep", pass_time)
    gather(queue, expected)
    assert len(waits) == steps


def test_nobody_waits_long(monkeypatch) -> None:
    """However many trickle in, the round begins after a few milliseconds."""
    queue: SimpleQueue[int] = SimpleQueue()
    monkeypatch.setattr("knelpunt.infra.store.writer.sleep", lambda seconds: (sleep(seconds), queue.put(1)))
    begun = monotonic()
    gather(queue, 200)
    assert GATHER_SECONDS_MAX <= monotonic() - begun < 1
    assert 0 < queue.qsize() < 100


def test_one_stream_in_one_batch(writer) -> None:
    """Commands of one stream handed in together are decided one after the other, each on what the one before did."""
    case, obstacle = uuid4(), uuid4()
    futures = [writer.submit(one) for one in (open_case(case), report(case, obstacle), step(case, obstacle))]
    answers = [future.result(30) for future in futures]
    assert [answer.version for answer in answers] == [1, 2, 3]


def test_five_times_at_once(new_writer) -> None:
    """The same command sent five times at once, by three writers, has one effect and one answer."""
    writers = [new_writer(), new_writer(), new_writer()]
    once = open_case(uuid4(), title=clear("De aanvraag die bleef liggen"))
    futures = [writers[number % 3].submit(once) for number in range(5)]
    assert len({future.result(30) for future in futures}) == 1
    # By now the domain would refuse it: the case is open.
    assert isinstance(writers[0].submit(once).result(30), Recorded)


def test_an_id_used_for_another_request(writer) -> None:
    """A command id used before is refused with another request, whether the domain would allow that one or not."""
    case, obstacle = uuid4(), uuid4()
    for one in (open_case(case), report(case, obstacle)):
        writer.submit(one).result(30)
    first = step(case, obstacle)
    writer.submit(first).result(30)
    allowed = step(case, obstacle, id=first.id, occurred_at=MOMENT)
    refused = open_case(case, id=first.id)
    other_actor = Command(first.id, case, Actor(CLERK.organisation, Role.AGENCY, "another"), first.data)
    for again in (allowed, refused, other_actor):
        assert code(writer.submit(again).result(30)) is RefusalCode.COMMAND_REUSED


def test_a_refusal_leaves_no_event_and_may_be_sent_again(writer, registry) -> None:
    """A refused command is not remembered: once things have changed, the same one is recorded."""
    case, obstacle = uuid4(), uuid4()
    writer.submit(open_case(case)).result(30)
    too_early = step(case, obstacle)
    assert code(writer.submit(too_early).result(30)) is RefusalCode.UNKNOWN_OBSTACLE
    assert len(events_of(registry.reader, REGISTRY, [case])) == 1
    writer.submit(report(case, obstacle)).result(30)
    assert isinstance(writer.submit(too_early).result(30), Recorded)


def test_a_refusal_fails_no_neighbour(writer) -> None:
    """In a batch with refused commands the others are recorded."""
    cases = [uuid4() for _ in range(20)]
    futures = [writer.submit(open_case(case)) for case in cases for _ in range(2)]
    answers = [future.result(30) for future in futures]
    assert [type(answer) for answer in answers] == [Recorded, Refused] * 20


def test_a_mistake_in_the_decider_fails_no_neighbour(registry_url, vault) -> None:
    """A command on which the decider breaks gets the error; those beside it are recorded."""
    broken = uuid4()

    def decider(command, history, now, directory):
        if command.stream == broken:
            raise ZeroDivisionError
        return command.data

    writer = Writer(registry_url, vault, {CASE: decider, ORGANISATION: decider}, lambda *_: False)
    try:
        futures = [writer.submit(open_case(case)) for case in (uuid4(), broken, uuid4())]
        with pytest.raises(ZeroDivisionError):
            futures[1].result(30)
        assert [recorded(futures[number].result(30)).version for number in (0, 2)] == [1, 1]
    finally:
        writer.close()


def test_conflicts_are_decided_again(registry_url, vault, new_writer) -> None:
    """What another writer records between loading and appending costs a new decision, never an answer."""
    case = uuid4()
    new_writer().submit(open_case(case)).result(30)
    seen: list[int] = []

    def decider(command, history, now, directory):
        seen.append(len(history))
        if len(seen) <= 2:
            with connect(registry_url, DatabaseRole.APPENDER) as other:
                append(other, [event(case, len(history) + 1)])
        return command.data

    writer = Writer(registry_url, vault, {CASE: decider}, lambda *_: False)
    try:
        answer = writer.submit(step(case, uuid4())).result(30)
    finally:
        writer.close()
    assert seen == [1, 2, 3]
    assert recorded(answer).version == 4


def test_endless_conflicts_end(registry_url, vault, new_writer) -> None:
    """A writer that meets a conflict every time it decides holds the log in the end, and then nobody comes between."""
    case = uuid4()
    new_writer().submit(open_case(case)).result(30)
    kept_out: list[int] = []

    def decider(command, history, now, directory):
        with connect(registry_url, DatabaseRole.APPENDER) as other:
            other.execute("SET lock_timeout = '200ms'")
            try:
                append(other, [event(case, len(history) + 1)])
            except psycopg.errors.LockNotAvailable:
                kept_out.append(len(history))
        return command.data

    writer = Writer(registry_url, vault, {CASE: decider}, lambda *_: False)
    try:
        answer = recorded(writer.submit(step(case, uuid4())).result(60))
    finally:
        writer.close()
    assert kept_out == [FREE_ROUNDS_MAX + 1]
    assert answer.version == FREE_ROUNDS_MAX + 2


def test_a_refusal_that_rests_on_a_conflict_is_taken_back(registry_url, vault, new_writer) -> None:
    """A command refused for what its neighbour was about to do is judged again when the neighbour is refused."""
    case = uuid4()
    new_writer().submit(open_case(case)).result(30)
    rounds: list[tuple[str, int]] = []

    def decider(command, history, now, directory):
        """The first command is recorded only on version 1; the second only if the first is not."""
        rounds.append((command.source, len(history)))
        if command.source == "first":
            if len(history) == 1:
                with connect(registry_url, DatabaseRole.APPENDER) as other:
                    append(other, [event(case, 2)])
                return command.data
            return Refused(RefusalCode.NOT_OPEN, "too late")
        if any(earlier.source == "first" for earlier in history):
            return Refused(RefusalCode.HELD, "the first was")
        return command.data

    writer = Writer(registry_url, vault, {CASE: decider}, lambda *_: False)
    try:
        writer.submit(open_case(uuid4(), source="warm"))  # the two below wait for it, and so come together
        futures = [writer.submit(step(case, uuid4(), source=source)) for source in ("first", "second")]
        first, second = (future.result(30) for future in futures)
    finally:
        writer.close()
    assert code(first) is RefusalCode.NOT_OPEN
    assert isinstance(second, Recorded), rounds


def test_expected_version(writer) -> None:
    """A command that expects another version than the stream has is refused."""
    case = uuid4()
    writer.submit(open_case(case)).result(30)
    answer = writer.submit(report(case, uuid4(), expected_version=7)).result(30)
    assert code(answer) is RefusalCode.VERSION_CONFLICT
    assert isinstance(writer.submit(report(case, uuid4(), expected_version=1)).result(30), Recorded)


def test_too_large_for_the_log(registry_url, vault) -> None:
    """An event whose log entry would exceed 8 KiB is refused before it is recorded; large texts are no such thing."""
    writer = Writer(registry_url, vault, {CASE: lambda command, *_: command.data}, lambda *_: False)
    try:
        known = tuple(Knower(f"urn:kantoor:{number:0100d}", MOMENT) for number in range(60))
        large = writer.submit(open_case(uuid4(), known_to=known)).result(30)
        assert code(large) is RefusalCode.TOO_LARGE
        long = clear("é" * 2048)
        case, subject = uuid4(), uuid4()
        assert isinstance(writer.submit(open_case(case, title=long, subject=subject)).result(30), Recorded)
        many = ContactMade(
            tuple(uuid4() for _ in range(300)), CLERK.organisation, Initiative.SUBJECT, Channel.PHONE, note=long
        )
        assert code(writer.submit(Command(uuid4(), case, CLERK, many)).result(30)) is RefusalCode.TOO_LARGE
    finally:
        writer.close()


def test_a_stream_of_another_kind(writer) -> None:
    """A case command sent to an organisation's stream is refused."""
    from infra.store.given import OFFICE
    from knelpunt.domain.ids import organisation_stream_of

    answer = writer.submit(open_case(organisation_stream_of(OFFICE))).result(30)
    assert code(answer) is RefusalCode.MALFORMED


def test_an_unreadable_history_fails_its_own_commands_only(new_writer, registry_url) -> None:
    """A command about a case with an event that cannot be read gets that error; others go on."""
    case = uuid4()
    new_writer().submit(open_case(case)).result(30)
    writer = new_writer()  # one that has not seen the case when it could be read
    with psycopg.connect(registry_url, autocommit=True) as login:
        login.execute("UPDATE knelpunt.event SET topic_version = 99 WHERE stream_id = %s", (case,))
    futures = [writer.submit(report(case, uuid4())), writer.submit(open_case(uuid4()))]
    with pytest.raises(UnreadableEvent, match="later version of the program"):
        futures[0].result(30)
    assert isinstance(futures[1].result(30), Recorded)


def test_directory(writer, registry_url) -> None:
    """What a case may name outside itself is what the registry knows: organisations, obstacles of other cases."""
    case, other = uuid4(), uuid4()
    obstacle, cause = uuid4(), uuid4()
    for one in (open_case(case), open_case(other), report(other, cause)):
        writer.submit(one).result(30)
    again = report(case, cause)
    assert code(writer.submit(again).result(30)) is RefusalCode.ALREADY_EXISTS
    unknown = command(case, ObstacleReported(obstacle, Origin.UNKNOWN, "urn:kantoor:geen"))
    assert code(writer.submit(unknown).result(30)) is RefusalCode.UNKNOWN_ORGANISATION


def test_the_connection_is_lost_after_the_commit(registry_url, vault, new_writer) -> None:
    """A connection that dies between the commit and its answer: the answer is the recorded event's, once."""
    new_writer()
    case = uuid4()
    writer = Writer(registry_url, vault, DECIDERS, lambda *_: False)
    try:
        writer.submit(open_case(uuid4())).result(30)
        lost = _LosesTheAnswer(writer._line)
        writer._line = lost  # type: ignore[assignment]
        answer = writer.submit(open_case(case)).result(30)
    finally:
        writer.close()
    assert lost.lost
    assert isinstance(answer, Recorded)
    with psycopg.connect(registry_url) as login:
        assert login.execute("SELECT count(*) FROM knelpunt.event WHERE stream_id = %s", (case,)).fetchone() == (1,)


class _LosesTheAnswer:
    """A real line whose connection is lost once an append is committed, before its answer is read."""

    def __init__(self, line: AppendLine) -> None:
        self._line = line
        self.lost = False

    def __getattr__(self, name: str):
        return getattr(self._line, name)

    def append(self, *given):
        answers = self._line.append(*given)
        if not self.lost:
            self.lost = True
            self._line.disconnect()
            message = "the connection was lost"
            raise psycopg.OperationalError(message)
        return answers


APPENDS_THAT_WAIT = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%knelpunt.append(%'
"""


@contextmanager
def held(url: str) -> Iterator[psycopg.Connection]:
    """Keep everybody from appending, until the end of the block."""
    with psycopg.connect(url) as holding:
        holding.execute("SELECT knelpunt.hold_log()")
        yield holding


def appends_that_wait(url: str) -> int:
    with psycopg.connect(url) as login:
        (found,) = login.execute(APPENDS_THAT_WAIT).fetchone() or (0,)
        return found


def wait_for_an_append(url: str) -> None:
    deadline = monotonic() + 30
    while not appends_that_wait(url):
        assert monotonic() < deadline
        sleep(0.01)


def test_many_are_two_rounds_in_turn(writer, registry_url, monkeypatch) -> None:
    """While the first half is being written the second is decided, and those of a case that is in the first wait."""
    happened: list[str] = []
    begin, answers = writer_module.begin_round, AppendLine.answers
    monkeypatch.setattr(writer_module, "begin_round", lambda *given: happened.append("begun") or begin(*given))
    monkeypatch.setattr(AppendLine, "answers", lambda *given: happened.append("asked") or answers(*given))
    cases = [uuid4() for _ in range(40)]
    with held(registry_url):
        first = writer.submit(open_case(uuid4()))
        wait_for_an_append(registry_url)
        opened = [writer.submit(open_case(case)) for case in (*cases, *(uuid4() for _ in range(40)))]
        reported = [writer.submit(report(case, uuid4())) for case in cases]
    assert first.result(30).version == 1
    assert [future.result(30).version for future in (*opened, *reported)] == [1] * 80 + [2] * 40
    assert happened[:4] == ["asked", "begun", "begun", "asked"], "the first came alone"


def test_what_must_be_decided_again_gets_its_own_answer(writer, registry_url) -> None:
    """Where the first of two rounds under way leaves a command to be decided again, each answer is that of its own."""
    case, obstacle = uuid4(), uuid4()
    sent_before = step(case, obstacle)
    for one in (open_case(case), report(case, obstacle), sent_before):
        writer.submit(one).result(30)
    # Sent once more it is not recorded, so what was decided on top of it cannot be, as it was decided.
    commands = [sent_before, step(case, obstacle), *(open_case(uuid4()) for _ in range(80))]
    with held(registry_url):
        first = writer.submit(open_case(uuid4()))
        wait_for_an_append(registry_url)
        futures = [writer.submit(one) for one in commands]
    assert first.result(30).version == 1
    answers = [future.result(30) for future in futures]
    with psycopg.connect(registry_url) as login:
        rows = login.execute("SELECT position, event_id, version FROM knelpunt.event").fetchall()
    stood = {position: (event, version) for position, event, version in rows}
    assert [stood[answer.position] for answer in answers] == [
        (event_id_of(c.id), a.version) for c, a in zip(commands, answers, strict=True)
    ]
    assert [answer.version for answer in answers] == [3, 4] + [1] * 80


def test_what_comes_when_nobody_takes_it_any_more_is_turned_away(writer) -> None:
    """A command handed in just as the writer stops is refused, and not left without an answer."""
    writer.close()
    writer._closing.clear()  # as whoever handed it in saw it
    with pytest.raises(StoreUnavailable, match="shutting down"):
        writer.submit(open_case(uuid4())).result(30)


def test_two_rounds_under_way_are_lost_together(writer, registry_url) -> None:
    """Where the connections end between two rounds that were sent, each command has its effect once all the same."""
    cases = [uuid4() for _ in range(60)]
    with held(registry_url) as holding:
        futures = [writer.submit(open_case(case)) for case in cases]
        wait_for_an_append(registry_url)
        holding.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )
    answers = [future.result(30) for future in futures]
    assert all(isinstance(answer, Recorded) for answer in answers)
    with psycopg.connect(registry_url) as login:
        found = login.execute("SELECT count(*) FROM knelpunt.event WHERE stream_id = ANY(%s)", (cases,)).fetchone()
    assert found == (60,)


def test_an_outage_is_waited_out(writer, registry_url) -> None:
    """Connections that the server ends are made anew; commands sent meanwhile are recorded."""
    case = uuid4()
    writer.submit(open_case(case)).result(30)
    with psycopg.connect(registry_url, autocommit=True) as login:
        login.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )
    assert isinstance(writer.submit(report(case, uuid4(), story="Niemand belde terug")).result(30), Recorded)


def test_no_database(vault, registry_url, monkeypatch) -> None:
    """Without a database for too long a command gets one clear sentence, and the next ones too."""
    monkeypatch.setattr("knelpunt.infra.store.writer.OUTAGE_SECONDS_MAX", 0.3)
    writer = Writer("postgresql:///?host=/nowhere", vault, DECIDERS, lambda *_: False)
    try:
        with pytest.raises(StoreUnavailable, match="send the command again, with the same id"):
            writer.submit(open_case(uuid4())).result(30)
    finally:
        writer.close()
    with pytest.raises(StoreUnavailable, match="shutting down"):
        writer.submit(open_case(uuid4()))


def test_too_many_wait(registry_url, vault, monkeypatch) -> None:
    """When too many commands wait, the next one is turned away at once."""
    monkeypatch.setattr("knelpunt.infra.store.writer.WAITING_MAX", 4)
    go_on: list[Callable[[], object]] = []

    def decider(command, history, now, directory):
        go_on.append(lambda: None)
        with connect(registry_url, DatabaseRole.READER) as connection:
            connection.execute("SELECT pg_sleep(1)")
        return command.data

    writer = Writer(registry_url, vault, {CASE: decider}, lambda *_: False)
    try:
        futures = [writer.submit(open_case(uuid4()))]
        with pytest.raises(Overloaded, match="commands are waiting already"):
            futures.extend(writer.submit(open_case(uuid4())) for _ in range(20))
    finally:
        writer.close()


def test_closing_answers_what_waits(new_writer) -> None:
    """Closing a writer answers every command that was handed in."""
    writer = new_writer()
    futures = [writer.submit(open_case(uuid4())) for _ in range(300)]
    writer.close()
    assert all(isinstance(future.result(0), Recorded) for future in futures)


def test_eight_threads(new_writer, registry) -> None:
    """Eight threads over two writers: everything answered, versions of each stream without holes."""
    writers = [new_writer(), new_writer()]
    case, obstacle = uuid4(), uuid4()
    for one in (open_case(case), report(case, obstacle)):
        writers[0].submit(one).result(30)

    def work(number: int) -> list[int]:
        return [writers[number % 2].submit(step(case, obstacle)).result(60).version for _ in range(10)]

    with ThreadPoolExecutor(8) as threads:
        versions = sorted(version for found in threads.map(work, range(8)) for version in found)
    assert versions == list(range(3, 83))
    assert [e.version for e in events_of(registry.reader, REGISTRY, [case])] == list(range(1, 83))


def test_no_plaintext_in_errors(writer) -> None:
    """A text that cannot be recorded shows in no answer and no exception."""
    case = uuid4()
    answer = writer.submit(report(case, uuid4(), story="GEHEIM-verhaal")).result(30)
    assert not re.search("GEHEIM", repr(answer))
