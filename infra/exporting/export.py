"""Exports what somebody may see of the log into one file: chunk by chunk, each on record before it is written."""

from collections.abc import Callable, Collection, Iterator, Sequence
from enum import StrEnum
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg_pool import ConnectionPool

from ...domain.ids import SubjectId
from ..logbook.processing import ProcessingLog, Reading
from ..store.connection import Principal, principal_text
from .cloudevents import CloudEvents
from .csv import Csv
from .forms import Form
from .ocel import Ocel
from .parquet import Parquet
from .reader import BEFORE_ALL, Reader
from .unfinished import Reached, begun, unfinished
from .xes import Xes

ALL_CASES: Final = 1 << 128
"""Ids of cases are spread evenly over all that there can be, so that the last one says how far an export has come."""


class Format(StrEnum):
    """What an export is written as."""

    OCEL2 = "ocel2"
    XES = "xes"
    CSV = "csv"
    PARQUET = "parquet"
    CLOUDEVENTS = "cloudevents"


CASE_FORMS: Final = MappingProxyType[Format, Callable[[], Form]](
    {Format.OCEL2: Ocel, Format.XES: Xes, Format.CSV: Csv, Format.PARQUET: Parquet}
)
"""What writes the formats of cases; the other one is of the log."""


class Progress(Protocol):
    """Told what share is done, from 0 to 1."""

    def __call__(self, share: float, /) -> None:
        """Take note."""
        ...


class Report(Struct, frozen=True):
    """What an export holds: the log up to and with the position ``upto``; how much of it could not be read."""

    upto: int
    cases: int
    events: int
    unreadable: int


class Who(Struct, frozen=True):
    """Who exports: for row security, and for the processing log."""

    principal: Principal
    reading: Reading


class Origin(Struct, frozen=True):
    """Of which registry an export is: the name that it has anyway, and the ``source`` of its CloudEvents."""

    name: str
    source: str


class _Added(Struct, frozen=True):
    """What a chunk adds: whom it is about, a piece for each part, and how far the export has come with it."""

    subjects: Collection[SubjectId]
    pieces: Sequence[bytes]
    reached: Reached
    share: float


def export(
    out: Path,
    format_: Format,
    connections: ConnectionPool,
    processing: ProcessingLog,
    who: Who,
    upto: int,
    origin: Origin,
    progress: Progress = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Export what ``who`` may see of the log up to a position into the file ``out``, replacing it when all is written.

    One that was broken off goes on, up to the position that it had begun with; ``tell`` hears so. Raises
    ``ExportRefusedError``, ``NotNoted``, ``OSError`` and ``psycopg.Error``; then ``out`` is as it was, and the same
    export goes on from there.
    """
    form = CASE_FORMS[format_]() if format_ in CASE_FORMS else CloudEvents(origin.source)
    mark = _mark(format_, who.principal, origin)
    with unfinished(out) as folder:
        reached = folder.reached(mark, form.parts)
        if reached is None:
            folder.begin(form.parts)
            reached = begun(mark, upto, form.parts)
        else:
            tell(
                f"This export was broken off after {reached.events:,} events; it goes on from there, with what was "
                f"recorded by {reached.begun_at:%Y-%m-%d} at {reached.begun_at:%H:%M:%S} UTC."
            )
        reader = Reader(connections, who.principal, reached.upto, reached.begun_at)
        events = _events(reader, form, reached) if isinstance(form, CloudEvents) else _cases(reader, form, reached)
        for added in events:
            processing.note(who.reading, added.subjects)
            reached = folder.add(added.pieces, added.reached)
            progress(added.share)
        parts = [folder.part(number) for number in range(form.parts)]
        form.assemble(parts, folder.whole(), reader.organisation)
        folder.finish()
    return Report(reached.upto, reached.cases, reached.events, reached.unreadable)


def _cases(reader: Reader, form: Form, reached: Reached) -> Iterator[_Added]:
    for chunk in reader.chunks(UUID(reached.after) if reached.after else BEFORE_ALL):
        reached = msgspec.structs.replace(
            reached,
            after=str(chunk.last),
            cases=reached.cases + len(chunk.stories),
            events=reached.events + sum(len(story.lines) for story in chunk.stories),
            unreadable=reached.unreadable + chunk.unreadable,
        )
        yield _Added(chunk.subjects, form.pieces(chunk.stories), reached, chunk.last.int / ALL_CASES)


def _events(reader: Reader, form: CloudEvents, reached: Reached) -> Iterator[_Added]:
    for chunk in reader.row_chunks(int(reached.after) if reached.after else -1):
        pieces, unreadable = form.pieces(chunk.rows, chunk.seen)
        reached = msgspec.structs.replace(
            reached,
            after=str(chunk.last),
            events=reached.events + len(chunk.rows) - unreadable,
            unreadable=reached.unreadable + unreadable,
        )
        yield _Added(chunk.subjects, pieces, reached, (chunk.last + 1) / (reached.upto + 1))


def _mark(format_: Format, principal: Principal, origin: Origin) -> str:
    """Return what tells an export from others: what another reader began, or another version, is begun anew."""
    told = "\n".join((format_, principal_text(principal), origin.name, origin.source, version("knelpunt")))
    return sha256(told.encode()).hexdigest()
