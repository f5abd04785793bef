"""Connections on which a statement is sent now and answered later, while whoever sent it does something else.

psycopg sends and waits in one call. So this speaks libpq's pipeline mode by itself, in which what is sent behind a
statement under way is begun by the server as soon as that is committed; each statement is a transaction of its own.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

import psycopg
from msgspec import Struct
from psycopg import generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

_PREPARED: Final = b"knelpunt"


class Sent(Struct, frozen=True, eq=False):
    """A statement under way: the connection on which it was sent, and as which there, from 0."""

    connection: psycopg.Connection
    number: int


class Line:
    """A connection for one statement, with nothing else on it, once ``take`` has been given one. For one thread."""

    def __init__(self) -> None:
        """Have no connection yet."""
        self._connection: psycopg.Connection | None = None
        self._sent = 0
        self._answered = 0

    @property
    def lost(self) -> bool:
        """Whether there is no connection, or none any more."""
        return self._connection is None or self._connection.closed

    @property
    def idle(self) -> bool:
        """Whether all that was sent has been asked for."""
        return self._sent == self._answered

    def take(self, connection: psycopg.Connection, statement: str) -> None:
        """Take a connection over, for a statement with ``%s`` where values go. Raises psycopg's errors.

        What was sent on another one is lost.
        """
        connection.pgconn.send_prepare(_PREPARED, _numbered(statement))
        (result,) = connection.wait(generators.execute(connection.pgconn))
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)
        connection.pgconn.enter_pipeline_mode()
        self._connection = connection
        self._sent = self._answered = 0

    def send(self, values: Sequence[bytes]) -> Sent:
        """Send the statement off with its values, in their binary form. Raises psycopg's errors; never connects."""
        if self._connection is None or self._connection.closed:
            message = "the connection was lost on which a statement was to be sent"
            raise psycopg.OperationalError(message)
        pgconn = self._connection.pgconn
        sent = Sent(self._connection, self._sent)
        self._sent += 1  # before it is: what fails half way leaves the line with something on it
        pgconn.send_query_prepared(_PREPARED, values, (Format.BINARY,) * len(values), Format.BINARY)
        pgconn.pipeline_sync()
        # Of what is more than fits on the way the rest goes when the answer is asked for.
        pgconn.flush()
        return sent

    def result(self, sent: Sent) -> PGresult:
        """Return the result of what was sent, once it is there; it must be asked for in the order in which it was sent.

        Raises psycopg's errors: nothing is known then of this and of all that was sent behind it.
        """
        if sent.connection is not self._connection:
            message = "the connection was lost on which a statement was sent"
            raise psycopg.OperationalError(message)
        assert sent.number == self._answered, "answers come in the order of the questions"
        result = sent.connection.wait(_fetched(sent.connection.pgconn))
        self._answered += 1
        if result.status != ExecStatus.TUPLES_OK:
            raise psycopg.errors.error_from_result(result)
        return result

    def disconnect(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def closed_on_error(connection: psycopg.Connection) -> Generator[None]:
    """Close a connection with which something goes wrong before anybody has it."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _numbered(statement: str) -> bytes:
    """Return a statement with its parameters as libpq has them: numbered, from 1."""
    first, *others = statement.split("%s")
    return "".join((first, *(f"${number}{other}" for number, other in enumerate(others, 1)))).encode()


def _fetched(pgconn: PGconn) -> PQGen[PGresult]:
    """Return the result of what was sent first of all that is under way."""
    yield from generators.send(pgconn)
    (result,) = yield from generators.fetch_many(pgconn)
    yield from generators.fetch_many(pgconn)  # that its transaction has ended
    return result
