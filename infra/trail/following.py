"""Publishes as events come, for as long as a program runs: each is covered by a checkpoint within two seconds."""

import logging
from pathlib import Path
from threading import Event as Signal
from time import monotonic
from typing import Final

import psycopg

from ..store.listening import heard
from ..store.recorder import CHANNEL
from .cosigning import Cosigners
from .errors import TrailError
from .folder import TrailFolder
from .key import Record, log_key
from .policy import Policy, PolicyError, read_policy
from .publisher import Publisher, registry_origin

GATHER_SECONDS: Final = 0.3
"""The least time between two signatures: a busy minute gets some two hundred instead of thousands."""

POLL_SECONDS: Final = 1.0
"""How often to look without having been told: what a lost notification costs; and how often the patrol takes a step,
also where something is recorded all the time: that takes some ten milliseconds, which the next signature can wait."""

RETRY_SECONDS: Final = 2.0
"""How long to wait before trying again when the database is away or the disk full."""

HALTED_SECONDS: Final = 300.0
"""How long to wait before looking whether what stopped the publishing is cleared up: looking reads the whole log."""

_log = logging.getLogger(__name__)


def publisher_for(
    folder: TrailFolder, key_path: Path, origin: str | None, url: str, record: Record, policy: Path | None = None
) -> Publisher:
    """Return what publishes a registry's log; its key is made if it never had one, which is put on record before.

    The log is called ``origin``, or else as the database names the registry. Witnesses whose address a ``policy`` gives
    are asked to cosign. Raises ``TrailError`` and ``psycopg.Error``.
    """
    if not key_path.exists() and folder.signed() is not None:
        raise TrailError(
            f"The log's key {key_path} is missing, and the log was signed by it: restore it (docs/trail.md)."
        )
    key = log_key(key_path, origin or registry_origin(url), record)
    return Publisher(folder, key, url, None if policy is None else Cosigners(policy_at(policy).witnesses))


def policy_at(path: Path) -> Policy:
    """Return the policy in a file. Raises ``TrailError``."""
    try:
        return read_policy(path.read_bytes())
    except OSError as error:
        raise TrailError(
            f"The policy {path} cannot be read ({error.strerror}): correct KNELPUNT_LOG_POLICY."
        ) from error
    except PolicyError as error:
        raise TrailError(f"{error} ({path})") from error


def follow(
    folder: TrailFolder,
    key_path: Path,
    origin: str | None,
    url: str,
    record: Record,
    stopping: Signal,
    policy: Path | None = None,
) -> None:
    """Publish until told to stop. Whatever goes wrong is logged and tried again, while recording goes on."""
    while not stopping.is_set():
        try:
            publisher = publisher_for(folder, key_path, origin, url, record, policy)
            try:
                _follow(publisher, stopping)
            finally:
                publisher.close()
        except TrailError as error:
            _log.error("The log is not published any further: %s", error)
            stopping.wait(HALTED_SECONDS)
        except (psycopg.Error, OSError) as error:
            _log.warning("The log cannot be published now, and is tried again: %s", error)
            stopping.wait(RETRY_SECONDS)


def _follow(publisher: Publisher, stopping: Signal) -> None:
    connection = publisher.connection
    connection.execute(f"LISTEN {CHANNEL}")
    patrolled = monotonic()
    while not stopping.is_set():
        publisher.publish()
        if stopping.wait(GATHER_SECONDS):
            return
        if not heard(connection, POLL_SECONDS) or monotonic() - patrolled >= POLL_SECONDS:
            publisher.patrol()
            patrolled = monotonic()
