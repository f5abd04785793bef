"""A fact as clients see it: field for field, by its names in the schema, with its texts in clear."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, cast
from uuid import UUID

from msgspec import Struct
from strawberry.utils.str_converters import to_camel_case

from ..domain.case.corrections import Correction
from ..domain.event import Fact
from ..domain.text import Clear, Erased, Sealed, Withheld
from .scalars import moment_text


@cache
def _shown_names(fact: type[Struct]) -> tuple[tuple[str, str], ...]:
    """Return a fact's fields: the attribute, and the name that clients see."""
    return tuple(
        (name, to_camel_case(shown))
        for name, shown in zip(fact.__struct_fields__, fact.__struct_encode_fields__, strict=True)
    )


def shown_fact(fact: Fact, texts: Mapping[Sealed, Clear | Erased | Withheld]) -> dict[str, Any]:
    """Return a fact as JSON, field for field, with its texts in clear."""
    shown = {name: _shown(getattr(fact, attribute), texts) for attribute, name in _shown_names(type(fact))}
    if isinstance(fact, Correction):
        shown["field"] = to_camel_case(fact.field)
    return shown


def _shown(value: Any, texts: Mapping[Sealed, Clear | Erased | Withheld]) -> Any:
    match value:
        case None | bool() | int():
            return value
        case Enum():
            return value.value
        case str():
            return value
        case UUID():
            return str(value)
        case datetime():
            return moment_text(value)
        case tuple():
            return [_shown(each, texts) for each in cast("tuple[Any, ...]", value)]
        case Sealed():
            opened = texts.get(value)
            if isinstance(opened, Clear):
                return opened.content.reveal()
            return {"withheld": True} if isinstance(opened, Withheld) else {"erased": True}
        case Struct():
            return {name: _shown(getattr(value, attribute), texts) for attribute, name in _shown_names(type(value))}
        case _:
            message = f"A fact holds a {type(value).__name__}, which has no form in JSON."
            raise TypeError(message)
