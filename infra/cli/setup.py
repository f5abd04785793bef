"""``knelpunt migrate`` and ``knelpunt doctor``: bringing a set-up in order, and saying what is wrong with it."""

from typing import Annotated

import psycopg
import typer

from ..bootstrap import Database, database
from ..projecting.distribution import distribute, refused, statements
from ..projecting.schema import ReadModelOutdated, ensure
from ..store.connection import DatabaseRole, connect
from . import checks
from .acting import note_operation
from .checks import State
from .failure import WrongUsage
from .session import bring_up_to_date, settings
from .terminal import people

_MARKS = {State.WELL: ("ok", "green"), State.KNOW: ("--", "yellow"), State.WRONG: ("!!", "bold red")}


def migrate(
    distributed: Annotated[
        bool, typer.Option("--distributed", help="Then spread the read model over a Citus cluster.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the statements that --distributed would run, and do nothing.")
    ] = False,
) -> None:
    """Bring the database's schema up to date."""
    if dry_run and not distributed:
        raise WrongUsage("--dry-run prints what --distributed would do: give both.")
    console = people()
    with database(settings()) as found:
        if dry_run:
            _print_statements(found)
            return
        for name in bring_up_to_date(found):
            console.print(f"ran {name}")
        note_operation(found, "migrate")
        with connect(found.url, DatabaseRole.PROJECTOR) as connection:
            try:
                ensure(connection)
            except ReadModelOutdated:
                console.print(
                    "The read model follows an older definition: run knelpunt project --rebuild.", style="yellow"
                )
        console.print("The schema is up to date.")
        if distributed:
            note_operation(found, "migrate --distributed")
            distribute(found.url)
            console.print("The read model is spread over the cluster; after project --rebuild, do this again.")


def _print_statements(found: Database) -> None:
    """Print what would spread the read model, as SQL, and what is known to keep Citus from it, as comments in it."""
    console = people()
    with psycopg.connect(found.url) as connection:
        policies = refused(connection)
        for statement in statements():
            console.print(f"{statement.as_string(connection)};", soft_wrap=True, highlight=False, markup=False)
    console.print(
        "-- Citus takes no subqueries in policies, and refuses these tables for theirs: " + ", ".join(policies),
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def doctor() -> None:
    """Say what is wrong with the set-up, and how to mend it. Exit status 1 if anything is."""
    console = people()
    wrong = 0
    for finding in checks.findings(settings()):
        mark, style = _MARKS[finding.state]
        console.print(f"{mark:<4}", style=style, end="")
        console.print(f"{finding.about:<16}{finding.text}")
        wrong += finding.state is State.WRONG
    if wrong:
        console.print(f"{wrong} thing{'s' if wrong > 1 else ''} to mend.", style="bold red")
        raise typer.Exit(1)
    console.print("All is well.", style="green")
