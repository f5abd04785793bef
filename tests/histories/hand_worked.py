"""The histories worked out by hand, as events, and any answer in the form in which their file writes it.

They lie next to the checkout and are no part of it; fields that the file leaves out get a neutral value.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec

from knelpunt.domain.case import facts
from knelpunt.domain.event import Actor, Event, Knower
from knelpunt.domain.vocabulary import Precision, Role

FILE: Final = Path(__file__).parents[2] / "../shared/data/histories/histories.json"
LOCAL: Final = UUID("3d9fbe8e-70d9-5a5c-9d16-0b1f5d2c7a11")
PREFIX: Final = "urn:org:"
ENVELOPE: Final = {"id", "type", "case", "at", "recorded", "actor", "precision", "known_to", "source", "inferred"}
NEUTRAL: Final[Mapping[type, Mapping[str, Any]]] = {
    facts.CaseOpened: {"reference": "K-000000", "theme": "other", "title": None},
    facts.ContactMade: {"channel": "PHONE"},
    facts.ObstacleWithdrawn: {"on_word_of": "s1"},
}
ORGANISATIONS: Final = {
    "told",
    "received_by",
    "experienced_at",
    "organisation",
    "from",
    "to",
    "suggests",
    "body",
}
IDS: Final = {
    "obstacle",
    "obstacles",
    "handoff",
    "triggered_by",
    "for_obstacle",
    "into",
    "event",
    "subjects",
    "on_word_of",
}
PARTIES: Final = {"for", "by"}


@dataclass(frozen=True)
class Question:
    """One question of one case, and its answer as the file has it."""

    as_of: datetime
    known_at: datetime | None
    known_to: str | None
    answer: dict[str, Any]


@dataclass(frozen=True)
class HandWorked:
    """One history: its events in order of recording, and the questions asked of it."""

    name: str
    events: list[Event]
    questions: list[Question]
    local_names: dict[UUID, str]
    """The file's own names of events and obstacles."""

    def filed(self, segments: Iterable[Any], gaps: Iterable[Any], conflicts: Iterable[UUID]) -> dict[str, Any]:
        """Return an answer in the file's form, from whatever has the attributes of the oracle's segments and gaps.

        What is given in order stays so, but for the obstacles: they stand in the order of their local names.
        """
        local = self.local_names
        return {
            "segments": [
                [local[s.obstacle], str(s.kind), _short(s.organisation), s.claimed, _text(s.from_), _text(s.until)]
                for s in sorted(segments, key=lambda s: local[s.obstacle])
            ],
            "gaps": [
                {
                    "obstacle": local.get(g.obstacle),
                    "kind": str(g.kind),
                    "from": _text(g.from_),
                    "until": _text(g.until),
                    "toAct": [_short(o) for o in g.to_act],
                    "involved": [_short(o) for o in g.involved],
                    "open": g.open,
                    "counts": g.counts,
                    "length": g.length,
                }
                for g in sorted(gaps, key=lambda g: (g.obstacle is None, local.get(g.obstacle)))
            ],
            "conflicts": sorted(local[c] for c in conflicts),
        }


def local_id(history: str, local: str) -> UUID:
    """Return the id that stands for a local one of the file."""
    return uuid5(LOCAL, f"{history}/{local}")


def organisation(short: str) -> str:
    """Return the URI that stands for a short name of the file."""
    return PREFIX + short


def available() -> bool:
    """Whether the file lies next to the checkout."""
    return FILE.is_file()


def load() -> list[HandWorked]:
    """Return every history of the file."""
    return [_history(raw) for raw in json.loads(FILE.read_text(encoding="utf-8"))]


def _history(raw: dict[str, Any]) -> HandWorked:
    name = raw["name"]
    events = [_event(name, n, e) for n, e in enumerate(raw["events"])]
    questions = [
        Question(
            as_of=_moment(q["asOf"]),
            known_at=None if q["knownAt"] is None else _moment(q["knownAt"]),
            known_to=None if q["knownTo"] is None else organisation(q["knownTo"]),
            answer=q["answer"],
        )
        for q in raw["questions"]
    ]
    names = [e["id"] for e in raw["events"]] + [e["obstacle"] for e in raw["events"] if "obstacle" in e]
    return HandWorked(name, events, questions, {local_id(name, n): n for n in names})


def _event(name: str, n: int, raw: dict[str, Any]) -> Event:
    kind = getattr(facts, raw["type"])
    fields = dict(NEUTRAL.get(kind, {})) | {k: v for k, v in raw.items() if k not in ENVELOPE}
    fact = msgspec.convert({k: _value(name, k, v) for k, v in fields.items()}, kind, strict=False)
    return Event(
        id=local_id(name, raw["id"]),
        stream=local_id(name, raw["case"]),
        version=n + 1,
        position=n,
        occurred_at=_moment(raw["at"]),
        recorded_at=_moment(raw["recorded"]),
        actor=Actor(organisation(raw["actor"]), Role.AGENCY, "somebody"),
        command_id=local_id(name, f"command/{raw['id']}"),
        data=fact,
        precision=Precision(raw.get("precision", "SECOND")),
        source=raw.get("source", "api"),
        inferred=raw.get("inferred", False),
        known_to=tuple(Knower(organisation(k["organisation"]), _moment(k["since"])) for k in raw.get("known_to", ())),
    )


def _value(name: str, field: str, value: Any) -> Any:
    """Return a field of the file as a field of a fact."""
    if value is None:
        return None
    if isinstance(value, list):
        return [_value(name, field, v) for v in value]
    if field in ORGANISATIONS:
        return organisation(value)
    if field in IDS:
        return str(local_id(name, value))
    if field in PARTIES:
        subject = value.startswith("s") and value[1:].isdigit()
        return {"subject": str(local_id(name, value))} if subject else {"organisation": organisation(value)}
    if field == "confirmed_by_subject":
        return value.upper()
    return value


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _short(name: str | None) -> str | None:
    return None if name is None else name.removeprefix(PREFIX)
