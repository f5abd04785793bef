"""Brings the read model up to date: many events, one transaction with their position.

A batch is read, its cases' timelines are brought on and then those of their subjects, and rows and position are
committed together: a projector that dies anywhere leaves the read model as it was. An event that cannot be read is put
in quarantine and the others go on. Any number of projectors share the work (``claims.py``); one alone has all of it.
"""

import logging
from collections.abc import Callable
from threading import Event as Signal
from time import monotonic, sleep
from typing import Final

import psycopg

from ..store.connection import REGISTRY, DatabaseRole, connect, principal_text
from ..store.listening import heard
from ..store.recorder import CHANNEL
from . import schema
from .bringing import Bringing
from .claims import ARRANGING, LOCK, Claims, Pulse
from .shares import ClaimLost, Shares, Standing, arrange, move, standing

BATCH_EVENTS: Final = 2_000
"""Events in a transaction at most: some 50 ms of work, which is what a reader may lag while much is written."""

POLL_SECONDS: Final = 1.0
"""How often to look without having been told: what a lost notification costs at most."""

PACE_SECONDS: Final = 0.04
"""How long at least from one batch to the next while events come all the time. A batch takes some eight milliseconds
however small it is, so events that come a hundred a second share them by the handful (decisions/0062)."""

SPARE_BATCHES: Final = 100
"""How many batches may follow each other without a pause: somebody who works, or a script, asks at once for what they
have just recorded. Each pause brings one back."""

RETRY_SECONDS: Final = 1.0
"""How long to wait before trying again when the database cannot be reached."""

OTHERS_SECONDS: Final = 0.02
"""How often to look whether others have come as far, whose work it is."""

BROUGHT: Final = "knelpunt_brought"
"""The channel on which projectors that share the work tell each other that they have brought their streams on."""

BEGIN: Final = (
    "SELECT pg_advisory_xact_lock_shared(%s), set_config('knelpunt.principal', %s, true), "
    "set_config('search_path', %s, true)"
)

LOST: Final = (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout, ClaimLost)
"""What tells that the connection is gone, or that others have gone on meanwhile. Who was silent for too long within a
transaction is told so by an error of another kind than who was outside of one."""

Told = Callable[[int, float], None]
"""Hears how many events a batch took in, and how many seconds that took."""

_log = logging.getLogger(__name__)


class Projector:
    """Projects the events of one registry into its read model, over one connection."""

    def __init__(self, url: str, target: str = schema.LIVE, told: Told | None = None) -> None:
        """Work on the registry at ``url``; the first call connects. Whoever is ``told`` hears of each batch."""
        self._url = url
        self._target = target
        self._told = told
        self._taken = 0
        self._head = -1
        """Where the log ended when the last batch began."""
        self._connection: psycopg.Connection | None = None
        self._claims = Claims()
        self._at_hand: dict[frozenset[int], Bringing] = {}
        """What is kept of each part of the work, by its shares."""

    def close(self) -> None:
        """Close the connection, which gives back what was claimed; what was committed stays."""
        self._claims.forget()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def catch_up(self) -> int:
        """See that all is projected that is recorded; return the position reached, -1 where nothing is recorded.

        What nobody else has claimed is done here, and then given back; what others have claimed is waited for.
        """
        connection = self._connected()
        try:
            position, more = self.step()
            wanted = self._head
            while more or position < wanted:
                if not more:
                    sleep(OTHERS_SECONDS)
                position, more = self.step()
                if more:
                    wanted = self._head
        finally:
            self._claims.leave(connection)
        return position

    def run(self, stopping: Signal) -> None:
        """Project one's part of the events as they are recorded, until told to stop; outages are waited out."""
        while not stopping.is_set():
            try:
                self._follow(self._connected(), stopping)
            except LOST as error:
                _log.warning("The projector lost the database and tries again: %s", type(error).__name__)
                self._forget()
                stopping.wait(RETRY_SECONDS)

    def step(self) -> tuple[int, bool]:
        """Project one batch of what is claimed here, or can be; return the position reached and whether there is more.

        A change of the registry's own is a batch by itself, or several.
        """
        connection = self._connected()
        self._taken = 0
        try:
            self._claims.look(connection)
            with connection.transaction():
                connection.execute(BEGIN, (LOCK, principal_text(REGISTRY), self._target))
                began = monotonic()
                reached, more = self._bring(connection, self._standing(connection), self._claims.held)
        except BaseException:
            # What is kept at hand has taken in events that were not committed.
            self._at_hand.clear()
            raise
        if self._told is not None and self._taken:
            self._told(self._taken, monotonic() - began)
        return reached, more

    def project_batch(self, connection: psycopg.Connection) -> tuple[int, bool]:
        """Project one batch of all there is, in the transaction that is open, in which nobody else can.

        The rows are those of the read model first on the search path; returns what ``step`` does.
        """
        now = standing(connection)
        return self._bring(connection, now, now.shares)

    def _follow(self, connection: psycopg.Connection, stopping: Signal) -> None:
        """Project as events are recorded, until told to stop or the connection is lost."""
        connection.execute(f"LISTEN {CHANNEL}; LISTEN {BROUGHT}")
        self._claims.join(connection)
        pulse, pace = Pulse(connection), Pace()
        try:
            while not stopping.is_set():
                more = True
                while more and not stopping.is_set():
                    _, more = self.step()
                pace.keep(stopping)
                # Wakes at the first notification, or when it is time to look all the same.
                heard(connection, min(POLL_SECONDS, self._claims.patience))
        finally:
            pulse.stop()
            self._claims.leave(connection)

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._forget()
            self._connection = connect(self._url, DatabaseRole.PROJECTOR)
            schema.ensure(self._connection)
        return self._connection

    def _forget(self) -> None:
        """Forget what was kept at hand: it may be ahead of what was committed."""
        self.close()
        self._at_hand.clear()

    def _standing(self, connection: psycopg.Connection) -> Standing:
        """Return where all is, what is claimed here being in parts of its own."""
        found = standing(connection)
        held = self._claims.held & found.shares
        if not found.fits(held):
            # What a claim before ours, or a rebuild, left together is parted before anything is brought on.
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (ARRANGING,))
            arrange(connection, held, held)
            found = standing(connection)
        return found

    def _bring(self, connection: psycopg.Connection, now: Standing, held: frozenset[int]) -> tuple[int, bool]:
        """Bring on what lies furthest back of the shares that are held and can be brought on."""
        self._head = now.head
        own = sorted((part for part in now.parts if part.shares <= held), key=lambda one: (one.streams, one.subjects))
        number = len(now.shares)
        self._at_hand = {
            part.shares: self._at_hand.get(part.shares) or Bringing(Shares(part.shares, number)) for part in own
        }
        for part in own:
            bringing = self._at_hand[part.shares]
            # Not past where another of our own stands: from there on they are one part.
            upto = min((one.streams for one in own if one.streams > part.streams), default=now.head)
            moved = bringing.bring(connection, part, now, BATCH_EVENTS, upto)
            # Some of the cases that a change bears on were derived anew, though the part stands where it did.
            halfway = moved.rederiving is not None
            if moved != part or halfway:
                move(connection, part, moved)
                if len(part.shares) < number and moved.streams != part.streams:
                    connection.execute("SELECT pg_notify(%s, '')", (BROUGHT,))
                self._taken = bringing.taken
                now = now.moved(moved)
                waits = moved.streams == now.head and moved.subjects == now.streams
                return now.position, len(own) > 1 or not waits
        return now.position, False


class Pace:
    """How often a projector that has all there is looks for more."""

    def __init__(self) -> None:
        """Begin with all there is to spare."""
        self._spare = float(SPARE_BATCHES)
        self._kept_at = monotonic()

    def keep(self, stopping: Signal) -> None:
        """Take one from what there is to spare; where nothing is left, wait for it, or to be told to stop."""
        now = monotonic()
        self._spare = min(SPARE_BATCHES, self._spare + (now - self._kept_at) / PACE_SECONDS) - 1
        self._kept_at = now
        stopping.wait(-self._spare * PACE_SECONDS)
