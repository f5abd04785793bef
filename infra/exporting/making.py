"""A program that makes one export for the service: it is told which over its standard input, and ends with it.

What it reports stands in the export's folder. It takes what processor others leave, so that nobody's question waits.
"""

import errno
import logging
import os
import select
import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Final

import msgspec
import psycopg
from psycopg_pool import PoolTimeout

from ..cloud_events import source_of
from ..durable import replace
from ..logbook.processing import NotNoted, ProcessingLog
from ..store.connection import DatabaseRole, pool
from ..vault.vault import Vault, VaultError
from .errors import AWAY, NO_ROOM, NOT_NOTED, ExportRefusedError
from .export import Origin, Report, Who, export
from .jobs import FAILED, MADE, SHARE, WHOLE, Made, Order
from .reader import reached

NICE: Final = 10

READERS_MAX: Final = 2
"""Connections that an export reads over: it asks one thing after the other."""

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

_log = logging.getLogger(__name__)


class _Stopped(Exception):  # noqa: N818  an end on its way
    """Whoever started this is gone."""


def make(order: Order, stopped: Callable[[], bool]) -> None:
    """Make an export and note what came of it, beside it. Raises ``OSError`` where not even that can be noted."""
    folder = Path(order.folder)
    try:
        report = _exported(order, folder, stopped)
        size, digest = _judged(folder / WHOLE)
        made = Made(report, size, digest, datetime.now(UTC))
        replace(folder / MADE, msgspec.json.encode(made), folder)
    except _Stopped:
        return
    except ExportRefusedError as error:
        _failed(folder, str(error))
    except NotNoted:
        _failed(folder, NOT_NOTED)
    except (psycopg.Error, PoolTimeout, VaultError) as error:
        _log.warning("an export was broken off: %s", error)
        _failed(folder, AWAY)
    except OSError as error:
        _log.warning("an export was broken off: %s", error)
        if error.errno not in FULL:
            raise
        # The room is given back at once: the database may be on the same disk.
        shutil.rmtree(folder / f"{WHOLE}.unfinished", ignore_errors=True)
        (folder / WHOLE).unlink(missing_ok=True)
        _failed(folder, NO_ROOM)


def _exported(order: Order, folder: Path, stopped: Callable[[], bool]) -> Report:
    access = order.access
    with (
        closing(pool(access.url, DatabaseRole.READER, READERS_MAX)) as connections,
        closing(Vault(access.vault_url, access.master)) as vault,
        closing(ProcessingLog(access.vault_url, vault)) as processing,
    ):
        origin = Origin(vault.origin, source_of(access.oin, vault.origin))

        def progress(share: float) -> None:
            if stopped():
                raise _Stopped
            (folder / SHARE).write_bytes(msgspec.json.encode(share))

        upto, _ = reached(connections)
        who = Who(order.principal, order.reading)
        return export(folder / WHOLE, order.format, connections, processing, who, upto, origin, progress)


def _judged(path: Path) -> tuple[int, str]:
    """Return a file's length and its SHA-256, in hex."""
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def _failed(folder: Path, message: str) -> None:
    replace(folder / FAILED, msgspec.json.encode(message), folder)


def _alone() -> bool:
    """Return whether whoever started this is gone: then its end of the pipe is closed, and nothing else ever comes."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def main() -> None:
    """Make the export that standard input tells of."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    os.nice(NICE)
    make(order, _alone)


if __name__ == "__main__":
    main()
