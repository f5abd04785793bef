"""A service that four clerks work with, telling each command it sends and each answer, until it is killed.

Run as ``python service_program.py URL MASTER SEED N N N N``: the master key in hexadecimal, and from which number each
clerk goes on. Prints ``send CLERK NUMBER`` before and ``done CLERK NUMBER POSITION`` after each command. A command
whose fate is not known is sent again, as a clerk would.
"""

import sys
from threading import Lock, Thread
from uuid import UUID

from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.store.writer import Recorded, StoreUnavailable, Writer
from whole.commands import step

_printing = Lock()


def tell(*words: object) -> None:
    with _printing:
        print(*words, flush=True)


def work(writer: Writer, seed: UUID, clerk: int, number: int) -> None:
    while True:
        tell("send", clerk, number)
        try:
            answer = writer.submit(step(seed, clerk, number)).result(120)
        except StoreUnavailable:
            continue
        if not isinstance(answer, Recorded):
            tell("refused", clerk, number, answer.code)
            return
        tell("done", clerk, number, answer.position)
        number += 1


def main(url: str, master: str, seed: str, *numbers: str) -> None:
    with bootstrap(url, bytes.fromhex(master)) as parts:
        threads = [
            Thread(target=work, args=(parts.writer, UUID(seed), clerk, int(number)))
            for clerk, number in enumerate(numbers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
