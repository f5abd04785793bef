"""Reads XES (IEEE 1849-2016), the XML format of event logs, as a stream: no more of it is in memory than one trace.

Only the attributes that the mapping names are looked at. The parser is the standard library's expat and not lxml,
which says "line 65535" for every element beyond it. No entity is resolved and nothing is fetched: a file that declares
a document type is refused, since XES has none.
"""

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import Final
from xml.parsers import expat

from .errors import ImportRefusedError
from .grouping import TRACE_ROWS_MAX, CaseGroups
from .mapping import Mapping
from .opening import ReadingProgress, opened
from .rows import RowInterpreter, UnreadableRowError

TOKEN_BYTES_MAX: Final = 10_000_000
"""The longest start tag, with its attributes: expat itself would go on collecting one until the memory is full."""

_BLOCK_BYTES: Final = 1 << 18
_VALUE_CHARS_MAX: Final = 1024  # what is kept of a value; longer than any that is accepted

_UNICODE: Final = {"utf-8", "utf-16", "utf-16-le", "utf-16-be"}
_ALL_BYTES: Final = bytes(range(256))

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
    parser = elements.parser
    fed = 0
    with opened(path) as log:
        try:
            while block := log.content.read(_BLOCK_BYTES):
                fed += len(block)
                parser.Parse(block, False)
                if fed - parser.CurrentByteIndex > TOKEN_BYTES_MAX:
                    line = parser.CurrentLineNumber
                    raise ImportRefusedError(f"{path}, line {line}: an element is longer than {TOKEN_BYTES_MAX} bytes.")
                progress(log.bytes_read, log.bytes_total)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            raise ImportRefusedError(
                f"{path}, line {error.lineno}: the XML is malformed or cut short ({what}). Nothing was imported."
            ) from None
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
        columns = mapping.columns
        self._case = columns.case
        self._keys = (columns.activity, columns.timestamp, columns.organisation)
        self._wanted = {columns.case, *self._keys}
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
        self.parser.StartDoctypeDeclHandler = self._doctype_declared
        self.parser.XmlDeclHandler = self._encoding_declared

    def refuse_missing_attributes(self) -> None:
        """Raise ``ImportRefusedError`` if no event or trace has an attribute that the mapping names: it is misspelt."""
        for key in ("case", "activity", "timestamp", "organisation"):
            name: str = getattr(self._columns, key)
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
            if name == "event" or _local(name) == "event":
                self._event, self._line = {}, self.parser.CurrentLineNumber
            else:
                self._take(attributes, self._trace)
        elif depth == _TRACE:
            local = _local(name)
            if local == "trace":
                self._trace = {}
            elif local == "event":
                self.events += 1
                self._reject(self.parser.CurrentLineNumber, "the event stands in no trace")
        elif depth == 1 and _local(name) != "log":
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
                )
            except UnreadableRowError as error:
                self._reject(line, str(error))
            else:
                groups.add(case, row)
        self._rows.clear()

    def _doctype_declared(self, *_declaration: object) -> None:
        message = f"{self._path}: holds a document type declaration (DOCTYPE), which XES has not; remove it."
        raise ImportRefusedError(message)

    def _encoding_declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        """Refuse encodings that expat would fail on without a word: those of several bytes, but for Unicode's."""
        if encoding is None:
            return
        try:
            readable = codecs.lookup(encoding).name in _UNICODE or len(_ALL_BYTES.decode(encoding, "replace")) == 256  # noqa: PLR2004 - a character a byte
        except LookupError:
            readable = False
        if not readable:
            raise ImportRefusedError(f"{self._path}: its encoding {encoding!r} cannot be read; convert it to UTF-8.")


def _local(name: str) -> str:
    """Return an element's name without the prefix of its namespace."""
    return name.rpartition(":")[2]
