"""The operating-system user that PostgreSQL runs as.

PostgreSQL refuses to run as root. So root's programs run it as a system user of its own, made on
first use; anybody else's run it as themselves.
"""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import EmbeddedError

SYSTEM_USER = "knelpunt-pg"

# A hung program of PostgreSQL's must not hang ours; initdb takes 1 s, and 30 s on a slow disk.
COMMAND_SECONDS_MAX = 120

# Only what PostgreSQL needs: neither PGDATA and its kin nor any of our own secrets pass on.
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath, "TZ": "UTC"}

_FIRST_FAILING = 'flag=$1; shift; for path do test "$flag" "$path" || { printf %s "$path"; exit 1; }; done'


@dataclass(frozen=True)
class Account:
    """A user by name and numbers; `switched` when it is not the one this program runs as."""

    name: str
    uid: int
    gid: int
    switched: bool

    def run(self, arguments: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Run a program as this user to its end, its output captured.

        Raises EmbeddedError if it cannot be started or takes more than COMMAND_SECONDS_MAX.
        """
        try:
            return subprocess.run(  # noqa: S603  our own command lines, never a shell's
                arguments,
                check=False,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=COMMAND_SECONDS_MAX,
                stdin=subprocess.DEVNULL,
                cwd="/",
                env=ENVIRONMENT,
                umask=0o077,
                user=self.uid if self.switched else None,
                group=self.gid if self.switched else None,
                extra_groups=() if self.switched else None,
            )
        except subprocess.TimeoutExpired as error:
            message = f"{arguments[0]} did not finish in {COMMAND_SECONDS_MAX} s: is the disk working?"
            raise EmbeddedError(message) from error
        except PermissionError as error:
            message = (
                f"{arguments[0]} cannot be run as user {self.name}: run as an ordinary user, "
                "or set KNELPUNT_DATABASE_URL to a PostgreSQL server."
            )
            raise EmbeddedError(message) from error

    def first_unreadable(self, paths: Sequence[Path]) -> Path | None:
        """The first of the paths that this user may not read, or None."""
        return self._first_failing("-r", paths)

    def first_closed_folder(self, path: Path) -> Path | None:
        """The outermost folder on the way to and including path that this user may not enter, or None."""
        return self._first_failing("-x", [*reversed(path.parents), path])

    def _first_failing(self, flag: str, paths: Sequence[Path]) -> Path | None:
        # Asked as that user instead of worked out from permission bits: groups, access lists and
        # container set-ups all have their say.
        answer = self.run(["/bin/sh", "-c", _FIRST_FAILING, "sh", flag, *paths])
        return Path(answer.stdout) if answer.returncode else None


def server_account() -> Account:
    """The user that PostgreSQL is to run as: this program's own, but never root."""
    uid = os.geteuid()
    if uid != 0:
        return Account(name=str(uid), uid=uid, gid=os.getegid(), switched=False)
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _make_system_user()
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            message = (
                f"PostgreSQL does not run as root and the system user {SYSTEM_USER} cannot be made: make it with "
                "useradd --system, run as an ordinary user, or set KNELPUNT_DATABASE_URL to a PostgreSQL server."
            )
            raise EmbeddedError(message) from None
    return Account(name=SYSTEM_USER, uid=entry.pw_uid, gid=entry.pw_gid, switched=True)


def _make_system_user() -> None:
    # Its failure shows in the look-up that follows: another program may have made the user meanwhile.
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    for program in ("/usr/sbin/useradd", "/sbin/useradd"):
        if Path(program).exists():
            subprocess.run(  # noqa: S603  a fixed command line
                [program, *options, "--shell", "/usr/sbin/nologin", SYSTEM_USER],
                check=False,
                capture_output=True,
                timeout=COMMAND_SECONDS_MAX,
            )
            return
