"""A service that listens: the real server, over a real registry."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from graph.given import Asked
from infra.http.given import Service
from knelpunt.infra.http.app import create_app
from knelpunt.infra.identity.development import DevelopmentIssuer


@pytest.fixture
def service(registry_url: str, tmp_path: Path) -> Iterator[Service]:
    """A service over a registry with three organisations."""
    issuer = DevelopmentIssuer.at(tmp_path)
    with asyncio.Runner() as runner:
        asked = Asked(registry_url, issuer, runner)
        asked.organisations()
        asked.project()
        sock = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(create_app(asked.running.services), log_level="warning", ws_max_size=1 << 20)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield Service(asked, issuer, f"127.0.0.1:{sock.getsockname()[1]}")
        server.should_exit = True
        thread.join(20)
        asked.close()
