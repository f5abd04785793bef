"""``knelpunt erase``: forgetting a person, which takes two people; and legal holds, which keep it from being done."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Annotated, Final

import typer
from rich.table import Table

from ...domain.erasure import ErasureStep
from ...domain.text import Clear, Erased
from ...domain.vocabulary import Role
from ...graphql.ports import Asker
from ..bootstrap import Parts
from ..forgetting.erasing import Eraser
from ..forgetting.records import Erasure
from ..logbook.processing import Activity
from .acting import acting_as, note_reading, uuid_of
from .session import opened, settings
from .terminal import Format, notices, people, show, write_csv, write_json

MAY: Final = frozenset({Role.PRIVACY_OFFICER, Role.ADMINISTRATOR})
"""Who may ask for an erasure, approve one, and place or lift a hold."""

COLUMNS: Final = ("request", "subject", "state", "requestedAt", "requestedBy", "reason", "approvedAt", "approvedBy")

commands = typer.Typer(help="Forget a person for good: one asks, another approves.", no_args_is_help=True)

Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help="Whom, by pseudonym.", show_default=False)]
Reason = Annotated[
    str,
    typer.Option("--reason", metavar="R", help="Why. Sealed, and forgotten with the person.", show_default=False),
]


@commands.command("request")
def request(subject: Subject, reason: Reason) -> None:
    """Ask for a person to be forgotten. Prints the request, which another person approves."""
    whom = uuid_of(subject, "a subject's pseudonym")
    with _eraser() as (eraser, user):
        known = eraser.knows(whom)
        asked = eraser.request(whom, reason, user)
    people().print(str(asked), soft_wrap=True)
    if not known:
        notices().print("The vault holds nothing about this subject: see that the pseudonym is right.", style="yellow")
    notices().print(f"Another person approves it: knelpunt erase approve {asked}", style="dim")


@commands.command("approve")
def approve(
    requests: Annotated[
        list[str], typer.Argument(metavar="REQUEST...", help="Requests that another person made.", show_default=False)
    ],
) -> None:
    """Approve requests, and forget those whom they are about. Given again, it goes on where it was broken off."""
    asked = list(dict.fromkeys(uuid_of(one, "a request") for one in requests))
    with _eraser() as (eraser, user):
        done = eraser.approve(asked, user, _say_step)
    for one in done:
        people().print(f"Erased for good: {one.subject}, told at position {one.position} of the log.")


@commands.command("hold")
def hold(subject: Subject, reason: Reason) -> None:
    """Keep a person from being forgotten while the law asks for it. Prints the hold."""
    with _eraser() as (eraser, user):
        placed = eraser.place_hold(uuid_of(subject, "a subject's pseudonym"), reason, user)
    people().print(str(placed), soft_wrap=True)


@commands.command("lift")
def lift(hold: Annotated[str, typer.Argument(metavar="HOLD", help="The hold.", show_default=False)]) -> None:
    """End a hold."""
    with _eraser() as (eraser, user):
        eraser.lift_hold(uuid_of(hold, "a hold"), user)


@commands.command("list")
def list_(
    format_: Annotated[Format, typer.Option("--format", help="What it is printed as.")] = Format.TABLE,
) -> None:
    """List requests, holds, and what holds refused."""
    with _acting() as (eraser, who, parts):
        standing, held = eraser.requests(), eraser.holds()
        read = {one.erasure.subject for one in standing if isinstance(one.reason, Clear)}
        read |= {one.hold.subject for one in held if isinstance(one.reason, Clear)}
        note_reading(parts, who, "knelpunt erase list", Activity.ERASURES, read)
        requests = [_shown(one.erasure, one.reason) for one in standing]
        holds = [
            {
                "hold": str(one.hold.hold),
                "subject": str(one.hold.subject),
                "placedAt": one.hold.placed_at.isoformat(),
                "placedBy": one.hold.placed_by,
                "reason": _said(one.reason),
                "liftedAt": _moment(one.hold.lifted_at),
                "liftedBy": one.hold.lifted_by,
                "refused": [
                    {"at": refusal.at.isoformat(), "askedBy": refusal.asked_by}
                    for refusal in eraser.refusals()
                    if refusal.hold == one.hold.hold
                ],
            }
            for one in held
        ]
    match format_:
        case Format.JSON:
            write_json({"requests": requests, "holds": holds})
        case Format.CSV:
            write_csv(COLUMNS, requests)
        case Format.TABLE:
            _print(requests, ("request", "subject", "state", "requestedBy", "reason", "approvedBy"))
            _print(holds, ("hold", "subject", "placedBy", "reason", "liftedAt"))


@contextmanager
def _eraser() -> Generator[tuple[Eraser, str]]:
    """Give an eraser, and the pseudonym of whoever acts. Raises ``Failure`` for who may not."""
    with _acting() as (eraser, who, _):
        yield eraser, who.user


@contextmanager
def _acting() -> Generator[tuple[Eraser, Asker, Parts]]:
    """Give an eraser, who acts, and the registry. Raises ``Failure`` for who may not."""
    given = settings()
    with opened(given) as (found, parts):
        who = acting_as(given, found, "erase", MAY, "it takes a privacy officer, or an administrator")
        with closing(Eraser(found.url, parts.vault, parts.writer.submit, parts.vault_url)) as eraser:
            yield eraser, who, parts


def _print(rows: Sequence[Mapping[str, object]], columns: tuple[str, ...]) -> None:
    if rows:
        table = Table(*columns, box=None, padding=(0, 2, 0, 0))
        for row in rows:
            table.add_row(*("" if row[column] is None else str(row[column]) for column in columns))
        show(people(), table)


def _shown(one: Erasure, reason: Clear | Erased) -> dict[str, object]:
    state = "COMPLETE" if one.completed_at else "APPROVED" if one.approved_at else "REQUESTED"
    return {
        "request": str(one.request),
        "subject": str(one.subject),
        "state": state,
        "requestedAt": one.requested_at.isoformat(),
        "requestedBy": one.requested_by,
        "reason": _said(reason),
        "approvedAt": _moment(one.approved_at),
        "approvedBy": one.approved_by,
        "completedAt": _moment(one.completed_at),
        "position": one.position,
    }


def _said(reason: Clear | Erased) -> str | None:
    return reason.content.reveal() if isinstance(reason, Clear) else None


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _say_step(step: ErasureStep | None) -> None:
    said = {
        ErasureStep.FENCE: "Fenced: nothing new is sealed.",
        ErasureStep.KEYS: "Keys destroyed.",
        ErasureStep.IDENTITY: "Identities destroyed.",
        ErasureStep.CACHES: "No process holds a key or a text any more.",
        ErasureStep.PROJECTIONS: "Read model and search cleaned.",
    }
    if step is not None:
        notices().print(said[step], style="dim")
