"""What operators ask for: is it alive, is it ready, what does it measure, and where to report a weakness."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ..store.connection import REGISTRY, SET_PRINCIPAL, principal_text
from .answers import json_answer
from .registry import RunningRegistry

LAG: Final = "SELECT h.next_position - 1, (SELECT position FROM read.projected) FROM knelpunt.log_head h"

LAG_EVENTS_MAX: Final = 50_000
"""From how many events behind the service calls itself not ready: an import of that size takes a second or two."""

SECURITY_TXT_LIFETIME: Final = timedelta(days=180)


async def healthz(_: Request) -> Response:
    """Say that the process lives."""
    return PlainTextResponse("alive\n")


def readyz(running: RunningRegistry) -> Callable[[Request], Awaitable[Response]]:
    """Return what says whether questions can be answered: the database is there, and the projections keep up."""

    async def answer(_: Request) -> Response:
        try:
            head, projected = await _positions(running)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            message = "The projections have not been built yet: start the projector (knelpunt project)."
            return json_answer({"ready": False, "reason": message}, 503)
        except (psycopg.Error, PoolTimeout):
            return json_answer({"ready": False, "reason": "The database cannot be reached."}, 503)
        lag = head - projected
        ready = lag <= LAG_EVENTS_MAX
        state = {"ready": ready, "position": head, "projected": projected, "lag": lag}
        return json_answer(
            state if ready else {**state, "reason": "The projections lag behind."}, 200 if ready else 503
        )

    return answer


def metrics(running: RunningRegistry) -> Callable[[Request], Awaitable[Response]]:
    """Return what tells Prometheus; measures of the database are left as they were while it is away."""

    async def answer(_: Request) -> Response:
        try:
            head, projected = await _positions(running)
            running.measures.position.set(head)
            running.measures.lag.set(head - projected)
        except (psycopg.Error, PoolTimeout):
            pass
        return Response(running.measures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return answer


async def _positions(running: RunningRegistry) -> tuple[int, int]:
    """Return the last position of the log and of the projections."""
    async with running.pool.connection() as connection, connection.transaction():
        await connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
        row = await (await connection.execute(LAG)).fetchone()
    assert row is not None
    return row[0], row[1]


async def security_txt(request: Request) -> Response:
    """Say where to report a weakness (RFC 9116): here, where the operator is known."""
    expires = (datetime.now(UTC) + SECURITY_TXT_LIFETIME).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    base = f"{request.url.scheme}://{request.url.netloc}"
    return PlainTextResponse(
        f"Contact: {base}/\nExpires: {expires}\nPreferred-Languages: nl, en\n"
        f"Canonical: {base}/.well-known/security.txt\n"
    )
