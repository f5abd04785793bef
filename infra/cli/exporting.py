"""``knelpunt export``: the log, for other tools."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from ...domain.vocabulary import Role
from ..bootstrap import Database, Parts
from ..cloud_events import source_of
from ..exporting.export import Format, Origin, Who, export
from ..exporting.reader import reached
from ..logbook.processing import Reading
from ..logbook.security import DONE, Action, SecurityEvent
from ..projecting.projector import Projector
from ..store.principal import principal_of
from .acting import COMMAND_LINE, acting_as
from .session import opened, settings
from .terminal import notices, people, progress


def export_(
    out: Annotated[Path, typer.Argument(help="The file to write; one that is there is replaced.", show_default=False)],
    as_: Annotated[Format, typer.Option("--format", help="As docs/exporting.md describes them.", show_default=False)],
) -> None:
    """Export what you may see of the log, without texts about people. Broken off, it goes on when given again."""
    given = settings()
    with opened(given) as (found, parts), progress(notices()) as bar:
        asker = acting_as(given, found, "export", Role, "everybody may export what they see")
        # Before the first of it is read: whoever takes a copy along is on record whatever comes of it.
        parts.security.record(SecurityEvent(Action.OPERATION, f"export {as_}", DONE, COMMAND_LINE, asker.signature))
        upto = _upto(found, parts)
        task = bar.add_task("Exporting", total=1.0)
        report = export(
            out,
            as_,
            parts.registry.reader,
            parts.processing,
            Who(
                principal_of(asker),
                Reading(actor=asker.user, role=asker.role, organisation=asker.organisation, name=f"export {as_}"),
            ),
            upto,
            Origin(parts.vault.origin, source_of(given.oin, parts.vault.origin)),
            lambda share: bar.update(task, completed=share),
            bar.console.print,
        )
    if report.unreadable:
        notices().print(f"{report.unreadable:,} events cannot be read, and are not in it: knelpunt doctor says which.")
    of_cases = "" if as_ is Format.CLOUDEVENTS else f" of {report.cases:,} cases"
    people().print(f"Wrote {report.events:,} events{of_cases} to {out}: the log up to position {report.upto}.")


def _upto(found: Database, parts: Parts) -> int:
    """Return the position up to which to export: that of the projections, brought or waited up to date."""
    if found.embedded is not None:
        with closing(Projector(found.url)) as projector:
            projector.catch_up()
    position, behind = reached(parts.registry.reader)
    if behind:
        notices().print(f"The projections are {behind:,} events behind, which will not be in it.")
    return position
