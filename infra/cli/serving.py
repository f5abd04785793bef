"""``knelpunt serve``: the HTTP service, with the projector and its like running beside it."""

import logging
import socket
from contextlib import ExitStack
from typing import Annotated, Final

import typer

from ..bootstrap import Database
from ..http.documents import trusted_documents
from ..logbook.security import Action, SecurityEvent, SecurityLog
from ..observing import lines, tracing
from ..observing.lines import LogFormat
from ..observing.shared import measured_together
from ..projecting.schema import ensure
from ..serving.beside import kept_running
from ..serving.listening import listening
from ..serving.watch import watched
from ..settings import Settings
from ..store.connection import DatabaseRole, connect, connect_as_registry
from ..store.rights import UnsafeRights, check_rights
from ..store.whole import expect_whole
from .acting import COMMAND_LINE, note_operation
from .checks import roles_of
from .session import ready_database, settings
from .terminal import notices

PROJECTOR: Final = "knelpunt.infra.serving.projector"
SUCCESSION: Final = "knelpunt.infra.serving.succession"
TRAIL: Final = "knelpunt.infra.serving.trail"
WEBHOOKS: Final = "knelpunt.infra.serving.webhooks"

BESIDE: Final = (PROJECTOR, SUCCESSION, TRAIL, WEBHOOKS)
"""The programs that run beside the service."""

HOST: Final = "127.0.0.1"
PORT: Final = 8400

WORKERS_MAX: Final = 64
"""More processes than this on one machine only wait for each other; the database allows a hundred connections."""

_log = logging.getLogger(__name__)

Host = Annotated[str, typer.Option("--host", help="The address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")]
Workers = Annotated[int, typer.Option("--workers", min=1, max=WORKERS_MAX, metavar="N", help="Processes that serve.")]


def serve(host: Host = HOST, port: Port = PORT, workers: Workers = 1) -> None:
    """Serve the registry over HTTP, with the projector beside it, until stopped."""
    given = settings()
    if given.documents is not None:
        trusted_documents(given.documents)
    tracing.expect_installed(given.otlp_endpoint)
    with listening(host, port) as sock, ready_database(given) as found:
        expect_ready(found)
        note_operation(found, "serve")
        if given.log_format is LogFormat.TEXT:
            notices().print(f"Serving on {address_of(sock)} (Ctrl-C stops).")
        run_service(sock, found, workers, given)


def run_service(sock: socket.socket, found: Database, workers: int, given: Settings) -> None:
    """Serve on a socket until stopped, keeping the database and what runs beside the service running."""
    # Here and not above: all other commands have no use for it.
    from ..serving.web import serve as serve_on  # noqa: PLC0415

    lines.begin(given.log_format)
    lines.tell(_log, "serving", address=address_of(sock), workers=workers)
    with ExitStack() as closing:
        closing.enter_context(measured_together())
        closing.enter_context(watched(found.embedded))
        for module in BESIDE:
            closing.enter_context(kept_running(module))
        try:
            serve_on(sock, workers, log_level="warning", log_format=given.log_format)
        except KeyboardInterrupt:
            # The word to stop, given again by the server when it had stopped.
            if given.log_format is LogFormat.TEXT:
                notices().print("Stopped.")
    lines.tell(_log, "stopped")


def expect_ready(found: Database) -> None:
    """Raise ``UnsafeRights`` (a role of the service's holds one too many), ``ReadModelOutdated`` or ``LogNotWhole``."""
    for url, role in roles_of(found):
        with connect(url, role) as connection:
            try:
                check_rights(connection)
            except UnsafeRights as error:
                refused = SecurityEvent(Action.ROLE_CHECK, role.value, f"REFUSED {error}", COMMAND_LINE)
                SecurityLog(found.vault_url).record(refused)
                raise
    with connect_as_registry(found.url, DatabaseRole.PROJECTOR) as connection:
        ensure(connection)
        expect_whole(connection)


def address_of(sock: socket.socket) -> str:
    """Return where a listening socket is reached, as a URL."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
