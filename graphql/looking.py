"""What a question asks for further down, so that a list can fetch it once for all that it holds."""

from collections.abc import Iterator
from typing import Any, cast

import strawberry
from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, InlineFragmentNode, SelectionSetNode

from .asking import Asking


def asked_below(info: strawberry.Info[Asking, None]) -> set[str]:
    """Return the names of all fields asked for anywhere below this one.

    A name may be that of another type's field, or be left out by a directive: then something is fetched for nothing.
    """
    # Strawberry's own view of what is selected is slow.
    raw = cast("GraphQLResolveInfo[Any]", info._raw_info)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType]
    return {name for node in raw.field_nodes for name in _names(node.selection_set, raw, set())}


def _names(selections: SelectionSetNode | None, info: GraphQLResolveInfo[Any], seen: set[str]) -> Iterator[str]:
    for node in selections.selections if selections is not None else ():
        match node:
            case FieldNode():
                yield node.name.value
                yield from _names(node.selection_set, info, seen)
            case InlineFragmentNode():
                yield from _names(node.selection_set, info, seen)
            case FragmentSpreadNode() if node.name.value not in seen:
                seen.add(node.name.value)
                yield from _names(info.fragments[node.name.value].selection_set, info, seen)
            case _:
                pass
