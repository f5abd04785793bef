"""``log fsck``: it finds whatever was changed, in the database or in the files, and tells which of the two it was."""

import random
import sys

import pytest

from infra.trail.given import KEY, TAMPERINGS, Trail, fill, tampered
from knelpunt.infra.trail import sharing, stretches
from knelpunt.infra.trail.checking import check_trail
from knelpunt.infra.trail.errors import TrailError
from knelpunt.infra.trail.stretches import Stretch


def checked(trail: Trail) -> list[str]:
    return list(check_trail(trail.folder, KEY.public, trail.url))


def test_a_trail_in_order(trail) -> None:
    """Nothing is wrong with a trail that grew step by step, also while more is recorded than published."""
    with pytest.raises(TrailError):
        checked(trail)
    for size in (0, 1, 200, 300):
        trail.grown(size) if size else trail.publisher().publish()
        assert checked(trail) == []
    fill(trail.url, 10)
    assert checked(trail) == []


@pytest.mark.parametrize("how", TAMPERINGS)
def test_changes_in_the_database(trail, how) -> None:
    """Whatever a superuser changes among the events is found, and that it was them and not the files."""
    trail.grown(10)
    tampered(trail.url, TAMPERINGS[how])
    found = checked(trail)
    assert any("position" in finding for finding in found)
    assert "so it is the database that was changed" in found[-1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("occurred_at = occurred_at + interval '1 day'", "say something else"),
        ("event_id = stream_id", "say something else"),
        ("state = convert_to(replace(convert_from(state, 'UTF8'), 'data', 'dota'), 'UTF8')", "not stored as"),
        ("position = 90", "missing"),
        ("position = -1", "outside its own bounds"),
    ],
)
def test_columns_that_no_entry_holds(trail, change, says) -> None:
    """A copy beside the event that says something else, and an event out of bounds, are found as well."""
    trail.grown(10)
    tampered(trail.url, f"UPDATE knelpunt.event SET {change} WHERE position = 6")
    assert any(says in finding for finding in checked(trail))


def test_changes_in_the_files(trail) -> None:
    """Bits flipped in any file are found, and that it was the files; a file that is missing or strange, too."""
    trail.grown(270).grown(30)
    rng = random.Random(11)
    for name, content in trail.files().items():
        path = trail.folder.public / name
        changed = bytearray(content)
        bit = rng.randrange(len(content) * 8)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        if name == "checkpoint":
            assert checked(trail) == [
                "The published checkpoint is not the one signed last: knelpunt log checkpoint publishes that again."
            ]
        elif name in {"tile/0/001.p/14", "tile/entries/001.p/14"}:
            assert checked(trail) == [f"{name} is not what the tile was when it was that wide."]
        else:
            found = checked(trail)
            assert len(found) >= 2
            assert found[-1].startswith("The files themselves are not those that were signed")
        path.write_bytes(content)
    assert checked(trail) == []
    (trail.folder.public / "tile/0/readme").write_text("?")
    (trail.folder.public / "readme").write_text("?")
    assert checked(trail) == ["readme is no file of the log.", "tile/0/readme is no file of the log."]


def test_by_several_processes(trail, monkeypatch) -> None:
    """A log that is looked at in stretches by processes of their own is judged alike, also at their seams."""
    monkeypatch.setattr("knelpunt.infra.trail.sharing.ALONE_MAX", 0)
    monkeypatch.setattr("knelpunt.infra.trail.sharing.STRETCH_EVENTS", 256)
    trail.grown(1_000)
    told: list[int] = []
    assert list(check_trail(trail.folder, KEY.public, trail.url, lambda done, _: told.append(done))) == []
    assert told == [256, 512, 768, 1_000]
    tampered(
        trail.url,
        "UPDATE knelpunt.event SET recorded_at = (SELECT recorded_at FROM knelpunt.event WHERE position = 510) "
        "WHERE position = 512",
        "DELETE FROM knelpunt.event WHERE position = 900",
    )
    found = checked(trail)
    assert "The event at position 512 was recorded no later than the one before it." in found
    assert "The event at position 900 is missing in the database." in found
    assert any(finding.startswith("The event at position 512 is not the one") for finding in found)
    assert found[-1] == "The files are those that were signed: so it is the database that was changed."


def test_a_log_in_order_is_compared_file_by_file(trail, monkeypatch) -> None:
    """Events are looked at one by one only where a file, a column or the order is not as it should be."""
    trail.grown(600)
    looked: list[int] = []
    by_one = stretches._one_by_one

    def noted(rows, folder, first, *others) -> Stretch:
        looked.append(first)
        return by_one(rows, folder, first, *others)

    monkeypatch.setattr(stretches, "_one_by_one", noted)
    monkeypatch.setattr(sharing, "STRETCH_EVENTS", 256)
    assert checked(trail) == []
    assert looked == []
    tampered(trail.url, "UPDATE knelpunt.event SET occurred_at = occurred_at + interval '1 day' WHERE position = 300")
    assert len(checked(trail)) == 2
    assert looked == [256]


@pytest.mark.parametrize("does", ["exit 1", "exec cat"])
def test_helpers_that_do_not_help(trail, monkeypatch, tmp_path, does) -> None:
    """What a helper does not do, since it died or talks nonsense, is done all the same."""
    monkeypatch.setattr(sharing, "ALONE_MAX", 0)
    monkeypatch.setattr(sharing, "STRETCH_EVENTS", 256)
    monkeypatch.setattr(sharing, "processors", lambda: 3)
    trail.grown(1_000)
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    looked: list[int] = []

    def noted(connection, folder, first, *others) -> Stretch:
        looked.append(first)
        return stretches.looked_at(connection, folder, first, *others)

    monkeypatch.setattr(sharing, "looked_at", noted)
    assert checked(trail) == []
    assert sorted(looked) == [0, 256, 512, 768]


def test_a_signature_that_is_wrong(trail) -> None:
    """What was signed last must be signed by the log."""
    trail.grown(3)
    path = trail.folder.path / "signed"
    path.write_bytes(path.read_bytes().replace(b"\n3\n", b"\n2\n"))
    with pytest.raises(TrailError, match="does not fit"):
        checked(trail)


def test_a_database_that_was_set_back(trail) -> None:
    """A backup restored over a longer log is told by where it ends."""
    trail.grown(10)
    tampered(
        trail.url,
        "DELETE FROM knelpunt.event WHERE position >= 7",
        "UPDATE knelpunt.log_head SET next_position = 7",
    )
    found = checked(trail)
    assert "The events at positions 7 to 9 are missing in the database." in found
    assert "The database ends at 7 events, and 10 were signed." in found
