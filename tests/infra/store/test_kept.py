"""Histories kept at hand: never believed without a check, and never more than so many."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from infra.store.given import MOMENT, event, open_case, recorded, report, step
from knelpunt.domain.case.history import History
from knelpunt.domain.command import RefusalCode, Refused
from knelpunt.domain.text import Clear
from knelpunt.infra.store.connection import REGISTRY
from knelpunt.infra.store.kept import KeptHistories
from knelpunt.infra.store.reading import STREAMS, events_of
from knelpunt.infra.store.writer import Writer
from knelpunt.infra.vault.texts import clear_texts


def kept(writer: Writer, case: UUID) -> History | None:
    """The history that a writer has at hand; it has it no longer."""
    return writer._desk.kept.take(case)


@pytest.fixture
def loads(monkeypatch) -> list[int]:
    """How many streams each loading asked for."""
    seen: list[int] = []
    execute = psycopg.Cursor.execute

    def counted(self, query, params=None, **options):
        if query == STREAMS:
            seen.append(1)
        return execute(self, query, params, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    return seen


def test_what_is_at_hand_is_not_loaded(writer, loads) -> None:
    """A case that this writer opened and went on with is never loaded."""
    case, obstacle = uuid4(), uuid4()
    for one in (open_case(case), report(case, obstacle), step(case, obstacle)):
        recorded(writer.submit(one).result(30))
    assert loads == []


def test_kept_is_what_anybody_reads(writer, registry) -> None:
    """What is kept equals what is recorded, to the last field: places, moments, sealed texts."""
    case, obstacle = uuid4(), uuid4()
    commands = [
        open_case(case, occurred_at=MOMENT),
        report(case, obstacle, story="Niemand belde terug", occurred_at=MOMENT + timedelta(hours=1)),
        step(case, obstacle),
    ]
    for future in [writer.submit(one) for one in commands]:  # together: they are decided on each other's proposals
        recorded(future.result(30))
    history = kept(writer, case)
    assert history is not None
    assert list(history) == events_of(registry.reader, REGISTRY, [case])
    assert not any(isinstance(text, Clear) for e in history for text in clear_texts(e.data))


def test_another_process_records_in_between(new_writer: Callable[[], Writer], loads) -> None:
    """A writer whose history is behind decides again on what another recorded, and has its command recorded after."""
    one, other = new_writer(), new_writer()
    case, obstacle = uuid4(), uuid4()
    recorded(one.submit(open_case(case)).result(30))
    recorded(other.submit(report(case, obstacle)).result(30))
    before = len(loads)
    assert recorded(one.submit(report(case, uuid4())).result(30)).version == 3
    assert len(loads) == before + 1
    assert recorded(one.submit(step(case, obstacle)).result(30)).version == 4
    assert len(loads) == before + 1


def test_a_refusal_never_rests_on_a_history_that_is_behind(new_writer: Callable[[], Writer]) -> None:
    """What would be refused by what is at hand, but not by what another recorded, is recorded; and the reverse."""
    one, other = new_writer(), new_writer()
    case, obstacle = uuid4(), uuid4()
    recorded(one.submit(open_case(case)).result(30))
    recorded(other.submit(report(case, obstacle)).result(30))
    # By what ``one`` has at hand there is no such obstacle.
    assert recorded(one.submit(step(case, obstacle)).result(30)).version == 3
    # By what ``other`` has at hand, version 2 is the last.
    refused = other.submit(step(case, obstacle, expected_version=2)).result(30)
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.VERSION_CONFLICT
    assert ("version", "3") in refused.facts


def test_a_true_refusal_is_given_at_once(writer, loads) -> None:
    """A refusal whose history is up to date is given without loading, and leaves the history at hand."""
    case = uuid4()
    recorded(writer.submit(open_case(case)).result(30))
    assert isinstance(writer.submit(step(case, uuid4())).result(30), Refused)
    assert loads == []
    assert kept(writer, case) is not None


def test_a_case_opened_elsewhere_is_not_new(new_writer: Callable[[], Writer]) -> None:
    """A case taken to be new, since a command opens it, is refused when another writer has opened it."""
    one, other = new_writer(), new_writer()
    case = uuid4()
    first = open_case(case)
    recorded(one.submit(first).result(30))
    again = other.submit(open_case(case)).result(30)
    assert isinstance(again, Refused)
    assert again.code is RefusalCode.ALREADY_EXISTS
    assert recorded(other.submit(first).result(30)).version == 1, "the same command gets its first answer"


def test_a_new_connection_begins_with_nothing(writer, registry_url) -> None:
    """After a lost connection nothing of before is believed: the server may have lost its last commits."""
    case = uuid4()
    recorded(writer.submit(open_case(case)).result(30))
    with psycopg.connect(registry_url, autocommit=True) as login:
        login.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )
    recorded(writer.submit(open_case(uuid4())).result(30))
    assert kept(writer, case) is None


def test_so_many_events_and_no_more() -> None:
    """The streams used least recently are let go first, by the number of their events."""
    histories = KeptHistories(events_max=5)
    streams = [uuid4() for _ in range(3)]
    for stream in streams[:2]:
        histories.keep(stream, History([event(stream, 1), event(stream, 2)]))
    first = histories.take(streams[0])
    assert first is not None
    histories.keep(streams[0], first)  # used: now the second is the one to go
    histories.keep(streams[2], History([event(streams[2], 1), event(streams[2], 2)]))
    assert histories.take(streams[1]) is None
    assert [len(found) for s in (streams[0], streams[2]) if (found := histories.take(s))] == [2, 2]
    histories.keep(streams[1], History())
    assert histories.take(streams[1]) is None, "nothing is kept of a stream without events"
