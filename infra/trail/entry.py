"""The log entry of an event: what of it is published for ever, as bytes that anybody can hash.

An entry is RFC 8785 JSON made from the stored bytes alone, by a table frozen for each topic and version, so that it
never changes with the code. It holds ids, enumerations, numbers and times; of a text its SHA-256; of subjects nothing.

Version 1 of the entry: ``{"actor": {"organisation", "role", "user"}, "at", "command", "data", "entry": 1, "id",
"inferred", "known_to", "position", "precision", "recorded_at", "source", "stream", "topic", "topic_version",
"version"}``. What holds its default is left out, as it is in the stored bytes, and so is the user where the actor is a
subject. ``recorded_at`` is in UTC with six decimals; other times and the content of fields are as stored.
"""

import keyword
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from types import MappingProxyType, SimpleNamespace
from typing import Annotated, Any, Final, Generic, TypeVar, cast
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from .frozen import FROZEN, UUIDS_OF_NO_SUBJECT

ENTRY_BYTES_MAX: Final = 8192
"""The largest entry. A larger event is refused before it is recorded."""

POSITION_MAX: Final = 2**53 - 1
"""The largest position that JSON carries exactly everywhere (RFC 7493, I-JSON)."""


class EntryError(Exception):
    """Stored bytes of which no entry can be made: they hold what the frozen table does not know."""


_Place = Annotated[int, Meta(gt=0, lt=0)]
_Name = Annotated[str, Meta(pattern=r"\A\Z.")]
"""What the columns say: no stored bytes may, so nothing that is read is one."""


class Actor(Struct, gc=False):
    """Who recorded an event, in an entry; what else is stored of them stays out."""

    organisation: Any
    role: Any
    user: Any


D = TypeVar("D", bound=Struct)


class Entry(Struct, Generic[D], kw_only=True, forbid_unknown_fields=True, gc=False):
    """An entry before it is bytes: read from the stored ones, in which nothing may be that is not known here.

    The fields are in the order of RFC 8785; what is left out is ``UNSET``.
    """

    actor: Actor
    at: Any
    command: Any
    data: D
    entry: _Place = 1
    id: Any
    inferred: Any = UNSET
    known_to: Any = UNSET
    position: _Place = 0
    precision: Any = UNSET
    recorded_at: _Name = ""
    source: Any = UNSET
    stream: _Name = ""
    topic: _Name = ""
    topic_version: _Place = 0
    version: _Place = 0


def entry(
    position: int, recorded_at: datetime, stream: UUID, version: int, topic: str, topic_version: int, state: bytes
) -> bytes:
    """Return the log entry of an event, from its columns and stored bytes. Raises ``EntryError``.

    The result may be longer than ``ENTRY_BYTES_MAX`` only for an event that was never recorded: see ``fits``.
    """
    return encoded(read(position, recorded_at, str(stream), version, topic, topic_version, state))


def read(
    position: int, recorded_at: datetime, stream: str, version: int, topic: str, topic_version: int, state: bytes
) -> Entry[Any]:
    """Return an entry before it is bytes, for those who look into it as well. Raises ``EntryError``."""
    decode, marked = _form(topic, topic_version)
    try:
        if not state.isascii():
            state.decode()  # what is passed over is not looked at otherwise
        made = decode(state)
        # The pseudonym of a subject who acts for themselves leads to the subject.
        if made.actor.role == "SUBJECT":
            made.actor.user = UNSET
        data = made.data
        for name, shown in marked:
            value = getattr(data, name)
            if value is not UNSET:
                setattr(data, name, shown(value, data))
    except (msgspec.DecodeError, ValueError, TypeError, AttributeError) as error:
        message = f"The event at position {position} is not stored as version {topic_version} of {topic} is."
        raise EntryError(message) from error
    made.position, made.stream, made.version = position, stream, version
    made.topic, made.topic_version = topic, topic_version
    made.recorded_at = _moment(recorded_at)
    return made


encoded: Final[Callable[[Entry[Any]], bytes]] = msgspec.json.Encoder(order="deterministic").encode
"""Return an entry as the bytes that are published.

Structs are written in the order of their fields, maps sorted; keys are ASCII and no number is a fraction, and then this
is RFC 8785. Tests compare it with another encoder.
"""


def _moment(moment: datetime) -> str:
    """Return a moment in UTC with six decimals."""
    text: str = msgspec.to_builtins(moment if moment.tzinfo is UTC else moment.astimezone(UTC))
    return text if moment.microsecond else f"{text[:-1]}.000000Z"


def in_clear(topic: str, topic_version: int, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry shows as it stands of a fact's stored fields. Raises ``KeyError`` for an unknown version.

    That is no text, no name and no hash of one, and of subjects nothing.
    """
    table, stored = _TABLES[topic, topic_version], SimpleNamespace(**data)
    published = {name: value for name, value in data.items() if table[name] not in _HASHED}
    return {name: shown for name, value in published.items() if (shown := table[name](value, stored)) is not UNSET}


def fits(stream: UUID, version: int, topic: str, topic_version: int, state: bytes) -> bool:
    """Return whether the entry of an event still to be recorded will be at most ``ENTRY_BYTES_MAX`` long."""
    if len(state) <= ENTRY_BYTES_MAX - _GROWTH_MAX:
        return True
    longest = entry(POSITION_MAX, datetime.max.replace(tzinfo=UTC), stream, version, topic, topic_version, state)
    return len(longest) <= ENTRY_BYTES_MAX


_GROWTH_MAX: Final = 1024
"""By how much an entry can be longer than its stored bytes: what the columns add takes some 300, and a name in clear
becomes 64 digits. Everything else stays as long as it is, or gets shorter."""


Shown = Callable[[Any, Any], object]
"""What an entry shows of a field, given its value and all fields of the fact as attributes; ``UNSET`` if nothing."""


def _as_it_stands(value: Any, _: Any) -> object:
    return value


def _nothing(_: Any, __: Any) -> object:
    return UNSET


class _Text(Struct, gc=False):
    """What is published of a sealed text rests on its box alone."""

    box: bytes


def _sealed(value: _Text | None, _: Any) -> object:
    return None if value is None else sha256(value.box).hexdigest()


def _hashed(value: Any, _: Any) -> object:
    return sha256(value.encode()).hexdigest()


def _party(value: Any, _: Any) -> object:
    return {"organisation": value["organisation"]} if value and "organisation" in value else UNSET


def _corrected(value: Any, stored: Any) -> object:
    if _field(stored) in UUIDS_OF_NO_SUBJECT:
        return value
    several = cast("list[Any]", value) if isinstance(value, list) else [value]
    return UNSET if any(_is_uuid(one) for one in several) else cast("object", value)


def _corrected_of_organisation(value: Any, stored: Any) -> object:
    return _hashed(value, stored) if _field(stored) == "name" else value


def _field(stored: Any) -> object:
    """Return which field a correction is about. Raises ``TypeError`` for one that does not say."""
    if stored.field is UNSET:
        raise TypeError("A value without its field.")
    return stored.field


def _is_uuid(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        UUID(value)
    except ValueError:
        return False
    return True


_MARKS: Final[Mapping[str, Shown]] = MappingProxyType(
    {"-": _nothing, "*": _sealed, "#": _hashed, "@": _party, "=": _corrected, "+": _corrected_of_organisation}
)

_HASHED: Final = frozenset({_sealed, _hashed})
"""Marks of what stands in an entry as its SHA-256."""


def _table(line: str) -> dict[str, Shown]:
    return {word.rstrip("-*#@=+"): _MARKS.get(word[-1], _as_it_stands) for word in line.split()}


_TABLES: Final = MappingProxyType({version: _table(line) for version, line in FROZEN.items()})


@cache
def _form(topic: str, topic_version: int) -> tuple[Callable[[bytes], Entry[Any]], list[tuple[str, Shown]]]:
    """Return a version's decoder, and its fields that are not shown as they stand, by their attributes.

    Made when it is first asked for, as most programs need few or none. Raises ``EntryError``.
    """
    table = _TABLES.get((topic, topic_version))
    if table is None:
        message = f"There is no entry for version {topic_version} of {topic}."
        raise EntryError(message)
    attributes = {name: f"{name}_" if keyword.iskeyword(name) else name for name in sorted(table)}
    data = msgspec.defstruct(
        "Data",
        [(of, _Text | None | UnsetType if table[name] is _sealed else Any, UNSET) for name, of in attributes.items()],
        rename={of: name for name, of in attributes.items()},
        forbid_unknown_fields=True,
        gc=False,
    )
    marked = [(attributes[name], shown) for name, shown in table.items() if shown is not _as_it_stands]
    return msgspec.json.Decoder(Entry[data]).decode, marked
