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
from .shares import Shares, in_shares

ERASED: Final = f"SELECT {reading.COLUMNS} FROM knelpunt.event WHERE topic = 'subject-erased' ORDER BY position"  # noqa: S608

BY_SUBJECT: Final = frozenset({"subject_organisation"})
"""Tables whose rows belong to the subject's share. Those of all others belong to that of their ``case_id``."""


def erased_subjects(connection: psycopg.Connection, upto: int | None = None) -> list[SubjectId]:
    """Return whom the log tells to be erased, perhaps up to a position only; an index holds just these events.

    The connection must read for the registry already.
    """
    events = [decode(Row(*columns)) for columns in connection.execute(ERASED)]
    return [
        event.data.subject
        for event in events
        if isinstance(event.data, SubjectErased) and (upto is None or event.position <= upto)
    ]


def forget(
    connection: psycopg.Connection, subjects: Collection[SubjectId], tables: Mapping[str, str] = SUBJECT_TABLES
) -> int:
    """Delete what the read model first on the search path holds of subjects; return how many rows that were."""
    gone = 0
    for table, column in tables.items():
        statement = sql.SQL("DELETE FROM {} WHERE {} = ANY(%s)").format(sql.Identifier(table), sql.Identifier(column))
        gone += connection.execute(statement, (uuid_array(subjects),)).rowcount
    return gone


def forget_in(connection: psycopg.Connection, shares: Shares, subjects: Collection[SubjectId]) -> None:
    """Delete what the rows of some shares hold of subjects: the others are for who has claimed those."""
    for table, column in SUBJECT_TABLES.items():
        own = in_shares("subject_id" if table in BY_SUBJECT else "case_id")
        statement = sql.SQL("DELETE FROM {} WHERE {} = ANY(%(subjects)s) AND {}").format(
            sql.Identifier(table), sql.Identifier(column), sql.SQL(own)
        )
        connection.execute(statement, {"subjects": uuid_array(subjects), **shares.values()})


def forget_erased(connection: psycopg.Connection, tables: Mapping[str, str] = SUBJECT_TABLES) -> int:
    """Delete what the read model holds of all whom the log tells to be erased; return how many rows that were."""
    erased = erased_subjects(connection)
    return forget(connection, erased, tables) if erased else 0
