"""The keys, and what each does: those of ``less`` where it has one. The help is written from the same table."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ....projections.gap_kinds import KINDS
from .looks import Signs
from .rows import Piece, Row, wrapped


class Act(Enum):
    """What a key asks for."""

    FORWARD = auto()
    ENTER = auto()
    """One step on; in a choice, what was chosen."""
    BACK = auto()
    PAGE_FORWARD = auto()
    PAGE_BACK = auto()
    HALF_FORWARD = auto()
    HALF_BACK = auto()
    BEGINNING = auto()
    END = auto()
    GAP_FORWARD = auto()
    GAP_BACK = auto()
    SEARCH = auto()
    SEARCH_FORWARD = auto()
    SEARCH_BACK = auto()
    AS_OF = auto()
    KNOWN_AT = auto()
    KNOWN_TO = auto()
    MORE = auto()
    HELP = auto()
    REDRAW = auto()
    LEAVE = auto()
    QUIT = auto()
    INTERRUPT = auto()
    SUSPEND = auto()


@dataclass(frozen=True)
class Key:
    """Keys that do the same, by prompt_toolkit's names."""

    act: Act
    names: tuple[str, ...]
    shown: str = ""
    """How the help calls them; keys that are not in it are for fingers that know them."""
    says: str = ""


KEYS: Final = (
    Key(Act.FORWARD, ("j", "down", "right", "e", "c-n", "c-e"), "j ↓ → Enter", "one step on; 5j: five steps"),
    Key(Act.ENTER, ("enter",)),
    Key(Act.BACK, ("k", "up", "left", "y", "c-p", "c-y", "c-k", "backspace"), "k ↑ ←", "one step back"),
    Key(Act.PAGE_FORWARD, (" ", "f", "z", "pagedown", "c-f", "c-v"), "space f PgDn", "a page of steps on"),
    Key(Act.PAGE_BACK, ("b", "pageup", "c-b"), "b PgUp", "a page of steps back"),
    Key(Act.HALF_FORWARD, ("d", "c-d"), "d", "half a page on"),
    Key(Act.HALF_BACK, ("u", "c-u"), "u", "half a page back"),
    Key(Act.BEGINNING, ("g", "<", "home"), "g Home", "the beginning; 12g: event 12"),
    Key(Act.END, ("G", ">", "end"), "G End", "the end; 12G: event 12"),
    Key(Act.GAP_FORWARD, ("tab",), "Tab", "to where the next gap begins"),
    Key(Act.GAP_BACK, ("s-tab",), "Shift-Tab", "to where the gap before began"),
    Key(Act.SEARCH, ("/",), "/", "search: a name, a word, a kind of gap, a date"),
    Key(Act.SEARCH_FORWARD, ("n",), "n", "the next one found"),
    Key(Act.SEARCH_BACK, ("N",), "N", "the one before"),
    Key(Act.AS_OF, ("a",), "a", "as of: replay up to another moment in the world"),
    Key(Act.KNOWN_AT, ("w",), "w", "known when: only what had been recorded by then"),
    Key(Act.KNOWN_TO, ("o",), "o", "organisation: only what one of them knew"),
    Key(Act.MORE, ("i",), "i", "all of this step: words, holders, every gap"),
    Key(Act.HELP, ("h", "?", "H", "f1"), "h ?", "this help"),
    Key(Act.QUIT, ("q", "Q"), "q", "quit; here: back to the replay"),
    Key(Act.LEAVE, ("escape",)),
    Key(Act.REDRAW, ("r", "R", "c-l", "c-r")),
    Key(Act.INTERRUPT, ("c-c", "<sigint>")),
    Key(Act.SUSPEND, ("c-z",)),
)

STEPS_AND_STATES: Final = (
    "A step is an event, or a moment at which a gap began or ended because time passed. What stands below the story is "
    "what the registry answers for the moment of that step: what came later had not happened. The lanes show the same "
    "up to here, and beyond it, dimmed, how it went on."
)
MOMENTS: Final = (
    "For a and w type a date (2025-03-01) or a moment (2025-03-01T09:00Z); nothing means now. For w, then means the "
    "moment of the step where you are: what was known at that time."
)


def help_rows(width: int, signs: Signs) -> list[Row]:
    """Return the help as rows."""
    keys = max(len(key.shown) for key in KEYS) + 2
    rows: list[Row] = [[("class:head", "Keys")], []]
    for key in KEYS:
        if key.shown:
            rows += wrapped([("bold", f"  {key.shown:<{keys}}"), ("", key.says)], width, keys + 2)
    rows += [[], [("class:head", "What you see")], []]
    for text in (STEPS_AND_STATES, MOMENTS):
        rows += [*wrapped([("", text)], width), []]
    rows += [*wrapped([("", f"In the lanes: {signs.legend()}")], width), []]
    rows += [[("class:head", "Kinds of gap")], []]
    for kind, (group, meaning) in KINDS.items():
        pieces: list[Piece] = [("", "  "), (f"class:{group} bold", kind), ("", f"  {meaning}")]
        rows += wrapped(pieces, width, 4)
    return rows
