"""A replayed case as steps: its events, and between them the moments at which a gap began or ended by itself.

The steps come from one answer, that at the end of what was asked for. How things stood at a step is another answer, at
that step's moment: a ``State``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Final

from ....projections.gap_kinds import AFTERWARDS, KINDS
from ....projections.summaries import Language, gap_in_words
from ..asking import raw_id
from ..replayed import Case, Event, Gap, Replay, became, named, when, who
from ..terminal import plain
from ..times import minute
from .looks import style_of
from .rows import Piece

TEXTS: Final = ("story", "need", "reason", "note", "plan", "account", "content")
"""The fields of an event's data in which people speak in their own words."""

ENUMERATED: Final = ("EventStruck", "reason")
"""The one such field that is no text, and stands in the sentence already."""

ASKED: Final = frozenset({"to", "suggests", "told", "for"})
"""The fields of an event's data that name whom it turns to; the others name who did it."""


ANSWERS: Final = {"HandoffAccepted": "to", "HandoffRefused": "to", "HandoffWithdrawn": "from"}
"""Who does what is said about an offer, as a field of the offer's data: another may have recorded it."""


class What(IntEnum):
    """What a step is, in the order in which those of one moment stand."""

    EVENT = 0
    ENDS = 1
    BEGINS = 2
    END = 3


@dataclass(frozen=True)
class Step:
    """One step: its moment, its sentence, and what stands beside it."""

    what: What
    moment: str
    """As GraphQL writes it: the ``asOf`` of the step's own question."""
    label: str
    """The moment as people read it."""
    text: str
    style: str = ""
    number: int | None = None
    """An event's number in the timeline."""
    beside: tuple[Piece, ...] = ()
    words: tuple[str, ...] = ()
    """What people said in it, in their own words."""
    acts: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    event: Event | None = None
    gap: Gap | None = None
    at: datetime = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", datetime.fromisoformat(self.moment))

    def searched(self) -> str:
        """Return all that a search looks through."""
        return "\n".join((self.label, self.text, *(text for _, text in self.beside), *self.words))


@dataclass(frozen=True)
class Stretch:
    """A segment of an obstacle's chain; ``organisation`` is none where nobody held it."""

    organisation: str | None
    from_: datetime
    until: datetime | None
    claimed: bool


class State:
    """How a case stood, as one answer says it."""

    def __init__(self, case: Case | None) -> None:
        """Read an answer; none is one from before the case was known of."""
        self.case: Case = case or {"obstacles": (), "gaps": ()}
        self.known = case is not None
        self.stretches = [
            Stretch(
                segment["organisation"] and segment["organisation"]["identifier"],
                datetime.fromisoformat(segment["from"]),
                segment["until"] and datetime.fromisoformat(segment["until"]),
                segment["claimed"],
            )
            for obstacle in self.case["obstacles"]
            for segment in obstacle["chain"]["segments"]
        ]
        self.spans = [
            (datetime.fromisoformat(gap["from"]), gap["until"] and datetime.fromisoformat(gap["until"]), gap)
            for gap in self.case["gaps"]
            if gap["counts"]
        ]

    def open_gaps(self) -> list[Gap]:
        """Return the gaps that are open: first those that count and in which somebody has to act."""
        found = [gap for gap in self.case["gaps"] if gap["open"]]
        return sorted(found, key=lambda gap: (not gap["counts"], not gap["toAct"]))


class Story:
    """A replay as steps."""

    def __init__(self, replay: Replay, language: Language) -> None:
        """Lay out the steps of a replay."""
        self.replay = replay
        self.language = language
        self.final = State(replay.case)
        self.organisations: dict[str, str] = {
            one["identifier"]: plain(named(one)) for one in replay.case["organisations"]
        }
        self.obstacles = {one["id"]: number for number, one in enumerate(replay.case["obstacles"], 1)}
        self._numbers = {raw_id(obstacle): number for obstacle, number in self.obstacles.items()}
        self._offers: dict[str, Mapping[str, Any]] = {
            event["data"]["handoff"]: event["data"] for event in replay.events if event["type"] == "HandoffOffered"
        }
        self.steps = sorted(
            [*map(self._event, replay.events), *self._gaps(), self._end()], key=lambda step: (step.at, step.what)
        )
        self.times = [step.at for step in self.steps]

    def in_words(self, kind: str) -> str:
        """Return what a kind of gap means, in the language of the sentences."""
        if self.language is Language.EN and kind in KINDS:
            return KINDS[kind][1].rstrip(".")
        return gap_in_words(kind, self.language)

    def called(self, organisation: Mapping[str, Any]) -> str:
        """Return what an organisation was called, and what later, as the sentences call it."""
        then, later = plain(named(organisation)), self.organisations.get(organisation["identifier"])
        return then if later in {None, then} else f"{then} (later {later})"

    def on_of(self, gap: Gap) -> str:
        """Return on what a gap lies, where there is more than one thing."""
        return self.on(gap["obstacle"]) if gap["case"] else " (over several cases)"

    def on(self, obstacle: Mapping[str, Any] | None) -> str:
        """Return on which obstacle something lies, where there is more than one."""
        if obstacle is None:
            return " (the case as a whole)"
        number = self.obstacles.get(obstacle["id"])
        return f" (obstacle {number})" if number and len(self.obstacles) > 1 else ""

    def _event(self, event: Event) -> Step:
        data: Mapping[str, Any] = event["data"]
        actor: str = event["actor"]["organisation"]["identifier"]
        offer = self._offers.get(data.get("handoff", ""), {})
        number = self._numbers.get(data.get("obstacle") or offer.get("obstacle", ""))
        about = f" (obstacle {number})" if number and len(self._numbers) > 1 else ""
        acts, asked = self._named(data)
        if not acts:
            acts = frozenset({offer.get(ANSWERS.get(event["type"], ""), actor)})
        style = "class:struck" if event["struckBy"] else "class:dim" if event["conflict"] else ""
        beside = [(f"class:{style}", plain(note)) for note, style in became(self.replay, event)]
        if actor not in acts:
            beside.insert(0, ("class:dim", f"recorded by {plain(who(event))}"))
        return Step(
            What.EVENT,
            # Corrections and strikings count from when they are known, so they may lie beyond the moment asked for.
            min(event["occurredAt"], self.replay.as_of, key=datetime.fromisoformat),
            when(event),
            plain(f"{event['summary']}{about}"),
            style=style,
            number=self.replay.numbers[event["id"]],
            beside=tuple(beside),
            words=tuple(plain(text) for text in _said(event)),
            acts=acts,
            asked=asked,
            event=event,
        )

    def _named(self, data: Mapping[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
        """Return the organisations that an event's data name: who did it, and whom it turns to."""
        acts: set[str] = set()
        asked: set[str] = set()
        for name, value in data.items():
            (asked if name in ASKED else acts).update(one for one in _leaves(value) if one in self.organisations)
        return frozenset(acts), frozenset(asked - acts)

    def _gaps(self) -> Iterable[Step]:
        for gap in self.replay.gaps:
            if gap["kind"] not in AFTERWARDS:
                yield self._gap(gap, What.BEGINS, gap["from"], "begins")
                if gap["until"] is not None:
                    yield self._gap(gap, What.ENDS, gap["until"], f"ends after {_days(gap)}")
            elif gap["until"] is not None:
                yield self._gap(gap, What.BEGINS, gap["until"], f"shows: it lasted {_days(gap)}")

    def _gap(self, gap: Gap, what: What, moment: str, does: str) -> Step:
        to_act = f" To act: {', '.join(map(named, gap['toAct']))}." if gap["toAct"] and what is What.BEGINS else ""
        text = f"{gap['kind']} {does}{self.on_of(gap)}. {self.in_words(gap['kind'])}.{to_act}"
        return Step(what, moment, minute(moment), plain(text), style=style_of(gap["kind"]), gap=gap)

    def _end(self) -> Step:
        as_of = self.replay.as_of
        return Step(What.END, as_of, minute(as_of), "The moment asked for: how it stands then.", style="class:dim")


def _days(gap: Gap) -> str:
    days = int(gap["days"])
    return f"{days:,} day{'' if days == 1 else 's'}"


def _said(event: Event) -> Iterable[str]:
    for name in TEXTS:
        text = event["data"].get(name)
        if (event["type"], name) == ENUMERATED:
            continue
        if isinstance(text, str):
            yield text
        elif text == {"erased": True}:
            yield "(erased)"


def _leaves(value: object) -> Iterable[str]:
    """Yield every string in a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from _leaves(one)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, list):
        for one in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _leaves(one)  # pyright: ignore[reportUnknownArgumentType]
