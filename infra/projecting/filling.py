"""What one process of a rebuild does: derives the rows of a range of streams or subjects, and writes them with COPY.

Streams are taken one after the other, in bounded memory. The tables are those of ``read_next``, which have no indexes
yet.
"""

import gc
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import chain, groupby
from typing import Any, Final

import psycopg
from psycopg import sql

from ...domain.erasure import SubjectErased
from ...domain.event import Event
from ...domain.ids import CaseId
from ...domain.investigation.facts import InvestigationFact
from ...domain.learning.facts import LearningFact
from ...domain.organisation.facts import OrganisationFact
from ...domain.registry.facts import RegistryFact
from ...projections.derivation.learning_kinds import learning_timelines
from ...projections.derivation.organisations import organisation_timelines
from ...projections.derivation.subjects import subject_rows_of
from ...projections.derivation.timelines import Row, rows_of
from ...projections.derivation.viewers import Viewer
from ..store.codec import UnreadableEvent, decode_columns
from ..store.connection import REGISTRY, SET_PRINCIPAL, DatabaseRole, connect, principal_text
from ..store.reading import COLUMNS
from . import schema, viewers
from .rederiving import registry_history
from .subjects import FILL, LISTED, SUBJECTS_LOADED, Organisations, follow
from .writing import Sheets, quarantine

FETCH_EVENTS: Final = 5_000
"""Events fetched at a time: some 5 MB."""

SHEET_ROWS: Final = 20_000
"""Rows written at a time: some 5 MB."""

WORK_MEM: Final = "128MB"
"""What the server may use to sort a share by stream before it spills to disk."""

SHARE: Final = sql.SQL(
    f"SELECT {COLUMNS} FROM knelpunt.event "  # noqa: S608 - a constant
    "WHERE position <= %(upto)s AND uuid_hash_extended(stream_id, 0) & 1023 >= %(from)s "
    "AND uuid_hash_extended(stream_id, 0) & 1023 < %(to)s ORDER BY stream_id, position"
)


def fill_subjects(url: str, upto: int, start: int, end: int) -> int:
    """Project what lies over the cases of a range of subjects into ``read_next``; return how many they were."""
    count = 0
    sheets = Sheets()
    with connect(url, DatabaseRole.PROJECTOR) as connection, connection.transaction():
        connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
        schema.within(connection, schema.NEXT)
        organisations = Organisations(upto)
        changes = registry_history(connection, upto)
        with psycopg.ServerCursor(connection, "followed") as cursor:
            cursor.execute(LISTED, {"from": start, "to": end})
            while some := cursor.fetchmany(SUBJECTS_LOADED):
                count += len(some)
                cases = {subject: frozenset[CaseId](own) for subject, own in some}
                for one in follow(connection, cases, organisations, upto):
                    sheets.add(one.subject, subject_rows_of(one.subject, one.recorded, changes))
                    connection.execute(FILL, (one.subject, sorted(one.organisations)))
                sheets.fill(connection)
    return count


def fill_share(url: str, upto: int, start: int, end: int) -> int:
    """Project the streams of a range of shares into ``read_next``; return how many events they had."""
    count = 0
    sheets = Sheets()
    seen: list[tuple[datetime | None, Viewer]] = []
    # A fold makes no cycles, so looking for them only costs.
    gc.disable()
    try:
        with connect(url, DatabaseRole.PROJECTOR) as connection, connection.transaction():
            connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
            connection.execute("SELECT set_config('work_mem', %s, true)", (WORK_MEM,))
            schema.within(connection, schema.NEXT)
            changes = registry_history(connection, upto)
            with psycopg.ServerCursor(connection, "share") as cursor:
                cursor.execute(SHARE, {"upto": upto, "from": start, "to": end}, binary=True)
                fetched = iter(partial(cursor.fetchmany, FETCH_EVENTS), [])
                for _, rows in groupby(chain.from_iterable(fetched), key=_stream):
                    events = list(_readable(connection, rows))
                    count += len(events)
                    if not events or isinstance(events[0].data, SubjectErased):
                        continue
                    if isinstance(events[0].data, InvestigationFact):
                        viewers.bring_investigation(connection, events[0].stream, events)
                    rows_made = _rows(events, changes)
                    if viewing := viewers.viewers_of(events):
                        begun = viewers.begun_at(rows_made)
                        seen += [(begun, one) for one in viewing]
                    sheets.add(events[0].stream, rows_made)
                    if sheets.size >= SHEET_ROWS:
                        sheets.fill(connection)
                        viewers.fill(connection, seen)
                        seen.clear()
            sheets.fill(connection)
            viewers.fill(connection, seen)
    finally:
        gc.enable()
    return count


def _rows(events: Sequence[Event], changes: Sequence[Event]) -> list[Row]:
    """Return the rows of a stream, under the changes of the registry's own."""
    match events[0].data:
        case RegistryFact():
            return []
        case OrganisationFact():
            timelines = organisation_timelines()
            for event in events:
                timelines.record(event)
            return timelines.take()[0]
        case LearningFact() as fact:
            return rows_of(events[0].stream, events, changes, partial(learning_timelines, fact.stream_kind, ()))
        case _:
            return rows_of(events[0].stream, events, changes)


def _stream(columns: Sequence[Any]) -> int:
    """Return the stream as a number: comparing those takes a fraction of what comparing ids takes."""
    return columns[1].int


def _readable(connection: psycopg.Connection, rows: Iterator[Sequence[Any]]) -> Iterator[Event]:
    """Yield the events of a stream; one that cannot be read goes into quarantine."""
    for columns in rows:
        try:
            yield decode_columns(*columns)
        except UnreadableEvent as error:
            quarantine(connection, [error])
