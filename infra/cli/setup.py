"""``knelpunt migrate`` and ``knelpunt doctor``: bringing a set-up in order, and saying what is wrong with it."""

import typer

from ..bootstrap import database
from ..projecting.schema import ReadModelOutdated, ensure
from ..store.connection import DatabaseRole, connect
from . import checks
from .acting import note_operation
from .checks import State
from .session import bring_up_to_date, settings
from .terminal import people

_MARKS = {State.WELL: ("ok", "green"), State.KNOW: ("--", "yellow"), State.WRONG: ("!!", "bold red")}


def migrate() -> None:
    """Bring the database's schema up to date."""
    console = people()
    with database(settings()) as found:
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
