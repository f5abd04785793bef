"""Large imports have helpers: processes that judge and pack, of which nobody can tell from what is recorded."""

import logging
import os
import signal

import pytest

from knelpunt.infra.importing import helpers, pipeline
from knelpunt.infra.importing.mapping import read_mapping

from .test_broken_off import ROWS, held, rows_log, run, sibling, totals


@pytest.fixture
def helped(monkeypatch):
    """Every import has two helpers from here on, each of which gets some cases at a time; returns their processes."""
    started: list[helpers.Helpers] = []

    class Watched(helpers.Helpers):
        def __init__(self, *instructed) -> None:
            super().__init__(*instructed)
            started.append(self)

    def begin() -> list[helpers.Helpers]:
        monkeypatch.setattr(pipeline, "LARGE_BYTES", 0)
        monkeypatch.setattr(pipeline, "BATCH_ROWS", 20)
        monkeypatch.setattr(pipeline, "processors", lambda: 2)
        monkeypatch.setattr(pipeline, "Helpers", Watched)
        return started

    return begin


@pytest.fixture
def log(tmp_path):
    """A log of 400 cases, with rows that cannot be read and one that comes late, and its mapping."""
    path, mapping = tmp_path / "log.csv", tmp_path / "mapping.toml"
    rows_log(path)
    mapping.write_text(ROWS, "utf-8")
    return path, mapping


def test_with_helpers_the_same_is_recorded(registry_url, log, helped, monkeypatch):
    """Event for event, at the same positions, and told in the same words, the second time and in parts, too."""
    monkeypatch.setattr(pipeline, "CHUNK_COMMANDS", 100)
    with sibling(registry_url) as other:
        alone = run(other, *log)
        started = helped()
        together = run(registry_url, *log)
        assert (together, held(registry_url)) == (alone, held(other))
        again = run(registry_url, *log)
        assert (again.events_new, again.events_present, again.rejections) == (0, alone.events_new, alone.rejections)
        log[0].write_text(log[0].read_text("utf-8").replace("c3,a0", "c3,b0") + "c5,a9,2024-02-01,o3\n", "utf-8")
        assert totals(run(registry_url, *log)) == totals(run(other, *log))
        assert held(registry_url) == held(other)
    assert len(started) == 4
    assert {process.poll() for each in started for process in each._processes} == {0}


def test_a_helper_that_dies_costs_nothing(registry_url, log, helped, caplog):
    """What a killed helper had in hand is done without it: the same events, and a line in the log of the program."""
    with sibling(registry_url) as other:
        alone = run(other, *log)
        started = helped()
        killed: list[int] = []

        def kill(stage, done, total):
            if stage is pipeline.Stage.WRITING and len(killed) < 2:
                process = started[0]._processes[len(killed)]
                os.kill(process.pid, signal.SIGKILL)
                killed.append(process.pid)

        with caplog.at_level(logging.WARNING):
            together = run(registry_url, *log, progress=kill)
        assert (together, held(registry_url)) == (alone, held(other))
    assert len(killed) == 2
    assert "status -9; the import goes on without it" in caplog.text


def test_the_secret_is_not_shown(log):
    """Neither what a helper is told nor what packs shows the secret of request hashes to whoever prints it."""
    instruction = pipeline.Instruction(read_mapping(log[1]), b"secret" * 6)
    assert "secret" not in repr(instruction)
    assert "secret" not in repr(pipeline.Packer(b"secret" * 6))
