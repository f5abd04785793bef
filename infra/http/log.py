"""The log for auditors, as files: the checkpoint and hash tiles for anybody, bundles of entries for auditors.

Nothing here asks the database. A proxy or another web server can serve the same folder; it must then keep
``tile/entries/`` to auditors itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ...domain.vocabulary import Role
from ..identity.tokens import BadToken
from ..logbook.security import Action
from ..trail.errors import TileError
from ..trail.tiles import ENTRIES, Tile, tile_of
from .answers import bearer, problem_answer
from .origin import origin_of
from .registry import RunningRegistry

BRIEF: Final = {"Cache-Control": "max-age=1"}
"""A checkpoint is followed by the next within seconds."""

FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
"""A tile never changes."""

ENTRIES_PATH: Final = "/log/tile/entries"

Answer = Callable[[Request], Awaitable[Response]]


def checkpoint(running: RunningRegistry) -> Answer:
    """Return what answers GET /log/checkpoint."""

    async def answer(_: Request) -> Response:
        folder = running.services.trail
        note = None if folder is None else await asyncio.to_thread(folder.checkpoint)
        if note is None:
            return PlainTextResponse("No checkpoint is published yet.\n", 404)
        return Response(note, headers=BRIEF, media_type="text/plain; charset=utf-8")

    return answer


def tile(running: RunningRegistry) -> Answer:
    """Return what answers GET /log/tile/…; a partial tile that has become full is found there as the full one."""

    async def answer(request: Request) -> Response:
        try:
            named = tile_of(f"tile/{request.path_params['name']}")
        except TileError:
            return PlainTextResponse("There is no such tile.\n", 404)
        refused = await _refused(running, request) if named.level == ENTRIES else None
        return refused or await _file(running, named)

    return answer


async def _file(running: RunningRegistry, named: Tile) -> Response:
    folder = running.services.trail
    content = None if folder is None else await asyncio.to_thread(folder.content, named.path)
    if content is None:
        return PlainTextResponse("There is no such tile, or it has become full.\n", 404)
    headers = None if named.level == ENTRIES else FOR_EVER
    return Response(content, headers=headers, media_type="application/octet-stream")


async def _refused(running: RunningRegistry, request: Request) -> Response | None:
    """Return why somebody does not get entries, if they do not."""
    origin = origin_of(request)
    try:
        who = await running.asker(bearer(request))
    except BadToken as error:
        running.turned_away(ENTRIES_PATH, origin, error)
        return problem_answer(401, "UNAUTHENTICATED", str(error), {"WWW-Authenticate": "Bearer"})
    if who.role is Role.AUDITOR:
        return None
    running.refused(Action.ACCESS, ENTRIES_PATH, "not an auditor", origin, who)
    return problem_answer(403, "FORBIDDEN", "Entries of the log are for auditors; its hashes are for anybody.")
