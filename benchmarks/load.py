"""Asks an HTTP server over connections that stay open, each as fast as it is answered, from one thread.

It does little else than look for the end of an answer and send the next question. Its own ceiling is measured against a
server that only answers (``python -m benchmarks.load``, which prints its port): a figure near that ceiling would be one
of this program.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle
from time import perf_counter
from typing import Final

import uvloop
from msgspec import Struct

HOST: Final = "127.0.0.1"

CEILING_BYTES: Final = 4_000
"""What the server that only answers says: as much as a case takes."""

ANSWER_SECONDS_MAX: Final = 60.0
"""How long one answer may take: a service that has just begun loads for seconds."""


class Answers(Struct, frozen=True):
    """How many questions a second were answered, and how long each took, in ms."""

    per_second: float
    milliseconds: list[float]


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Return a request as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def ask(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Answers:
    """Ask the questions in turn, over and over, for some seconds. Raises ``AssertionError`` for one not answered."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_ask(port, cycle(requests), connections, seconds))


def once(port: int, request: bytes) -> bytes:
    """Return the body of the answer to one question."""

    async def asked() -> bytes:
        client = _Client(iter([request]), asyncio.get_running_loop().create_future())
        await asyncio.get_running_loop().create_connection(lambda: client, HOST, port)
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            await client.done
        return client.body

    return asyncio.run(asked())


async def _ask(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Answers:
    loop = asyncio.get_running_loop()
    clients = [_Client(requests, loop.create_future()) for _ in range(connections)]
    begun = perf_counter()
    for client in clients:
        await loop.create_connection(lambda client=client: client, HOST, port)
    # One that fails ends the round; else all go on until the time is over, and are told to stop.
    await asyncio.wait([client.done for client in clients], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    took = perf_counter() - begun
    for client in clients:
        client.stop()
    samples = [each for client in clients for each in client.milliseconds]
    return Answers(len(samples) / took, samples)


class _Client(asyncio.Protocol):
    """One connection: asks, waits for the whole answer, and asks on."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self._requests = requests
        self.done = done
        self.milliseconds: list[float] = []
        self.body = b""
        self._held = bytearray()
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # pyright: ignore[reportAttributeAccessIssue]  uvloop's own kind of transport
        self._send()

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None or self._transport is None:
            self.stop()
            return
        self._sent = perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._held += data
        head = self._held.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _length(bytes(self._held[:head]).lower())
        if len(self._held) < head + 4 + length:
            return
        self.milliseconds.append((perf_counter() - self._sent) * 1000)
        self.body = bytes(self._held[head + 4 :])
        if not self._held.startswith(b"HTTP/1.1 200") or b'"errors"' in self.body:
            self._fail(f"no answer: {bytes(self._held[:2000])!r}")
            return
        self._held.clear()
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("the server closed the connection")

    def _fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(AssertionError(why))
            self._close()

    def stop(self) -> None:
        """Ask no more."""
        if not self.done.done():
            self.done.set_result(None)
        self._close()
        failed = self.done.exception()
        if failed is not None:
            raise failed

    def _close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()


def _length(head: bytes) -> int:
    """Return how long a body is, by its head in lower case."""
    begin = head.find(b"content-length:")
    assert begin >= 0, f"an answer without its length: {head!r}"
    return int(head[begin + 15 :].partition(b"\r\n")[0])


def ceiling(request: bytes, connections: int, seconds: float) -> float:
    """Return how many questions a second this program asks of a server that only answers."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            return ask(int(server.stdout.readline()), [request], connections, seconds).per_second
        finally:
            server.stdin.close()


class _Answering(asyncio.Protocol):
    """Answers every question with the same bytes."""

    ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % CEILING_BYTES + b"x" * CEILING_BYTES

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(self.ANSWER)  # pyright: ignore[reportAttributeAccessIssue]  a transport that writes


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Answering, HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(_serve())
