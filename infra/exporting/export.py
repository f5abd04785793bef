"""Exports what somebody may see of the log into one file: chunk by chunk, each on record before it is written."""

from collections.abc import Callable
from enum import StrEnum
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg_pool import ConnectionPool

from ..logbook.processing import ProcessingLog, Reading
from ..store.connection import Principal, principal_text
from .csv import Csv
from .forms import Form
from .ocel import Ocel
from .parquet import Parquet
from .reader import BEFORE_ALL, Chunk, Reader
from .unfinished import Reached, Unfinished, begun, unfinished
from .xes import Xes

ALL_CASES: Final = 1 << 128
"""Ids of cases are spread evenly over all that there can be, so that the last one says how far an export has come."""


class Format(StrEnum):
    """What an export is written as."""

    OCEL2 = "ocel2"
    XES = "xes"
    CSV = "csv"
    PARQUET = "parquet"


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


def form_of(format_: Format) -> Form:
    """Return what writes a format. Raises ``ExportRefusedError``."""
    return {Format.OCEL2: Ocel, Format.XES: Xes, Format.CSV: Csv, Format.PARQUET: Parquet}[format_]()


def export(
    out: Path,
    format_: Format,
    connections: ConnectionPool,
    processing: ProcessingLog,
    who: Who,
    upto: int,
    origin: str,
    progress: Progress = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Export what ``who`` may see of the log up to a position into the file ``out``, replacing it when all is written.

    One that was broken off goes on, up to the position that it had begun with; ``tell`` hears so. ``origin`` is the
    registry's name. Raises ``ExportRefusedError``, ``NotNoted``, ``OSError`` and ``psycopg.Error``; then ``out`` is as
    it was, and the same export goes on from there.
    """
    form = form_of(format_)
    with unfinished(out) as folder:
        reached = folder.reached(_mark(format_, who.principal, origin), form.parts)
        if reached is None:
            folder.begin(form.parts)
            reached = begun(_mark(format_, who.principal, origin), upto, form.parts)
        else:
            tell(
                f"This export was broken off after {reached.cases:,} cases and {reached.events:,} events; it goes on "
                f"from there, with what was recorded by {reached.begun_at:%Y-%m-%d} at {reached.begun_at:%H:%M:%S} UTC."
            )
        reader = Reader(connections, who.principal, reached.upto, reached.begun_at)
        for chunk in reader.chunks(UUID(reached.after) if reached.after else BEFORE_ALL):
            processing.note(who.reading, chunk.subjects)
            reached = _add(folder, form, chunk, reached)
            progress(chunk.last.int / ALL_CASES)
        form.assemble([folder.part(number) for number in range(form.parts)], folder.whole(), reader.organisation)
        folder.finish()
    return Report(reached.upto, reached.cases, reached.events, reached.unreadable)


def _add(folder: Unfinished, form: Form, chunk: Chunk, reached: Reached) -> Reached:
    return folder.add(
        form.pieces(chunk.stories),
        msgspec.structs.replace(
            reached,
            after=str(chunk.last),
            cases=reached.cases + len(chunk.stories),
            events=reached.events + sum(len(story.lines) for story in chunk.stories),
            unreadable=reached.unreadable + chunk.unreadable,
        ),
    )


def _mark(format_: Format, principal: Principal, origin: str) -> str:
    """Return what tells an export from others: what another reader began, or another version, is begun anew."""
    told = "\n".join((format_, principal_text(principal), origin, version("knelpunt")))
    return sha256(told.encode()).hexdigest()
