"""A program of its own for tests of what programs share: uses a server, or tries to log in.

    another_program.py use DATA_DIR UID     start or join, print the URL, stop when standard input ends
    another_program.py log-in URL UID       print whether the login worked, or why not

It runs as the given user, having imported everything before it became that user: the interpreter may
lie in a folder that is closed to others.
"""

import os
import sys
from pathlib import Path

import psycopg

from knelpunt.infra.postgres import embedded
from knelpunt.infra.postgres.account import server_account
from knelpunt.infra.postgres.binaries import locate


def main() -> None:
    task, target, uid = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if uid != os.geteuid():
        reachable = locate(server_account())
        embedded.locate = lambda _account: reachable
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        os.environ["HOME"] = "/nonexistent"
    if task == "use":
        use(Path(target))
    else:
        log_in(target)


def use(data_dir: Path) -> None:
    try:
        server = embedded.EmbeddedServer.start(data_dir)
    except embedded.EmbeddedError as error:
        print("refused:", error, flush=True)
        return
    with server:
        print(server.url(), flush=True)
        sys.stdin.read()


def log_in(url: str) -> None:
    try:
        with psycopg.connect(url, connect_timeout=5):
            print("logged in", flush=True)
    except psycopg.OperationalError as error:
        print("refused:", " ".join(str(error).split()), flush=True)


main()
