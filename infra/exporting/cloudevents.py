"""CloudEvents in the NL GOV profile, a line of JSON for each event, in the order of the log.

Here every event stands that the reader may see, of whatever stream, as it was recorded: it is the log itself, and not a
story made of it.
"""

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from ..cloud_events import cloud_event
from ..store.codec import Row
from ..trail.entry import EntryError
from .forms import History, copy

_log = logging.getLogger(__name__)


class CloudEvents:
    """Lines of JSON. ``source`` is the registry's, as ``infra.cloud_events`` makes it."""

    parts = 1

    def __init__(self, source: str) -> None:
        self._source = source

    def pieces(self, rows: Sequence[Row], seen: Collection[UUID]) -> tuple[Sequence[bytes], int]:
        """Return the lines of some events, and of how many no event can be made; ``seen`` as ``cloud_event`` has it."""
        lines: list[bytes] = []
        for row in rows:
            try:
                lines.append(msgspec.json.encode(cloud_event(row, self._source, seen)) + b"\n")
            except EntryError as error:
                _log.warning("%s", error)
        return (b"".join(lines),), len(rows) - len(lines)

    def assemble(self, parts: Sequence[Path], whole: Path, history: History) -> None:
        """Write the lines."""
        with whole.open("wb") as file:
            copy(parts[0], file)
