"""Every address of the pages, and what answers it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ..http.registry import RunningRegistry
from . import (
    asking,
    case,
    difference,
    exports,
    gaps,
    inbox,
    interfaces,
    learning,
    mine,
    overview,
    readings,
    recording,
    schema,
    trail,
    vega,
)
from .charts import chart
from .own_names import OwnNames
from .rendering import static
from .sessions import Sessions
from .signing_in import SignIn, choose_language
from .visit import PageProblem, View, Visit, answering

TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
"""The address of a static file changes with its content."""


def page_routes(running: RunningRegistry, sign_in: SignIn, names: OwnNames) -> list[BaseRoute]:
    """Return the routes of the pages."""
    sessions = Sessions(sign_in.key, secure=sign_in.secure)

    def get(path: str, view: View) -> Route:
        return Route(path, answering(running, sessions, names, view), methods=["GET"])

    def post(path: str, view: View) -> Route:
        return Route(path, answering(running, sessions, names, view), methods=["POST"])

    return [
        get("/", overview.page),
        get("/gaps", gaps.page),
        get("/interfaces", interfaces.page),
        get("/cases/{reference}", case.page),
        get("/cases/{reference}/moment", case.moment),
        get("/cases/{reference}/difference", difference.page),
        get("/cases/{reference}/lanes.{form}", case.taken_along),
        get("/learning", learning.list_of("dialogues")),
        *(get(shape.address, learning.list_of(kind)) for kind, shape in learning.KINDS.items()),
        *(get(f"{shape.address}/{{id}}", learning.one_of(kind)) for kind, shape in learning.KINDS.items()),
        get("/inbox", inbox.page),
        get("/record", recording.everything),
        get("/record/{command}", recording.form),
        post("/record/{command}", recording.send),
        get("/mine", mine.page),
        get("/mine/download", mine.download),
        get("/trail", trail.page),
        get("/trail/proof", trail.proof),
        get("/trail/bundle", trail.bundle),
        get("/trail/readings", readings.page),
        get("/exports", exports.page),
        post("/exports", exports.send),
        get("/exports/{format}/file", exports.file),
        get("/ask", asking.page),
        post("/ask", asking.send),
        get("/ask/schema", schema.index),
        get("/ask/schema.graphql", schema.text),
        get("/ask/schema.json", schema.words),
        get("/ask/schema/{name}", schema.one_type),
        get("/charts/{name}.{form}", chart),
        get("/signin", sign_in.page),
        post("/signin", sign_in.sign_in),
        get("/signin/start", sign_in.start),
        get("/signin/callback", sign_in.callback),
        post("/signout", sign_in.sign_out),
        get("/language/{language:str}", choose_language),
        Route("/static/{name}", _static, methods=["GET"]),
    ]


def nowhere(
    running: RunningRegistry, sign_in: SignIn, names: OwnNames
) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return what answers requests for an address that there is not: browsers with a page, programs in JSON."""

    async def say(visit: Visit) -> Response:
        raise PageProblem(404, visit.words.say("There is no such page."))

    shown = answering(running, Sessions(sign_in.key, secure=sign_in.secure), names, say)

    async def answer(request: Request, error: Exception) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return await shown(request)
        return JSONResponse({"detail": cast("HTTPException", error).detail}, 404)

    return answer


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    content = await asyncio.to_thread(vega.program) if name == vega.NAME else static(name)
    kind = TYPES.get(name.rpartition(".")[2])
    if content is None or kind is None:
        return PlainTextResponse("There is no such file.\n", 404)
    return Response(content, headers=FOR_EVER, media_type=kind)
