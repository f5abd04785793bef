"""All stretches of a log in order, looked at by this process and others beside it: one for each further processor.

What a helper does can be done anywhere and any number of times: so while helpers start, this process looks at stretches
itself, and what one had in hand that died is done by whoever is next.
"""

import logging
import subprocess
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from threading import Condition
from typing import IO, Final, cast

import msgspec

from .. import frames
from ..helping import started
from ..processors import processors
from ..store.connection import DatabaseRole, connect_as_registry
from .folder import TrailFolder
from .looker import STRETCH, Instruction
from .stretches import STRETCH_EVENTS, Stretch, looked_at

ALONE_MAX: Final = 8 * STRETCH_EVENTS
"""Up to so many events one process is as quick: others take a third of a second to start."""

IN_HAND: Final = 2
"""Stretches that a helper has: one that it looks at, and the next, so that it need not wait for it."""

LAST: Final = 4
"""When no more stretches than this are left, a helper has only the one that it looks at."""

Bounds = tuple[int, int]

_log = logging.getLogger(__name__)


def stretches(url: str, folder: TrailFolder, size: int) -> Iterator[tuple[int, int, Stretch]]:
    """Yield the stretches of a log of ``size`` entries in order: from where, up to where, and what was found.

    ``url`` logs in to its database as a member of knelpunt_auditor. Raises ``psycopg.Error`` and ``OSError``.
    """
    every = [(first, min(size, first + STRETCH_EVENTS)) for first in range(0, size, STRETCH_EVENTS)]
    desk = _Desk(every)
    told = Instruction(url, str(folder.path), size)
    with ExitStack() as ending:
        ending.enter_context(_helpers(desk, told, processors() - 1 if size > ALONE_MAX else 0))
        connection = ending.enter_context(closing(connect_as_registry(url, DatabaseRole.AUDITOR)))
        for bounds in every:
            while not isinstance(turn := desk.turn(bounds), Stretch):
                desk.put(turn, looked_at(connection, folder, *turn, size))
            yield *bounds, turn


class _Desk:
    """Where stretches lie that nobody looks at yet, and what was found of others. For several threads."""

    def __init__(self, every: list[Bounds]) -> None:
        self._left = deque(every)
        self._found: dict[Bounds, Stretch] = {}
        self._changed = Condition()
        self.closed = False

    def turn(self, wanted: Bounds) -> Stretch | Bounds:
        """Return what was found of a stretch, once; until it is there, another to look at. Waits for either."""
        with self._changed:
            self._changed.wait_for(lambda: self._left or wanted in self._found)
            return self._found.pop(wanted, None) or self._left.popleft()

    def spare(self, last: int) -> Bounds | None:
        """Return a stretch to look at if more than ``last`` are left."""
        with self._changed:
            return self._left.popleft() if len(self._left) > last else None

    def put(self, bounds: Bounds, found: Stretch) -> None:
        """Put down what was found."""
        with self._changed:
            self._found[bounds] = found
            self._changed.notify_all()

    def give_back(self, bounds: Iterable[Bounds]) -> None:
        """Leave stretches to others."""
        with self._changed:
            self._left.extendleft(bounds)
            self._changed.notify_all()


@contextmanager
def _helpers(desk: _Desk, told: Instruction, count: int) -> Generator[None]:
    """Have so many processes help until the end of the block."""
    processes: list[subprocess.Popen[bytes]] = []
    with ThreadPoolExecutor(max(1, count), "knelpunt-fsck-helper") as threads:
        try:
            for _ in range(count):
                processes.append(started("knelpunt.infra.trail.looker"))
                threads.submit(_help, processes[-1], told, desk)
            yield
        finally:
            desk.closed = True
            for process in processes:
                process.kill()  # it only reads, and what it may still look at nobody waits for
                process.wait()


def _help(process: "subprocess.Popen[bytes]", told: Instruction, desk: _Desk) -> None:
    """Hand a process one stretch after the other, and put what it finds on the desk."""
    to, back = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
    in_hand: deque[Bounds] = deque()
    with suppress(OSError, msgspec.MsgspecError):  # it died, or talks nonsense: what it had in hand is given back
        frames.send(to, told)
        while True:
            while len(in_hand) < IN_HAND and (bounds := desk.spare(LAST if in_hand else 0)) is not None:
                in_hand.append(bounds)
                frames.send(to, bounds)
            answer = frames.receive(back, STRETCH) if in_hand else None
            if answer is None:
                break
            desk.put(in_hand.popleft(), answer)
    if in_hand and not desk.closed:
        desk.give_back(in_hand)
        _log.warning("a helper of the check ended early; the check goes on without it")
