"""The swimlanes of a case, along one axis of time.

There is a lane for each organisation with what it held and did, nobody's lane, and one for each kind of gap.
Where things lie is worked out here, in the units of the drawing; ``templates/lanes.svg`` draws them. The list of
events on the same page says all of it in words.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from .replay import Replay
from .words import Words, local

NAMES: Final = 256
"""Where the axis begins: left of it stand the names."""

WIDTH: Final = 1240
RIGHT: Final = 12
STRIP: Final = 10
"""The height of one bar; bars of different obstacles lie below each other within a lane."""

PAD: Final = 7
TOP: Final = 26
NAME_LETTERS: Final = 36
BAR_LEAST: Final = 2.0
"""A stretch of a minute must be seen too."""

LABEL_LEAST: Final = 18.0
"""From how wide on a bar bears its obstacle's number."""

TICKS_MAX: Final = 12
MONTHS: Final = (1, 2, 3, 6, 12, 24, 60, 120)
"""Steps of the axis."""

ANSWERS: Final[Mapping[str, str]] = {"HandoffAccepted": "to", "HandoffRefused": "to", "HandoffWithdrawn": "from"}
"""Who does what is said about an offer, as a field of the offer's data: another may have recorded it."""

PASSING: Final[Mapping[str, str]] = {
    "HandoffOffered": "offer", "SubjectReferred": "referral", "ResponsibilityMoved": "move",
}  # fmt: skip
"""Events that go from one organisation to another, and the look of their arrow."""

MARKS: Final[Mapping[str, str]] = {
    "ContactMade": "contact", "HandoffAccepted": "yes", "CustodyTaken": "yes", "ObstacleResolved": "yes",
    "HandoffRefused": "no", "CustodyReleased": "no", "HandoffWithdrawn": "no", "ResolutionContested": "no",
}  # fmt: skip
"""The look of an event's mark, where it is not that of all others."""


class Bar(Struct, frozen=True):
    """A stretch: in a lane held or not, in a gap's lane the gap."""

    x: float
    y: float
    width: float
    look: str
    label: str
    title: str


class Lane(Struct, frozen=True):
    """A row of the drawing."""

    name: str
    short: str
    y: float
    height: float
    look: str


class Mark(Struct, frozen=True):
    """An event: where it lies, its number, and how it looks."""

    x: float
    y: float
    number: int
    look: str


class Arrow(Struct, frozen=True):
    """Something that went from one lane to another."""

    x: float
    from_y: float
    to_y: float
    look: str


class Drawing(Struct, frozen=True):
    """All of it. ``xs`` has the place of each event along the axis, by its number less one."""

    height: float
    lanes: Sequence[Lane]
    bars: Sequence[Bar]
    marks: Sequence[Mark]
    arrows: Sequence[Arrow]
    ticks: Sequence[tuple[float, str]]
    xs: Sequence[float]
    width: float = WIDTH
    names: float = NAMES
    strip: float = STRIP


def drawing_of(replay: Replay, words: Words) -> Drawing:
    """Return the swimlanes of a replayed case."""
    return _Laying(replay, words).drawing()


class _Laying:
    """Lays out one drawing, from top to bottom."""

    def __init__(self, replay: Replay, words: Words) -> None:
        self._replay = replay
        self._words = words
        self._begin, self._end = replay.begin, replay.end
        self._lanes: list[Lane] = []
        self._bars: list[Bar] = []
        self._y = float(TOP)

    def drawing(self) -> Drawing:
        holdings, unheld = self._stretches()
        middles: dict[str, float] = {}
        for organisation, name in self._replay.names.items():
            middles[organisation] = self._lane(name, "lane", holdings.get(organisation, ()))
        if unheld:
            self._lane(self._words.say("nobody"), "nobody", unheld)
        for kind in dict.fromkeys(gap["kind"] for gap in self._replay.case["gaps"]):
            self._lane(self._words.kind(kind), f"gap {self._words.group(kind)}", self._of_kind(kind))
        marks, arrows = self._events(middles)
        xs = [self._x(event["occurredAt"]) for event in self._replay.events]
        return Drawing(self._y + PAD, self._lanes, self._bars, marks, arrows, list(self._ticks()), xs)

    def _x(self, moment: str | datetime) -> float:
        at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        share = (min(max(at, self._begin), self._end) - self._begin) / (self._end - self._begin)
        return round(NAMES + share * (WIDTH - NAMES - RIGHT), 1)

    def _within(self, moment: str) -> bool:
        """Return whether a moment lies in the stretch that is drawn: what lies beyond it ends at its edge."""
        return self._begin <= datetime.fromisoformat(moment) <= self._end

    def _lane(self, name: str, look: str, stretches: Iterable[tuple[str, float, float, str, str]]) -> float:
        """Add a lane with stretches (strip, from, until, look, title); return the height at which its events lie."""
        found = list(stretches)
        strips = {strip: number for number, strip in enumerate(dict.fromkeys(strip for strip, *_ in found))}
        height = max(len(strips), 1) * (STRIP + 2) + 2 * PAD
        for strip, begin, end, bar, title in found:
            y = self._y + PAD + strips[strip] * (STRIP + 2)
            width = max(end - begin, BAR_LEAST)
            label = strip if strip.isdigit() and width >= LABEL_LEAST else ""
            self._bars.append(Bar(begin, y, round(width, 1), bar, label, title))
        short = name if len(name) <= NAME_LETTERS else f"{name[: NAME_LETTERS - 1].rstrip()}…"
        self._lanes.append(Lane(name, short, self._y, height, look))
        self._y += height
        return self._y - height / 2

    def _stretches(self) -> tuple[dict[str, list[tuple[str, float, float, str, str]]], list[Any]]:
        """Return what every organisation held, and what nobody did."""
        holdings: dict[str, list[tuple[str, float, float, str, str]]] = {}
        unheld: list[tuple[str, float, float, str, str]] = []
        for number, obstacle in enumerate(self._replay.case["obstacles"], 1):
            for one in obstacle["chain"]["segments"]:
                begin, end = self._x(one["from"]), self._x(one["until"] or self._end)
                if begin == end and not self._within(one["from"]):
                    continue
                when = self._words.stretch(one["from"], one["until"])
                title = self._words.say("Obstacle {number}: {when}", number=number, when=when)
                if one["organisation"] is None:
                    unheld.append((str(number), begin, end, "unheld", title))
                else:
                    look = "claimed" if one["claimed"] else "held"
                    holder = one["organisation"]["identifier"]
                    holdings.setdefault(holder, []).append((str(number), begin, end, look, title))
        return holdings, unheld

    def _of_kind(self, kind: str) -> Iterable[tuple[str, float, float, str, str]]:
        """Yield the stretches of the gaps of a kind; those that overlap lie in strips of their own."""
        ends: list[float] = []
        look = str(self._words.group(kind))
        for gap in sorted(
            (gap for gap in self._replay.case["gaps"] if gap["kind"] == kind), key=lambda gap: gap["from"]
        ):
            begin, end = self._x(gap["from"]), self._x(gap["until"] or self._end)
            strip = next((place for place, taken in enumerate(ends) if taken <= begin), len(ends))
            ends[strip : strip + 1] = [end]
            title = f"{self._words.kind(kind)}: {self._words.stretch(gap['from'], gap['until'])}"
            yield f"strip {strip}", begin, end, look, title

    def _events(self, middles: Mapping[str, float]) -> tuple[list[Mark], list[Arrow]]:
        marks: list[Mark] = []
        arrows: list[Arrow] = []
        for number, event in enumerate(self._replay.events, self._replay.first):
            y = middles.get(acting(event))
            if y is None:
                continue
            x = self._x(event["occurredAt"])
            void = event["struckBy"] is not None or event["conflict"] is not None
            marks.append(Mark(x, y, number, "void" if void else MARKS.get(event["type"], "event")))
            to = middles.get(event["data"].get("to"))
            if event["type"] in PASSING and to is not None and to != y and not void:
                arrows.append(Arrow(x, y, to, PASSING[event["type"]]))
        return marks, arrows

    def _ticks(self) -> Iterable[tuple[float, str]]:
        first, last = local(self._begin), local(self._end)
        months = (last.year - first.year) * 12 + last.month - first.month
        step = next((step for step in MONTHS if months / step <= TICKS_MAX), MONTHS[-1])
        for month in range(first.year * 12 + first.month, last.year * 12 + last.month):
            if month % step == 0:
                at = first.replace(year=month // 12, month=month % 12 + 1, day=1, hour=0, minute=0, second=0)
                yield self._x(at), self._words.moment(at, "MONTH")


def acting(event: Mapping[str, Any]) -> str:
    """Return the organisation in whose lane an event lies: who did it, or else who recorded it."""
    data = event["data"]
    answered = event["offer"] and event["offer"]["data"].get(ANSWERS.get(event["type"], ""))
    named = answered or data.get("from") or data.get("organisation") or data.get("receivedBy")
    return named if isinstance(named, str) else event["actor"]["organisation"]["identifier"]
