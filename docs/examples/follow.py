"""Follows the registry: prints every event as it is recorded, each in a sentence. Ctrl-C stops.

It speaks graphql-transport-ws, so any client library for that would do. Run it with the Python of knelpunt, and a token
in TOKEN. An argument is the position to begin after; without one it begins now.
"""

import asyncio
import json
import os
import sys
from contextlib import suppress

import websockets

ADDRESS = os.environ.get("ADDRESS", "ws://127.0.0.1:8400/graphql")
WHO = {"Authorization": "Bearer " + os.environ["TOKEN"]}
EVENTS = "subscription($after: Position) { events(after: $after) { position summary(language: EN) } }"


async def follow(after: int | None) -> None:
    """Subscribe, and print until the connection ends."""
    async with websockets.connect(ADDRESS, subprotocols=["graphql-transport-ws"]) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": WHO}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        question = {"query": EVENTS, "variables": {"after": after}}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": question}))
        print("following", flush=True)
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "ping":
                await socket.send('{"type": "pong"}')
            elif message["type"] == "next":
                event = message["payload"]["data"]["events"]
                print(event["position"], event["summary"], flush=True)
            else:
                sys.exit(text)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(follow(int(sys.argv[1]) if len(sys.argv) > 1 else None))
