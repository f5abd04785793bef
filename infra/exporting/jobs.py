"""Exports that the service makes for whoever asks over HTTP: each into a file first, in a process of its own.

Whoever asked comes back for the file, which is whole by then, and may be fetched in pieces. What there is stands in a
folder, so that every process of the service knows it and a restart forgets nothing: who works holds a lock that the
system lets go of with them, and a file that counts has a note beside it that says so.
"""

import fcntl
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from ..durable import replace
from ..logbook.processing import Reading
from ..store.connection import Principal, principal_text
from .errors import (
    ANOTHER,
    BROKEN_OFF,
    NO_ARROW,
    NO_ROOM_NOW,
    STILL_MADE,
    TOO_MANY,
    ExportBusyError,
    ExportRefusedError,
)
from .export import Format, Report

MAKING_MAX: Final = 2
"""Exports that are made at the same time, by all processes of a service together: each takes some 150 MB, and what
processor others leave. One asker has one at a time."""

KEPT: Final = timedelta(hours=1)
"""How long a file waits for who asked for it, and an export that was broken off for being asked for again. It holds
what they might see when it was made, so it must not lie about for longer than fetching it takes."""

LINGERS: Final = timedelta(minutes=5)
"""How much longer it stays on disk, for a download that has just begun."""

FREE_BYTES_MIN: Final = 1 << 30
"""Where less room than that is left, none is begun: the database may be on the same disk, and comes first."""

ASKED: Final = "asked.json"
SHARE: Final = "share.json"
MADE: Final = "made.json"
FAILED: Final = "failed.json"
WHOLE: Final = "whole"
LOCK: Final = "lock"

LOOKS: Final = 5
LOOK_SECONDS: Final = 0.02
"""How often a lock is tried for: whoever only looks whether it is held has it for an instant."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Stage(StrEnum):
    """What has become of an export."""

    MAKING = "MAKING"
    READY = "READY"
    FAILED = "FAILED"


class Made(Struct, frozen=True):
    """A finished file: what it holds, how long it is, and its SHA-256 in hex."""

    report: Report
    size: int
    digest: str
    at: datetime


class Export(Struct, frozen=True):
    """An export that somebody asked for: ``share`` of it is done, from 0 to 1; ``message`` says why there is none."""

    format: Format
    stage: Stage
    asked_at: datetime
    share: float = 0.0
    message: str | None = None
    made: Made | None = None
    path: Path | None = None

    @property
    def kept_until(self) -> datetime | None:
        """Until when it can be fetched."""
        return None if self.made is None else self.made.at + KEPT


class Access(Struct, frozen=True):
    """How a program of its own gets to the registry: its database and vault, the master key; who runs it, by OIN."""

    url: str
    vault_url: str
    master: bytes
    oin: str | None = None

    def __repr__(self) -> str:
        """Show neither password nor key."""
        return "Access(…)"


class Asked(Struct, frozen=True):
    """What somebody asked for, as it is noted."""

    format: Format
    at: datetime


class Order(Struct, frozen=True):
    """All that the program that makes an export is told."""

    folder: str
    format: Format
    principal: Principal
    reading: Reading
    access: Access


class Exports:
    """The exports of a service, in a folder that its processes share and nobody else may read."""

    def __init__(self, folder: Path, access: Access) -> None:
        self._folder = folder
        self._access = access

    def begin(self, principal: Principal, reading: Reading, format_: Format) -> Export:
        """Have an export made for somebody, anew, or going on where one was broken off; one being made goes on.

        Raises ``ExportRefusedError`` for one that cannot be made here, ``ExportBusyError`` and ``OSError``.
        """
        if format_ is Format.PARQUET and find_spec("pyarrow") is None:
            raise ExportRefusedError(NO_ARROW)
        owner = self._of(principal)
        folder = owner / format_
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner.mkdir(mode=0o700, exist_ok=True)
        self.sweep()
        with ExitStack() as held:
            lock = _taken(owner / LOCK, held)
            if lock is None:
                found = self.found(principal, format_)
                if found is not None and found.stage is Stage.MAKING:
                    return found
                raise ExportBusyError(ANOTHER)
            if shutil.disk_usage(self._folder).free < FREE_BYTES_MIN:
                raise ExportBusyError(NO_ROOM_NOW)
            slots = (_taken(self._folder / f"{LOCK}-{number}", held) for number in range(MAKING_MAX))
            slot = next((one for one in slots if one is not None), None)
            if slot is None:
                raise ExportBusyError(TOO_MANY)
            folder.mkdir(mode=0o700, exist_ok=True)
            for name in (MADE, FAILED, SHARE, WHOLE):
                (folder / name).unlink(missing_ok=True)
            asked = Asked(format_, datetime.now(UTC))
            replace(folder / ASKED, msgspec.json.encode(asked), folder)
            replace(owner / ASKED, msgspec.json.encode(asked), folder)
            # The program holds both locks from its first instant, and lets go of them however it ends.
            self._start(Order(str(folder), format_, principal, reading, self._access), lock, slot)
        return Export(format_, Stage.MAKING, asked.at)

    def found(self, principal: Principal, format_: Format) -> Export | None:
        """Return what has become of somebody's export in a format; none if they asked for none, or it is gone."""
        owner = self._of(principal)
        folder = owner / format_
        asked = _read(folder / ASKED, Asked)
        if asked is None:
            return None
        # Whether it is being made is looked at first: what is noted after that is no less true.
        with ExitStack() as held:
            making = (owner / LOCK).exists() and _locked(owner / LOCK, held) is None
            current = _read(owner / ASKED, Asked)
        if making and current is not None and current.format is format_:
            return Export(format_, Stage.MAKING, asked.at, _read(folder / SHARE, float) or 0.0)
        made = _read(folder / MADE, Made)
        if made is not None:
            if made.at + KEPT < datetime.now(UTC):
                return None
            return Export(format_, Stage.READY, asked.at, 1.0, made=made, path=folder / WHOLE)
        return Export(format_, Stage.FAILED, asked.at, message=_read(folder / FAILED, str) or BROKEN_OFF)

    def all_of(self, principal: Principal) -> list[Export]:
        """Return what has become of all that somebody asked for."""
        return [found for format_ in Format if (found := self.found(principal, format_)) is not None]

    def drop(self, principal: Principal, format_: Format) -> None:
        """Throw away somebody's export in a format, if there is one. Raises ``ExportBusyError`` while one is made."""
        owner = self._of(principal)
        if not (owner / format_).exists():
            return
        with ExitStack() as held:
            if _taken(owner / LOCK, held) is None:
                raise ExportBusyError(STILL_MADE)
            shutil.rmtree(owner / format_)

    def sweep(self) -> None:
        """Throw away what nobody came back for."""
        before = datetime.now(UTC) - KEPT - LINGERS
        for owner in self._owners():
            with ExitStack() as held, suppress(OSError):
                if _locked(owner / LOCK, held) is None:
                    continue
                for format_ in Format:
                    asked, made = _read(owner / format_ / ASKED, Asked), _read(owner / format_ / MADE, Made)
                    at = made.at if made is not None else None if asked is None else asked.at
                    if at is not None and at < before:
                        shutil.rmtree(owner / format_)

    def _owners(self) -> Iterator[Path]:
        with suppress(FileNotFoundError):
            yield from (path for path in self._folder.iterdir() if path.is_dir())

    def _of(self, principal: Principal) -> Path:
        """Return the folder of what somebody may fetch: nobody whose token says anything else gets to it."""
        return self._folder / sha256(principal_text(principal).encode()).hexdigest()

    def _start(self, order: Order, *locks: int) -> None:
        # A session of its own: Ctrl-C in a terminal is for the service, and the program ends with its input.
        child = subprocess.Popen(
            [sys.executable, "-m", "knelpunt.infra.exporting.making"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True, pass_fds=locks,
        )  # fmt: skip
        assert child.stdin is not None
        # Over a pipe, which nobody else can read; arguments and environment others can.
        with suppress(BrokenPipeError):
            child.stdin.write(msgspec.json.encode(order) + b"\n")
            child.stdin.flush()
        Thread(target=_await, args=(child,), name="knelpunt-export", daemon=True).start()


def _await(child: "subprocess.Popen[bytes]") -> None:
    """Wait for a program to end, so that it does not stay in the system's list; its input is held open until then."""
    status = child.wait()
    if child.stdin is not None:
        child.stdin.close()
    if status:
        _log.warning("an export ended with status %s", status)


def _taken(path: Path, held: ExitStack) -> int | None:
    """Do the same, more than once."""
    for _ in range(LOOKS):
        if (lock := _locked(path, held)) is not None:
            return lock
        sleep(LOOK_SECONDS)
    return None


def _locked(path: Path, held: ExitStack) -> int | None:
    """Return a lock as an open file, until ``held`` closes; none if somebody else has it. Raises ``OSError``."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    held.callback(os.close, file)
    return file


def _read(path: Path, type_: type[T]) -> T | None:
    """Return what a note says; none if there is none, or half of one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=type_)
    except (OSError, msgspec.MsgspecError):
        return None
