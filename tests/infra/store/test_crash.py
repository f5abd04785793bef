"""What a killed writer leaves behind: every acknowledged command once, and an answer for the one under way."""

import os
import random
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID, uuid4, uuid5

import pytest

from infra.store.conftest import DECIDERS
from infra.store.given import open_case, register_office, report, step
from infra.store.writing_program import OCCURRED
from knelpunt.infra.store.connection import REGISTRY
from knelpunt.infra.store.reading import events_of
from knelpunt.infra.store.registry import Registry
from knelpunt.infra.store.writer import Recorded, Writer
from knelpunt.infra.vault.vault import Vault

PROGRAM = Path(__file__).with_name("writing_program.py")


def kill_while_sending(url: str, master: bytes, case: UUID, obstacle: UUID, first: int, random_: random.Random):
    """Run the program and kill it while a command is unacknowledged; what it was told, and sent last."""
    tests = Path(__file__).parents[2]
    program = subprocess.Popen(
        [sys.executable, str(PROGRAM), url, master.hex(), str(case), str(obstacle), str(first)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), os.environ.get("PYTHONPATH", "")])},
    )
    assert program.stdout is not None
    acknowledged: dict[int, int] = {}
    sent = first
    rounds = random_.randint(2, 12)
    for line in program.stdout:
        left, right = line.split()
        if left == "send":
            sent = int(right)
            if sent >= first + rounds:
                time.sleep(random_.random() * 0.004)
                program.send_signal(signal.SIGKILL)
                break
        else:
            acknowledged[int(left)] = int(right)
    rest = program.stdout.read()
    program.wait()
    for line in rest.splitlines():
        left, _, right = line.partition(" ")
        if left.isdigit() and right.isdigit():
            acknowledged[int(left)] = int(right)
        elif left == "send" and right.isdigit():
            sent = int(right)
    return acknowledged, sent


@pytest.mark.parametrize(
    "kills", [pytest.param(4, id="short"), pytest.param(50, marks=[pytest.mark.long, pytest.mark.timeout(900)])]
)
def test_a_killed_writer_loses_and_doubles_nothing(registry_url, kills) -> None:
    """After a kill -9 under way, each acknowledged command is there once, and the last one, sent again, is answered."""
    random_ = random.Random(2024)
    master = secrets.token_bytes(32)
    case, obstacle = uuid4(), uuid4()
    vault = Vault(registry_url, master)
    writer = Writer(registry_url, vault, DECIDERS, lambda *_: False)
    with Registry(registry_url) as registry:
        for one in (register_office(), open_case(case, occurred_at=OCCURRED)):
            assert isinstance(writer.submit(one).result(30), Recorded)
        writer.submit(report(case, obstacle, occurred_at=OCCURRED)).result(30)
        told: dict[int, int] = {}
        first = 0
        for _ in range(kills):
            acknowledged, sent = kill_while_sending(registry_url, master, case, obstacle, first, random_)
            told.update(acknowledged)
            again = writer.submit(step(case, obstacle, id=uuid5(case, str(sent)), occurred_at=OCCURRED)).result(30)
            assert isinstance(again, Recorded)
            told[sent] = again.position
            first = sent + 1
        events = events_of(registry.reader, REGISTRY, [case])
    writer.close()
    vault.close()
    found = {event.command_id: event.position for event in events[2:]}
    assert len(found) == len(events) - 2
    assert found == {uuid5(case, str(number)): position for number, position in told.items()}
    assert sorted(told) == list(range(first))
