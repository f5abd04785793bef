"""The parameters of addresses: how each is written, described and read."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from ...domain.ids import OrganisationId, Theme
from ...graphql.nodes import FIRST_DEFAULT, FIRST_MAX
from .problems import RestProblem

TEXT_MAX: Final = 512
"""The longest value; our cursors have some 150 characters."""

SEVERAL_MAX: Final = 50
"""How often a parameter that may be repeated may be."""

_PLAIN: Final = re.compile(r"[!-~]+")


class Parameter(Struct, frozen=True):
    """A parameter of a query: its JSON Schema, and what reads one value; ``several`` may be given repeatedly.

    ``read`` raises ``ValueError`` for what it cannot be, and ``must`` ends the sentence that says what it may be.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]
    must: str
    several: bool = False


def _moment(text: str) -> datetime:
    found = msgspec.convert(text, Annotated[datetime, Meta(tz=True)])
    assert found.tzinfo is not None, "the decoder asks for an offset"
    return found


def moment(name: str, description: str) -> Parameter:
    """Return a parameter that is a moment."""
    schema = {"type": "string", "format": "date-time"}
    return Parameter(
        name, description, schema, lambda text: _moment(text).isoformat(), "be a moment, as 2024-03-04T09:00:00Z"
    )


def choice(name: str, description: str, values: Collection[str], *, several: bool = False) -> Parameter:
    """Return a parameter that is one of some values."""

    def read(text: str) -> str:
        if text not in values:
            raise ValueError
        return text

    schema = {"type": "string", "enum": list(values)}
    return Parameter(name, description, schema, read, f"be one of {', '.join(values)}", several)


def one_of(name: str, description: str, kinds: type[StrEnum], *, several: bool = False) -> Parameter:
    """Return a parameter that is a member of an enumeration."""
    return choice(name, description, [kind.value for kind in kinds], several=several)


def truth(name: str, description: str) -> Parameter:
    """Return a parameter that is true or false."""
    return Parameter(
        name, description, {"type": "boolean"}, lambda text: {"true": True, "false": False}[text], "be true or false"
    )


def whole(name: str, description: str, least: int, most: int, default: int | None = None) -> Parameter:
    """Return a parameter that is a whole number."""
    digits = len(str(most))

    def read(text: str) -> int:
        if not re.fullmatch(rf"-?[0-9]{{1,{digits}}}", text) or not least <= int(text) <= most:
            raise ValueError
        return int(text)

    schema: dict[str, Any] = {"type": "integer", "minimum": least, "maximum": most}
    if default is not None:
        schema["default"] = default
    return Parameter(name, description, schema, read, f"be a whole number from {least} to {most}")


def text(name: str, description: str) -> Parameter:
    """Return a parameter that is opaque to clients."""

    def read(given: str) -> str:
        if not _PLAIN.fullmatch(given):
            raise ValueError
        return given

    schema = {"type": "string", "minLength": 1, "maxLength": TEXT_MAX, "pattern": "^[!-~]+$"}
    return Parameter(name, description, schema, read, "hold visible characters alone")


def shaped(name: str, description: str, kind: Any, must: str) -> Parameter:
    """Return a repeatable parameter of one of the domain's types of text."""
    schema = {key: value for key, value in msgspec.json.schema(kind).items() if key != "description"}
    # JSON Schema's patterns are those of ECMAScript, which knows no \Z.
    schema["pattern"] = schema["pattern"].replace(r"\Z", "$")
    return Parameter(name, description, schema, lambda given: msgspec.convert(given, kind), must, several=True)


AS_OF: Final = moment("asOf", "When it was so in the world; now if not given.")
KNOWN_AT: Final = moment("knownAt", "By when it had been recorded; now if not given.")
LENS: Final = (AS_OF, KNOWN_AT)
PAGE: Final = (
    whole("pageSize", "How many on a page.", 1, FIRST_MAX, FIRST_DEFAULT),
    text("after", "Where the page begins; taken from the link to it."),
)
ORGANISATION: Final = "be an OIN (twenty digits) or a URI"


def organisations(name: str, description: str) -> Parameter:
    """Return a repeatable parameter that names organisations."""
    return shaped(name, description, OrganisationId, ORGANISATION)


def themes(name: str, description: str) -> Parameter:
    """Return a repeatable parameter that names themes."""
    return shaped(name, description, Theme, "be a theme, as jeugdhulp")


def read_all(declared: Sequence[Parameter], given: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return what an address gives of the parameters that it may have. Raises ``RestProblem``."""
    known = {parameter.name: parameter for parameter in declared}
    found: dict[str, Any] = {}
    for name, value in given:
        parameter = known.get(name)
        if parameter is None:
            raise RestProblem(400, f"There is no such parameter here; there are: {', '.join(known)}.")
        if name in found and not parameter.several:
            raise RestProblem(400, f"{name}: it may be given once.")
        if not value or len(value) > TEXT_MAX:
            raise RestProblem(400, f"{name}: it must {parameter.must}.")
        try:
            read = parameter.read(value)
        except (ValueError, KeyError):
            raise RestProblem(400, f"{name}: it must {parameter.must}.") from None
        if parameter.several:
            found.setdefault(name, []).append(read)
            if len(found[name]) > SEVERAL_MAX:
                raise RestProblem(400, f"{name}: it may be given {SEVERAL_MAX} times at most.")
        else:
            found[name] = read
    return found
