"""Makes the cluster, PostgreSQL's folder of databases, once and all or nothing.

Databases have checksums on their pages, UTF-8 text, and the builtin C.UTF-8 order, which is the same
on every machine and in every release of the system's libraries.
"""

import hmac
import os
import secrets
import shutil

from .account import Account
from .binaries import Binaries
from .errors import EmbeddedError, disk_full
from .places import Places, make_private
from .settings import ADMIN, LOGINS, SCRAM_ITERATIONS, configuration


def ensure_cluster(places: Places, binaries: Binaries, account: Account) -> None:
    """Make the cluster if there is none. The turn lock must be held.

    Raises EmbeddedError if initdb fails, or another major version wrote the cluster that is there.
    """
    if places.cluster.exists():
        _check_version(places, binaries)
        _check_owner(places, account)
        return
    # Left by a program that was killed at work: never complete, so never anybody's data.
    shutil.rmtree(places.unfinished_cluster, ignore_errors=True)
    if not places.password.exists():
        _write_private(places, secrets.token_urlsafe(32))
    make_private(places.unfinished_cluster, account)
    first_password = places.root / "first-password"
    try:
        # initdb runs as the server's user, which must not be able to read our own copy.
        first_password.touch(mode=0o600)
        first_password.write_text(password_of(places, ADMIN), encoding="utf-8")
        os.chown(first_password, account.uid, account.gid)
        outcome = account.run(
            [
                binaries.initdb,
                f"--pgdata={places.unfinished_cluster}",
                f"--username={ADMIN}",
                f"--pwfile={first_password}",
                "--auth=scram-sha-256",
                f"--set=scram_iterations={SCRAM_ITERATIONS}",
                "--data-checksums",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
            ]
        )
    finally:
        first_password.unlink(missing_ok=True)
    if outcome.returncode:
        if "No space left on device" in outcome.stderr:
            raise EmbeddedError(disk_full(places.data_dir))
        reason = outcome.stderr.strip().splitlines()[-1:] or ["no reason given"]
        message = f"The database could not be made in {places.root}: {reason[0].removeprefix('initdb: ')}."
        raise EmbeddedError(message)
    places.unfinished_cluster.rename(places.cluster)


def write_settings(places: Places) -> None:
    """Write the two files that the server reads at its start."""
    text = configuration(socket=places.socket, logins=places.logins)
    for path, content in ((places.configuration, text), (places.logins, LOGINS)):
        path.write_text(content, encoding="utf-8")
        path.chmod(0o644)  # the server's user reads them, in a folder that nobody else may enter


def password_of(places: Places, user: str) -> str:
    """The password of a database user: a different one for each, all derived from one secret on disk.

    Raises EmbeddedError if the secret is missing.
    """
    try:
        secret = places.password.read_bytes()
    except FileNotFoundError:
        message = (
            f"The password file {places.password} is missing: put it back from a backup; "
            "without it nobody can log in to the database beside it."
        )
        raise EmbeddedError(message) from None
    return hmac.digest(secret, user.encode(), "sha256").hex()


def _check_version(places: Places, binaries: Binaries) -> None:
    version_file = places.cluster / "PG_VERSION"
    try:
        found = version_file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        message = f"{places.cluster} is no PostgreSQL data directory: move it away, or set KNELPUNT_DATA_DIR."
        raise EmbeddedError(message) from None
    if found != str(binaries.major):
        message = (
            f"{places.cluster} was written by PostgreSQL {found} and this is {binaries.major}: go back to the release "
            "of knelpunt that wrote it, or move the data to a server with pg_dump and set KNELPUNT_DATABASE_URL."
        )
        raise EmbeddedError(message)


def _check_owner(places: Places, account: Account) -> None:
    owner = places.cluster.stat().st_uid
    if owner != account.uid:
        message = f"{places.cluster} belongs to user number {owner}, not to {account.name}: give it back with chown -R."
        raise EmbeddedError(message)


def _write_private(places: Places, text: str) -> None:
    # Under another name first: a half-written secret must never be taken for the whole.
    unfinished = places.password.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    unfinished.rename(places.password)
