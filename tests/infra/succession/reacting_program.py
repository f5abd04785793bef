"""A reactor that runs until it is killed or all is written, telling each command that it hands in.

Run as ``python reacting_program.py URL MASTER CASES``: the master key in hexadecimal, and how many cases it takes at a
time. Prints a line a command, and ``done`` at the end.
"""

import sys
from concurrent.futures import Future

from knelpunt.domain.command import Command, Refused
from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.store.batch import Recorded
from knelpunt.infra.succession import reactor
from knelpunt.infra.succession.reactor import Reactor


def main(url: str, master: str, cases: str) -> None:
    reactor.BATCH_CASES = int(cases)  # pyright: ignore[reportAttributeAccessIssue]
    with bootstrap(url, bytes.fromhex(master)) as parts:

        def submit(command: Command) -> "Future[Recorded | Refused]":
            print(command.id, flush=True)
            return parts.writer.submit(command)

        Reactor(url, submit).catch_up()
        print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
