"""The inputs of mutations, made from the facts that commands ask to record: field for field, by the same names.

Ids of new things may be left out, and so may the organisation that speaks: it is the asker's own. A text is a plain
string, about the case's first subject unless the field beside it names another.
"""

import types
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Final, Union, cast, get_args, get_origin
from uuid import UUID

import msgspec
import strawberry
from msgspec import Struct
from strawberry.utils.str_converters import to_camel_case

from ..domain.case import facts as f
from ..domain.command import COMMANDS
from ..domain.event import Fact
from ..domain.organisation.facts import OrganisationFact, StrategyShared
from ..domain.text import Clear
from ..domain.vocabulary import Precision
from .scalars import Json

__all__ = ["FactField", "Kind", "fields_of", "input_of"]


class Kind(Enum):
    """What a field of a fact holds, and so how its input is read."""

    ORGANISATION = "an organisation"
    OBSTACLE = "an obstacle"
    CASE = "a case"
    EVENT = "an event"
    BARE_ID = "an id"
    TEXT = "a text"
    PARTY = "a party"
    GAP = "a gap"
    VALUE = "a value"
    PLAIN = "as it is"


class FactField(Struct, frozen=True):
    """A field of a fact, and how clients give it."""

    attribute: str
    name: str
    kind: Kind
    type_: Any
    several: bool
    required: bool
    """Whether the fact needs it."""
    asked: bool
    """Whether the client must give it."""


@strawberry.input(description="An organisation or a subject: exactly one of the two.")
class PartyInput:
    """One of the two."""

    organisation: strawberry.ID | None = strawberry.field(default=None, description="The organisation.")
    subject: strawberry.ID | None = strawberry.field(default=None, description="The subject, by pseudonym.")


@strawberry.input(description="An organisation that also knew of it, and since when.")
class KnowerInput:
    """Who knew, and since when."""

    organisation: strawberry.ID = strawberry.field(description="Who knew.")
    since: datetime = strawberry.field(description="Since when.")


_KINDS_BY_NAME: Final[Mapping[str, Kind]] = {
    "obstacle": Kind.OBSTACLE, "obstacles": Kind.OBSTACLE, "into": Kind.OBSTACLE, "triggered_by": Kind.OBSTACLE,
    "for_obstacle": Kind.OBSTACLE, "case": Kind.CASE, "event": Kind.EVENT,
}  # fmt: skip

_MADE_HERE: Final = frozenset({
    (f.CaseOpened, "subjects"), (f.ObstacleReported, "obstacle"), (f.HandoffOffered, "handoff"),
    (StrategyShared, "strategy"),
})  # fmt: skip
"""Ids of what is new: made from the command's id where the client leaves them out."""


def fields_of(fact: type[Fact]) -> list[FactField]:
    """Return the fields of a fact as clients give them."""
    return [
        _field(fact, found)
        for found in msgspec.structs.fields(fact)
        if (fact, found.name) != (f.CaseOpened, "reference")
    ]


def _field(fact: type[Fact], found: msgspec.structs.FieldInfo) -> FactField:
    bare = _without_none(found.type)
    several = get_origin(bare) is tuple
    inner = get_args(bare)[0] if several else bare
    kind = _kind(found.name, inner)
    own_word = (
        kind is Kind.ORGANISATION and found.name in {"organisation", "from_"} and not issubclass(fact, OrganisationFact)
    )
    own_word = own_word or (fact is f.AccountGiven and found.name == "by")
    return FactField(
        attribute=found.name,
        name=to_camel_case(found.encode_name),
        kind=kind,
        type_=inner,
        several=several,
        required=found.required,
        asked=found.required and not own_word and (fact, found.name) not in _MADE_HERE,
    )


def _without_none(type_: Any) -> Any:
    if get_origin(type_) in {Union, UnionType}:
        rest = [each for each in get_args(type_) if each is not types.NoneType]
        return rest[0] if len(rest) == 1 else tuple(rest)
    return type_


def _kind(name: str, type_: Any) -> Kind:
    if isinstance(type_, tuple):
        return Kind.TEXT if Clear in type_ else Kind.VALUE
    if type_ is f.Party:
        return Kind.PARTY
    if type_ is f.GapMark:
        return Kind.GAP
    if type_ is UUID:
        return _KINDS_BY_NAME.get(name, Kind.BARE_ID)
    if get_origin(type_) is Annotated and name in _ORGANISATIONS:
        return Kind.ORGANISATION
    return Kind.PLAIN


_ORGANISATIONS: Final = frozenset({
    "organisation", "from_", "to", "experienced_at", "told", "received_by", "suggests", "body", "parent", "into",
    "shared_by",
})  # fmt: skip


def _graphql_type(field: FactField) -> Any:
    match field.kind:
        case Kind.TEXT:
            return str
        case Kind.PARTY:
            return PartyInput
        case Kind.VALUE:
            return Json
        case Kind.PLAIN:
            return get_args(field.type_)[0] if get_origin(field.type_) is Annotated else field.type_
        case _:
            return strawberry.ID


def input_of(command: str) -> type:
    """Return the input type of a command."""
    fact = COMMANDS[command]
    declared: dict[str, tuple[Any, Any]] = {}

    def declare(attribute: str, name: str, type_: Any, description: str, *, asked: bool) -> None:
        given = strawberry.field(name=name, description=description) if asked else strawberry.field(
            name=name, description=description, default=None
        )  # fmt: skip
        declared[attribute] = (type_ if asked else type_ | None, given)

    if issubclass(fact, f.CaseFact):
        opens = fact is f.CaseOpened
        what = "The id of the new case; made if not given." if opens else "The case."
        declare("in_case", "case" if fact is not f.CaseLinked else "from", strawberry.ID, what, asked=not opens)
    for field in fields_of(fact):
        type_ = list[_graphql_type(field)] if field.several else _graphql_type(field)
        declare(f"f_{field.attribute}", field.name, type_, _description(fact, field), asked=field.asked)
        if field.kind is Kind.TEXT and issubclass(fact, f.CaseFact):
            about = f"Whom '{field.name}' is about, by pseudonym; the case's first subject if not given."
            declare(f"about_{field.attribute}", f"{field.name}About", strawberry.ID, about, asked=False)
    for attribute, name, type_, description in _ENVELOPE:
        declare(attribute, name, type_, description, asked=False)
    # What must be given stands first, as Python wants it.
    ordered = sorted(declared.items(), key=lambda item: item[1][1].default is None)
    made = types.new_class(f"{command}Input", (), {}, lambda body: body.update(_body(dict(ordered))))
    return strawberry.input(made, name=f"{command}Input", description=f"What there is to say: {_sentence(fact)}")


_ENVELOPE: Final[tuple[tuple[str, str, Any, str], ...]] = (
    (
        "command_id",
        "commandId",
        strawberry.ID,
        "The same id twice has one effect and gets the first answer; random if not given.",
    ),
    ("occurred_at", "occurredAt", datetime, "When it happened in the world; now if not given."),
    ("precision", "precision", Precision, "How exactly that moment is known; to the second if not given."),
    ("expected_version", "expectedVersion", int, "Refuses if there have been events since this version."),
    ("known_to", "knownTo", list[KnowerInput], "Who else knew of it, and since when."),
)


def _body(declared: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    annotations = {attribute: type_ for attribute, (type_, _) in declared.items()}
    return {"__annotations__": annotations, "__doc__": None} | {name: given for name, (_, given) in declared.items()}


def _sentence(fact: type[Fact]) -> str:
    return cast("str", fact.__doc__).strip().split("\n\n")[0].replace("\n    ", " ").replace("``", "'")


def _description(fact: type[Fact], field: FactField) -> str:
    found = _DESCRIPTIONS.get((fact.topic, field.attribute)) or _DESCRIPTIONS.get(field.attribute)
    assert found is not None, f"{fact.__name__}.{field.attribute} needs a description"
    if field.required and not field.asked and (fact, field.attribute) not in _MADE_HERE:
        return f"{found} Your own organisation if not given."
    if (fact, field.attribute) in _MADE_HERE:
        return f"{found} Made if not given."
    return found


_DESCRIPTIONS: Final[Mapping[str | tuple[str, str], str]] = {
    "subjects": "Whom it is about, by pseudonym (UUIDs); the first is the one whom texts are about.",
    "theme": "Its theme, as a slug: 'schulden'.",
    "noticed_by": "Who saw first that somebody was stuck.",
    "title": "Its title.",
    "subject": "The one subject.",
    ("subject-related", "to"): "The other subject.",
    "relation": "What the one is to the other.",
    "from_": "The organisation that does it.",
    ("subject-related", "from_"): "Since when.",
    "until": "Until when, if that is known.",
    "case": "The other case.",
    "organisation": "The organisation that did it.",
    ("organisation-registered", "organisation"): "Its OIN (twenty digits) or URI.",
    ("organisation-renamed", "organisation"): "Which organisation.",
    ("parent-changed", "organisation"): "Which organisation.",
    ("organisation-merged", "organisation"): "The organisation that is no more.",
    ("organisation-merged", "into"): "The organisation that succeeds it in everything.",
    ("organisation-dissolved", "organisation"): "The organisation that is no more.",
    ("task-transferred", "organisation"): "Whose task it was.",
    ("task-transferred", "theme"): "The theme in which it passes on, as a slug: 'jeugdhulp'.",
    ("task-transferred", "to"): "Whose task it is from then on.",
    ("task-transferred", "since"): "From when; if not given, from when it was transferred. May lie in the future.",
    ("task-transferred", "basis"): "The rule by which, by its identifier: 'BWBR0034925'.",
    ("solution-team-established", "organisation"): "The organisation that is a solution team.",
    ("strategy-shared", "organisation"): "Who shares it.",
    ("strategy-adopted", "organisation"): "Who works in this way from now on.",
    "motives": "Why it was set up; at least one motive.",
    "mandate": "What it may do.",
    "contact": "How to reach it.",
    "strategy": "The strategy, by its id.",
    "description": "What it comes down to.",
    "shared_by": "The organisation that shared it.",
    ("obstacle-reopened", "organisation"): "Who holds it from now on; nobody if not given.",
    "ground": "Why.",
    "obstacle": "The obstacle.",
    "origin": "Where it came from.",
    "experienced_at": "Where the subject met it.",
    "story": "What happened.",
    "need": "What the subject actually needs.",
    "told": "Who heard of it, without taking it in.",
    "received_by": "Who took it in and holds it; nobody if not given.",
    "triggered_by": "The obstacle whose handling set it off.",
    "into": "The obstacles that it proved to be, each with a report of its own.",
    "harm": "What it costs the subject.",
    "since": "Since when.",
    "note": "More about it.",
    "outcome": "What it did for the subject.",
    "confirmed_by_subject": "Whether the subject agrees; unknown if not given.",
    "on_word_of": "The subject, or who represents them, whose word it is.",
    "statement": "What they said.",
    "handoff": "The handoff.",
    "to": "The organisation that is asked, or to which the subject is sent.",
    "reason": "Why.",
    "delivered_at": "When the offer arrived; if not given, when it was made or recorded.",
    "respond_by": "By when an answer is asked for; 14 days after delivery if not given.",
    "subject_present": "Whether the subject was there; false if not given.",
    "file_received": "Whether the file came along; false if not given.",
    "suggests": "Who should be asked instead.",
    "released": "Whether whoever refers lets go by it; false if not given.",
    "basis": "The rule by which it moved.",
    ("term-set", "basis"): "The rule that sets the term, by its identifier: 'awb:4:13'.",
    "first_received": "When it first came in.",
    "subject_told": "Whether the subject was told; false if not given.",
    "due": "By when.",
    "for_": "Whom it waits for.",
    "for_obstacle": "The obstacle that it waits for.",
    "kind": "Of what kind.",
    "obstacles": "The obstacles that it was about.",
    "initiated_by": "Who sought it.",
    "channel": "How.",
    "story_retold": "Whether the subject had to tell the story again; false if not given.",
    "rule_departed_from": "The rule, by its identifier: 'awb:4:15'.",
    "by": "Whose word it is.",
    "answer_due": "By when an answer is owed.",
    "body": "The court or committee that spoke.",
    "binding": "Whether it binds.",
    "annuls": "Whether it annuls the resolution.",
    "stance": "Whether it confirms or disputes.",
    "event": "The event that it is about.",
    "gap": "The gap that it is about.",
    "account": "It in their own words.",
    "plan": "What it will do.",
    "field": "Which field of the event was wrong, as its 'data' names it; or 'occurredAt' or 'precision'.",
    "value": "The right value, as the event's 'data' would show it.",
    "content": "The right text, where the field is one.",
    "name": "Its name.",
    "parent": "The organisation of which it is a unit; none if not given.",
}
"""What a field is for, by its name; by topic and name where that differs."""
