"""What a fact of a learning stream names by id, read off its fields by their names."""

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec

from ..event import Fact
from ..vocabulary import LearningKind

STREAMS: Final[Mapping[str, LearningKind]] = MappingProxyType(
    {name: kind for kind in LearningKind for name in (kind.lower(), f"{kind.lower()}s")}
)
"""Fields that hold one or several streams: ``cause`` and ``causes``, and so on."""

OBSTACLES: Final = frozenset({"obstacle", "obstacles"})
CASES: Final = frozenset({"case", "cases"})


def named_in(fact: Fact) -> Iterator[tuple[str, UUID]]:
    """Yield each obstacle, case and stream that a fact names, after the name of its field."""
    for name in _fields(type(fact)):
        value: Any = getattr(fact, name)
        for one in value if isinstance(value, tuple) else (value,):  # pyright: ignore[reportUnknownVariableType]
            if isinstance(one, UUID):
                yield name, one


@cache
def _fields(fact: type[Fact]) -> tuple[str, ...]:
    names = {*STREAMS, *OBSTACLES, *CASES}
    return tuple(field.name for field in msgspec.structs.fields(fact) if field.name in names)
