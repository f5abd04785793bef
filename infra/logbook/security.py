"""The security log: what was refused, and what was done that bears on security, by the fields that BIO2 asks for.

What is done to keys and erasures is recorded by the database itself, in the same transaction (0051_vault_watched.sql).
The rest comes here: at once where somebody administers, and within a quarter of a second where requests are refused, so
that whoever sends a thousand bad tokens makes a handful of rows, and keeps nobody waiting. Anybody can have something
put here, without a token: so no text may keep a record from being written, and no record the others.
"""

import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from enum import StrEnum
from threading import Condition, Thread
from typing import Final

import psycopg
from msgspec import Struct

from ...domain.vocabulary import Role
from ..store.connection import DatabaseRole, connect, connect_as_registry

FLUSH_SECONDS: Final = 0.25
"""How long what is noted in passing waits for more of its kind: what a kill may lose."""

RETRY_SECONDS: Final = 5.0
"""How long to wait for a database that is away."""

WAITING_MAX: Final = 1_000
"""How many different records may wait; beyond it only their number is kept, in one record."""

FIELD_CHARACTERS_MAX: Final = 200

UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")
"""What no text of the database holds: NUL, and halves of pairs of surrogates."""

REPLACEMENT: Final = "\ufffd"
"""What Unicode has for a character that cannot be told."""

APPEND: Final = (
    "INSERT INTO logbook.security (action, object, result, origin, actor, count) VALUES (%s, %s, %s, %s, %s, %s)"
)
FIND: Final = """
SELECT "time", action, object, result, origin, actor, count FROM logbook.security
 WHERE "time" >= %(since)s AND (%(action)s::text IS NULL OR action = %(action)s)
 ORDER BY "time" DESC, record_id LIMIT %(most)s
"""

RECORD_REFUSED: Final = (psycopg.DataError, psycopg.IntegrityError)
"""What the database says where a record is at fault, and would be at any time."""

_log = logging.getLogger(__name__)


class Action(StrEnum):
    """What somebody tried or did. The database notes some of its own, about keys and erasures."""

    SIGN_IN = "SIGN_IN"
    """A token was sent that does not count, or none."""

    ACCESS = "ACCESS"
    """Something was asked for that whoever asks has no right to."""

    ADMISSION = "ADMISSION"
    """More was asked for than one asker may, or a document that is not trusted."""

    COMMAND = "COMMAND"
    """A command was given that its role may not."""

    SETTING = "SETTING"
    """A term or a grace was changed."""

    ROLE_CHECK = "ROLE_CHECK"
    """The service looked whether its roles in the database hold more rights than they need."""

    OPERATION = "OPERATION"
    """Somebody ran a command of the command line that administers."""

    TOKEN_MADE = "TOKEN_MADE"  # noqa: S105 - an action, and no secret
    """The built-in issuer signed a token: whoever has it is whom it names."""

    KEY_MADE = "KEY_MADE"
    """The key was made that signs the log."""

    LOGBOOK_READ = "LOGBOOK_READ"
    """Somebody read one of the two logs."""

    LOST = "LOST"
    """So many records there was no room for."""


DONE: Final = "DONE"


class SecurityEvent(Struct, frozen=True):
    """One record: what was done to what, how it ended, whence, and by whom (a pseudonym; none where nobody can say)."""

    action: Action
    object: str
    result: str
    origin: str
    actor: str | None = None


def token_made(role: Role, organisation: str | None, user: str, origin: str, actor: str | None) -> SecurityEvent:
    """Return the record that the built-in issuer signs a token for somebody; a subject's does not say whose chain."""
    whom = " ".join(part for part in (role, organisation, user) if part)
    return SecurityEvent(Action.TOKEN_MADE, f"token of {whom}", DONE, origin, actor)


def machine_user() -> str:
    """Return whom the log has for a user of this machine, who needs no token."""
    return f"user {os.getuid()} of the machine"


def key_record(url: str, origin: str) -> Callable[[str], None]:
    """Return what records a key that is made, by its public half, in the log at ``url``; raises ``psycopg.Error``."""
    log = SecurityLog(url)
    return lambda public: log.record(SecurityEvent(Action.KEY_MADE, public, DONE, origin, machine_user()))


class SecurityRecord(Struct, frozen=True):
    """A record as it stands in the log; ``count`` says how often it happened at about that time."""

    time: datetime
    action: str
    object: str
    result: str
    origin: str
    actor: str | None
    count: int


class SecurityLog:
    """Appends to the security log. ``url`` is the vault's database, and logs in as a member of knelpunt_logger."""

    def __init__(self, url: str) -> None:
        """Connect when there is something to write."""
        self._url = url
        self._waiting: Counter[SecurityEvent] = Counter()
        self._changed = Condition()
        self._closing = False
        self._writing: Thread | None = None

    def note(self, event: SecurityEvent) -> None:
        """Have something recorded in passing: soon, and once for all that are alike. Never waits, never fails."""
        with self._changed:
            if event not in self._waiting and len(self._waiting) >= WAITING_MAX:
                event = SecurityEvent(Action.LOST, "logbook.security", "REFUSED for want of room", "registry")
            self._waiting[event] += 1
            if self._writing is None and not self._closing:
                self._writing = Thread(target=self._write, name="knelpunt-security-log", daemon=True)
                self._writing.start()
            self._changed.notify()

    def record(self, event: SecurityEvent) -> None:
        """Record something now. Raises ``psycopg.Error``: then it must not be done."""
        _append(self._url, {event: 1})

    def close(self) -> None:
        """Write what waits, if the database lets us, and stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._writing is not None:
            self._writing.join(FLUSH_SECONDS + 2 * RETRY_SECONDS)

    def _write(self) -> None:
        pause = FLUSH_SECONDS
        while True:
            with self._changed:
                while not self._waiting and not self._closing:
                    self._changed.wait()
                if not self._closing:
                    self._changed.wait_for(lambda: self._closing, pause)
                waiting, self._waiting = self._waiting, Counter()
                closing_now = self._closing
            try:
                _append_what_can_be(self._url, waiting)
                pause = FLUSH_SECONDS
            except psycopg.Error as error:
                _log.warning("the security log cannot be written: %s", error)
                pause = RETRY_SECONDS
                with self._changed:
                    self._waiting.update(waiting)
            if closing_now:
                return


def security_records(url: str, *, since: datetime, most: int, action: str | None = None) -> Sequence[SecurityRecord]:
    """Return records since a moment, the last ones first, of one action if given. For a member of knelpunt_overseer."""
    with closing(connect_as_registry(url, DatabaseRole.OVERSEER)) as connection:
        rows = connection.execute(FIND, {"since": since, "most": most, "action": action}).fetchall()
    return [SecurityRecord(*row) for row in rows]


def _append_what_can_be(url: str, waiting: dict[SecurityEvent, int]) -> None:
    """Append all that waits, or one by one if the database refuses any, and leave that one out.

    Raises ``psycopg.Error`` for what is no record's fault; then ``waiting`` holds what is yet to be written.
    """
    try:
        _append(url, waiting)
    except RECORD_REFUSED:
        with connect(url, DatabaseRole.LOGGER) as connection:
            for event, count in list(waiting.items()):
                try:
                    connection.execute(APPEND, _row(event, count))
                except RECORD_REFUSED as error:
                    _log.error("the security log is without a record that the database refuses: %r (%s)", event, error)
                del waiting[event]


def _append(url: str, events: dict[SecurityEvent, int]) -> None:
    if events:
        with connect(url, DatabaseRole.LOGGER) as connection, connection.transaction():
            connection.cursor().executemany(APPEND, [_row(event, count) for event, count in events.items()])


def _row(event: SecurityEvent, count: int) -> tuple[str | int | None, ...]:
    actor = None if event.actor is None else _storable(event.actor)
    texts = (_storable(text)[:FIELD_CHARACTERS_MAX] for text in (event.object, event.result, event.origin))
    return event.action.value, *texts, actor, count


def _storable(text: str) -> str:
    return UNSTORABLE.sub(REPLACEMENT, text)
