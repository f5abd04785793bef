"""Reads OCEL 2.0 as JSON, element by element: no more of the file is in memory than one event or object.

The standard library's scanner takes one element at a time off a window on the file. That keeps the memory bounded as a
streaming parser would, tells the line of what is wrong, and needs no further package; decoding the file in one go
would be faster and take some ten times its size.
"""

import json
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, cast

from ..errors import ImportRefusedError
from ..opening import OpenedLog, opened
from .intake import Intake, Raw, text_of

ELEMENT_CHARS_MAX: Final = 10_000_000
"""The longest event or object; a longer one would fill the memory."""

WINDOW_CHARS: Final = 1 << 18

_BLANKS: Final = " \t\r\n"
_SECTIONS: Final = ("eventTypes", "objectTypes", "objects", "events")


def read_json(path: Path, intake: Intake) -> None:
    """Read a whole file; raises ``ImportRefusedError`` for one that is no JSON, or no OCEL 2.0."""
    found: set[str] = set()
    with opened(path) as log:
        window = _Window(log, path, intake)
        try:
            window.expect("{", "the file is not a JSON object")
            while (key := window.key()) is not None:
                found.add(key)
                if key in _SECTIONS:
                    for element, line in window.elements(key):
                        _TAKE[key](intake, element, line)
                else:
                    window.value()
            window.end()
        except UnicodeDecodeError:
            raise ImportRefusedError(f"{path}: the text is not UTF-8, as JSON is. Nothing was imported.") from None
    if "ocel:events" in found:
        raise ImportRefusedError(f"{path}: is OCEL 1.0; knelpunt reads OCEL 2.0. Save it again by a newer program.")
    missing = [key for key in _SECTIONS if key not in found]
    if missing:
        raise ImportRefusedError(f"{path}: is JSON but not OCEL 2.0: it has no {' and no '.join(missing)}.")


class _Window:
    """A part of the file's text that moves on over it: what lies before ``_at`` has been read."""

    def __init__(self, log: OpenedLog, path: Path, intake: Intake) -> None:
        self._log = log
        self._path = path
        self._intake = intake
        # utf-8-sig: a byte order mark is no part of the text.
        self._file = TextIOWrapper(log.content, encoding="utf-8-sig", newline="")
        self._decoder = json.JSONDecoder(parse_constant=_no_number)
        self._text = ""
        self._at = 0
        self._line = 1
        self._ended = False

    def expect(self, sign: str, otherwise: str = "") -> None:
        """Pass over a sign, which must come next."""
        if self._next() != sign:
            self._refuse(otherwise or f"{sign!r} is expected")
        self._at += 1

    def key(self) -> str | None:
        """Return the next key of the file's object, having passed over its colon; none if the object ends."""
        sign = self._next()
        if sign == ",":
            self._at += 1
            sign = self._next()
        if sign == "}":
            self._at += 1
            return None
        key = self.value()
        if not isinstance(key, str):
            self._refuse("a key in quotation marks is expected")
        self.expect(":")
        return cast("str", key)

    def elements(self, section: str) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield the elements of the array that comes next, each an object, with the line on which it begins."""
        self.expect("[", f"{section!r} is not an array")
        if self._next() == "]":
            self._at += 1
            return
        while True:
            if self._next() != "{":
                self._refuse(f"each of {section!r} is a JSON object")
            line = self._line
            yield cast("dict[str, Any]", self.value()), line
            if self._next() == "]":
                self._at += 1
                return
            self.expect(",")

    def value(self) -> object:
        """Return the value that comes next, whatever it is."""
        self._next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except RecursionError:
                self._refuse("it is nested too deeply")
            except ValueError as error:
                # Either the value goes on beyond the window, or there is something wrong with it.
                if self._ended or len(self._text) - self._at > ELEMENT_CHARS_MAX:
                    self._refuse_value(error)
            else:
                # A number at the very end of the window may go on behind it.
                if end < len(self._text) or self._ended:
                    self._line += self._text.count("\n", self._at, end)
                    self._at = end
                    return value
            self._more()

    def end(self) -> None:
        """Check that nothing follows."""
        if self._next():
            self._refuse("something follows the end of the JSON object")

    def _next(self) -> str:
        """Return the next sign that is not blank; nothing at the end of the file."""
        while True:
            while self._at < len(self._text):
                sign = self._text[self._at]
                if sign not in _BLANKS:
                    return sign
                self._line += sign == "\n"
                self._at += 1
            if self._ended:
                return ""
            self._more()

    def _more(self) -> None:
        """Move the window on: forget what was read, and read on, twice as much as is left to be understood."""
        left = self._text[self._at :]
        read = self._file.read(max(WINDOW_CHARS, len(left)))
        self._ended = not read
        self._text, self._at = left + read, 0
        self._intake.findings.reading(self._log.bytes_read, self._log.bytes_total)

    def _refuse_value(self, error: ValueError) -> None:
        if len(self._text) - self._at > ELEMENT_CHARS_MAX:
            message = f"an element is malformed or longer than {ELEMENT_CHARS_MAX} characters"
        elif isinstance(error, json.JSONDecodeError):
            self._line += self._text.count("\n", self._at, error.pos)
            message = f"the JSON is malformed or cut short ({error.msg})"
        else:
            message = f"the JSON is malformed ({error})"
        raise ImportRefusedError(f"{self._path}, line {self._line}: {message}. Nothing was imported.")

    def _refuse(self, what: str) -> None:
        raise ImportRefusedError(
            f"{self._path}, line {self._line}: the JSON is malformed or cut short: {what}. Nothing was imported."
        )


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _take_object_type(intake: Intake, element: dict[str, Any], line: int) -> None:
    intake.object_type(_raw(element.get("name")), _declared(intake, element, line))


def _take_event_type(intake: Intake, element: dict[str, Any], line: int) -> None:
    intake.event_type(_raw(element.get("name")), _declared(intake, element, line))


def _take_object(intake: Intake, element: dict[str, Any], line: int) -> None:
    id_ = intake.object(_raw(element.get("id")), _raw(element.get("type")), line)
    if id_ is None:
        return
    for value in _parts(intake, element, "attributes", line):
        intake.value(id_, _raw(value.get("name")), _raw(value.get("value")), _raw(value.get("time")), line)
    for relation in _parts(intake, element, "relationships", line):
        intake.relation(id_, _raw(relation.get("objectId")), _raw(relation.get("qualifier")), line)


def _take_event(intake: Intake, element: dict[str, Any], line: int) -> None:
    id_ = _raw(element.get("id"))
    parts = _parts(intake, element, "attributes", line)
    attributes = {text_of(_raw(part.get("name"))): _raw(part.get("value")) for part in parts}
    nr = intake.event(id_, _raw(element.get("type")), _raw(element.get("time")), attributes, line)
    if nr is not None:
        for relation in _parts(intake, element, "relationships", line):
            intake.names(nr, text_of(id_), _raw(relation.get("objectId")), _raw(relation.get("qualifier")), line)


_TAKE: Final = {
    "eventTypes": _take_event_type,
    "objectTypes": _take_object_type,
    "objects": _take_object,
    "events": _take_event,
}


def _declared(intake: Intake, element: dict[str, Any], line: int) -> dict[str, str]:
    parts = _parts(intake, element, "attributes", line)
    return {text_of(_raw(part.get("name"))): text_of(_raw(part.get("type"))) for part in parts}


def _parts(intake: Intake, element: dict[str, Any], key: str, line: int) -> list[dict[str, Any]]:
    """Return the objects in an array within an element; tells of what is something else."""
    array = element.get(key)
    if array is None:
        return []
    found = cast("list[object]", array if isinstance(array, list) else [array])
    parts = [cast("dict[str, Any]", part) for part in found if isinstance(part, dict)]
    if not isinstance(array, list) or len(parts) < len(found):
        intake.findings.left_out(line, f"{key!r} should be an array of objects; what is none was left out")
    return parts if isinstance(array, list) else []


def _raw(value: object) -> Raw:
    """Return a scalar as it is; an array or object stands where none may, and is shown as it was written."""
    return value if value is None or isinstance(value, str | int | float) else json.dumps(value)
