"""Sockets that say nothing and clients that take no answers: everybody else goes on being answered as before."""

import re
import socket as sockets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import quantiles

import httpx
import pytest
from websockets import Subprotocol
from websockets.sync.client import connect

from graph.given import Story
from infra.http.given import PLAIN, Service, hear, say, serving
from knelpunt.infra.http import graphql_ws

SILENT, IDLE, SLOW = 100, 100, 20
"""Connections that send nothing, sockets that said who they are and no more, and clients that take no answers."""

QUESTION = {"query": "{ registry { cases { nodes { reference title status } } gaps { nodes { kind } } } }"}
DEAR = "subscription {{ events(after: -1) {{ {} }} }}".format(" ".join(f"a{n}: data" for n in range(14)))
"""Answers of some 60 KB each: a few fill all that lies between the service and a client that takes none."""

DROPPED = re.compile(r"^knelpunt_graphql_dropped_total (\d+)", re.MULTILINE)
TIMES_MAX = 2.0
TIMES, ROUNDS = 1_000, 4


@pytest.fixture
def narrow_service(service: Service) -> Iterator[Service]:
    """The service, on a system that keeps little of what clients do not take: else megabytes would have to be sent."""
    with serving(service.asked, send_buffer_bytes=4096) as address:
        yield Service(service.asked, service.issuer, address)


def dropped(service: Service) -> int:
    """How many clients were dropped so far, because they took no answers."""
    found = DROPPED.search(service.get("/metrics").text)
    assert found is not None
    return int(found[1])


def all_are_dropped(service: Service, before: int) -> None:
    """Wait until all slow consumers have been dropped, beyond those of before."""
    deadline = time.monotonic() + 60
    while dropped(service) < before + SLOW:
        assert time.monotonic() < deadline, dropped(service)
        time.sleep(0.1)


def asked(service: Service, times: int) -> list[float]:
    """How long each of some questions took, one after the other over one connection."""
    headers = {"Authorization": f"Bearer {service.token()}"}
    seconds: list[float] = []
    with httpx.Client(headers=headers, timeout=30, verify=PLAIN) as client:
        for _ in range(times + 5):
            began = time.perf_counter()
            answer = client.post(f"http://{service.address}/graphql", json=QUESTION)
            seconds.append(time.perf_counter() - began)
            assert "errors" not in answer.json()
    return seconds[5:]


def narrow(address: str) -> sockets.socket:
    """A connection that takes hardly anything before it is read."""
    sock = sockets.socket()
    sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    host, port = address.split(":")
    sock.connect((host, int(port)))
    return sock


@contextmanager
def slow_consumers(service: Service) -> Iterator[None]:
    """Clients that subscribe to much and take nothing of it."""
    with ExitStack() as open_:
        for _ in range(SLOW):
            consumer = open_.enter_context(
                connect(
                    f"ws://{service.address}/graphql",
                    sock=narrow(service.address),
                    subprotocols=[Subprotocol("graphql-transport-ws")],
                    compression=None,
                    max_queue=1,
                    ping_interval=None,
                    close_timeout=0.1,
                )
            )
            say(consumer, type="connection_init", payload={"Authorization": f"Bearer {service.token()}"})
            assert hear(consumer) == {"type": "connection_ack"}
            say(consumer, id="1", type="subscribe", payload={"query": DEAR})
        yield


@contextmanager
def idle_sockets(service: Service) -> Iterator[None]:
    """Connections on which nothing happens."""
    host, port = service.address.split(":")
    with ExitStack() as open_:
        for _ in range(SILENT):
            open_.enter_context(sockets.create_connection((host, int(port))))
        for _ in range(IDLE):
            open_.enter_context(service.socket())
        yield


def p99(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[98]


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_idle_sockets_and_slow_consumers(narrow_service: Service, monkeypatch) -> None:
    """Beside two hundred idle sockets and twenty slow consumers a question takes less than twice as long as alone."""
    monkeypatch.setattr(graphql_ws, "SEND_SECONDS_MAX", 3.0)
    for _ in range(8):
        Story(narrow_service.asked).report(story="x" * 4_000)
    narrow_service.asked.project()
    alone: list[float] = []
    beside: list[float] = []
    # In turns, and the best of each: what else the machine does must hit one side every time to count.
    for _ in range(ROUNDS):
        alone.append(p99(asked(narrow_service, TIMES)))
        before = dropped(narrow_service)
        with idle_sockets(narrow_service), slow_consumers(narrow_service):
            beside.append(p99(asked(narrow_service, TIMES)))
            all_are_dropped(narrow_service, before)
    print(f"p99 alone {min(alone) * 1000:.1f} ms, beside {min(beside) * 1000:.1f} ms")
    assert min(beside) < TIMES_MAX * min(alone)


@pytest.mark.usefixtures("projected")
def test_a_slow_consumer_is_dropped(narrow_service: Service, monkeypatch) -> None:
    """Who takes no answers is let go in time, with what was kept for them; who takes them is not."""
    monkeypatch.setattr(graphql_ws, "SEND_SECONDS_MAX", 1.0)
    for _ in range(8):
        Story(narrow_service.asked).report(story="x" * 4_000)
    with narrow_service.socket() as quick:
        say(quick, id="1", type="subscribe", payload={"query": DEAR})
        for _ in range(8):
            assert hear(quick)["type"] == "next"
        with slow_consumers(narrow_service):
            all_are_dropped(narrow_service, 0)
        Story(narrow_service.asked)
        while "Een brief" not in str(hear(quick)):
            pass
