"""The HTTP service, in one process or several.

The first process holds the listening socket and our own database. ``application`` is what each process serves; it is
made from the environment, so that a process that ended is simply made again.
"""

import multiprocessing
import os
import signal
import socket
from contextlib import ExitStack
from multiprocessing.connection import wait
from threading import Thread
from typing import Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import LOGGING_CONFIG
from uvicorn.supervisors import Multiprocess

from ..bootstrap import bootstrap, database
from ..http.documents import trusted_documents
from ..observing.lines import LogFormat
from ..settings import settings_from
from . import memory
from .listening import BACKLOG
from .observed import observed

STOP_SECONDS_MAX: Final = 10
"""How long open requests and subscriptions may go on after the word to stop."""

MESSAGE_BYTES_MAX: Final = 1 << 20
"""The largest message over a WebSocket; a question in GraphQL is a few kilobytes."""


def serve(sock: socket.socket, workers: int, *, log_level: str, log_format: LogFormat = LogFormat.TEXT) -> None:
    """Serve until SIGINT or SIGTERM, which is raised again as what it was once open requests are done."""
    config = uvicorn.Config(
        f"{__name__}:application",
        factory=True,
        workers=workers,
        log_level=log_level,
        log_config=None if log_format is LogFormat.JSON else LOGGING_CONFIG,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=STOP_SECONDS_MAX,
        backlog=BACKLOG,
        ws_max_size=MESSAGE_BYTES_MAX,
        server_header=False,
        proxy_headers=False,  # whom to believe about a client's address is for the operator to say, not the client
    )
    if workers == 1:
        uvicorn.Server(config).run([sock])
    else:
        Multiprocess(config, [sock]).run()


def application() -> ASGIApp:
    """Return what a process serves; it takes part in the database from now until the server shuts down."""
    # Here and not above: making the schema takes a second, and the process that only listens has no need of it.
    from ...graphql.schema import SCHEMA  # noqa: PLC0415
    from ..exporting.jobs import Access, Exports  # noqa: PLC0415
    from ..http.app import create_app  # noqa: PLC0415
    from ..http.services import Services  # noqa: PLC0415
    from ..pages.setting_up import sign_in_for  # noqa: PLC0415

    parent = multiprocessing.parent_process()
    if parent is not None:
        # One of several: whoever killed the first process meant this one too.
        Thread(target=_end_with, args=(parent.sentinel,), name="knelpunt-parent-watch", daemon=True).start()
    settings = settings_from(os.environ)
    closing = ExitStack()
    try:
        closing.enter_context(observed(settings, "web"))
        found = closing.enter_context(database(settings))
        parts = closing.enter_context(bootstrap(found.url, settings.master_key(), found.vault_url))
        access = Access(found.url, found.vault_url, settings.master_key(), settings.oin)
        services = Services(
            schema=SCHEMA,
            url=parts.url,
            writer=parts.writer,
            vault=parts.vault,
            processing=parts.processing,
            security=parts.security,
            verifier=settings.verifier(),
            overseer_url=found.overseer_url,
            trail=settings.trail(),
            exports=Exports(settings.exports(), access),
            development=settings.issuer is None,
            introspection=settings.introspection,
            documents=None if settings.documents is None else trusted_documents(settings.documents),
            cost_per_minute=settings.cost_per_minute,
            replica_urls=settings.read_database_urls,
            lag_events_max=settings.lag_events_max,
            lag_seconds_max=settings.lag_seconds_max,
        )
        app = create_app(services, sign_in_for(settings, services.verifier))
        memory.settle()
        return _Closing(app, closing)
    except BaseException:
        closing.close()
        raise


class _Closing:
    """An application that closes what it was made of when the server has shut it down."""

    def __init__(self, app: ASGIApp, closing: ExitStack) -> None:
        self._app = app
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            if scope["type"] == "lifespan":
                self._closing.close()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
