"""``knelpunt mirror``: keeps a copy of another registry's log, checked as it grows."""

from pathlib import Path
from threading import Event as Signal
from typing import Annotated, Final

import typer

from ..settings import TOKEN
from ..trail.errors import Inconsistent, TrailError
from ..trail.folder import TrailFolder
from ..trail.mirror import Mirror, fetching
from ..trail.note import NoteError, public_key
from .failure import WrongUsage
from .session import settings
from .terminal import notices, people

LOOK_SECONDS: Final = 60.0
"""How often to look for more: at most so much is lost with the registry, and a request a minute is no burden."""


def mirror(
    url: Annotated[str, typer.Argument(help="Where the log is: https://registry.example/log.", show_default=False)],
    out: Annotated[
        Path, typer.Argument(help="The folder of the copy; it is made, or gone on with.", show_default=False)
    ],
    key: Annotated[str, typer.Option("--key", help="The log's public key, as you have it from elsewhere.")],
    entries: Annotated[
        bool, typer.Option("--entries", help=f"The entries, too; {TOKEN} must be an auditor's.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="Stop when what is published now is copied.")] = False,
) -> None:
    """Copy a log that is served elsewhere and check that it only grows: until stopped, or --once. Needs no database."""
    try:
        known = public_key(key)
    except NoteError as error:
        raise WrongUsage(f"--key: this is no public key of a log ({error})") from None
    copy = Mirror(TrailFolder(out), known, fetching(url, settings().token), with_entries=entries)
    if once:
        people().print(f"Mirrored: {copy.update().size:,} entries of {known.name}, as they were signed.")
        return
    notices().print(f"Mirroring {known.name} into {out} (Ctrl-C stops).")
    try:
        while True:
            try:
                copy.update()
            except Inconsistent:
                raise  # this does not pass, and somebody must look at it
            except TrailError as error:
                notices().print(f"{error} It is tried again.", style="yellow")
            Signal().wait(LOOK_SECONDS)
    except KeyboardInterrupt:
        notices().print("Stopped.")
