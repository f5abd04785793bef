"""What is wrong with a request, as problem details (RFC 9457): a status, and one sentence that says what to do."""

from http import HTTPStatus
from typing import Any, Final

import msgspec
from starlette.responses import Response

from ...graphql.problems import ProblemCode

MEDIA_TYPE: Final = "application/problem+json"

VERSION: Final = "1.0.0"
"""Of the interface, by semantic versioning; its first number stands in every address."""

HEADERS: Final = {"API-Version": VERSION, "X-Frame-Options": "DENY"}
"""On every answer (NL API Design Rules, core/version-header and core/transport/security-headers)."""

STATUSES: Final = {
    ProblemCode.BAD_INPUT: 400,
    ProblemCode.INVALID: 400,
    ProblemCode.TOO_COMPLEX: 400,
    ProblemCode.FORBIDDEN: 403,
    ProblemCode.RATE_LIMITED: 429,
    ProblemCode.UNAVAILABLE: 503,
    ProblemCode.NOT_LOGGED: 503,
    ProblemCode.NOT_YET: 503,
    ProblemCode.TIMEOUT: 503,
}
"""The status of an answer whose question got an error of a code; 500 for all others."""


NOT_THERE: Final = "There is no such thing, or it is not for you to know of."


class RestProblem(Exception):  # noqa: N818  an answer on its way
    """A request that is not answered with what it asks for; ``detail`` says why, in a sentence."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}


def problem_of(error: dict[str, Any]) -> RestProblem:
    """Return the problem that an error of GraphQL is."""
    about: dict[str, Any] = error.get("extensions", {})
    status = STATUSES.get(about.get("code", ""), 500)
    detail: str = error["message"]
    if detail.startswith("node: "):
        return RestProblem(404, NOT_THERE)
    if detail.startswith("after: "):
        detail = "after: this is no place in this list: follow the link 'next' of the page before."
    headers = {"Retry-After": str(about.get("retryAfter", 1))} if status in {429, 503} else None
    return RestProblem(status, detail, headers)


def problem_response(problem: RestProblem) -> Response:
    """Return a problem as an answer."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    return Response(msgspec.json.encode(body), problem.status, HEADERS | problem.headers, MEDIA_TYPE)
