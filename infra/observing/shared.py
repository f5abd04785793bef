"""Measures that the processes of one service share, so that whichever of them is asked tells of all.

A service is several processes behind one socket, and the projector beside them. Each writes its measures to files in
one folder, which Prometheus' client adds up; it decides for that when it is first imported, by a variable of the
environment.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that Prometheus' client reads."""


@contextmanager
def measured_together() -> Generator[None]:
    """Let processes that are started from now on share their measures; the folder is gone at the end of the block."""
    folder = tempfile.mkdtemp(prefix="knelpunt-measures-")
    os.environ[FOLDER] = folder
    try:
        yield
    finally:
        del os.environ[FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


def forget_dead(folder: Path) -> None:
    """Remove what processes that are gone say of the present; what they counted stays."""
    for each in folder.glob("gauge_live*_*.db"):
        if not _alive(int(each.stem.rpartition("_")[2])):
            each.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
