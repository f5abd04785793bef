"""The keys that sign: the log's and a witness's, made on first use under their names, for their owner alone.

Auditors hold the public halves. Who has the log's can sign another history, so a copy belongs where no backup of the
database is; who loses it must begin a new log, whose auditors start from nothing.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from ..secret_file import is_open_to_others, write_secret
from .errors import TrailError
from .note import COSIGNATURE, ED25519, KEY_BYTES, NoteError, PrivateKey, new_key, private_key

Record = Callable[[str], None]
"""Puts on record that a key is made, given its public half; what it raises keeps the key from being made."""


def log_key(path: Path, origin: str, record: Record) -> PrivateKey:
    """Return the log's key; if there is none, a new one for the log ``origin``. Raises ``TrailError``."""
    _make(path, origin, ED25519, "set KNELPUNT_LOG_ORIGIN to its address without the scheme", record)
    return existing_key(path)


def existing_key(path: Path) -> PrivateKey:
    """Return the log's key, which must be there. Raises ``TrailError``."""
    return _read(path, ED25519)


def witness_key(path: Path, name: str) -> PrivateKey:
    """Return a witness's key; if there is none, a new one under ``name``. Raises ``TrailError``."""
    # A witness has no registry, so its keys are on no record but its own machine's.
    _make(path, name, COSIGNATURE, "give it one without blanks or plus signs, such as witness.example/w1", _no_record)
    return _read(path, COSIGNATURE)


def _no_record(_: str) -> None:
    """Put nothing on record."""


def _make(path: Path, name: str, kind: int, otherwise: str, record: Record) -> None:
    try:
        if not path.exists():
            made = new_key(name, kind, secrets.token_bytes(KEY_BYTES))
            record(made.public.text)
            write_secret(path, f"{made.text}\n".encode())
    except NoteError:
        raise TrailError(f"{name!r} is no name for a key: {otherwise}.") from None
    except OSError as error:
        raise TrailError(f"The key cannot be written to {path} ({error.strerror}): mend that.") from error


def _read(path: Path, kind: int) -> PrivateKey:
    try:
        if is_open_to_others(path):
            raise TrailError(f"The key in {path} is open to other users: chmod 600 {path}.")
        key = private_key(path.read_text(encoding="utf-8").strip())
    except FileNotFoundError as error:
        raise TrailError(f"The key {path} is missing: restore it.") from error
    except (OSError, UnicodeDecodeError, NoteError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise TrailError(f"The key in {path} cannot be used ({reason}): restore it.") from error
    if key.kind != kind:
        raise TrailError(f"The key in {path} is of another sort, a log's or a witness's: name the right file.")
    return key
