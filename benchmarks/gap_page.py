"""Rows: any page of gaps at any two times, through our queries, against hand-written SQL for the same rows.

As an investigator, who sees all cases, and as agencies that are party to one in a hundred and one in ten. Ours is
executed as the service does: in a transaction of its own, for a principal, under row security, from SQL to rows of
Python. The hand-written SQL is one statement of the tables' owner, whom row security does not hold up.
"""

from datetime import timedelta
from random import Random
from statistics import median
from time import perf_counter
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from msgspec import Struct
from psycopg_pool import ConnectionPool

from knelpunt.infra.http.reading import BRIEF, saying
from knelpunt.infra.store.connection import DatabaseRole, Principal, pool, principal_text
from knelpunt.projections.queries import gaps
from knelpunt.projections.queries.lens import Moment

from .laboratory import Laboratory, Registry
from .measuring import Report, Row, percentile
from .opponents import gap_pages

PAGE: Final = 50
QUESTIONS: Final = 200
WARM_UP: Final = 100
"""Questions that do not count: a statement is planned anew for the first five times that a connection executes it."""

INVESTIGATOR: Final = Principal("INVESTIGATOR", "urn:bench:investigators", "onderzoeker-1")

AGENCIES: Final = {1: "urn:bench:agency:one-percent", 10: "urn:bench:agency:ten-percent"}
"""Agencies of the benchmark's own, by the share of cases, in percent, that they see."""

# Each is named in so many of a hundred cases, drawn by the ids of these.
NAME: Final = """
INSERT INTO read.case_viewer (begun_at, case_id, viewer, source)
SELECT min(least(as_of_from, known_from)), case_id, 'O:' || %(agency)s, 'party' FROM read.case_state
 WHERE mod(hashtextextended(case_id::text, 0), 100) BETWEEN 0 AND %(percent)s - 1 GROUP BY case_id
    ON CONFLICT DO NOTHING
"""

# A gap that the list at these two times holds, drawn at random: where a page before may have ended. The names of gaps
# are spread evenly, so the first after one made up is as good as any, and is found without looking at all.
DRAWN: Final = """
SELECT gap_id, from_at, harm_until > %(as_of)s,
       CASE WHEN lasted < 0 THEN (extract(epoch FROM %(as_of)s - lasting_since) * 1000000)::bigint ELSE lasted END
  FROM read.gap_state
 WHERE as_of_from <= %(as_of)s AND (as_of_until > %(as_of)s OR until_known_from > %(known_at)s)
   AND known_from <= %(known_at)s AND known_until > %(known_at)s AND counts_after < %(as_of)s
   AND (%(viewer)s::text IS NULL
        OR EXISTS (SELECT FROM read.case_viewer v WHERE v.viewer = %(viewer)s AND v.case_id = gap_state.case_id))
   AND gap_id >= %(made_up)s
 ORDER BY gap_id LIMIT 1
"""


class Reader(Struct, frozen=True):
    """Somebody who asks: how the row of theirs is named, and as whom they see cases (none: they see all)."""

    key: str
    what: str
    principal: Principal
    viewer: str | None = None

    def begin(self) -> bytes:
        """Return what begins a transaction for them, as infra/http/reading.py does."""
        return saying(BRIEF, principal_text(self.principal))


READERS: Final = (
    Reader("gap-page", "an investigator", INVESTIGATOR),
    *(
        Reader(
            f"gap-page-agency-{percent}",
            f"an agency party to {percent} % of cases",
            Principal("AGENCY", agency, "medewerker-1"),
            f"O:{agency}",
        )
        for percent, agency in AGENCIES.items()
    ),
)


ORDERS: Final = (gaps.GapOrder.HARM, gaps.GapOrder.DAYS, gaps.GapOrder.NEWEST, gaps.GapOrder.OLDEST)
"""Those that were there when the target was set, each written by hand beside ours."""


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


def rows(laboratory: Laboratory, given: Registry, report: Report, questions: int = QUESTIONS) -> list[Row]:
    """Measure on a registry whose read model stands, as each reader."""
    with psycopg.connect(given.url, autocommit=True) as admin:
        for percent, agency in AGENCIES.items():
            admin.execute(NAME, {"agency": agency, "percent": percent})
    laboratory.settle(given.url)
    return [row(given, reader, report, questions) for reader in READERS]


def row(given: Registry, reader: Reader, report: Report, questions: int) -> Row:
    """Measure as one reader."""
    readers = pool(given.url, DatabaseRole.READER, 1)
    try:
        with psycopg.connect(given.url, autocommit=True) as admin:
            report(f"gap page: drawing {questions} questions on {given.events} events, as {reader.what}")
            asked = some_questions(admin, given, reader, questions + WARM_UP)
            report(f"gap page: asking each question, ours and by hand in turn, {PAGE} rows a page")
            ours, plain, parted, found = _ask(readers, admin, reader, asked)
            kinds = [question.name() for question in asked[WARM_UP:]]
    finally:
        readers.close()
    theirs = min(plain, parted, key=median)
    return Row(
        key=reader.key,
        what=f"any page of {PAGE} gaps at any asOf and knownAt, as {reader.what}",
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
            "and rows in Python. Theirs: one statement, the faster of two ways to write it"
            + (", with what the agency sees as a condition" if reader.viewer else "")
            + ". Each page was compared, gap by gap."
        ),
    )


def _of_kind(name: str, kinds: list[str], samples: list[float]) -> str:
    return f"{median(sample for kind, sample in zip(kinds, samples, strict=True) if kind == name):.3g}"


def some_questions(admin: psycopg.Connection, given: Registry, reader: Reader, count: int) -> list[Question]:
    """Return so many questions, drawn at random: both times, the order, and in half of them a gap to begin after."""
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
            made_up = UUID(int=rng.getrandbits(128))
            values = {**moment.values(), "made_up": made_up, "viewer": reader.viewer}
            found = admin.execute(DRAWN, values).fetchone()
            if found is not None:
                place = gaps.GapPlace(moment.as_of, found[3], found[1], found[2], found[0])
        drawn.append(Question(moment, rng.choice(ORDERS), place))
    return drawn


def _ask(
    readers: ConnectionPool, admin: psycopg.Connection, reader: Reader, asked: list[Question]
) -> tuple[list[float], list[float], list[float], float]:
    """Return the milliseconds of each question: ours, by hand in two ways; and how many rows a page had on average."""
    samples: tuple[list[float], list[float], list[float]] = ([], [], [])
    rows = 0
    plain, parted, later = gap_pages.PLAIN, gap_pages.PARTED, gap_pages.PARTED_LATER
    if reader.viewer is not None:
        plain, parted, later = gap_pages.joined(plain), gap_pages.probed(parted), gap_pages.probed(later)
    for number, question in enumerate(asked):
        name, values = question.name(), question.values() | {"viewer": reader.viewer}
        known = parted if question.moment.as_of <= question.moment.known_at else later
        sides = [
            lambda question=question: asked_of_us(readers, reader, question),
            lambda name=name, values=values: asked_by_hand(admin, plain[name], values),
            lambda known=known, name=name, values=values: asked_by_hand(admin, known[name], values),
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


def asked_of_us(readers: ConnectionPool, reader: Reader, question: Question) -> list[UUID]:
    """Return the gaps of a page, through our query, as somebody."""
    queries = gaps.pages(
        question.moment, gaps.GapChoice(), question.order, question.after, PAGE, sees_all=reader.viewer is None
    )
    found: list[Any] = []
    with readers.connection() as connection:
        # As infra/http/reading.py does it: one text to begin for a principal, prepared queries, and the end.
        connection.execute(reader.begin())
        try:
            for statement, values in queries:
                found = connection.cursor(binary=True).execute(statement, values, prepare=True).fetchall()
                if not gaps.passed_on(found):
                    break
        finally:
            connection.commit()
    return [gaps.row(columns).id for columns in found]


def asked_by_hand(admin: psycopg.Connection, statement: LiteralString, values: dict[str, object]) -> list[UUID]:
    """Return the gaps of a page by a hand-written statement."""
    found: list[Any] = gap_pages.page(admin, statement, values)
    return [columns[1] for columns in found]
