"""Questions made from the GraphQL schema: together they ask every field that can be reached, by the shortest way.

A question asks for all fields of a type at once, those that hold things by all of their plain fields. What an argument
needs is given by its name, from what the story is about; all others are left out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from knelpunt.graphql.engine import Engine, Refusal
from knelpunt.graphql.schema import SCHEMA

ENGINE = Engine(SCHEMA, introspection=False)
WIDE = "first: 20"
NOBODY = '"00000000-0000-4000-8000-000000000000"'
"""The id of something of a kind that the story has none of."""


def call(name: str, field: GraphQLField, given: Mapping[str, str]) -> str:
    """A field with its arguments, the whole of a list on one page."""
    needed = [one for one, argument in field.args.items() if is_required_argument(argument)]
    others = given["id"] if name == "node" else NOBODY
    wanted = [f"{one}: {given.get(f'{name}Id', others) if one == 'id' else given[one]}" for one in needed]
    wanted += [WIDE] if "first" in field.args else []
    if "id" in field.args and "id" not in needed:
        wanted.append(f"id: {given.get(f'{name}Id', NOBODY)}")
    return f"{name}({', '.join(wanted)})" if wanted else name


def plain(type_: Any, given: Mapping[str, str], also: frozenset[str] = frozenset()) -> str:
    """The selection of all plain fields of a type, also behind the nodes of a connection.

    Those ``also`` in other types, where they hold something else, are called by another name.
    """
    if isinstance(type_, GraphQLUnionType):
        kinds: dict[str, set[str]] = {}
        for one in type_.types:
            for name, field in one.fields.items():
                kinds.setdefault(name, set()).add(str(field.type))
        apart = frozenset(name for name, types in kinds.items() if len(types) > 1)
        return "__typename " + " ".join(f"... on {one.name} {{ {plain(one, given, apart)} }}" for one in type_.types)
    names = [
        f"{f'{name}Of{type_.name}: ' if name in also else ''}{call(name, field, given)}"
        for name, field in type_.fields.items()
        if is_leaf_type(get_named_type(field.type)) and _is_askable(type_, name)
    ]
    nested = type_.fields.get("nodes")
    if nested is not None:
        names.append(f"nodes {{ {plain(get_named_type(nested.type), given)} }}")
    return " ".join(["__typename", *names])


def _is_askable(type_: Any, name: str) -> bool:
    # A proof needs a published log, and is public; who may look somebody up by name is refused by role. Both have tests
    # of their own.
    return (type_.name, name) not in {("Event", "proof"), ("Registry", "subjectsKnownBy")}


def whole(type_: Any, given: Mapping[str, str]) -> Iterator[str]:
    """The selections of each field of a type, with all that is plain below it."""
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        if not _is_askable(type_, name) or inner.name in {"Log", "InclusionProof"}:
            continue
        asked = call(name, field, given)
        if is_leaf_type(inner):
            yield asked
        else:
            yield f"{asked} {{ {plain(inner, given)} }}"


def ways() -> dict[str, tuple[tuple[str, str], ...]]:
    """The shortest way to each type from the root: pairs of a type and its field."""
    found: dict[str, tuple[tuple[str, str], ...]] = {"Query": ()}
    waiting: list[Any] = [SCHEMA.query_type]
    for type_ in waiting:
        members = list(type_.types) if isinstance(type_, GraphQLUnionType) else []
        if isinstance(type_, GraphQLInterfaceType):
            members = list(SCHEMA.get_possible_types(type_))
        steps = [(f"... on {one.name}", one) for one in members]
        if not isinstance(type_, GraphQLUnionType):
            steps += [(name, get_named_type(field.type)) for name, field in type_.fields.items()]
        for name, inner in steps:
            if is_leaf_type(inner) or inner.name in found or inner.name == "Log":
                continue
            found[inner.name] = (*found[type_.name], (type_.name, name))
            waiting.append(inner)
    return found


def questions(given: Mapping[str, str]) -> list[str]:
    """Documents that together ask each field of each type, as many of one type at once as the guard lets pass."""
    made: list[str] = []
    for type_name, way in ways().items():
        type_ = SCHEMA.type_map[type_name]
        if isinstance(type_, GraphQLObjectType):
            made += _passing(way, list(whole(type_, given)), given)
    return made


def _passing(way: tuple[tuple[str, str], ...], selections: list[str], given: Mapping[str, str]) -> list[str]:
    """Documents that ask for these fields at the end of a way, each of them one that the guard lets pass."""
    text = " ".join(["__typename", *selections])
    for above, step in reversed(way):
        if step.startswith("..."):
            text = f"__typename {step} {{ {text} }}"
        else:
            parent: Any = SCHEMA.type_map[above]
            text = f"{call(step, parent.fields[step], given)} {{ {text} }}"
    document = f"{{ {text} }}"
    try:
        ENGINE.prepare(document, {})
    except Refusal as refusal:
        if len(selections) == 1:
            message = f"A field cannot be asked for alone: {document} {refusal.errors}"
            raise ValueError(message) from None
        half = len(selections) // 2
        return [*_passing(way, selections[:half], given), *_passing(way, selections[half:], given)]
    return [document]
