"""A real streaming replica: a base backup of our own server, which follows it."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from knelpunt.infra.postgres.account import ENVIRONMENT, Account, server_account
from knelpunt.infra.postgres.binaries import Binaries, locate
from knelpunt.infra.postgres.cluster import password_of
from knelpunt.infra.postgres.places import prepare
from knelpunt.infra.postgres.settings import ADMIN, LOGINS

SECONDS_MAX = 60


@dataclass
class Standby:
    """A server that follows another one of ours, under a folder of its own."""

    main: Path
    folder: Path
    account: Account = field(default_factory=server_account)

    def __post_init__(self) -> None:
        self.binaries: Binaries = locate(self.account)
        places = prepare(self.main, self.account)
        self.password = password_of(places, ADMIN)
        self.source = f"host={places.socket} user={ADMIN} password={self.password}"
        for each in (self.folder, self.folder / "socket"):
            each.mkdir(mode=0o700)
            self._own(each)
        self._program("pg_basebackup", "-D", self.folder / "data", "-d", self.source, "-X", "stream", "-c", "fast")
        (self.folder / "data" / "standby.signal").touch()
        self._own(self.folder / "data" / "standby.signal")
        (self.folder / "logins").write_text(LOGINS, "utf-8")
        self._own(self.folder / "logins")
        self.delay("0")

    def url(self, database: str = "knelpunt") -> str:
        """Where to ask it, as the owner of all."""
        return f"postgresql://{ADMIN}:{self.password}@/{database}?host={quote(str(self.folder / 'socket'), safe='')}"

    def delay(self, how_long: str) -> None:
        """Let it apply what it receives so much later, from when it is started or told to look at its settings."""
        (self.folder / "settings").write_text(
            f"""hba_file = '{self.folder}/logins'
listen_addresses = ''
unix_socket_directories = '{self.folder}/socket'
primary_conninfo = '{self.source}'
recovery_min_apply_delay = '{how_long}'
max_connections = 200
wal_retrieve_retry_interval = '200ms'
shared_buffers = '32MB'
""",
            "utf-8",
        )
        self._own(self.folder / "settings")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-c config_file={self.folder}/settings"
        self._program("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-o", options, "-w", "start")

    def reload(self) -> None:
        """Have it look at its settings."""
        self._program("pg_ctl", "-D", self.folder / "data", "reload")

    def stop(self) -> None:
        """Stop it as it would in a crash."""
        self._program("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")

    def promote(self) -> None:
        """Make it a server that goes its own way."""
        self._program("pg_ctl", "-D", self.folder / "data", "-w", "promote")

    def has_come_to(self, url: str) -> bool:
        """Whether it has applied all that its main server has written by now."""
        with psycopg.connect(url, autocommit=True) as main:
            row = main.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
        assert row is not None
        with psycopg.connect(self.url(), autocommit=True) as own:
            done = own.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", row).fetchone()
        return done is not None and done[0]

    def gone(self) -> None:
        """Stop it if it runs, and remove it."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _own(self, path: Path) -> None:
        if self.account.switched:
            os.chown(path, self.account.uid, self.account.gid)

    def _program(self, name: str, *arguments: str | Path) -> None:
        outcome = subprocess.run(
            [self.binaries.folder / name, *arguments],
            check=False,
            # Not a pipe: the server that pg_ctl starts would hold it open.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if name == "pg_ctl" else subprocess.PIPE,
            timeout=SECONDS_MAX,
            cwd="/",
            env=ENVIRONMENT,
            umask=0o077,
            user=self.account.uid if self.account.switched else None,
            group=self.account.gid if self.account.switched else None,
            extra_groups=() if self.account.switched else None,
        )
        assert outcome.returncode == 0, (name, outcome.stderr)


def wait_until(condition, seconds: float = SECONDS_MAX) -> None:
    """Wait for something that happens soon."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
