"""A running service, and ways to talk to it."""

import socket as sockets
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import psycopg
import uvicorn
from websockets import Subprotocol
from websockets.sync.client import ClientConnection, connect

from graph.given import GEMEENTE, Asked
from knelpunt.domain.vocabulary import Role
from knelpunt.infra.http.app import create_app
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.pages.signing_in import SignIn
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.store.recorder import CHANNEL

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""What clients here would encrypt with. Nothing is: but each would make its own, with all the authorities that the
machine trusts, which takes longer than what it asks for."""


@contextmanager
def serving(
    asked: Asked, sign_in: SignIn | None = None, send_buffer_bytes: int | None = None, **changes: Any
) -> Iterator[str]:
    """Serve a registry with the real server, at the address given, until the end of the block; with other settings.

    ``send_buffer_bytes`` is how much the system keeps of what a client has not taken; as much as it sees fit if none.
    """
    sock = sockets.create_server(("127.0.0.1", 0))
    if send_buffer_bytes is not None:
        sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, send_buffer_bytes)
    services = msgspec.structs.replace(asked.running.services, **changes)
    config = uvicorn.Config(create_app(services, sign_in), log_level="warning", ws_max_size=1 << 20)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def projecting(url: str) -> Iterator[None]:
    """Project a registry as events are recorded, until the end of the block: who sees what follows from that."""
    stopping = threading.Event()
    projector = Projector(url)
    thread = threading.Thread(target=projector.run, args=(stopping,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"NOTIFY {CHANNEL}")  # it would look up by itself only within a second
        thread.join(20)
        projector.close()


@dataclass
class Service:
    """A service at an address, and the registry behind it."""

    asked: Asked
    issuer: DevelopmentIssuer
    address: str

    def token(self, organisation: str | None = GEMEENTE, lifetime_seconds: int = 600) -> str:
        return self.issuer.token(Role.AGENCY, organisation, lifetime_seconds=lifetime_seconds)

    def post(self, content: Any, token: str | None = None, **headers: str) -> httpx.Response:
        given = {"Authorization": f"Bearer {token or self.token()}"} | headers
        body = content if isinstance(content, bytes) else msgspec.json.encode(content)
        return httpx.post(f"http://{self.address}/graphql", content=body, headers=given, timeout=20, verify=PLAIN)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://{self.address}{path}", timeout=20, verify=PLAIN)

    @contextmanager
    def socket(self, token: str | None = None, *, protocol: str = "graphql-transport-ws", init: bool = True):
        with connect(f"ws://{self.address}/graphql", subprotocols=[Subprotocol(protocol)]) as socket:
            if init:
                say(socket, type="connection_init", payload={"Authorization": f"Bearer {token or self.token()}"})
                assert hear(socket) == {"type": "connection_ack"}
            yield socket


def say(socket: ClientConnection, **message: Any) -> None:
    socket.send(msgspec.json.encode(message).decode())


def hear(socket: ClientConnection, seconds: float = 15) -> Any:
    return msgspec.json.decode(socket.recv(timeout=seconds))
