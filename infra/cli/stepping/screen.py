"""The screen as rows, for any size: lanes above, the story in the middle, how things stand below, keys at the bottom.

A pure function of where we are and how large the terminal is. What does not fit gives way in the order of what can be
missed: first the lanes, then how things stand, never the step itself nor the keys.
"""

from typing import Final

from ..replayed import titled
from ..terminal import plain
from ..times import minute
from .keys import help_rows
from .lanes import Lanes
from .looks import Signs
from .panel import WAITING_TEXT, all_of, gaps, holders
from .rows import Row, clip, clipped, filled, padded, wrapped
from .story import Step
from .view import Shown, View

COLUMNS_LEAST: Final = 16
ROWS_LEAST: Final = 5

ROWS_WITH_STATE: Final = 10
"""From how many rows on it is said how things stand."""

STATE_ROWS_MAX: Final = 12
"""How many rows that takes at most, always the same on one screen so that nothing jumps."""

ROWS_WITH_LANES: Final = 16
"""From how many rows on, and from how many columns, there are lanes."""
COLUMNS_WITH_LANES: Final = 32

LENS_ROWS_MAX: Final = 3

COLUMNS_WITH_TIMES: Final = 60
"""From how many columns on the story shows times of day."""

KEYS: Final = (
    " {down_up} step  space/b page  g/G ends  / search  a w o: when, to whom  i more  h help  q quit",
    " {down_up} step  space/b page  / search  a w o lens  i more  h help  q quit",
    " {down_up} step  / search  i more  h help  q quit",
    " {down_up} step  h help  q quit",
    " h help  q quit",
)
"""The keys that matter most, as many as fit."""

KEYS_OF_PAGE: Final = " {down_up} scroll  space/b page  q back"
KEYS_OF_CHOICE: Final = " {down_up} move  Enter choose  q back"


def screen(view: View, width: int, height: int, signs: Signs) -> list[Row]:
    """Return the rows of the screen, ``height`` of them, each ``width`` columns wide at most.

    The last is for the keys, and gives way to what is typed at a prompt.
    """
    if width < COLUMNS_LEAST or height < ROWS_LEAST:
        return [[("", clip("Too small; q quits", width))]]
    match view.shown:
        case Shown.STORY:
            rows = _story_screen(view, width, height - 1, signs)
            keys = KEYS
        case Shown.HELP | Shown.MORE:
            text = _text(view, width, signs)
            view.top = min(view.top, max(len(text) - (height - 1), 0))
            rows = text[view.top : view.top + height - 1]
            keys = (KEYS_OF_PAGE, " q back")
        case Shown.CHOICE:
            rows = _choice(view, width, height - 1)
            keys = (KEYS_OF_CHOICE, " q back")
    rows = [clipped(row, width) for row in rows[: height - 1]]
    rows += [[] for _ in range(height - 1 - len(rows))]
    return [*rows, _last_row(view, keys, width, signs)]


def _text(view: View, width: int, signs: Signs) -> list[Row]:
    if view.shown is Shown.HELP:
        return help_rows(width, signs)
    return all_of(view.story, view.story.steps[view.here], view.state, width)


def _last_row(view: View, keys: tuple[str, ...], width: int, signs: Signs) -> Row:
    if view.message:
        return filled([("class:message", clip(view.message, width))], width)
    fitting = [line for line in (key.format(down_up=signs.down_up) for key in keys) if len(line) <= width]
    text = fitting[0] if fitting else keys[-1]
    typed = f" {view.count}" if view.count else ""
    return filled([("class:keys", clip(f"{typed}{text}", width))], width, "class:keys")


def _story_screen(view: View, width: int, height: int, signs: Signs) -> list[Row]:
    head = _head(view, width)
    left = height - len(head)
    lanes = _lanes(view, width, min(left * 2 // 5, left - 10), signs) if _has_lanes(width, height) else []
    left -= len(lanes)
    state = _state(view, width, min(left // 2, STATE_ROWS_MAX), signs) if height >= ROWS_WITH_STATE else []
    return [*head, *lanes, *_list(view, width, left - len(state)), *state]


def _has_lanes(width: int, height: int) -> bool:
    return width >= COLUMNS_WITH_LANES and height >= ROWS_WITH_LANES


def _head(view: View, width: int) -> list[Row]:
    replay = view.story.replay
    place = f"{view.here + 1}/{len(view.story.steps)}"
    title = plain(f"{replay.case['reference']}  {titled(replay.case)}")
    room = width - len(place) - 1
    known = "" if replay.known_at == replay.as_of else f", as known at {minute(replay.known_at)}"
    to = f", to {view.eyes.get(replay.known_to, plain(replay.known_to))}" if replay.known_to else ""
    until = f"up to {minute(replay.as_of)} UTC"
    return [
        [("class:head", padded(title, room)), ("class:dim", f" {place}")],
        *wrapped([("class:dim", f"{until}{known}{to}")], width)[:LENS_ROWS_MAX],
    ]


def _lanes(view: View, width: int, height: int, signs: Signs) -> list[Row]:
    rows = Lanes(view, width, signs).rows(height)
    return [*rows, _rule(signs.legend(), width, signs)] if rows else []


def _rule(text: str, width: int, signs: Signs) -> Row:
    said = clip(f"{signs.line * 2} {text} ", width) if text else ""
    return [("class:dim", said + signs.line * (width - len(said)))]


def _list(view: View, width: int, height: int) -> list[Row]:
    """Return the steps around here: this one whole, the others a row each."""
    steps = view.story.steps
    here = _whole(view, width)[: max(height, 1)]
    before_most = (height - len(here)) // 2
    after = steps[view.here + 1 : view.here + 1 + height - len(here)]
    before_most = max(before_most, height - len(here) - len(after))
    before = steps[max(view.here - before_most, 0) : view.here]
    after = after[: height - len(here) - len(before)]
    rows = [_line(view, step, width) for step in before] + here + [_line(view, step, width) for step in after]
    return rows + [[] for _ in range(height - len(rows))]


def _prefix(step: Step, width: int) -> str:
    """Return what stands before a step's sentence: its number and when."""
    when = step.label if width >= COLUMNS_WITH_TIMES else step.label[:10]
    columns = 16 if width >= COLUMNS_WITH_TIMES else 10
    number = str(step.number) if step.number else ""
    return f"{number:>4} {when:<{columns}} "


def _line(view: View, step: Step, width: int) -> Row:
    prefix = _prefix(step, width)
    return [("class:dim", prefix), *_found(view, step.style, clip(step.text, width - len(prefix)))]


def _whole(view: View, width: int) -> list[Row]:
    """Return the step where we are, all of it."""
    step = view.story.steps[view.here]
    prefix = _prefix(step, width)
    indent = len(prefix) if width >= COLUMNS_WITH_TIMES else 5
    mark = prefix.rstrip()
    sentence = _found(view, f"{step.style} bold", step.text)
    rows = wrapped([("class:cursor", mark), ("", " " * (len(prefix) - len(mark))), *sentence], width, indent)
    for style, text in (*step.beside, *(("italic", f"“{words}”") for words in step.words)):
        rows += wrapped([("", " " * indent), *_found(view, style, text)], width, indent)
    return rows


def _found(view: View, style: str, text: str) -> Row:
    """Return a text with what was searched for marked in it."""
    pattern = view.pattern
    if not pattern:
        return [(style, text)]
    searched = text.lower() if pattern == pattern.lower() and len(text.lower()) == len(text) else text
    row: Row = []
    place = 0
    while (found := searched.find(pattern, place)) >= 0:
        row += [(style, text[place:found]), (f"{style} class:found", text[found : found + len(pattern)])]
        place = found + len(pattern)
    return [*row, (style, text[place:])]


def _state(view: View, width: int, height: int, signs: Signs) -> list[Row]:
    """Return how things stand here, in at most ``height`` rows."""
    step = view.story.steps[view.here]
    rule = _rule(f"How it stood at {minute(step.moment)} UTC", width, signs)
    if view.state is None:
        return [rule, [("class:dim", WAITING_TEXT)], *([] for _ in range(height - 2))]
    held = holders(view.story, view.state, width)[: height - 2]
    rows = [rule, *held, *gaps(view.story, view.state, width, height - 1 - len(held))]
    return rows + [[] for _ in range(height - len(rows))]


def _choice(view: View, width: int, height: int) -> list[Row]:
    names = ["everyone", *view.eyes.values()]
    top = min(max(view.chosen - height // 2, 0), max(len(names) - (height - 2), 0))
    rows: list[Row] = [[("class:head", "As known to whom?")], []]
    for place, name in enumerate(names[top : top + height - 2], top):
        rows.append([("class:cursor" if place == view.chosen else "", padded(f"  {name}", width))])
    return rows
