"""What lies over the cases of a subject at two times: which cases those are, the gaps, and which cases were linked."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from .gaps import COLUMNS
from .lens import AT, Moment, Query

CASES_OF: Final = (
    f"SELECT subject_id, case_id FROM (SELECT subject_id, case_id FROM read.case_subject "  # noqa: S608
    f"WHERE subject_id = ANY(%(subjects)s) AND {AT}) s "
    f"JOIN (SELECT case_id, opened_at FROM read.case_state WHERE {AT}) c USING (case_id) ORDER BY opened_at, case_id"
)

OVER: Final = (
    f"SELECT asked.case_id, g.* FROM unnest(%(cases)s::uuid[]) AS asked (case_id) CROSS JOIN LATERAL "  # noqa: S608
    f"(SELECT {COLUMNS} FROM read.gap_state WHERE case_id IN (SELECT subject_id FROM read.case_subject s "
    f"WHERE s.case_id = asked.case_id) AND asked.case_id = ANY(cases) AND {AT}) g ORDER BY g.from_at, g.gap_id"
)

ONE: Final = f"SELECT {COLUMNS} FROM read.gap_state WHERE case_id = %(subject)s AND gap_id = %(gap)s AND {AT}"  # noqa: S608

LINKS: Final = (
    f"SELECT case_id, to_case_id, relation, event_id FROM read.case_link WHERE case_id = ANY(%(cases)s) AND {AT} "  # noqa: S608
    "UNION SELECT case_id, to_case_id, relation, event_id FROM read.case_link "
    f"WHERE to_case_id = ANY(%(cases)s) AND {AT}"
)


def cases_of(moment: Moment, subjects: Sequence[UUID]) -> Query:
    """Return the query for whose cases are which, the first opened first: subject and case."""
    return CASES_OF, moment.values() | {"subjects": list(subjects)}


def over(moment: Moment, cases: Sequence[UUID]) -> Query:
    """Return the query for the gaps over several cases that lie in some: each after the case that was asked for."""
    return OVER, moment.values() | {"cases": list(cases)}


def one(moment: Moment, subject: UUID, gap: UUID) -> Query:
    """Return the query for a gap over the cases of a subject."""
    return ONE, moment.values() | {"subject": subject, "gap": gap}


def links(moment: Moment, cases: Sequence[UUID]) -> Query:
    """Return the query for which cases were linked with these, from either side: which, with which, how, by what."""
    return LINKS, moment.values() | {"cases": list(cases)}
