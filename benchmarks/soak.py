"""A soak: ``python -m benchmarks.soak --minutes N`` keeps a registry at work, and looks at its memory and its answers.

The service runs as people run it, with its projector, trail and webhooks beside it. A program of its own records a
hundred events a second as commands; twenty readers ask GraphQL over HTTP, each once a second. Every five seconds the
memory of each of these is noted (what it holds itself, not what it maps of files), every half minute how much they
worked, every second how far projections lag, and how long the machine itself takes for a sum, for looking about in its
memory and for a write to its disk that are always the same: where those become slower too, the machine has. Each
minute it says in a line what it saw. It writes benchmarks/soak.json and docs/soak.svg, and what they say into
docs/performance.md with the next figures.
"""

import argparse
import asyncio
import hashlib
import itertools
import os
import subprocess
import sys
import tempfile
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from statistics import linear_regression
from time import monotonic, sleep
from typing import Any, Final

import httpx
import msgspec
import psycopg
import vl_convert
from msgspec import Struct

from knelpunt.domain.vocabulary import Role
from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.serving import memory
from knelpunt.infra.store.batch import Recorded
from knelpunt.infra.vault.master import KEY_VARIABLE

from .commands import as_sent
from .gap_page import INVESTIGATOR
from .generate import registrations
from .graphql_http import CASE, Served, served
from .laboratory import laboratory
from .latency import sent
from .load import HOST
from .measuring import percentile
from .pages import MASTER
from .processor import PROCESSES, below, parents, worked_seconds
from .report import ROOT, now

RATE: Final = 100
READERS: Final = 20
PAUSE_SECONDS: Final = 1.0
MEMORY_EVERY_SECONDS: Final = 5.0
LAG_EVERY_SECONDS: Final = 1.0
WORK_EVERY_SECONDS: Final = 30.0
TOLD_EVERY_SECONDS: Final = 60.0
SUMMED: Final = bytes(1_000_000)
"""What the machine hashes once a second, the same every time: one processor for about a millisecond."""
LOOKED_ABOUT_IN: Final = 64_000_000
"""Bytes of memory, more than processors keep near: where other guests of the machine use what they share, a sum takes
as long as ever, and whatever looks about in memory takes longer, as programs and databases do."""
LOOKS: Final = 2_000
WRITTEN: Final = bytes(8192)
"""What the machine writes to its disk once a second, beside the hundreds of writes of the registry."""
WARM_UP_SHARE: Final = 0.25
"""Of a run, before memory and the times of answers are looked at: caches fill, pools open their connections, and on
each of these the statements are planned."""
WARM_UP_SECONDS_MAX: Final = 900.0
READY_SECONDS_MAX: Final = 180.0
MEGABYTE: Final = 1_000_000

RESULTS: Final = ROOT / "benchmarks" / "soak.json"
PICTURE: Final = ROOT / "docs" / "soak.svg"

GAPS: Final = "{ registry { gaps(first: 20) { nodes { kind from until days evidence { position occurredAt } } } } }"
CASES: Final = "SELECT case_id::text FROM read.case_state ORDER BY md5(case_id::text || %s) LIMIT 100"
LAG: Final = """
SELECT h.next_position - 1 - p.position,
       coalesce(extract(epoch FROM clock_timestamp() - e.recorded_at), 0)::float8
  FROM read.projected p CROSS JOIN knelpunt.log_head h LEFT JOIN knelpunt.event e ON e.position = p.position + 1
"""
WRITING: Final = """
SELECT w.wal_bytes::float8 / 1000000, w.wal_fpi, c.num_done,
       (SELECT sum(autovacuum_count) FROM pg_stat_user_tables), (SELECT sum(autoanalyze_count) FROM pg_stat_user_tables)
  FROM pg_stat_wal w CROSS JOIN pg_stat_checkpointer c
"""
CLEANING: Final = "autovacuum"
PURPOSES: Final = """
SELECT pid, coalesce(nullif(CASE backend_type WHEN 'client backend' THEN application_name ELSE backend_type END, ''),
                     'unnamed')
  FROM pg_stat_activity
"""


class Result(Struct):
    """What a soak came to: memory by program in MB (1,000,000 bytes), the times of answers, how far rows lagged."""

    begun_at: str
    minutes: float
    recorded: int
    answered: int
    failed: int
    slopes_mb_per_hour: dict[str, float]
    p99_first_tenth_ms: float
    p99_last_tenth_ms: float
    lag_events_max: int
    lag_seconds_max: float
    memory: dict[str, list[tuple[float, float]]]
    """By program: seconds since the beginning, and MB."""
    percentiles: list[tuple[float, float, float]]
    """By minute: which, and the 50th and 99th percentile of the answers' times."""
    processor: dict[str, list[tuple[float, float]]] = {}
    """By program: seconds since the beginning, and of the time since before the percentage that it used a processor."""
    beside: str = ""
    """What else the machine did meanwhile, in sentences; nothing if it did nothing else."""
    by_question: dict[str, list[tuple[float, float, float]]] = {}
    """By what was asked: as ``percentiles``."""
    server: dict[str, list[tuple[float, float, int]]] = {}
    """By what processes of PostgreSQL are for (a role's connections, or what the server calls it): seconds since the
    beginning, their MB, and how many they are."""
    machine: dict[str, list[tuple[float, float, float]]] = {}
    """By what the machine itself was given to do, the same each time: as ``percentiles``."""


class Noted:
    """What is seen on the way."""

    def __init__(self) -> None:
        self.begun = monotonic()
        self.memory: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.processor: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.server: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
        self.answers: dict[str, list[tuple[float, float]]] = {"case": [], "gaps": []}
        self.machine: dict[str, list[tuple[float, float]]] = {"sum": [], "memory": [], "write": []}
        self.failed = 0
        self.lag_events_max = 0
        self.lag_seconds_max = 0.0
        self.cases: list[str] = []

    def seconds(self) -> float:
        """Return how long it has been going on."""
        return monotonic() - self.begun


def soak(minutes: float, beside: str = "") -> Result:
    """Keep a registry at work for some minutes; ``beside`` says what else the machine does."""
    begun_at = now()
    with laboratory() as place, tempfile.TemporaryDirectory(prefix="knelpunt-soak-") as folder:
        url = place.migrated("bench_soak")
        with bootstrap(url, MASTER) as parts:
            for answer in [parts.writer.submit(as_sent(command)) for command in registrations()]:
                assert isinstance(answer.result(READY_SECONDS_MAX), Recorded)
        token = DevelopmentIssuer.at(Path(folder)).token(
            Role.INVESTIGATOR, INVESTIGATOR.organisation, "onderzoeker-1", lifetime_seconds=int(minutes * 60) + 3600
        )
        with served(url, Path(folder), workers=1) as service:
            _await_ready(service)
            command = [sys.executable, "-m", "benchmarks.soak", "--record", url, "--minutes", str(minutes)]
            same_key = {**os.environ, KEY_VARIABLE: b64encode(MASTER).decode()}
            with subprocess.Popen(command, stdout=subprocess.PIPE, env=same_key) as recording:
                assert recording.stdout is not None
                noted = asyncio.run(_watch(url, {service.process, recording.pid}, service.port, token, minutes * 60))
                told = recording.stdout.read()
            assert recording.returncode == 0, "recording failed"
    return _result(begun_at.isoformat(), minutes, int(told), noted, beside)


def _result(begun_at: str, minutes: float, recorded: int, noted: Noted, beside: str) -> Result:
    seconds = minutes * 60
    tenth = seconds / 10
    answers = list(itertools.chain.from_iterable(noted.answers.values()))
    warm = min(seconds * WARM_UP_SHARE, WARM_UP_SECONDS_MAX)
    first = [took for at, took in answers if warm <= at < warm + tenth]
    last = [took for at, took in answers if at >= seconds - tenth]
    return Result(
        begun_at=begun_at,
        minutes=minutes,
        recorded=recorded,
        answered=len(answers),
        failed=noted.failed,
        slopes_mb_per_hour={name: _slope(samples, warm) for name, samples in sorted(noted.memory.items())},
        p99_first_tenth_ms=percentile(first, 99),
        p99_last_tenth_ms=percentile(last, 99),
        lag_events_max=noted.lag_events_max,
        lag_seconds_max=noted.lag_seconds_max,
        memory=dict(noted.memory),
        processor=dict(noted.processor),
        percentiles=_by_minute(answers),
        beside=beside,
        server=dict(noted.server),
        by_question={asked: _by_minute(times) for asked, times in noted.answers.items()},
        machine={done: _by_minute(times) for done, times in noted.machine.items()},
    )


def _by_minute(took: Sequence[tuple[float, float]]) -> list[tuple[float, float, float]]:
    """Return of what took so many ms at so many seconds, by minute, the 50th and the 99th percentile."""
    minutes = defaultdict[int, list[float]](list)
    for at, milliseconds in took:
        minutes[int(at // 60)].append(milliseconds)
    return [
        (float(minute), percentile(times, 50), percentile(times, 99))
        for minute, times in sorted(minutes.items())
        if len(times) > 1
    ]


def _slope(samples: Sequence[tuple[float, float]], after: float) -> float:
    """Return by how many MB an hour memory grew, by least squares over what was seen after a moment."""
    seen = [(at / 3600, megabytes) for at, megabytes in samples if at >= after]
    return linear_regression([at for at, _ in seen], [megabytes for _, megabytes in seen]).slope


def _await_ready(service: Served) -> None:
    deadline = monotonic() + READY_SECONDS_MAX
    while True:
        with suppress(httpx.HTTPError):
            if httpx.get(f"http://{HOST}:{service.port}/readyz").status_code == httpx.codes.OK:
                return
        assert monotonic() < deadline, "the service is not ready"
        sleep(0.5)


async def _watch(url: str, programs: AbstractSet[int], port: int, token: str, seconds: float) -> Noted:
    noted = Noted()
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(base_url=f"http://{HOST}:{port}", headers=headers, timeout=30) as client,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as admin,
    ):
        server = parents()[admin.info.backend_pid]
        tasks = [_look(noted, admin, seconds), _measure(noted, admin, {*programs, server}, seconds)]
        tasks += [_try(noted, seconds), _tell(noted, admin, seconds)]
        tasks += [_read(noted, client, Random(number), seconds) for number in range(READERS)]
        await asyncio.gather(*tasks)
    return noted


async def _read(noted: Noted, client: httpx.AsyncClient, rng: Random, seconds: float) -> None:
    """Be one reader: a case or a page of gaps, then a pause."""
    await asyncio.sleep(rng.random() * PAUSE_SECONDS)
    while noted.seconds() < seconds:
        kind, asked = "gaps", dict[str, Any](query=GAPS)
        if noted.cases and rng.random() < 0.5:
            kind, asked = "case", {"query": CASE, "variables": {"id": rng.choice(noted.cases)}}
        at, begun = noted.seconds(), monotonic()
        try:
            reply = await client.post("/graphql", json=asked)
            good = reply.status_code == httpx.codes.OK and b'"errors"' not in reply.content
        except httpx.HTTPError:
            good = False
        if good:
            noted.answers[kind].append((at, (monotonic() - begun) * 1000))
        else:
            noted.failed += 1
        await asyncio.sleep(PAUSE_SECONDS)


async def _look(noted: Noted, admin: psycopg.AsyncConnection, seconds: float) -> None:
    """Look how far the projections lag, and which cases there are."""
    turn = 0
    while noted.seconds() < seconds:
        row = await (await admin.execute(LAG)).fetchone()
        assert row is not None
        noted.lag_events_max = max(noted.lag_events_max, row[0])
        noted.lag_seconds_max = max(noted.lag_seconds_max, row[1])
        if turn % 60 == 0 or not noted.cases:
            noted.cases = [case for (case,) in await (await admin.execute(CASES, (str(turn),))).fetchall()]
        turn += 1
        await asyncio.sleep(LAG_EVERY_SECONDS)


async def _try(noted: Noted, seconds: float) -> None:
    """Have the machine do the same things again and again, and note how long each takes it."""
    rng = Random(0)
    looking = partial(_look_about, b"." * LOOKED_ABOUT_IN, [rng.randrange(LOOKED_ABOUT_IN) for _ in range(LOOKS)])
    with tempfile.TemporaryFile() as file:
        while noted.seconds() < seconds:
            at = noted.seconds()
            for done, work in (("sum", _sum), ("memory", looking), ("write", partial(_write, file.fileno()))):
                noted.machine[done].append((at, await asyncio.to_thread(work)))
            await asyncio.sleep(1.0)


def _sum() -> float:
    """Hash what is always the same, and return the ms of it."""
    begun = monotonic()
    hashlib.sha256(SUMMED)
    return (monotonic() - begun) * 1000


def _look_about(memory: bytes, places: Sequence[int]) -> float:
    """Read what lies at places in memory that are always the same, and return the ms of it."""
    begun = monotonic()
    sum(map(memory.__getitem__, places))
    return (monotonic() - begun) * 1000


def _write(file: int) -> float:
    """Write what is always the same to the disk, and return the ms of it."""
    begun = monotonic()
    os.pwrite(file, WRITTEN, 0)
    os.fsync(file)
    return (monotonic() - begun) * 1000


async def _tell(noted: Noted, admin: psycopg.AsyncConnection, seconds: float) -> None:
    """Say each minute what was seen in it."""
    before = await _written(admin)
    while noted.seconds() + TOLD_EVERY_SECONDS < seconds:
        since = noted.seconds()
        await asyncio.sleep(TOLD_EVERY_SECONDS)
        times = [
            f"{name} {percentile(took, 50):.1f}/{percentile(took, 99):.1f}"
            for name, samples in (noted.answers | noted.machine).items()
            if len(took := [milliseconds for at, milliseconds in samples if at >= since]) > 1
        ]
        held = [f"{name} {samples[-1][1]:.1f}" for name, samples in sorted(noted.memory.items())]
        held += [f"{name} {samples[-1][1]:.1f} ({samples[-1][2]})" for name, samples in sorted(noted.server.items())]
        written = await _written(admin)
        log, pages, checkpoints, cleaned, counted = (now - then for now, then in zip(written, before, strict=True))
        before = written
        print(
            f"minute {noted.seconds() / 60:.0f}: p50/p99 ms: {', '.join(times)}; MB: {', '.join(held)}; "
            f"server: {log:.0f} MB of log, {pages:.0f} whole pages, {checkpoints:.0f} checkpoints, "
            f"{cleaned:.0f} tables cleaned, {counted:.0f} counted; lag so far at most {noted.lag_seconds_max:.1f} s",
            file=sys.stderr,
            flush=True,
        )


async def _written(admin: psycopg.AsyncConnection) -> tuple[float, ...]:
    """Return what the server has done so far beside answering: see ``WRITING``."""
    row = await (await admin.execute(WRITING)).fetchone()
    assert row is not None
    return tuple(map(float, row))


async def _measure(noted: Noted, admin: psycopg.AsyncConnection, roots: AbstractSet[int], seconds: float) -> None:
    """Note the memory of each program and of those that it started, and how much they work."""
    working = asyncio.create_task(_work(noted, roots, seconds))
    while noted.seconds() < seconds:
        at = round(noted.seconds(), 1)
        purposes = dict(await (await admin.execute(PURPOSES)).fetchall())
        of_program, of_purpose = await asyncio.to_thread(_memory, roots, purposes)
        for name, held in of_program.items():
            noted.memory[name].append((at, sum(held) / MEGABYTE))
        for purpose, held in of_purpose.items():
            noted.server[purpose].append((at, sum(held) / MEGABYTE, len(held)))
        await asyncio.sleep(MEMORY_EVERY_SECONDS)
    await working


async def _work(noted: Noted, roots: AbstractSet[int], seconds: float) -> None:
    """Note for how much of the time each program used a processor."""
    before, since = await asyncio.to_thread(_worked, roots), noted.seconds()
    while since < seconds:
        await asyncio.sleep(WORK_EVERY_SECONDS)
        now, at = await asyncio.to_thread(_worked, roots), noted.seconds()
        of_program = defaultdict[str, float](float)
        for process, (name, worked) in now.items():
            of_program[name] += worked - before.get(process, (name, 0.0))[1]
        for name, worked in of_program.items():
            noted.processor[name].append((round(at, 1), round(100 * worked / (at - since), 2)))
        before, since = now, at


def _worked(roots: AbstractSet[int]) -> dict[int, tuple[str, float]]:
    """Return which program each process below some is, and the seconds for which it has used a processor."""
    found: dict[int, tuple[str, float]] = {}
    for process in below(roots):
        with suppress(OSError):  # it has ended meanwhile
            found[process] = _name(process), worked_seconds(process)
    return found


def _memory(
    roots: AbstractSet[int], purposes: Mapping[int, str]
) -> tuple[Mapping[str, list[int]], Mapping[str, list[int]]]:
    """Return the bytes that processes below some hold themselves, by program; and those of the server by purpose."""
    # What cleans up comes and goes: where it is not there it holds nothing.
    of_program, of_purpose = defaultdict[str, list[int]](list, {CLEANING: []}), defaultdict[str, list[int]](list)
    for process in below(roots):
        with suppress(OSError):  # it has ended meanwhile
            name, held = _name(process), _own(process)
            of_program[name].append(held)
            if process in purposes:
                of_purpose[purposes[process]].append(held)
    return of_program, of_purpose


def _name(process: int) -> str:
    """Return what a process is called: PostgreSQL, those of it that come to clean up and go, the program beside the
    service that it is, the service, or what records here in the place of another service.
    """
    command = (PROCESSES / str(process) / "cmdline").read_text()
    if "autovacuum worker" in command:
        return CLEANING
    if "postgres" in command.partition("\0")[0]:
        return "postgresql"
    if "benchmarks.soak" in command:
        return "recording"
    _, beside, module = command.partition("knelpunt.infra.serving.")
    return module.strip("\0") if beside else "service"


def _own(process: int) -> int:
    """Return the bytes that a process holds itself, its share of those that it has in common with its children.

    Not what the server shares by its own settings, which fills until it is full; nor pages of files, of which Linux
    counts more to each program when others that mapped them end.
    """
    lines = (PROCESSES / str(process) / "smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss_Anon:"))


def _record(url: str, seconds: float) -> None:
    """Be the program that records, and say how many events it did; of which it keeps nothing else."""
    count = itertools.count()
    memory.give_back()  # as the service does that it stands for
    with bootstrap(url, b64decode(os.environ[KEY_VARIABLE])) as parts:
        asyncio.run(sent(parts, RATE, seconds, lambda *_: next(count)))
    print(next(count))


def picture(result: Result) -> str:
    """Return a run as an SVG: memory by program above, times of answers below, then the work of each program."""
    memory = [
        {"minute": at / 60, "MB": round(megabytes, 2), "program": name}
        for name, samples in result.memory.items()
        for at, megabytes in samples
    ]
    times = [
        {"minute": minute, "ms": round(value, 2), "of": mark}
        for minute, half, most in result.percentiles
        for mark, value in (("p50", half), ("p99", most))
    ]
    drawn = [
        _lines(memory, "MB", "program", "Memory that each program holds itself, MB"),
        _lines(times, "ms", "of", "Time of an answer, ms"),
    ]
    if result.processor:
        work = [
            {"minute": at / 60, "%": percent, "program": name}
            for name, samples in result.processor.items()
            for at, percent in samples
        ]
        drawn.append(_lines(work, "%", "program", "Of a processor used by each program, %"))
    spec: dict[str, Any] = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "vconcat": drawn}
    return vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])


def _lines(values: Sequence[dict[str, Any]], what: str, by: str, title: str) -> dict[str, Any]:
    return {
        "data": {"values": values},
        "width": 640,
        "height": 200,
        "title": title,
        "mark": "line",
        "encoding": {
            "x": {"field": "minute", "type": "quantitative"},
            "y": {"field": what, "type": "quantitative"},
            "color": {"field": by, "type": "nominal"},
        },
    }


def paragraph(result: Result) -> str:
    """Return a run in words, for docs/performance.md."""
    slopes = _listed(result.slopes_mb_per_hour)
    later = _listed({name: _slope(samples, result.minutes * 30) for name, samples in sorted(result.memory.items())})
    ratio = result.p99_last_tenth_ms / result.p99_first_tenth_ms
    beside = f"{result.beside} " if result.beside else ""
    return (
        f"For {result.minutes:g} minutes a service recorded {result.recorded:,} events, {RATE} a second, and answered "
        f"{result.answered:,} questions of {READERS} readers; {result.failed} failed. After the warm-up memory grew by "
        f"so many MB an hour: {slopes} (to reach: under 1); in the second half: {later}. The 99th percentile of an "
        f"answer was {result.p99_first_tenth_ms:.0f} ms in the tenth of the time after that and "
        f"{result.p99_last_tenth_ms:.0f} ms in the last, {ratio:.2f} times that (to reach: 1.2 at most). Projections "
        f"lagged {result.lag_seconds_max:.2f} s and {result.lag_events_max} events at most (to reach: under 2 s). "
        f"{beside}"
        f"`python -m benchmarks.soak --minutes {result.minutes:g}` takes it again.\n\n![Memory and times](soak.svg)\n"
    )


def _listed(slopes: dict[str, float]) -> str:
    return "; ".join(f"{name} {slope:+.2f}" for name, slope in slopes.items())


def section() -> str:
    """Return the last soak as a section of docs/performance.md; nothing where there was none."""
    if not RESULTS.exists():
        return ""
    return "## A soak\n\n" + paragraph(msgspec.json.decode(RESULTS.read_bytes(), type=Result))


def main() -> None:
    """Soak for as long as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0, help="how long; two hours if not given")
    parser.add_argument("--output", type=Path, help="write soak.json and soak.svg here instead")
    parser.add_argument("--beside", default="", help="what else the machine does meanwhile, in sentences")
    parser.add_argument("--record", metavar="URL", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.record is not None:
        _record(arguments.record, arguments.minutes * 60)
        return
    results, svg = RESULTS, PICTURE
    if arguments.output is not None:
        arguments.output.mkdir(parents=True, exist_ok=True)  # now, and not when all has been measured
        results, svg = arguments.output / RESULTS.name, arguments.output / PICTURE.name
    result = soak(arguments.minutes, arguments.beside)
    results.write_bytes(msgspec.json.encode(result) + b"\n")
    svg.write_text(picture(result), encoding="utf-8")
    print(paragraph(result))


if __name__ == "__main__":
    main()
