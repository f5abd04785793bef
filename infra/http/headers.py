"""Security headers on every answer: browsers shall run nothing of ours, frame nothing, guess nothing."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Final = (
    (
        b"content-security-policy",
        (
            b"default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; "
            b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"strict-transport-security", b"max-age=63072000"),
)  # fmt: skip
"""Strict-Transport-Security counts over TLS only, which a proxy in front of this service provides."""

NO_STORE: Final = (b"cache-control", b"no-store")
"""Answers are about people: nobody keeps copies unless an answer says so itself."""


class SecurityHeaders:
    """Adds the headers to every HTTP answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                if all(name != NO_STORE[0] for name, _ in given):
                    given.append(NO_STORE)
                message["headers"] = [*given, *HEADERS]
            await send(message)

        await self._app(scope, receive, with_headers)
