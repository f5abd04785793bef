"""Which shares of the work this projector has claimed: locks that its own session holds, the same one that writes.

Who writes thereby still has the claim, and a session that ends gives it back at once, however it ended. One that is
silent for long is ended by the server: that of a process that was stopped, or of a host that is gone.
"""

from contextlib import suppress
from threading import Event as Signal
from threading import Thread
from time import monotonic
from typing import Final

import psycopg
from psycopg.pq import TransactionStatus

from . import schema
from .shares import arrange

LOCK: Final = 0x6B6E6C70_70726F6A
"""The advisory lock ("knlpproj") that every batch holds together with others; who holds it alone, holds all of them."""

ARRANGING: Final = 0x6B6E6C70_61727261
"""The advisory lock of whoever parts shares anew ("knlparra"), to the end of its transaction."""

CLAIM: Final = 0x6B6E7073
"""The first key of the locks by which shares are claimed ("knps"); the second is the share."""

MEMBER: Final = 0x7FFFFFFF
"""The second key of the lock that all hold who want to have their part of the shares."""

LOOK_SECONDS: Final = 1.0
"""How often to look who else is there: so long after somebody came they have their part."""

SHORT_SECONDS: Final = 0.1
"""How often to look while others are about to give back what is due to us."""

SILENT_SECONDS_MAX: Final = 30
"""After how many seconds of silence the server ends the session of who follows the log. It looks every second, and says
so also while it folds; other work of the machine may keep it from that for some seconds."""

PULSE_SECONDS: Final = 5.0
"""How often to let the server know that a fold goes on, which may take minutes."""

LOOK: Final = """
SELECT (SELECT sum(cardinality(shares)) FROM read.part),
       count(*) FILTER (WHERE l.objid::bigint = %(member)s),
       coalesce(array_agg(l.objid::bigint) FILTER (WHERE l.objid::bigint <> %(member)s), '{}')
  FROM pg_catalog.pg_locks l
 WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.classid::bigint = %(claim)s AND l.granted
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
"""
TAKE: Final = (
    "SELECT share FROM unnest(%(shares)s::integer[]) AS s (share) WHERE pg_try_advisory_lock(%(claim)s, share)"
)
LEAVE: Final = "SELECT pg_advisory_unlock_all(), set_config('idle_session_timeout', '0', false)"
GIVE_BACK: Final = "SELECT pg_advisory_unlock(%(claim)s, share) FROM unnest(%(shares)s::integer[]) AS s (share)"


class Claims:
    """The shares that one session has claimed."""

    def __init__(self) -> None:
        """Begin with none, as a guest."""
        self.held: frozenset[int] = frozenset()
        self._member = False
        self._look_at = 0.0

    def join(self, connection: psycopg.Connection) -> None:
        """Want one's part of the shares, as all do who follow the log. A guest takes what is free, and soon goes.

        A ``Pulse`` must beat from now on: silence is noticed within a transaction too.
        """
        limit = f"{SILENT_SECONDS_MAX}s"
        connection.execute(
            "SELECT pg_advisory_lock_shared(%s, %s), set_config('idle_session_timeout', %s, false), "
            "set_config('idle_in_transaction_session_timeout', %s, false)",
            (CLAIM, MEMBER, limit, limit),
        )
        self._member = True

    def look(self, connection: psycopg.Connection) -> None:
        """Claim what is free and due to us, and give back what is due to others, if it is time to look."""
        if monotonic() < self._look_at:
            return
        row = connection.execute(LOOK, {"claim": CLAIM, "member": MEMBER}).fetchone()
        assert row is not None
        number, members, taken = int(row[0]), row[1], frozenset[int](row[2])
        due = -(-number // members) if self._member else number
        there = frozenset(range(number))
        surplus = sorted(self.held & there)[due:] + sorted(self.held - there)
        if surplus:
            self._give_back(connection, frozenset(surplus))
        elif len(self.held) < due:
            wanted = sorted(there - taken)[: due - len(self.held)]
            self._take(connection, wanted)
        # Rounded down: others that have one more than we do keep it.
        enough = number // members if self._member else number
        self._look_at = monotonic() + (SHORT_SECONDS if len(self.held) < enough else LOOK_SECONDS)

    @property
    def patience(self) -> float:
        """For how many seconds there is no need to look."""
        return max(0.0, self._look_at - monotonic())

    def leave(self, connection: psycopg.Connection) -> None:
        """Give everything back; a session that is broken has given it back."""
        with suppress(psycopg.Error):
            if not connection.closed:
                connection.execute(LEAVE)
        self.forget()

    def forget(self) -> None:
        """Forget what was claimed by a session that is gone."""
        self.held = frozenset()
        self._member = False
        self._look_at = 0.0

    def _take(self, connection: psycopg.Connection, wanted: list[int]) -> None:
        if wanted:
            if not self.held:
                # Also a guest's: whoever has claimed something must not be silent for long.
                connection.execute("SELECT set_config('idle_session_timeout', %s, false)", (f"{SILENT_SECONDS_MAX}s",))
            taken = connection.execute(TAKE, {"claim": CLAIM, "shares": wanted}).fetchall()
            self.held |= {share for (share,) in taken}

    def _give_back(self, connection: psycopg.Connection, surplus: frozenset[int]) -> None:
        """Give shares back, parted from those that are kept before anybody can claim them."""
        with connection.transaction():
            alone(connection)
            arrange(connection, surplus, self.held - surplus)
        connection.execute(GIVE_BACK, {"claim": CLAIM, "shares": sorted(surplus)})
        self.held -= surplus


def alone(connection: psycopg.Connection) -> None:
    """Be the only one that parts shares anew in the read model in use, to the end of the transaction."""
    connection.execute("SELECT pg_advisory_xact_lock_shared(%s), pg_advisory_xact_lock(%s)", (LOCK, ARRANGING))
    schema.within(connection, schema.LIVE)


class Pulse:
    """Lets the server know that a transaction goes on while it waits for us: a process that was stopped does not."""

    def __init__(self, connection: psycopg.Connection) -> None:
        """Begin to, for one connection."""
        self._connection = connection
        self._stopping = Signal()
        self._thread = Thread(target=self._run, name="knelpunt-pulse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(PULSE_SECONDS):
            # Between two statements of a transaction, nothing else is under way on the connection. Whatever goes wrong
            # here, whoever folds meets with its next statement.
            if self._connection.info.transaction_status is TransactionStatus.INTRANS:
                with suppress(psycopg.Error):
                    self._connection.execute("SELECT")
