"""Which texts a fact holds: found from its type, once for each class. Nothing here seals or opens any."""

from functools import cache
from typing import get_args

import msgspec

from ...domain.event import Fact
from ...domain.text import Clear, Sealed


@cache
def text_fields(fact: type[Fact]) -> tuple[str, ...]:
    """Return the names of a fact's fields that hold a text."""
    return tuple(field.name for field in msgspec.structs.fields(fact) if Clear in get_args(field.type))


def clear_texts(fact: Fact) -> list[tuple[str, Clear]]:
    """Return the texts of a fact that are not sealed yet, by their fields."""
    found: list[tuple[str, Clear]] = []
    for name in text_fields(type(fact)):
        value = getattr(fact, name)
        if isinstance(value, Clear):
            found.append((name, value))
    return found


def sealed_texts(fact: Fact) -> list[tuple[str, Sealed]]:
    """Return the texts of a fact that are sealed, by their fields."""
    found: list[tuple[str, Sealed]] = []
    for name in text_fields(type(fact)):
        value = getattr(fact, name)
        if isinstance(value, Sealed):
            found.append((name, value))
    return found
