"""The REST interface, after the NL API Design Rules: what answers its addresses."""

from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from time import perf_counter
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ...graphql.engine import Refusal
from ..http.admission import TooMuch
from ..http.origin import origin_of
from ..http.registry import RunningRegistry
from ..logbook.security import Action
from .asking import who_asks
from .exports import export_routes
from .openapi import written
from .parameters import TEXT_MAX, read_all
from .problems import HEADERS, NOT_THERE, RestProblem, problem_of, problem_response
from .resources import BASE, RESOURCES, Resource

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
"""Every method is answered, by most with what may be asked instead."""

READING: Final = frozenset({"GET", "HEAD"})

MEDIA_TYPES: Final = frozenset({"*/*", "application/*", "application/json"})

NOT_READING: Final = RestProblem(405, "Nothing but reading is possible here: ask with GET.", {"Allow": "GET, HEAD"})

Answer = Callable[[Request], Awaitable[Response]]


def rest_routes(running: RunningRegistry) -> list[BaseRoute]:
    """Return the routes of the interface; whatever else is asked for below its base is not there."""

    def route(path: str, answer: Answer) -> Route:
        return Route(path, _explained(answer), methods=METHODS)

    described = written()

    async def openapi(_: Request) -> Response:
        # Anybody may read the description, from wherever (NL API Design Rules, core/publish-openapi).
        return Response(described, 200, HEADERS | {"Access-Control-Allow-Origin": "*"}, "application/json")

    async def nothing(_: Request) -> Response:
        raise RestProblem(404, f"There is nothing at this address: {BASE}/openapi.json says what there is.")

    return [
        route(f"{BASE}/openapi.json", openapi),
        *(route(BASE + resource.path, _answering(running, resource)) for resource in RESOURCES),
        *export_routes(running, METHODS),
        route("/api", nothing),
        route("/api/{rest:path}", nothing),
    ]


def _explained(answer: Answer) -> Answer:
    """Return what says why there is no answer, in the form that all of the interface does."""

    async def explain(request: Request) -> Response:
        if request.method not in READING:
            return problem_response(NOT_READING)
        try:
            return await answer(request)
        except RestProblem as problem:
            return problem_response(problem)

    return explain


def _answering(running: RunningRegistry, resource: Resource) -> Answer:
    """Return what answers for a resource."""
    declared = resource.parameters

    async def answer(request: Request) -> Response:
        _expect_json(request)
        started = perf_counter()
        path: Mapping[str, str] = request.path_params
        if any(len(value) > TEXT_MAX or not value.isprintable() for value in path.values()):
            raise RestProblem(404, NOT_THERE)
        given = {**path, **read_all(declared, request.query_params.multi_items())}
        found = await _asked(running, request, resource, given)
        running.measures.seconds.observe(perf_counter() - started)
        shaped = resource.shape(given, found)
        if shaped is None:
            raise RestProblem(404, NOT_THERE)
        return _response(request, shaped)

    return answer


async def _asked(
    running: RunningRegistry, request: Request, resource: Resource, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the data of the answer to a resource's question, asked as any client asks it. Raises ``RestProblem``."""
    origin, where = origin_of(request), BASE + resource.path
    who = await who_asks(running, request, where, origin)
    times = {name: given[name] for name in ("asOf", "knownAt") if name in given}
    variables = {name: value for name, value in resource.variables(given).items() if value is not None} | times
    try:
        prepared = running.admission.admit_ours(who, resource.document, variables)
    except TooMuch as refusal:
        running.measures.answers.labels("refused").inc()
        running.refused(Action.ADMISSION, where, "too much at once", origin, who)
        raise RestProblem(429, refusal.errors[0]["message"], {"Retry-After": str(refusal.seconds)}) from None
    except Refusal as refusal:
        running.measures.answers.labels("refused").inc()
        raise problem_of(refusal.errors[0]) from None
    found = await running.answer(who, prepared, None, origin)
    running.measures.answers.labels("errors" if "errors" in found else "data").inc()
    for error in found.get("errors", ()):
        raise problem_of(error)
    return found["data"]


def _expect_json(request: Request) -> None:
    """Raise ``RestProblem`` if the client takes no JSON."""
    accepted = request.headers.get("accept", "*/*")
    kinds = {one.partition(";")[0].strip().lower() for one in accepted.split(",")}
    if not kinds & MEDIA_TYPES:
        raise RestProblem(406, "There is nothing here but JSON: accept application/json.")


def _response(request: Request, content: dict[str, Any]) -> Response:
    """Return an answer, or that nothing changed since the one that the client has."""
    body = msgspec.json.encode(content)
    # By content and not by position: without asOf an answer changes as time goes by. Weak: it stands for the answer
    # compressed as well.
    etag = f'W/"{sha256(body).hexdigest()[:32]}"'
    headers = HEADERS | {"ETag": etag}
    known = {f"W/{one.strip().removeprefix('W/')}" for one in request.headers.get("if-none-match", "").split(",")}
    if etag in known:
        return Response(None, 304, headers)
    return Response(body, 200, headers, "application/json")
