"""``knelpunt project``: bringing the read model up to date, or making it anew."""

from contextlib import closing
from threading import Event as Signal
from typing import Annotated

import typer

from ..projecting.projector import Projector
from ..projecting.rebuild import rebuild
from ..serving.watch import watched
from ..store.registry import Registry
from .acting import note_operation
from .failure import WrongUsage
from .session import ready_database, settings
from .terminal import notices, people, progress


def project(
    anew: Annotated[
        bool, typer.Option("--rebuild", help="Derive everything anew, beside what is in use, and swap it in.")
    ] = False,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Processes that derive, with --rebuild.", metavar="N")
    ] = 1,
    once: Annotated[bool, typer.Option("--once", help="Stop when all recorded events are taken in.")] = False,
) -> None:
    """Take recorded events into the read model: until stopped, or --once, or all of them anew with --rebuild."""
    if workers > 1 and not anew:
        raise WrongUsage("--workers speeds up --rebuild; for what comes in, start knelpunt project more than once.")
    with ready_database(settings()) as found:
        if anew:
            note_operation(found, "project --rebuild")
            with progress(notices()) as bar:
                task = bar.add_task("Deriving", total=_recorded(found.url))
                reached = rebuild(found.url, workers, lambda count: bar.update(task, completed=count))
            people().print(f"Derived anew, up to {_reached(reached)}.")
            return
        with closing(Projector(found.url)) as projector:
            if once:
                people().print(f"Up to date: {_reached(projector.catch_up())}.")
                return
            notices().print("Projecting until stopped (Ctrl-C).")
            with watched(found.embedded):
                try:
                    projector.run(Signal())
                except KeyboardInterrupt:
                    notices().print("Stopped.")


def _recorded(url: str) -> int:
    """Return how many events there are to derive from."""
    with closing(Registry(url)) as registry:
        return registry.event_recorder.max_notification_id() or 0


def _reached(position: int) -> str:
    return "no event is recorded yet" if position < 0 else f"position {position:,}"
