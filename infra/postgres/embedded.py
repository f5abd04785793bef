"""Runs the registry's own PostgreSQL, for as long as any of our programs uses it.

The first program starts the server and the last one stops it; those between share it. A program or
a server that is killed leaves nothing that the next start does not put right. There is no way in
without a password, and none at all over the network.
"""

import atexit
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from . import postmaster
from .account import Account, server_account
from .binaries import Binaries, locate
from .cluster import ensure_cluster, password_of
from .errors import EmbeddedError, disk_full, in_one_sentence
from .lease import POLL_SECONDS, Lease, is_held, turn
from .places import Places, default_data_dir, prepare
from .settings import ADMIN

__all__ = ["DATABASE", "VAULT_DATABASE", "EmbeddedError", "EmbeddedServer", "default_data_dir"]

DATABASE = "knelpunt"
VAULT_DATABASE = "knelpunt_vault"

# The server has said that it is ready, so a login takes milliseconds.
LOGIN_SECONDS_MAX = 10


class EmbeddedServer:
    """A share in the running server. Use it as a context manager, or call stop."""

    def __init__(self, places: Places, binaries: Binaries, account: Account, lease: Lease) -> None:
        """For start alone."""
        self._places = places
        self._binaries = binaries
        self._account = account
        self._lease: Lease | None = lease

    @classmethod
    def start(cls, data_dir: Path) -> "EmbeddedServer":
        """Start the server under data_dir, or join it if it runs. Takes 1 s the first time, 0.2 s later.

        Makes what is missing: folder, cluster, database. Raises EmbeddedError if that cannot be done.
        """
        with in_one_sentence(data_dir):
            account = server_account()
            binaries = locate(account)
            places = prepare(data_dir, account)
            with turn(places.turn_lock):
                server = cls(places, binaries, account, Lease(places.leases_lock))
                try:
                    ensure_cluster(places, binaries, account)
                    server._bring_up()
                except BaseException:
                    server._leave()
                    raise
        atexit.register(server.stop)
        return server

    def ensure_running(self) -> bool:
        """Start the server again if it was killed; whether that was needed.

        For a program that lost its connections. Raises EmbeddedError if the server does not start.
        """
        if self._answers():
            return False
        with in_one_sentence(self._places.data_dir), turn(self._places.turn_lock):
            return self._bring_up()

    def url(self, database: str = DATABASE, user: str | None = None) -> str:
        """Where to connect, as a libpq URL with its password: as the owner of all, or as another user.

        Another user can log in once it has been given password(user).
        """
        user = user or ADMIN
        login = f"{quote(user, safe='')}:{quote(self.password(user), safe='')}"
        return f"postgresql://{login}@/{quote(database, safe='')}?host={quote(str(self._places.socket), safe='')}"

    def password(self, user: str) -> str:
        """The password that url expects a database user to have; 64 characters, for CREATE or ALTER ROLE."""
        return password_of(self._places, user)

    def stop(self) -> None:
        """Give up the share, and stop the server if it was the last. Again does nothing.

        Raises EmbeddedError if the server does not stop.
        """
        if self._lease is None:
            return
        with in_one_sentence(self._places.data_dir), turn(self._places.turn_lock):
            self._leave()
        atexit.unregister(self.stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _bring_up(self) -> bool:
        """Have a server that lets us in, started if need be: whether it was. The turn lock must be held."""
        started = False
        deadline = time.monotonic() + LOGIN_SECONDS_MAX
        # More than once: one that was killed this instant may still look alive, and after the death of
        # one of its processes a server turns everybody away while it puts its memory in order.
        while True:
            if not postmaster.settle(self._places):
                postmaster.start(self._places, self._binaries, self._account)
                started = True
            if self._answers():
                return started
            if time.monotonic() > deadline:
                message = f"The embedded database refuses its owner: {self._places.log} may say why."
                raise EmbeddedError(message)
            time.sleep(POLL_SECONDS)

    def _answers(self) -> bool:
        """Whether the server lets us in; it then has our databases."""
        try:
            with psycopg.connect(
                self.url("postgres"), autocommit=True, connect_timeout=LOGIN_SECONDS_MAX
            ) as connection:
                there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
                for name in (DATABASE, VAULT_DATABASE):
                    if name not in there:
                        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.errors.DiskFull as error:
            raise EmbeddedError(disk_full(self._places.data_dir)) from error
        except psycopg.OperationalError:
            return False
        return True

    def _leave(self) -> None:
        if self._lease is not None:
            self._lease.release()
            self._lease = None
            # Nobody can join meanwhile: that takes the turn lock, which we hold.
            if not is_held(self._places.leases_lock):
                postmaster.stop(self._places)
