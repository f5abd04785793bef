"""How connections are made: with which limits, whatever becomes of the server."""

import socket
from contextlib import closing

import pytest
from psycopg import pq

from knelpunt.infra.store.connection import DatabaseRole, address

pytestmark = pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system has no such limit")


@pytest.mark.parametrize(("given", "milliseconds"), [("", 30_000), ("?tcp_user_timeout=7000", 7_000)])
def test_what_is_sent_to_a_host_that_is_gone_is_given_up(given, milliseconds) -> None:
    """The socket has the limit before anything is sent, unless the address says otherwise."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"postgresql://somebody@127.0.0.1:{server.getsockname()[1]}/registry{given}"
        connecting = pq.PGconn.connect_start(address(url, DatabaseRole.PROJECTOR).encode())
        try:
            with closing(socket.socket(fileno=socket.dup(connecting.socket))) as opened:
                assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == milliseconds
                assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        finally:
            connecting.finish()
