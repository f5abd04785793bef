"""What the Relay conventions ask for: things with global ids, and pages of connections."""

import base64
import binascii
from typing import Any, Final, TypeVar

import msgspec
import strawberry

from .problems import bad_input

FIRST_DEFAULT: Final = 20
FIRST_MAX: Final = 200

T = TypeVar("T")


@strawberry.interface(description="A thing that can be fetched again by its id.")
class Node:
    """Whatever has a global id; each type says how it is made."""

    @strawberry.field(description="Its global id.")
    def id(self) -> strawberry.ID:
        """Return its global id."""
        raise NotImplementedError


@strawberry.type(description="Where a page stands among the others.")
class PageInfo:
    """Forward paging alone: pages are read from the beginning on."""

    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether the page was asked for with an 'after'.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first edge.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last edge: the 'after' of the next page.")


def page_size(first: int | None) -> int:
    """Return how many edges a page holds. Raises ``Problem`` for more than is allowed."""
    if first is None:
        return FIRST_DEFAULT
    if not 0 <= first <= FIRST_MAX:
        raise bad_input(f"first: {first} is not between 0 and {FIRST_MAX}; ask for more pages instead.")
    return first


def page_info(cursors: list[str], after: str | None, *, more: bool) -> PageInfo:
    """Return the page info of a page with these cursors."""
    return PageInfo(
        has_next_page=more,
        has_previous_page=after is not None,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )


def cursor(place: object) -> str:
    """Return the cursor for a place in a list: opaque to clients."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place_of(text: str | None, kind: type[T]) -> T | None:
    """Return the place that a cursor of the same list stands for. Raises ``Problem``."""
    if text is None:
        return None
    try:
        decoded: Any = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=kind)
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        raise bad_input("after: this is no cursor of this list; take endCursor from the page before.") from None
    return decoded
