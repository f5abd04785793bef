"""Where the rows of each table of the read model would lie if they were spread over several machines.

What is derived from a case lies where the case lies, and what is derived over the cases of one subject where the
subject does; so whatever is asked of one of them is answered by one machine. What is about no person is small, is
joined with everything, and is held by each machine whole. Every table stands in exactly one of these lists; a test
compares them with the tables, and the queries with what they promise.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SPREAD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "case_state": "case_id",
        "case_party": "case_id",
        "case_subject": "case_id",
        "case_link": "case_id",
        "case_viewer": "case_id",
        "case_to_rederive": "case_id",
        "chain_state": "case_id",
        "commitment_state": "case_id",
        "gap_state": "case_id",
        "handoff_state": "case_id",
        "investigation_case": "case_id",
        "notice_state": "case_id",
        "quarantined": "case_id",
        "remedy_state": "case_id",
        "subject_organisation": "subject_id",
        "telling_state": "case_id",
        "todo_state": "case_id",
    }
)
"""Each table whose rows are spread, and the column by which: all of one type, so equal values lie together. Where
something lies over the cases of a subject, or on a learning stream, its id stands in the place of the case's."""

EVERYWHERE: Final = frozenset(
    {
        "escalation_state",
        "investigation_dialogue",
        "investigation_member",
        "organisation_state",
        "strategy_state",
        "stream_link",
        "stream_state",
        "task_state",
    }
)
"""Tables that each machine holds whole: organisations, and what the registry learns by. They grow with what people
found and link, and not with events."""

AT_THE_CENTRE: Final = frozenset({"derived", "part"})
"""Tables that only the machine which is asked holds: the few rows that say how far the rows go, and what made them."""
