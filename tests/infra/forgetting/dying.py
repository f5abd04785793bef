"""Approving requests in a process that is killed by itself after a step, as by ``kill -9``."""

import os
import signal
from collections.abc import Sequence
from typing import NoReturn
from uuid import UUID

from infra.forgetting.given import BERT, erasing
from knelpunt.infra.forgetting import records

WITHIN = 100
"""Instead of a step: within one, when it has been done and has not left its receipt."""


def die(*_: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def approve(url: str, last: int, requests: Sequence[UUID]) -> None:
    """Approve ``requests``, and die after the step of this number, from 0; after none if there is no such step."""
    if last == WITHIN:
        records.note_receipts = die
    done = iter(range(WITHIN))
    with erasing(url) as (_, eraser):
        eraser.approve(requests, BERT, lambda _: die() if next(done) == last else None)
