"""The key that signs the log's checkpoints: made on first use, under the log's name, for its owner alone.

Auditors hold its public half. Who has the key can sign another history, so a copy belongs where no backup of the
database is; who loses it must begin a new log, whose auditors start from nothing.
"""

import os
import secrets
from pathlib import Path

from ..secret_file import is_open_to_others, write_secret
from .errors import TrailError
from .note import ED25519, KEY_BYTES, NoteError, PrivateKey, new_key, private_key


def log_key(path: Path, origin: str) -> PrivateKey:
    """Return the log's key; if there is none, a new one for the log ``origin``. Raises ``TrailError``."""
    try:
        if not path.exists():
            made = new_key(origin, ED25519, secrets.token_bytes(KEY_BYTES))
            write_secret(path, f"{made.text}\n".encode())
    except NoteError:
        message = f"{origin!r} is no name for a log: set KNELPUNT_LOG_ORIGIN to its address without the scheme."
        raise TrailError(message) from None
    except OSError as error:
        raise TrailError(f"The log's key cannot be written to {path} ({error.strerror}): mend that.") from error
    return existing_key(path)


def existing_key(path: Path) -> PrivateKey:
    """Return the log's key, which must be there. Raises ``TrailError``."""
    try:
        if is_open_to_others(path):
            raise TrailError(f"The log's key in {path} is open to other users: chmod 600 {path}.")
        key = private_key(path.read_text(encoding="utf-8").strip())
    except FileNotFoundError as error:
        raise TrailError(f"The log's key {path} is missing: restore it.") from error
    except (OSError, UnicodeDecodeError, NoteError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise TrailError(f"The log's key in {path} cannot be used ({reason}): restore it.") from error
    if key.kind != ED25519:
        raise TrailError(f"The key in {path} is a witness's and not a log's: restore the log's.")
    return key
