"""How things look: the styles, and the signs in the lanes.

Colours are the sixteen that a terminal's own theme sets, so that they can be read on any background. None of them says
anything that words or signs do not say too.
"""

from dataclasses import dataclass
from typing import Final

from prompt_toolkit.styles import Style

from ....projections.gap_kinds import group_of

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


def style_of(kind: str) -> str:
    """Return the style of a kind of gap."""
    return f"class:{group_of(kind)}"
