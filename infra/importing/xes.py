"""Reads XES (IEEE 1849-2016), the XML format of event logs, trace by trace.

Only the attributes that the mapping names are looked at, and the elements of an event are freed as soon as it has been
read. No entity is resolved and nothing is fetched; a file with a document type declaration is refused: XES has none.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol, cast

import lxml.etree  # pyright: ignore[reportMissingTypeStubs] - ships no types; _Element declares what is used

from .errors import ImportRefusedError
from .grouping import TRACE_ROWS_MAX, CaseGroups
from .mapping import Mapping
from .opening import ReadingProgress, opened
from .rows import RowInterpreter, UnreadableRowError

etree: Any = cast("Any", lxml.etree)  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]

_BLOCK_BYTES: Final = 1 << 18
"""How much is parsed at a time; between two blocks progress is reported."""


class _Element(Protocol):
    """What is used of lxml's elements."""

    tag: str
    sourceline: int | None

    def __iter__(self) -> Iterator["_Element"]: ...
    def __delitem__(self, index: int) -> None: ...
    def get(self, key: str) -> str | None: ...
    def getparent(self) -> "_Element | None": ...
    def getprevious(self) -> "_Element | None": ...
    def getroottree(self) -> Any: ...
    def clear(self) -> None: ...


def read_xes(
    path: Path,
    mapping: Mapping,
    interpreter: RowInterpreter,
    groups: CaseGroups,
    reject: Callable[[int, str], None],
    progress: ReadingProgress,
) -> int:
    """Read all events of an XES file into ``groups`` and return how many there were, unreadable ones included.

    ``reject`` is told the line and the reason of each event that cannot be read. Raises ``ImportRefusedError`` for a
    file that cannot be read at all.
    """
    traces = _Traces(path, mapping, interpreter, groups, reject)
    # huge_tree=False keeps libxml2's own limits: 10 MB for one attribute, 256 levels, no exploding entities.
    parser = etree.XMLPullParser(
        events=("end",),
        tag=("{*}event", "{*}trace"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    with opened(path) as log:
        try:
            while block := log.content.read(_BLOCK_BYTES):
                parser.feed(block)
                for _, element in parser.read_events():
                    traces.ended(element)
                progress(log.bytes_read, log.bytes_total)
            root = parser.close()
        except etree.XMLSyntaxError as error:
            line = error.lineno or 1
            raise ImportRefusedError(
                f"{path}, line {line}: the XML is malformed or cut short ({error.msg}). Nothing was imported."
            ) from None
    traces.refuse_declarations(root)
    if etree.QName(root).localname != "log":
        message = f"{path}: is XML but not XES: its outermost element is {etree.QName(root).localname!r}, not 'log'."
        raise ImportRefusedError(message)
    return traces.events


class _Traces:
    """Takes elements as they end, and hands the rows of a trace on when the trace ends."""

    def __init__(
        self,
        path: Path,
        mapping: Mapping,
        interpreter: RowInterpreter,
        groups: CaseGroups,
        reject: Callable[[int, str], None],
    ) -> None:
        self.events = 0
        self._path = path
        self._interpreter = interpreter
        self._groups = groups
        self._reject = reject
        columns = mapping.columns
        self._case = columns.case
        self._keys = (columns.activity, columns.timestamp, columns.organisation)
        self._wanted = {columns.case, *self._keys}
        self._trace: list[tuple[dict[str, str], int]] = []  # the attributes and line of each event so far

    def ended(self, element: _Element) -> None:
        """Take an event or a trace of which the end has been read, and free what is in it."""
        if element.tag.endswith("event"):
            self._event_ended(element)
            element.clear()
        else:
            self._trace_ended(element)
            element.clear()
            log = element.getparent()
            while log is not None and element.getprevious() is not None:
                del log[0]

    def refuse_declarations(self, element: _Element) -> None:
        """Raise ``ImportRefusedError`` if the document declares a type: entities could be anything."""
        if element.getroottree().docinfo.internalDTD is not None:
            message = f"{self._path}: holds a document type declaration (DOCTYPE), which XES has not; remove it."
            raise ImportRefusedError(message)

    def _event_ended(self, event: _Element) -> None:
        if not self.events:
            self.refuse_declarations(event)
        self.events += 1
        line = event.sourceline or 0
        trace = event.getparent()
        if trace is None or not trace.tag.endswith("trace"):
            self._reject(line, "the event stands in no trace")
        elif len(self._trace) > TRACE_ROWS_MAX:
            # One more than the most is kept, so that the trace is refused when its turn comes.
            self._reject(line, f"its trace has more than {TRACE_ROWS_MAX} events")
        else:
            self._trace.append((self._attributes(event), line))

    def _trace_ended(self, trace: _Element) -> None:
        attributes = self._attributes(trace)
        activity, timestamp, organisation = self._keys
        interpreter, groups = self._interpreter, self._groups
        for event, line in self._trace:
            try:
                case = interpreter.case(attributes.get(self._case))
                # An attribute that is the same for all events of a trace may stand at the trace alone. The case's
                # name stands there too, often under the key that events use for the activity: that one is no default.
                groups.add(
                    case,
                    interpreter.row(
                        event.get(activity) or self._default(attributes, activity),
                        event.get(timestamp) or self._default(attributes, timestamp),
                        event.get(organisation) or self._default(attributes, organisation),
                        line,
                    ),
                )
            except UnreadableRowError as error:
                self._reject(line, str(error))
        self._trace.clear()

    def _default(self, attributes: dict[str, str], key: str) -> str:
        return "" if key == self._case else attributes.get(key, "")

    def _attributes(self, element: _Element) -> dict[str, str]:
        """Return those of an element's own attributes that the mapping names; nested ones are about others."""
        wanted = self._wanted
        found: dict[str, str] = {}
        for child in element:
            key = child.get("key")
            if key is not None and key in wanted:
                found[key] = child.get("value") or ""
        return found
