"""A command's form: its fields as the schema declares them, with labels, and with what a case offers to choose from."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, cast

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    get_nullable_type,  # pyright: ignore[reportUnknownVariableType]  it leaves open what a list is of
)
from msgspec import Struct

from ...graphql.schema import SCHEMA
from .labels import CHOICES, LABELS, OWN_LABELS
from .rendering import called
from .stream_parts import first_words, options_of
from .words import Words

LEFT_OUT: Final = frozenset({"commandId", "precision", "expectedVersion", "knownTo"})
"""Fields that the form fills in itself, or that no clerk has a use for."""

ABOUT: Final = "About"
"""How the fields end that say whom a text is about: the case's first subject, where nothing else is said."""

MADE: Final = "ade if not given"
"""How the schema describes an id that a form leaves to the registry: of what the command brings about."""

UNKNOWN: Final = "Its OIN"
"""How the schema describes an organisation that the registry does not know yet: it cannot be chosen."""

LONG: Final = frozenset({
    "story", "need", "note", "reason", "account", "plan", "statement", "mandate", "description", "content", "value",
    "problem", "experience", "proposal", "expectedEffect", "effect", "lesson", "promised", "message", "observation",
    "hypothesis", "purpose", "behaviour", "findings",
})  # fmt: skip
"""Fields that people fill with more than a line."""

ORGANISATIONS: Final = frozenset({
    "organisation", "from", "to", "experiencedAt", "told", "receivedBy", "suggests", "body", "parent", "into",
    "sharedBy", "owner", "members", "organisations", "partners",
})  # fmt: skip

OBSTACLES: Final = frozenset({"obstacle", "obstacles", "forObstacle", "triggeredBy"})

OTHERWISE: Final = {
    ("SplitObstacleInput", "into"): "obstacle", ("RelateSubjectInput", "subject"): "subject",
    ("RelateSubjectInput", "to"): "person", ("LinkCaseInput", "from"): "reference",
    ("WithdrawObstacleInput", "onWordOf"): "subject",
}  # fmt: skip
"""What a field of a command names, where a field of that name elsewhere names something else."""

PARTY: Final = "PartyInput"

ENUMERATED: Final = {"basis": "basis", "noticedBy": "noticed_by", "initiatedBy": "initiated_by"}
"""Under which name sentences know the words of an enumeration, where that is not the field's own."""

ANSWERED: Final = ("yes", "no")
"""How a form says yes and no where an unticked box would say nothing."""

Options = Sequence[tuple[str, str]]


class Field(Struct, frozen=True):
    """A field of a form: ``sort`` says how it is asked for, ``options`` what may be chosen, if it is a choice."""

    name: str
    label: str
    hint: str | None
    """The schema's own words, in English, where there is no label in the visitor's language."""
    sort: str
    required: bool
    several: bool
    options: Options


class Context(Struct, frozen=True):
    """What there is to choose from: organisations, and of one case its obstacles, gaps and subjects.

    ``stream`` is the cause or its like that a command is about, with its parts; ``listed`` is what else a field may
    name, by the field: streams begun last, and what stands in a catalogue; ``other`` is the id of a second case that
    was named by its reference. ``event`` is what is to be mended, and ``events`` are those to choose it from, where
    none was chosen yet; ``following`` is after which position more of them stand.
    """

    organisations: Sequence[Mapping[str, Any]]
    case: Mapping[str, Any] | None
    stream: Mapping[str, Any] | None = None
    listed: Mapping[str, Options] = MappingProxyType({})
    other: str | None = None
    event: Mapping[str, Any] | None = None
    events: Sequence[Mapping[str, Any]] = ()
    following: str | None = None


def input_of(command: str) -> GraphQLInputObjectType | None:
    """Return the input type of a command, by its mutation's name; none if there is no such mutation."""
    mutation = SCHEMA.mutation_type
    if mutation is None or command not in mutation.fields:
        return None
    return cast("GraphQLInputObjectType", SCHEMA.type_map[f"{command[0].upper()}{command[1:]}Input"])


def fields_of(command: GraphQLInputObjectType, words: Words, context: Context) -> list[Field]:
    """Return the fields of a form, those that must be filled in first."""
    found: list[Field] = []
    for name, declared in command.fields.items():
        several = _several(declared)
        # Several ids are of people, whom the registry may know from another case.
        made_for_it = not several and MADE in (declared.description or "")
        if name in LEFT_OUT or name.endswith(ABOUT) or made_for_it:
            continue
        found.append(field_of(command, name, words, context))
    return sorted(found, key=lambda field: (not field.required, field.name == "occurredAt"))


def field_of(command: GraphQLInputObjectType, name: str, words: Words, context: Context) -> Field:
    """Return how one field of a command is asked for."""
    declared = command.fields[name]
    if (declared.description or "").startswith(UNKNOWN):
        return Field(name, words.say("Its OIN (twenty digits), or a URI"), None, "text", True, False, ())
    means = OTHERWISE.get((command.name, name), name)
    sort, options = _asked(means, get_named_type(declared.type), words, context)
    label = OWN_LABELS.get(command.name, {}).get(name) or LABELS.get(name)
    hint = declared.description if label is None else None
    required = isinstance(declared.type, GraphQLNonNull)
    return Field(name, words.say(label) if label else name, hint, sort, required, _several(declared), options)


def _several(declared: Any) -> bool:
    return isinstance(get_nullable_type(declared.type), GraphQLList)


def _asked(name: str, type_: Any, words: Words, context: Context) -> tuple[str, Options]:
    """Return how a field is asked for, and what may be chosen."""
    case = context.case
    if isinstance(type_, GraphQLEnumType):
        return "choice", [(value, _choice(name, type_.name, value, words)) for value in type_.values]
    if type_ is GraphQLBoolean:
        return "check", ()
    if type_ is GraphQLInt:
        return "number", ()
    if getattr(type_, "name", "") == "DateTime":
        return "moment", ()
    organisations = [(one["identifier"], called(one)) for one in context.organisations]
    if getattr(type_, "name", "") == PARTY:
        subjects = case["subjects"] if case else ()
        people = [(f"subject:{one}", words.say("the subject {n}", n=n)) for n, one in enumerate(subjects, 1)]
        return "party", [*people, *((f"organisation:{one}", text) for one, text in organisations)]
    parts = None if context.stream is None else options_of(name, context.stream, words)
    if parts is not None:
        return "choice", parts
    if context.listed.get(name):
        return "choice", context.listed[name]
    if name in ORGANISATIONS:
        return "choice", organisations
    if name == "case" and case:
        return "choice", [(case["id"], case["reference"])]
    if case and name == "subject":
        return "choice", [(one, words.say("the subject {n}", n=n)) for n, one in enumerate(case["subjects"], 1)]
    if case and name in OBSTACLES:
        numbered = enumerate(case["obstacles"], 1)
        return "choice", [(one["id"], f"{words.say('Obstacle')} {number}") for number, one in numbered]
    if name == "event" and context.events:
        return "choice", [(one["id"], told_in_short(one, words)) for one in reversed(context.events)]
    if case and name == "gap":
        return "choice", [(one["id"], f"{words.kind(one['kind'])} ({words.day(one['from'])})") for one in case["gaps"]]
    return ("long" if name in LONG else "text"), ()


def _choice(name: str, type_: str, value: str, words: Words) -> str:
    """Return what a value of an enumeration is called, where a field of a form offers it."""
    if type_ == "GapKind":
        return words.kind(value)
    said = CHOICES.get(type_, {}).get(value)
    return words.say(said) if said else words.value(ENUMERATED.get(name, name), value)


def told_in_short(event: Mapping[str, Any], words: Words) -> str:
    """Return when an event happened and the first words of its sentence: as a choice names it."""
    return f"{words.moment(event['occurredAt'], event['precision'])}: {first_words(event['summary'], 'event', words)}"
