"""OCEL 2.0 (ocel-standard.org) as JSON: events that name cases, obstacles, handoffs and organisations as objects.

Objects and events grow in two parts, and the organisations that they name in a third. Every value is written as a text,
as the standard's JSON schema asks; the types in which to read them are declared.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_args
from uuid import UUID

import msgspec

from ...domain.case.corrections import mend
from ...domain.case.facts import CaseFact
from ...domain.event import Event, Fact
from ...domain.organisation import facts as o
from ...domain.text import Sealed
from ...domain.topics import FACTS
from .forms import History, copy
from .story import Line, Story, written

SINCE_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When what an object has had from its beginning is told of, as the standard has it."""

OBJECTS: Final = MappingProxyType(
    {
        "case": {"reference": "string", "theme": "string"},
        "obstacle": {"origin": "string"},
        "handoff": {"delivered_at": "time", "respond_by": "time"},
        "subject": {},
        "organisation": {"name": "string", "kind": "string"},
    }
)
"""The types of objects, and their attributes."""

EVERY_EVENT: Final = MappingProxyType(
    {
        "event": "string",
        "position": "integer",
        "recorded_at": "time",
        "precision": "string",
        "source": "string",
        "role": "string",
        "inferred": "boolean",
        "inert": "boolean",
        "organisation": "string",
        "recorded_by": "string",
        "fact": "string",
    }
)
"""Attributes of all types of events; beside them stand the fields of the fact that name no object."""

SEPARATOR: Final = b",\n"


class Ocel:
    """A log of objects and events."""

    parts = 3

    def pieces(self, stories: Sequence[Story]) -> Sequence[bytes]:
        """Return the objects and the events of some cases, and the organisations that these name."""
        named = dict.fromkeys(
            organisation for story in stories for line in story.lines for organisation, _ in _organisations(line)
        )
        return (
            _joined(thing for story in stories for thing in _things(story)),
            _joined(_event(story, line) for story in stories for line in story.lines),
            _joined(named),
        )

    def assemble(self, parts: Sequence[Path], whole: Path, history: History) -> None:
        """Write the log: what it declares, its objects, and its events."""
        organisations = _in(parts[2])
        histories = {organisation: history(organisation) for organisation in organisations}
        told = [_organisation(one, histories[one], organisations) for one in sorted(organisations)]
        with whole.open("wb") as file:
            file.write(b'{"objectTypes":' + msgspec.json.encode(_declared(OBJECTS.items())))
            file.write(b',\n"eventTypes":' + msgspec.json.encode(_declared(_event_types().items())))
            file.write(b',\n"objects":[\n')
            first = _joined(told)
            file.write(first[len(SEPARATOR) :])
            copy(parts[0], file, begin=0 if first else len(SEPARATOR))
            file.write(b'\n],\n"events":[\n')
            copy(parts[1], file, begin=len(SEPARATOR))
            file.write(b"\n]}\n")


def _joined(values: Iterable[object]) -> bytes:
    """Return values as JSON, each after a separator."""
    return b"".join(SEPARATOR + msgspec.json.encode(value) for value in values)


def _in(part: Path) -> set[str]:
    """Return the texts that a part holds, each as often as it was added: there are few organisations."""
    with part.open("rb") as file:
        return {msgspec.json.decode(line.rstrip(b",\n"), type=str) for line in file if line != SEPARATOR}


def _declared(types: Iterable[tuple[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"name": name, "attributes": [{"name": each, "type": type_} for each, type_ in attributes.items()]}
        for name, attributes in types
    ]


@cache
def _event_types() -> dict[str, dict[str, str]]:
    """Return the types of events, those of all facts of cases that stand in a history, and their attributes."""
    return {
        topic: {**EVERY_EVENT, **{name: "time" if moment else "string" for name, moment in _fields(fact).items()}}
        for topic, fact in FACTS.items()
        if issubclass(fact, CaseFact) and not fact.mends
    }


@cache
def _fields(fact: type[Fact]) -> dict[str, bool]:
    """Return the fields of a fact that are attributes of its events, and whether each is a moment.

    Ids are told by relations, and texts and subjects are not told.
    """
    found: dict[str, bool] = {}
    for field in msgspec.structs.fields(fact):
        types = {field.type, *get_args(field.type)}
        if not types & {UUID, Sealed} and field.encode_name not in EVERY_EVENT:
            found[field.encode_name] = datetime in types
    return found


def _things(story: Story) -> Iterator[dict[str, Any]]:
    """Yield the objects of a case. What was struck is no object, whatever still names it."""
    reported = {report.id for report in story.obstacles}
    yield _object(
        str(story.case),
        "case",
        [("reference", story.reference), ("theme", story.theme)],
        [(str(one.id), "has") for one in story.obstacles]
        + [(str(case), relation) for case, relation in story.links]
        + [(subject, "about") for subject in story.subjects],
    )
    for subject in story.subjects:
        # Each stands with the case after which they are called, and once.
        if subject.startswith(f"{story.case}/"):
            yield _object(subject, "subject", [], [])
    for report in story.obstacles:
        relations = [(str(one), "split into") for one in report.into if one in reported]
        if report.triggered_by is not None:
            relations.append((str(report.triggered_by), "triggered by"))
        yield _object(str(report.id), "obstacle", [("origin", report.origin)], relations)
    for offer in story.offers:
        yield _object(
            str(offer.id),
            "handoff",
            [("delivered_at", written(offer.delivered_at)), ("respond_by", written(offer.respond_by))],
            [
                *([(str(offer.obstacle), "passes on")] if offer.obstacle in reported else []),
                (offer.from_, "from"),
                (offer.to, "to"),
            ],
        )


def _object(
    id_: str, type_: str, values: Iterable[tuple[str, str | None]], relations: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    attributes = [
        {"name": name, "value": value, "time": written(SINCE_EVER)} for name, value in values if value is not None
    ]
    return {"id": id_, "type": type_, "attributes": attributes, "relationships": _related(relations)}


def _related(relations: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Return relations, of several to one object the first: tools keep no more than one, and not always that."""
    first: dict[str, str] = {}
    for object_, qualifier in relations:
        first.setdefault(object_, qualifier)
    return [{"objectId": object_, "qualifier": qualifier} for object_, qualifier in first.items()]


def _organisations(line: Line) -> Iterator[tuple[str, str]]:
    """Yield the organisations of an event and what each is to it, the more telling before the less."""
    if line.from_ is not None:
        yield line.from_, "from"
    if line.to is not None:
        yield line.to, "to"
    if line.organisation is not None:
        yield line.organisation, "by"
    for field, organisation in line.named:
        if field != "organisation":
            yield organisation, field
    yield line.recorded_by, "recorded by"


def _event(story: Story, line: Line) -> dict[str, Any]:
    relations = [(str(story.case), "case")]
    relations += [(str(one.id), "about") for one in story.obstacles if one.id in line.obstacles]
    relations += [(str(one.id), "handoff") for one in story.offers if one.id == line.handoff]
    values: dict[str, Any] = {
        "event": str(line.id),
        "position": line.position,
        "recorded_at": written(line.recorded_at),
        "precision": line.precision,
        "source": line.source,
        "role": line.role,
        "inferred": line.inferred,
        "inert": line.inert,
        "organisation": line.organisation,
        "recorded_by": line.recorded_by,
        "fact": msgspec.json.encode(line.fact).decode(),
    }
    values |= {name: line.fact[name] for name in _fields(FACTS[line.activity]) if name in line.fact}
    return {
        "id": f"e{line.position}",  # events of one moment stand in the order of their ids
        "type": line.activity,
        "time": written(line.at),
        "attributes": [{"name": name, "value": _text(value)} for name, value in values.items() if value is not None],
        "relationships": _related([*relations, *_organisations(line)]),
    }


def _text(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case _:
            return msgspec.json.encode(value).decode()


def _organisation(organisation: str, history: Sequence[Event], known: set[str]) -> dict[str, Any]:
    """Return an organisation with its names over time, as part of its parent if the log has that."""
    mended = mend(history)
    events = [event for event in mended.events if event.id not in mended.struck]
    events.sort(key=lambda event: (event.occurred_at, event.position))
    attributes: list[dict[str, str]] = []
    parent: str | None = None
    for event in events:
        fact = event.data
        # What it is called from the first is told as of ever: it may have done things before it was registered.
        at = written(event.occurred_at if attributes else SINCE_EVER)
        if isinstance(fact, o.OrganisationRegistered | o.OrganisationRenamed):
            attributes.append({"name": "name", "value": fact.name, "time": at})
        if isinstance(fact, o.OrganisationRegistered):
            attributes.append({"name": "kind", "value": fact.kind, "time": at})
        if isinstance(fact, o.OrganisationRegistered | o.ParentChanged):
            parent = fact.parent
    related = [(parent, "part of")] if parent is not None and parent in known else []
    return {
        "id": organisation,
        "type": "organisation",
        "attributes": attributes,
        "relationships": _related(related),
    }
