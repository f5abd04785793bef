"""What a document may cost, judged before it is validated: one pass over its syntax tree, each fragment once.

Fragments make documents grow exponentially when they are expanded, so what a fragment amounts to is worked out once
and added where it is spread. Each limit is several times what a page for people needs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
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

PAGED: Final = frozenset({
    "adoptedBy", "byNetwork", "byOrganisation", "cases", "chains", "commitments", "events", "gaps", "organisations",
    "predecessors", "repeatOffenders", "search", "solvedForOne", "storiesRetold", "timeline", "todos", "units",
    "waits", "whatHonestyCosts",
})  # fmt: skip
"""The fields that answer in pages. A case's own ``gaps`` take no ``first`` and cost a default page all the same."""


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


def weigh(document: DocumentNode) -> Weighed:
    """Judge a document by all but the values of its variables. Raises ``Problem``."""
    fragments = sum(isinstance(definition, FragmentDefinitionNode) for definition in document.definitions)
    _check("fragments", fragments, FRAGMENTS_MAX)
    scale = _Scale(document, {})
    dearest = 0
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            weight = scale.selection(definition.selection_set, ())
            _check("root fields", weight.roots, ROOT_FIELDS_MAX)
            _check("fields", weight.fields, FIELDS_MAX)
            _check("levels of fields", weight.depth, DEPTH_MAX)
            _check("aliases", weight.aliases, ALIASES_MAX)
            _check("directives", weight.directives + len(definition.directives or ()), DIRECTIVES_MAX)
            scale.check_repeats([definition.selection_set])
            dearest = max(dearest, weight.cost)
    return Weighed(None if scale.varies else _allowed(dearest))


def cost_with(document: DocumentNode, variables: Mapping[str, Any]) -> int:
    """Return the cost of a document's dearest operation with the values of its variables. Raises ``Problem``."""
    scale = _Scale(document, variables)
    return _allowed(
        max(
            (
                scale.selection(definition.selection_set, ()).cost
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

    def __init__(self, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._known: dict[str, Weight] = {}
        self._variables = variables
        self.varies = False

    def selection(self, selections: SelectionSetNode | None, within: tuple[str, ...]) -> Weight:
        """Return what a selection amounts to; ``within`` are the fragments that it stands in."""
        total = Weight()
        for node in selections.selections if selections is not None else ():
            total.directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                self._add_field(total, node, within)
                continue
            if isinstance(node, InlineFragmentNode):
                below = self.selection(node.selection_set, within)
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

    def _add_field(self, total: Weight, node: FieldNode, within: tuple[str, ...]) -> None:
        below = self.selection(node.selection_set, within)
        total.roots += 1
        total.fields += 1 + below.fields
        total.aliases += (node.alias is not None) + below.aliases
        total.directives += below.directives
        depth = 1 + below.depth
        if node.name.value.startswith("__"):
            _check("levels of introspection", depth, INTROSPECTION_DEPTH_MAX)
            depth = 1
        total.depth = max(total.depth, depth)
        size = self._size(node)
        total.cost += below.cost if size is None else size * (1 + below.cost)

    def _size(self, node: FieldNode) -> int | None:
        """Return how many items a page may hold, none for what is no page."""
        for argument in node.arguments or ():
            if argument.name.value != "first":
                continue
            value = argument.value
            if isinstance(value, IntValueNode):
                # A number may have thousands of digits, which Python refuses to read.
                return max(int(value.value), 0) if len(value.value) <= DIGITS_MAX else COST_MAX + 1
            if isinstance(value, VariableNode):
                self.varies = True
                given = self._variables.get(value.name.value)
                return max(given, 0) if isinstance(given, int) else FIRST_DEFAULT
        return FIRST_DEFAULT if node.name.value in PAGED and node.selection_set is not None else None

    def _fragment(self, node: FragmentSpreadNode, within: tuple[str, ...]) -> Weight:
        name = node.name.value
        if name in within:
            message = f"The fragment {name} contains itself."
            raise Problem(ProblemCode.INVALID, message)
        known = self._known.get(name)
        if known is None:
            fragment = self._fragments.get(name)
            # One that is missing is for validation to name.
            known = Weight() if fragment is None else self.selection(fragment.selection_set, (*within, name))
            self._known[name] = known
        return known
