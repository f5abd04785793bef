"""A program of its own for tests of what programs share: uses a server, or tries to log in.

    another_program.py use DATA_DIR UID PROGRAMS    start or join, print the URL, stop when standard input ends
    another_program.py log-in URL UID PROGRAMS      print whether the login worked, or why not

It runs as the given user, with PostgreSQL's programs copied to PROGRAMS if they are out of reach. All it
needs is imported before it becomes that user: the interpreter may lie in a folder that is closed to others.
"""

import os
import pwd
import sys
from pathlib import Path

import psycopg

from knelpunt.infra.postgres import binaries, embedded
from knelpunt.infra.postgres.account import Account


def main() -> None:
    task, target, uid = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if uid != os.geteuid():
        become(pwd.getpwuid(uid), Path(sys.argv[4]))
    if task == "use":
        use(Path(target))
    else:
        log_in(target)


def become(user: pwd.struct_passwd, programs: Path) -> None:
    # PostgreSQL's programs where that user can get: the checkout, too, may lie in a folder closed to others.
    binaries.ROOT_DATA_DIR = programs
    reachable = binaries.locate(Account(user.pw_name, user.pw_uid, user.pw_gid, switched=True))
    embedded.locate = lambda _account: reachable
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.environ["HOME"] = "/nonexistent"


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
