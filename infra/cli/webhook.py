"""``knelpunt webhook``: who is sent events, what was not taken, and sending it again.

Subscriptions are made by whoever runs the registry, for somebody whose token they were given: an address to send to is
agreed upon between organisations, and is nothing that a client of the service may choose.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from msgspec import to_builtins
from rich.table import Table

from ...domain import topics
from ...domain.vocabulary import Role
from ...graphql.ports import Asker
from ..bootstrap import Database
from ..identity.tokens import Viewer
from ..settings import TOKEN, Settings
from ..store.connection import DatabaseRole, connect_as_registry
from ..store.principal import principal_of
from ..webhooks.reach import addresses_of, target_of
from ..webhooks.subscriptions import Subscription, Subscriptions
from .acting import note_operation, uuid_of
from .failure import Failure, WrongUsage
from .session import ready_database, settings
from .terminal import Format, notices, people, plain, show, write_csv, write_json

MAY: Final = frozenset({Role.AGENCY, Role.SOLUTION_TEAM, Role.INTAKE, Role.INVESTIGATOR, Role.AUDITOR})
"""Who may be sent events: those who see any in their work. Somebody's own case is theirs to look at, not to have sent
about; and the others see none."""

COLUMNS: Final = (
    "webhook",
    "url",
    "role",
    "organisation",
    "topics",
    "position",
    "state",
    "waiting",
    "delivered",
    "dead",
)
DEAD_COLUMNS: Final = ("position", "stream", "attempts", "problem", "at")

commands = typer.Typer(help="Send events to other programs as they are recorded.", no_args_is_help=True)

Webhook = Annotated[str, typer.Argument(metavar="WEBHOOK", help="The subscription.", show_default=False)]
After = Annotated[
    int | None, typer.Option("--after", metavar="POSITION", min=-1, help="Begin after this position; -1: at the first.")
]
Form = Annotated[Format, typer.Option("--format", help="How to print it.")]


@commands.command("add")
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to send, by https.", show_default=False)],
    after: After = None,
    kinds: Annotated[
        list[str] | None, typer.Option("--type", metavar="TOPIC", help="Only such events; may be given several times.")
    ] = None,
) -> None:
    """Send what KNELPUNT_TOKEN's bearer may see to URL, from now on. Prints the subscription and its secret, once."""
    given = settings()
    for kind in kinds or ():
        if kind not in topics.FACTS:
            raise WrongUsage(f"--type: {kind!r} is no kind of event, such as case-opened.")
    target = target_of(url)
    viewer = _viewer(given)
    try:
        asyncio.run(addresses_of(target, given.webhook_networks))
    except (OSError, UnicodeError):
        raise Failure(f"{target.host} is not known: check the address.") from None
    with _subscriptions(given, "add") as subscriptions:
        reader = principal_of(Asker(viewer.organisation, viewer.role, viewer.user))
        webhook, secret = subscriptions.add(url, reader, frozenset(kinds or ()), after)
    people().print(f"{webhook}\n{secret}", soft_wrap=True)
    notices().print(
        "The second line is the secret that the receiver checks signatures with; it is not shown again.", style="dim"
    )


@commands.command("list")
def list_(form: Form = Format.TABLE) -> None:
    """Print every subscription and how it stands."""
    with _subscriptions(settings(), None) as subscriptions:
        found = [_row(one) for one in subscriptions.all()]
    _print(found, COLUMNS, form)


@commands.command("end")
def end(webhook: Webhook) -> None:
    """Send nothing more; what waited becomes dead letters."""
    with _subscriptions(settings(), "end") as subscriptions:
        subscriptions.end(_id(webhook))


@commands.command("pause")
def pause(webhook: Webhook) -> None:
    """Send nothing until resumed; nothing is lost."""
    with _subscriptions(settings(), "pause") as subscriptions:
        subscriptions.pause(_id(webhook))


@commands.command("resume")
def resume(webhook: Webhook) -> None:
    """Go on sending, at once."""
    with _subscriptions(settings(), "resume") as subscriptions:
        subscriptions.resume(_id(webhook))


@commands.command("rotate")
def rotate(webhook: Webhook) -> None:
    """Print a new secret; the old one goes on signing as well for a day."""
    with _subscriptions(settings(), "rotate") as subscriptions:
        people().print(subscriptions.rotate(_id(webhook)), soft_wrap=True)


@commands.command("replay")
def replay(
    webhook: Webhook,
    after: Annotated[
        int, typer.Option("--after", metavar="POSITION", min=-1, help="Which event was the last to count.")
    ],
) -> None:
    """Send everything after a position again, in order and under the same ids."""
    with _subscriptions(settings(), "replay") as subscriptions:
        subscriptions.replay(_id(webhook), after)


@commands.command("dead")
def dead(webhook: Webhook, form: Form = Format.TABLE) -> None:
    """Print the events that were not taken, and why."""
    with _subscriptions(settings(), None) as subscriptions:
        letters = subscriptions.dead(_id(webhook))
    found = [
        {
            "position": one.position,
            "stream": str(one.stream),
            "attempts": one.attempts,
            "problem": one.problem,
            "at": one.settled_at.isoformat(),
        }
        for one in letters
    ]
    _print(found, DEAD_COLUMNS, form)


@commands.command("resend")
def resend(
    webhook: Webhook,
    positions: Annotated[
        list[int] | None, typer.Argument(metavar="[POSITION...]", help="Which; all if none.", show_default=False)
    ] = None,
) -> None:
    """Send dead letters again, those at POSITIONs or all."""
    with _subscriptions(settings(), "resend") as subscriptions:
        count = subscriptions.resend(_id(webhook), positions or None)
    people().print(f"{count} will be sent again.")


def _viewer(given: Settings) -> Viewer:
    """Return whom a subscription is for. Raises ``Failure`` and ``BadToken``."""
    if given.token is None:
        raise Failure(f"Say for whom: set {TOKEN} to a token of theirs; they are sent what it lets them see.")
    viewer = given.verifier().viewer(given.token)
    if viewer.role not in MAY:
        raise Failure(f"{viewer.role} is sent no events: {', '.join(sorted(MAY))} may be.")
    return viewer


def _id(text: str) -> Any:
    return uuid_of(text, "a subscription")


@contextmanager
def _subscriptions(given: Settings, changes: str | None) -> Generator[Subscriptions]:
    """Give the subscriptions; what ``changes`` them is put on record first."""
    with ready_database(given) as found:
        if changes is not None:
            note_operation(found, f"webhook {changes}")
        with _connected(found, given) as subscriptions:
            yield subscriptions


@contextmanager
def _connected(found: Database, given: Settings) -> Generator[Subscriptions]:
    with connect_as_registry(found.url, DatabaseRole.APPENDER) as connection:
        yield Subscriptions(connection, given.master_key())


def _row(one: Subscription) -> dict[str, Any]:
    state = "ended" if one.ended_at else "paused" if one.paused else "resting" if one.resting_until else "sending"
    return {
        "webhook": str(one.webhook_id),
        "url": one.url,
        "role": one.principal.role,
        "organisation": one.principal.organisation,
        "topics": to_builtins(one.topics),
        "position": one.position,
        "state": state,
        "waiting": one.waiting,
        "delivered": one.delivered,
        "dead": one.dead,
    }


def _print(found: list[dict[str, Any]], columns: tuple[str, ...], form: Format) -> None:
    if form is Format.JSON:
        write_json(found)
    elif form is Format.CSV:
        write_csv(columns, found)
    else:
        table = Table(*columns)
        for row in found:
            table.add_row(*(plain(_told(row[name])) for name in columns))
        show(people(), table)


def _told(value: Any) -> str:
    return "" if value is None else " ".join(value) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
