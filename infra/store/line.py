"""Connections on which a statement is sent now and answered later, while whoever sent it does something else.

psycopg sends and waits in one call. So this speaks libpq's pipeline mode by itself, in which what is sent behind a
statement under way is begun by the server as soon as that is committed; each statement is a transaction of its own.
"""

from collections.abc import Sequence

import psycopg
from msgspec import Struct
from psycopg import generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

_PREPARED = b"knelpunt"


class Sent(Struct, frozen=True, eq=False):
    """A statement under way, and the connection on which it was sent."""

    connection: psycopg.Connection


class Line:
    """A connection for one statement, with nothing else on it. For one thread; it is made by ``take``."""

    def __init__(self) -> None:
        """Have no connection yet."""
        self._connection: psycopg.Connection | None = None
        self._under_way = 0

    @property
    def lost(self) -> bool:
        """Whether there is no connection, or none any more."""
        return self._connection is None or self._connection.closed

    @property
    def idle(self) -> bool:
        """Whether all that was sent has been asked for."""
        return not self._under_way

    def take(self, connection: psycopg.Connection, statement: bytes) -> None:
        """Take a connection over, for a statement with its parameters numbered. Raises psycopg's errors."""
        connection.pgconn.send_prepare(_PREPARED, statement)
        (result,) = connection.wait(generators.execute(connection.pgconn))
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)
        connection.pgconn.enter_pipeline_mode()
        self._connection, self._under_way = connection, 0

    def send(self, values: Sequence[bytes]) -> Sent:
        """Send the statement off with its values, in their binary form. Raises psycopg's errors; never connects."""
        if self._connection is None or self._connection.closed:
            message = "the connection was lost on which a statement was to be sent"
            raise psycopg.OperationalError(message)
        pgconn = self._connection.pgconn
        pgconn.send_query_prepared(_PREPARED, values, (Format.BINARY,) * len(values), Format.BINARY)
        pgconn.pipeline_sync()
        # Of what is more than fits on the way the rest goes when the answer is asked for.
        pgconn.flush()
        self._under_way += 1
        return Sent(self._connection)

    def result(self, sent: Sent) -> PGresult:
        """Return the result of what was sent, once it is there; asked for in the order in which it was sent.

        Raises psycopg's errors: nothing is known then of this and of all that was sent behind it.
        """
        if sent.connection is not self._connection:
            message = "the connection was lost on which a statement was sent"
            raise psycopg.OperationalError(message)
        result = sent.connection.wait(_fetched(sent.connection.pgconn))
        self._under_way -= 1
        if result.status != ExecStatus.TUPLES_OK:
            raise psycopg.errors.error_from_result(result)
        return result

    def disconnect(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _fetched(pgconn: PGconn) -> PQGen[PGresult]:
    """Return the result of what was sent first of all that is under way."""
    yield from generators.send(pgconn)
    (result,) = yield from generators.fetch_many(pgconn)
    yield from generators.fetch_many(pgconn)  # that its transaction has ended
    return result
