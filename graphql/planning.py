"""Plans of queries, made of their documents and the schema.

Directives, introspection, commands and subscriptions have no plan: graphql-core executes them.
"""

from collections.abc import Awaitable, Callable, Sequence
from types import CoroutineType
from typing import Any, Final, TypeGuard, TypeVar, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLID,
    GraphQLNamedOutputType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    is_list_type,  # pyright: ignore[reportUnknownVariableType]  graphql-core leaves open what a list is of
    is_non_null_type,  # pyright: ignore[reportUnknownVariableType]  as above
)
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path

from .plan import Below, Field, Place, Plan, Run, Slot, list_of, object_with

_AS_IT_IS: Final = frozenset({GraphQLString, GraphQLID, GraphQLBoolean})
"""Scalars whose values our resolvers give as they are written: type checkers see to it."""

T = TypeVar("T", bound=Callable[[Any, Any], Any])

_lean: Final[set[object]] = set()


def lean(resolve: T) -> T:
    """Return a resolver, and remember that it looks at nothing but its source: plans call it as it is."""
    _lean.add(resolve)
    return resolve


def plan_of(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Plan | None:
    """Return the plan of a validated query; none where it has to be left to graphql-core."""
    if operation.operation is not OperationType.QUERY or schema.query_type is None or _directed(document):
        return None
    try:
        planner = _Planner(schema, document, operation)
        return Plan(schema, operation, planner.object_of(schema.query_type, [operation.selection_set]))
    except _Unplanned:
        return None


def _varies(field: FieldNode) -> bool:
    """Return whether a variable stands anywhere in the arguments of a field."""
    below: list[Any] = [argument.value for argument in field.arguments or ()]
    while below:
        match below.pop():
            case VariableNode():
                return True
            case ListValueNode(values=values):
                below += values
            case ObjectValueNode(fields=fields):
                below += [each.value for each in fields]
            case _:
                pass
    return False


def _directed(document: DocumentNode) -> bool:
    """Return whether a directive stands anywhere in the operations and fragments of a document."""
    within = [
        each for each in document.definitions if isinstance(each, OperationDefinitionNode | FragmentDefinitionNode)
    ]
    below: list[Any] = list(within)
    while below:
        node = below.pop()
        if node.directives:
            return True
        selection = getattr(node, "selection_set", None)
        below += selection.selections if selection is not None else ()
    return False


class _Unplanned(Exception):  # noqa: N818  no error
    """The query holds what a plan has no way with."""


class _Planner:
    """Makes the plan of one query."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }

    def object_of(self, type_: GraphQLObjectType, selections: Sequence[SelectionSetNode]) -> Below:
        """Return what completes an object of a type."""
        collected: dict[str, list[FieldNode]] = {}
        for selection in selections:
            self._collect(type_, selection, collected, set())
        return object_with([self._field(type_, key, nodes) for key, nodes in collected.items()])

    def _collect(
        self,
        type_: GraphQLObjectType,
        selections: SelectionSetNode,
        collected: dict[str, list[FieldNode]],
        seen: set[str],
    ) -> None:
        """Collect the fields of a selection, and of the fragments in it that a type fits, by their keys."""
        for node in selections.selections:
            match node:
                case FieldNode():
                    key = (node.alias or node.name).value
                    collected.setdefault(key, []).append(node)
                case InlineFragmentNode():
                    if node.type_condition is None or self._fits(node.type_condition.name.value, type_):
                        self._collect(type_, node.selection_set, collected, seen)
                case FragmentSpreadNode():
                    fragment = self._fragments[node.name.value]
                    if node.name.value not in seen and self._fits(fragment.type_condition.name.value, type_):
                        seen.add(node.name.value)
                        self._collect(type_, fragment.selection_set, collected, seen)
                case _:
                    raise AssertionError("GraphQL knows three kinds of selection")

    def _fits(self, condition: str, type_: GraphQLObjectType) -> bool:
        wanted = self._schema.type_map[condition]
        return wanted is type_ or (
            not isinstance(wanted, GraphQLObjectType) and self._schema.is_sub_type(cast("Any", wanted), type_)
        )

    def _field(self, type_: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Field:
        name = nodes[0].name.value
        full = f"{type_.name}.{name}"
        if name == "__typename":
            return Field(key, _constant(type_.name), None, None, False, nodes, full)
        if name not in type_.fields:
            raise _Unplanned  # introspection: what else is no field, validation has found
        field = type_.fields[name]
        nullable, leaf, below = self._completing(field.type, nodes)
        return Field(key, self._resolver(type_, field, key, nodes), leaf, below, nullable, nodes, full)

    def _resolver(
        self, type_: GraphQLObjectType, field: GraphQLField, key: str, nodes: list[FieldNode]
    ) -> Callable[[Any, Run], Any]:
        resolve = field.resolve
        if resolve is None:
            raise _Unplanned
        if resolve in _lean:
            return resolve
        fragments, operation, schema = self._fragments, self._operation, self._schema
        node = nodes[0]
        # What hangs on no variable is the same each time.
        constant = None if _varies(node) else get_argument_values(field, node)

        def asked(source: Any, run: Run) -> Any:
            info = GraphQLResolveInfo(
                field_name=node.name.value,
                field_nodes=nodes,
                return_type=cast("Any", field).type,
                parent_type=type_,
                path=Path(None, key, type_.name),
                schema=schema,
                fragments=fragments,
                root_value=None,
                operation=operation,
                variable_values=run.variables,
                context=run.context,
                is_awaitable=_is_awaitable,
                abort_signal=None,
                async_helpers=cast("Any", None),  # for those who begin work and do not await it; ours do not
            )
            given = get_argument_values(field, node, run.variables) if constant is None else constant
            return resolve(source, info, **given)

        return asked

    def _completing(
        self, type_: Any, nodes: Sequence[FieldNode]
    ) -> tuple[bool, Callable[[Any], Any] | None, Below | None]:
        """Return whether a value of a type may be null, and how another is completed: as a leaf, or below."""
        # Any: graphql-core leaves open what a list is one of.
        if is_non_null_type(type_):
            _, leaf, below = self._completing(cast("Any", type_).of_type, nodes)
            return False, leaf, below
        if is_list_type(type_):
            nullable, leaf, below = self._completing(cast("Any", type_).of_type, nodes)
            return True, None, list_of(leaf, below, nullable=nullable)
        if isinstance(type_, GraphQLScalarType | GraphQLEnumType):
            return True, _leaf(type_), None
        selections = [node.selection_set for node in nodes if node.selection_set is not None]
        if isinstance(type_, GraphQLObjectType):
            return True, None, self.object_of(type_, selections)
        return True, None, self._abstract(type_, selections)

    def _abstract(self, type_: GraphQLNamedOutputType, selections: Sequence[SelectionSetNode]) -> Below:
        """Return what completes an object of one of several types, planned when such a one is first met."""
        possible = {_class_of(each): each for each in self._schema.get_possible_types(cast("Any", type_))}
        planned: dict[type[object], Below] = {}

        def complete(value: Any, run: Run, place: Place, slot: Slot) -> Any:
            class_ = cast("type[object]", type(value))
            if class_ not in planned:
                # Not beforehand: where such types hold each other, each level would be planned for all of them.
                planned[class_] = self.object_of(possible[class_], selections)
            return planned[class_](value, run, place, slot)

        return complete


def _leaf(type_: GraphQLScalarType | GraphQLEnumType) -> Callable[[Any], Any] | None:
    if type_ in _AS_IT_IS:
        return None
    if isinstance(type_, GraphQLEnumType):
        # Strawberry looks through all values of an enumeration for each one.
        names = {value.value: name for name, value in type_.values.items()}
        return lambda value: names[value.value]
    return type_.coerce_output_value


def _class_of(type_: GraphQLObjectType) -> type:
    """Return the class of our own that stands for a type of the schema."""
    return type_.extensions["strawberry-definition"].origin


def _constant(value: str) -> Callable[[Any, Run], Any]:
    return lambda _source, _run: value


def _is_awaitable(value: object) -> TypeGuard[Awaitable[Any]]:
    return type(value) is CoroutineType
