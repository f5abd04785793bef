"""Reads XES (IEEE 1849-2016), the XML format of event logs, as a stream: no more of it is in memory than one trace.

Only the attributes that the mapping names are looked at.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final
from xml.parsers import expat

from .errors import ImportRefusedError
from .grouping import TRACE_ROWS_MAX, CaseGroups
from .mapping import Mapping
from .markup import local, parse
from .opening import ReadingProgress
from .rows import RowInterpreter, UnreadableRowError

_VALUE_CHARS_MAX: Final = 8192  # what is kept of a value; longer than any that is accepted, also than a fact

# How deep elements stand: the log is 1.
_TRACE: Final = 2
_EVENT: Final = 3
_ATTRIBUTE: Final = 4


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
    elements = _Elements(path, mapping, interpreter, groups, reject)
    parse(path, elements.parser, "XES", progress)
    elements.refuse_missing_attributes()
    return elements.events


class _Elements:
    """Takes elements as they begin and end, and hands the rows of a trace on when the trace ends."""

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
        columns = mapping.row_columns(path)
        self._case = columns.case
        self._keys = (columns.activity, columns.timestamp, columns.organisation)
        self._told = columns.told
        self._wanted = {columns.case, *self._keys, *columns.told}
        self._columns = columns
        self._seen: set[str] = set()
        self._depth = 0
        self._trace: dict[str, str] | None = None  # the attributes of the trace that is being read, and …
        self._event: dict[str, str] | None = None  # … of its event that is being read, …
        self._line = 0  # … which begins in this line
        self._rows: list[tuple[dict[str, str], int]] = []  # attributes and line of each event of the trace so far
        self.parser = expat.ParserCreate()
        self.parser.ordered_attributes = True  # a flat list of names and values, faster than a dictionary each
        self.parser.StartElementHandler = self._began
        self.parser.EndElementHandler = self._ended

    def refuse_missing_attributes(self) -> None:
        """Raise ``ImportRefusedError`` if no event or trace has an attribute that the mapping names: it is misspelt."""
        named = [(key, getattr(self._columns, key)) for key in ("case", "activity", "timestamp", "organisation")]
        for key, name in named + [("what was told", name) for name in self._told]:
            if self.events and name not in self._seen:
                message = (
                    f"{self._path}: no trace or event has an attribute {name!r}, which the mapping names for {key}."
                )
                raise ImportRefusedError(message)

    def _began(self, name: str, attributes: list[str]) -> None:
        self._depth = depth = self._depth + 1
        if depth == _ATTRIBUTE:
            if self._event is not None:
                self._take(attributes, self._event)
        elif depth == _EVENT:
            if self._trace is None:
                return
            if name == "event" or local(name) == "event":
                self._event, self._line = {}, self.parser.CurrentLineNumber
            else:
                self._take(attributes, self._trace)
        elif depth == _TRACE:
            kind = local(name)
            if kind == "trace":
                self._trace = {}
            elif kind == "event":
                self.events += 1
                self._reject(self.parser.CurrentLineNumber, "the event stands in no trace")
        elif depth == 1 and local(name) != "log":
            message = f"{self._path}: is XML but not XES: its outermost element is {name!r}, not 'log'."
            raise ImportRefusedError(message)

    def _ended(self, _name: str) -> None:
        self._depth = depth = self._depth - 1
        if depth == _TRACE and self._event is not None:
            self._event_ended(self._event)
            self._event = None
        elif depth == 1 and self._trace is not None:
            self._trace_ended(self._trace)
            self._trace = None

    def _take(self, attributes: list[str], into: dict[str, str]) -> None:
        """Keep the attribute of an element such as ``<string key="org:group" value="Loket"/>`` if it is mapped."""
        if len(attributes) == 4 and attributes[0] == "key":  # noqa: PLR2004 - two names and two values
            key, value = attributes[1], attributes[3]
        else:
            named = dict(zip(attributes[::2], attributes[1::2], strict=True))
            key, value = named.get("key", ""), named.get("value", "")
        if key in self._wanted:
            self._seen.add(key)
            into[key] = value[:_VALUE_CHARS_MAX]

    def _event_ended(self, event: dict[str, str]) -> None:
        self.events += 1
        if len(self._rows) > TRACE_ROWS_MAX:
            # One more than the most is kept, so that the trace is refused when its turn comes.
            self._reject(self._line, f"its trace has more than {TRACE_ROWS_MAX} events")
        else:
            self._rows.append((event, self._line))

    def _trace_ended(self, trace: dict[str, str]) -> None:
        activity, timestamp, organisation = self._keys
        interpreter, groups = self._interpreter, self._groups
        # An attribute that is the same for all events of a trace may stand at the trace alone. The case's name stands
        # there too, often under the key that events use for their activity: that one is no default.
        case_name = trace.pop(self._case, None)
        default = trace.get
        for event, line in self._rows:
            get = event.get
            try:
                case = interpreter.case(case_name)
                row = interpreter.row(
                    get(activity) or default(activity, ""),
                    get(timestamp) or default(timestamp, ""),
                    get(organisation) or default(organisation, ""),
                    line,
                    tuple([get(name, "") for name in self._told]),
                )
            except UnreadableRowError as error:
                self._reject(line, str(error))
            else:
                groups.add(case, row)
        self._rows.clear()
