"""Keeps erased subjects out of the read model: what is kept under their pseudonym goes, and does not come back.

Whoever projects does it where an event could bring them back, and with every rebuild, for those of whom the log tells
that they were erased; the eraser does it before the log tells.
"""

from collections.abc import Collection, Mapping
from typing import Final

import psycopg
from psycopg import sql

from ...domain.erasure import SubjectErased
from ...domain.ids import SubjectId
from ...projections.read_model.subject_tables import SUBJECT_TABLES
from ..store import reading
from ..store.arrays import uuid_array
from ..store.codec import Row, decode

ERASED: Final = f"SELECT {reading.COLUMNS} FROM knelpunt.event WHERE topic = 'subject-erased' ORDER BY position"  # noqa: S608


def erased_subjects(connection: psycopg.Connection) -> list[SubjectId]:
    """Return whom the log tells to be erased, for whom the connection reads already. An index holds just these."""
    events = [decode(Row(*columns)) for columns in connection.execute(ERASED)]
    return [event.data.subject for event in events if isinstance(event.data, SubjectErased)]


def forget(
    connection: psycopg.Connection, subjects: Collection[SubjectId], tables: Mapping[str, str] = SUBJECT_TABLES
) -> int:
    """Delete what the read model first on the search path holds of subjects; return how many rows that were."""
    gone = 0
    for table, column in tables.items():
        statement = sql.SQL("DELETE FROM {} WHERE {} = ANY(%s)").format(sql.Identifier(table), sql.Identifier(column))
        gone += connection.execute(statement, (uuid_array(subjects),)).rowcount
    return gone


def forget_erased(connection: psycopg.Connection, tables: Mapping[str, str] = SUBJECT_TABLES) -> int:
    """Delete what the read model holds of all whom the log tells to be erased; return how many rows that were."""
    erased = erased_subjects(connection)
    return forget(connection, erased, tables) if erased else 0
