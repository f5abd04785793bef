"""The master key: 32 random bytes outside the database, under which the vault's keys are wrapped.

It comes from a file or a variable where an operator provides one, else from a file in the data directory, made on
first use. Whoever loses it loses every text about every subject, so it belongs in a backup of its own.
"""

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

KEY_BYTES: Final = 32
FILE_VARIABLE: Final = "KNELPUNT_MASTER_KEY_FILE"
KEY_VARIABLE: Final = "KNELPUNT_MASTER_KEY"
FILE_NAME: Final = "master.key"


class MasterKeyError(Exception):
    """There is no usable master key; the message is one sentence that says what to do."""


def master_key(data_dir: Path, environment: Mapping[str, str] = os.environ) -> bytes:
    """Return the master key, 32 bytes: from the file or the variable named, else from ``data_dir``, made if missing.

    Files hold it in base64, and only their owner may read them. Raises ``MasterKeyError``.
    """
    named = environment.get(FILE_VARIABLE)
    if named:
        return _read(Path(named))
    given = environment.get(KEY_VARIABLE)
    if given:
        return _decoded(given, KEY_VARIABLE)
    path = data_dir / FILE_NAME
    try:
        if not path.exists():
            _make(path)
    except OSError as error:
        message = f"The master key cannot be written to {path} ({error.strerror}): mend that, or set {FILE_VARIABLE}."
        raise MasterKeyError(message) from error
    return _read(path)


def _make(path: Path) -> None:
    """Write a new key, whole or not at all; of two programs that try at once, one wins and both read the same."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(unfinished)  # refuses to replace a key that is there: that would lose every text
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        unfinished.unlink()


def _read(path: Path) -> bytes:
    try:
        status = path.stat()
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            message = f"The master key in {path} is open to other users: chmod 600 {path}."
            raise MasterKeyError(message)
        content = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        message = (
            f"The master key in {path} cannot be read ({reason}): restore the file, or point {FILE_VARIABLE} to it."
        )
        raise MasterKeyError(message) from error
    return _decoded(content, str(path))


def _decoded(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        message = (
            f"The master key in {where} is not {KEY_BYTES} bytes in base64: restore it (a new one would open nothing)."
        )
        raise MasterKeyError(message)
    return key
