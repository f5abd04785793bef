"""``knelpunt identity``: from a name or citizen's number to a pseudonym, and back, for those who may.

What somebody is known by is read from the terminal, unseen, or from a pipe: never from the command line, which any
user of the machine can list and a shell writes down.
"""

import sys
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from getpass import getpass
from typing import Annotated

import typer

from ...domain.ids import SubjectId
from ...domain.text import Clear
from ...domain.vocabulary import IdentityKind
from ..logbook.processing import Activity
from ..vault.identities import MAY, Identities, Identity, identity
from .acting import acting_as, note_reading, uuid_of
from .session import opened, settings
from .terminal import notices, people

commands = typer.Typer(help="Who a pseudonym stands for: kept sealed, found again, forgotten.", no_args_is_help=True)

Kind = Annotated[IdentityKind, typer.Option("--kind", metavar="K", help="BSN or NAME; itself it is asked for.")]
Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help="Whom, by pseudonym.", show_default=False)]


@commands.command("keep")
def keep(subject: Subject, kind: Kind) -> None:
    """Keep what a subject is known by; it is read from the terminal or from a pipe."""
    whom = uuid_of(subject, "a subject's pseudonym")
    with _identities("keep") as (identities, _):
        identities.keep(whom, _read(kind))


@commands.command("find")
def find(kind: Kind) -> None:
    """Print the pseudonyms of those who are known by something, which is read from the terminal or from a pipe."""
    with _identities("find") as (identities, note):
        found = identities.find(_read(kind))
        note(found)
    for subject in found:
        people().print(str(subject))
    if not found:
        notices().print("Nobody is known by that.")


@commands.command("show")
def show(subject: Subject) -> None:
    """Print what a subject is known by."""
    whom = uuid_of(subject, "a subject's pseudonym")
    with _identities("show") as (identities, note):
        known = identities.of(whom)
        note({whom} if known else ())
        for one in known:
            said = one.content.content.reveal() if isinstance(one.content, Clear) else "(erased)"
            people().print(f"{one.kind}: {said}", soft_wrap=True)


@contextmanager
def _identities(what: str) -> Generator[tuple[Identities, Callable[[Collection[SubjectId]], None]]]:
    """Give the identities, and what records of whom something is about to be shown."""
    given = settings()
    with opened(given) as (found, parts):
        who = acting_as(
            given, found, f"identity {what}", MAY, "it takes somebody of intake, an investigator, or a solution team"
        )
        yield (
            Identities(parts.vault),
            lambda subjects: note_reading(parts, who, f"knelpunt identity {what}", Activity.IDENTITIES, subjects),
        )


def _read(kind: IdentityKind) -> Identity:
    """Return what somebody types unseen, or sends by a pipe."""
    text = getpass(f"{kind}: ") if sys.stdin.isatty() else sys.stdin.readline()
    return identity(kind, text.strip())
