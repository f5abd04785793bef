"""Reads OCEL 2.0 as a SQLite database, cursor by cursor; the file is opened read-only and not trusted in anything.

A database can hold more than tables: views and virtual tables run what their author wrote, so none is read. Names of
tables and columns come from the file and are quoted.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ..errors import ImportRefusedError
from .intake import Intake, Raw, text_of

VALUE_BYTES_MAX: Final = 10_000_000
"""The longest value, row or statement that SQLite may handle for us."""

_TABLES: Final = {
    "event": ("ocel_id", "ocel_type"),
    "object": ("ocel_id", "ocel_type"),
    "event_map_type": ("ocel_type", "ocel_type_map"),
    "object_map_type": ("ocel_type", "ocel_type_map"),
    "event_object": ("ocel_event_id", "ocel_object_id", "ocel_qualifier"),
    "object_object": ("ocel_source_id", "ocel_target_id", "ocel_qualifier"),
}
_OWN_COLUMNS: Final = {"ocel_id", "ocel_time", "ocel_changed_field"}
_SIGNATURE: Final = b"SQLite format 3\0"


def read_sqlite(path: Path, intake: Intake) -> None:
    """Read a whole database; raises ``ImportRefusedError`` for one that is no SQLite, or no OCEL 2.0."""
    with closing(_opened(path)) as connection:
        try:
            _Database(path, connection, intake).read()
        except (sqlite3.Error, UnicodeError) as error:  # UnicodeError: what SQLite says of a damaged name is no text
            reason = " ".join(str(error).split())[:300]  # it may quote whole statements
            raise ImportRefusedError(f"{path}: the database cannot be read ({reason}). Nothing was imported.") from None


def _opened(path: Path) -> sqlite3.Connection:
    try:
        with path.open("rb") as file:
            signature = file.read(len(_SIGNATURE))
    except OSError as error:
        raise ImportRefusedError(f"{path}: cannot be read ({error.strerror or error}).") from None
    if not signature:
        raise ImportRefusedError(f"{path}: the file is empty.")
    if signature != _SIGNATURE:
        raise ImportRefusedError(f"{path}: is not a SQLite database.")
    for beside in (Path(f"{path}-wal"), Path(f"{path}-journal")):
        # Reading it properly would write beside it, and reading it as it is might miss what the other file holds.
        if beside.exists() and beside.stat().st_size:
            message = f"{path}: another program has not finished writing it ({beside.name}); close that first."
            raise ImportRefusedError(message)
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True, isolation_level=None
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)
    # Nothing that the schema defines may run with side effects, and damaged pages are noticed.
    for setting in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {setting}")
    connection.text_factory = _text
    return connection


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


class _Database:
    """The tables of a log: six that every log has, and one for each type of event and object."""

    def __init__(self, path: Path, connection: sqlite3.Connection, intake: Intake) -> None:
        self._path = path
        self._connection = connection
        self._intake = intake
        self._total = path.stat().st_size
        self._parts = 1
        self._done = 0

    def read(self) -> None:
        self._refuse_other_databases()
        intake = self._intake
        event_tables = {type_: f"event_{text_of(named)}" for type_, named in self._rows("event_map_type")}
        object_tables = {type_: f"object_{text_of(named)}" for type_, named in self._rows("object_map_type")}
        self._parts = len(_TABLES) + len(event_tables) + len(object_tables)
        for tables in (event_tables, object_tables):
            shared = [table for table, count in Counter(tables.values()).items() if count > 1]
            if shared:
                # Each would be read once for each of its types, and every row would be of all but one of them.
                raise ImportRefusedError(f"{self._path}: several types have their rows in one table, {shared[0]!r}.")
        for type_, table in object_tables.items():
            columns = self._columns(table)
            intake.object_type(type_, {name: kind for name, kind in columns.items() if name not in _OWN_COLUMNS})
        for type_, table in event_tables.items():
            columns = self._columns(table)
            intake.event_type(type_, {name: kind for name, kind in columns.items() if name not in _OWN_COLUMNS})
        for id_, type_ in self._rows("object"):
            intake.object(id_, type_, 0)
        for type_, table in object_tables.items():
            self._values(text_of(type_), table)
        for source, target, qualifier in self._rows("object_object"):
            self._relation(text_of(source), target, qualifier)
        for id_, type_ in self._rows("event"):
            intake.event(id_, type_, None, {}, 0)
        for type_, table in event_tables.items():
            self._times(text_of(type_), table)
        for event, object_, qualifier in self._rows("event_object"):
            self._names(text_of(event), object_, qualifier)

    def _refuse_other_databases(self) -> None:
        for table, columns in _TABLES.items():
            there = self._columns(table)
            missing = [name for name in columns if name not in there]
            if missing:
                what = f"its table {table!r} has no column {missing[0]!r}" if there else f"it has no table {table!r}"
                raise ImportRefusedError(f"{self._path}: is a SQLite database but not OCEL 2.0: {what}.")

    def _columns(self, table: str) -> dict[str, str]:
        """Return the columns of a table and their declared types; none if there is no such table."""
        # Only of ordinary tables: a view of this name would run whatever its author wrote. Views and virtual tables
        # have no page of their own.
        found = self._connection.execute(
            "SELECT c.name, c.type FROM sqlite_master s, pragma_table_info(s.name) c "
            "WHERE s.type = 'table' AND s.rootpage > 0 AND s.sql NOT LIKE 'CREATE VIRTUAL%' AND s.name = ?",
            (table,),
        )
        return dict(found.fetchall())

    def _rows(self, table: str, columns: tuple[str, ...] | None = None) -> Iterator[tuple[Raw, ...]]:
        """Yield the rows of a table, in the order in which they were stored."""
        names = ", ".join(_quoted(name) for name in columns or _TABLES[table])
        yield from self._connection.execute(f"SELECT {names} FROM {_quoted(table)}")  # noqa: S608 - quoted names
        self._done += 1
        self._intake.findings.reading(min(self._total, self._total * self._done // self._parts), self._total)

    def _values(self, type_: str, table: str) -> None:
        """Read the values of the objects of one type: a row for each object, and one for each later change."""
        columns = self._columns(table)
        if "ocel_id" not in columns:
            return  # a declared type without a table has no objects, or objects without attributes
        kept = tuple(name for name in columns if name in self._intake.log.object_attributes)
        own = tuple(name for name in ("ocel_id", "ocel_time", "ocel_changed_field") if name in columns)
        for row in self._rows(table, (*own, *kept)):
            known = dict(zip((*own, *kept), row, strict=True))
            id_, changed = text_of(known["ocel_id"]), known.get("ocel_changed_field")
            if self._intake.log.type_of(id_) != type_:
                self._stray(f"object {id_!r}", table, "object")
                continue
            for name in kept:
                # A row of a change says nothing of the other attributes; and none has a value from the beginning
                # only because its column is there.
                if changed == name or (changed is None and known[name] is not None):
                    self._intake.value(id_, name, known[name], known.get("ocel_time"), 0)

    def _times(self, type_: str, table: str) -> None:
        """Read when the events of one type were, and their attributes."""
        columns = self._columns(table)
        if "ocel_id" not in columns:
            return  # events of this type, if there are any, have no moment, and are rejected for that
        kept = tuple(name for name in columns if name in self._intake.log.event_attributes)
        own = tuple(name for name in ("ocel_id", "ocel_time") if name in columns)
        for row in self._rows(table, (*own, *kept)):
            known = dict(zip((*own, *kept), row, strict=True))
            id_ = text_of(known["ocel_id"])
            attributes = self._intake.wanted({name: known[name] for name in kept if known[name] is not None})
            time = text_of(known.get("ocel_time"))
            if time and not self._intake.log.complete_event(id_, type_, time, attributes):
                self._stray(f"event {id_!r}", table, "event")

    def _stray(self, what: str, table: str, register: str) -> None:
        reason = f"{what}: a row of {table!r} is about it, and {register!r} does not have it so, or there are two"
        self._intake.findings.left_out(0, f"{reason}; the row was left out")

    def _relation(self, source: str, target: Raw, qualifier: Raw) -> None:
        if self._intake.log.type_of(source) is None:
            reason = f"the log does not hold it, and it names object {text_of(target)!r}; this relation was left out"
            self._intake.findings.left_out(0, f"object {source!r}: {reason}")
        else:
            self._intake.relation(source, target, qualifier, 0)

    def _names(self, event: str, object_: Raw, qualifier: Raw) -> None:
        nr = self._intake.log.event_numbered(event)
        if nr is None:
            reason = f"the log does not hold it, and it names object {text_of(object_)!r}; this relation was left out"
            self._intake.findings.left_out(0, f"event {event!r}: {reason}")
        else:
            self._intake.names(nr, event, object_, qualifier, 0)


def _quoted(name: str) -> str:
    """Return a name of the file for use in a statement: within quotation marks, those in it doubled.

    SQLite's grammar knows no other escape there; a NUL would end the statement.
    """
    if "\0" in name:
        raise sqlite3.DatabaseError(f"the name {name!r} holds a NUL")
    return '"' + name.replace('"', '""') + '"'
