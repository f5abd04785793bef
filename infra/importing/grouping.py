"""Gathers the rows of a log by case, however scattered they stand in the file, in bounded memory.

Rows are kept in memory up to ``ROWS_MAX``; then they are written, sorted by case, to a temporary file of their own (a
run), and the runs are merged when all rows have been read: the external merge sort of Knuth, *The Art of Computer
Programming*, volume 3, section 5.4.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from itertools import groupby
from operator import attrgetter, itemgetter
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Final, Self

import msgspec

from .errors import ImportRefusedError
from .rows import LogRow, Trace

ROWS_MAX: Final = 200_000
"""How many rows are kept in memory: some 80 MB."""

RUNS_MAX: Final = 500
"""How many temporary files may be open at once, half of what a process usually may: 100 million rows."""

TRACE_ROWS_MAX: Final = 10_000
"""The longest case. A longer one is no story of a person: the column mapped to ``case`` tells no cases apart. A case is
recorded in one transaction, during which everybody else's commands wait."""

_LENGTH_BYTES: Final = 4
_NUMBER: Final = re.compile(r"([0-9]+)")
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(tuple[str, list[LogRow]])


class CaseGroups:
    """The rows of a log by case. Used as a context, so that temporary files go whatever happens."""

    def __init__(self, rows_max: int = ROWS_MAX) -> None:
        self._rows_max = rows_max
        self._rows_kept = 0
        self._kept: dict[str, list[LogRow]] = {}
        self._runs: list[IO[bytes]] = []
        self.rows = 0
        """How many rows have been added."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for run in self._runs:
            run.close()

    def add(self, case: str, row: LogRow) -> None:
        """Add a row; rows of a case must be added in the order of the file."""
        kept = self._kept.get(case)
        if kept is None:
            self._kept[case] = [row]
        else:
            kept.append(row)
        self.rows += 1
        self._rows_kept += 1
        if self._rows_kept >= self._rows_max:
            self._spill()

    def traces(self) -> Iterator[Trace]:
        """Yield every case once, its rows in order of time, ties in order of the file; may be called again.

        A trace of more than ``TRACE_ROWS_MAX`` rows comes with the first of them and the number of those left out.
        """
        runs = [_stored(run) for run in self._runs]
        # Runs come in the order of the file and merging is stable, so pieces of a case meet in that order.
        pieces = merge(*runs, iter(sorted(self._kept.items(), key=itemgetter(0))), key=itemgetter(0))
        for case, of_case in groupby(pieces, key=itemgetter(0)):
            rows: list[LogRow] = []
            left_out = 0
            for _, piece in of_case:
                room = TRACE_ROWS_MAX - len(rows)
                rows += piece[:room]
                left_out += max(0, len(piece) - room)
            # Stable: rows of one moment stay in the order of the file. An OCEL log is a set of events, which its
            # formats write in different orders; there, rows of one moment go by the ids of their events.
            rows.sort(key=_place_of_event if rows[0].event else attrgetter("at"))
            yield Trace(case, rows, left_out)

    def _spill(self) -> None:
        """Write what is kept to a temporary file and forget it."""
        if len(self._runs) >= RUNS_MAX:
            raise ImportRefusedError(
                f"the log has more than {RUNS_MAX * self._rows_max} rows: split it by case and import the parts."
            )
        run = TemporaryFile("w+b", prefix="knelpunt-import-")  # noqa: SIM115 - closed on leaving the context
        self._runs.append(run)
        for group in sorted(self._kept.items(), key=itemgetter(0)):
            encoded = _encoder.encode(group)
            run.write(len(encoded).to_bytes(_LENGTH_BYTES, "big"))
            run.write(encoded)
        run.flush()
        self._kept.clear()
        self._rows_kept = 0


def _place_of_event(row: LogRow) -> tuple[datetime, list[tuple[int, str]], str]:
    """Return what an OCEL log's rows are ordered by: time, then id, with numbers in it as numbers: e9 before e10."""
    parts = _NUMBER.split(row.event)  # texts and numbers by turns, a text first
    return row.at, [(int(part), "") if number % 2 else (-1, part) for number, part in enumerate(parts)], row.event


def _stored(run: IO[bytes]) -> Iterator[tuple[str, list[LogRow]]]:
    """Yield the groups of one run, from its beginning."""
    run.seek(0)
    while length := run.read(_LENGTH_BYTES):
        yield _decoder.decode(run.read(int.from_bytes(length, "big")))
