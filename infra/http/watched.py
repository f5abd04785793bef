"""Watches over every request: how long it took, what came of it, a span around it, and a line about it.

Addresses are told as the routes that they fit, since those themselves hold ids; what fits none is told as nothing.
"""

import logging
from time import perf_counter
from typing import Final

from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..observing import lines, tracing
from .measures import Measures

UNANSWERED: Final = 499
"""What is noted where the client left before there was an answer; the number that web servers have for it."""

FAILED: Final = 500

SILENT: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""What machines ask every few seconds; it is measured, and told by nobody."""

KINDS: Final = (Route, WebSocketRoute, Mount)

_log = logging.getLogger(__name__)


class Watched:
    """Notes each request over HTTP, and each connection by WebSocket."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self._app = app
        self._measures = measures
        self._routes: dict[object, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and note it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        status, started = UNANSWERED, perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "websocket.close":
                status = message.get("code", 1000)
            await send(message)

        method = scope.get("method", "WEBSOCKET")
        with tracing.request_span(f"{method} request", _traceparent(scope), method=method) as span:
            try:
                await self._app(scope, receive, noted)
            except Exception:
                status = FAILED
                raise
            finally:
                seconds, route = perf_counter() - started, self._route(scope)
                span.set_attribute("route", route)
                span.set_attribute("status", status)
                if scope["type"] == "http":
                    self._measures.requests.labels(route, status).observe(seconds)
                if route not in SILENT:
                    milliseconds = round(1000 * seconds, 1)
                    lines.tell(_log, "answered", method=method, route=route, status=status, milliseconds=milliseconds)

    def _route(self, scope: Scope) -> str:
        """Return the route that an address fits, with the names of its parts in the place of what they are."""
        if not self._routes:
            # By what answers: FastAPI notes that of each request, and of its own routes alone which they are.
            self._routes = {_answering(route): route.path for route in scope["app"].routes if isinstance(route, KINDS)}
        return self._routes.get(scope.get("endpoint"), "none")


def _answering(route: Route | WebSocketRoute | Mount) -> object:
    return route.app if isinstance(route, Mount) else route.endpoint


def _traceparent(scope: Scope) -> str | None:
    """Return the trace that a request says it is part of."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)
