"""Who is sent events: made, looked at and ended by whoever runs the registry.

A subscription is bound to a principal, as a token names it; what that principal may see is what is sent. Ids of
subscriptions are UUIDs; positions those of the log.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid4

import msgspec
import psycopg
from msgspec import Struct
from psycopg.types.json import Jsonb

from ..store.connection import Principal
from .signing import secret_of, shown

SUBSCRIPTIONS_MAX: Final = 200
"""How many may be in force: each event of the log is looked at once for each of them."""

DEAD_SHOWN_MAX: Final = 1000


class State(StrEnum):
    """What became of an event for a subscription."""

    WAITING = "WAITING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"
    """It was tried as often as it may, and is looked at by people (a dead letter)."""

    WITHDRAWN = "WITHDRAWN"
    """By the time that it was to be sent, its reader was no longer to see it."""


class WebhookError(Exception):
    """What was asked of a subscription cannot be done; the message is one sentence that says why."""


class Subscription(Struct, frozen=True):
    """A subscription, and how it stands: how many events wait, how many are dead letters, since when the oldest waits.

    Field for field the columns that are read.
    """

    webhook_id: UUID
    url: str
    principal: Principal
    topics: tuple[str, ...]
    position: int
    created_at: datetime
    paused: bool
    resting_until: datetime | None
    ended_at: datetime | None
    ended_because: str | None
    waiting: int
    delivered: int
    dead: int


class DeadLetter(Struct, frozen=True):
    """An event that was not taken: its position and stream, how often it was sent, and what was wrong the last time."""

    position: int
    stream: UUID
    attempts: int
    problem: str | None
    settled_at: datetime


LIST: Final = """
SELECT w.webhook_id, w.url, w.principal, w.topics, w.position, w.created_at, w.paused, w.resting_until, w.ended_at,
       w.ended_because, count(*) FILTER (WHERE d.state = 'WAITING'), count(*) FILTER (WHERE d.state = 'DELIVERED'),
       count(*) FILTER (WHERE d.state = 'DEAD')
  FROM knelpunt.webhook w LEFT JOIN knelpunt.webhook_delivery d USING (webhook_id)
 GROUP BY w.webhook_id ORDER BY w.created_at, w.webhook_id
"""
ADD: Final = """
INSERT INTO knelpunt.webhook (webhook_id, url, principal, topics, position, created_at)
SELECT %(webhook)s, %(url)s, %(principal)s, %(topics)s,
       least(coalesce(%(after)s, h.next_position - 1), h.next_position - 1), clock_timestamp()
  FROM knelpunt.log_head h
 WHERE (SELECT count(*) FROM knelpunt.webhook WHERE ended_at IS NULL) < %(most)s
"""
LOCKED: Final = "SELECT ended_at IS NULL, secret_number FROM knelpunt.webhook WHERE webhook_id = %s FOR UPDATE"
END: Final = """
UPDATE knelpunt.webhook SET ended_at = clock_timestamp(), ended_because = %s WHERE webhook_id = %s
"""
BURY: Final = """
UPDATE knelpunt.webhook_delivery SET state = 'DEAD', settled_at = %(now)s, problem = %(problem)s
 WHERE webhook_id = %(webhook)s AND state = 'WAITING'
"""
PAUSE: Final = "UPDATE knelpunt.webhook SET paused = %s, resting_until = NULL, failures = 0 WHERE webhook_id = %s"
ROTATE: Final = """
UPDATE knelpunt.webhook SET secret_number = secret_number + 1, rotated_at = clock_timestamp() WHERE webhook_id = %s
"""
FORGET_AFTER: Final = "DELETE FROM knelpunt.webhook_delivery WHERE webhook_id = %s AND position > %s"
REPLAY: Final = """
UPDATE knelpunt.webhook SET position = least(%s, position), resting_until = NULL, failures = 0 WHERE webhook_id = %s
"""
DEAD: Final = """
SELECT position, stream_id, attempts, problem, settled_at FROM knelpunt.webhook_delivery
 WHERE webhook_id = %s AND state = 'DEAD' ORDER BY position LIMIT %s
"""
RESEND: Final = """
UPDATE knelpunt.webhook_delivery SET state = 'WAITING', attempts = 0, next_at = clock_timestamp(), settled_at = NULL
 WHERE webhook_id = %(webhook)s AND state = 'DEAD' AND (%(all)s OR position = ANY (%(positions)s))
"""


class Subscriptions:
    """The subscriptions of a registry. Each call is a transaction of its own; all raise ``psycopg.Error``."""

    def __init__(self, connection: psycopg.Connection, master: bytes) -> None:
        """Work over a connection as ``DatabaseRole.APPENDER`` that reads for the registry."""
        self._connection = connection
        self._master = master

    def add(self, url: str, principal: Principal, topics: Collection[str], after: int | None) -> tuple[UUID, str]:
        """Make a subscription to what comes after a position (none: from now on); return its id and its secret.

        Raises ``WebhookError`` if there are as many as there may be.
        """
        webhook = uuid4()
        made = self._connection.execute(
            ADD,
            {
                "webhook": webhook,
                "url": url,
                "principal": Jsonb(msgspec.to_builtins(principal)),
                "topics": sorted(topics),
                "after": after,
                "most": SUBSCRIPTIONS_MAX,
            },
        )
        if not made.rowcount:
            raise WebhookError(f"There are {SUBSCRIPTIONS_MAX} subscriptions: end one that is no longer used.")
        return webhook, shown(secret_of(self._master, webhook, 1))

    def all(self) -> list[Subscription]:
        """Return every subscription, ended ones too, the oldest first."""
        return [
            Subscription(webhook, url, msgspec.convert(principal, Principal), tuple(topics), *rest)
            for webhook, url, principal, topics, *rest in self._connection.execute(LIST).fetchall()
        ]

    def end(self, webhook: UUID) -> None:
        """Send nothing more. What waited becomes dead letters. Raises ``WebhookError``."""
        with self._connection.transaction():
            self._lock(webhook)
            end(self._connection, webhook, "The subscription was ended by whoever runs the registry.")

    def pause(self, webhook: UUID) -> None:
        """Send nothing for now; what is recorded meanwhile is sent afterwards. Raises ``WebhookError``."""
        with self._connection.transaction():
            self._lock(webhook)
            self._connection.execute(PAUSE, (True, webhook))

    def resume(self, webhook: UUID) -> None:
        """Go on sending, at once also to a receiver that did not answer. Raises ``WebhookError``."""
        with self._connection.transaction():
            self._lock(webhook)
            self._connection.execute(PAUSE, (False, webhook))

    def rotate(self, webhook: UUID) -> str:
        """Return a new secret; the old one goes on signing as well for a day. Raises ``WebhookError``."""
        with self._connection.transaction():
            number = self._lock(webhook)
            self._connection.execute(ROTATE, (webhook,))
        return shown(secret_of(self._master, webhook, number + 1))

    def replay(self, webhook: UUID, after: int) -> None:
        """Send everything after a position once more, under the same ids. Raises ``WebhookError``."""
        with self._connection.transaction():
            self._lock(webhook)
            self._connection.execute(FORGET_AFTER, (webhook, after))
            self._connection.execute(REPLAY, (after, webhook))

    def dead(self, webhook: UUID) -> list[DeadLetter]:
        """Return the first thousand dead letters of a subscription, in order of position."""
        rows = self._connection.execute(DEAD, (webhook, DEAD_SHOWN_MAX)).fetchall()
        return [DeadLetter(*row) for row in rows]

    def resend(self, webhook: UUID, positions: Sequence[int] | None) -> int:
        """Have dead letters sent again, those at positions or all; return how many. Raises ``WebhookError``."""
        with self._connection.transaction():
            self._lock(webhook)
            values = {"webhook": webhook, "all": positions is None, "positions": list(positions or ())}
            return self._connection.execute(RESEND, values).rowcount

    def _lock(self, webhook: UUID) -> int:
        """Keep the sender from a subscription that is in force, until the transaction ends; return its secret's number.

        Raises ``WebhookError``.
        """
        row = self._connection.execute(LOCKED, (webhook,)).fetchone()
        if row is None:
            raise WebhookError(f"There is no subscription {webhook}: knelpunt webhook list shows them.")
        if not row[0]:
            raise WebhookError(f"The subscription {webhook} has ended: make a new one, with --after where it ended.")
        return row[1]


def end(connection: psycopg.Connection, webhook: UUID, because: str) -> None:
    """End a subscription that is locked."""
    connection.execute(END, (because, webhook))
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    connection.execute(BURY, {"webhook": webhook, "now": row[0], "problem": because})
