"""How PostgreSQL finds what lists and answers show, where the planner has to care, and that pages of gaps are whole.

The registry is made of rows alone, by SQL: twelve thousand cases with six gaps, a chain, an offer and a to-do each,
so spread over both times that a page at any moment passes many rows that are none of its own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from knelpunt.domain.vocabulary import GapKind, Harm
from knelpunt.infra.projecting import schema
from knelpunt.infra.store.connection import DatabaseRole, Principal, connect, principal_text
from knelpunt.projections.queries import cases, chains, gaps, interfaces, search, search_words, todos, waiting
from knelpunt.projections.queries.cases import CaseChoice, CaseOrder
from knelpunt.projections.queries.gaps import GapChoice, GapOrder, GapPlace
from knelpunt.projections.queries.lens import AT, LATEST, Moment, Query

CASES: Final = 12_000
BEGIN: Final = datetime(2015, 1, 1, tzinfo=UTC)
MOMENT: Final = Moment(BEGIN + timedelta(hours=7 * 9_000), BEGIN + timedelta(hours=7 * 8_000))
EARLY: Final = BEGIN + timedelta(days=100)
PAGE: Final = 50
PAGES_MAX: Final = 500
"""Of which two hundred are for the fifty rows that are shown."""

# Case n is opened n times seven hours after the first. Its first gap ended after a year, was known of after a month,
# and ran on until that was known; its second runs still; of its third it was known for a year that it would come. Of
# its fourth it was known for a month that it might come, and it did not; its fifth ran for a month. Its sixth was known
# of for longest before it came.
FILL: Final = f"""
CREATE TEMPORARY TABLE made AS
SELECT n, md5('case' || n)::uuid AS case_id, timestamptz '2015-01-01 00:00Z' + n * interval '7 hours' AS at
  FROM generate_series(1, {CASES}) AS n;
INSERT INTO read.case_state
SELECT at, 'infinity', at, at, 'infinity', at, NULL, case_id, 'ZAAK-' || n, 'wonen' FROM made;
INSERT INTO read.gap_state (as_of_from, as_of_until, known_from, until_known_from, known_until, from_at, until_at,
    lasting_since, counts_after, harm_until, lasted, case_id, gap_id, begun_by, open, kind, theme, to_act, involved,
    harms, evidence)
SELECT at + w.starts, at + w.over, at + w.known, at + w.known, at + w.unknown, at + w.starts, at + w.ends,
       CASE WHEN w.ends IS NULL THEN at + w.starts ELSE '-infinity' END,
       CASE WHEN w.ends IS NULL THEN at + w.starts ELSE '-infinity' END,
       CASE WHEN n % 20 = 0 THEN 'infinity' ELSE '-infinity' END::timestamptz,
       CASE WHEN w.ends IS NULL THEN -1 ELSE n % 500 END, case_id, md5('gap' || n || w.which)::uuid, case_id,
       w.ends IS NULL, 'STANDSTILL', 'wonen', ARRAY['agency-' || n % 200], ARRAY['agency-' || n % 300],
       CASE WHEN n % 20 = 0 THEN '{{HOME}}' ELSE '{{}}' END::text[], '{{}}'
  FROM made CROSS JOIN (VALUES
      (1, interval '1 day', interval '1 year', interval '30 days', interval 'infinity', interval 'infinity'),
      (2, interval '2 days', NULL, interval '2 days', interval 'infinity', interval 'infinity'),
      (3, interval '200 days', NULL, interval '3 days', interval '368 days', interval 'infinity'),
      (4, interval '100 days', NULL, interval '5 days', interval '35 days', interval 'infinity'),
      (5, interval '2 days', NULL, interval '2 days', interval 'infinity', interval '32 days'),
      (6, interval '300 days', NULL, interval '3 days', interval 'infinity', interval 'infinity')
  ) AS w (which, starts, ends, known, unknown, over);
INSERT INTO read.chain_state (as_of_from, as_of_until, known_from, until_known_from, known_until, reported_at,
    harm_until, case_id, obstacle_id, claimed, holder, theme, organisations, harms)
SELECT at, 'infinity', at, at, 'infinity', at, CASE WHEN n % 20 = 0 THEN 'infinity' ELSE '-infinity' END::timestamptz,
       case_id, md5('obstacle' || n)::uuid, false, 'agency-' || n % 200, 'wonen', ARRAY['agency-' || n % 200],
       CASE WHEN n % 20 = 0 THEN ARRAY['INCOME'] ELSE '{{}}' END FROM made;
INSERT INTO read.handoff_state (as_of_from, as_of_until, known_from, until_known_from, known_until, made_at,
    delivered_at, respond_by, ended_at, case_id, handoff_id, obstacle_id, kind, outcome, from_organisation,
    to_organisation)
SELECT at, 'infinity', at, at, 'infinity', at, at, at + interval '14 days',
       CASE WHEN n % 3 > 0 THEN at + interval '1 day' END, case_id, md5('offer' || n)::uuid, md5('obstacle' || n)::uuid,
       'OFFER', CASE WHEN n % 3 > 0 THEN 'ACCEPTED' ELSE 'PENDING' END, 'agency-' || n % 200, 'agency-' || n % 199
  FROM made;
INSERT INTO read.todo_state (as_of_from, as_of_until, known_from, until_known_from, known_until, since, case_id,
    stream_id, event_id, kind, obstacle_id, organisation)
SELECT at, 'infinity', at, at, 'infinity', at, case_id, case_id, md5('event' || n)::uuid, 'CONFLICT',
       md5('obstacle' || n)::uuid, 'agency-' || n % 200 FROM made;
VACUUM (ANALYZE) read.chain_state;
VACUUM (ANALYZE) read.handoff_state;
VACUUM (ANALYZE) read.todo_state;
INSERT INTO read.case_viewer (begun_at, case_id, viewer, source)
SELECT at, case_id, 'O:many', 'party' FROM made WHERE n % 5 > 0 UNION ALL
SELECT at, case_id, 'O:few', 'party' FROM made WHERE n % 100 = 0;
VACUUM (ANALYZE) read.case_state;
VACUUM (ANALYZE) read.gap_state;
VACUUM (ANALYZE) read.case_viewer;
"""

READERS: Final[Mapping[str, Principal]] = {
    "investigator": Principal("INVESTIGATOR", "investigators", "somebody"),
    "agency-of-many": Principal("AGENCY", "many", "somebody"),
    "agency-of-few": Principal("AGENCY", "few", "somebody"),
}

TYPES: Final = {
    bool: "boolean", datetime: "timestamptz", int: "bigint", UUID: "uuid", timedelta: "interval", str: "text",
}  # fmt: skip

LARGE: Final = {"case_state", "chain_state", "gap_state", "handoff_state", "todo_state"}
"""Tables that no page may read whole. What an agency sees is hashed once for lists other than that of gaps, by decision
(decisions/0041): so case_viewer is none of them there."""


def type_of(value: object) -> str:
    """What a service's statement takes a value for; what is null says nothing, and the statement itself does."""
    if isinstance(value, list):
        return f"{type_of(value[0])}[]" if value else "text[]"
    return next((name for type_, name in TYPES.items() if isinstance(value, type_)), "unknown")


@pytest.fixture(scope="module")
def filled(shared_registry_url: str) -> str:
    """The URL of a registry with a read model of made rows."""
    with closing(connect(shared_registry_url, DatabaseRole.PROJECTOR)) as projector:
        schema.ensure(projector)
    with psycopg.connect(shared_registry_url, autocommit=True) as admin:
        for statement in FILL.split(";\n"):
            if statement.strip():
                admin.execute(statement.encode())
    return shared_registry_url


@pytest.fixture(params=list(READERS))
def reader(filled: str, request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    """A connection that reads as one of those who ask."""
    with closing(connect(filled, DatabaseRole.READER)) as connection:
        connection.execute(
            "SELECT set_config('knelpunt.principal', %s, false)", (principal_text(READERS[request.param]),)
        )
        yield connection


def plan(connection: psycopg.Connection, query: Query) -> list[dict[str, Any]]:
    """The nodes that were executed of the plan that a service executes for a query, whatever its values."""
    statement, values = query
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    numbered = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", statement)
    numbered = numbered.replace("%%", "%")
    types = ", ".join(type_of(values[name]) for name in names)
    connection.execute(f"DEALLOCATE ALL; PREPARE asked ({types}) AS {numbered}".encode())
    given = sql.SQL(", ").join(sql.Literal(values[name]) for name in names)
    found = connection.execute(
        sql.SQL("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE asked ({})").format(given)
    ).fetchone()
    assert found is not None

    def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if node["Actual Loops"]:
            yield node
            for below in node.get("Plans", ()):
                yield from nodes(below)

    return list(nodes(found[0][0]["Plan"]))


def assert_found_by_index(connection: psycopg.Connection, query: Query, large: set[str]) -> set[str]:
    """Large tables are read through indexes, and nothing but a few cases' rows is sorted; return the indexes."""
    executed = plan(connection, query)
    scanned = {node["Relation Name"] for node in executed if node["Node Type"] == "Seq Scan"}
    assert not scanned & large, scanned
    sorted_ = [below["Actual Rows"] for node in executed if "Sort" in node["Node Type"] for below in node["Plans"]]
    assert all(count < CASES / 20 for count in sorted_), sorted_
    return {node["Index Name"] for node in executed if "Index Name" in node}


def answered(connection: psycopg.Connection, queries: Sequence[Query]) -> tuple[Query, list[tuple[Any, ...]]]:
    """The first of some queries that is not passed on, and what it finds."""
    for query in queries:
        found = connection.execute(*query).fetchall()
        if not gaps.passed_on(found):
            return query, found
    message = "the last query was passed on"
    raise AssertionError(message)


def rows_of(connection: psycopg.Connection, queries: Sequence[Query]) -> list[gaps.GapRow]:
    """The gaps that queries asked in turn find."""
    return [gaps.row(found) for found in answered(connection, queries)[1]]


def place_in(connection: psycopg.Connection, order: GapOrder) -> GapPlace:
    """Where the third page ends."""
    _, found = answered(connection, gaps.pages(MOMENT, GapChoice(), order, None, 3 * PAGE))
    return gaps.place(MOMENT.as_of, gaps.row(found[-1]))


@pytest.mark.parametrize("order", list(GapOrder), ids=lambda order: order.name)
def test_a_page_of_gaps_is_found_by_an_index(reader: psycopg.Connection, order: GapOrder) -> None:
    """The first page and one further on read no table whole and sort no more than the rows of a few cases."""
    few = reader.execute("SELECT read.few_seen(2000, 'infinity') IS NOT NULL").fetchone() == (True,)
    for after in (None, place_in(reader, order)):
        query, _ = answered(reader, gaps.pages(MOMENT, GapChoice(), order, after, PAGE))
        used = assert_found_by_index(reader, query, {"gap_state", "case_state", "case_viewer"})
        led = {"HARM": "running", "DAYS": "running", "NEWEST": "begun", "OLDEST": "begun", "ENDED": "over"}[order.name]
        assert few or any(index.startswith(f"gap_state_{led}") for index in used), used


@pytest.mark.parametrize("order", list(GapOrder), ids=lambda order: order.name)
@pytest.mark.parametrize(("as_of", "known"), [(3_000, 600), (3_000, 3_000), (700, 3_000)])
@pytest.mark.parametrize("reader", ["investigator"], indirect=True)  # agencies pass what is no case of theirs as well
def test_a_page_passes_little_that_is_not_the_answer(
    reader: psycopg.Connection, order: GapOrder, as_of: int, known: int
) -> None:
    """However far the two times lie from each other, what began or ended between them is not gone through."""
    moment = Moment(BEGIN + timedelta(days=as_of), BEGIN + timedelta(days=known))
    query, _ = answered(reader, gaps.pages(moment, GapChoice(), order, None, PAGE))
    # What an index passes by itself is told by its pages alone.
    whole, *_ = plan(reader, query)
    assert whole["Shared Hit Blocks"] + whole["Shared Read Blocks"] < PAGES_MAX


def test_who_sees_few_cases_is_asked_once(reader: psycopg.Connection) -> None:
    """Who sees many is sent on by one empty row, with no gap looked at; who sees few never is, be there nothing."""
    few = reader.execute("SELECT read.few_seen(2000, 'infinity') IS NOT NULL").fetchone() == (True,)
    for most in (0, PAGE):
        first, second = gaps.pages(MOMENT, GapChoice(), GapOrder.NEWEST, None, PAGE, most)
        assert gaps.passed_on(reader.execute(*first).fetchall()) is not few
        assert few or touched(plan(reader, first)) == 0
        assert [second] == gaps.pages(MOMENT, GapChoice(), GapOrder.NEWEST, None, PAGE, most, sees_all=True)
        none, _ = gaps.pages(Moment(BEGIN - timedelta(days=1), LATEST), GapChoice(), GapOrder.DAYS, None, PAGE, most)
        # Before anything began there are few cases for whoever does not see all.
        sees_all = reader.execute("SELECT knelpunt.sees_all()").fetchone() == (True,)
        assert gaps.passed_on(reader.execute(*none).fetchall()) is sees_all


@pytest.mark.parametrize("moment", [MOMENT, Moment(MOMENT.as_of, LATEST)], ids=["earlier", "latest"])
def test_gaps_that_name_an_organisation_are_found_by_its_name(reader: psycopg.Connection, moment: Moment) -> None:
    """They are those that a plain condition finds, and are looked for in the few cases where its name stands."""
    for choice, condition in (
        (GapChoice(to_act=["agency-7"]), "to_act && '{agency-7}'"),
        (GapChoice(involved=["agency-7", "agency-8"], open=True), "involved && '{agency-7,agency-8}' AND open"),
    ):
        (query,) = gaps.pages(moment, choice, GapOrder.DAYS, None, CASES)
        plain = f"SELECT gap_id FROM read.gap_state WHERE {AT} AND counts_after < %(as_of)s AND {condition}"
        expected = {gap for (gap,) in reader.execute(plain.encode(), moment.values())}
        assert {gaps.row(row).id for row in reader.execute(*query)} == expected
        assert touched(plan(reader, query)) < CASES / 20
        counted = reader.execute(*gaps.count_up_to(moment, choice, CASES)).fetchone()
        assert counted == (len(expected),)


def test_where_to_look_names_no_case_that_the_asker_does_not_see(reader: psycopg.Connection) -> None:
    """The functions that lists ask where to look answer with the asker's own cases, and say when these are too many."""
    for asked in (
        "seen_below(20000)",
        "few_seen(20000, 'infinity')",
        "few_named('{agency-7,agency-100}', '{agency-9}', 20000)",
    ):
        unseen = reader.execute(
            f"SELECT n FROM unnest(read.{asked}) AS n WHERE n NOT IN (SELECT case_id FROM read.case_state)".encode()
        )
        assert unseen.fetchall() == []
    seen = reader.execute("SELECT cardinality(read.seen_below(20000))").fetchone()
    assert seen is not None
    for number in (max(seen[0], 1), seen[0] + 1):
        reached = reader.execute("SELECT read.seen_at_least(%s)", (number,)).fetchone()
        assert reached == (number <= seen[0],)
        below = reader.execute("SELECT cardinality(read.seen_below(%s))", (number,)).fetchone()
        assert below == (None if number <= seen[0] else seen[0],)
    # Of those that began after the moments that are asked for nothing is found.
    begun = reader.execute(
        "SELECT count(*) FROM read.case_viewer WHERE begun_at <= %s UNION ALL "
        "SELECT cardinality(read.few_seen(20000, %s))",
        (EARLY, EARLY),
    ).fetchall()
    assert begun[0] == begun[1] or begun[1] == (None,)
    assert reader.execute("SELECT read.few_named('{agency-7,agency-100}', NULL, 0)").fetchone() == (None,)
    assert reader.execute("SELECT read.few_named('{nobody}', '{nobody}', 0)").fetchone() == ([],)


def test_a_page_of_cases_is_found_by_an_index(reader: psycopg.Connection) -> None:
    """The newest cases that somebody sees are found without reading all there are."""
    query = cases.page(MOMENT, CaseChoice(), CaseOrder.OPENED_NEWEST, None, PAGE)
    assert "case_state_opened" in assert_found_by_index(reader, query, {"case_state"})


def touched(executed: list[dict[str, Any]]) -> float:
    """How many rows of the large tables were looked at, those that were none of the answer included."""
    return sum(
        node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
        for node in executed
        if node.get("Relation Name") in LARGE
    )


def paged(connection: psycopg.Connection, list_: str, after: Any) -> Query:
    """The query for a page of a list beyond a place."""
    if list_.startswith("chains"):
        order = chains.ChainOrder.REPORTED_NEWEST if list_.endswith("newest") else chains.ChainOrder.REPORTED_OLDEST
        return chains.page(MOMENT, chains.ChainChoice(), order, after, PAGE)
    order = todos.TodoOrder.NEWEST if list_.endswith("newest") else todos.TodoOrder.OLDEST
    return todos.page(MOMENT, todos.TodoChoice(), order, after, PAGE)


@pytest.mark.parametrize("list_", ["chains, newest", "chains, oldest", "to-dos, newest", "to-dos, oldest"])
def test_a_page_of_a_list_costs_the_same_at_any_depth(reader: psycopg.Connection, list_: str) -> None:
    """A page far on is found in the list's own index, sorts nothing, and looks at no more rows than the first."""
    place = (lambda found: (found[2], found[1])) if list_.startswith("chains") else (lambda found: (found[1], found[5]))
    after: Any = None
    seen: list[Any] = []
    costs: list[float] = []
    for _ in range(4):
        query = paged(reader, list_, after)
        used = assert_found_by_index(reader, query, LARGE)
        assert ("chain_state_reported" if list_.startswith("chains") else "todo_state_since") in used, used
        costs.append(touched(plan(reader, query)))
        found = reader.execute(*query).fetchall()
        seen += map(place, found)
        if len(found) < PAGE:  # whoever sees few cases comes to the end
            break
        after = place(found[-1])
    # Whoever sees one case in a hundred passes those of others; how many, hangs on chance.
    assert len(costs) > 1
    assert [at for at, _ in seen] == sorted((at for at, _ in seen), reverse=list_.endswith("newest"))
    assert len(set(seen)) == len(seen)
    assert max(costs[1:]) <= 2 * max(costs[0], PAGE), costs


def test_what_waits_for_an_organisation_is_found_by_an_index(reader: psycopg.Connection) -> None:
    """Offers that one of two hundred organisations has not answered are found without reading those of the others."""
    query = waiting.query(MOMENT, "agency-7", PAGE)
    assert "handoff_state_waiting" in assert_found_by_index(reader, query, LARGE)
    assert touched(plan(reader, query)) < CASES / 20


def test_the_gaps_of_a_case_are_found_by_its_key(reader: psycopg.Connection) -> None:
    """Its own gaps, and those over the cases of its subjects, are looked up and not looked for."""
    found = reader.execute("SELECT case_id FROM read.case_state LIMIT 1").fetchone()
    assert found is not None
    query, _ = answered(reader, gaps.pages(MOMENT, GapChoice(case=found[0]), GapOrder.OLDEST, None, PAGE))
    assert_found_by_index(reader, query, LARGE)
    assert touched(plan(reader, query)) < CASES / 4


def test_interfaces_read_each_table_once(reader: psycopg.Connection) -> None:
    """All handoffs are counted in one pass and those shown looked up: none is compared with each of the others."""
    asked = interfaces.query(MOMENT, interfaces.InterfaceChoice(), interfaces.InterfaceOrder.BUSIEST, PAGE)
    executed = plan(reader, asked)
    looked_up = [node for node in executed if node.get("Index Name") == "handoff_state_pair"]
    assert 0 < sum(node["Actual Loops"] * node["Actual Rows"] for node in looked_up) < 2 * PAGE
    passes = [
        node
        for node in executed
        if node.get("Relation Name") in {"gap_state", "handoff_state"} and node not in looked_up
    ]
    assert {node["Relation Name"] for node in passes} == {"gap_state", "handoff_state"}
    assert all(node["Actual Loops"] == 1 for node in passes), passes
    joined = [node for node in executed if node["Node Type"] == "Nested Loop"]
    assert all(node["Actual Rows"] * node["Actual Loops"] <= CASES for node in joined), joined


@pytest.mark.parametrize("text", ["ZAAK-4711", "wonen", "stilstand"])
def test_a_search_reads_no_table_whole(reader: psycopg.Connection, text: str) -> None:
    """A reference, a theme and a kind of gap are looked up in indexes, the newest first."""
    asked = search_words.asked(text)
    assert asked is not None
    query = search.page(MOMENT, asked, None, PAGE)
    executed = plan(reader, query)
    scanned = {node["Relation Name"] for node in executed if node["Node Type"] == "Seq Scan"}
    assert not scanned & LARGE, scanned


@pytest.mark.parametrize("known", [0.25, 1, 2], ids=["before", "at-once", "later"])
@pytest.mark.parametrize("sees_all", [False, True], ids=["asks-which", "sees-all"])
@pytest.mark.parametrize("order", list(GapOrder), ids=lambda order: order.name)
def test_all_ways_to_a_page_find_what_row_security_shows(
    reader: psycopg.Connection, order: GapOrder, sees_all: bool, known: float
) -> None:
    """Page after page holds each gap that is there and may be seen, once, in order: as known before, then and later."""
    one_by_one: list[gaps.GapRow] = []
    after = None
    days = 1_800 if order is GapOrder.ENDED else 400
    moment = Moment(BEGIN + timedelta(days=days), BEGIN + timedelta(days=known * days))
    while True:
        page = rows_of(reader, gaps.pages(moment, GapChoice(), order, after, 400, sees_all=sees_all))
        one_by_one += page
        if len(page) < 400:
            break
        after = gaps.place(moment.as_of, page[-1])
    there = "SELECT gap_id FROM read.gap_state WHERE counts_after < %(as_of)s AND " + gaps.AT
    if order is GapOrder.ENDED:
        there += " AND until_at <= %(as_of)s"
    shown = [gap for (gap,) in reader.execute(there, moment.values())]
    assert len(shown) >= 5
    assert sorted(gap.id for gap in one_by_one) == sorted(shown)
    key = {
        GapOrder.HARM: lambda gap: (not gap.harmed, -gap.lasted, gap.id),
        GapOrder.DAYS: lambda gap: (-gap.lasted, gap.id),
        GapOrder.NEWEST: lambda gap: (-gap.from_.timestamp(), -gap.id.int),
        GapOrder.OLDEST: lambda gap: (gap.from_.timestamp(), gap.id),
        GapOrder.ENDED: lambda gap: (-gap.until.timestamp(), -gap.id.int),
    }[order]
    assert all(key(one) < key(next_) for one, next_ in pairwise(one_by_one))


@pytest.mark.parametrize("order", list(GapOrder), ids=lambda order: order.name)
def test_what_is_open_now_is_found_by_what_picks_it(reader: psycopg.Connection, order: GapOrder) -> None:
    """With a filter, open gaps as known last are gone through by themselves, page after page, and not all of a list."""
    moment = Moment(BEGIN + timedelta(days=9_000), LATEST)
    choice = GapChoice(open=True, themes=["wonen"], kinds=[GapKind.STANDSTILL])
    first, _ = answered(reader, gaps.pages(moment, choice, order, None, PAGE))
    if order is not GapOrder.ENDED:
        assert {"gap_state_open", "gap_state_open_of"} & {node.get("Index Name") for node in plan(reader, first)}
    found: list[gaps.GapRow] = []
    after = None
    while page := rows_of(reader, gaps.pages(moment, choice, order, after, 2_000)):
        found += page
        after = gaps.place(moment.as_of, page[-1])
    there = f"SELECT gap_id FROM read.gap_state WHERE open AND {gaps.AT}"
    shown = [gap for (gap,) in reader.execute(there, moment.values())]
    assert sorted(gap.id for gap in found) == ([] if order is GapOrder.ENDED else sorted(shown))
    assert len(shown) > PAGE


@pytest.mark.parametrize(
    "choice",
    [
        GapChoice(),
        GapChoice(open=True),
        GapChoice(open=False),
        GapChoice(open=True, harms=[Harm.HOME]),
        GapChoice(ended_from=BEGIN + timedelta(days=3_700)),
    ],
    ids=("all", "open", "ended", "harmed", "since"),
)
@pytest.mark.parametrize("moment", [MOMENT, Moment(BEGIN + timedelta(days=9_000), LATEST)], ids=("then", "now"))
def test_counts_that_stop_are_right_up_to_there(reader: psycopg.Connection, moment: Moment, choice: GapChoice) -> None:
    """A count that stops, by itself or of a page, is the whole count or the bound; counts by kind come to the whole."""

    def one(query: Query) -> int:
        return sum(row[-1] for row in reader.execute(*query))

    whole = one(gaps.count(moment, choice))
    assert one(gaps.counts_by_kind(moment, choice)) == whole
    for most in (1, whole, whole + 1):
        assert one(gaps.count_up_to(moment, choice, max(1, most))) == min(max(1, most), whole)
        for order in (GapOrder.HARM, GapOrder.OLDEST):
            for sees_all in (False, True):
                _, page = answered(reader, gaps.pages(moment, choice, order, None, 1, most, sees_all=sees_all))
                assert {row[-1] for row in page} == ({min(max(1, most), whole)} if whole else set())
