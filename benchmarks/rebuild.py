"""Rows: the rebuild of all projections over both times, against the stock runner and against one INSERT … SELECT."""

from typing import Final

import msgspec
import psycopg

from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store import codec

from .generate import registry
from .laboratory import History, Laboratory, Registry
from .measuring import ROUNDS, Report, Row, alternate, rate
from .opponents import insert_select, stock

WORKERS: Final = 2

STOCK_EVENTS_MAX: Final = 2_000
"""Events that the stock runner projects in a round: it does some hundreds a second, however many there are."""


def rows(laboratory: Laboratory, given: Registry, report: Report, rounds: int = ROUNDS) -> list[Row]:
    """Measure both comparisons on one registry."""
    few = min(STOCK_EVENTS_MAX, given.events // 8)
    report(f"rebuild: storing {few} events with the stock recorder")
    stock_url = laboratory.empty("bench_stock_projection")
    _store(stock_url, few)
    report(f"rebuild: {given.events} events, {rounds} rounds")

    def ours() -> float:
        laboratory.checkpoint(given.url)
        figure = rate(given.events, lambda: rebuild(given.url, WORKERS))
        _assert_rebuilt(given)
        return figure

    def selected() -> float:
        insert_select.prepare(given.url)
        laboratory.checkpoint(given.url)
        return rate(given.events, lambda: insert_select.insert(given.url))

    def runner() -> float:
        _forget(stock_url)
        laboratory.checkpoint(stock_url)
        return rate(few, lambda: stock.project(stock_url))

    rebuilt, inserted, stock_run = alternate((ours, selected, runner), rounds)
    laboratory.drop(stock_url)
    return [
        Row(
            key="rebuild-runner",
            what="rebuild of all projections, both times kept",
            against=f"stock ProjectionRunner, one upsert an event (over {few} events)",
            events=given.events,
            unit="events/s",
            ours=rebuilt,
            theirs=stock_run,
            at_least=100.0,
            meaning=(
                f"Ours: `project --rebuild` with {WORKERS} workers, from reading the log to the swapped schema with "
                "all its indexes: every gap, chain, handoff and case over both times. Theirs: the library's "
                "ProjectionRunner upserting a row a case, with its position, in a transaction an event; its rate does "
                "not depend on how many events there are."
            ),
        ),
        Row(
            key="rebuild-insert-select",
            what="rebuild of all projections, both times kept",
            against="INSERT … SELECT of five JSON fields an event into one table without an index",
            events=given.events,
            unit="events/s",
            ours=rebuilt,
            theirs=inserted,
            at_least=0.8,
            meaning=(
                "The same rebuild, against the least that SQL can do with every event: parse its JSON once and write "
                "five fields of it to one table, in one statement on the same server."
            ),
        ),
    ]


def _store(url: str, events: int) -> None:
    """Save the first events of a generated registry as a stock application's."""
    with stock.StockCases(stock.environment(url)) as application:
        for event in History(registry(events), 1).events():
            body = msgspec.json.decode(codec.encode(event))
            if event.version == 1:
                application.open(event.stream, body)
            else:
                application.record(event.stream, body)


def _forget(url: str) -> None:
    """Drop the stock view and its position."""
    with psycopg.connect(url, autocommit=True) as admin:
        tables = admin.execute(
            "SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables "
            "WHERE tablename IN ('facts_of_case', 'countfacts_tracking')"
        ).fetchone()
        if tables is not None and tables[0] is not None:
            admin.execute(b"DROP TABLE " + str(tables[0]).encode())


def _assert_rebuilt(given: Registry) -> None:
    with psycopg.connect(given.url) as admin:
        row = admin.execute("SELECT position, (SELECT count(*) FROM read.gap_state) FROM read.projected").fetchone()
    assert row is not None
    assert row[0] == given.events - 1, "the rebuild left events out"
    assert row[1] > 0, "the rebuild wrote no gaps"
