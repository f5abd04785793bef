"""A query as a plan: what is worked out for each field of each object otherwise, worked out once for its document.

graphql-core looks up, at every object of an answer, which fields were asked for, what type each is of and how it is
completed; that costs ten times what reading the field does. A plan is that knowledge as nested functions. It answers as
graphql-core does, with the same errors in the same places, and awaits what is not at hand together, level by level, so
that a level still costs one statement. ``planning.py`` makes plans.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from types import CoroutineType
from typing import Any, Final, NamedTuple

from graphql import ExecutionResult, FieldNode, GraphQLError, GraphQLSchema, OperationDefinitionNode, located_error
from graphql.execution.values import VariableValues, get_variable_values

VARIABLE_ERRORS_MAX: Final = 50
"""How many mistakes in variables are told, as graphql-core has it."""

Place = tuple[Any, str | int] | None
"""Where something stands in an answer: where what holds it stands, and under which key; none: the whole."""


class Slot:
    """Where null goes if what stands there cannot be answered; ``void`` says that it has come to that."""

    __slots__ = ("above", "holder", "key", "void")

    def __init__(self, holder: Any, key: str | int, above: "Slot | None") -> None:
        self.holder = holder
        self.key = key
        self.above = above
        self.void = False

    def give_up(self) -> None:
        """Put null there."""
        self.holder[self.key] = None
        self.void = True

    def is_void(self) -> bool:
        """Return whether null stands there, or above it."""
        slot: Slot | None = self
        while slot is not None:
            if slot.void:
                return True
            slot = slot.above
        return False


class Field(NamedTuple):
    """One field of a selection: a leaf with its encoding, if it needs one, or something with a selection ``below``."""

    key: str
    resolve: Callable[[Any, "Run"], Any]
    leaf: Callable[[Any], Any] | None
    below: "Below | None"
    nullable: bool
    nodes: list[FieldNode]
    name: str


class Waiting(NamedTuple):
    """A field whose value is still to come, and where it goes."""

    value: Coroutine[Any, Any, Any]
    field: Field
    answer: dict[str, Any]
    place: Place
    slot: Slot


class Run:
    """One execution of a plan."""

    __slots__ = ("context", "errors", "variables", "waiting")

    def __init__(self, context: object, variables: VariableValues) -> None:
        self.context = context
        self.variables = variables
        self.errors: list[GraphQLError] = []
        self.waiting: list[Waiting] = []

    def failed(self, error: Exception, field: Field, place: Place) -> GraphQLError:
        """Return an error as one of a field at a place."""
        return located_error(error, field.nodes, [*_path(place), field.key])

    async def settle(self) -> None:
        """Await what is still to come, together, and what comes up below it, until nothing is."""
        while self.waiting:
            waiting, self.waiting = self.waiting, []
            for each in waiting:
                if each.slot.is_void():
                    each.value.close()
            alive = [each for each in waiting if not each.slot.is_void()]
            if len(alive) == 1:
                # As most often on the way down to a list: a task of its own would cost more than it does.
                try:
                    found = [await alive[0].value]
                except Exception as error:  # noqa: BLE001  a resolver's: told in its place
                    found = [error]
            else:
                found = await asyncio.gather(*(each.value for each in alive), return_exceptions=True)
            for each, value in zip(alive, found, strict=True):
                if not each.slot.is_void():
                    self._come(each, value)

    def _come(self, came: Waiting, value: Any) -> None:
        _, field, answer, place, slot = came
        mine = Slot(answer, field.key, slot) if field.nullable else slot
        try:
            if isinstance(value, BaseException):
                raise value  # noqa: TRY301  as if it had been raised here
            answer[field.key] = _completed(value, field, self, place, mine)
        except Exception as error:  # noqa: BLE001  a resolver's: told in its place
            self.errors.append(self.failed(error, field, place))
            mine.give_up()


Below = Callable[[Any, Run, Place, Slot], Any]
"""Completes a value that has a selection, or a list: gets where it stands, and where null goes if it cannot be."""


class Plan(NamedTuple):
    """A query of a document, ready to be executed any number of times."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    root: Below

    def answers(self, name: str | None) -> bool:
        """Return whether this is the operation of a name; of none, the only one there is."""
        return name is None or (self.operation.name is not None and self.operation.name.value == name)

    async def execute(self, context: object, variables: Mapping[str, Any]) -> ExecutionResult:
        """Return the answer with some variables."""
        given = get_variable_values(
            self.schema, self.operation.variable_definitions or (), dict(variables), VARIABLE_ERRORS_MAX
        )
        if isinstance(given, list):
            return ExecutionResult(None, given)
        run = Run(context, given)
        whole: dict[str, Any] = {"data": None}
        slot = Slot(whole, "data", None)
        try:
            whole["data"] = self.root(None, run, None, slot)
            await run.settle()
        except GraphQLError as error:
            run.errors.append(error)
            slot.give_up()
        finally:
            for each in run.waiting:
                each.value.close()
        return ExecutionResult(whole["data"], run.errors or None)


def object_with(fields: Sequence[Field]) -> Below:
    """Return what completes an object with these fields: the one function in which most of the time is spent."""

    def complete(source: Any, run: Run, place: Place, slot: Slot) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for field in fields:
            key, resolve, leaf, below, nullable, _, _ = field
            mine = slot
            try:
                found = resolve(source, run)
                if found is None:
                    if not nullable:
                        raise _null(field)  # noqa: TRY301  told below as any other mistake of a resolver
                    answer[key] = None
                elif type(found) is CoroutineType:
                    answer[key] = None
                    run.waiting.append(Waiting(found, field, answer, place, slot))
                elif below is not None:
                    if nullable:
                        mine = Slot(answer, key, slot)
                    answer[key] = below(found, run, (place, key), mine)
                else:
                    answer[key] = found if leaf is None else leaf(found)
            except Exception as error:
                failure = run.failed(error, field, place)
                if not nullable:
                    raise failure from error
                run.errors.append(failure)
                answer[key] = None
                if mine is not slot:
                    mine.void = True
        return answer

    return complete


def _completed(value: Any, field: Field, run: Run, place: Place, slot: Slot) -> Any:
    """Return a field's value as it stands in the answer. Raises what keeps it from that."""
    if value is None:
        if not field.nullable:
            raise _null(field)
        return None
    if field.below is not None:
        return field.below(value, run, (place, field.key), slot)
    return value if field.leaf is None else field.leaf(value)


def list_of(leaf: Callable[[Any], Any] | None, below: Below | None, *, nullable: bool) -> Below:
    """Return what completes a list of leaves, or of what has a selection; its items ``nullable`` or not."""

    def leaves(values: Iterable[Any], run: Run, place: Place, slot: Slot) -> list[Any]:
        found = [value if leaf is None or value is None else leaf(value) for value in values]
        if not nullable and None in found:
            raise _null_item()
        return found

    def objects(values: Iterable[Any], run: Run, place: Place, slot: Slot) -> list[Any]:
        assert below is not None
        found: list[Any] = []
        for index, value in enumerate(values):
            if value is None:
                if not nullable:
                    raise _null_item()
                found.append(None)
            else:
                found.append(below(value, run, (place, index), slot))
        return found

    return leaves if below is None else objects


def _null(field: Field) -> TypeError:
    return TypeError(f"Cannot return null for non-nullable field {field.name}.")


def _null_item() -> TypeError:
    return TypeError("Cannot return null for a non-nullable item of a list.")


def _path(place: Place) -> list[str | int]:
    """Return a place as the keys that lead to it."""
    keys: list[str | int] = []
    while place is not None:
        place, key = place
        keys.append(key)
    return keys[::-1]
