"""The processing log: who read what of whom, one record for each person, written before the answer leaves.

Its fields are those of Logboek Dataverwerkingen. Whom a record is about is sealed under a key of their own, so that it
goes when they are erased; that somebody read something then stays.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid4

import msgspec
import psycopg
from msgspec import Struct
from psycopg_pool import PoolTimeout

from ...domain.ids import SubjectId
from ..store.arrays import bytea_array, uuid_array
from ..store.connection import DatabaseRole, connect_as_registry, pool
from ..vault.vault import Vault

SUBJECT_TYPE: Final = "urn:knelpunt:subject"
"""What kind of id a record has of its subject: the registry's own pseudonym."""

SPAN_BYTES: Final = 8

CONNECTIONS_MAX: Final = 4
"""Records that are written at the same time: they share the database's flushes to disk, so that more gain little."""

# Without a target, so that a role that may not read can say it: a record whose acknowledgement was lost is sent again.
APPEND: Final = """
INSERT INTO logbook.processing (trace_id, span_id, status, name, start_time, end_time, activity,
                                subject_key, subject_box, subject_type, organisation, role, actor)
SELECT %(trace)s, each.span, 'OK', %(name)s, %(started)s, %(ended)s, %(activity)s,
       each.key, each.box, %(kind)s, %(organisation)s, %(role)s, %(actor)s
  FROM unnest(%(spans)s, %(keys)s, %(boxes)s) AS each (span, key, box)
ON CONFLICT DO NOTHING
"""
FIND: Final = """
SELECT trace_id, span_id, status, name, start_time, end_time, activity, subject_key, subject_box, subject_type,
       organisation, role, actor
  FROM logbook.processing
 WHERE end_time >= %(since)s AND (%(until)s::timestamptz IS NULL OR end_time < %(until)s)
   AND (%(at)s::timestamptz IS NULL OR end_time < %(at)s OR (end_time = %(at)s AND span_id > %(span)s))
   AND (%(key)s::uuid IS NULL OR subject_key = %(key)s)
   AND (%(actor)s::text IS NULL OR actor = %(actor)s)
 ORDER BY end_time DESC, span_id LIMIT %(most)s
"""


class Activity(StrEnum):
    """What something is read for: an id in the register of processing activities."""

    CASEWORK = "urn:knelpunt:activity:casework"
    """Reading cases and what happened in them."""

    IDENTITIES = "urn:knelpunt:activity:identities"
    """Looking up who a pseudonym stands for, or whose pseudonym it is."""

    ERASURES = "urn:knelpunt:activity:erasures"
    """Handling requests to be forgotten, and what keeps them from being done."""


class Reading(Struct, frozen=True, kw_only=True):
    """One request that may read of people: who asks, for what, and since when. ``actor`` is a pseudonym."""

    actor: str
    role: str
    organisation: str | None
    name: str
    activity: Activity = Activity.CASEWORK
    trace: UUID = msgspec.field(default_factory=uuid4)
    started_at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))


class Record(Struct, frozen=True):
    """A record as who may see it gets it: ``subject`` is none once they were erased."""

    trace: UUID
    span: bytes
    status: str
    name: str
    started_at: datetime
    ended_at: datetime
    activity: str
    subject: SubjectId | None
    subject_type: str
    organisation: str | None
    role: str
    actor: str


class NotNoted(Exception):  # noqa: N818  named for what it is
    """A reading cannot be recorded, so nothing may be shown; the message is one sentence that says what to do."""

    def __init__(self) -> None:
        super().__init__("What is read of people is noted first, which is not possible at this moment: ask again.")


class ProcessingLog:
    """Appends to the processing log. ``url`` is the vault's database, and logs in as a member of knelpunt_logger."""

    def __init__(self, url: str, vault: Vault) -> None:
        """Have connections when they are first needed."""
        self._vault = vault
        self._connections = pool(url, DatabaseRole.LOGGER, CONNECTIONS_MAX)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def note(self, reading: Reading, subjects: Collection[SubjectId]) -> None:
        """Record that something of each of some subjects was read, in one statement. Raises ``NotNoted``.

        When it returns, the records are on disk. Of an erased subject none is made: nothing of them can be shown.
        """
        if not subjects:
            return
        try:
            sealed = self._vault.seal_ids(reading.trace, subjects)
            values = {
                "trace": reading.trace.bytes,
                "name": reading.name,
                "started": reading.started_at,
                "ended": datetime.now(UTC),
                "activity": reading.activity.value,
                "kind": SUBJECT_TYPE,
                "organisation": reading.organisation,
                "role": reading.role,
                "actor": reading.actor,
                "spans": bytea_array(secrets.token_bytes(SPAN_BYTES) for _ in sealed),
                "keys": uuid_array(one.key for one in sealed),
                "boxes": bytea_array(one.box for one in sealed),
            }
            self._append(values)
        except (psycopg.Error, PoolTimeout) as error:
            raise NotNoted from error

    def _append(self, values: Mapping[str, object]) -> None:
        try:
            with self._connections.connection() as connection:
                connection.execute(APPEND, values, prepare=True)
        except psycopg.OperationalError as error:
            if isinstance(error, psycopg.errors.QueryCanceled):
                raise
            # Connections that a restart of the database broke are thrown out, and another one is tried.
            self._connections.check()
            with self._connections.connection() as connection:
                connection.execute(APPEND, values)


def readings(
    url: str,
    vault: Vault,
    *,
    since: datetime,
    most: int,
    until: datetime | None = None,
    after: tuple[datetime, bytes] | None = None,
    subject: SubjectId | None = None,
    actor: str | None = None,
) -> Sequence[Record]:
    """Return records of readings from a moment on and before another, last ones first; of one subject, by one actor.

    ``after`` goes on behind a record that was returned before: its end and its span. The login at ``url`` is a member
    of knelpunt_overseer, that of the vault of knelpunt_vault. Raises ``psycopg.Error``.
    """
    key = None if subject is None else vault.reading_key(subject)
    if subject is not None and key is None:
        return []
    with closing(connect_as_registry(url, DatabaseRole.OVERSEER)) as connection:
        at, span = after or (None, None)
        values = {"since": since, "until": until, "at": at, "span": span, "most": most, "key": key, "actor": actor}
        rows = connection.execute(FIND, values, binary=True).fetchall()
    whom = vault.open_ids([(UUID(bytes=row[0]), row[7], row[8]) for row in rows])
    return [
        Record(
            UUID(bytes=trace), span, status, name, started_at, ended_at, activity, about, kind, organisation, role, by
        )
        for (trace, span, status, name, started_at, ended_at, activity, _, _, kind, organisation, role, by), about in (
            zip(rows, whom, strict=True)
        )
    ]
