"""What PostgreSQL itself makes of a statement: its parse tree, in which every column is resolved, and the joins in it.

PostgreSQL keeps the analysed tree of a policy and of a function with a body of standard SQL, and shows it as text. So
no parser of ours, and no plan that is good today alone, says which columns a statement joins on.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

TOKEN = re.compile(r"[(){}]|(?:\\.|[^\s(){}\\])+")

RELATION, SUBQUERY, JOIN = "0", "1", "2"  # RTEKind
SOME = "2"  # SubLinkType: ANY_SUBLINK, which IN is


@dataclass
class Node:
    """A node of a tree: what it is, and its fields, each a node, a list or the words that stand there."""

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)
    reach: int | None = None

    def word(self, name: str) -> str:
        """The only word of a field."""
        (found,) = self.fields[name]
        return found

    def nodes(self, name: str) -> list["Node"]:
        """The nodes that a field holds, itself or in a list."""
        return [node for node in _flat(self.fields.get(name, ())) if isinstance(node, Node)]


def trees_in(text: str) -> list[Node]:
    """The nodes that a text of PostgreSQL's (pg_node_tree) holds."""
    tokens = TOKEN.findall(text)
    found, at = _values(tokens, 0, until=None)
    assert at == len(tokens)
    return [node for node in _flat(found) if isinstance(node, Node)]


def _values(tokens: Sequence[str], at: int, until: str | None) -> tuple[list[Any], int]:
    values: list[Any] = []
    while at < len(tokens) and tokens[at] != until and not (until == "}" and tokens[at].startswith(":")):
        if tokens[at] == "{":
            node, at = _node(tokens, at)
            values.append(node)
        elif tokens[at] == "(":
            within, at = _values(tokens, at + 1, ")")
            values.append(within)
            at += 1
        else:
            values.append(tokens[at])
            at += 1
    return values, at


def _node(tokens: Sequence[str], at: int) -> tuple[Node, int]:
    node = Node(tokens[at + 1])
    at += 2
    while tokens[at] != "}":
        name = tokens[at][1:]
        assert tokens[at].startswith(":"), tokens[at - 3 : at + 3]
        node.fields[name], at = _values(tokens, at + 1, "}")
    return node, at + 1


def _flat(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from _flat(value)
        else:
            yield value


def _all_nodes(values: Any) -> Iterator[Node]:
    for value in _flat(values):
        if isinstance(value, Node):
            yield value
            for content in value.fields.values():
                yield from _all_nodes(content)


Place = tuple[int, int, int]
"""A column: which query, which entry of its list of tables, which column of that."""


class Joins:
    """Which spread tables each part of a statement brings together, and which columns it takes to be equal.

    A subquery that looks at nothing outside itself is a part of its own: a cluster asks it first and hands its answer
    round. One that looks outside is of the part that it looks at.
    """

    def __init__(self, spread: Mapping[str, tuple[str, int]], equal: frozenset[str]) -> None:
        """``spread`` has, by a table's oid, its name and the number of the column that it is spread by.

        ``equal`` are the oids of the operators that mean equality.
        """
        self._spread = spread
        self._equal = equal
        self._numbers = count()
        self._parent: dict[Place, Place] = {}
        self._parts: list[list[tuple[str, Place]]] = []

    def add(self, query: Node) -> None:
        """Look at a whole statement."""
        self._parts.append([])
        self._look(query, [], self._parts[-1])

    def add_policy(self, oid: str, condition: Sequence[Node]) -> None:
        """Look at the condition of a policy, which sees one row of its table."""
        number = next(self._numbers)
        table = Node("RANGETBLENTRY", {"rtekind": [RELATION], "relid": [oid]})
        query = Node("QUERY", {"rtable": [[table]]})
        part = [(self._spread[oid][0], (number, 1, self._spread[oid][1]))] if oid in self._spread else []
        self._parts.append(part)
        self._look_at(list(condition), [(number, query)], part)
        self._equate(list(condition), [(number, query)])

    def apart(self) -> Iterator[frozenset[str]]:
        """The tables of each part whose rows need not lie together."""
        for part in self._parts:
            if len({self._root(place) for _, place in part}) > 1:
                yield frozenset(name for name, _ in part)

    def _look(self, query: Node, around: list[tuple[int, Node]], part: list[tuple[str, Place]]) -> None:
        number = next(self._numbers)
        scopes = [(number, query), *around]
        for at, entry in enumerate(query.nodes("rtable"), 1):
            kind = entry.word("rtekind")
            if kind == RELATION and (found := self._spread.get(entry.word("relid"))):
                part.append((found[0], (number, at, found[1])))
            elif kind == SUBQUERY:
                for below in entry.nodes("subquery"):
                    first = self._below(below, scopes, part)
                    if first is not None:
                        self._name_columns(below, first, (number, at))
        for below in query.nodes("cteList"):
            for asked in below.nodes("ctequery"):
                self._below(asked, scopes, part)
        own = [
            query.fields.get(name, [])
            for name in ("jointree", "targetList", "havingQual", "limitCount", "setOperations")
        ]
        self._look_at(own, scopes, part)
        for tree in query.nodes("jointree"):
            self._equate_tree(tree, scopes)

    def _look_at(self, values: Any, scopes: list[tuple[int, Node]], part: list[tuple[str, Place]]) -> None:
        """Look for subqueries in expressions; those within one are found when that is looked at."""
        for value in _flat(values):
            if not isinstance(value, Node):
                continue
            if value.kind == "SUBLINK":
                self._look_at(value.fields.get("testexpr", []), scopes, part)
                for below in value.nodes("subselect"):
                    first = self._below(below, scopes, part)
                    if first is not None and value.word("subLinkType") == SOME:
                        self._equate_any(value, below, first, scopes)
            elif value.kind != "QUERY":
                self._look_at(list(value.fields.values()), scopes, part)

    def _below(self, query: Node, scopes: list[tuple[int, Node]], part: list[tuple[str, Place]]) -> int | None:
        """Look at a subquery; return the number it gets if it is of the same part."""
        if not _looks_outside(query):
            self._parts.append([])
            self._look(query, scopes, self._parts[-1])
            return None
        number = next(self._numbers)
        self._numbers = count(number)  # the number that it gets next
        self._look(query, scopes, part)
        return number

    def _equate_tree(self, node: Node, scopes: list[tuple[int, Node]]) -> None:
        """Take what joins and WHERE say to be equal: of outer joins, too, since rows that meet lie together."""
        if node.kind in {"FROMEXPR", "JOINEXPR"}:
            self._equate(node.fields.get("quals", []), scopes)
            for name in ("fromlist", "larg", "rarg"):
                for below in node.nodes(name):
                    self._equate_tree(below, scopes)

    def _equate(self, values: Any, scopes: list[tuple[int, Node]]) -> None:
        for node in _flat(values):
            if not isinstance(node, Node):
                continue
            if node.kind == "BOOLEXPR" and node.word("boolop") == "and":
                self._equate(node.fields["args"], scopes)
            elif node.kind == "OPEXPR" and node.word("opno") in self._equal:
                places = [self._place(one, scopes) for one in node.nodes("args")]
                if len(places) == 2 and places[0] and places[1]:
                    self._join(places[0], places[1])

    def _equate_any(self, link: Node, below: Node, number: int, scopes: list[tuple[int, Node]]) -> None:
        """Take the columns of ``x IN (SELECT y …)`` to be equal."""
        outputs = self._outputs(below, number)
        for node in _all_nodes(link.fields.get("testexpr", [])):
            if node.kind == "OPEXPR" and node.word("opno") in self._equal:
                one, other = node.nodes("args")
                place, output = self._place(one, scopes), _bare(other)
                if place and output.kind == "PARAM":
                    inner = outputs.get(int(output.word("paramid")))
                    if inner:
                        self._join(place, inner)

    def _name_columns(self, below: Node, number: int, entry: tuple[int, int]) -> None:
        for at, place in self._outputs(below, number).items():
            self._join((*entry, at), place)

    def _outputs(self, query: Node, number: int) -> dict[int, Place]:
        found = {}
        for target in query.nodes("targetList"):
            place = self._place(target.nodes("expr")[0], [(number, query)])
            if place:
                found[int(target.word("resno"))] = place
        return found

    def _place(self, node: Node, scopes: list[tuple[int, Node]]) -> Place | None:
        """Which column an expression is, if it is one."""
        node = _bare(node)
        if node.kind != "VAR" or int(node.word("varlevelsup")) >= len(scopes):
            return None
        number, query = scopes[int(node.word("varlevelsup"))]
        at, column = int(node.word("varno")), int(node.word("varattno"))
        entry = query.nodes("rtable")[at - 1]
        if entry.word("rtekind") == JOIN and column > 0:
            under = entry.nodes("joinaliasvars")[column - 1]
            return self._place(under, scopes[int(node.word("varlevelsup")) :])
        return number, at, column

    def _root(self, place: Place) -> Place:
        while (above := self._parent.get(place, place)) != place:
            place = above
        return place

    def _join(self, one: Place, other: Place) -> None:
        self._parent[self._root(one)] = self._root(other)


def _bare(node: Node) -> Node:
    while node.kind == "RELABELTYPE":
        (node,) = node.nodes("arg")
    return node


def _looks_outside(query: Node) -> bool:
    """Whether anything in a query is a column of what stands around it."""
    return _reach(query) >= 0


def _reach(node: Node) -> int:
    """How many queries further out than a node's own the columns in it stand, at most; -1: none stands outside it."""
    if node.reach is None:
        if node.kind == "VAR":
            node.reach = int(node.word("varlevelsup"))
        else:
            found = max((_reach(below) for below in _flat(node.fields.values()) if isinstance(below, Node)), default=-1)
            node.reach = found - 1 if node.kind == "QUERY" else found
    return node.reach
