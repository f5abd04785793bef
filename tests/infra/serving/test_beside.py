"""Programs beside the service: started again, whatever kept them from it."""

import errno
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from knelpunt.infra.serving import beside
from knelpunt.infra.serving.beside import kept_running

PROGRAM = """
import sys
from pathlib import Path
Path(__file__).with_name("started").touch()
sys.stdin.read()
"""


def test_it_is_started_once_there_are_processes_to_be_had(tmp_path: Path, monkeypatch, caplog) -> None:
    """A program that could not be started is tried again, and runs to the end of the block."""
    (tmp_path / "beside_program.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(beside, "RESTART_SECONDS", 0.01)
    start, tried = subprocess.Popen, list[Any]()

    def scarce(*how: Any, **more: Any) -> Any:
        tried.append(how)
        if len(tried) == 1:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return start(*how, **more)

    monkeypatch.setattr(subprocess, "Popen", scarce)
    with kept_running("beside_program"):
        deadline = time.monotonic() + 20
        while not (tmp_path / "started").exists():
            if time.monotonic() > deadline:
                pytest.fail("it was not started again")
            time.sleep(0.02)
    assert len(tried) == 2
    assert "beside_program cannot be started now" in caplog.text
