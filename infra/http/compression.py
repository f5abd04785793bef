"""Compresses answers of a kilobyte and more, for clients that take gzip and prove who they are by a token.

What a browser asks for with its cookie is left as it is, save files that are the same for all: who can make a browser
send requests, and sees how long the compressed answers are, can find out what they say letter by letter (BREACH).
"""

from typing import Final

from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

COMPRESSED_BYTES_MIN: Final = 1024
"""Shorter answers fit into one packet as they are."""

LEVEL: Final = 4
"""A page of 50 gaps, of 15 kB, shrinks to 27 % in 0.15 ms; at the highest level to 26 %, for twice the work."""

FILES: Final = "/static/"
"""Below this everybody gets the same."""

AS_THEY_ARE: Final = "/file"
"""What ends in this are exports: their length is told, and parts of them are asked for, as they are on disk."""

NEVER: Final = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/octet-stream")
"""What is compressed already, or is hashes, as the tiles of the log are, which nothing can make shorter."""


class Compression:
    """Compresses what may be compressed."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._compressing = GZipMiddleware(app, COMPRESSED_BYTES_MIN, LEVEL, exclude_content_types=NEVER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, compressed where that tells nobody anything."""
        open_ = (
            scope["type"] == "http"
            and not scope["path"].endswith(AS_THEY_ARE)
            and (scope["path"].startswith(FILES) or all(name != b"cookie" for name, _ in scope["headers"]))
        )
        await (self._compressing if open_ else self._plain)(scope, receive, send)
