"""Keeps who sees which case, in the transaction that keeps the rows it guards.

Parties and subjects come from their own rows, what else there is from events (``projections/derivation/viewers``).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

import psycopg

from ...domain.case.facts import CaseFact
from ...domain.event import Event
from ...domain.investigation.facts import InvestigationFact
from ...domain.investigation.rules import RULES
from ...domain.investigation.standing import Investigation
from ...projections.derivation.facets import CaseFacet, ChainFacet
from ...projections.derivation.timelines import Row
from ...projections.derivation.viewers import Viewer, may_change_representatives, recorders, representatives
from ..store import reading
from ..store.arrays import uuid_array


def _from_rows(of: LiteralString = "") -> LiteralString:
    """Return who sees which cases by their parties and subjects; ``of``: a condition on the rows of both."""
    # As is known today: who was named by mistake, and was struck or corrected since, is no party.
    return f"""
SELECT case_id, 'O:' || organisation AS viewer, 'party' AS source, NULL::uuid AS subject_id
  FROM case_party WHERE known_until = 'infinity'{of}
UNION
SELECT case_id, 'S:' || subject_id, 'subject', subject_id FROM case_subject WHERE known_until = 'infinity'{of}
"""  # noqa: S608


# Named in each part: what stands beyond a union is not looked for by it, and all parties there are would be read.
_OF_CASES: Final = _from_rows(of=" AND case_id = ANY(%(cases)s)")


def _begun(of: LiteralString = "") -> LiteralString:
    """Return since when anything is found of which cases; ``of``: a condition on their rows."""
    # What is reported in a case may have come about before the case was opened.
    return f"""
SELECT case_id, min(least(as_of_from, known_from)) AS begun_at FROM (
    SELECT case_id, as_of_from, known_from FROM case_state{of} UNION ALL
    SELECT case_id, as_of_from, known_from FROM chain_state{of}
) found GROUP BY case_id
"""  # noqa: S608


FILL: Final = f"""
INSERT INTO case_viewer (begun_at, case_id, viewer, source, subject_id)
SELECT coalesce(b.begun_at, 'infinity'), r.* FROM ({_from_rows()}) r LEFT JOIN ({_begun()}) b USING (case_id)
"""  # noqa: S608
LEAVE: Final = f"""
DELETE FROM case_viewer v WHERE v.case_id = ANY(%(cases)s) AND v.source IN ('party', 'subject')
   AND (v.case_id, v.viewer, v.source) NOT IN (SELECT case_id, viewer, source FROM ({_OF_CASES}) r)
"""  # noqa: S608
ENTER: Final = f"""
INSERT INTO case_viewer (begun_at, case_id, viewer, source, subject_id)
SELECT 'infinity', r.* FROM ({_OF_CASES}) r ON CONFLICT DO NOTHING
"""  # noqa: S608
ADD: Final = """
INSERT INTO case_viewer (begun_at, case_id, viewer, source, from_at, until_at, subject_id, represents)
VALUES ('infinity', %s, %s, %s, coalesce(%s::timestamptz, '-infinity'), coalesce(%s::timestamptz, 'infinity'), %s, %s)
    ON CONFLICT DO NOTHING
"""
BEGIN: Final = f"""
UPDATE case_viewer v SET begun_at = b.begun_at FROM ({_begun(" WHERE case_id = ANY(%(cases)s)")}) b
 WHERE v.case_id = b.case_id AND v.begun_at > b.begun_at
"""  # noqa: S608
LET_GO: Final = "DELETE FROM case_viewer WHERE case_id = ANY(%s) AND represents IS NOT NULL"
COPY: Final = (
    "COPY case_viewer (begun_at, case_id, viewer, source, from_at, until_at, subject_id, represents) FROM STDIN"
)


def bring(connection: psycopg.Connection, streams: Mapping[UUID, Sequence[Event]], upto: int) -> None:
    """Bring in line who sees the cases of these streams, and who is on these investigations, up to a position.

    The rows of their parties and subjects have been brought up to there already.
    """
    cases = [stream for stream, events in streams.items() if isinstance(events[0].data, CaseFact)]
    inquiries = [stream for stream, events in streams.items() if isinstance(events[0].data, InvestigationFact)]
    if cases:
        values = {"cases": uuid_array(cases)}
        connection.execute(LEAVE, values)
        connection.execute(ENTER, values)
        _add(connection, recorders([event for case in cases for event in streams[case]]))
    related = [case for case in cases if any(map(may_change_representatives, streams[case]))]
    if related:
        connection.execute(LET_GO, (uuid_array(related),))
        for history in reading.histories(connection, related, upto).values():
            _add(connection, representatives(history))
    if cases:
        connection.execute(BEGIN, {"cases": uuid_array(cases)})
    for inquiry, history in reading.histories(connection, inquiries, upto).items():
        bring_investigation(connection, inquiry, history)


def bring_investigation(connection: psycopg.Connection, inquiry: UUID, history: Sequence[Event]) -> None:
    """Bring in line who is on an investigation and which cases and dialogues it includes, by its whole history."""
    standing: Investigation | None = RULES.state_at(history)
    connection.execute("DELETE FROM investigation_member WHERE investigation_id = %s", (inquiry,))
    connection.execute("DELETE FROM investigation_case WHERE investigation_id = %s", (inquiry,))
    connection.execute("DELETE FROM investigation_dialogue WHERE investigation_id = %s", (inquiry,))
    if standing is not None:
        connection.execute(
            "INSERT INTO investigation_member SELECT %s, unnest(%s::text[])", (inquiry, list(standing.investigators))
        )
        connection.execute(
            "INSERT INTO investigation_case SELECT unnest(%s::uuid[]), %s", (list(standing.cases), inquiry)
        )
        connection.execute(
            "INSERT INTO investigation_dialogue SELECT unnest(%s::uuid[]), %s", (list(standing.dialogues), inquiry)
        )


def viewers_of(history: Sequence[Event]) -> list[Viewer]:
    """Return who sees a case by its events alone."""
    return [*recorders(history), *representatives(history)]


def begun_at(rows: Iterable[Row]) -> datetime | None:
    """Return the moment before which nothing of a case is found, by all its rows; none: nothing ever is."""
    found = [row for row in rows if isinstance(row.state, CaseFacet | ChainFacet)]
    return min((min(row.as_of_from, row.known_from) for row in found), default=None)


def fill(connection: psycopg.Connection, viewers: Iterable[tuple[datetime | None, Viewer]]) -> None:
    """Write who sees cases by their events, and since when these began, to a table that nobody reads yet.

    Row security does not guard it yet.
    """
    with connection.cursor().copy(COPY) as copy:
        for begun, one in viewers:
            bounds = one.from_ or "-infinity", one.until or "infinity"
            copy.write_row((begun or "infinity", one.case, one.name, one.source, *bounds, one.subject, one.represents))


def _add(connection: psycopg.Connection, viewers: Iterable[Viewer]) -> None:
    connection.cursor().executemany(
        ADD,
        [(one.case, one.name, one.source, one.from_, one.until, one.subject, one.represents) for one in viewers],
    )
