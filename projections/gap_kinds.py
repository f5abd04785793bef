"""Each kind of gap in a group and in a sentence, the same on a terminal, on a page and in the schema.

Groups are the four ways to be let down; whoever shows a gap gives each group one look of its own.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Group(StrEnum):
    """Four ways to be let down."""

    UNHELD = "unheld"
    """Nobody has it."""
    ROUND = "round"
    """It goes round."""
    WAITING = "waiting"
    """Somebody waits."""
    SETTLED = "settled"
    """It was settled, and was not."""


KINDS: Final[Mapping[str, tuple[Group, str]]] = {
    "NEVER_TAKEN": (Group.UNHELD, "It was reported, and nobody took it on."),
    "LOST_REFERRAL": (Group.UNHELD, "The subject was sent elsewhere, and nobody there took it on."),
    "REFERRED_ROUND": (Group.ROUND, "The subject was sent to somebody who had already been passed by."),
    "RELEASED": (Group.UNHELD, "Its holder let go of it, and nobody took it on."),
    "MOVED": (Group.UNHELD, "The responsibility moved, and whoever it moved to has not taken it up."),
    "CLOSED_UNRESOLVED": (Group.UNHELD, "The case was closed over it while it was open."),
    "UNCONFIRMED": (Group.WAITING, "Another says who holds it, and that organisation has not said so itself."),
    "UNANSWERED": (Group.WAITING, "Somebody was asked to take it over, and did not answer in time."),
    "NOBODYS_JOB": (Group.ROUND, "Two or more said in a row that it is not for them."),
    "CAROUSEL": (Group.ROUND, "It came back to an organisation that had it before."),
    "STANDSTILL": (Group.WAITING, "Its holder did nothing about it for longer than the term."),
    "DECISION_OVERDUE": (Group.WAITING, "A decision was due, and was not taken in time."),
    "DEADLOCK": (Group.ROUND, "Those who hold it wait for each other in a circle."),
    "CONTESTED": (Group.SETTLED, "The subject contested how it was settled, and got no answer in time."),
    "WRONGLY_SETTLED": (Group.SETTLED, "It was called settled, and later found not to be."),
    "GAVE_UP": (Group.SETTLED, "The subject gave up waiting."),
    "UNCOORDINATED": (Group.ROUND, "Three or more hold parts of it, and nobody keeps the overview."),
    "CAUSE_UNOWNED": (Group.UNHELD, "Its cause is known, and nobody has made it theirs."),
    "ESCALATION_UNANSWERED": (Group.WAITING, "It was escalated, and there was no answer in time."),
    "MEASURE_OVERDUE": (Group.WAITING, "A measure was due, and was not taken in time."),
    "COMMITMENT_OVERDUE": (Group.WAITING, "Something was promised, and was not done in time."),
}
"""Each kind's group and meaning."""

AFTERWARDS: Final = frozenset({"CAROUSEL", "WRONGLY_SETTLED", "GAVE_UP"})
"""Kinds that can be seen only once they have ended: nobody could know before that it would come to this."""


def group_of(kind: str) -> Group:
    """Return the group of a kind of gap."""
    return KINDS.get(kind, (Group.WAITING, ""))[0]
