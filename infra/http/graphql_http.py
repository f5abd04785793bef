"""GraphQL over HTTP: POST alone, one document a request, with a bearer token."""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ...graphql.engine import Refusal
from ...graphql.problems import ProblemCode
from ..identity.tokens import BadToken
from ..logbook.security import Action
from .admission import Asked, TooMuch
from .answers import bearer, json_answer, problem_answer
from .origin import origin_of
from .registry import RunningRegistry

BODY_BYTES_MAX: Final = 64 * 1024
"""The largest request: a question is a few kilobytes, and the longest story four."""


class _TooLarge(Exception):  # noqa: N818  an answer on its way
    """The body is larger than allowed."""


_read = msgspec.json.Decoder(Asked).decode


def endpoint(running: RunningRegistry) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers POST /graphql."""

    async def answer(request: Request) -> Response:
        started, origin = perf_counter(), origin_of(request)
        try:
            who = await running.asker(bearer(request))
        except BadToken as error:
            running.turned_away("/graphql", origin, error)
            return problem_answer(401, "UNAUTHENTICATED", str(error), {"WWW-Authenticate": "Bearer"})
        try:
            asked = _read(await _body(request))
        except _TooLarge:
            return problem_answer(413, "TOO_LARGE", f"A request may be at most {BODY_BYTES_MAX // 1024} KiB long.")
        except ClientDisconnect:
            return Response(status_code=400)
        except msgspec.MsgspecError:
            message = (
                'The body must be JSON with one document: {"query": "…", "variables": {…}, "operationName": "…"}, '
                'or with "documentId" in the place of "query".'
            )
            return problem_answer(400, "BAD_REQUEST", message)
        try:
            prepared = running.admission.admit(who, asked)
        except TooMuch as refusal:
            running.measures.answers.labels("refused").inc()
            running.refused(Action.ADMISSION, "/graphql", "too much at once", origin, who)
            return json_answer({"errors": refusal.errors}, 429, {"Retry-After": str(refusal.seconds)})
        except Refusal as refusal:
            running.measures.answers.labels("refused").inc()
            return json_answer({"errors": refusal.errors})
        found = await running.answer(who, prepared, asked.operation_name, origin)
        running.measures.answers.labels("errors" if "errors" in found else "data").inc()
        running.measures.seconds.observe(perf_counter() - started)
        if _cannot(found):
            return json_answer(found, 503, {"Retry-After": "1"})
        return json_answer(found)

    return answer


def _cannot(found: dict[str, Any]) -> bool:
    """Return whether nothing could be answered for the registry's own sake, so that asking again may help."""
    data: dict[str, Any] = found.get("data") or {}
    if any(part is not None for part in data.values()):
        return False
    codes = {error.get("extensions", {}).get("code") for error in found.get("errors", ())}
    return bool(codes) and codes <= {ProblemCode.UNAVAILABLE, ProblemCode.NOT_LOGGED}


async def _body(request: Request) -> bytes:
    """Return a request's body, reading no more than is allowed. Raises ``_TooLarge``."""
    if int(request.headers.get("content-length") or 0) > BODY_BYTES_MAX:
        raise _TooLarge
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > BODY_BYTES_MAX:
            raise _TooLarge
    return bytes(content)
