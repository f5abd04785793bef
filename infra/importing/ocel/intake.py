"""Takes in what the readers of the three formats find in an OCEL log, and says what cannot be taken.

The readers know how a file is written; here it is judged, so that a fault is told in the same words whatever the
format. Nothing is left out without a word: an event that cannot be used is rejected, and of one that can, whatever is
left out of it is told and counted.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from ..errors import ImportRefusedError
from ..rows import RowInterpreter, UnreadableRowError
from .log import ID_CHARS_MAX, SINCE_EVER, VALUE_CHARS_MAX, ObjectLog

TYPES_MAX: Final = 100_000
"""How many types and attributes a log may declare: they are kept in memory."""

Raw = str | int | float | bool | bytes | None
"""A value as a file has it."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_INITIALLY: Final = ("1970-01-01T00:00:00", "1970-01-01 00:00:00")
"""How the specification's examples date the values that an object has had from its beginning."""


class Findings(Protocol):
    """Told what is found on the way. ``line`` is where it stands in the file, 0 where a file has no lines."""

    def rejected(self, line: int, reason: str) -> None:
        """Take in that an event cannot be imported."""

    def left_out(self, line: int, reason: str) -> None:
        """Take in that something is left out of what is imported."""

    def noted(self, sentence: str) -> None:
        """Take in what people should know besides."""

    def reading(self, done: int, total: int) -> None:
        """Take in how many bytes of how many have been read."""

    def relating(self, done: int, total: int) -> None:
        """Take in for how many events of how many the objects have been found."""


class Intake:
    """What a reader of a format tells about one log."""

    def __init__(self, path: Path, log: ObjectLog, interpreter: RowInterpreter, findings: Findings) -> None:
        self.path = path
        self.findings = findings
        self.log = log
        self.events_rejected = 0
        self._interpreter = interpreter
        self._declared = 0

    def object_type(self, name: Raw, attributes: Mapping[str, str]) -> None:
        """Take in a declared type of object, and the types of its attributes by name."""
        self._count_types(len(attributes))
        self.log.declare_object_type(text_of(name), {key: _kind_of(type_) for key, type_ in attributes.items()})

    def event_type(self, name: Raw, attributes: Mapping[str, str]) -> None:
        """Take in a declared type of event, and the types of its attributes by name."""
        self._count_types(len(attributes))
        self.log.declare_event_type(text_of(name), {key: _kind_of(type_) for key, type_ in attributes.items()})

    def object(self, id_: Raw, type_: Raw, line: int) -> str | None:
        """Take in an object and return its id; none if it cannot be taken, and was told so."""
        named, kind = text_of(id_), text_of(type_)
        wrong = _misnamed("object", named) or _misnamed("type", kind)
        if wrong is None and self.log.add_object(named, kind):
            return named
        reason = wrong or "there is another of this id before it"
        self.findings.left_out(line, f"object {_shown(named)}: {reason}; it was left out")
        return None

    def value(self, object_: str, name: Raw, value: Raw, time: Raw, line: int) -> None:
        """Take in the value that an attribute of an object has from a time on; no time: it has always had it."""
        key = text_of(name)
        if key not in self.log.object_attributes:
            return
        try:
            at = self._since(text_of(time))
        except UnreadableRowError as error:
            self.findings.left_out(
                line, f"object {_shown(object_)}: attribute {key!r}: {error}; this value was left out"
            )
            return
        if not self.log.add_value(object_, key, at, text_of(value)[:VALUE_CHARS_MAX]):
            reason = f"attribute {key!r} has another value of the same time before it; this one was left out"
            self.findings.left_out(line, f"object {_shown(object_)}: {reason}")

    def relation(self, source: str, target: Raw, qualifier: Raw, line: int) -> None:
        """Take in that an object names another."""
        named, how = text_of(target), text_of(qualifier)
        wrong = _misnamed("object", named) or _misnamed("qualifier", how, empty=True)
        if wrong is None:
            self.log.add_relation(source, named, how)
        else:
            self.findings.left_out(line, f"object {_shown(source)}: {wrong}; this relation was left out")

    def event(self, id_: Raw, type_: Raw, time: Raw, attributes: Mapping[str, Raw], line: int) -> int | None:
        """Take in an event and return its number; none if it cannot be taken, and was rejected."""
        named, activity = text_of(id_), text_of(type_)
        wrong = _misnamed("event", named) or _misnamed("type", activity, empty=True)
        if wrong is None:
            nr = self.log.add_event(named, activity, text_of(time), self.wanted(attributes), line)
            if nr is not None:
                return nr
            wrong = "there is another of this id before it"
        self.reject(line, f"event {_shown(named)}: {wrong}")
        return None

    def reject(self, line: int, reason: str) -> None:
        """Take in that an event cannot be taken at all."""
        self.events_rejected += 1
        self.findings.rejected(line, reason)

    def names(self, event: int, id_: str, object_: Raw, qualifier: Raw, line: int) -> None:
        """Take in that an event names an object."""
        named, how = text_of(object_), text_of(qualifier)
        wrong = _misnamed("object", named) or _misnamed("qualifier", how, empty=True)
        if wrong is None:
            self.log.add_named(event, named, how)
        else:
            self.findings.left_out(line, f"event {_shown(id_)}: {wrong}; this relation was left out")

    def wanted(self, attributes: Mapping[str, Raw]) -> dict[str, str]:
        """Return those attributes of an event that the mapping asks for, as texts."""
        asked = self.log.event_attributes
        return {key: text_of(value)[:VALUE_CHARS_MAX] for key, value in attributes.items() if key in asked}

    def _since(self, time: str) -> int:
        if time in {"", "0"} or time.startswith(_INITIALLY):
            return SINCE_EVER
        return microseconds(self._interpreter.any_moment(time)[0])

    def _count_types(self, attributes: int) -> None:
        self._declared += 1 + attributes
        if self._declared > TYPES_MAX:
            raise ImportRefusedError(f"{self.path}: the log declares more than {TYPES_MAX} types and attributes.")


def microseconds(at: datetime) -> int:
    """Return a moment as whole microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def text_of(value: Raw) -> str:
    """Return a value of a file as text; nothing is the empty text, and a whole number has no fraction."""
    match value:
        case None:
            return ""
        case str():
            # Half of a pair of surrogates, which JSON can write, is no text that can be stored.
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case bool():
            return "true" if value else "false"
        case bytes():
            return value.decode("utf-8", "replace")
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def canonical(text: str, kind: str, interpreter: RowInterpreter) -> str:
    """Return a value as all formats write it alike: XML has texts only, and SQLite no truth values."""
    try:
        match kind:
            case "boolean":
                return {"1": "true", "0": "false"}.get(text, text.lower())
            case "number":
                return str(int(text)) if text.lstrip("-").isdecimal() else text_of(float(text))
            case "time":
                return interpreter.any_moment(text)[0].isoformat()
            case _:
                return text
    except (ValueError, UnreadableRowError):
        return text  # it does not hold what its type says: what is there is taken as it is


def _kind_of(declared: str) -> str:
    """Return what an attribute holds: the words of JSON and XML, and those that SQLite's writers use for columns."""
    word = declared.lower()
    for kind, signs in (
        ("boolean", ("bool",)),
        ("time", ("time", "date")),
        ("number", ("int", "float", "real", "double", "num", "dec")),
    ):
        if any(sign in word for sign in signs):
            return kind
    return "string"


def _misnamed(what: str, name: str, *, empty: bool = False) -> str | None:
    """Return what is wrong with an id or the name of a type or qualifier, or none."""
    if not name and not empty:
        return f"there is no {'id' if what in {'event', 'object'} else what}"
    if len(name) > ID_CHARS_MAX:
        return f"its {what} is named with more than {ID_CHARS_MAX} characters"
    return None


def _shown(name: str) -> str:
    """Return an id for a sentence."""
    return repr(name if len(name) <= 80 else f"{name[:80]}…")  # noqa: PLR2004 - still a sentence
