"""Waiting for what the database tells of its own accord (``LISTEN``)."""

import psycopg


def heard(connection: psycopg.Connection, seconds_max: float) -> bool:
    """Wait until the database tells something on a connection that listens; return whether it did within the time.

    Raises ``psycopg.OperationalError`` where the connection is lost.
    """
    # psycopg waits for the socket before it asks libpq what has come. What came along with the answer to the last
    # statement has been read off the socket by then, and would be heard only with the next thing that comes.
    something = False
    while connection.pgconn.notifies() is not None:
        something = True
    return something or bool(list(connection.notifies(timeout=seconds_max, stop_after=1)))
