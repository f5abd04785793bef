"""Imports one file: reads it, groups its rows by case, applies the rules, and hands commands on in chunks.

The whole file is read before anything is written, so that a file cut short or malformed leaves nothing behind; a chunk
holds whole cases, so that an import broken off leaves whole cases, and the next one goes on from there.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec import Struct

from ..processors import processors
from .csv import read_csv
from .errors import ImportRefusedError
from .framing import Instruction
from .grouping import CaseGroups
from .handover import Appended, Chunk, Sink
from .helpers import Helpers
from .judging import Outcome, ignored, judged, organisations_of
from .mapping import Mapping
from .ocel.reading import READERS as OCEL_READERS
from .ocel.reading import read_ocel
from .packing import Packer
from .progress import Reached, fingerprint_of
from .rows import Rejection, RowInterpreter, Trace
from .rules import registration_of
from .xes import read_xes

CHUNK_COMMANDS: Final = 5_000
"""A chunk is handed on when it has at least this many commands: enough to share the cost of a commit, and few enough
that commands of people wait for it no longer than they notice (infra.store.bulk.CHUNK_EVENTS)."""

BATCH_ROWS: Final = 400
"""How many rows a helper is given at a time: some 30 ms of work, beside which handing it over costs little."""

LARGE_BYTES: Final = 250_000
"""A log of this size has helpers: some 4,000 rows, which take longer to judge alone than helpers take to start."""

LARGE_PACKED_BYTES: Final = LARGE_BYTES // 10
"""The same of a compressed log."""

REJECTIONS_SHOWN_MAX: Final = 1000
"""How many rejections a report lists; all are counted. More would fill the memory and no one reads them."""

_READERS: Final = {".xes": read_xes, ".csv": read_csv}


class Stage(StrEnum):
    """What an import is doing."""

    READING = "reading"
    RELATING = "relating"
    CHECKING = "checking"
    WRITING = "writing"


Progress = Callable[[Stage, int, int], None]
"""Told the stage, and how much of how much is done: bytes of the file in READING, events of an OCEL log in RELATING (to
its objects), rows in the other two."""


class ImportReport(Struct, frozen=True):
    """What an import did. ``rejections`` lists the first ``REJECTIONS_SHOWN_MAX`` of ``rows_rejected``.

    A case that cannot be recorded is one rejection, and all its rows count. ``parts_left_out`` counts what is left out
    of rows that were imported; these stand among the rejections, too. With ``strict`` and anything rejected or left
    out, nothing was written and ``cases`` is 0. ``notes`` are sentences about the whole file.
    """

    cases: int
    events_new: int
    events_present: int
    rows_read: int
    rows_rejected: int
    parts_left_out: int
    rejections: tuple[Rejection, ...]
    notes: tuple[str, ...] = ()


def import_file(
    path: Path,
    mapping: Mapping,
    sink: Sink,
    *,
    strict: bool = False,
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
    now: datetime | None = None,
) -> ImportReport:
    """Import the log at ``path`` (XES, CSV or OCEL 2.0, by its name) and return what came of it.

    Raises ``ImportRefusedError`` for a file that cannot be imported at all; nothing was written then. Rows that cannot
    be read are left out and reported, unless ``strict``: then one such row leaves everything out. ``tell`` hears the
    report's notes at once. ``now`` is the moment after which nothing can have happened (aware; none: the clock's).
    """
    run = _Run(path, mapping, progress or (lambda _stage, _done, _total: None), tell or (lambda _note: None))
    with CaseGroups() as groups, run.helped(sink.packer):
        run.read(groups, now or datetime.now(UTC))
        if strict:
            # Checking every case before the first is written: what only the domain can refuse counts too.
            for _ in run.judged(groups, sink.packer, Stage.CHECKING, Reached()):
                pass
        if not (strict and (run.rows_rejected or run.parts_left_out)):
            run.write(groups, sink)
    return run.report()


class _Run:
    """One import on its way."""

    def __init__(self, path: Path, mapping: Mapping, progress: Progress, tell: Callable[[str], None]) -> None:
        self._path = path
        self._mapping = mapping
        self._progress = progress
        self._tell = tell
        self._rows_read = 0
        self._rejections: list[Rejection] = []
        self._refused_cases: set[str] = set()
        self._helpers: Helpers | None = None
        self._notes: list[str] = []
        self._cases = self._new = self._present = 0
        self.rows_rejected = 0
        self.parts_left_out = 0

    @contextmanager
    def helped(self, packer: Packer) -> Generator[None]:
        """Have helpers, if the log is so large that they pay: they start while it is read."""
        # What a registry exported holds texts, which are sealed here.
        if self._mapping.told is not None or processors() == 1 or not _is_large(self._path):
            yield
            return
        with Helpers(processors(), Instruction(self._mapping, packer.secret)) as self._helpers:
            yield

    def read(self, groups: CaseGroups, now: datetime) -> None:
        """Read all rows of the file into ``groups``."""
        suffixes = [suffix.lower() for suffix in self._path.suffixes]
        suffix = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else "".join(suffixes[-1:])
        interpreter = RowInterpreter(self._mapping, now)
        if suffix in _READERS:
            reader = _READERS[suffix]
            self._rows_read = reader(self._path, self._mapping, interpreter, groups, self.rejected, self.reading)
        elif suffix in OCEL_READERS:
            self._rows_read = read_ocel(self._path, OCEL_READERS[suffix], self._mapping, interpreter, groups, self)
        else:
            kinds = ", ".join((*_READERS, *OCEL_READERS))
            message = f"{self._path}: its name does not say what it is; logs are {kinds}; texts also with .gz."
            raise ImportRefusedError(message)

    def rejected(self, line: int, reason: str) -> None:
        """Take in that a row cannot be imported."""
        self._reject(line, reason, 1)

    def left_out(self, line: int, reason: str) -> None:
        """Take in that something is left out of the rows that are imported."""
        self.parts_left_out += 1
        self._list(line, reason)

    def noted(self, sentence: str) -> None:
        """Take in what people should know of the whole file."""
        self._notes.append(sentence)
        self._tell(sentence)

    def reading(self, done: int, total: int) -> None:
        """Tell how many bytes of the file have been read."""
        self._progress(Stage.READING, done, total)

    def relating(self, done: int, total: int) -> None:
        """Tell for how many events of an OCEL log the objects have been found."""
        self._progress(Stage.RELATING, done, total)

    def judged(
        self, groups: CaseGroups, packer: Packer, stage: Stage, reached: Reached
    ) -> Iterator[tuple[int, Trace, Outcome | None]]:
        """Yield each case with its number and what becomes of it; none if it is done already.

        What is rejected is told on the way.
        """
        done, total = 0, groups.rows
        for number, trace, outcome in self._outcomes(groups, packer, reached):
            done += len(trace.rows) + trace.left_out
            if outcome is not None:
                if outcome.refusal is not None:
                    self._reject_trace(trace, outcome.refusal)
                for line, reason in outcome.idle:
                    self._reject(line, reason, 1)
            self._progress(stage, done, total)
            yield number, trace, outcome

    def _outcomes(
        self, groups: CaseGroups, packer: Packer, reached: Reached
    ) -> Iterator[tuple[int, Trace, Outcome | None]]:
        """Yield each case with its number and what becomes of it, by the helpers if there are any."""
        cases = enumerate(groups.traces())
        if self._helpers is None:
            for number, trace in cases:
                yield number, trace, None if reached.passes(number) else judged(trace, self._mapping, packer)
            return
        asked: deque[tuple[list[tuple[int, Trace]], Future[list[Outcome] | None]]] = deque()
        batches = _batches(cases)
        # So many that a helper finds its next batch when it is done with one; what is asked for is held in memory.
        for batch in islice(batches, 2 * self._helpers.count):
            asked.append((batch, self._asked(batch, reached)))
        while asked:
            batch, future = asked.popleft()
            answered = future.result()
            for more in islice(batches, 1):
                asked.append((more, self._asked(more, reached)))
            outcomes = None if answered is None else iter(answered)
            for number, trace in batch:
                if reached.passes(number):
                    yield number, trace, None
                else:
                    # What a helper had in hand when it died is done here.
                    yield number, trace, next(outcomes) if outcomes else judged(trace, self._mapping, packer)

    def _asked(self, batch: Sequence[tuple[int, Trace]], reached: Reached) -> "Future[list[Outcome] | None]":
        assert self._helpers is not None, "there are helpers"
        return self._helpers.outcomes([trace for number, trace in batch if not reached.passes(number)])

    def write(self, groups: CaseGroups, sink: Sink) -> None:
        """Hand all commands on, organisations before the first case that names them.

        While the sink waits for its database with one chunk, the next one is made.
        """
        reached = sink.begin(fingerprint_of(self._path, self._mapping, groups.rows))
        if reached.at is not None:
            self._cases, self._present = reached.cases, reached.events
            when = reached.at.astimezone(UTC)
            self.noted(
                f"This import was broken off on {when:%Y-%m-%d} at {when:%H:%M:%S} UTC, after {reached.cases:,} cases "
                f"and {reached.events:,} events; it goes on from there."
            )
        with ThreadPoolExecutor(1, "knelpunt-import") as writer:
            before: tuple[Chunk, Future[Appended]] | None = None
            for chunk in self._chunks(groups, sink.packer, reached):
                if before is not None:
                    self._count(*before)
                before = chunk, writer.submit(sink.append_chunk, chunk.streams, chunk.bookmark)
            if before is not None:
                self._count(*before)
        sink.end()

    def _chunks(self, groups: CaseGroups, packer: Packer, reached: Reached) -> Iterator[Chunk]:
        registered: set[str] = set()
        chunk = Chunk()
        rejected = self.rows_rejected
        for number, trace, outcome in self.judged(groups, packer, Stage.WRITING, reached):
            if outcome is not None:
                named = outcome.organisations
            else:
                named = () if ignored(trace, self._mapping) else organisations_of(trace, self._mapping)
            for organisation in named:
                if organisation not in registered:
                    registered.add(organisation)
                    chunk.register(packer.packed([registration_of(organisation, self._mapping)]))
            packed = None if outcome is None else outcome.packed
            chunk.add(number, trace, packed, again=self.rows_rejected > rejected)
            if chunk.commands >= CHUNK_COMMANDS:
                yield chunk
                chunk = Chunk()
            rejected = self.rows_rejected  # what the sink refused of an earlier chunk is not about the next trace
        if chunk.commands:
            yield chunk

    def report(self) -> ImportReport:
        """Return what came of it."""
        return ImportReport(
            self._cases,
            self._new,
            self._present,
            self._rows_read,
            self.rows_rejected,
            self.parts_left_out,
            tuple(self._rejections),
            tuple(self._notes),
        )

    def _count(self, chunk: Chunk, answer: Future[Appended]) -> None:
        appended = answer.result()
        self._new += appended.new
        self._present += appended.present
        self._cases += len(chunk.traces) - len(appended.refused)
        for refused in appended.refused:
            self._reject_trace(chunk.traces[refused.case], refused.reason)

    def _reject_trace(self, trace: Trace, reason: str) -> None:
        if trace.case in self._refused_cases:
            return  # with strict, a case is judged twice
        self._refused_cases.add(trace.case)
        line = min(row.line for row in trace.rows)
        self._reject(line, f"case {trace.case!r}: {reason}", len(trace.rows) + trace.left_out)

    def _reject(self, line: int, reason: str, rows: int) -> None:
        self.rows_rejected += rows
        self._list(line, reason)

    def _list(self, line: int, reason: str) -> None:
        if len(self._rejections) < REJECTIONS_SHOWN_MAX:
            self._rejections.append(Rejection(str(self._path), line, reason))


def _is_large(path: Path) -> bool:
    try:
        return path.stat().st_size >= (LARGE_PACKED_BYTES if path.suffix.lower() == ".gz" else LARGE_BYTES)
    except OSError:
        return False  # reading it will say so


def _batches(cases: Iterator[tuple[int, Trace]]) -> Iterator[list[tuple[int, Trace]]]:
    """Yield cases in groups that together have at least ``BATCH_ROWS`` rows, but for the last."""
    batch: list[tuple[int, Trace]] = []
    rows = 0
    for number, trace in cases:
        batch.append((number, trace))
        rows += len(trace.rows)
        if rows >= BATCH_ROWS:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch
