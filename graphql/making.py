"""Makes a schema of its roots, as graphql-core executes it."""

from collections.abc import Callable
from typing import Any, cast

import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types.field import StrawberryField

from ..projections.gap_kinds import KINDS
from .query import Query
from .scalars import scalars


def made(mutation: type | None = None, subscription: type | None = None) -> GraphQLSchema:
    """Return the schema of every question, and of commands and what is told as it happens if their roots are given."""
    whole = strawberry.Schema(
        query=Query,
        mutation=mutation,
        subscription=subscription,
        config=StrawberryConfig(scalar_map=scalars(), disable_field_suggestions=True),
    )
    core: GraphQLSchema = whole._schema  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  there is no other way to it
    _leave_nulls_out(core)
    _explain_kinds(core)
    _make_lean(core)
    return core


def _leave_nulls_out(schema: GraphQLSchema) -> None:
    """Let what may be left out have no default, where Strawberry says null: that is noise on every argument."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            given = list(type_.fields.values())
        elif isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            given = [argument for field in type_.fields.values() for argument in field.args.values()]
        else:
            continue
        for each in given:
            if each.default_value is None:
                each.default_value = Undefined


def _explain_kinds(schema: GraphQLSchema) -> None:
    """Let each kind of gap say what it means: the domain's own enumeration has names alone."""
    kinds = cast("GraphQLEnumType", schema.type_map["GapKind"])
    for name, value in kinds.values.items():
        value.description = KINDS[name][1]


def _make_lean(schema: GraphQLSchema) -> None:
    """Let fields without arguments be read without Strawberry's ceremony, which costs more than reading them."""
    for type_ in schema.type_map.values():
        if not isinstance(type_, GraphQLObjectType) or type_.name.startswith("__"):
            continue
        for field in type_.fields.values():
            declared = field.extensions.get("strawberry-definition")
            if not isinstance(declared, StrawberryField) or field.args or field.subscribe:
                continue
            # Any, since Strawberry's own types leave open what a resolver returns.
            resolver = cast("Any", declared).base_resolver
            if resolver is None:
                field.resolve = _attribute(declared.python_name)
            elif not resolver.arguments and resolver.info_parameter is None:
                field.resolve = _method(resolver.wrapped_func)


def _attribute(name: str) -> Callable[[Any, Any], Any]:
    return lambda source, _info: getattr(source, name)


def _method(function: Any) -> Callable[[Any, Any], Any]:
    return lambda source, _info: function(source)
