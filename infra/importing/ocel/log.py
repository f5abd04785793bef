"""An OCEL log on its way in, as tables of a temporary SQLite database, whichever of the three formats it came in.

What an event means depends on objects that may stand anywhere in the file, before it or after it, and there may be
more of both than fit in memory. SQLite keeps the database in a file without a name, which is gone when the program ends
however it ends; only the cache is in memory. Since all formats end in the same tables, they mean the same.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Final, NamedTuple, Self

import msgspec

from ..errors import ImportRefusedError

CACHE_KIB: Final = 65_536
"""What the temporary database may keep in memory."""

ID_CHARS_MAX: Final = 1024
"""The longest id of an event or object, name of a type or qualifier."""

VALUE_CHARS_MAX: Final = 8192
"""What is kept of an attribute's value; longer than any that is accepted."""

SINCE_EVER: Final = -(1 << 62)
"""The moment of values that an object has had since it exists, before all others."""

_TABLES: Final = """
    CREATE TABLE object_type (name TEXT PRIMARY KEY, objects INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
    CREATE TABLE attribute (type TEXT, name TEXT, kind TEXT NOT NULL, PRIMARY KEY (type, name)) WITHOUT ROWID;
    CREATE TABLE event_attribute (type TEXT, name TEXT, kind TEXT NOT NULL, PRIMARY KEY (type, name)) WITHOUT ROWID;
    CREATE TABLE object (id TEXT PRIMARY KEY, type TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE value (
        object TEXT, name TEXT, at INTEGER, text TEXT NOT NULL, PRIMARY KEY (object, name, at)
    ) WITHOUT ROWID;
    CREATE TABLE relation (
        source TEXT, qualifier TEXT, target TEXT, PRIMARY KEY (source, qualifier, target)
    ) WITHOUT ROWID;
    CREATE TABLE event (
        nr INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, activity TEXT NOT NULL, time TEXT NOT NULL,
        attributes TEXT NOT NULL, line INTEGER NOT NULL
    );
    CREATE TABLE named (
        event INTEGER, object TEXT, qualifier TEXT, PRIMARY KEY (event, object, qualifier)
    ) WITHOUT ROWID;
"""


class NamedObject(NamedTuple):
    """An object that an event names; one that the log does not hold has no type."""

    id: str
    qualifier: str
    type: str | None


class LoggedEvent(NamedTuple):
    """An event as it was read, with the objects that it names, by id and qualifier."""

    id: str
    activity: str
    time: str
    attributes: dict[str, str]
    line: int
    objects: list[NamedObject]


class ObjectLog:
    """The tables. Used as a context, so that they go when the import ends.

    What of a log is not wanted for the mapping at hand (other attributes) is not kept.
    """

    def __init__(self, object_attributes: frozenset[str], event_attributes: frozenset[str]) -> None:
        self.object_attributes = object_attributes
        self.event_attributes = event_attributes
        # An empty name: a private database on disk, deleted by SQLite itself. No journal: it is never rolled back.
        self._tables = sqlite3.connect("", isolation_level=None, check_same_thread=True)
        for setting in (f"cache_size = -{CACHE_KIB}", "journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            self._tables.execute(f"PRAGMA {setting}")
        self._tables.executescript(_TABLES)
        self._tables.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tables.close()
        if isinstance(error, sqlite3.OperationalError):
            raise ImportRefusedError(
                f"The temporary tables of the import failed ({error}): is the disk full?"
            ) from None

    def declare_object_type(self, name: str, attributes: Mapping[str, str]) -> None:
        """Add a type of object, with the names of its attributes and what they hold."""
        self._tables.execute("INSERT OR IGNORE INTO object_type (name) VALUES (?)", (name,))
        kinds = ((name, key, kind) for key, kind in attributes.items())
        self._tables.executemany("INSERT OR IGNORE INTO attribute VALUES (?, ?, ?)", kinds)

    def declare_event_type(self, name: str, attributes: Mapping[str, str]) -> None:
        """Add the attributes of a type of event, and what they hold."""
        kinds = ((name, key, kind) for key, kind in attributes.items())
        self._tables.executemany("INSERT OR IGNORE INTO event_attribute VALUES (?, ?, ?)", kinds)

    def add_object(self, id_: str, type_: str) -> bool:
        """Add an object; return whether there was none of this id."""
        if not self._tables.execute("INSERT OR IGNORE INTO object VALUES (?, ?)", (id_, type_)).rowcount:
            return False
        self._tables.execute(
            "INSERT INTO object_type VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET objects = objects + 1", (type_,)
        )
        return True

    def add_value(self, object_: str, name: str, at: int, text: str) -> bool:
        """Add the value of an attribute from a moment on, in microseconds; return whether there was no other."""
        row = (object_, name, at, text)
        if self._tables.execute("INSERT OR IGNORE INTO value VALUES (?, ?, ?, ?)", row).rowcount:
            return True
        same = "SELECT 1 FROM value WHERE object = ? AND name = ? AND at = ? AND text = ?"
        return self._tables.execute(same, row).fetchone() is not None

    def add_relation(self, source: str, target: str, qualifier: str) -> None:
        """Add that an object names another; twice is once."""
        self._tables.execute("INSERT OR IGNORE INTO relation VALUES (?, ?, ?)", (source, qualifier, target))

    def add_event(self, id_: str, activity: str, time: str, attributes: dict[str, str], line: int) -> int | None:
        """Add an event and return its number; none if there is one of this id already."""
        row = (id_, activity, time, msgspec.json.encode(attributes).decode(), line)
        added = self._tables.execute(
            "INSERT OR IGNORE INTO event (id, activity, time, attributes, line) VALUES (?, ?, ?, ?, ?)", row
        )
        return added.lastrowid if added.rowcount else None

    def event_numbered(self, id_: str) -> int | None:
        """Return the number of the event with this id, or none."""
        found = self._tables.execute("SELECT nr FROM event WHERE id = ?", (id_,)).fetchone()
        return None if found is None else found[0]

    def complete_event(self, id_: str, activity: str, time: str, attributes: dict[str, str]) -> bool:
        """Say when an event of an activity, added without it, was; return whether there is one that lacked it."""
        row = (time, msgspec.json.encode(attributes).decode(), id_, activity)
        completed = "UPDATE event SET time = ?, attributes = ? WHERE id = ? AND activity = ? AND time = ''"
        return self._tables.execute(completed, row).rowcount > 0

    def add_named(self, event: int, object_: str, qualifier: str) -> None:
        """Add that an event names an object; twice is once."""
        self._tables.execute("INSERT OR IGNORE INTO named VALUES (?, ?, ?)", (event, object_, qualifier))

    def type_of(self, object_: str) -> str | None:
        """Return the type of an object, or none if there is no such object."""
        found = self._tables.execute("SELECT type FROM object WHERE id = ?", (object_,)).fetchone()
        return None if found is None else found[0]

    def object_types(self) -> dict[str, int]:
        """Return how many objects there are of each type that is declared or has any."""
        return dict(self._tables.execute("SELECT name, objects FROM object_type ORDER BY name"))

    def attribute_kinds(self, type_: str) -> dict[str, str]:
        """Return the attributes that a type of object declares, and what they hold."""
        return dict(self._tables.execute("SELECT name, kind FROM attribute WHERE type = ? ORDER BY name", (type_,)))

    def event_attribute_kinds(self) -> dict[tuple[str, str], str]:
        """Return the attributes that types of event declare, each as type and name, and what they hold."""
        rows = self._tables.execute("SELECT type, name, kind FROM event_attribute")
        return {(type_, name): kind for type_, name, kind in rows}

    def has_value(self, type_: str, name: str) -> bool:
        """Return whether an attribute is given a value by any object of a type."""
        found = self._tables.execute(
            "SELECT 1 FROM value v JOIN object o ON o.id = v.object WHERE o.type = ? AND v.name = ? LIMIT 1",
            (type_, name),
        )
        return found.fetchone() is not None

    def has_event_value(self, name: str) -> bool:
        """Return whether any event has an attribute."""
        given = "SELECT 1 FROM event e, json_each(e.attributes) a WHERE a.key = ? LIMIT 1"
        return self._tables.execute(given, (name,)).fetchone() is not None

    def has_qualifier(self, name: str) -> bool:
        """Return whether any relation, of an event or an object, has a qualifier."""
        found = self._tables.execute(
            "SELECT 1 FROM named WHERE qualifier = ? UNION ALL SELECT 1 FROM relation WHERE qualifier = ? LIMIT 1",
            (name, name),
        )
        return found.fetchone() is not None

    def events_count(self) -> int:
        """Return how many events there are."""
        return self._tables.execute("SELECT count(*) FROM event").fetchone()[0]

    def dangling_relations(self) -> Iterator[tuple[str, str]]:
        """Yield the objects that name one which the log does not hold, with the id of that one."""
        yield from self._tables.execute(
            "SELECT DISTINCT r.source, r.target FROM relation r LEFT JOIN object o ON o.id = r.target "
            "WHERE o.id IS NULL ORDER BY 1, 2"
        )

    def index_targets(self) -> None:
        """Make it fast to ask who names an object."""
        self._tables.execute("CREATE INDEX relation_by_target ON relation (target, qualifier)")

    def related(self, object_: str, type_: str, qualifier: str | None, inverse: bool) -> list[str]:  # noqa: FBT001 - as in a mapping
        """Return the objects of a type that an object names, or with ``inverse`` that name it; no qualifier: by any."""
        end, other = ("target", "source") if inverse else ("source", "target")
        found = self._tables.execute(
            f"SELECT DISTINCT o.id FROM relation r JOIN object o ON o.id = r.{other} "  # noqa: S608 - two fixed words
            f"WHERE r.{end} = ? AND o.type = ? AND (? IS NULL OR r.qualifier = ?)",
            (object_, type_, qualifier, qualifier),
        )
        return [row[0] for row in found]

    def linked(self, one: str, other: str) -> bool:
        """Return whether either of two objects names the other."""
        found = self._tables.execute(
            "SELECT 1 FROM relation WHERE (source = ? AND target = ?) OR (source = ? AND target = ?) LIMIT 1",
            (one, other, other, one),
        )
        return found.fetchone() is not None

    def values(self, object_: str, name: str) -> list[tuple[int, str]]:
        """Return the values that an attribute of an object has had, each from a moment on (microseconds), in order."""
        found = self._tables.execute(
            "SELECT at, text FROM value WHERE object = ? AND name = ? ORDER BY at", (object_, name)
        )
        return found.fetchall()

    def events(self) -> Iterator[LoggedEvent]:
        """Yield all events in the order in which they were added."""
        rows = self._tables.execute(
            "SELECT e.nr, e.id, e.activity, e.time, e.attributes, e.line, n.object, n.qualifier, o.type "
            "FROM event e LEFT JOIN named n ON n.event = e.nr LEFT JOIN object o ON o.id = n.object ORDER BY e.nr"
        )
        current, event = 0, None
        for nr, id_, activity, time, attributes, line, object_, qualifier, type_ in rows:
            if nr != current or event is None:
                if event is not None:
                    yield event
                current = nr
                kept = msgspec.json.decode(attributes, type=dict[str, str])
                event = LoggedEvent(id_, activity, time, kept, line, [])
            if object_ is not None:
                event.objects.append(NamedObject(object_, qualifier, type_))
        if event is not None:
            yield event
