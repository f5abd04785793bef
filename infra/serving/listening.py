"""The socket that the service listens on, had before anything else is done: a port that is taken is said at once.

Apart from what serves on it, which takes a tenth of a second to import, and only commands that serve have use for.
"""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

BACKLOG: Final = 1024
"""How many connections may wait to be taken: a burst, and a restart of a worker."""


class PortTaken(Exception):  # noqa: N818  named for what it is
    """The address cannot be listened on; the message is one sentence that says what to do."""


@contextmanager
def listening(host: str, port: int) -> Generator[socket.socket]:
    """Give a socket that listens; connections wait there until a process takes them. Raises ``PortTaken``."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise PortTaken(f"{host} is no address of this machine ({error.strerror}): choose another --host.") from error
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(address)
        except OSError as error:
            reason = error.strerror or str(error)
            raise PortTaken(f"Cannot listen on {host}:{port} ({reason}): choose another --port or --host.") from error
        sock.listen(BACKLOG)
        sock.set_inheritable(True)
        yield sock
