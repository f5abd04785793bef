"""A registry with cases, a receiver that answers as it is told, and a sender whose clock is handed in."""

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

from infra.store.given import OFFICE, open_case, recorded, register_office, report, step
from knelpunt.domain.text import clear
from knelpunt.infra.bootstrap import Parts
from knelpunt.infra.cloud_events import source_of
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.store.connection import DatabaseRole, Principal, connect_as_registry
from knelpunt.infra.webhooks.sending import Sender
from knelpunt.infra.webhooks.subscriptions import Subscriptions

MASTER = b"m" * 32
SOURCE = source_of("00000000000000000042", "knelpunt/ignored")
NETWORKS = (ip_network("127.0.0.0/8"),)
CANARY = "kanarie in de mijn"
SUBJECT = UUID("7d32cd5c-e176-5e85-ae6f-7e1586e6ddd4")
AUDITOR = Principal("AUDITOR", None, "auditor")
CLERK = Principal("AGENCY", OFFICE, "clerk")


@dataclass
class Got:
    """A request as the receiver got it."""

    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def place(self) -> tuple[str, int]:
        return self.event["data"]["stream"], self.event["data"]["position"]


class Server(ThreadingHTTPServer):
    """What does not mind a client that goes away, or one that no handshake comes of."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


Answer = tuple[int, dict[str, str]]


@dataclass
class Receiver:
    """What listens at an address; ``answers`` says what to answer to the nth request, after so many seconds."""

    answer: Callable[[Got], Answer] = lambda _: (204, {})
    seconds: float = 0.0
    got: list[Got] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events"

    @contextmanager
    def listening(self, tls: ssl.SSLContext | None = None) -> Iterator["Receiver"]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:  # who sent it was killed while it did: nothing has come
                    self.close_connection = True
                    return
                got = Got({name.lower(): value for name, value in self.headers.items()}, body, self.path)
                receiver.got.append(got)
                time.sleep(receiver.seconds)
                status, headers = receiver.answer(got)
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("content-length", "0")
                    self.end_headers()
                except OSError:
                    pass  # whoever asked is gone

            def log_message(self, *args: Any) -> None:
                pass

        server = Server(("127.0.0.1", self.port), Handler)
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, wait: timedelta) -> None:
        self.now += wait


def record_cases(parts: Parts, cases: int, steps: int) -> list[UUID]:
    """Record cases of one office, their events in turn, and project them."""
    made = [(uuid4(), uuid4()) for _ in range(cases)]
    commands = [register_office()]
    for case, obstacle in made:
        commands += [open_case(case, clear(CANARY), SUBJECT), report(case, obstacle, CANARY)]
    commands += [step(case, obstacle) for _ in range(steps) for case, obstacle in made]
    for each in commands:
        recorded(parts.writer.submit(each).result(30))
    project(parts.url)
    return [case for case, _ in made]


def project(url: str) -> None:
    projector = Projector(url)
    projector.catch_up()
    projector.close()


@contextmanager
def subscriptions(url: str) -> Iterator[Subscriptions]:
    with connect_as_registry(url, DatabaseRole.APPENDER) as connection:
        yield Subscriptions(connection, MASTER)


def subscribe(url: str, to: str, reader: Principal = AUDITOR, after: int | None = -1, **fields: Any) -> UUID:
    with subscriptions(url) as found:
        return found.add(to, reader, fields.get("topics", ()), after)[0]


def send_due(url: str, clock: Clock, *, every: timedelta | None = None, times: int = 1) -> None:
    """Send what is due, so many times, with time passing in between."""

    async def sending() -> None:
        sender = Sender(url, SOURCE, MASTER, NETWORKS, now=clock, jitter=lambda: 0.0)
        async with sender.sending() as alone:
            assert alone
            for _ in range(times):
                await sender.send_due()
                clock.forward(every or timedelta(0))

    asyncio.run(sending())


def records(url: str, webhook: UUID) -> list[tuple[int, str, int]]:
    """Position, state and number of attempts of every record of a subscription."""
    with connect_as_registry(url, DatabaseRole.APPENDER) as connection:
        return connection.execute(
            "SELECT position, state, attempts FROM knelpunt.webhook_delivery WHERE webhook_id = %s ORDER BY position",
            (webhook,),
        ).fetchall()


def in_order(got: list[Got]) -> bool:
    """Whether no stream's event came before an earlier one of it had come."""
    seen: dict[str, int] = {}
    for stream, position in (each.place for each in got):
        if position < seen.get(stream, -1):
            return False
        seen[stream] = position
    return True
