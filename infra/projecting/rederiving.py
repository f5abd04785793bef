"""Brings the read model in line with a term or grace that was changed, a part at a time.

What a change bears on are clocks that start from it on: of cases in which one is foreseen to, and of those told of just
now. Their rows are written as known from the change on, while whoever asks is still answered as of the event before it;
so nobody sees them until the last part is done, and the position goes on. Which cases are left stands in the read model
itself: whoever is killed anywhere leaves that to the next one.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import psycopg
from msgspec.structs import replace

from ...domain.case.decide import SKEW
from ...domain.event import Event
from ...domain.learning.facts import LearningFact
from ...domain.registry.facts import STREAM
from ...domain.settings import Course
from ...projections.derivation.learning_kinds import learning_timelines
from ...projections.derivation.subjects import SubjectTimelines
from ...projections.derivation.timelines import Timelines, case_timelines
from ...projections.queries.lens import position_at
from ..store import reading
from .shares import Part, Shares, in_shares
from .subjects import Organisations, follow, followed
from .writing import Sheets

CASES_AT_ONCE: Final = 200
"""Cases in a transaction at most: some 100 ms of work, and what is done anew by whoever follows one that was killed."""

# Told of just now: what occurred since the change was recorded before it, by a clock that was ahead.
FIND: Final = f"""
INSERT INTO case_to_rederive (case_id)
SELECT case_id FROM (
    SELECT case_id FROM gap_state WHERE from_at >= %(since)s AND known_until = 'infinity'
    UNION SELECT case_id FROM handoff_state WHERE delivered_at >= %(since)s AND known_until = 'infinity'
    UNION SELECT case_id FROM knelpunt.event
           WHERE position > %(just_now)s AND position < %(upto)s AND case_id <> '00000000-0000-0000-0000-000000000000'
    UNION SELECT e.stream_id FROM knelpunt.event e JOIN stream_state s ON s.stream_id = e.stream_id
           WHERE e.position > %(just_now)s AND e.position < %(upto)s) concerned
 WHERE {in_shares("case_id")}
"""  # noqa: S608 - constants
TAKE: Final = f"""
DELETE FROM case_to_rederive
 WHERE case_id IN (
    SELECT case_id FROM case_to_rederive WHERE {in_shares("case_id")} ORDER BY case_id LIMIT %(at_once)s)
RETURNING case_id
"""  # noqa: S608 - constants
LEAVE: Final = f"DELETE FROM case_to_rederive WHERE {in_shares('case_id')}"  # noqa: S608


def registry_history(connection: psycopg.Connection, upto: int) -> list[Event]:
    """Return the changes of terms and graces up to a position; one that cannot be read is in quarantine."""
    return reading.histories(connection, [STREAM], upto).get(STREAM, [])


def settings_upto(connection: psycopg.Connection, position: int) -> Course:
    """Return the terms and graces as of a position."""
    return Course.of(registry_history(connection, position))


def rederive(connection: psycopg.Connection, part: Part, shares: Shares, change: Event, settings: Course) -> Part:
    """Derive some cases of a part anew under a change, in the transaction that is open; return where the part is then.

    The rows of these shares are those of the read model first on the search path, as of the event before the change;
    ``settings`` are those before it. Once all are done the part has taken in the change.
    """
    if part.rederiving != change.position:
        _begin(connection, shares, change)
    cases = [case for (case,) in connection.execute(TAKE, {"at_once": CASES_AT_ONCE, **shares.values()})]
    if not cases:
        return part.at(change.position)
    sheets = Sheets()
    histories = reading.histories(connection, cases, change.position - 1)
    for case, events in histories.items():
        course = settings.copy()
        fact = events[0].data
        timelines = (
            learning_timelines(fact.stream_kind, events, case, course)
            if isinstance(fact, LearningFact)
            else case_timelines(case, events, course)
        )
        _change(case, timelines, course, change, sheets)
    # What is no stream is a subject, over whose cases a gap lies.
    subjects = followed(connection, [one for one in cases if one not in histories])
    organisations = Organisations(change.position - 1)
    for one in follow(connection, subjects, organisations, change.position - 1):
        course = settings.copy()
        _change(one.subject, SubjectTimelines(one.subject, one.recorded, course), course, change, sheets)
    sheets.write(connection)
    return replace(part, rederiving=change.position)


def _change(key: UUID, timelines: Timelines, course: Course, change: Event, sheets: Sheets) -> None:
    """Let timelines under the settings before a change take it in, and note the rows that come of it."""
    course.change(change)
    timelines.change_settings(change)
    sheets.add(key, *timelines.take())


def _begin(connection: psycopg.Connection, shares: Shares, change: Event) -> None:
    """Note the cases of some shares on which a change bears."""
    since: datetime = change.recorded_at
    query, values = position_at(since - SKEW, change.position)
    row = connection.execute(query, values).fetchone()
    just_now = -1 if row is None else row[0]
    connection.execute(LEAVE, shares.values())
    values = {"since": since, "just_now": just_now, "upto": change.position, **shares.values()}
    connection.execute(FIND, values)
