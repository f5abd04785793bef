"""A mirror: a checked copy, which grows with the log and keeps what it has when the log does not go on from it."""

from pathlib import Path

import pytest

from infra.trail.given import KEY, TAMPERINGS, Trail, files_in, fill, tampered
from knelpunt.infra.trail import verify
from knelpunt.infra.trail.bundling import write_bundle
from knelpunt.infra.trail.errors import Inconsistent, TrailError
from knelpunt.infra.trail.folder import TrailFolder
from knelpunt.infra.trail.mirror import Mirror, fetching
from knelpunt.infra.trail.note import ED25519, new_key
from knelpunt.infra.trail.publisher import Publisher


def mirroring(trail: Trail, out: Path, *, with_entries: bool = True) -> tuple[TrailFolder, Mirror]:
    folder = TrailFolder(out)
    return folder, Mirror(folder, KEY.public, trail.folder.content, with_entries=with_entries)


def test_it_grows_with_the_log(trail, tmp_path) -> None:
    """At each size the copy has the log's files, and a bundle made of it is verified."""
    folder, mirror = mirroring(trail, tmp_path / "mirror")
    for count in (0, 1, 255, 300, 7):
        trail.grown(count) if count else trail.publisher().publish()
        size = mirror.update().size
        assert mirror.update().size == size
    write_bundle(folder, KEY.public, None, tmp_path / "bundle")
    assert verify.main([str(tmp_path / "bundle"), f"--key={KEY.public.text}"]) == 0
    theirs, ours = trail.files(), files_in(folder)
    assert {name: theirs.get(name) for name in ours} == ours
    assert set(theirs) - set(ours) <= {"tile/0/001.p/44"}


def test_hashes_alone(trail, tmp_path) -> None:
    """Without an auditor's token it mirrors what is public, and sees as well whether the log only grows."""
    folder, mirror = mirroring(trail, tmp_path / "mirror", with_entries=False)
    for _ in range(2):
        trail.grown(290)
        mirror.update()
    assert not any("entries" in name for name in files_in(folder))
    assert files_in(folder)["tile/0/001"] == trail.files()["tile/0/001"]
    _, whole = mirroring(trail, tmp_path / "mirror")
    whole.update()
    assert files_in(folder)["tile/entries/001"] == trail.files()["tile/entries/001"]


@pytest.mark.parametrize("how", ["replaced", "dropped", "inserted and moved up", "reordered"])
def test_another_history_is_not_mirrored(trail, tmp_path, how) -> None:
    """Who signs a changed past anew finds that the mirror keeps what it saw, byte for byte."""
    folder, mirror = mirroring(trail, tmp_path / "mirror")
    trail.grown(10)
    mirror.update()
    before = files_in(folder)
    tampered(trail.url, TAMPERINGS[how])
    tampered(
        trail.url,
        "UPDATE knelpunt.log_head SET next_position = (SELECT max(position) + 1 FROM knelpunt.event)",
    )
    if how != "dropped":
        fill(trail.url, 3)
    forged = Trail(trail.url, tmp_path / "forged")
    publishing = Publisher(forged.folder, KEY, trail.url)
    publishing.publish()
    publishing.close()
    other = Mirror(folder, KEY.public, forged.folder.content, with_entries=True)
    with pytest.raises(Inconsistent):
        other.update()
    assert files_in(folder) == before


def test_damaged_files_are_not_mirrored(trail, tmp_path) -> None:
    """A file that is changed, cut or missing on the way is refused, and the copy stays whole."""
    trail.grown(300)
    for number, (name, content) in enumerate(trail.files().items()):
        if name == "tile/1/000.p/1":
            continue  # it is computed, never fetched
        folder, mirror = mirroring(trail, tmp_path / f"mirror-{number}")
        path = trail.folder.public / name
        for change in (content[:-1] + bytes([content[-1] ^ 1]), content[:-1], b"", None):
            if change is None:
                path.unlink()
            else:
                path.write_bytes(change)
            with pytest.raises(TrailError):
                mirror.update()
            assert folder.checkpoint() is None
        path.write_bytes(content)
        assert mirror.update().size == 300


def test_whose_log_it_is(trail, tmp_path) -> None:
    """Only what the key signed is mirrored, and only from an address that is one."""
    trail.grown(3)
    stranger = new_key(KEY.name, ED25519, bytes(32)).public
    with pytest.raises(TrailError, match="not one of this log"):
        Mirror(TrailFolder(tmp_path / "m"), stranger, trail.folder.content, with_entries=False).update()
    with pytest.raises(TrailError, match="no address"):
        fetching("file:///etc", None)
    with pytest.raises(TrailError, match="cannot be reached"):
        fetching("http://127.0.0.1:1", None)("checkpoint")
