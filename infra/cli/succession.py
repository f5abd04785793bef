"""``knelpunt succession``: writing into cases what mergers, dissolutions and transfers of tasks mean for them."""

from contextlib import closing
from threading import Event as Signal
from typing import Annotated

import typer

from ..projecting.projector import Projector
from ..serving.watch import watched
from ..succession.reactor import Reactor
from .session import opened, settings
from .terminal import notices, people


def succession(
    once: Annotated[bool, typer.Option("--once", help="Stop when all that is due is written.")] = False,
) -> None:
    """Write what mergers, dissolutions and transferred tasks mean for cases: until stopped, or --once."""
    with opened(settings()) as (found, parts), closing(Reactor(found.url, parts.writer.submit)) as reactor:
        if once:
            # What the log holds must be known to the read model first; whoever else projects is not in the way.
            with closing(Projector(found.url)) as projector:
                projector.catch_up()
                position = reactor.catch_up()
                projector.catch_up()
            reached = "no event is recorded yet" if position < 0 else f"position {position:,}"
            people().print(f"Written: all that is due by {reached}.")
            return
        notices().print("Writing what becomes of organisations until stopped (Ctrl-C); the projector must run, too.")
        with watched(found.embedded):
            try:
                reactor.run(Signal())
            except KeyboardInterrupt:
                notices().print("Stopped.")
