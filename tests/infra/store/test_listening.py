"""What the database tells of its own accord is heard, whenever it came."""

import time
from select import select
from uuid import uuid4

import psycopg
import pytest

from knelpunt.infra.store.listening import heard


@pytest.fixture
def listening(postgres_server):
    """A connection that listens, and what tells it something."""
    url = postgres_server.url("postgres")
    channel = f"channel_{uuid4().hex}"  # others listen on the same server
    with psycopg.connect(url, autocommit=True) as listener, psycopg.connect(url, autocommit=True) as teller:
        listener.execute(f"LISTEN {channel}".encode())
        yield listener, lambda: teller.execute(f"NOTIFY {channel}".encode())


def test_what_comes_later_is_heard_at_once(listening) -> None:
    listener, tell = listening
    assert not heard(listener, 0.1)
    tell()
    begun = time.monotonic()
    assert heard(listener, 20)
    assert time.monotonic() - begun < 5
    assert not heard(listener, 0.1), "it is heard once"


def test_what_came_with_an_answer_is_heard(listening) -> None:
    """During a statement, and after its end while libpq still read: the driver would wait for what comes next."""
    listener, tell = listening
    tell()
    listener.execute("SELECT 1")
    assert heard(listener, 20)
    tell()
    assert select([listener.fileno()], [], [], 20)[0]
    listener.pgconn.consume_input()
    begun = time.monotonic()
    assert heard(listener, 20)
    assert time.monotonic() - begun < 5


def test_who_lost_the_connection_is_told(listening) -> None:
    listener, _ = listening
    listener.close()
    with pytest.raises(psycopg.OperationalError):
        heard(listener, 1)


def test_all_there_is_is_heard_together(listening) -> None:
    """What came along with a statement, and what came after it: nothing is left for those who never ask in vain."""
    listener, tell = listening
    tell()
    assert select([listener.fileno()], [], [], 20)[0]
    listener.execute("SELECT 1")
    tell()
    assert select([listener.fileno()], [], [], 20)[0]
    listener.pgconn.consume_input()
    assert heard(listener, 20)
    assert not heard(listener, 0.1)
