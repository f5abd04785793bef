"""A witness over HTTP: where logs hand in checkpoints, and where anybody sees what was cosigned (C2SP tlog-witness)."""

import asyncio
from time import time
from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ..trail.witness import PLAIN, REQUEST_BYTES_MAX, Witness

KEPT: Final = {"Cache-Control": "max-age=60"}
"""What was cosigned last may be a minute old; the specification allows an hour."""


def witness_app(witness: Witness) -> Starlette:
    """Return the application."""

    async def add_checkpoint(request: Request) -> Response:
        content = bytearray()
        try:
            async for chunk in request.stream():
                content += chunk
                if len(content) > REQUEST_BYTES_MAX:
                    return PlainTextResponse("The request is too long.\n", 413)
        except ClientDisconnect:
            return Response(status_code=400)
        reply = await asyncio.to_thread(witness.add_checkpoint, bytes(content), int(time()))
        # Given as a header, so that no charset is added to the one type that has none.
        return Response(reply.body, reply.status, {"Content-Type": reply.kind})

    async def last(request: Request) -> Response:
        found = await asyncio.to_thread(witness.last, request.path_params["origin"])
        if found is None:
            return PlainTextResponse("Nothing was cosigned for such a log.\n", 404)
        return Response(found, headers={**KEPT, "Content-Type": PLAIN})

    return Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/{origin}/checkpoint", last, methods=["GET"]),
        ]
    )
