"""knelpunt succession: what becomes of organisations, written into cases by a command."""

import pytest

from infra.cli.conftest import InThisProcess
from infra.succession.registries import HEIR, MERGED_AT, OLD, about, fill, written
from knelpunt.domain.case.facts import ResponsibilityMoved
from knelpunt.domain.organisation.facts import OrganisationMerged
from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.settings import settings_from
from knelpunt.infra.store.batch import Recorded


@pytest.fixture
def merged(fresh_here: InThisProcess) -> InThisProcess:
    """A registry in which somebody has recorded a merger, and nothing followed from it yet."""
    fresh_here.done("migrate")
    given = settings_from(fresh_here.settings)
    assert given.database_url is not None
    fill(given.database_url, 10)
    with bootstrap(given.database_url, given.master_key()) as parts:
        command = about(OrganisationMerged(OLD, HEIR), MERGED_AT)
        assert isinstance(parts.writer.submit(command).result(30), Recorded)
    return fresh_here


def moves(command: InThisProcess) -> int:
    texts = [text for _, _, text in written(command.settings["KNELPUNT_DATABASE_URL"])]
    return sum(text.startswith(ResponsibilityMoved.topic) for text in texts)


def test_all_that_is_due_is_written_once(merged: InThisProcess) -> None:
    """Once, however often it is asked; the doctor says before that it is still to be done."""
    merged.done("project", "--once")
    assert "0 begun, 1 not looked at yet" in " ".join(merged.run("doctor").stdout.split())
    assert "Written: all that is due by position 25." in merged.done("succession", "--once")
    assert moves(merged) == 8
    assert "Written: all that is due by position 33." in merged.done("succession", "--once")
    assert moves(merged) == 8
    assert "stands in their cases" in merged.run("doctor").stdout


def test_an_empty_registry_has_nothing_due(fresh_here: InThisProcess) -> None:
    """It says so, and ends with status 0."""
    fresh_here.done("migrate")
    assert "no event is recorded yet" in fresh_here.done("succession", "--once")
