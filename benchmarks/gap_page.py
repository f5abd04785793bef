"""Row: any page of gaps at any two times, through our queries, against hand-written SQL for the same rows.

Ours is executed as the service does: in a transaction of its own, for a principal, under row security, from SQL to
rows of Python. The hand-written SQL is one statement of the tables' owner, whom row security does not hold up.
"""

from datetime import timedelta
from random import Random
from statistics import median
from time import perf_counter
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from msgspec import Struct
from psycopg import sql
from psycopg_pool import ConnectionPool

from knelpunt.infra.store.connection import DatabaseRole, Principal, pool, principal_text
from knelpunt.projections.queries import gaps
from knelpunt.projections.queries.lens import Moment

from .laboratory import Laboratory, Registry
from .measuring import Report, Row, percentile
from .opponents import gap_pages

PAGE: Final = 50
QUESTIONS: Final = 200
WARM_UP: Final = 20

INVESTIGATOR: Final = Principal("INVESTIGATOR", "urn:bench:investigators", "onderzoeker-1")

BEGIN: Final = sql.SQL("BEGIN READ ONLY; SELECT set_config('knelpunt.principal', {}, true)").format(
    sql.Literal(principal_text(INVESTIGATOR))
)

# A gap that the list at these two times holds, drawn at random: where a page before may have ended.
DRAWN: Final = """
SELECT gap_id, from_at, harm_until > %(as_of)s,
       CASE WHEN lasted < 0 THEN (extract(epoch FROM %(as_of)s - lasting_since) * 1000000)::bigint ELSE lasted END
  FROM read.gap_state
 WHERE as_of_from <= %(as_of)s AND (as_of_until > %(as_of)s OR until_known_from > %(known_at)s)
   AND known_from <= %(known_at)s AND known_until > %(known_at)s AND counts_after < %(as_of)s
 ORDER BY md5(gap_id::text || %(salt)s) LIMIT 1
"""


class Question(Struct, frozen=True):
    """A page that somebody asks for."""

    moment: Moment
    order: gaps.GapOrder
    after: gaps.GapPlace | None

    def name(self) -> str:
        """Return which hand-written statement answers it."""
        if self.after is None:
            return self.order.value
        if self.order is gaps.GapOrder.HARM:
            return "HARM on, harmed" if self.after.harmed else "HARM on, unharmed"
        return f"{self.order.value} on"

    def values(self) -> dict[str, object]:
        """Return the values of that statement."""
        values: dict[str, object] = dict(self.moment.values())
        if self.after is not None:
            values |= {
                "gap": self.after.id,
                "from": self.after.from_,
                "lasted": self.after.lasted,
                "harmed": self.after.harmed,
            }
        return values


def row(laboratory: Laboratory, given: Registry, report: Report, questions: int = QUESTIONS) -> Row:
    """Measure on a registry whose read model stands."""
    laboratory.settle(given.url)
    readers = pool(given.url, DatabaseRole.READER, 1)
    try:
        with psycopg.connect(given.url, autocommit=True) as admin:
            report(f"gap page: drawing {questions} questions on {given.events} events")
            asked = _questions(admin, given, questions + WARM_UP)
            report(f"gap page: asking each question, ours and by hand in turn, {PAGE} rows a page")
            ours, plain, parted, found = _ask(readers, admin, asked)
            kinds = [question.name() for question in asked[WARM_UP:]]
    finally:
        readers.close()
    theirs = min(plain, parted, key=median)
    return Row(
        key="gap-page",
        what=f"any page of {PAGE} gaps at any asOf and knownAt, as an investigator",
        against="hand-written SQL for the same rows on the same tables, as their owner",
        events=given.events,
        unit="ms",
        ours=ours,
        theirs=theirs,
        at_most=1.3,
        limited="p95",
        limited_value=percentile(ours, 95),
        limit=30.0,
        details={
            "questions": float(questions),
            "rows found on average": found,
            "p95 of the hand-written SQL, ms": percentile(theirs, 95),
            "hand-written, sorted plainly, ms": median(plain),
            "hand-written, running and ended apart, ms": median(parted),
            **{
                f"{name}, ms": _of_kind(name, kinds, ours) + " by hand " + _of_kind(name, kinds, theirs)
                for name in sorted(set(kinds))
            },
        },
        meaning=(
            "Both times are drawn at random over the ten years, independently; the order is one of the four, and half "
            "of the pages begin after a gap drawn at random ('on'). Ours: transaction, principal, row security, query "
            "and rows in Python. Theirs: one statement, the faster of two ways to write it. Each page was compared, "
            "gap by gap."
        ),
    )


def _of_kind(name: str, kinds: list[str], samples: list[float]) -> str:
    return f"{median(sample for kind, sample in zip(kinds, samples, strict=True) if kind == name):.3g}"


def _questions(admin: psycopg.Connection, given: Registry, count: int) -> list[Question]:
    rng = Random(count)
    span = (given.end - given.begin) // timedelta(microseconds=1)
    drawn: list[Question] = []
    for number in range(count):
        moment = Moment(
            given.begin + timedelta(microseconds=rng.randrange(span)),
            given.begin + timedelta(microseconds=rng.randrange(span)),
        )
        place = None
        if number % 2:
            found = admin.execute(DRAWN, {**moment.values(), "salt": str(number)}).fetchone()
            if found is not None:
                place = gaps.GapPlace(moment.as_of, found[3], found[1], found[2], found[0])
        drawn.append(Question(moment, rng.choice(tuple(gaps.GapOrder)), place))
    return drawn


def _ask(
    readers: ConnectionPool, admin: psycopg.Connection, asked: list[Question]
) -> tuple[list[float], list[float], list[float], float]:
    """Return the milliseconds of each question: ours, by hand in two ways; and how many rows a page had on average."""
    samples: tuple[list[float], list[float], list[float]] = ([], [], [])
    rows = 0
    for number, question in enumerate(asked):
        name, values = question.name(), question.values()
        sides = [
            lambda question=question: _ours(readers, question),
            lambda name=name, values=values: _by_hand(admin, gap_pages.PLAIN[name], values),
            lambda name=name, values=values: _by_hand(admin, gap_pages.PARTED[name], values),
        ]
        pages: list[list[UUID]] = []
        # Each goes first in turn: whoever does finds the pages of the table in memory least often.
        for place in ((number + step) % len(sides) for step in range(len(sides))):
            begun = perf_counter()
            found = sides[place]()
            took = (perf_counter() - begun) * 1000
            pages.append(found)
            if number >= WARM_UP:
                samples[place].append(took)
        assert pages[0] == pages[1] == pages[2], f"the pages differ for {question}"
        rows += len(pages[0]) if number >= WARM_UP else 0
    return *samples, rows / max(1, len(asked) - WARM_UP)


def _ours(readers: ConnectionPool, question: Question) -> list[UUID]:
    statement, values = gaps.page(question.moment, gaps.GapChoice(), question.order, question.after, PAGE)
    with readers.connection() as connection:
        # As infra/http/reading.py does it: one text to begin for a principal, a prepared query, and the end.
        connection.execute(BEGIN)
        try:
            found = connection.cursor(binary=True).execute(statement, values, prepare=True).fetchall()
        finally:
            connection.rollback()
    return [gaps.row(columns).id for columns in found]


def _by_hand(admin: psycopg.Connection, statement: LiteralString, values: dict[str, object]) -> list[UUID]:
    found: list[Any] = gap_pages.page(admin, statement, values)
    return [columns[1] for columns in found]
