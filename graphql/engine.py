"""Answers documents: parsed, judged and validated once, executed within a limit of time, with masked errors.

A document that was validated is kept, since clients send the same few again and again; what is kept never includes a
value of a variable.
"""

import asyncio
import logging
from asyncio import Future
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from types import CoroutineType, MappingProxyType
from typing import Any, Final, TypeGuard, cast
from uuid import uuid4

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    execute,  # pyright: ignore[reportUnknownVariableType]  graphql-core leaves its middleware's type open
    parse,
    specified_rules,
    subscribe,  # pyright: ignore[reportUnknownVariableType]  as execute
    validate,
)
from msgspec import Struct

from .asking import Asking
from .executor import BoundedExecutor
from .guard import TOKENS_MAX, Weighed, cost_with, weigh
from .problems import Problem, ProblemCode

EXECUTION_SECONDS_MAX: Final = 5.0
"""How long an answer may take, waiting for projections not included: what somebody waits for before a screen."""

WAITING_SECONDS_MAX: Final = 5.0
"""How long ``atLeast`` may wait on top of that."""

DOCUMENTS_KEPT: Final = 1_000
"""Validated documents kept at hand, some 50 kB each at most."""

NO_VARIABLES: Final[Mapping[str, Any]] = MappingProxyType({})

ERRORS_MAX: Final = 5
"""How many mistakes of a document are named at once."""

_log = logging.getLogger(__name__)


class Prepared(Struct, frozen=True):
    """A document that may be executed with these variables; ``cost`` is how many items it may answer with."""

    document: DocumentNode
    variables: Mapping[str, Any]
    cost: int


class Refusal(Exception):  # noqa: N818  named for what it is
    """A document that is not executed, and the errors that say why."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__("the document is not executed")
        self.errors = [formatted(error) for error in errors]


class Engine:
    """Answers documents on the registry's schema, or on the part of it that holds its questions."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool) -> None:
        self._schema = schema
        rules = specified_rules if introspection else (*specified_rules, NoSchemaIntrospectionCustomRule)
        self._rules = tuple(rules)
        self._kept: OrderedDict[str, tuple[DocumentNode, Weighed]] = OrderedDict()

    def prepare(self, text: str, variables: Mapping[str, Any] = NO_VARIABLES) -> Prepared:
        """Return a document ready to be executed. Raises ``Refusal``."""
        try:
            document, weighed = self._judged(text)
            cost = cost_with(document, self._schema, variables) if weighed.cost is None else weighed.cost
        except GraphQLError as error:
            raise Refusal([error]) from None
        except RecursionError:
            raise Refusal([Problem(ProblemCode.TOO_COMPLEX, "The question is nested too deeply.")]) from None
        return Prepared(document, variables, cost)

    def _judged(self, text: str) -> tuple[DocumentNode, Weighed]:
        """Return a document that may be executed, if its variables do not make it too dear. Raises ``Refusal``."""
        kept = self._kept.get(text)
        if kept is not None:
            self._kept.move_to_end(text)
            return kept
        document = parse(text, no_location=False, max_tokens=TOKENS_MAX)
        weighed = weigh(document, self._schema)
        errors = validate(self._schema, document, self._rules, max_errors=ERRORS_MAX)
        if errors:
            raise Refusal(errors)
        self._kept[text] = document, weighed
        if len(self._kept) > DOCUMENTS_KEPT:
            self._kept.popitem(last=False)
        return document, weighed

    async def answer(self, prepared: Prepared, operation: str | None, asking: Asking) -> dict[str, Any]:
        """Return the answer to a query or a mutation, as GraphQL's response. Never raises for what a client did."""
        try:
            if operation_type(prepared, operation) is OperationType.SUBSCRIPTION:
                message = "Subscriptions are asked for over a WebSocket (graphql-transport-ws) on this path."
                return failed(Problem(ProblemCode.INVALID, message))
            async with asyncio.timeout(EXECUTION_SECONDS_MAX + WAITING_SECONDS_MAX):
                begun = execute(
                    self._schema,
                    prepared.document,
                    context_value=asking,
                    variable_values=dict(prepared.variables),
                    operation_name=operation,
                    executor_class=BoundedExecutor,
                    is_awaitable=_is_awaitable,
                )
                result = await begun if _is_awaitable(begun) else begun
                assert isinstance(result, ExecutionResult), "whatever is no coroutine and no future is the result"
                return response(result)
        except TimeoutError:
            message = (
                "This took too long and was broken off; ask for less at once. "
                "Whether a command had its effect is not known: send it again with the same commandId."
            )
            return failed(Problem(ProblemCode.TIMEOUT, message))
        except GraphQLError as error:
            return failed(error)

    async def stream(self, prepared: Prepared, operation: str | None, asking: Asking) -> AsyncGenerator[dict[str, Any]]:
        """Yield the answers of a subscription, or the one answer of anything else."""
        if operation_type(prepared, operation) is not OperationType.SUBSCRIPTION:
            yield await self.answer(prepared, operation, asking)
            return
        begun = subscribe(
            self._schema,
            prepared.document,
            context_value=asking,
            variable_values=dict(prepared.variables),
            operation_name=operation,
            executor_class=BoundedExecutor,
        )
        # graphql-core promises an iterator and gives a generator, which can be closed.
        source = cast(
            "AsyncGenerator[ExecutionResult] | ExecutionResult", await begun if _is_awaitable(begun) else begun
        )
        if isinstance(source, ExecutionResult):
            # There is no stream, as when a variable is not what it should be.
            yield {"errors": [formatted(error) for error in source.errors or ()]}
            return
        try:
            async for result in source:
                yield response(result)
        except GraphQLError as error:
            yield failed(error)
        finally:
            await source.aclose()


def operation_type(prepared: Prepared, operation: str | None) -> OperationType | None:
    """Return of which type an operation of a document is; none if it has no such operation."""
    for definition in prepared.document.definitions:
        if isinstance(definition, OperationDefinitionNode) and (
            operation is None or (definition.name is not None and definition.name.value == operation)
        ):
            return definition.operation
    return None


def response(result: ExecutionResult) -> dict[str, Any]:
    """Return a result as GraphQL's response."""
    if result.errors:
        return {"data": result.data, "errors": [formatted(error) for error in result.errors]}
    return {"data": result.data}


def failed(error: GraphQLError) -> dict[str, Any]:
    """Return the response to what was not executed."""
    return {"errors": [formatted(error)]}


def formatted(error: GraphQLError) -> dict[str, Any]:
    """Return an error as clients get to see it: ours and GraphQL's own as they are, all others masked and logged."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and not isinstance(cause, Problem) and cause.original_error is not None:
        cause = cause.original_error
    shown: dict[str, Any] = {"message": error.message}
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path:
        shown["path"] = error.path
    known = error if isinstance(error, Problem) else cause
    if isinstance(known, Problem):
        shown["message"] = known.message
        shown["extensions"] = known.extensions
    elif cause is None or isinstance(cause, GraphQLError):
        shown["extensions"] = {"code": ProblemCode.INVALID.value}
    else:
        number = uuid4()
        _log.error("error %s in a resolver", number, exc_info=cause)
        shown["message"] = f"Something went wrong in the registry itself; it was logged as {number}."
        shown["extensions"] = {"code": ProblemCode.INTERNAL.value}
    return shown


def _is_awaitable(value: object) -> TypeGuard[Awaitable[Any]]:
    """Return whether a value is to be awaited: faster than graphql-core's own test, and enough for our resolvers."""
    return type(value) is CoroutineType or isinstance(value, Future)
