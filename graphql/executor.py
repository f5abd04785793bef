"""Executes documents as graphql-core does, within a limit of what one answer may hold.

``guard`` weighs a document before anything is read, but how long a list is that is no page turns out only here. And
once a case has been read all below it is at hand: nothing is waited for then, so no limit of time could break it off.
"""

import asyncio
from collections.abc import Callable, Iterable, Sized
from typing import Any, Final, cast

from graphql import Executor, OperationType

from .problems import Problem, ProblemCode

ITEMS_MAX: Final = 30_000
"""How many items all lists of one answer may hold together. Three times what its document may cost: the nodes of a page
can be asked for beside its edges, and plain lists may be longer than was assumed."""

ITEMS_AT_A_TIME: Final = 500
"""After so many items everybody else in the process has their turn, and the limit of time can break the answer off."""


class BoundedExecutor(Executor[Any]):
    """Counts the items of all lists. Subscriptions copy it for each of their answers, before anything was counted."""

    def __init__(self, *given: Any, **named: Any) -> None:
        """Count from nothing; what is given is for graphql-core."""
        super().__init__(*given, **named)  # pyright: ignore[reportUnknownMemberType]  it leaves some of its types open
        self._items = 0
        self._items_this_turn = 0

    def complete_iterable_value(
        self, item_type: Any, field_details_list: Any, info: Any, path: Any, items: Iterable[Any], position_context: Any
    ) -> Any:
        """Complete a list, in a later turn of the event loop if this one has had its share. Raises ``Problem``."""
        found = items if isinstance(items, Sized) else list(items)
        self._items += len(found)
        self._expect_room()
        complete = cast("Callable[..., Any]", super().complete_iterable_value)  # pyright: ignore[reportUnknownMemberType]

        def completed() -> Any:
            self._items_this_turn += len(found)
            if self._items_this_turn >= ITEMS_AT_A_TIME:
                asyncio.get_running_loop().call_soon(self._begin_turn)
            return complete(item_type, field_details_list, info, path, found, position_context)

        async def completed_later() -> Any:
            while self._items_this_turn >= ITEMS_AT_A_TIME:  # noqa: ASYNC110  nothing else happens before the next turn
                await asyncio.sleep(0)
            # What was put off before the answer was refused is not completed in vain.
            self._expect_room()
            value = completed()
            return await value if hasattr(value, "__await__") else value

        return completed() if self._items_this_turn < ITEMS_AT_A_TIME else completed_later()

    def handle_field_error(self, raw_error: Exception, return_type: Any, field_details_list: Any, path: Any) -> None:
        """Refuse the whole answer where it holds too much, and not only what may be null in it. Raises ``Problem``."""
        self._expect_room()
        super().handle_field_error(raw_error, return_type, field_details_list, path)  # pyright: ignore[reportUnknownMemberType]

    def _begin_turn(self) -> None:
        self._items_this_turn = 0

    def _expect_room(self) -> None:
        """Raise ``Problem`` once more was counted than an answer may hold."""
        if self._items <= ITEMS_MAX:
            return
        if self.operation.operation is OperationType.MUTATION:
            message = (
                f"The answer would hold more than {ITEMS_MAX} items; ask for less. "
                "Whether a command had its effect is not known: send it again with the same commandId."
            )
        else:
            message = (
                f"The answer would hold more than {ITEMS_MAX} items: "
                "ask for smaller pages, or for fewer lists within each other."
            )
        raise Problem(ProblemCode.TOO_COMPLEX, message)
