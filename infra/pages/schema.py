"""What can be asked, to look things up in: a page for each type of the GraphQL schema, and its words for completion.

The schema's own descriptions are in English, as its names are.
"""

from functools import cache
from typing import Any, Final, cast

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    get_named_type,
)
from starlette.responses import PlainTextResponse, Response

from ...graphql.schema import SCHEMA, sdl
from .visit import PageProblem, Visit

FIRST: Final = ("What is asked first", ("Query", "Mutation", "Subscription"))

KINDS: Final = (
    ("Things with fields", (GraphQLObjectType, GraphQLInterfaceType)),
    ("One of several things", (GraphQLUnionType,)),
    ("What is given", (GraphQLInputObjectType,)),
    ("Choices", (GraphQLEnumType,)),
    ("Single values", (GraphQLScalarType,)),
)
"""The types by what they are for."""

COMMANDS: Final = "What commands take, and what they come to"

OF_COMMANDS: Final = ("Input", "Payload", "Result")
"""What the names of those types end in: three for each command, so they stand last."""


async def index(visit: Visit) -> Response:
    """Answer GET /ask/schema: every type, by what it is for."""
    await visit.asker()
    title, roots = FIRST
    others = [one for name, one in sorted(SCHEMA.type_map.items()) if name not in roots and not name.startswith("__")]
    groups = [(title, [SCHEMA.type_map[name] for name in roots])]
    groups += [
        (title, [one for one in others if isinstance(one, kinds) and not one.name.endswith(OF_COMMANDS)])
        for title, kinds in KINDS
    ]
    groups.append((COMMANDS, [one for one in others if one.name.endswith(OF_COMMANDS)]))
    return await visit.page("schema.html", groups=[group for group in groups if group[1]])


async def one_type(visit: Visit) -> Response:
    """Answer GET /ask/schema/NAME: a type's fields, arguments or choices, with links to theirs."""
    await visit.asker()
    found = SCHEMA.type_map.get(visit.request.path_params["name"])
    if found is None or found.name.startswith("__"):
        raise PageProblem(404, visit.words.say("There is no such type."))
    used = [name for name, fields in sorted(_met().items()) if found.name in fields]
    return await visit.page("schema_type.html", type=found, parts=parts, used=used)


async def text(visit: Visit) -> Response:
    """Answer GET /ask/schema.graphql: the whole schema as text."""
    await visit.asker()
    return PlainTextResponse(sdl())


async def words(visit: Visit) -> Response:
    """Answer GET /ask/schema.json: what may be typed where, for completion."""
    await visit.asker()
    return Response(_words(), media_type="application/json")


def named(type_: Any) -> str:
    """Return the name of a type, or of what it is a list of."""
    return cast("GraphQLNamedType", get_named_type(type_)).name


def parts(type_: Any) -> tuple[str, str, str]:
    """Return a type as it is written, in three: what stands before its name, its name, and what stands after it."""
    name = named(type_)
    before, after = str(type_).split(name)
    return before, name, after


@cache
def _met() -> dict[str, set[str]]:
    """For each type the names of those that its fields, their arguments and its members are of."""
    met: dict[str, set[str]] = {}
    for name, one in SCHEMA.type_map.items():
        if not name.startswith("__"):
            met[name] = {named(type_) for type_ in _types(one)}
    return met


def _types(one: GraphQLNamedType) -> list[Any]:
    match one:
        case GraphQLObjectType() | GraphQLInterfaceType():
            fields = one.fields.values()
            return [*(field.type for field in fields), *(arg.type for field in fields for arg in field.args.values())]
        case GraphQLInputObjectType():
            return [field.type for field in one.fields.values()]
        case GraphQLUnionType():
            return [*one.types]
        case _:
            return []


@cache
def _words() -> bytes:
    """Fields with their types and arguments, what inputs hold, and what enums may be; by the names of the types."""
    said: dict[str, Any] = {}
    for name, one in SCHEMA.type_map.items():
        match one:
            case GraphQLObjectType() | GraphQLInterfaceType() if not name.startswith("__"):
                said[name] = {
                    field: [named(each.type), {arg: named(it.type) for arg, it in each.args.items()}]
                    for field, each in one.fields.items()
                }
            case GraphQLInputObjectType():
                said[name] = {field: [named(each.type), {}] for field, each in one.fields.items()}
            case GraphQLEnumType() if not name.startswith("__"):
                said[name] = dict.fromkeys(one.values)
            case GraphQLUnionType():
                said[name] = {"__typename": ["String", {}]}
            case _:
                pass
    return msgspec.json.encode(said)
