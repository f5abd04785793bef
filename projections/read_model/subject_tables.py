"""Which tables of the read model say something about a subject: what erasing one has to clean, in one place.

Every table that has a column for a subject stands here; a test looks for ones that do not. What lies over several cases
of one subject stands under the subject's pseudonym in the place of a case's.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SUBJECT_TABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "case_subject": "subject_id",
        "case_viewer": "subject_id",
        "subject_organisation": "subject_id",
        "gap_state": "case_id",
        "commitment_state": "case_id",
        "notice_state": "lies_on",
    }
)
"""Each such table, and its column with the subject's pseudonym."""

FORGETTING_LEAVES_FEWER: Final = frozenset({"case_subject", "notice_state"})
"""Tables of cases in which rows that an event would change may have gone with somebody who was erased."""
