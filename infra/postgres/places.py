"""Where the embedded server keeps its things, and who may enter there.

Everything lies in the folder ``postgres`` of the data directory. The folder belongs to the user of
our programs; within it, the cluster and the socket belong to the server's user, if that is another.
"""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from .account import Account
from .errors import EmbeddedError
from .lease import turn

# A server that runs as another user cannot enter root's home, where the platform's user folder is.
ROOT_DATA_DIR = Path("/var/lib/knelpunt")

SOCKET_NAME = ".s.PGSQL.5432"

# The kernel's limit for a socket's path is 107 bytes on Linux and 103 on macOS and BSD.
SOCKET_PATH_BYTES_MAX = 103


def default_data_dir() -> Path:
    """KNELPUNT_DATA_DIR if set, else the platform's folder for a user's data; for root /var/lib/knelpunt."""
    named = os.environ.get("KNELPUNT_DATA_DIR")
    if named:
        return Path(named)
    if os.geteuid() == 0:
        return ROOT_DATA_DIR
    return platformdirs.user_data_path("knelpunt", appauthor=False)


@dataclass(frozen=True)
class Places:
    """The paths of one embedded server, all absolute."""

    data_dir: Path
    root: Path
    socket: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data directory; complete if it exists."""
        return self.root / "cluster"

    @property
    def unfinished_cluster(self) -> Path:
        """Where initdb works, until its result is complete."""
        return self.root / "cluster.unfinished"

    @property
    def password(self) -> Path:
        """The secret that every login's password derives from."""
        return self.root / "password"

    @property
    def log(self) -> Path:
        """What the server says of itself; statements and their values never."""
        return self.root / "server.log"

    @property
    def configuration(self) -> Path:
        """The server's settings, written anew at each start."""
        return self.root / "postgresql.conf"

    @property
    def logins(self) -> Path:
        """Who may log in, and how; written anew at each start."""
        return self.root / "pg_hba.conf"

    @property
    def turn_lock(self) -> Path:
        """Held while a program starts or stops the server."""
        return self.root / "turn.lock"

    @property
    def leases_lock(self) -> Path:
        """Shared by all programs that use the server."""
        return self.root / "leases.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the server's own processes."""
        return self.root / "server.lock"


def prepare(data_dir: Path, account: Account) -> Places:
    """Make the folders of the server under data_dir, if missing.

    Raises EmbeddedError where they belong to another user, or the server's user cannot get there.
    """
    data_dir = data_dir.expanduser().absolute()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    data_dir = data_dir.resolve()
    root = data_dir / "postgres"
    root.mkdir(mode=0o700, exist_ok=True)
    owner = root.lstat().st_uid
    if owner != os.geteuid():
        message = (
            f"{root} belongs to user number {owner}: run as that user, "
            "or set KNELPUNT_DATA_DIR to a folder of your own."
        )
        raise EmbeddedError(message)
    if account.switched:
        admit(data_dir, account)
        admit(root, account)
        refuse_closed_parents(root, account)
    places = Places(data_dir=data_dir, root=root, socket=_socket_folder(root, account))
    # One program at a time: another must not see the folder before it has its owner.
    with turn(places.turn_lock):
        make_private(places.socket, account)
    return places


def admit(folder: Path, account: Account) -> None:
    """Let the server's user walk through a folder of root's that is closed to it; nobody else, no listing."""
    status = folder.stat()
    closed = not status.st_mode & stat.S_IXOTH
    if closed and status.st_uid == 0 and status.st_gid in {0, account.gid}:
        os.chown(folder, -1, account.gid)
        folder.chmod(stat.S_IMODE(status.st_mode) & 0o700 | stat.S_IXGRP)


def refuse_closed_parents(folder: Path, account: Account) -> None:
    """Raise EmbeddedError if the server's user cannot reach folder. Folders above ours are never opened up."""
    closed = account.first_closed_folder(folder)
    if closed is not None:
        message = (
            f"PostgreSQL runs as user {account.name}, which may not enter {closed}: set KNELPUNT_DATA_DIR "
            f"to a folder outside it, such as {ROOT_DATA_DIR}, or run as an ordinary user."
        )
        raise EmbeddedError(message)


def _socket_folder(root: Path, account: Account) -> Path:
    folder = root / "socket"
    # A comma would divide the path in two hosts: connection URLs know no way to quote one.
    if len(os.fsencode(folder / SOCKET_NAME)) > SOCKET_PATH_BYTES_MAX or "," in str(folder):
        # The same for every program on this data directory, whatever its TMPDIR or session.
        name = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
        folder = Path("/tmp") / f"knelpunt-{account.uid}-{name}"  # noqa: S108  make_private checks whose it is
    return folder


def make_private(folder: Path, account: Account) -> None:
    """Make folder, if missing, as one that only the server's user may enter.

    Raises EmbeddedError if what is there is no folder, or anybody else's.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != account.uid or stat.S_IMODE(status.st_mode) & 0o077:
        message = f"{folder} is not a folder of user {account.name} alone: remove it and start again."
        raise EmbeddedError(message)
