"""A cross-chain as a graph: obstacles from left to right, each after the one that set it off or was split into it."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from .rendering import called
from .replay import Replay

BOX: Final = 270
BOX_HEIGHT: Final = 62
ACROSS: Final = 330
DOWN: Final = 82


class Node(Struct, frozen=True):
    """An obstacle: where its box lies, its number in this case, and who has it; none: nobody."""

    x: int
    y: int
    number: int | None
    case: str
    holder: str | None
    open: bool


class Graph(Struct, frozen=True):
    """All of them, and the lines from each to what came from it: x, y, x, y."""

    width: int
    height: int
    nodes: list[Node]
    lines: list[tuple[int, int, int, int]]
    words: list[tuple[int, int, bool]]
    """By places among the nodes: which came from which, and whether it was split off from it."""


def graph_of(chain: Mapping[str, Any], replay: Replay) -> Graph:
    """Return the graph of a cross-chain."""
    found = {one["id"]: one for one in chain["obstacles"]}
    depth: dict[str, int] = {}

    def deep(one: str, seen: frozenset[str]) -> int:
        before, _ = _before(found[one])
        return 0 if before is None or before not in found or before in seen else 1 + deep(before, seen | {one})

    taken: dict[int, int] = {}
    places: dict[str, tuple[int, int]] = {}
    nodes: list[Node] = []
    for id_, one in found.items():
        depth[id_] = deep(id_, frozenset())
        row = taken.get(depth[id_], 0)
        taken[depth[id_]] = row + 1
        places[id_] = 1 + depth[id_] * ACROSS, 1 + row * DOWN
        holder = one["holder"] and called(one["holder"])
        number = replay.obstacles.get(id_)
        nodes.append(Node(*places[id_], number, one["case"]["reference"], holder, one["status"] == "OPEN"))
    lines: list[tuple[int, int, int, int]] = []
    words: list[tuple[int, int, bool]] = []
    order = list(found)
    for id_, one in found.items():
        before, split = _before(one)
        if before in places:
            (x, y), (to_x, to_y) = places[before], places[id_]
            lines.append((x + BOX, y + BOX_HEIGHT // 2, to_x, to_y + BOX_HEIGHT // 2))
            words.append((order.index(before), order.index(id_), split))
    width = 2 + max(depth.values(), default=0) * ACROSS + BOX
    return Graph(width, 2 + max(taken.values(), default=0) * DOWN, nodes, lines, words)


def _before(obstacle: Mapping[str, Any]) -> tuple[str | None, bool]:
    """Return what an obstacle came from, and whether by a split."""
    if obstacle["triggeredBy"] is not None:
        return obstacle["triggeredBy"]["id"], False
    return (None, False) if obstacle["splitFrom"] is None else (obstacle["splitFrom"]["id"], True)
