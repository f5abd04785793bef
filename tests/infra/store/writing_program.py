"""A program that records commands one after the other, telling each answer, until it is killed.

Run as ``python writing_program.py URL MASTER CASE OBSTACLE FIRST``: the master key in hexadecimal; commands have the
ids uuid5(CASE, "FIRST"), uuid5(CASE, "FIRST+1") and so on. Prints ``send N`` before and ``N POSITION`` after each.
"""

import sys
from datetime import UTC, datetime
from uuid import UUID, uuid5

from infra.store.conftest import DECIDERS
from infra.store.given import step
from knelpunt.infra.store.writer import Recorded, Writer
from knelpunt.infra.vault.vault import Vault

# Fixed, so that a command sent again is the same request.
OCCURRED = datetime(2024, 5, 6, 12, 0, tzinfo=UTC)


def main(url: str, master: str, case: UUID, obstacle: UUID, first: int) -> None:
    vault = Vault(url, bytes.fromhex(master))
    writer = Writer(url, vault, DECIDERS, lambda *_: False)
    number = first
    while True:
        print("send", number, flush=True)
        command = step(case, obstacle, id=uuid5(case, str(number)), occurred_at=OCCURRED)
        answer = writer.submit(command).result(60)
        assert isinstance(answer, Recorded), answer
        print(number, answer.position, flush=True)
        number += 1


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], UUID(sys.argv[3]), UUID(sys.argv[4]), int(sys.argv[5]))
