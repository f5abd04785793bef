"""XES (IEEE 1849-2016): a trace for each case, with the extensions Concept, Time, Organizational and Identity."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID
from xml.sax.saxutils import quoteattr

import msgspec

from .forms import History, copy
from .story import Line, Story, written

HEAD: Final = b"""<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<extension name="Identity" prefix="identity" uri="http://www.xes-standard.org/identity.xesext"/>
<global scope="trace"><string key="concept:name" value=""/></global>
<global scope="event"><string key="concept:name" value=""/><date key="time:timestamp" value="1970-01-01T00:00:00Z"/>\
<id key="identity:id" value="00000000-0000-0000-0000-000000000000"/></global>
<classifier name="activity" keys="concept:name"/>
<classifier name="activity and organisation" keys="concept:name org:group"/>
"""
FOOT: Final = b"</log>\n"


class Xes:
    """A log of traces."""

    parts = 1

    def pieces(self, stories: Sequence[Story]) -> Sequence[bytes]:
        """Return the traces of some cases."""
        return ("".join(_trace(story) for story in stories).encode(),)

    def assemble(self, parts: Sequence[Path], whole: Path, history: History) -> None:
        """Write the log with all its traces."""
        with whole.open("wb") as file:
            file.write(HEAD)
            copy(parts[0], file)
            file.write(FOOT)


def _trace(story: Story) -> str:
    attributes = {"concept:name": str(story.case), "reference": story.reference, "theme": story.theme}
    attributes["subjects"] = " ".join(story.subjects) or None
    events = "".join(f"<event>{''.join(_attributes(line))}</event>\n" for line in story.lines)
    return f"<trace>{''.join(_attribute(*one) for one in attributes.items())}\n{events}</trace>\n"


def _attributes(line: Line) -> Iterator[str]:
    for key, value in (
        ("concept:name", line.activity),
        ("time:timestamp", line.at),
        ("identity:id", line.id),
        ("org:group", line.organisation),
        ("from", line.from_),
        ("to", line.to),
        ("obstacle", " ".join(map(str, line.obstacles)) or None),
        ("handoff", line.handoff),
        ("precision", line.precision),
        ("recorded_at", line.recorded_at),
        ("recorded_by", line.recorded_by),
        ("role", line.role),
        ("position", line.position),
        ("source", line.source),
        ("inferred", line.inferred),
        ("inert", line.inert),
        ("fact", msgspec.json.encode(line.fact).decode()),
    ):
        yield _attribute(key, value)


def _attribute(key: str, value: str | UUID | datetime | int | None) -> str:
    match value:
        case None:
            return ""
        case bool():
            return f'<boolean key="{key}" value="{str(value).lower()}"/>'
        case int():
            return f'<int key="{key}" value="{value}"/>'
        case datetime():
            return f'<date key="{key}" value="{written(value)}"/>'
        case UUID():
            return f'<{"id" if key == "identity:id" else "string"} key="{key}" value="{value}"/>'
        case str():
            return f'<string key="{key}" value={quoteattr(value)}/>'
