"""What a document may cost, judged before it is validated: one pass over its syntax tree, each fragment once.

Fragments make documents grow exponentially when they are expanded, so what a fragment amounts to is worked out once
and added where it is spread. Each limit is several times what a page for people needs.

Nobody knows beforehand how long a list is that is no page. It is weighed as one of ``LIST_ASSUMED``, and ``executor``
counts what lists turn out to hold.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)
from msgspec import Struct

from .nodes import FIRST_DEFAULT
from .problems import Problem, ProblemCode

TOKENS_MAX: Final = 1_000
FRAGMENTS_MAX: Final = 20
FIELDS_MAX: Final = 500
DEPTH_MAX: Final = 12
ALIASES_MAX: Final = 15
DIRECTIVES_MAX: Final = 5
ROOT_FIELDS_MAX: Final = 5
COST_MAX: Final = 10_000

REPEATS_MAX: Final = 25
"""How often one field may be asked for at one place. Validation compares each of them with each other one, and what
stands in them: five hundred of a name would take it a fifth of a second. Every fragment may ask for an ``id``."""

DIGITS_MAX: Final = 9
"""Digits of a page's size that are looked at; a longer one is too large however it goes on."""

INTROSPECTION_DEPTH_MAX: Final = 20
"""The question that tools ask of every schema is deeper than ours are; graphql-core bounds its lists itself."""

LIST_ASSUMED: Final = 5
"""How many things a list is weighed as that is no page, such as the obstacles of a case: about as many as there are.
Lists of plain values weigh nothing, since nothing stands within them."""

WITHIN_A_PAGE: Final = frozenset({"edges", "nodes"})
"""The lists of a page, which has been weighed with them."""


class Weight(Struct):
    """What a selection amounts to once its fragments are expanded. ``cost`` counts what pages may hold."""

    fields: int = 0
    depth: int = 0
    aliases: int = 0
    directives: int = 0
    roots: int = 0
    cost: int = 0


class Weighed(Struct, frozen=True):
    """A document that passed; ``cost`` is that of its dearest operation, none if it hangs on the variables given."""

    cost: int | None


def weigh(document: DocumentNode, schema: GraphQLSchema) -> Weighed:
    """Judge a document by all but the values of its variables. Raises ``Problem``."""
    fragments = sum(isinstance(definition, FragmentDefinitionNode) for definition in document.definitions)
    _check("fragments", fragments, FRAGMENTS_MAX)
    scale = _Scale(document, schema, {})
    dearest = 0
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            weight = scale.operation(definition)
            _check("root fields", weight.roots, ROOT_FIELDS_MAX)
            _check("fields", weight.fields, FIELDS_MAX)
            _check("levels of fields", weight.depth, DEPTH_MAX)
            _check("aliases", weight.aliases, ALIASES_MAX)
            _check("directives", weight.directives + len(definition.directives or ()), DIRECTIVES_MAX)
            scale.check_repeats([definition.selection_set])
            dearest = max(dearest, weight.cost)
    return Weighed(None if scale.varies else _allowed(dearest))


def cost_with(document: DocumentNode, schema: GraphQLSchema, variables: Mapping[str, Any]) -> int:
    """Return the cost of a document's dearest operation with the values of its variables. Raises ``Problem``."""
    scale = _Scale(document, schema, variables)
    return _allowed(
        max(
            (
                scale.operation(definition).cost
                for definition in document.definitions
                if isinstance(definition, OperationDefinitionNode)
            ),
            default=0,
        )
    )


def _check(what: str, found: int, limit: int) -> None:
    if found > limit:
        message = f"The question is too complex: {min(found, 10 * limit)} {what}, where {limit} are allowed."
        raise Problem(ProblemCode.TOO_COMPLEX, message)


def _allowed(cost: int) -> int:
    """Return a cost if it is allowed. Raises ``Problem``."""
    if cost > COST_MAX:
        message = (
            f"The question may answer with {min(cost, 10 * COST_MAX)} items, where {COST_MAX} are allowed: "
            "ask for smaller pages, or for fewer within each other."
        )
        raise Problem(ProblemCode.TOO_COMPLEX, message)
    return cost


class _Scale:
    """Weighs selections, each fragment once."""

    def __init__(self, document: DocumentNode, schema: GraphQLSchema, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._known: dict[str, Weight] = {}
        self._variables = variables
        self._defaults = _defaults(document)
        self.varies = False

    def operation(self, definition: OperationDefinitionNode) -> Weight:
        """Return what an operation amounts to."""
        root = self._schema.get_root_type(definition.operation)
        return self._selection(definition.selection_set, root, ())

    def _selection(
        self, selections: SelectionSetNode | None, of: GraphQLNamedType | None, within: tuple[str, ...]
    ) -> Weight:
        """Return what a selection on a type amounts to; ``within`` are the fragments that it stands in."""
        total = Weight()
        for node in selections.selections if selections is not None else ():
            total.directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                self._add_field(total, node, of, within)
                continue
            if isinstance(node, InlineFragmentNode):
                below = self._selection(node.selection_set, self._narrowed(of, node.type_condition), within)
            else:
                assert isinstance(node, FragmentSpreadNode), "GraphQL knows three kinds of selection"
                below = self._fragment(node, within)
            total.fields += below.fields
            total.aliases += below.aliases
            total.directives += below.directives
            total.roots += below.roots
            total.cost += below.cost
            total.depth = max(total.depth, below.depth)
        return total

    def check_repeats(self, selections: Sequence[SelectionSetNode]) -> None:
        """Refuse a field asked for too often at one place of the answer; only for what has passed as small enough."""
        places: dict[str, int] = {}
        below: dict[str, list[SelectionSetNode]] = {}
        for field in self._fields(selections):
            name = field.name.value if field.alias is None else field.alias.value
            places[name] = places.get(name, 0) + 1
            if field.selection_set is not None:
                below.setdefault(name, []).append(field.selection_set)
        _check("times the same field", max(places.values(), default=0), REPEATS_MAX)
        for sets in below.values():
            self.check_repeats(sets)

    def _fields(self, selections: Iterable[SelectionSetNode]) -> Iterator[FieldNode]:
        """Yield the fields of selections, those of their fragments included."""
        for node in (node for selection in selections for node in selection.selections):
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from self._fields([node.selection_set])
            elif isinstance(node, FragmentSpreadNode) and node.name.value in self._fragments:
                yield from self._fields([self._fragments[node.name.value].selection_set])

    def _add_field(self, total: Weight, node: FieldNode, of: GraphQLNamedType | None, within: tuple[str, ...]) -> None:
        # What a type does not have is for validation to name.
        field = _field(of, node.name.value)
        inner = None if field is None else _named(field.type)
        below = self._selection(node.selection_set, inner, within)
        total.roots += 1
        total.fields += 1 + below.fields
        total.aliases += (node.alias is not None) + below.aliases
        total.directives += below.directives
        depth = 1 + below.depth
        if node.name.value.startswith("__"):
            _check("levels of introspection", depth, INTROSPECTION_DEPTH_MAX)
            depth = 1
        total.depth = max(total.depth, depth)
        size = None if field is None else self._size(node, field)
        total.cost += below.cost if size is None else size * (1 + below.cost)

    def _size(self, node: FieldNode, field: Any) -> int | None:
        """Return how many items a page or a list may hold, none for what is neither."""
        given = next((one.value for one in node.arguments or () if one.name.value == "first"), None)
        if _lists_things(field.type):
            if node.name.value in WITHIN_A_PAGE:
                return None
            # Its own default is how many there may be at most, and 'first' may say something else, as of 'Case.gaps'.
            return LIST_ASSUMED if given is None else max(self._first(given), LIST_ASSUMED)
        return self._first(given) if "first" in field.args else None

    def _first(self, given: ValueNode | None) -> int:
        """Return how many are asked for: in the document, in a variable, or where it is left out by its default."""
        if not isinstance(given, VariableNode):
            return _written(given)
        self.varies = True
        name = given.name.value
        return _bounded(self._variables[name]) if name in self._variables else self._defaults.get(name, FIRST_DEFAULT)

    def _narrowed(self, of: GraphQLNamedType | None, condition: NamedTypeNode | None) -> GraphQLNamedType | None:
        return of if condition is None else self._schema.get_type(condition.name.value)

    def _fragment(self, node: FragmentSpreadNode, within: tuple[str, ...]) -> Weight:
        name = node.name.value
        if name in within:
            message = f"The fragment {name} contains itself."
            raise Problem(ProblemCode.INVALID, message)
        known = self._known.get(name)
        if known is None:
            fragment = self._fragments.get(name)
            # One that is missing is for validation to name.
            known = Weight() if fragment is None else self._within(fragment, (*within, name))
            self._known[name] = known
        return known

    def _within(self, fragment: FragmentDefinitionNode, within: tuple[str, ...]) -> Weight:
        of = self._schema.get_type(fragment.type_condition.name.value)
        return self._selection(fragment.selection_set, of, within)


def _field(of: GraphQLNamedType | None, name: str) -> Any:
    """Return a field of a type, as the schema has it; none if there is none."""
    return of.fields.get(name) if isinstance(of, GraphQLObjectType | GraphQLInterfaceType) else None


def _named(type_: Any) -> GraphQLNamedType:
    """Return the type of a field, or of what it lists."""
    return cast("GraphQLNamedType", get_named_type(type_))


def _lists_things(type_: Any) -> bool:
    """Return whether the type of a field is a list of what has fields itself, as in ``[Case!]!``."""
    return str(type_).startswith("[") and not is_leaf_type(_named(type_))


def _defaults(document: DocumentNode) -> dict[str, int]:
    """Return the sizes that variables stand for where they are left out: the largest that an operation gives them."""
    found: dict[str, int] = {}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            for variable in definition.variable_definitions or ():
                name, size = variable.variable.name.value, _written(variable.default_value)
                found[name] = max(size, found.get(name, 0))
    return found


def _written(value: ValueNode | None) -> int:
    """Return the size that a document gives; without a number in it a page is a default one."""
    if not isinstance(value, IntValueNode):
        return FIRST_DEFAULT
    # A number may have thousands of digits, which Python refuses to read.
    return max(int(value.value), 0) if len(value.value) <= DIGITS_MAX else COST_MAX + 1


def _bounded(given: object) -> int:
    """Return the size that a variable gives. 200.0 is a whole number to GraphQL, too."""
    return int(min(max(given, 0), COST_MAX + 1)) if isinstance(given, int | float) else FIRST_DEFAULT
