"""``knelpunt import``: a log of another system, by a mapping."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from ..importing.mapping import read_mapping
from ..importing.pipeline import ImportReport, Stage, import_file
from ..importing.sink import RegistrySink
from .acting import note_operation
from .session import opened, settings
from .terminal import notices, people, progress

REJECTIONS_PRINTED_MAX: Final = 20
"""How many rejected rows are printed without --all-rejected: enough to see what is wrong with a mapping."""


def import_(
    file: Annotated[
        Path, typer.Argument(help="The log: XES, CSV or OCEL 2.0, by its name (docs/importing.md).", show_default=False)
    ],
    mapping: Annotated[
        Path, typer.Option("--mapping", help="The mapping, as docs/importing.md describes it.", show_default=False)
    ],
    strict: Annotated[bool, typer.Option("--strict", help="Import nothing unless every row can be.")] = False,
    all_rejected: Annotated[bool, typer.Option("--all-rejected", help="Print every rejected row.")] = False,
) -> None:
    """Import a log of another system: each trace becomes a case. Importing it again adds nothing."""
    rules = read_mapping(mapping)
    with opened(settings()) as (found, parts), progress(notices()) as bar:
        note_operation(found, "import")
        shown = _Shown(bar)
        report = import_file(
            file,
            rules,
            RegistrySink(parts.registry, parts.vault),
            strict=strict,
            progress=shown.advance,
            tell=shown.tell,
        )
    _print_rejections(report, None if all_rejected else REJECTIONS_PRINTED_MAX)
    _print_counts(people(), report)
    if strict and (report.rows_rejected or report.parts_left_out):
        notices().print("Nothing was imported: with --strict everything must be readable.", style="red")
        raise typer.Exit(1)


class _Shown:
    """The progress bar of an import: one line for each stage."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[Stage, TaskID] = {}

    def advance(self, stage: Stage, done: int, total: int) -> None:
        """Show how far a stage is."""
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(stage.capitalize(), total=total)
        self._bar.update(self._tasks[stage], completed=done, total=total)

    def tell(self, sentence: str) -> None:
        """Show a sentence above the bar."""
        self._bar.console.print(sentence)


def _print_rejections(report: ImportReport, most: int | None) -> None:
    console = notices()
    for rejection in report.rejections[:most]:
        place = f"{rejection.file}:{rejection.line}" if rejection.line else rejection.file
        console.print(f"{place}: {rejection.reason}")
    left_out = report.rows_rejected + report.parts_left_out - len(report.rejections[:most])
    if most is not None and len(report.rejections) > most:
        console.print(f"… {left_out} more rejected rows; --all-rejected prints them.")


def _print_counts(console: Console, report: ImportReport) -> None:
    for name, count in (
        ("rows read", report.rows_read),
        ("rows rejected", report.rows_rejected),
        *((("parts left out", report.parts_left_out),) if report.parts_left_out else ()),
        ("cases", report.cases),
        ("events new", report.events_new),
        ("events present", report.events_present),
    ):
        console.print(f"{name:<16}{count:>12,}")
