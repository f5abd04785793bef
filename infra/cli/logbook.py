"""``knelpunt logbook``: who read what of whom, and what bears on security, for those who watch over it."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer
from rich.table import Table

from ...domain.vocabulary import Role
from ..bootstrap import Parts
from ..logbook.processing import Record, readings
from ..logbook.security import DONE, Action, SecurityEvent, SecurityLog, security_records
from .acting import COMMAND_LINE, acting_as, uuid_of
from .session import opened, settings
from .terminal import Format, notices, people, plain, show, write_csv, write_json
from .times import moment

MAY_READ_READINGS: Final = frozenset({Role.PRIVACY_OFFICER})
"""Who may see who read of whom."""

MAY_READ_SECURITY: Final = frozenset({Role.PRIVACY_OFFICER, Role.ADMINISTRATOR, Role.AUDITOR})
"""Who may see what bears on security; no person whom the registry is about is named there."""

LOOKED_BACK: Final = timedelta(days=30)
LISTED: Final = 200

READING_COLUMNS: Final = (
    *("endTime", "actor", "role", "organisation", "subject", "activity", "name", "status"),
    *("startTime", "traceId", "spanId", "subjectType"),
)
SECURITY_COLUMNS: Final = ("time", "action", "object", "result", "origin", "actor", "count")

commands = typer.Typer(help="Who read what of whom, and what bears on security.", no_args_is_help=True)

Since = Annotated[
    datetime | None,
    typer.Option("--since", metavar="T", parser=moment, help="From then on; 30 days back if not given."),
]
Most = Annotated[int, typer.Option("--most", min=1, max=100_000, metavar="N", help="At most so many, the last first.")]
FormatOption = Annotated[Format, typer.Option("--format", help="What it is printed as.")]


@commands.command("readings")
def list_readings(
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="S", help="Only of this person, by pseudonym.")
    ] = None,
    actor: Annotated[
        str | None, typer.Option("--actor", metavar="A", help="Only by this person, by pseudonym.")
    ] = None,
    since: Since = None,
    most: Most = LISTED,
    format_: FormatOption = Format.TABLE,
) -> None:
    """List who read something of whom, the last first. For the privacy officer; the list itself goes on record."""
    whom = None if subject is None else uuid_of(subject, "a subject's pseudonym")
    with _overseeing("logbook readings", MAY_READ_READINGS, "it takes a privacy officer") as (url, parts):
        found = readings(url, parts.vault, since=since or _looked_back(), most=most, subject=whom, actor=actor)
    _write(format_, READING_COLUMNS, [_reading(one) for one in found], READING_COLUMNS[:7])


@commands.command("security")
def list_security(
    action: Annotated[str | None, typer.Option("--action", metavar="A", help="Only this, such as SIGN_IN.")] = None,
    since: Since = None,
    most: Most = LISTED,
    format_: FormatOption = Format.TABLE,
) -> None:
    """List what was refused, and what was done to keys, rights and settings, the last first."""
    otherwise = "it takes a privacy officer, an administrator, or an auditor"
    with _overseeing("logbook security", MAY_READ_SECURITY, otherwise) as (url, _):
        found = security_records(url, since=since or _looked_back(), most=most, action=action)
    rows: list[dict[str, object]] = [
        {
            "time": one.time.isoformat(),
            "action": one.action,
            "object": one.object,
            "result": one.result,
            "origin": one.origin,
            "actor": one.actor,
            "count": one.count,
        }
        for one in found
    ]
    _write(format_, SECURITY_COLUMNS, rows, SECURITY_COLUMNS)


@contextmanager
def _overseeing(what: str, may: frozenset[Role], otherwise: str) -> Generator[tuple[str, Parts]]:
    """Give where the logs are read, and the registry, to one who may read a log, which is on record first."""
    given = settings()
    with opened(given) as (found, parts):
        who = acting_as(given, found, what, may, otherwise)
        SecurityLog(found.vault_url).record(SecurityEvent(Action.LOGBOOK_READ, what, DONE, COMMAND_LINE, who.signature))
        yield found.overseer_url or found.vault_url, parts


def _looked_back() -> datetime:
    return datetime.now(UTC) - LOOKED_BACK


def _reading(one: Record) -> dict[str, object]:
    return {
        "endTime": one.ended_at.isoformat(),
        "actor": one.actor,
        "role": one.role,
        "organisation": one.organisation,
        "subject": None if one.subject is None else str(one.subject),
        "activity": one.activity,
        "name": one.name,
        "status": one.status,
        "startTime": one.started_at.isoformat(),
        "traceId": one.trace.hex,
        "spanId": one.span.hex(),
        "subjectType": one.subject_type,
    }


def _write(format_: Format, columns: Sequence[str], rows: Sequence[Mapping[str, object]], shown: Sequence[str]) -> None:
    match format_:
        case Format.JSON:
            write_json(rows)
        case Format.CSV:
            write_csv(columns, rows)
        case Format.TABLE if rows:
            table = Table(*shown, box=None, padding=(0, 2, 0, 0))
            for row in rows:
                table.add_row(*("" if row[name] is None else plain(str(row[name])) for name in shown))
            show(people(), table)
        case Format.TABLE:
            notices().print("Nothing is on record since then.")
