"""GraphQL over WebSocket, by the protocol graphql-transport-ws: subscriptions, and whatever else a client asks.

A connection says who it is in its first message or in its header, and ends when that token expires. Each subscription
reads only as fast as its client takes the answers; a client that takes none for a while is dropped.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.websockets import WebSocket, WebSocketDisconnect

from ...graphql.asking import Asking
from ...graphql.engine import Prepared, Refusal, formatted
from ...graphql.ports import Asker
from ...graphql.problems import Problem
from ..identity.tokens import BadToken
from .admission import Asked
from .answers import bearer
from .cancelling import cancel
from .origin import origin_of
from .registry import RunningRegistry

PROTOCOL: Final = "graphql-transport-ws"

INIT_SECONDS_MAX: Final = 5.0
"""How long a client may take to say who it is."""

SUBSCRIPTIONS_MAX: Final = 10
"""Operations that one connection may have running."""

MESSAGE_BYTES_MAX: Final = 64 * 1024
"""The longest message of a client."""

SEND_SECONDS_MAX: Final = 10.0
"""How long a client may leave an answer lying before it is dropped."""

CLOSE_SECONDS_MAX: Final = 1.0
"""How long it may take to say why a connection is closed."""

# Why a connection is closed, by the numbers of the protocol; 4408 and above are its own.
BAD_REQUEST: Final = 4400
UNAUTHORIZED: Final = 4401
FORBIDDEN: Final = 4403
NO_PROTOCOL: Final = 4406
INIT_TIMEOUT: Final = 4408
DUPLICATE: Final = 4409
TOO_MANY_INITS: Final = 4429
TOO_MANY: Final = 4430
TOO_LARGE: Final = 1009
RESTARTING: Final = 1012


class Message(Struct):
    """A client's message."""

    type: str
    id: str | None = None
    payload: dict[str, Any] | None = None


_read = msgspec.json.Decoder(Message).decode
_write = msgspec.json.Encoder().encode


def _cancelled() -> bool:
    """Return whether the task that runs was told to stop; what it waited for may have kept that from it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _Close(Exception):  # noqa: N818  an end on its way
    """The connection is to be closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def endpoint(running: RunningRegistry) -> Callable[[WebSocket], Awaitable[None]]:
    """Return what answers WebSockets at /graphql."""

    async def serve(socket: WebSocket) -> None:
        if PROTOCOL not in socket.scope.get("subprotocols", ()):
            await socket.close(NO_PROTOCOL, f"Ask for the subprotocol {PROTOCOL}.")
            return
        await socket.accept(PROTOCOL)
        connection = _Connection(running, socket)
        try:
            await connection.serve()
        except _Close as close:
            # Who takes no answers does not take the word that it is over either: it is not waited for.
            with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS_MAX):
                    await socket.close(close.code, close.reason)
        except WebSocketDisconnect:
            pass
        finally:
            await connection.end()

    return serve


class _Connection:
    """One connection: who it is, and what it has running."""

    def __init__(self, running: RunningRegistry, socket: WebSocket) -> None:
        self._running = running
        self._socket = socket
        self._origin = origin_of(socket)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def serve(self) -> None:
        """Answer until the client leaves, its token expires, or something ends it. Raises ``_Close``."""
        try:
            async with asyncio.timeout(INIT_SECONDS_MAX):
                who = await self._init()
        except TimeoutError:
            raise _Close(INIT_TIMEOUT, "Say who you are: connection_init came too late.") from None
        await self._send({"type": "connection_ack"})
        seconds = None if who.expires_at is None else (who.expires_at - datetime.now(UTC)).total_seconds()
        try:
            async with asyncio.timeout(seconds):
                await self._listen(who)
        except TimeoutError:
            raise _Close(FORBIDDEN, "The token has expired: connect again with a new one.") from None

    async def end(self) -> None:
        """Stop all that runs."""
        await cancel(self._tasks.values())
        self._failed.cancel()

    async def _init(self) -> Asker:
        message = await self._receive()
        if message.type != "connection_init":
            raise _Close(UNAUTHORIZED, "Say who you are first: connection_init.")
        given = (message.payload or {}).get("Authorization") or (message.payload or {}).get("authorization")
        try:
            if isinstance(given, str):
                token = given.removeprefix("Bearer ").removeprefix("bearer ").strip()
            else:
                token = bearer(self._socket)
            return await self._running.asker(token)
        except BadToken as error:
            self._running.turned_away("/graphql", self._origin, error)
            raise _Close(FORBIDDEN, str(error)[:120]) from None

    async def _listen(self, who: Asker) -> None:
        while True:
            receiving = asyncio.ensure_future(self._receive())
            try:
                await asyncio.wait({receiving, self._failed}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not receiving.done():
                    receiving.cancel()
            if self._failed.done():
                self._failed.result()
            message = receiving.result()
            match message.type:
                case "subscribe":
                    self._subscribe(who, message)
                case "complete":
                    task = self._tasks.get(message.id or "")
                    if task is not None:
                        task.cancel()
                case "ping":
                    await self._send({"type": "pong"} | ({"payload": message.payload} if message.payload else {}))
                case "pong":
                    pass
                case "connection_init":
                    raise _Close(TOO_MANY_INITS, "You have said who you are already.")
                case _:
                    raise _Close(BAD_REQUEST, f"There is no message of type {message.type[:40]}.")

    def _subscribe(self, who: Asker, message: Message) -> None:
        if not message.id or message.payload is None:
            raise _Close(BAD_REQUEST, "A subscribe message needs an id and a payload.")
        if message.id in self._tasks:
            raise _Close(DUPLICATE, f"There is a subscriber {message.id[:40]} already.")
        if len(self._tasks) >= SUBSCRIPTIONS_MAX:
            raise _Close(TOO_MANY, f"A connection may have {SUBSCRIPTIONS_MAX} operations running.")
        try:
            asked = msgspec.convert(message.payload, Asked)
        except msgspec.ValidationError:
            raise _Close(
                BAD_REQUEST, "The payload must hold a query or a documentId, and may hold variables and operationName."
            ) from None
        run = self._run(who, message.id, asked)
        task = asyncio.get_running_loop().create_task(run)
        self._tasks[message.id] = task
        task.add_done_callback(lambda done: self._finished(message.id or "", done))

    def _finished(self, id_: str, task: "asyncio.Task[None]") -> None:
        self._tasks.pop(id_, None)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._failed.done():
            self._failed.set_exception(error)

    async def _run(self, who: Asker, id_: str, asked: Asked) -> None:
        """Send the answers of one operation."""
        try:
            prepared = self._running.admission.admit(who, asked)
        except Refusal as refusal:
            await self._send({"id": id_, "type": "error", "payload": refusal.errors})
            return
        self._running.measures.subscriptions.inc()
        try:
            await self._answer(who, id_, prepared, asked.operation_name)
        finally:
            self._running.measures.subscriptions.dec()

    async def _answer(self, who: Asker, id_: str, prepared: Prepared, operation: str | None) -> None:
        async with self._running.session(who, self._origin) as session:
            stream = self._running.engine.stream(prepared, operation, Asking(session, who))
            async with aclosing(stream):
                async for found in stream:
                    if _cancelled():
                        return
                    self._running.watch(found, self._origin, who)
                    try:
                        await session.note()
                    except Problem as problem:
                        await self._send({"id": id_, "type": "error", "payload": [formatted(problem)]})
                        return
                    if await session.outdated():
                        raise _Close(RESTARTING, "Somebody was erased meanwhile: connect again, and resume.")
                    if "data" not in found:
                        await self._send({"id": id_, "type": "error", "payload": found["errors"]})
                        return
                    await self._send({"id": id_, "type": "next", "payload": found})
        await self._send({"id": id_, "type": "complete"})

    async def _receive(self) -> Message:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        text = message.get("text")
        if text is None:
            raise _Close(BAD_REQUEST, "Messages are JSON, as text.")
        if len(text) > MESSAGE_BYTES_MAX or len(text.encode()) > MESSAGE_BYTES_MAX:
            raise _Close(TOO_LARGE, f"A message may be at most {MESSAGE_BYTES_MAX // 1024} KiB long.")
        try:
            return _read(text)
        except msgspec.MsgspecError:
            raise _Close(BAD_REQUEST, "A message must be a JSON object with a type.") from None

    async def _send(self, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                await self._socket.send_text(_write(message).decode())
        except TimeoutError:
            self._running.measures.dropped.inc()
            raise _Close(TOO_MANY, "Answers were not taken in time; resume after the last of them.") from None
        except RuntimeError:
            # The socket was closed under us.
            raise WebSocketDisconnect(RESTARTING) from None
