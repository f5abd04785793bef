"""Which texts a fact holds: found from its type, once for each class. Nothing here seals or opens any."""

from functools import cache
from typing import TypeVar, get_args

import msgspec

from ...domain.event import Fact
from ...domain.text import Clear, Sealed

T = TypeVar("T")


@cache
def text_fields(fact: type[Fact]) -> tuple[str, ...]:
    """Return the names of a fact's fields that hold a text."""
    return tuple(field.name for field in msgspec.structs.fields(fact) if Clear in get_args(field.type))


def clear_texts(fact: Fact) -> list[tuple[str, Clear]]:
    """Return the texts of a fact that are not sealed yet, by their fields."""
    return _texts(fact, Clear)


def sealed_texts(fact: Fact) -> list[tuple[str, Sealed]]:
    """Return the texts of a fact that are sealed, by their fields."""
    return _texts(fact, Sealed)


def _texts(fact: Fact, kind: type[T]) -> list[tuple[str, T]]:
    values = [(name, getattr(fact, name)) for name in text_fields(type(fact))]
    return [(name, value) for name, value in values if isinstance(value, kind)]
