"""Reads OCEL 2.0 as XML, as a stream: no more of it is in memory than one event or object."""

from pathlib import Path
from typing import Final
from xml.parsers import expat

from ..errors import ImportRefusedError
from ..markup import local, parse
from .intake import Intake
from .log import VALUE_CHARS_MAX

PARTS_MAX: Final = 1_000_000
"""How many attributes and relations one event or object may have: they are in memory at once."""

_SECTIONS: Final = {"event-types", "object-types", "objects", "events"}

# How deep elements stand: the log is 1.
_SECTION: Final = 2
_ELEMENT: Final = 3
_PARTS: Final = 4
_PART: Final = 5


def read_xml(path: Path, intake: Intake) -> None:
    """Read a whole file; raises ``ImportRefusedError`` for one that is no XML, or no OCEL 2.0."""
    elements = _Elements(path, intake)
    parse(path, elements.parser, "OCEL", intake.findings.reading)
    elements.refuse_other_logs()


class _Elements:
    """Takes elements as they begin and end, and hands an event or object on when it ends."""

    def __init__(self, path: Path, intake: Intake) -> None:
        self._path = path
        self._intake = intake
        self._depth = 0
        self._found: set[str] = set()
        self._section = ""
        self._element: dict[str, str] = {}  # the attributes, of XML, of the element that is being read, …
        self._line = 0  # … which begins in this line, …
        self._parts = ""  # … in the list of its parts that is called so
        self._values: list[tuple[dict[str, str], str]] = []  # its attributes, of OCEL, with their texts
        self._relations: list[dict[str, str]] = []
        self._text: list[str] = []
        self._text_chars = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._began
        self.parser.EndElementHandler = self._ended

    def refuse_other_logs(self) -> None:
        """Raise ``ImportRefusedError`` if the file was something else than OCEL 2.0."""
        if "trace" in self._found:
            raise ImportRefusedError(f"{self._path}: is XES, not OCEL; give it a name that ends in .xes.")
        missing = sorted(_SECTIONS - self._found)
        if missing:
            lacks = " and no ".join(f"<{name}>" for name in missing)
            raise ImportRefusedError(f"{self._path}: is XML but not OCEL 2.0: it has no {lacks}.")

    def _began(self, name: str, attributes: dict[str, str]) -> None:
        self._depth = depth = self._depth + 1
        if depth == _PART:
            if self._parts == "attributes":
                self._values.append((attributes, ""))
                self._text, self._text_chars = [], 0
                self.parser.CharacterDataHandler = self._said
            elif self._parts == "objects":
                self._relations.append(attributes)
            if len(self._values) + len(self._relations) > PARTS_MAX:
                message = f"an event or object has more than {PARTS_MAX} attributes and relations"
                raise ImportRefusedError(f"{self._path}, line {self._line}: {message}. Nothing was imported.")
        elif depth == _PARTS:
            self._parts = local(name)
        elif depth == _ELEMENT:
            self._element, self._line = attributes, self.parser.CurrentLineNumber
            self._values, self._relations = [], []
        elif depth == _SECTION:
            self._section = local(name)
            self._found.add(self._section)
        elif depth == 1 and local(name) != "log":
            message = f"{self._path}: is XML but not OCEL: its outermost element is {name!r}, not 'log'."
            raise ImportRefusedError(message)

    def _said(self, text: str) -> None:
        """Keep a value's text, as much of it as is ever looked at."""
        if self._text_chars < VALUE_CHARS_MAX:
            self._text.append(text)
            self._text_chars += len(text)

    def _ended(self, _name: str) -> None:
        self._depth = depth = self._depth - 1
        if depth == _PARTS and self._parts == "attributes":
            self._values[-1] = self._values[-1][0], "".join(self._text)
            self.parser.CharacterDataHandler = None
        elif depth == _ELEMENT:
            self._parts = ""
        elif depth == _SECTION:
            self._hand_on()

    def _hand_on(self) -> None:
        element, intake, line = self._element, self._intake, self._line
        match self._section:
            case "object-types":
                intake.object_type(element.get("name"), self._declared())
            case "event-types":
                intake.event_type(element.get("name"), self._declared())
            case "objects":
                id_ = intake.object(element.get("id"), element.get("type"), line)
                if id_ is not None:
                    for value, text in self._values:
                        intake.value(id_, value.get("name"), text, value.get("time"), line)
                    for relation in self._relations:
                        intake.relation(id_, relation.get("object-id"), _qualifier(relation), line)
            case "events":
                id_ = element.get("id")
                values = {value.get("name", ""): text for value, text in self._values}
                nr = intake.event(id_, element.get("type"), element.get("time"), values, line)
                if nr is not None:
                    for relation in self._relations:
                        intake.names(nr, id_ or "", relation.get("object-id"), _qualifier(relation), line)
            case _:
                pass  # what else a file holds is not the standard's

    def _declared(self) -> dict[str, str]:
        return {value.get("name", ""): value.get("type", "") for value, _ in self._values}


def _qualifier(relation: dict[str, str]) -> str | None:
    """Return a relation's qualifier; an example of the standard's own pages calls it ``relationship``."""
    return relation.get("qualifier", relation.get("relationship"))
