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
    # Also where something was there already: what came along with statements psycopg keeps until it is asked.
    more = list(connection.notifies(timeout=0 if something else seconds_max, stop_after=1))
    return something or bool(more)
