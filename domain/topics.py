"""The stable names under which facts are stored, and how old versions of them are read.

A stored event names its topic and version, never a class or a module: code may move, history may not be stranded.
``UPCASTERS`` holds, for each topic that has ever changed, the steps that lift a stored fact (decoded JSON) to the next
version. Golden files of every version stand in ``tests/domain/golden``.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from .command import COMMANDS
from .erasure import SubjectErased
from .event import Fact

OWN: Final = (SubjectErased,)
"""Facts that nobody asks to record by a command: the registry tells of what it did itself."""

FACTS: Final[Mapping[str, type[Fact]]] = MappingProxyType({fact.topic: fact for fact in (*COMMANDS.values(), *OWN)})
"""Every topic, and the class of its facts today."""

VERSIONS: Final[Mapping[str, int]] = MappingProxyType(
    dict.fromkeys(FACTS, 1) | {"account-given": 2, "gap-acknowledged": 2, "strategy-shared": 2}
)
"""The version in which facts of each topic are written today."""


def _as_it_is(fact: dict[str, Any]) -> dict[str, Any]:
    """Leave a fact: what the next version can say besides, nobody said before."""
    return fact


UPCASTERS: Final[Mapping[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]]] = MappingProxyType(
    {
        ("account-given", 1): _as_it_is,  # 2: gaps over the cases of a subject
        ("gap-acknowledged", 1): _as_it_is,  # the same
        ("strategy-shared", 1): _as_it_is,  # 2: the kind of obstacles that it worked for
    }
)
"""(topic, version) to the function that lifts a fact of that version to the next one."""


def upcast(topic: str, version: int, fact: dict[str, Any]) -> dict[str, Any]:
    """Return ``fact``, stored as ``version`` of ``topic``, as today's; raises ``KeyError`` for a missing step."""
    for step in range(version, VERSIONS[topic]):
        fact = UPCASTERS[topic, step](fact)
    return fact
