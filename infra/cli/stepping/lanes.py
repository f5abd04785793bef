"""The swimlanes: a lane for each organisation, a column for each step, and who held what, did what and has to act.

Up to the step where somebody stands, the lanes show the answer at that step's moment; beyond it, dimmed, the answer at
the end.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from .looks import Signs, style_of
from .rows import Row, clipped, filled, padded
from .story import State
from .view import View

NOBODY: Final = "(nobody)"
GAPS: Final = "(in gaps)"
LANES_LEAST: Final = 3
NAME_COLUMNS_MAX: Final = 30
WIDE: Final = 100
"""From how many columns on a step takes two of them, which is easier on the eye."""

Cells = list[tuple[str, str]]
"""A lane's cells: a style and a sign for each visible step."""


class Lanes:
    """The lanes around one step, drawn into as many rows and columns as there are."""

    def __init__(self, view: View, width: int, signs: Signs) -> None:
        """Draw what can be seen in ``width`` columns with the step where we stand among it."""
        self._story = story = view.story
        here = view.here
        self._signs = signs
        longest = max(map(len, (*story.organisations.values(), NOBODY, GAPS)))
        self._names = min(longest, NAME_COLUMNS_MAX, max(width * 3 // 10, 8))
        self._step = 2 if width >= WIDE else 1
        self._width = width
        shown = max((width - self._names - 1) // self._step, 1)
        count = len(story.steps)
        # What was before matters more than what comes, so we stand at two thirds.
        self._begin = min(max(here - shown * 2 // 3, 0), max(count - shown, 0))
        self._end = min(self._begin + shown, count)
        self._here = here - self._begin
        self._cells: dict[str, Cells] = {}
        # Up to where the answer is in, which may be a step or more from here while keys are quicker than answers.
        known = min(view.before_at, here) - self._begin + 1 if view.before else 0
        self._paint(story.final, max(known, 0), self._end - self._begin, " class:dim")
        if view.before:
            self._paint(view.before, 0, known, "")
        self._mark()

    def rows(self, height: int) -> list[Row]:
        """Return the lanes with their axis, at most ``height`` rows; none if that is too few to say anything."""
        if height < LANES_LEAST + 1:
            return []
        chosen = self._chosen(height - LANES_LEAST)
        hidden = len(self._story.organisations) - len(chosen)
        title = f"+{hidden} more" if hidden else ""
        return [
            self._axis(title),
            *(self._lane(self._story.organisations[one], self._cells.get(one)) for one in chosen),
            self._lane(NOBODY, self._cells.get(NOBODY)),
            self._lane(GAPS, self._cells.get(GAPS)),
        ]

    def _lane_of(self, name: str) -> Cells:
        return self._cells.setdefault(name, [("", " ")] * (self._end - self._begin))

    def _paint(self, state: State, low: int, high: int, ahead: str) -> None:
        """Draw an answer's stretches and gaps into the visible columns from ``low`` up to ``high``."""
        signs = self._signs
        for stretch in state.stretches:
            name = stretch.organisation or NOBODY
            sign = signs.nobody if stretch.organisation is None else signs.claims if stretch.claimed else signs.holds
            style = "class:unheld" if stretch.organisation is None else "class:held"
            for column in self._columns(stretch.from_, stretch.until, low, high):
                self._lane_of(name)[column] = (style + ahead, sign)
        for from_, until, gap in state.spans:
            style = style_of(gap["kind"])
            for column in self._columns(from_, until, low, high):
                lane = self._lane_of(GAPS)
                so_far = lane[column][1]
                lane[column] = (style + ahead, "1" if so_far == " " else "9" if so_far == "9" else str(int(so_far) + 1))
                for organisation in gap["toAct"]:
                    self._lane_of(organisation["identifier"])[column] = (style + ahead, signs.to_act)

    def _columns(self, from_: datetime, until: datetime | None, low: int, high: int) -> range:
        """Return the visible columns within an interval; one of no length has the column in which it lies."""
        times: Any = self._story.times
        first = bisect_left(times, from_)
        last = len(times) if until is None else max(bisect_left(times, until), first + 1)
        return range(max(first - self._begin, low), min(last - self._begin, high))

    def _mark(self) -> None:
        """Draw who does something and who is asked, over what they hold."""
        for column in range(self._end - self._begin):
            step = self._story.steps[self._begin + column]
            for sign, organisations in ((self._signs.asked, step.asked), (self._signs.acts, step.acts)):
                for one in organisations & self._story.organisations.keys():
                    lane = self._lane_of(one)
                    lane[column] = (lane[column][0] or ("class:dim" if column > self._here else ""), sign)

    def _chosen(self, most: int) -> list[str]:
        """Return the organisations to show, in the order in which they came in: those with most to do with here."""
        every = list(self._story.organisations)
        if len(every) <= most:
            return every
        nearest = sorted(every, key=self._distance)[:most]
        return sorted(nearest, key=every.index)

    def _distance(self, organisation: str) -> int:
        lane = self._cells.get(organisation, ())
        drawn = (abs(column - self._here) for column, (_, sign) in enumerate(lane) if sign != " ")
        return min(drawn, default=self._width + len(lane))

    def _axis(self, title: str) -> Row:
        """Return the months at the columns in which they begin, and where we stand."""
        line = [" "] * ((self._end - self._begin) * self._step)
        place = self._here * self._step
        line[place] = self._signs.here
        steps = self._story.steps
        months = [steps[self._begin + column].moment[:7] for column in range(self._end - self._begin)]
        begins = [column for column, month in enumerate(months) if column == 0 or month != months[column - 1]]
        # Our own month beside where we stand; then the others, as far as there is room.
        beside = place + 1 if place + 1 + len(months[self._here]) <= len(line) else place - len(months[self._here])
        _write(line, beside, months[self._here])
        for column in begins:
            _write(line, column * self._step, months[column])
        text = "".join(line)
        return clipped(
            [
                ("class:dim", f"{padded(title, self._names)} "),
                ("class:dim", text[:place]),
                ("class:head", self._signs.here),
                ("class:dim", text[place + 1 :]),
            ],
            self._width,
        )

    def _lane(self, name: str, cells: Cells | None) -> Row:
        row: Row = [("", f"{padded(name, self._names)} ")]
        cells = cells or [("", " ")] * (self._end - self._begin)
        drawn: Row = []
        for column, (style, sign) in enumerate(cells):
            drawn.append((f"{style} class:cursor" if column == self._here else style, sign))
            if self._step > 1:
                drawn.append((style, self._between(sign, cells[column + 1 : column + 2])))
        # Neighbours of one style as one piece: a piece for each sign takes the longest of all to draw.
        row += [(style, "".join(sign for _, sign in run)) for style, run in groupby(drawn, key=itemgetter(0))]
        return filled(row, self._width)

    def _between(self, sign: str, following: Sequence[tuple[str, str]]) -> str:
        """Return what stands between two steps: a bar runs on, the sign of a single moment does not."""
        bars = {self._signs.holds, self._signs.claims, self._signs.nobody}
        after = following[0][1] if following else " "
        return sign if sign in bars else after if after in bars else " "


def _write(line: list[str], place: int, text: str) -> None:
    """Write a text into a line if nothing stands there, nor a number next to it."""
    end = place + len(text)
    beside = "".join(line[max(place - 1, 0) : end + 1])
    if place >= 0 and end <= len(line) and not "".join(line[place:end]).strip() and not any(map(str.isdigit, beside)):
        line[place:end] = text
