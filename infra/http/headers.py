"""Security headers on every answer: browsers shall run and load our own files alone, frame nothing, guess nothing.

No page has a script or a style within itself, and no script of ours makes HTML of a text: trusted types forbid it.
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Final = (
    (
        b"content-security-policy",
        (
            b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
            b"trusted-types 'none'"
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
