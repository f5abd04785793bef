"""OCEL 2.0 logs for tests: made once, written in each of the three formats that the standard defines.

``REFERENCE`` is a small one by hand: help for young people by several organisations, with everything that the standard
knows. ``purchases`` makes longer ones in the shape of the standard's running example, buying goods.
"""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from random import Random
from xml.sax.saxutils import escape, quoteattr

import msgspec

EVER = "1970-01-01T00:00:00Z"

Value = str | int | float | bool | None


class Thing(msgspec.Struct):
    """An object: values as (attribute, since when, value), and relations as (object, qualifier)."""

    id: str
    type: str
    values: list[tuple[str, str, Value]] = []
    relations: list[tuple[str, str]] = []


class Happening(msgspec.Struct):
    """An event; relations as (object, qualifier)."""

    id: str
    type: str
    time: str | None
    relations: list[tuple[str, str]] = []
    values: dict[str, Value] = {}


class Log(msgspec.Struct):
    """A log: the types of event and of object with their attributes, and what there is of them."""

    event_types: dict[str, dict[str, str]]
    object_types: dict[str, dict[str, str]]
    things: list[Thing]
    events: list[Happening]


REFERENCE = Log(
    event_types={
        "Melding": {"kanaal": "string", "spoed": "boolean"},
        "Gesprek": {},
        "Overdracht": {"bladzijden": "integer"},
        "Weigering": {},
        "Opgelost": {},
        "Afsluiting": {},
        "Herinnering": {},
    },
    object_types={
        "Zaak": {"ernst": "float"},
        "Hulpvraag": {"soort": "string"},
        "Medewerker": {"afdeling": "string", "nummer": "integer"},
        "Afdeling": {"naam": "string"},
        "Klacht": {"datum": "time"},
    },
    things=[
        Thing(
            "z1",
            "Zaak",
            [("ernst", EVER, 2.0), ("ernst", "2024-02-01T00:00:00Z", 3.5)],
            [("h1", "bevat"), ("h2", "bevat")],
        ),
        Thing("z2", "Zaak", [], [("h3", "bevat")]),
        Thing("h1", "Hulpvraag", [("soort", EVER, "schulden")]),
        Thing("h2", "Hulpvraag", [("soort", EVER, "wonen")]),
        Thing("h3", "Hulpvraag", [("soort", EVER, "zorg")]),
        Thing("m1", "Medewerker", [("afdeling", EVER, "Loket"), ("nummer", EVER, 7)], [("a1", "werkt bij")]),
        # Moved from the counter to debt counselling half-way.
        Thing(
            "m2",
            "Medewerker",
            [("afdeling", EVER, "Loket"), ("afdeling", "2024-02-15T00:00:00Z", "Schuldhulp"), ("nummer", EVER, 12)],
            [("a2", "werkt bij"), ("a1", "werkte bij")],
        ),
        Thing("a1", "Afdeling", [("naam", EVER, "Loket")]),
        Thing("a2", "Afdeling", [("naam", EVER, "Schuldhulp")]),
    ],
    events=[
        Happening(
            "e1",
            "Melding",
            "2024-01-08T09:00:00Z",
            [("z1", "over"), ("h1", "over"), ("m1", "door")],
            {"kanaal": "balie", "spoed": True},
        ),
        Happening(
            "e2",
            "Melding",
            "2024-01-09T10:30:00Z",
            [("z1", "over"), ("h2", "over"), ("m2", "door")],
            {"kanaal": "brief", "spoed": False},
        ),
        Happening(
            "e3",
            "Overdracht",
            "2024-02-05T09:00:00Z",
            [("h1", "over"), ("m1", "door"), ("a2", "aan")],
            {"bladzijden": 12},
        ),
        Happening("e4", "Weigering", "2024-02-12T09:00:00Z", [("h1", "over"), ("a2", "door")]),
        Happening("e5", "Gesprek", "2024-02-20T14:00:00Z", [("z1", "over"), ("h1", "over"), ("m2", "door")]),
        Happening("e6", "Gesprek", "2024-02-20T14:00:00.250Z", [("z1", "over"), ("h2", "over"), ("m1", "door")]),
        Happening("e10", "Opgelost", "2024-03-01T09:00:00Z", [("h2", "over"), ("m1", "door")]),
        # The same moment as the one before: their order is that of their numbers.
        Happening("e9", "Gesprek", "2024-03-01T09:00:00Z", [("h2", "over"), ("h1", "over"), ("m1", "door")]),
        Happening(
            "e11",
            "Melding",
            "2024-03-02T09:00:00Z",
            [("z2", "over"), ("h3", "over"), ("m1", "door")],
            {"kanaal": "brief"},
        ),
        Happening("e12", "Afsluiting", "2024-03-20T09:00:00Z", [("z1", "over"), ("m2", "door")]),
    ],
)
"""Declared and never used: an activity (Herinnering) and a type of object (Klacht)."""


def purchases(orders: int, seed: int = 1) -> Log:
    """Orders of several items each, handled by employees who now and then change departments."""
    random = Random(seed)
    departments = [f"Department {n}" for n in range(5)]
    people = [
        Thing(
            f"employee-{n}",
            "Employee",
            [
                ("department", EVER, departments[n % 5]),
                ("department", "2024-05-01T00:00:00Z", random.choice(departments)),
            ],
        )
        for n in range(20)
    ]
    things, events = list(people), []
    for n in range(orders):
        items = [
            Thing(f"item-{n}-{k}", "Item", [("price", EVER, random.randrange(100) / 4)])
            for k in range(random.randint(1, 3))
        ]
        order = Thing(f"order-{n}", "Order", [], [(item.id, "comprises") for item in items])
        things += [order, *items]
        minute = random.randrange(200_000)
        for step in ("place order", "pick item", "pick item", "send package", "pay order"):
            minute += random.randrange(20_000)
            day, rest = divmod(minute, 1440)
            month, day = divmod(day, 28)
            time = f"{2023 + month // 12}-{month % 12 + 1:02}-{day + 1:02}T{rest // 60:02}:{rest % 60:02}:00Z"
            about = [(item.id, "item") for item in items if step != "pick item" or random.random() < 0.6]
            named = [(order.id, "order")] if step != "pick item" or not about else []
            by = [(random.choice(people).id, "by")] if random.random() < 0.9 else []
            events.append(Happening(f"event-{len(events)}", step, time, named + about + by))
    random.shuffle(events)
    return Log(
        {step: {} for step in ("place order", "pick item", "send package", "pay order")},
        {"Order": {}, "Item": {"price": "float"}, "Employee": {"department": "string"}},
        things,
        events,
    )


SHOP = """
source = "shop"
[columns]
case = ["Order", { type = "Order", qualifier = "comprises", inverse = true, via = "Item" }]
obstacle = "Item"
organisation = { type = "Employee", qualifier = "by", attribute = "department" }
[roles]
"send package" = "resolve"
"pay order" = "close"
"""
"""How the log of ``purchases`` is read."""


def as_json(log: Log) -> str:
    """The log in the JSON format, each event and object on a line of its own."""

    def types(declared: dict[str, dict[str, str]]) -> list:
        return [
            {"name": name, "attributes": [{"name": key, "type": kind} for key, kind in attributes.items()]}
            for name, attributes in declared.items()
        ]

    def relations(pairs: Iterable[tuple[str, str]]) -> list:
        return [{"objectId": object_, "qualifier": qualifier} for object_, qualifier in pairs]

    content = {
        "objectTypes": types(log.object_types),
        "eventTypes": types(log.event_types),
        "objects": [
            {
                "id": thing.id,
                "type": thing.type,
                "attributes": [{"name": name, "time": time, "value": value} for name, time, value in thing.values],
                "relationships": relations(thing.relations),
            }
            for thing in log.things
        ],
        "events": [
            {
                "id": event.id,
                "type": event.type,
                **({} if event.time is None else {"time": event.time}),
                "attributes": [{"name": name, "value": value} for name, value in event.values.items()],
                "relationships": relations(event.relations),
            }
            for event in log.events
        ],
    }
    sections = []
    for key, elements in content.items():
        lines = ",\n".join(f"  {json.dumps(element, ensure_ascii=False)}" for element in elements)
        sections.append(f'"{key}": [\n{lines}\n]')
    return "{\n" + ",\n".join(sections) + "\n}\n"


def as_xml(log: Log) -> str:
    """The log in the XML format."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<log>"]
    for kind, declared in (("object", log.object_types), ("event", log.event_types)):
        lines.append(f"<{kind}-types>")
        for name, attributes in declared.items():
            parts = "".join(f"<attribute name={quoteattr(k)} type={quoteattr(v)}/>" for k, v in attributes.items())
            lines.append(f"<{kind}-type name={quoteattr(name)}><attributes>{parts}</attributes></{kind}-type>")
        lines.append(f"</{kind}-types>")

    def relations(pairs: Iterable[tuple[str, str]]) -> str:
        parts = (f"<relationship object-id={quoteattr(o)} qualifier={quoteattr(q)}/>" for o, q in pairs)
        return f"<objects>{''.join(parts)}</objects>"

    def text(value: Value) -> str:
        return escape(str(int(value)) if isinstance(value, bool) else "" if value is None else str(value))

    lines.append("<objects>")
    for thing in log.things:
        values = "".join(
            f"<attribute name={quoteattr(name)} time={quoteattr(time)}>{text(value)}</attribute>"
            for name, time, value in thing.values
        )
        lines.append(
            f"<object id={quoteattr(thing.id)} type={quoteattr(thing.type)}>"
            f"<attributes>{values}</attributes>{relations(thing.relations)}</object>"
        )
    lines += ["</objects>", "<events>"]
    for event in log.events:
        time = "" if event.time is None else f" time={quoteattr(event.time)}"
        values = "".join(f"<attribute name={quoteattr(k)}>{text(v)}</attribute>" for k, v in event.values.items())
        lines.append(
            f"<event id={quoteattr(event.id)} type={quoteattr(event.type)}{time}>"
            f"<attributes>{values}</attributes>{relations(event.relations)}</event>"
        )
    return "\n".join([*lines, "</events>", "</log>"]) + "\n"


_COLUMN = {"string": "TEXT", "integer": "INTEGER", "float": "REAL", "boolean": "BOOLEAN", "time": "TIMESTAMP"}
_GROUND = """
    CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
    CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
    CREATE TABLE event (
        ocel_id TEXT PRIMARY KEY, ocel_type TEXT, FOREIGN KEY (ocel_type) REFERENCES event_map_type (ocel_type)
    );
    CREATE TABLE object (
        ocel_id TEXT PRIMARY KEY, ocel_type TEXT, FOREIGN KEY (ocel_type) REFERENCES object_map_type (ocel_type)
    );
    CREATE TABLE event_object (
        ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT,
        PRIMARY KEY (ocel_event_id, ocel_object_id, ocel_qualifier),
        FOREIGN KEY (ocel_event_id) REFERENCES event (ocel_id), FOREIGN KEY (ocel_object_id) REFERENCES object (ocel_id)
    );
    CREATE TABLE object_object (
        ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT,
        PRIMARY KEY (ocel_source_id, ocel_target_id, ocel_qualifier),
        FOREIGN KEY (ocel_source_id) REFERENCES object (ocel_id),
        FOREIGN KEY (ocel_target_id) REFERENCES object (ocel_id)
    );
"""


def quoted(name: str) -> str:
    """A name within quotation marks."""
    return '"' + name.replace('"', '""') + '"'


def table_of(type_: str) -> str:
    """What a type is called in the name of its table."""
    return "".join(word.capitalize() for word in type_.split())


def write_sqlite(log: Log, path: Path) -> None:
    """Write the log in the SQLite format, as strictly as the standard's own constraints ask."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(_GROUND)
        for kind, declared in (("event", log.event_types), ("object", log.object_types)):
            changes = ", ocel_changed_field TEXT" if kind == "object" else ""
            for type_, attributes in declared.items():
                database.execute(f"INSERT INTO {kind}_map_type VALUES (?, ?)", (type_, table_of(type_)))
                columns = "".join(f", {quoted(name)} {_COLUMN[held]}" for name, held in attributes.items())
                keyed = "ocel_id TEXT PRIMARY KEY" if kind == "event" else "ocel_id TEXT"
                table = quoted(f"{kind}_{table_of(type_)}")
                database.execute(
                    f"CREATE TABLE {table} ({keyed}, ocel_time TIMESTAMP{changes}{columns}, "
                    f"FOREIGN KEY (ocel_id) REFERENCES {kind} (ocel_id))"
                )
        for thing in log.things:
            database.execute("INSERT INTO object VALUES (?, ?)", (thing.id, thing.type))
            table = quoted(f"object_{table_of(thing.type)}")
            initial = {name: value for name, time, value in thing.values if time == EVER}
            columns = "".join(f", {quoted(name)}" for name in initial)
            marks = ", ?" * len(initial)
            database.execute(
                f"INSERT INTO {table} (ocel_id, ocel_time{columns}) VALUES (?, ?{marks})",
                (thing.id, "1970-01-01 00:00:00", *initial.values()),
            )
            for name, time, value in thing.values:
                if time != EVER:
                    changed = f"ocel_id, ocel_time, ocel_changed_field, {quoted(name)}"
                    database.execute(
                        f"INSERT INTO {table} ({changed}) VALUES (?, ?, ?, ?)",
                        (thing.id, spaced(time), name, value),
                    )
            rows = ((thing.id, target, qualifier) for target, qualifier in thing.relations)
            database.executemany("INSERT INTO object_object VALUES (?, ?, ?)", rows)
        # Another order than that of the other formats: the standard leaves it open.
        for event in sorted(log.events, key=lambda event: (event.type, event.id)):
            database.execute("INSERT INTO event VALUES (?, ?)", (event.id, event.type))
            columns = "".join(f", {quoted(name)}" for name in event.values)
            marks = ", ?" * len(event.values)
            time = None if event.time is None else spaced(event.time)
            table = quoted(f"event_{table_of(event.type)}")
            database.execute(
                f"INSERT INTO {table} (ocel_id, ocel_time{columns}) VALUES (?, ?{marks})",
                (event.id, time, *event.values.values()),
            )
            rows = ((event.id, object_, qualifier) for object_, qualifier in event.relations)
            database.executemany("INSERT INTO event_object VALUES (?, ?, ?)", rows)


def spaced(time: str) -> str:
    """A moment as SQLite's own functions print it, without a zone."""
    return time.replace("T", " ").removesuffix("Z")


def write(log: Log, folder: Path, format_: str) -> Path:
    """Write a log as ``log.json``, ``log.xml`` or ``log.sqlite``."""
    path = folder / f"log.{format_}"
    if format_ == "sqlite":
        write_sqlite(log, path)
    else:
        path.write_text(as_json(log) if format_ == "json" else as_xml(log), encoding="utf-8")
    return path
