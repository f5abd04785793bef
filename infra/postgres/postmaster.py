"""Starts the server, sees whether it runs, and stops it.

The server's processes inherit a locked file, so "it runs" means "the lock is held": true for the
last of its processes too, and never for another process that has its old number.
"""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .account import ENVIRONMENT, Account
from .binaries import Binaries
from .cluster import write_settings
from .errors import EmbeddedError, disk_full
from .lease import POLL_SECONDS, is_held, open_lock, try_lock
from .places import SOCKET_NAME, Places

# A start takes 0.1 s; after a crash the server first replays at most 2 GB of log.
START_SECONDS_MAX = 120
# A stop takes 0.1 s; the checkpoint it ends with may have to write all shared buffers.
STOP_SECONDS_MAX = 60
# After that it is made to stop as in a crash, which loses nothing and takes an instant.
ABORT_SECONDS_MAX = 10
# The log holds starts and stops only; beyond this size it begins anew, the old one kept beside it.
LOG_BYTES_MAX = 1_000_000

# The shell puts the server in the background and goes: the server is init's child, in a session of its own.
_IN_BACKGROUND = '"$@" 1>&2 & echo $!'


@dataclass(frozen=True)
class _Status:
    """What postmaster.pid says: process number, and ready, starting or stopping."""

    pid: int
    word: str


def is_running(places: Places) -> bool:
    """Whether any process of the server lives."""
    return is_held(places.server_lock)


def is_ready(places: Places) -> bool:
    """Whether the server lives and has said that it takes connections."""
    status = _read_status(places)
    return is_running(places) and status is not None and status.word == "ready" and _is_ours(status.pid, places)


def settle(places: Places) -> bool:
    """Wait until the server either takes connections (true) or has gone (false). The turn lock must be held.

    Raises EmbeddedError after START_SECONDS_MAX.
    """
    deadline = time.monotonic() + START_SECONDS_MAX
    while is_running(places):
        if is_ready(places):
            return True
        if time.monotonic() > deadline:
            message = (
                f"The server in {places.cluster} neither starts nor ends: see {places.log}, or restart the machine."
            )
            raise EmbeddedError(message)
        time.sleep(POLL_SECONDS)
    return False


def start(places: Places, binaries: Binaries, account: Account) -> None:
    """Start the server and wait until it takes connections. It must not run; the turn lock must be held.

    Raises EmbeddedError with the server's reason if it gives up, or after START_SECONDS_MAX.
    """
    write_settings(places)
    _clear_traces(places)
    lock = open_lock(places.server_lock)
    try:
        if not try_lock(lock):
            message = f"A server is still running in {places.cluster}: wait a moment and start again."
            raise EmbeddedError(message)
        if places.log.exists() and places.log.stat().st_size > LOG_BYTES_MAX:
            places.log.rename(places.log.with_suffix(".log.old"))
        with places.log.open("ab") as log:
            places.log.chmod(0o600)
            log_start = log.tell()
            pid = _spawn(places, binaries, account, log_fd=log.fileno(), lock_fd=lock)
    finally:
        os.close(lock)
    _await_ready(places, pid, log_start)


def stop(places: Places) -> None:
    """Stop the server cleanly, if it runs, and wait until it has gone. The turn lock must be held.

    Raises EmbeddedError if it is still there after STOP_ and ABORT_SECONDS_MAX.
    """
    for sign, seconds in ((signal.SIGINT, STOP_SECONDS_MAX), (signal.SIGQUIT, ABORT_SECONDS_MAX)):
        status = _read_status(places)
        if status is not None and is_running(places) and _is_ours(status.pid, places):
            os.kill(status.pid, sign)
        deadline = time.monotonic() + seconds
        while is_running(places):
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        else:
            return
    message = f"The server in {places.cluster} does not stop: see {places.log}, and end it by hand."
    raise EmbeddedError(message)


def _spawn(places: Places, binaries: Binaries, account: Account, *, log_fd: int, lock_fd: int) -> int:
    server = [binaries.postgres, "-D", places.cluster, "-c", f"config_file={places.configuration}"]
    outcome = subprocess.run(  # noqa: S603  a fixed script; paths are passed as arguments, not pasted in
        ["/bin/sh", "-c", _IN_BACKGROUND, "sh", *server],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log_fd,
        pass_fds=(lock_fd,),
        start_new_session=True,  # Ctrl-C at a terminal must not reach the server
        cwd="/",
        env=ENVIRONMENT,
        umask=0o077,
        user=account.uid if account.switched else None,
        group=account.gid if account.switched else None,
        extra_groups=() if account.switched else None,
    )
    return int(outcome.stdout)


def _await_ready(places: Places, pid: int, log_start: int) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if not is_running(places):
            raise EmbeddedError(_reason(places, log_start))
        status = _read_status(places)
        if status is not None and status.pid == pid and status.word == "ready":
            return
        time.sleep(POLL_SECONDS)
    stop(places)
    message = f"The database did not start in {START_SECONDS_MAX} s: see {places.log}, and whether the disk works."
    raise EmbeddedError(message)


def _clear_traces(places: Places) -> None:
    # What a killed server left. PostgreSQL would refuse to start if the number in it has meanwhile
    # gone to another process of the same user, as it does in restarted containers.
    status = _read_status(places)
    if status is not None and _is_ours(status.pid, places):
        message = f"A server not started by knelpunt runs in {places.cluster}: stop it first, with pg_ctl stop."
        raise EmbeddedError(message)
    for trace in (
        places.cluster / "postmaster.pid",
        places.socket / SOCKET_NAME,
        places.socket / f"{SOCKET_NAME}.lock",
    ):
        trace.unlink(missing_ok=True)


def _read_status(places: Places) -> _Status | None:
    try:
        lines = (places.cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        return _Status(pid=abs(int(lines[0])), word=lines[7].strip() if len(lines) > 7 else "starting")  # noqa: PLR2004  its 8th line
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _is_ours(pid: int, places: Places) -> bool:
    process = Path("/proc") / str(pid)
    if not Path("/proc/self").exists():
        return True  # no /proc, as on macOS: the lock has said that the server runs
    try:
        return os.fsencode(places.cluster) in (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def _reason(places: Places, log_start: int) -> str:
    with places.log.open("rb") as log:
        log.seek(log_start)
        lines = log.read().decode(errors="replace").splitlines()
    if any("No space left on device" in line for line in lines):
        return disk_full(places.data_dir)
    grave = [line for line in lines if "FATAL:" in line or "PANIC:" in line] or lines
    last = grave[-1].rpartition(":  ")[2] if grave else "it gave no reason"
    return f"The database did not start ({last}): mend that and start again; more is in {places.log}."
