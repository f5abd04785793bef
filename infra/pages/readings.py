"""Who read what of whom, for the privacy officer: records of the processing log, filtered, the last ones first.

They are no part of the schema. A login of its own reads them, where the operator names one (``Services.overseer_url``),
and that somebody looks is on record before they see anything.
"""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

import psycopg
from starlette.responses import Response

from ...domain.vocabulary import Role
from ..logbook.processing import Activity, Record, readings
from .rendering import link
from .visit import PageProblem, Visit
from .words import ZONE

PAGE: Final = 50
"""Records on one page."""

LOOKED_BACK: Final = timedelta(days=30)
"""From when on they are shown if nobody says, as on the command line."""

FIELDS: Final = ("subject", "actor", "since", "until")

ACTIVITIES: Final = {
    Activity.CASEWORK: "Reading cases",
    Activity.IDENTITIES: "Looking up who somebody is",
    Activity.ERASURES: "Handling requests to be forgotten",
}


async def page(visit: Visit) -> Response:
    """Answer GET /trail/readings."""
    if (await visit.asker()).role is not Role.PRIVACY_OFFICER:
        await visit.refuse("not a privacy officer")
        raise PageProblem(403, visit.words.say("Who read what of whom is for the privacy officer."))
    given = {name: visit.query.get(name, "") for name in FIELDS}
    url = visit.running.services.overseer_url
    found = None if url is None else await _found(visit, url, given)
    more = found is not None and len(found) > PAGE
    shown = None if found is None else found[:PAGE]
    following = link("/trail/readings", given, after=_place(shown[-1])) if shown and more else None
    return await visit.page(
        "readings.html", records=shown, given=given, following=following, activities=ACTIVITIES,
        back=LOOKED_BACK.days,
    )  # fmt: skip


async def _found(visit: Visit, url: str, given: dict[str, str]) -> list[Record]:
    subject = _subject(visit, given["subject"])
    since = _day(visit, given["since"])
    until = _day(visit, given["until"])
    after = _after(visit)
    try:
        await visit.record_looking("logbook readings")
        found = await asyncio.to_thread(
            readings,
            url,
            visit.running.services.vault,
            since=since or datetime.now(UTC) - LOOKED_BACK,
            until=None if until is None else until + timedelta(days=1),
            after=after,
            most=PAGE + 1,
            subject=subject,
            actor=given["actor"] or None,
        )
    except psycopg.Error:
        raise PageProblem(503, visit.words.say("The records cannot be read at this moment: try again.")) from None
    return list(found)


def _subject(visit: Visit, text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        message = "A pseudonym of a person is a UUID, such as 7d32cd5c-0000-4000-8000-000000000000."
        raise PageProblem(400, visit.words.say(message)) from None


def _day(visit: Visit, text: str) -> datetime | None:
    """Return when a day begins in the Netherlands. Raises ``PageProblem`` for what is no day."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), ZONE) if text else None
    except ValueError:
        message = visit.words.say("'{text}' is no date: write it as 2026-03-31.", text=text[:40])
        raise PageProblem(400, message) from None


def _place(record: Record) -> str:
    """Return where a record stands, for the address of the page that begins behind it."""
    return f"{record.ended_at.isoformat()}~{record.span.hex()}"


def _after(visit: Visit) -> tuple[datetime, bytes] | None:
    given = visit.query.get("after")
    if not given:
        return None
    moment, _, span = given.partition("~")
    try:
        return datetime.fromisoformat(moment), bytes.fromhex(span)
    except ValueError:
        raise PageProblem(400, visit.words.say("There is no such page.")) from None
