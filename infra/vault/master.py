"""The master key: 32 random bytes outside the database, under which the vault's keys are wrapped.

It comes from a file or a variable where an operator provides one, else from a file in the data directory, made on
first use. Whoever loses it loses every text about every subject, so it belongs in a backup of its own.
"""

import base64
import binascii
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..secret_file import is_open_to_others, write_secret

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
            write_secret(path, base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
    except OSError as error:
        message = f"The master key cannot be written to {path} ({error.strerror}): mend that, or set {FILE_VARIABLE}."
        raise MasterKeyError(message) from error
    return _read(path)


def _read(path: Path) -> bytes:
    try:
        if is_open_to_others(path):
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
