"""The eventsourcing library's recorder over our append function, and a subscription that survives.

Notification ids are positions + 1, since the library takes 0 for "nothing yet". Why not the library's own PostgreSQL
recorder: docs/decisions/0002-one-append-function.md.
"""

import logging
from collections.abc import Mapping, Sequence
from hashlib import sha256
from threading import Thread
from typing import Any, Final, cast
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    ListenNotifySubscription,
    StoredEvent,
)
from psycopg_pool import ConnectionPool

from . import appending
from .appending import Outcome
from .connection import REGISTRY, acting_for
from .listening import heard
from .mapper import LoggedEvent, NewEvent

CHANNEL: Final = "knelpunt_event"
"""The channel on which append tells, at commit, the last position."""

POLL_SECONDS: Final = 1.0
"""How often a subscription looks without having been told: what a lost notification costs at most."""

STREAM: Final = (
    "SELECT position, stream_id, version, topic, topic_version, recorded_at, state FROM knelpunt.event "
    "WHERE stream_id = %(stream)s AND version > %(above)s AND version <= %(upto)s ORDER BY position LIMIT %(limit)s"
)
STREAM_BACKWARDS: Final = STREAM.replace("ORDER BY position", "ORDER BY position DESC")
NOTIFICATIONS: Final = (
    "SELECT position, stream_id, version, topic, topic_version, recorded_at, state FROM knelpunt.event "
    "WHERE position >= %(first)s AND position <= %(last)s AND (%(topics)s::text[] IS NULL OR topic = ANY(%(topics)s)) "
    "ORDER BY position LIMIT %(limit)s"
)
VERSION_MAX: Final = 2**31 - 1
POSITION_MAX: Final = 2**63 - 1

_log = logging.getLogger(__name__)


class EventRecorder(ApplicationRecorder):
    """Records through ``appender``, a pool in that role, and reads through ``reader``."""

    def __init__(self, appender: ConnectionPool, reader: ConnectionPool) -> None:
        self.appender = appender
        self.reader = reader

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Record events, all or none, and return their notification ids.

        Raises the library's ``IntegrityError`` when a stream has moved on, or a command id was used for another event.
        There is no request here to compare a repeated command by; its event is.
        """
        events = cast("Sequence[NewEvent]", stored_events)
        hashes = [sha256(event.state).digest() for event in events]  # of sealed texts: gives nothing away
        with self.appender.connection() as connection, connection.transaction():
            answers = appending.append(connection, events, hashes)
            for event, answer in zip(events, answers, strict=True):
                if answer.outcome not in {Outcome.RECORDED, Outcome.REPEATED}:
                    message = f"Version {event.originator_version} of stream {event.originator_id}: {answer.outcome}."
                    raise IntegrityError(message)
        return [cast("int", answer.position) + 1 for answer in answers]

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[LoggedEvent]:
        """Return the events of a stream with versions above ``gt`` and up to ``lte``."""
        values = {
            "stream": originator_id,
            "above": 0 if gt is None else gt,
            "upto": VERSION_MAX if lte is None else lte,
            "limit": limit,
        }
        return self._logged(STREAM_BACKWARDS if desc else STREAM, values)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[LoggedEvent]:
        """Return at most ``limit`` events from notification id ``start`` to ``stop``, perhaps of some topics only."""
        first = (start or 0) - 1 + (0 if inclusive_of_start or start is None else 1)
        values = {
            "first": first,
            "last": POSITION_MAX if stop is None else stop - 1,
            "topics": list(topics) or None,
            "limit": limit,
        }
        return self._logged(NOTIFICATIONS, values)

    def max_notification_id(self) -> int | None:
        """Return the id of the last event, or none for an empty log."""
        with acting_for(self.reader, REGISTRY) as connection:
            row = connection.execute("SELECT next_position FROM knelpunt.log_head").fetchone()
        assert row is not None
        return row[0] or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "EventSubscription":
        """Return an iterator over the events beyond notification id ``gt``, and those to come. Use it with ``with``."""
        return EventSubscription(self, gt, topics)

    def _logged(self, query: str, values: Mapping[str, object]) -> list[LoggedEvent]:
        with acting_for(self.reader, REGISTRY) as connection:
            found = connection.cursor(binary=True).execute(query, values)  # pyright: ignore[reportArgumentType]
            return [
                LoggedEvent(
                    id=position + 1,
                    originator_id=stream,
                    originator_version=version,
                    topic=topic,
                    topic_version=topic_version,
                    recorded_at=recorded_at,
                    state=state,
                )
                for position, stream, version, topic, topic_version, recorded_at, state in found.fetchall()
            ]


class EventSubscription(ListenNotifySubscription[EventRecorder]):
    """Follows the log: woken by the database, looking every second besides, and going on after an outage."""

    def __init__(self, recorder: EventRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._listen_thread = Thread(target=self._listen, name="knelpunt-listen", daemon=True)
        self._listen_thread.start()

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        """Stop following."""
        try:
            super().__exit__(*args, **kwargs)
        finally:
            self._listen_thread.join()

    def _loop_on_pull(self) -> None:
        # The library's loop waits for a notification for ever, and ends at the first lost connection.
        while not self._has_been_stopped:
            try:
                self._pull()
            except psycopg.OperationalError as error:
                _log.warning("following the log: the database is away (%s)", type(error).__name__)
            except BaseException as error:  # noqa: BLE001  raised to whoever iterates
                self._thread_error = error
                self.stop()
                return
            self._has_been_notified.wait(POLL_SECONDS)

    def _listen(self) -> None:
        while not self._has_been_stopped:
            try:
                with self._recorder.reader.connection() as connection:
                    connection.execute(f"LISTEN {CHANNEL}")  # pyright: ignore[reportArgumentType]
                    try:
                        while not self._has_been_stopped:
                            # Short, so that stopping does not wait for the next event.
                            if heard(connection, 0.1):
                                self._has_been_notified.set()
                    finally:
                        if not connection.closed:
                            connection.execute("UNLISTEN *")
            except psycopg.OperationalError:
                # Polling goes on meanwhile.
                self._has_been_notified.wait(POLL_SECONDS)
