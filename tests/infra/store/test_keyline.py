"""Keys asked for ahead: what is sealed with them is what would be without, and what goes wrong costs nothing."""

import secrets
from collections.abc import Iterator
from contextlib import closing
from uuid import UUID, uuid4

import psycopg
import pytest
from msgspec import structs

from infra.store.given import CLERK, OFFICE, command, event, open_case, report
from knelpunt.domain.case.facts import ObstacleReported, StepTaken
from knelpunt.domain.command import RefusalCode, Refused
from knelpunt.domain.event import Event
from knelpunt.domain.text import Clear, Plaintext, clear
from knelpunt.domain.vocabulary import Origin, StepKind
from knelpunt.infra.store.arrays import bytea_array, uuid_array
from knelpunt.infra.store.beside import mark
from knelpunt.infra.store.connection import REGISTRY, DatabaseRole, connect, pool
from knelpunt.infra.store.reading import events_of
from knelpunt.infra.store.writer import Recorded
from knelpunt.infra.vault.keyline import KeyLine
from knelpunt.infra.vault.sealing import Place
from knelpunt.infra.vault.vault import ToSeal, Vault


@pytest.fixture
def line(vault: Vault) -> Iterator[KeyLine]:
    """A line of it."""
    line = vault.line()
    yield line
    line.disconnect()


@pytest.fixture
def marked(registry_url: str) -> Iterator[int]:
    """The mark of a session of the same server."""
    with connect(registry_url, DatabaseRole.APPENDER) as session:
        yield mark(session)


def note() -> tuple[Event, Place]:
    one = event(uuid4(), 1, StepTaken(uuid4(), CLERK.organisation, StepKind.NOTE, clear("gebeld")))
    return one, Place(one.id, one.stream, one.version, one.data.topic)


def keyed(url: str) -> set[UUID]:
    with connect(url, DatabaseRole.OWNER) as owner:
        return {subject for (subject,) in owner.execute("SELECT subject_id FROM vault.key")}


def test_what_was_foreseen_is_not_asked_for_again(vault, line, marked, monkeypatch) -> None:
    """A text is sealed under the key that was asked for ahead, made there and then; and opens like any."""
    subject, (one, place) = uuid4(), note()
    for _ in range(2):  # the first time the key is made
        ahead = vault.ask_ahead(line, [subject], marked)
        with monkeypatch.context() as patched:
            patched.setattr(vault, "_keys_in_force", None)
            (fact,) = vault.seal([ToSeal(one.data, place, subject)], marked, ahead)
        (opened,) = vault.open([structs.replace(one, data=fact)]).values()
        assert opened == clear("gebeld", subject)


def test_what_was_not_foreseen_is_asked_for(vault, line, marked) -> None:
    """Another than who was foreseen gets a key when it is needed."""
    subject, other, (one, place) = uuid4(), uuid4(), note()
    ahead = vault.ask_ahead(line, [other], marked)
    (fact,) = vault.seal([ToSeal(one.data, place, subject)], marked, ahead)
    (opened,) = vault.open([structs.replace(one, data=fact)]).values()
    assert opened == clear("gebeld", subject)


def test_nothing_new_about_an_erased_subject(vault, line, marked, registry_url) -> None:
    """Who is fenced gets no key ahead, and what is said about them is refused."""
    gone, (one, place) = uuid4(), note()
    with connect(registry_url, DatabaseRole.OWNER) as owner:
        owner.execute("INSERT INTO vault.fence (subject_id) VALUES (%s)", (gone,))
    ahead = vault.ask_ahead(line, [gone], marked)
    (refused,) = vault.seal([ToSeal(one.data, place, gone)], marked, ahead)
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.SUBJECT_ERASED
    assert keyed(registry_url) == set()


def test_what_nobody_took_is_nobodys(vault, line, marked) -> None:
    """After an answer that was never taken, the next one is that to the next question."""
    subject, (one, place) = uuid4(), note()
    vault.ask_ahead(line, [uuid4()], marked)
    ahead = vault.ask_ahead(line, [subject], marked)
    assert [found for found, *_ in ahead.found()] == [subject]
    ahead = vault.ask_ahead(line, [subject], marked)
    (fact,) = vault.seal([ToSeal(one.data, place, subject)], marked, ahead)
    assert fact.note.about == subject


def test_another_session_is_looked_for_anew(vault, line, marked, registry_url) -> None:
    """A key is made without waiting for the disk only beside a session that was found on the same server."""

    def asked_as() -> tuple[int, bool]:
        """The session of the line, and whether its last statement did not wait."""
        pid = line._line._connection.info.backend_pid
        with psycopg.connect(registry_url) as login:
            found = login.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", (pid,))
            ((statement,),) = found.fetchall()
        assert "keys_for" in statement
        return pid, "'synchronous_commit', 'off'" in statement

    vault.ask_ahead(line, [uuid4()], marked).found()
    before, unwaited = asked_as()
    assert unwaited
    vault.ask_ahead(line, [uuid4()], marked).found()
    assert asked_as() == (before, True)
    vault.ask_ahead(line, [uuid4()], secrets.randbits(62)).found()
    after, unwaited = asked_as()
    assert after != before
    assert not unwaited


def test_an_old_answer_is_asked_for_again(vault, line, marked, registry_url, monkeypatch) -> None:
    """Whoever is erased after their key was asked for, and long before it is used, is refused."""
    subject, (one, place) = uuid4(), note()
    monkeypatch.setattr("knelpunt.infra.vault.keyline.AGE_SECONDS_MAX", 0.0)
    ahead = vault.ask_ahead(line, [subject], marked)
    with connect(registry_url, DatabaseRole.OWNER) as owner:
        owner.execute("INSERT INTO vault.fence (subject_id) VALUES (%s)", (subject,))
    (refused,) = vault.seal([ToSeal(one.data, place, subject)], marked, ahead)
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.SUBJECT_ERASED


def test_answers_are_taken_in_their_order(vault, line, marked) -> None:
    """Nobody gets the answer to another question."""
    for one in (uuid4(), uuid4()):
        vault.ask_ahead(line, [one], marked).found()
    connection_line = line._line
    values = (b"casework", *(array([]) for array in (uuid_array, uuid_array, bytea_array)))
    first, second = connection_line.send(values), connection_line.send(values)
    with pytest.raises(AssertionError, match="in the order of the questions"):
        connection_line.result(second)
    assert connection_line.result(first).ntuples == 0
    assert not connection_line.idle


def test_a_text_about_another_makes_no_key_for_the_first(writer, registry_url) -> None:
    """Who is only the first subject of a case in which something is said about another has no key for that."""
    case, first, other = uuid4(), uuid4(), uuid4()
    assert isinstance(writer.submit(open_case(case, subject=first)).result(30), Recorded)
    told = ObstacleReported(uuid4(), Origin.UNKNOWN, OFFICE, Clear(Plaintext("buurman"), other), received_by=OFFICE)
    assert isinstance(writer.submit(command(case, told)).result(30), Recorded)
    assert keyed(registry_url) == {other}


def test_a_lost_line(vault, line, marked, registry_url) -> None:
    """Where the connection ends under way that is told, and the next question finds another."""
    subject = uuid4()
    vault.ask_ahead(line, [subject], marked).found()
    with psycopg.connect(registry_url, autocommit=True) as login:
        login.execute("SELECT pg_terminate_backend(%s)", (line._line._connection.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        vault.ask_ahead(line, [subject], marked).found()
    assert [found for found, *_ in vault.ask_ahead(line, [subject], marked).found()] == [subject]


def test_a_writer_asks_ahead(writer, vault, registry_url, monkeypatch) -> None:
    """A case that is opened and told about as most are needs no second question to the vault; its texts open."""
    monkeypatch.setattr(vault, "_keys_in_force", None)
    case, obstacle = uuid4(), uuid4()
    for one in (open_case(case, clear("huur")), report(case, obstacle, "niemand neemt op"), report(case, uuid4())):
        assert isinstance(writer.submit(one).result(30), Recorded)
    monkeypatch.undo()
    opened = vault.open(events(registry_url, case))
    assert {text.content.reveal() for text in opened.values()} == {"huur", "niemand neemt op"}


def test_a_writer_asks_for_no_key_without_a_text(writer, registry_url) -> None:
    """Where nothing is said in words no key is asked for, and none is made."""
    case = uuid4()
    for one in (open_case(case), report(case, uuid4())):
        assert isinstance(writer.submit(one).result(30), Recorded)
    assert keyed(registry_url) == set()


def events(url: str, case: UUID) -> list[Event]:
    with closing(pool(url, DatabaseRole.READER, 1)) as readers:
        return events_of(readers, REGISTRY, [case])


def test_a_writer_outlives_the_vaults_sessions(writer, vault, registry_url) -> None:
    """Commands that come when all sessions of the vault have just ended are recorded like any."""
    case = uuid4()
    assert isinstance(writer.submit(open_case(case, clear("huur"))).result(30), Recorded)
    with psycopg.connect(registry_url, autocommit=True) as login:
        ended = login.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%keys_for%'"
        ).fetchall()
    assert ended
    assert isinstance(writer.submit(report(case, uuid4(), "niemand neemt op")).result(30), Recorded)
    assert len(vault.open(events(registry_url, case))) == 2
