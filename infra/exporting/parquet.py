"""Parquet: the table that CSV has, with types. It takes pyarrow, which comes with the extra ``parquet``.

The rows are written as CSV first, since a Parquet file that was broken off cannot be gone on with; making the one of
the other takes no more memory than a block of rows, and a few seconds for a million.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from .csv import COLUMNS, Csv
from .errors import NO_ARROW, ExportRefusedError
from .forms import History
from .story import Story

MOMENTS: Final = frozenset({"occurred_at", "recorded_at"})
SWITCHES: Final = frozenset({"inferred", "inert"})
BLOCK_BYTES: Final = 8 << 20
"""Of rows that are turned at a time; each becomes a group of rows of the file."""


class Parquet:
    """A typed table of events."""

    parts = 1

    def __init__(self) -> None:
        """Raise ``ExportRefusedError`` where there is no pyarrow."""
        try:
            # By its name: it is no part of what a registry needs, and it has no types.
            self._arrow: Any = import_module("pyarrow")
            self._csv: Any = import_module("pyarrow.csv")
            self._parquet: Any = import_module("pyarrow.parquet")
        except ImportError:
            raise ExportRefusedError(NO_ARROW) from None

    def pieces(self, stories: Sequence[Story]) -> Sequence[bytes]:
        """Return the rows of some cases, as CSV."""
        return Csv().pieces(stories)

    def assemble(self, parts: Sequence[Path], whole: Path, history: History) -> None:
        """Write the table."""
        csv, schema = self._csv, self._arrow.schema([(name, self._type(name)) for name in COLUMNS])
        with self._parquet.ParquetWriter(whole, schema, compression="zstd") as writer:
            if not parts[0].stat().st_size:
                return
            reading = csv.open_csv(
                parts[0],
                csv.ReadOptions(column_names=COLUMNS, block_size=BLOCK_BYTES),
                csv.ParseOptions(),
                csv.ConvertOptions(column_types=schema, strings_can_be_null=True, null_values=[""]),
            )
            for batch in reading:
                writer.write_batch(batch)

    def _type(self, name: str) -> Any:
        arrow = self._arrow
        if name in MOMENTS:
            return arrow.timestamp("us", tz="UTC")
        if name in SWITCHES:
            return arrow.bool_()
        return arrow.int64() if name == "position" else arrow.string()
