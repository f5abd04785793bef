"""Whether two sessions are of one running server: then what one commits is on disk with what the other commits later.

A server writes one log of changes for all its databases, in the order of commit. Who marks a session and finds the
mark from another has shown that both are of that server as it runs now; and so they stay, since a server that breaks
down ends them both.
"""

import secrets
from typing import Final
from weakref import WeakKeyDictionary

import psycopg

# Locks of sessions are kept in the memory that all processes of a running server share, and no other server's.
MARK: Final = "SELECT pg_advisory_lock(%s)"
SEEN: Final = (
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
    "AND (classid::bigint << 32) | objid::bigint = %s)"
)
MARK_BITS: Final = 62
"""So many that nobody draws the same number, nor one that PostgreSQL takes for negative."""


def mark(connection: psycopg.Connection) -> int:
    """Mark a session until it ends, and return its mark."""
    drawn = secrets.randbits(MARK_BITS)
    connection.execute(MARK, (drawn,))
    return drawn


class Sightings:
    """Which sessions have found the mark of which: each looks once, for the one it was last asked for."""

    def __init__(self) -> None:
        self._found: WeakKeyDictionary[psycopg.Connection, tuple[int, bool]] = WeakKeyDictionary()

    def sees(self, connection: psycopg.Connection, marked: int) -> bool:
        """Return whether the session that has a mark is of the server that ``connection`` leads to."""
        found = self._found.get(connection)
        if found is None or found[0] != marked:
            found = self._found[connection] = marked, connection.execute(SEEN, (marked,)).fetchone() == (True,)
        return found[1]
