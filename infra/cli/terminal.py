"""Where a command writes: people's text and programs' data, in colour on a terminal, plain in a pipe."""

import csv
import os
import sys
import unicodedata
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final, cast

import msgspec
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

PIPE_COLUMNS: Final = 1000
"""How wide tables may be in a pipe, which has no width of its own unless COLUMNS says so: every row is one line."""


class Format(StrEnum):
    """What a list is printed as."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class ReplayFormat(StrEnum):
    """What a replay is printed as."""

    TABLE = "table"
    JSON = "json"


UNSHOWN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Categories of characters that move the cursor, turn the direction of writing, or show nothing."""


def plain(text: str) -> str:
    """Return a text with blanks for what is no visible character of it.

    A text about somebody, or the name of an organisation, may hold anything, and no text may steer a terminal.
    """
    if text.isprintable():  # as nearly all are; no character of these categories is
        return text
    return "".join(" " if unicodedata.category(character) in UNSHOWN else character for character in text)


def all_plain(answer: Any) -> Any:
    """Return an answer of GraphQL with each of its texts as ``plain`` shows it."""
    match answer:
        case str():
            return plain(answer)
        case list():
            return [all_plain(each) for each in cast("list[Any]", answer)]
        case Mapping():
            return {name: all_plain(each) for name, each in cast("Mapping[str, Any]", answer).items()}
        case _:
            return answer


def people(*, data_on_stdout: bool = False) -> Console:
    """Return where to write for people: stdout, or stderr when stdout carries data for programs."""
    stream = sys.stderr if data_on_stdout else sys.stdout
    fits_somewhere = stream.isatty() or "COLUMNS" in os.environ
    return Console(
        file=stream,
        width=None if fits_somewhere else PIPE_COLUMNS,
        color_system="auto" if stream.isatty() else None,
        highlight=False,
        emoji=False,
        markup=False,
        soft_wrap=not fits_somewhere,
    )


def can_move_cursor() -> bool:
    """Return whether the terminal can draw a screen, going by its name; one without a name is not trusted to."""
    return os.environ.get("TERM", "").lower() not in {"", "dumb", "unknown"}


def show(console: Console, table: RenderableType) -> None:
    """Write a table; in a pipe without the blanks that would fill its last column."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as drawn:
        console.print(table)
    console.file.write("".join(f"{line.rstrip()}\n" for line in drawn.get().splitlines()))


def notices() -> Console:
    """Return where to write what people should know besides: stderr."""
    return people(data_on_stdout=True)


def write_json(value: object) -> None:
    """Write a value to stdout as JSON, indented, with a line end."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.buffer.flush()


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows to stdout as CSV (RFC 4180, UTF-8) with a heading; lists within a field are parted by blanks."""
    writer = csv.writer(sys.stdout, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_field(row[column]) for column in columns])
    sys.stdout.flush()


def _field(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return " ".join(str(item) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value


@contextmanager
def progress(console: Console) -> Generator[Progress]:
    """Give a progress bar on a terminal, and one that shows nothing in a pipe."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        yield bar
