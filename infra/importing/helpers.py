"""The helpers of a large import: as many processes as there are processors, which judge its traces and pack them.

What they do can be done anywhere and any number of times, so a helper that dies costs time and nothing else: what it
had in hand is done by the import itself. If the import dies, its helpers find the end of their input, and end.
"""

import logging
import subprocess
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import IO, Final, Self, cast

from .. import frames
from ..helping import started
from . import framing
from .framing import Instruction
from .judging import Outcome
from .rows import Trace

END_SECONDS_MAX: Final = 5.0
"""How long a helper may take to end once its input has: what it has in hand takes a tenth of a second."""

_log = logging.getLogger(__name__)


class Helpers:
    """Helper processes. Used as a context, so that they end whatever happens."""

    def __init__(self, count: int, instruction: Instruction) -> None:
        """Start so many. They take a quarter of a second, during which other things may be done."""
        self.count = count
        self._instruction = instruction
        self._processes = [started("knelpunt.infra.importing.helper") for _ in range(count)]
        self._idle: SimpleQueue[subprocess.Popen[bytes] | None] = SimpleQueue()
        self._threads = ThreadPoolExecutor(count, "knelpunt-import-helper")
        for process in self._processes:
            self._threads.submit(self._instruct, process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            with process:
                try:
                    process.communicate(timeout=END_SECONDS_MAX)
                except subprocess.TimeoutExpired:
                    process.kill()

    def outcomes(self, traces: Sequence[Trace]) -> "Future[list[Outcome] | None]":
        """Have some traces judged; the future gets what became of them, or none if the helper died."""
        return self._threads.submit(self._asked, traces)

    def _instruct(self, process: "subprocess.Popen[bytes]") -> None:
        ready = None
        try:
            with suppress(OSError):  # it died at once; whoever asks next does without it
                frames.send(cast("IO[bytes]", process.stdin), self._instruction)
                ready = process
        finally:
            self._idle.put(ready)

    def _asked(self, traces: Sequence[Trace]) -> list[Outcome] | None:
        process = self._idle.get()
        answer = None
        with suppress(OSError):  # told below
            if process is not None:
                frames.send(cast("IO[bytes]", process.stdin), traces)
                answer = frames.receive(cast("IO[bytes]", process.stdout), framing.OUTCOMES)
        if process is not None and answer is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS_MAX)  # its pipe is closed a moment before it has a status
            _log.warning(
                "a helper of the import ended with status %s; the import goes on without it", process.returncode
            )
            process = None
        self._idle.put(process)
        return None if answer is None else [Outcome(*each) for each in answer]
