"""Cases that a registry exported (docs/exporting.md): each row holds a fact, which is taken at its word. Pure.

Nothing is deduced, so the chains and gaps that are derived from it are those that were derived there. Persons and texts
are not in an export: it tells which cases are of one person, who is somebody else here, and what an event only said of
persons is left out.
"""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final, cast
from uuid import UUID

import msgspec

from ...domain.case import facts as f
from ...domain.case.named import organisations_of
from ...domain.command import COMMANDS, Command
from ...domain.event import Actor, Fact
from ...domain.ids import EventId, event_id_of, gap_id_of
from ...domain.text import clear
from ...domain.vocabulary import Role
from ..vault.texts import text_fields
from . import mapping as m
from .identity import CaseNames, reference_of
from .rows import LogRow, Trace
from .rules import IMPORT_USER

FACTS: Final = MappingProxyType(
    {fact.topic: fact for fact in COMMANDS.values() if issubclass(fact, f.CaseFact) and not fact.mends}
)
"""What an export of cases can hold."""

OF_OTHERS: Final = frozenset({f.SubjectRelated, f.CaseLinked})
"""Facts about persons or other cases, of which nothing is left without them."""

ELSEWHERE: Final = ("triggered_by", "for_obstacle")
"""Fields that may name an obstacle of another case; which one it is, an export tells beside it."""

SUBJECT: Final = re.compile(r"(.{1,255})/([0-9]{1,3})")
"""A person as an export tells of them: after a case of theirs, and their place in its opening."""

ELSEWHERE_SAID: Final = "(in the registry that this comes from)"
"""What stands for a plan that is there and not here."""


class UntoldError(Exception):
    """A case cannot be taken over; the message says why, with the line."""


def commands_told(trace: Trace, mapping: m.Mapping) -> list[Command]:
    """Return the commands of an exported case, in the order in which they happened. Raises ``UntoldError``."""
    names = CaseNames(mapping.source, trace.case)
    facts = [_decoded(row) for row in trace.rows]
    events = {
        row.told[1]: event_id_of(names.command(number, 1)) for number, row in enumerate(trace.rows, 1) if row.told[1]
    }
    obstacles = {fact.get("obstacle") for fact, row in zip(facts, trace.rows, strict=True) if row.activity in _REPORTS}
    subjects = _subjects(trace, facts, names, mapping)
    commands: list[Command] = []
    for number, (fact, row) in enumerate(zip(facts, trace.rows, strict=True), 1):
        type_ = FACTS[row.activity]
        if type_ in OF_OTHERS:
            continue
        beside = _beside(fact, obstacles, mapping.source)
        own = {name: value for name, value in fact.items() if name not in ELSEWHERE or value in obstacles}
        own.pop("elsewhere", None)
        actor = Actor(row.organisation or mapping.source_organisation, Role.AGENCY, IMPORT_USER)
        commands.append(
            Command(
                names.command(number, 1),
                names.case,
                actor,
                _fact(type_, own, beside, trace.case, names, subjects, events, row),
                row.at,
                row.precision,
                source=mapping.source,
                inferred=row.told[2] == "true",
            )
        )
    return commands


def organisations_told(commands: Iterable[Command]) -> set[str]:
    """Return the organisations that facts name, beside those that recorded them."""
    return {organisation for command in commands for organisation in organisations_of(command.data)}


_REPORTS: Final = frozenset({f.ObstacleReported.topic})


def _decoded(row: LogRow) -> dict[str, Any]:
    if row.activity not in FACTS:
        raise UntoldError(f"line {row.line}: {row.activity!r} is nothing that a registry exports of a case")
    try:
        return msgspec.json.decode(row.told[0], type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise UntoldError(f"line {row.line}: what was told is no fact ({error})") from None


def _fact(
    type_: type[Fact],
    told: Mapping[str, Any],
    beside: Mapping[str, Any],
    case: str,
    names: CaseNames,
    subjects: Sequence[UUID],
    events: Mapping[str, EventId],
    row: LogRow,
) -> Fact:
    """Return a fact with the ids that it has here, and with the case's subject where it must name somebody.

    ``beside`` is what has its id here already.
    """
    texts = text_fields(type_)
    said = {name: _renamed(name, value, names, events) for name, value in told.items() if name not in texts}
    said |= beside
    if isinstance(told.get("gap"), dict):
        said["gap"]["id"] = _gap_id(told["gap"], case, names, events)
    subject = str(subjects[0])
    if type_ is f.CaseOpened:
        said |= {"subjects": [str(one) for one in subjects], "reference": reference_of(names.case)}
    elif type_ is f.ObstacleWithdrawn:
        said["on_word_of"] = subject
    elif type_ in {f.ResolutionContested, f.AccountGiven}:
        said.setdefault("by", {"subject": subject})
    try:
        fact = msgspec.convert(said, type_)
        # Whether it came with a plan decides whether something is owed; which plan it was stands there alone.
        planned = isinstance(fact, f.GapAcknowledged) and "plan" in told
        return msgspec.structs.replace(fact, plan=clear(ELSEWHERE_SAID, subjects[0])) if planned else fact
    except msgspec.ValidationError as error:
        raise UntoldError(f"line {row.line}: what was told is no {type_.topic} ({error})") from None


def _subjects(trace: Trace, facts: Sequence[Mapping[str, Any]], names: CaseNames, mapping: m.Mapping) -> list[UUID]:
    """Return whom a case is about: by what its opening says, or a subject of its own if it says nothing."""
    for fact, row in zip(facts, trace.rows, strict=True):
        told: object = fact.get("subjects") if row.activity == f.CaseOpened.topic else None
        if isinstance(told, list):
            named = (_subject(one, mapping.source) for one in cast("Sequence[object]", told))
            if found := [one for one in named if one is not None]:
                return found
    return [names.subject]


def _subject(named: object, source: str) -> UUID | None:
    found = SUBJECT.fullmatch(named) if isinstance(named, str) else None
    return None if found is None else CaseNames(source, found[1]).subject_at(int(found[2]))


def _beside(fact: Mapping[str, Any], obstacles: Container[object], source: str) -> dict[str, Any]:
    """Return what a fact says of persons and of other cases, by the ids that these have here."""
    said: dict[str, Any] = {}
    if "subject" in fact:
        named = _subject(fact["subject"], source)
        said["subject"] = None if named is None else str(named)
    others: object = fact.get("elsewhere")
    if isinstance(others, dict):
        for name in ELSEWHERE:
            case, obstacle = cast("Mapping[str, Any]", others).get(name), fact.get(name)
            if obstacle not in obstacles and isinstance(case, str) and isinstance(obstacle, str):
                with suppress(ValueError):
                    said[name] = str(CaseNames(source, case).told(UUID(obstacle)))
    return said


def _gap_id(mark: Mapping[str, Any], case: str, names: CaseNames, events: Mapping[str, EventId]) -> str:
    """Return the id that a gap has here: found by trying which event it began with there."""
    try:
        lay_on, kind = UUID(mark["obstacle"] or case), str(mark["kind"])
        lies_on = names.told(lay_on) if mark["obstacle"] else names.case
        here = (
            gap_id_of(lies_on, kind, event)
            for there, event in events.items()
            if str(gap_id_of(lay_on, kind, UUID(there))) == mark["id"]
        )
        return str(next(here, mark["id"]))
    except (KeyError, ValueError, TypeError):
        return str(mark.get("id"))  # of something else; what fits nothing is said where the fact is made


def _renamed(name: str, value: Any, names: CaseNames, events: Mapping[str, EventId]) -> Any:
    """Return a value with each id in it as it is here: of events by what they became, of all else by its name."""
    if isinstance(value, list):
        return [_renamed(name, one, names, events) for one in cast("Sequence[Any]", value)]
    if isinstance(value, dict):
        return {key: _renamed(key, one, names, events) for key, one in cast("Mapping[str, Any]", value).items()}
    if not isinstance(value, str):
        return value
    if name == "event" and value in events:
        return str(events[value])
    try:
        return str(names.told(UUID(value)))
    except ValueError:
        return value
