"""Answers as JSON, and who asks: what the GraphQL endpoints share."""

from typing import Any

import msgspec
from starlette.requests import HTTPConnection
from starlette.responses import Response

from ..identity.tokens import BadToken

_encode = msgspec.json.Encoder().encode


def json_answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return an answer in JSON."""
    return Response(_encode(content), status, headers, "application/json")


def problem_answer(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """Return an error in GraphQL's form, for what never became a question."""
    return json_answer({"errors": [{"message": message, "extensions": {"code": code}}]}, status, headers)


def bearer(connection: HTTPConnection) -> str:
    """Return the bearer token of a request. Raises ``BadToken`` if it has none."""
    given = connection.headers.getlist("authorization")
    # Of two nobody can tell which one whoever stands before the service has looked at.
    kind, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if kind.lower() != "bearer" or not token.strip():
        raise BadToken("Asking needs a token: send the header 'Authorization: Bearer …' (knelpunt token makes one).")
    return token.strip()
