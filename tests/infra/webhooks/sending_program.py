"""Sends the webhooks of a registry until it is killed. Run as ``python sending_program.py URL``."""

import asyncio
import sys

from infra.webhooks.given import MASTER, NETWORKS, SOURCE
from knelpunt.infra.webhooks import sending
from knelpunt.infra.webhooks.sending import Sender

sending.RETRY_SECONDS = 0.2  # pyright: ignore[reportAttributeAccessIssue]  the next sender waits for the lock of a dead one
sending.POLL_SECONDS = 0.05  # pyright: ignore[reportAttributeAccessIssue]

if __name__ == "__main__":
    asyncio.run(Sender(sys.argv[1], SOURCE, MASTER, NETWORKS).run(lambda: False))
