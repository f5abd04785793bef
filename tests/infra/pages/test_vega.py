"""The program that draws charts in browsers: put together once, kept for the next process, and never needed on disk."""

import re

import pytest

from knelpunt.infra.pages import vega


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where the program is kept, for one test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    vega.kept.cache_clear()
    vega._program.cache_clear()
    yield vega.kept()
    vega.kept.cache_clear()
    vega._program.cache_clear()


def test_what_is_kept_is_not_made_again(place):
    """A process takes what another one kept."""
    place.parent.mkdir(parents=True)
    place.write_bytes(b"kept")
    assert vega.program() == b"kept"


@pytest.mark.long
def test_it_is_kept_where_that_can_be(place):
    """It is made and kept for its user alone; where nothing can be kept it is made all the same."""
    made = vega.program()
    assert re.search(rb"window\.vegaEmbed\s*=", made)
    assert place.read_bytes() == made
    assert [file.name for file in place.parent.iterdir()] == [vega.NAME]
    assert place.parent.stat().st_mode & 0o077 == 0
    place.unlink()
    place.parent.rmdir()
    place.parent.write_bytes(b"in the way")
    vega._program.cache_clear()
    assert vega.program() == made
