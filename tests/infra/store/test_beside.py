"""Sessions of one server: marks are found from any of its databases, and by nobody else's sessions."""

import secrets
from time import monotonic, sleep
from uuid import uuid4

import psycopg
import pytest

from infra.store.given import event, open_case
from knelpunt.infra.store.appending import AppendLine
from knelpunt.infra.store.beside import Sightings, mark
from knelpunt.infra.store.mapper import EventMapper
from knelpunt.infra.vault.vault import Vault


def test_a_mark_is_seen_as_long_as_its_session_lives(registry_url, empty_database_url) -> None:
    """From another database of the server a mark is found until its session ends; a number that is no mark never is."""
    with psycopg.connect(empty_database_url, autocommit=True) as here:
        with psycopg.connect(registry_url, autocommit=True) as there:
            marked = mark(there)
            assert Sightings().sees(here, marked)
            assert not Sightings().sees(here, secrets.randbits(62))
        deadline = monotonic() + 30
        while Sightings().sees(here, marked):  # a session ends a moment after its connection
            assert monotonic() < deadline
            sleep(0.01)


def test_a_writer_waits_for_the_disk_once(writer, vault: Vault) -> None:
    """The session through which a writer appends is found to be of the server on which its vault makes keys."""
    writer.submit(open_case(uuid4())).result(30)
    with vault._connections.connection() as connection:
        assert vault._sightings.sees(connection, writer._line.ready())


def test_a_line_that_was_lost_is_not_made_anew_between(registry_url) -> None:
    """What was sealed beside a session that has ended since is not appended by another one."""
    line = AppendLine(registry_url)
    marked = line.ready()
    stored = [EventMapper().to_stored_event(event(uuid4(), 1))]
    assert line._line._connection is not None
    with psycopg.connect(registry_url, autocommit=True) as login:
        login.execute("SELECT pg_terminate_backend(%s)", (line._line._connection.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        line.append(stored, [b"h" * 32])
    with pytest.raises(psycopg.OperationalError):
        line.append(stored, [b"h" * 32])
    assert line.ready() != marked
    (answer,) = line.append(stored, [b"h" * 32])
    line.disconnect()
    assert answer.outcome == "recorded"
