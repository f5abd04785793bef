"""Reads CSV as it is found: whatever the delimiter, the encoding and the line ends.

A file is looked through once to know its encoding and that it is whole, then read row by row (RFC 4180, but with any
delimiter of ``DELIMITERS``). A row that does not have the header's number of fields is reported, never guessed at.
"""

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Final

from .errors import ImportRefusedError
from .grouping import CaseGroups
from .mapping import Mapping, RowColumns
from .opening import OpenedLog, ReadingProgress, opened
from .rows import RowInterpreter, UnreadableRowError

DELIMITERS: Final = ",;\t|"

LINE_CHARS_MAX: Final = 1 << 20
"""A longer line is cut, and its row reported: a file without line ends must not fill the memory. One field may be at
most as long as Python's csv module takes, 131,072 characters."""

PROGRESS_ROWS: Final = 4096
"""How many rows are read between two reports of progress: some hundred reports a second at full speed."""

_BLOCK_BYTES: Final = 1 << 20
_EXCEL_DELIMITER: Final = re.compile(r"sep=(.)\s*\Z", re.IGNORECASE)


def read_csv(
    path: Path,
    mapping: Mapping,
    interpreter: RowInterpreter,
    groups: CaseGroups,
    reject: Callable[[int, str], None],
    progress: ReadingProgress,
) -> int:
    """Read all rows of a CSV file into ``groups`` and return how many there were, unreadable ones included.

    ``reject`` is told the line and the reason of each row that cannot be read. Raises ``ImportRefusedError`` for a
    file that cannot be read at all.
    """
    encoding = _encoding_of(path, mapping)
    with opened(path) as log:
        lines = _Lines(log, encoding)
        columns = mapping.row_columns(path)
        header, delimiter = _header(path, lines, mapping, columns)
        places = _places(path, header, columns)
        return _Rows(lines, delimiter, len(header), places).read(interpreter, groups, reject, progress, log)


def _encoding_of(path: Path, mapping: Mapping) -> str:
    """Return the file's encoding: the mapping's, or one that its bytes fit.

    Without a word in the mapping a byte order mark decides; else UTF-8 if every byte fits it, and Windows-1252, which
    Dutch offices' spreadsheets write, if not. Text that is not UTF-8 practically never fits it by chance.
    """
    if mapping.csv.encoding is not None:
        # "utf-8" is meant to take a byte order mark for what it is; every other name is taken at its word.
        named = codecs.lookup(mapping.csv.encoding).name
        candidates = ["utf-8-sig" if named == "utf-8" else named]
    else:
        with opened(path) as log:
            mark = log.content.read(2)
        utf16 = mark in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
        candidates = ["utf-16"] if utf16 else ["utf-8-sig", "cp1252"]
    for encoding in candidates:
        if _fits(path, encoding):
            return encoding
    written = " nor ".join({"utf-8-sig": "UTF-8", "cp1252": "Windows-1252"}.get(name, name) for name in candidates)
    neither = "neither " if len(candidates) > 1 else "not "
    raise ImportRefusedError(
        f"{path}: the text is {neither}{written}; say its encoding in the mapping, [csv] encoding."
    )


def _fits(path: Path, encoding: str) -> bool:
    """Return whether the whole file can be decoded."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    with opened(path) as log:
        try:
            while block := log.content.read(_BLOCK_BYTES):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeError:
            return False
    return True


class _Lines:
    """The lines of a file, each with its line end, whichever of CR, LF and CRLF that is.

    ``number`` counts them from 1. ``cut`` is set when a line was longer than ``LINE_CHARS_MAX`` and lost its end.
    """

    def __init__(self, log: OpenedLog, encoding: str) -> None:
        # newline="": every line end ends a line, and stays as it is for what stands within quotation marks.
        self._text = TextIOWrapper(log.content, encoding=encoding, newline="")
        self.number = 0
        self.cut = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(LINE_CHARS_MAX)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) >= LINE_CHARS_MAX and line[-1] not in "\r\n":
            self.cut = True
            while (rest := self._text.readline(LINE_CHARS_MAX)) and rest[-1] not in "\r\n":
                pass
        return line


def _header(path: Path, lines: _Lines, mapping: Mapping, columns: RowColumns) -> tuple[list[str], str]:
    """Return the names in the file's first line that is not blank, and the delimiter between them."""
    line = next((line for line in lines if line.strip()), None)
    delimiter = mapping.csv.delimiter
    if line is not None and (declared := _EXCEL_DELIMITER.match(line)):
        delimiter = delimiter or declared[1]
        line = next((line for line in lines if line.strip()), None)
    if line is None:
        raise ImportRefusedError(f"{path}: the file holds no line with the names of its columns.")
    wanted = {columns.case, columns.activity, columns.timestamp, columns.organisation}
    try:
        headers = {
            candidate: [name.strip() for name in next(csv.reader([line], delimiter=candidate))]
            for candidate in (delimiter or DELIMITERS)
        }
    except csv.Error as error:
        message = f"{path}, line {lines.number}: the names of the columns cannot be read ({error})."
        raise ImportRefusedError(message) from None
    # The right delimiter is the one that finds the mapping's columns; a header alone leaves room for doubt.
    best = max(headers, key=lambda candidate: (len(wanted & set(headers[candidate])), len(headers[candidate])))
    return headers[best], best


def _places(path: Path, header: Sequence[str], columns: RowColumns) -> tuple[int, ...]:
    """Return where case, activity, timestamp and organisation stand in a row, and then what was told."""
    if columns.case == columns.activity:
        message = f"{path}: in a CSV file case and activity are different columns; the mapping names one for both."
        raise ImportRefusedError(message)
    places: list[int] = []
    named = [(key, getattr(columns, key)) for key in ("case", "activity", "timestamp", "organisation")]
    for key, name in named + [("what was told", name) for name in columns.told]:
        if header.count(name) != 1:
            shown = ", ".join(header)
            shown = shown if len(shown) <= 300 else f"{shown[:300]} …"  # noqa: PLR2004 - still a sentence
            what = "there are several columns" if name in header else "there is no column"
            message = f"{path}: {what} {name!r}, which the mapping names for {key}; the columns are: {shown}."
            raise ImportRefusedError(message)
        places.append(header.index(name))
    return tuple(places)


class _Rows:
    """The rows below the header."""

    def __init__(self, lines: _Lines, delimiter: str, width: int, places: tuple[int, ...]) -> None:
        # strict: a quotation mark that is not closed is an error, not a field that swallows the rest of the file.
        self._reader = csv.reader(lines, delimiter=delimiter, strict=True)
        self._lines = lines
        self._width = width
        self._places = places

    def read(
        self,
        interpreter: RowInterpreter,
        groups: CaseGroups,
        reject: Callable[[int, str], None],
        progress: ReadingProgress,
        log: OpenedLog,
    ) -> int:
        case_at, activity_at, timestamp_at, organisation_at, *told_at = self._places
        reader, lines, width = self._reader, self._lines, self._width
        rows = 0
        while True:
            line = lines.number + 1
            try:
                fields = next(reader)
                if not fields:
                    continue  # a blank line is no row
                rows += 1
                if lines.cut:
                    lines.cut = False
                    reject(line, f"the line is longer than {LINE_CHARS_MAX} characters")
                elif len(fields) != width:
                    reject(line, self._misfit(len(fields), line))
                else:
                    case = interpreter.case(fields[case_at])
                    told = tuple([fields[place] for place in told_at])
                    groups.add(
                        case,
                        interpreter.row(fields[activity_at], fields[timestamp_at], fields[organisation_at], line, told),
                    )
            except StopIteration:
                break
            except UnreadableRowError as error:
                reject(line, str(error))
            except csv.Error as error:
                rows += 1
                lines.cut = False
                reject(line, self._malformed(str(error), line))
            if rows % PROGRESS_ROWS == 0:
                progress(log.bytes_read, log.bytes_total)
        progress(log.bytes_total, log.bytes_total)
        return rows

    def _misfit(self, count: int, line: int) -> str:
        last = self._lines.number
        several = f", over lines {line} to {last}: is a quotation mark left open?" if last > line else ""
        return f"the row has {count} fields and the header {self._width}{several}"

    def _malformed(self, error: str, line: int) -> str:
        """Return in plain words what Python's csv module says."""
        last = self._lines.number
        lost = f"; lines {line} to {last} could not be read" if last > line else ""
        if "field limit" in error:
            return f"a field is longer than {csv.field_size_limit()} characters{lost}"
        if "unexpected end of data" in error:
            return f"a quotation mark is opened and never closed{lost}"
        if "expected after" in error:
            return f"text follows a closing quotation mark; within quotation marks they must be doubled{lost}"
        return f"the row is not CSV ({error}){lost}"
