"""Exports over REST: asked for with PUT, made into a file, and fetched when it is whole, in pieces if need be."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ...graphql.ports import Asker
from ..exporting.export import Format
from ..exporting.jobs import Export, Stage
from ..http import exports
from ..http.exports import ExportProblem
from ..http.origin import Origin, origin_of
from ..http.registry import RunningRegistry
from .asking import who_asks
from .problems import HEADERS, RestProblem, problem_response
from .resources import BASE

PATH: Final = "/exports"

Act = Callable[[RunningRegistry, Request, Asker, Origin], Awaitable[Response]]


def export_routes(running: RunningRegistry, methods: tuple[str, ...]) -> list[BaseRoute]:
    """Return the routes; ``methods`` are all that is answered, by most with what may be asked instead."""

    def route(path: str, acts: dict[str, Act]) -> Route:
        return Route(BASE + path, _answering(running, BASE + path, acts), methods=methods)

    return [
        route(PATH, {"GET": _all}),
        route(f"{PATH}/{{format}}", {"GET": _one, "PUT": _begin, "DELETE": _drop}),
        route(f"{PATH}/{{format}}/file", {"GET": _file}),
    ]


def _answering(running: RunningRegistry, where: str, acts: dict[str, Act]) -> Callable[[Request], Awaitable[Response]]:
    allowed = ", ".join(sorted({*acts, "HEAD"}))

    async def answer(request: Request) -> Response:
        act = acts.get("GET" if request.method == "HEAD" else request.method)
        if act is None:
            return problem_response(RestProblem(405, f"Here may be asked: {allowed}.", {"Allow": allowed}))
        origin = origin_of(request)
        try:
            who = await who_asks(running, request, where, origin)
            return await act(running, request, who, origin)
        except RestProblem as problem:
            return problem_response(problem)
        except ExportProblem as problem:
            again = {"Retry-After": str(exports.RETRY_SECONDS)} if problem.status in {429, 503} else None
            return problem_response(RestProblem(problem.status, problem.message, again))

    return answer


async def _all(running: RunningRegistry, _request: Request, who: Asker, _origin: Origin) -> Response:
    items = [told(export) for export in await exports.all_of(running, who)]
    return _json({"items": items, "_links": {"self": {"href": BASE + PATH}}})


async def _one(running: RunningRegistry, request: Request, who: Asker, _origin: Origin) -> Response:
    return _json(told(await exports.found(running, who, _format(request))))


async def _begin(running: RunningRegistry, request: Request, who: Asker, origin: Origin) -> Response:
    export = await exports.begun(running, who, _format(request), origin)
    where = f"{BASE}{PATH}/{export.format}"
    return _json(told(export), 202, {"Location": where, "Retry-After": "1"})


async def _drop(running: RunningRegistry, request: Request, who: Asker, _origin: Origin) -> Response:
    await exports.dropped(running, who, _format(request))
    return Response(None, 204, HEADERS)


async def _file(running: RunningRegistry, request: Request, who: Asker, origin: Origin) -> Response:
    return await exports.file_of(running, who, _format(request), origin, HEADERS)


def told(export: Export) -> dict[str, Any]:
    """Return an export as the interface tells of it."""
    here, made = f"{BASE}{PATH}/{export.format}", export.made
    links = {"self": {"href": here}} | ({"file": {"href": f"{here}/file"}} if export.stage is Stage.READY else {})
    return {
        "format": export.format,
        "stage": export.stage,
        "askedAt": export.asked_at,
        "share": round(export.share, 4),
        "message": export.message,
        "file": None
        if made is None
        else {
            "mediaType": exports.KINDS[export.format].media_type,
            "bytes": made.size,
            "sha256": made.digest,
            "cases": made.report.cases,
            "events": made.report.events,
            "unreadable": made.report.unreadable,
            "upto": made.report.upto,
            "keptUntil": export.kept_until,
        },
        "_links": links,
    }


def _format(request: Request) -> Format:
    """Return the format that an address names. Raises ``ExportProblem``."""
    try:
        return Format(request.path_params["format"])
    except ValueError:
        raise ExportProblem(404, f"There is no such format: there are {', '.join(Format)}.") from None


def _json(content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(content), status, HEADERS | (headers or {}), "application/json")
