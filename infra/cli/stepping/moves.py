"""What a key makes of where we are. What needs the terminal itself is handed back to whoever has it."""

from typing import Final

from .keys import Act
from .view import Shown, View

END_OF_TEXT: Final = 1 << 20
"""Beyond any text; the screen shows its last rows instead."""

FORWARD: Final = frozenset({Act.FORWARD, Act.ENTER, Act.PAGE_FORWARD, Act.HALF_FORWARD})
SINGLE: Final = frozenset({Act.FORWARD, Act.ENTER, Act.BACK})
PAGES: Final = frozenset({Act.PAGE_FORWARD, Act.PAGE_BACK})
HALVES: Final = frozenset({Act.HALF_FORWARD, Act.HALF_BACK})


def move(view: View, act: Act, rows: int) -> Act | None:
    """Do what a key asks on a screen of so many rows; return what is left to do with the terminal."""
    count = view.take_count()
    match view.shown:
        case Shown.STORY:
            return _in_story(view, act, rows, count)
        case Shown.CHOICE:
            return _in_choice(view, act, rows)
        case Shown.HELP | Shown.MORE:
            _in_text(view, act, rows)
            return None


def distance(act: Act, page: int, count: int = 1) -> int:
    """Return how far a key moves, back being less than 0; 0 for one that does not move."""
    far = (
        count if act in SINGLE else count * page if act in PAGES else count * max(page // 2, 1) if act in HALVES else 0
    )
    return far if act in FORWARD else -far


def _in_story(view: View, act: Act, rows: int, count: int | None) -> Act | None:
    match act:
        case Act.BEGINNING | Act.END if count is not None:
            view.go_to_event(count)
        case Act.BEGINNING:
            view.go(0)
        case Act.END:
            view.go(len(view.story.steps) - 1)
        case Act.GAP_FORWARD:
            view.go_to_gap(1)
        case Act.GAP_BACK:
            view.go_to_gap(-1)
        case Act.SEARCH_FORWARD:
            view.search(1)
        case Act.SEARCH_BACK:
            view.search(-1)
        case Act.KNOWN_TO:
            view.choose()
        case Act.MORE:
            view.shown, view.top = Shown.MORE, 0
        case Act.HELP:
            view.shown, view.top = Shown.HELP, 0
        case Act.SEARCH | Act.AS_OF | Act.KNOWN_AT | Act.QUIT:
            return act
        case _:
            # A third of the screen is about what the story has of it.
            if far := distance(act, max(rows // 3, 1), count or 1):
                view.go(view.here + far)
    return None


def _in_choice(view: View, act: Act, rows: int) -> Act | None:
    last = len(view.eyes)
    match act:
        case Act.ENTER:
            view.shown = Shown.STORY
            return Act.KNOWN_TO
        case Act.QUIT | Act.LEAVE | Act.KNOWN_TO:
            view.shown = Shown.STORY
        case Act.BEGINNING:
            view.chosen = 0
        case Act.END:
            view.chosen = last
        case _:
            view.chosen = min(max(view.chosen + distance(act, rows // 2), 0), last)
    return None


def _in_text(view: View, act: Act, rows: int) -> None:
    match act:
        case Act.QUIT | Act.LEAVE | Act.HELP | Act.MORE:
            view.shown = Shown.STORY
        case Act.BEGINNING:
            view.top = 0
        case Act.END:
            view.top = END_OF_TEXT
        case _:
            view.top = max(view.top + distance(act, max(rows - 2, 1)), 0)
