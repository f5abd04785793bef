"""What operators ask for: is it alive, is it ready, what does it measure, and where to report a weakness."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ..store.connection import REGISTRY, SET_PRINCIPAL, principal_text
from ..trail.checkpoint import checkpoint_in
from ..trail.note import NoteError, read_note
from .answers import json_answer
from .registry import RunningRegistry

LAG: Final = """
SELECT h.next_position - 1, p.position, coalesce(extract(epoch FROM clock_timestamp() - e.recorded_at)::float8, 0)
  FROM knelpunt.log_head h CROSS JOIN read.projected p LEFT JOIN knelpunt.event e ON e.position = p.position + 1
"""
"""Where the log ends, up to where it is projected, and how long ago the first event was recorded that is not."""

SECURITY_TXT_LIFETIME: Final = timedelta(days=180)


async def healthz(_: Request) -> Response:
    """Say that the process lives."""
    return PlainTextResponse("alive\n")


def readyz(running: RunningRegistry) -> Callable[[Request], Awaitable[Response]]:
    """Return what says whether questions can be answered: the database is there, and the projections keep up."""

    async def answer(_: Request) -> Response:
        try:
            head, projected, seconds = await _positions(running)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            message = "The projections have not been built yet: start the projector (knelpunt project)."
            return json_answer({"ready": False, "reason": message}, 503)
        except (psycopg.Error, PoolTimeout):
            return json_answer({"ready": False, "reason": "The database cannot be reached."}, 503)
        lag, limits = head - projected, running.services
        ready = lag <= (limits.lag_events_max or lag) and seconds <= (limits.lag_seconds_max or seconds)
        state = {
            "ready": ready,
            "position": head,
            "projected": projected,
            "lag": lag,
            "lagSeconds": round(seconds, 3),
        }
        return json_answer(
            state if ready else {**state, "reason": "The projections lag behind."}, 200 if ready else 503
        )

    return answer


def metrics(running: RunningRegistry) -> Callable[[Request], Awaitable[Response]]:
    """Return what tells Prometheus; measures of the database are left as they were while it is away."""

    async def answer(_: Request) -> Response:
        try:
            head, projected, seconds = await _positions(running)
        except (psycopg.Error, PoolTimeout):
            pass
        else:
            running.measures.position.set(head)
            running.measures.lag.set(head - projected)
            running.measures.lag_seconds.set(seconds)
            published = await _published(running)
            if published is not None:
                running.measures.trail_lag.set(head + 1 - published)
        return Response(running.measures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return answer


async def _published(running: RunningRegistry) -> int | None:
    """Return how many events the published checkpoint covers; none where none is published, or can be read."""
    folder = running.services.trail
    if folder is None:
        return None
    try:
        note = await asyncio.to_thread(folder.checkpoint)
        return 0 if note is None else checkpoint_in(read_note(note).text).size
    except (OSError, NoteError):
        return None


async def _positions(running: RunningRegistry) -> tuple[int, int, float]:
    """Return the last position of the log and of the projections, and how many seconds these are behind."""
    async with running.pool.connection() as connection, connection.transaction():
        await connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
        row = await (await connection.execute(LAG)).fetchone()
    assert row is not None
    # A clock that was set back is no lag.
    return row[0], row[1], max(0.0, row[2])


async def security_txt(request: Request) -> Response:
    """Say where to report a weakness (RFC 9116): here, where the operator is known."""
    expires = (datetime.now(UTC) + SECURITY_TXT_LIFETIME).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    base = f"{request.url.scheme}://{request.url.netloc}"
    return PlainTextResponse(
        f"Contact: {base}/\nExpires: {expires}\nPreferred-Languages: nl, en\n"
        f"Canonical: {base}/.well-known/security.txt\n"
    )
