"""The read model can be spread over machines: every key has the column that it is spread by, and joins keep to it."""

import functools
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import ModuleType, NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import psycopg
import pytest
from msgspec import Struct
from psycopg import sql

from infra.projecting.query_trees import Joins, trees_in
from knelpunt.infra.projecting import schema
from knelpunt.infra.store.connection import DatabaseRole, connect
from knelpunt.projections.queries.lens import Query
from knelpunt.projections.read_model.distribution import AT_THE_CENTRE, EVERYWHERE, SPREAD

QUERIES: Final = "knelpunt.projections.queries"

LISTS: Final = (frozenset(SPREAD), EVERYWHERE, AT_THE_CENTRE)

TABLES: Final = "SELECT relname FROM pg_class WHERE relnamespace = 'read'::regnamespace AND relkind IN ('r', 'p')"
KEYS: Final = """
SELECT c.relname, i.indexrelid::regclass::text,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey[:i.indnkeyatts - 1]))
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
 WHERE i.indisunique AND c.relnamespace = 'read'::regnamespace
"""
COLUMNS: Final = """
SELECT c.oid::text, c.relname, a.attname, a.attnum, a.atttypid::regtype::text
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
 WHERE c.relnamespace = 'read'::regnamespace AND c.relkind IN ('r', 'p')
"""
EQUAL: Final = "SELECT oid::text FROM pg_operator WHERE oprname = '='"
POLICIES: Final = """
SELECT polrelid::regclass::text || ' ' || polname, polrelid::text,
       coalesce(polqual::text, '') || coalesce(polwithcheck::text, '')
  FROM pg_policy WHERE polrelid::regclass::text LIKE 'read.%' ORDER BY 1
"""
FUNCTIONS: Final = """
SELECT oid::regproc::text, prosqlbody::text FROM pg_proc
 WHERE pronamespace = 'read'::regnamespace AND prosqlbody IS NOT NULL ORDER BY 1
"""

ACROSS: Final[Mapping[str, str]] = {
    "read.case_link whole": "a link is shown to who sees the other case, which lies elsewhere",
    "read.commitment_state whole": "what lies over several cases is shown to who sees each of them",
    "read.gap_state whole": "what lies over several cases is shown to who sees each of them",
    "read.stream_link linked": "that a cause has to do with an obstacle is shown to who sees the obstacle's case",
    "projecting:rebuild.LIST_FOLLOWED": "the same: a rebuild asks it once, of all",
    "projecting:subjects.BEARING": "the same: events that touch somebody are also those of whom they share a case with",
    "projecting:subjects.FOLLOWED": "who shares a case with whom: asked of some at a time",
    "projecting:subjects.LIST_FOLLOWED": "the same, of all",
    "subjects.over": "a case's own subjects lead to what lies over all their cases: two steps, a few rows each",
}
"""What brings rows together that do not lie together, and why it has to."""


def assert_apart_as_known(found: Mapping[str, Sequence[object]], prefix: str) -> None:
    """Nothing looks further but what is known to; and what is known to still does."""
    assert {name for name, apart in found.items() if apart} == {name for name in ACROSS if name.startswith(prefix)}


@pytest.fixture(scope="module")
def owner(shared_registry_url: str) -> Iterator[psycopg.Connection]:
    """The owner of a registry with an empty read model."""
    with closing(connect(shared_registry_url, DatabaseRole.PROJECTOR)) as projector:
        schema.ensure(projector)
    with psycopg.connect(shared_registry_url, autocommit=True) as connection:
        yield connection


def test_every_table_has_its_place(owner: psycopg.Connection) -> None:
    """A new table stands in one of the lists, or this fails; none stands in two, and none that is not there."""
    there = {name for (name,) in owner.execute(TABLES)}
    assert sum(map(len, LISTS)) == len(there)
    assert frozenset().union(*LISTS) == there


def test_keys_hold_what_tables_are_spread_by(owner: psycopg.Connection) -> None:
    """One machine can tell whether a key is taken; and what is spread by is a UUID everywhere, so equal ones meet."""
    keys = owner.execute(KEYS).fetchall()
    assert {table for table, _, _ in keys} >= set(SPREAD)
    without = [key for table, key, columns in keys if table in SPREAD and SPREAD[table] not in columns]
    assert without == []
    types = {(table, column): type_ for _, table, column, _, type_ in owner.execute(COLUMNS)}
    assert {types[place] for place in SPREAD.items()} == {"uuid"}


@functools.cache
def new_joins_of(owner: psycopg.Connection) -> Callable[[], Joins]:
    """What makes judges of statements."""
    spread = {
        oid: (table, number) for oid, table, column, number, _ in owner.execute(COLUMNS) if SPREAD.get(table) == column
    }
    assert len(spread) == len(SPREAD)
    return functools.partial(Joins, spread, frozenset(oid for (oid,) in owner.execute(EQUAL)))


def apart_in(owner: psycopg.Connection, statement: bytes | str | sql.Composable) -> list[frozenset[str]]:
    """The tables that a statement brings together though their rows need not lie together."""
    text = statement if isinstance(statement, sql.Composable) else sql.SQL(statement)  # pyright: ignore[reportArgumentType]
    with owner.transaction(force_rollback=True):
        owner.execute("SET LOCAL search_path = read, pg_catalog")
        owner.execute(
            sql.SQL("CREATE FUNCTION pg_temp.asked() RETURNS void LANGUAGE sql BEGIN ATOMIC {}; END").format(text)
        )
        body = owner.execute("SELECT prosqlbody::text FROM pg_proc WHERE oid = 'pg_temp.asked'::regproc").fetchone()
    assert body is not None
    joins = new_joins_of(owner)()
    for query in trees_in(body[0]):
        joins.add(query)
    return list(joins.apart())


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM case_state s JOIN gap_state g USING (case_id)",
        "SELECT FROM case_state s, gap_state g WHERE g.case_id = s.case_id",
        "SELECT FROM case_state WHERE case_id IN (SELECT case_id FROM gap_state)",
        "SELECT FROM case_state WHERE theme IN (SELECT theme FROM gap_state)",
        "SELECT FROM case_state s WHERE EXISTS (SELECT FROM gap_state g WHERE g.case_id = s.case_id)",
        "SELECT FROM case_state s WHERE theme IN (SELECT theme FROM gap_state g WHERE g.case_id = s.case_id)",
        "SELECT FROM case_state s WHERE case_id IN (SELECT case_id FROM gap_state g WHERE g.kind = s.theme)",
        "SELECT FROM case_state s, LATERAL (SELECT case_id c FROM gap_state WHERE theme = s.theme) WHERE c = case_id",
        "SELECT FROM case_state s JOIN organisation_state o ON name = theme JOIN gap_state g USING (case_id)",
        "WITH a AS (TABLE case_state) SELECT FROM a JOIN gap_state g USING (case_id) JOIN case_party p USING (case_id)",
    ],
)
def test_joins_of_what_lies_together_are_known(owner: psycopg.Connection, statement: str) -> None:
    """Rows that meet by the column that they are spread by lie together, however that is written."""
    assert apart_in(owner, statement) == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM case_state s JOIN gap_state g USING (theme)",
        "SELECT FROM case_state s, gap_state g WHERE g.obstacle_id = s.case_id",
        "SELECT FROM case_state s LEFT JOIN gap_state g ON g.case_id = s.case_id OR s.theme = 'x'",
        "SELECT FROM case_state s WHERE EXISTS (SELECT FROM gap_state g WHERE g.theme = s.theme)",
        "SELECT FROM case_state s WHERE theme IN (SELECT theme FROM gap_state g WHERE g.kind = s.theme)",
        "SELECT FROM case_state s, LATERAL (SELECT FROM gap_state g WHERE g.theme = s.theme) l",
        "UPDATE case_state s SET theme = '' FROM gap_state g WHERE g.theme = s.theme",
    ],
)
def test_joins_of_what_lies_apart_are_found(owner: psycopg.Connection, statement: str) -> None:
    """Rows that meet by anything else may lie anywhere, and that is noticed."""
    assert apart_in(owner, statement) == [frozenset({"case_state", "gap_state"})]


def test_row_security_looks_no_further(owner: psycopg.Connection) -> None:
    """Whether a row is shown is told by rows that lie with it, save what is known to look further."""
    found: dict[str, list[frozenset[str]]] = {}
    for name, table, condition in owner.execute(POLICIES).fetchall():
        joins = new_joins_of(owner)()
        joins.add_policy(table, trees_in(condition))
        found[name] = list(joins.apart())
    assert len(found) > 40
    assert_apart_as_known(found, "read.")


def test_functions_keep_to_it(owner: psycopg.Connection) -> None:
    """What the read model's functions ask keeps to it, too."""
    found: dict[str, list[frozenset[str]]] = {}
    for name, body in owner.execute(FUNCTIONS).fetchall():
        joins = new_joins_of(owner)()
        for query in trees_in(body):
            joins.add(query)
        found[name] = list(joins.apart())
    assert len(found) >= 9
    assert {name for name, apart in found.items() if apart} == set()


def samples(hint: Any) -> list[Any]:
    """Values of a type: the fullest first, so that as much as possible is asked for, then what else matters."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return [*(one for part in arguments if part is not NoneType for one in samples(part)), None]
    if origin is Literal:
        return list(arguments)
    if origin is tuple:
        return [tuple(samples(part)[0] for part in arguments if part is not ...)]
    if origin is not None and issubclass(origin, Sequence):
        return [[samples(arguments[0])[0]]]
    if not isinstance(hint, type):
        return samples(hint.__supertype__)  # a NewType
    if issubclass(hint, bool):
        return [True, False]
    if issubclass(hint, Enum):
        return list(hint)
    if issubclass(hint, Struct):
        return structs(hint)
    moment = datetime(2024, 3, 1, tzinfo=UTC)
    return [{datetime: moment, timedelta: timedelta(days=7), UUID: UUID(int=7), int: 7, float: 7.0, str: "words"}[hint]]


def structs(kind: type[Struct]) -> list[Any]:
    """With every field given: what is left out only leaves a condition out."""
    hints = get_type_hints(kind)
    fields = {name: [one for one in samples(hints[name]) if one is not None] for name in kind.__struct_fields__}
    return [kind(**chosen) for chosen in variations(fields)]


def variations(fields: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """The first of each, and then each other one in its turn."""
    first = {name: values[0] for name, values in fields.items()}
    yield first
    for name, values in fields.items():
        yield from (first | {name: value} for value in values[1:])


def modules() -> list[ModuleType]:
    path = importlib.import_module(QUERIES).__path__
    return [importlib.import_module(f"{QUERIES}.{found.name}") for found in pkgutil.iter_modules(path)]


def asked_by(module: ModuleType) -> Iterator[tuple[str, Query]]:
    """Every query that a module's functions make, by the name of the function."""
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__ != module.__name__ or name.startswith("_"):
            continue
        hints = get_type_hints(function)
        if hints.pop("return", None) == Query:
            for chosen in variations({name: samples(hint) for name, hint in hints.items()}):
                yield f"{module.__name__.rpartition('.')[2]}.{name}", function(**chosen)


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__.rpartition(".")[2])
def test_queries_keep_to_it(owner: psycopg.Connection, module: ModuleType) -> None:
    """What lists and answers ask, whatever they choose by, joins what lies together, save where that is known."""
    found: dict[str, list[frozenset[str]]] = {}
    cursor = psycopg.ClientCursor(owner)
    seen: set[str] = set()
    for name, (text, values) in asked_by(module):
        if text not in seen:
            seen.add(text)
            found.setdefault(name, []).extend(apart_in(owner, cursor.mogrify(text, values)))
    assert_apart_as_known(found, f"{module.__name__.rpartition('.')[2]}.")


STATEMENT: Final = re.compile(
    r"\s*(?:CREATE UNLOGGED TABLE \w+ AS\s+)?((?:SELECT|WITH|INSERT|UPDATE|DELETE)\b.*)", re.DOTALL
)
PLACEHOLDER: Final = re.compile(r"%\(\w+\)s|%s")


def statements_of(package: ModuleType) -> Iterator[tuple[str, str]]:
    """The statements that a package's modules keep under a name, each given nothing."""
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        for name, value in vars(module).items():
            if isinstance(value, str) and (statement := STATEMENT.fullmatch(value)):
                yield (
                    f"{package.__name__.rpartition('.')[2]}:{found.name}.{name}",
                    PLACEHOLDER.sub("NULL", statement[1]),
                )


@pytest.mark.parametrize("package", ["projecting", "store", "exporting", "succession", "webhooks"])
def test_statements_keep_to_it(owner: psycopg.Connection, package: str) -> None:
    """So does what the programs ask by themselves."""
    statements = dict(statements_of(importlib.import_module(f"knelpunt.infra.{package}")))
    assert statements
    owner.execute("CREATE TEMPORARY TABLE IF NOT EXISTS followed (subject_id uuid, cases uuid[])")  # a rebuild's own
    assert_apart_as_known({name: apart_in(owner, text) for name, text in statements.items()}, f"{package}:")
