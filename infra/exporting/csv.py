"""CSV (RFC 4180, UTF-8): a row for each event, with its case and all that the other formats say of it."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from .forms import History, copy
from .story import Line, Story, written

COLUMNS: Final = (
    *(
        "case",
        "reference",
        "theme",
        "subjects",
        "event",
        "activity",
        "occurred_at",
        "precision",
        "recorded_at",
        "position",
    ),
    *("organisation", "from", "to", "obstacles", "handoff", "recorded_by", "role", "source", "inferred", "inert"),
    "fact",
)


class Csv:
    """A table of events."""

    parts = 1

    def pieces(self, stories: Sequence[Story]) -> Sequence[bytes]:
        """Return the rows of some cases."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(
            _row(story, line) for story in stories for line in story.lines
        )
        return (text.getvalue().encode(),)

    def assemble(self, parts: Sequence[Path], whole: Path, history: History) -> None:
        """Write the rows below their heading."""
        with whole.open("wb") as file:
            file.write((",".join(COLUMNS) + "\r\n").encode())
            copy(parts[0], file)


def _row(story: Story, line: Line) -> tuple[object, ...]:
    return (
        *(story.case, story.reference, story.theme, " ".join(story.subjects), line.id, line.activity),
        *(written(line.at), line.precision),
        *(written(line.recorded_at), line.position, line.organisation, line.from_, line.to),
        *(" ".join(map(str, line.obstacles)), line.handoff, line.recorded_by, line.role, line.source),
        *(str(line.inferred).lower(), str(line.inert).lower(), msgspec.json.encode(line.fact).decode()),
    )
