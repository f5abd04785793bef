"""What forms offer to choose from beyond one case or stream, and the page on which that one is chosen itself."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from graphql import GraphQLInputObjectType, GraphQLNonNull
from starlette.responses import Response

from ..cli.asking import is_id
from .fields import Context, Options
from .labels import COMMANDS, REFUSALS
from .learning import KINDS
from .learning_questions import FIELDS
from .stream_parts import PARTS, first_words
from .visit import Visit
from .words import Words

LETTERS: Final = 140
"""What a line has room for."""

OFFERED: Final = 50
"""Streams that a form offers, those begun last: to any other one people come from its own page."""

STREAMS: Final = {FIELDS[kind][0]: (FIELDS[kind][1], shape) for kind, shape in KINDS.items()}
"""By the field of a command that names one: the schema's field for several of them, and where their pages are."""

CATALOGUES: Final[Mapping[str, tuple[str, str]]] = {
    "IdentifyCauseInput": ("barrier", "barriers"),
    "MeetBarrierInput": ("barrier", "barriers"),
    "MakePromiseInput": ("kind", "promises"),
}
"""The commands with a field that names something of a catalogue, and the schema's field for that."""

ABOUT: Final = ("case", "investigation", *PARTS)
"""Fields that say what a command is about, in the order in which they do."""


def selection(command: GraphQLInputObjectType, given: Mapping[str, Any]) -> str:
    """Return the selection for what a command's fields may name, where the address has not said it."""
    names = ["cause" if name == "causes" else name for name in command.fields if name not in given]
    found = [_listed(name) for name in dict.fromkeys(names) if name in STREAMS]
    if command.name in CATALOGUES:
        found.append(f"catalogue: {CATALOGUES[command.name][1]} {{ slug name(language: $language) }}")
    if other(command, given):
        found.append("other: case(reference: $other) { id }")
    return " ".join(found)


def other(command: GraphQLInputObjectType, given: Mapping[str, Any]) -> str | None:
    """Return the reference of a second case that a command names; none if it names none, or by its id."""
    named = given.get("from", [""])[0] if command.name == "LinkCaseInput" else ""
    return named if named and not is_id(named) else None


def _listed(name: str) -> str:
    return f"{name}Listed: {STREAMS[name][0]}(first: {OFFERED}) {{ nodes {{ id begunBy {{ data }} }} }}"


def options(command: GraphQLInputObjectType, registry: Mapping[str, Any], words: Words) -> Mapping[str, Options]:
    """Return what was found for that selection, by the field that names it."""
    found: dict[str, Options] = {
        name: _named(name, registry[f"{name}Listed"]["nodes"], words) for name in STREAMS if f"{name}Listed" in registry
    }
    if "cause" in found:
        found["causes"] = found["cause"]
    if "catalogue" in registry:
        found[CATALOGUES[command.name][0]] = [(one["slug"], one["name"]) for one in registry["catalogue"]]
    return found


def _named(name: str, streams: Sequence[Mapping[str, Any]], words: Words) -> Options:
    text = STREAMS[name][1].text
    return [(one["id"], first_words(one["begunBy"]["data"].get(text), name, words, LETTERS)) for one in streams]


def lacking(command: GraphQLInputObjectType, context: Context) -> str | None:
    """Return by which field a command names what it is about, if it must be about something and that is not known."""
    fields = command.fields
    name = next((one for one in ABOUT if one in fields and isinstance(fields[one].type, GraphQLNonNull)), None)
    return None if name is None or (context.case if name == "case" else context.stream) else name


async def page(
    visit: Visit, name: str, field: str, given: Mapping[str, Sequence[str]], listed: Mapping[str, Options]
) -> Response:
    """Return the page on which people choose what a command is about, before they see its form."""
    unknown = None
    if field in given:
        unknown = visit.words.say(REFUSALS["UNKNOWN_CASE" if field == "case" else "UNKNOWN_PART"])
    return await visit.page(
        "choose.html",
        200 if unknown is None else 404,
        name=name,
        title=visit.words.say(COMMANDS[name]),
        field=field,
        value=given.get(field, [""])[0],
        kept={one: values[0] for one, values in given.items() if one != field and values},
        unknown=unknown,
        offered=listed.get(field, ()),
        address=STREAMS[field][1].address if field in STREAMS else None,
    )
