"""A terminal for tests: a program behind a real pseudo-terminal, keys sent to it, and its screen read back."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import pyte

SECONDS_MAX = 20
"""Starting the command takes two seconds, on a machine that has other things to do perhaps ten."""

UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
PAGE_UP, PAGE_DOWN, HOME, END = "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F"
ENTER, ESCAPE, TAB, BACKTAB, BACKSPACE, CONTROL_C = "\r", "\x1b", "\t", "\x1b[Z", "\x7f", "\x03"


class Terminal:
    """A program on a terminal of so many columns and rows."""

    def __init__(
        self, command: Sequence[str | Path], environment: dict[str, str], columns: int = 80, rows: int = 24
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""
        self._leader, follower = pty.openpty()
        self._set_size(columns, rows)
        self.program = subprocess.Popen(
            command,
            env={"TERM": "xterm-256color"} | environment,
            stdin=follower,
            stdout=follower,
            stderr=follower,
            # A session of its own, with this terminal as its own: so that a new size reaches it as a signal.
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  no threads in what we start
        )
        os.close(follower)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.program.poll() is None:
            self.program.kill()
        self.program.wait(SECONDS_MAX)
        os.close(self._leader)

    def send(self, keys: str) -> None:
        """Press keys."""
        os.write(self._leader, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    def lines(self) -> list[str]:
        """What the screen shows, without the blanks at the ends of its lines."""
        return [line.rstrip() for line in self._screen.display]

    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(self.lines())

    def cells(self, row: int) -> list[pyte.screens.Char]:
        """A row's characters with their colours."""
        return [self._screen.buffer[row][column] for column in range(self._screen.columns)]

    def shows(self, *texts: str) -> str:
        """Wait until the screen shows some texts, however broken into lines; return all that it shows."""
        return self.until(lambda shown: all(_unbroken(text) in _unbroken(shown) for text in texts))

    def until(self, wanted: Callable[[str], bool]) -> str:
        """Wait until the screen is as wanted; return all that it shows."""
        end = time.monotonic() + SECONDS_MAX
        while not wanted(self.text()):
            left = end - time.monotonic()
            assert left > 0, f"not shown in {SECONDS_MAX} s:\n{self.text()}"
            if not self._read(left):
                assert wanted(self.text()), f"the program ended with this:\n{self.text()}"
        return self.text()

    def ended(self) -> int:
        """Wait for the program's end, and return its exit status."""
        while self._read(SECONDS_MAX):
            pass
        return self.program.wait(SECONDS_MAX)

    def signal(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        self.program.send_signal(number)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._leader], [], [], seconds)
        if not ready:
            return False
        try:
            read = os.read(self._leader, 65536)
        except OSError:  # the other side is closed
            return False
        self.written += read
        self._stream.feed(read)
        return bool(read)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._leader, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _unbroken(text: str) -> str:
    return " ".join(text.split())
