"""How things look: the styles, the signs in the lanes, and each kind of gap in a colour and in a sentence.

Colours are the sixteen that a terminal's own theme sets, so that they can be read on any background. None of them says
anything that words or signs do not say too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from prompt_toolkit.styles import Style

NOBODY: Final = "class:unheld"
ROUND: Final = "class:round"
WAITING: Final = "class:waiting"
SETTLED: Final = "class:settled"

STYLE: Final = Style.from_dict({
    "head": "bold",
    # Faint, and not the theme's grey: some themes have that as their background.
    "dim": "dim",
    "struck": "dim strike",
    "keys": "reverse",
    "cursor": "reverse",
    "found": "underline bold",
    "message": "ansiyellow bold",
    "red": "ansired",
    "yellow": "ansiyellow",
    "held": "ansigreen",
    # Four ways to be let down: nobody has it, it goes round, somebody waits, it was settled and was not.
    "unheld": "ansired",
    "round": "ansimagenta",
    "waiting": "ansiyellow",
    "settled": "ansicyan",
})  # fmt: skip


@dataclass(frozen=True)
class Signs:
    """The signs that the lanes are drawn with."""

    holds: str
    claims: str
    acts: str
    asked: str
    to_act: str
    nobody: str
    here: str
    line: str
    down_up: str

    def legend(self) -> str:
        """Return what the signs mean, the ones needed most first."""
        return (
            f"{self.holds} holds  {self.acts} acts  {self.asked} is asked  {self.to_act} has to act in a gap  "
            f"{self.nobody} nobody  {self.claims} holds, another says"
        )


SIGNS: Final = Signs("━", "╍", "●", "○", "!", "░", "▼", "─", "↓↑")
ASCII: Final = Signs("=", "~", "*", "o", "!", "#", "v", "-", "j/k")


def signs_for(encoding: str | None) -> Signs:
    """Return the signs that an output's encoding has."""
    try:
        "".join(vars(SIGNS).values()).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return SIGNS


KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "NEVER_TAKEN": (NOBODY, "It was reported, and nobody took it on."),
    "LOST_REFERRAL": (NOBODY, "The subject was sent elsewhere, and nobody there took it on."),
    "REFERRED_ROUND": (ROUND, "The subject was sent to somebody who had already been passed by."),
    "RELEASED": (NOBODY, "Its holder let go of it, and nobody took it on."),
    "MOVED": (NOBODY, "The responsibility moved, and whoever it moved to has not taken it up."),
    "CLOSED_UNRESOLVED": (NOBODY, "The case was closed over it while it was open."),
    "UNCONFIRMED": (WAITING, "Another says who holds it, and that organisation has not said so itself."),
    "UNANSWERED": (WAITING, "Somebody was asked to take it over, and did not answer in time."),
    "NOBODYS_JOB": (ROUND, "Two or more said in a row that it is not for them."),
    "CAROUSEL": (ROUND, "It came back to an organisation that had it before."),
    "STANDSTILL": (WAITING, "Its holder did nothing about it for longer than the term."),
    "DECISION_OVERDUE": (WAITING, "A decision was due, and was not taken in time."),
    "DEADLOCK": (ROUND, "Those who hold it wait for each other in a circle."),
    "CONTESTED": (SETTLED, "The subject contested how it was settled, and got no answer in time."),
    "WRONGLY_SETTLED": (SETTLED, "It was called settled, and later found not to be."),
    "GAVE_UP": (SETTLED, "The subject gave up waiting."),
    "UNCOORDINATED": (ROUND, "Three or more hold parts of it, and nobody keeps the overview."),
    "CAUSE_UNOWNED": (NOBODY, "Its cause is known, and nobody has made it theirs."),
    "ESCALATION_UNANSWERED": (WAITING, "It was escalated, and there was no answer in time."),
    "MEASURE_OVERDUE": (WAITING, "A measure was due, and was not taken in time."),
    "COMMITMENT_OVERDUE": (WAITING, "Something was promised, and was not done in time."),
}
"""Each kind's style and meaning."""

AFTERWARDS: Final = frozenset({"CAROUSEL", "WRONGLY_SETTLED", "GAVE_UP"})
"""Kinds that can be seen only once they have ended: nobody could know before that it would come to this."""


def style_of(kind: str) -> str:
    """Return the style of a kind of gap."""
    return KINDS.get(kind, (WAITING, ""))[0]
