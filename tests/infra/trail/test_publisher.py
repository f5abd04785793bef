"""Publishing: the files are the events', whatever dies, and nothing is signed that does not follow."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from errno import EIO, ENOSPC
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from time import monotonic, sleep

import psycopg
import pytest

from infra.trail.given import KEY, TAMPERINGS, Trail, entries, files_in, fill, tampered
from infra.trail.slow import SlowLog
from knelpunt.infra.trail import checkpoint as checkpoints
from knelpunt.infra.trail import folder as folders
from knelpunt.infra.trail import following, publisher
from knelpunt.infra.trail.errors import Inconsistent, TrailError
from knelpunt.infra.trail.folder import TrailFolder
from knelpunt.infra.trail.key import existing_key
from knelpunt.infra.trail.merkle import consistency_proof, verifies_consistency
from knelpunt.infra.trail.publisher import Publisher
from knelpunt.infra.trail.tiles import nodes, tiles_of


def assert_published(trail: Trail, size: int) -> None:
    """The trail has exactly the files of the first ``size`` events, and a checkpoint over them."""
    slow = SlowLog(entries(trail.url)[:size])
    files = trail.files()
    wanted = slow.files(size)
    assert {path: files[path] for path in wanted} == wanted
    found = checkpoints.opened(files["checkpoint"], KEY.public)
    assert (found.origin, found.size, found.root) == (KEY.name, size, slow.mth(0, size))
    assert trail.folder.signed() == files["checkpoint"]


def test_files_are_those_of_the_events(trail) -> None:
    """At each size the trail has the files that a slow builder makes of the events, and goes on consistently."""
    before = []
    for grown in (0, 1, 2, 252, 1, 44, 300):
        if grown:
            fill(trail.url, grown)
        found = trail.publisher().publish()
        before.append(found)
        assert_published(trail, found.size)
    size, root = before[-1].size, before[-1].root
    assert [one.size for one in before] == [0, 1, 3, 255, 256, 300, 600]
    node = nodes(size, trail.folder.read)
    for old in before:
        assert verifies_consistency(old.size, size, consistency_proof(old.size, size, node), old.root, root)
    # What a tile was while it grew is removed once it is full, and only then.
    partials = [path for path in trail.files() if ".p/" in path]
    assert partials == ["tile/0/002.p/88", "tile/1/000.p/1", "tile/1/000.p/2", "tile/entries/002.p/88"]


def test_one_publisher_goes_on(trail) -> None:
    """A publisher that stays publishes what came since; with nothing new, nothing is signed again."""
    publishing = trail.publisher()
    for _ in range(3):
        fill(trail.url, 100)
        publishing.publish()
    assert_published(trail, 300)
    inode = (trail.folder.public / "checkpoint").stat().st_ino
    publishing.publish()
    assert (trail.folder.public / "checkpoint").stat().st_ino == inode


def test_two_publishers_take_turns(trail) -> None:
    """What another program published is gone on from, and two at the same time keep out of each other's way."""
    first, second = trail.publisher(), trail.publisher()
    for publishing in (first, second, first):
        fill(trail.url, 30)
        publishing.publish()
    fill(trail.url, 300)
    threads = [Thread(target=publishing.publish) for publishing in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_published(trail, 390)


def test_a_lost_checkpoint_is_published_again(trail) -> None:
    """A program that died between signing and publishing is made good by the next."""
    trail.grown(3)
    (trail.folder.public / "checkpoint").unlink()
    trail.publisher().publish()
    assert_published(trail, 3)


def test_the_memory_of_what_was_signed_is_not_lost_with_one_file(trail) -> None:
    """Without its note of the last signature, the log still goes on from what it published."""
    trail.grown(3)
    (trail.folder.path / "signed").unlink()
    trail.grown(3)
    assert_published(trail, 6)


@pytest.mark.parametrize("how", TAMPERINGS)
def test_nothing_is_signed_over_a_changed_past(trail, how) -> None:
    """What a superuser changes stops the publishing, which says so; recording goes on, the old checkpoint stands."""
    trail.grown(10)
    before = trail.files()
    tampered(trail.url, "CREATE TABLE kept AS SELECT * FROM knelpunt.event", TAMPERINGS[how])
    fill(trail.url, 5)
    for _ in range(2):
        with pytest.raises(Inconsistent):
            trail.publisher().publish()
    assert trail.files() == before
    assert "published" in (trail.folder.halted() or "")
    fill(trail.url, 1)

    tampered(
        trail.url,
        "DELETE FROM knelpunt.event",
        "INSERT INTO knelpunt.event SELECT * FROM kept",
        "UPDATE knelpunt.log_head SET next_position = 10",
    )
    fill(trail.url, 2)
    trail.publisher().publish()
    assert trail.folder.halted() is None
    assert_published(trail, 12)


def test_a_change_further_back_is_found_on_patrol(trail) -> None:
    """An old event that was changed is found by the publisher's patrol, and nothing is signed until it is mended."""
    trail.grown(1500)
    publishing = trail.publisher()
    publishing.publish()
    change = "UPDATE knelpunt.event SET version = version {} 7000 WHERE position = 700"
    tampered(trail.url, change.format("+"))
    publishing.patrol()
    with pytest.raises(Inconsistent, match="position 700"):
        publishing.patrol()
    fill(trail.url, 1)
    for each in (publishing, trail.publisher()):
        with pytest.raises(Inconsistent, match="position 700"):
            each.publish()
    tampered(trail.url, change.format("-"))
    publishing.publish()
    assert_published(trail, 1501)
    for _ in range(4):
        publishing.patrol()
    assert publishing._patrol_due > monotonic() + 3600


def test_a_changed_file_stops_the_publishing(trail) -> None:
    """Tiles that are not as they were signed are not gone on from, nor written over."""
    trail.grown(300)
    path = trail.folder.public / "tile/0/001.p/44"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(TrailError):
        trail.grown(1)
    path.write_bytes(content)
    trail.publisher().publish()
    ahead = trail.folder.public / "tile/0/001.p/46"
    ahead.write_bytes(b"other")
    with pytest.raises(TrailError, match="other bytes"):
        trail.grown(1)
    assert ahead.read_bytes() == b"other"
    ahead.unlink()
    trail.publisher().publish()
    assert_published(trail, 302)


def test_a_log_signed_by_another_key_is_not_gone_on_from(trail) -> None:
    """A key that did not sign the last checkpoint signs nothing here."""
    trail.grown(3)
    with pytest.raises(TrailError):
        Publisher(trail.folder, checkpoints.PrivateKey(KEY.name, KEY.kind, bytes(32)), trail.url).publish()


class Died(BaseException):
    """The program ends here."""


class Fate:
    """Lets the publisher's writing go well for so many steps, and then go wrong."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = sys.maxsize
        self.steps = 0
        self.error: BaseException = Died()
        for owner, name in ((os, "fsync"), (os, "open"), (Path, "rename"), (Path, "mkdir")):
            monkeypatch.setattr(owner, name, self.before(getattr(owner, name)))

    def before(self, step):
        def wrapped(*arguments, **options):
            self.steps += 1
            self.left -= 1
            if self.left < 0:
                raise self.error
            return step(*arguments, **options)

        return wrapped


@pytest.mark.parametrize(
    "error",
    [Died(), OSError(ENOSPC, "full"), pytest.param(OSError(EIO, "broken"), marks=pytest.mark.long)],
    ids=["died", "full", "io"],
)
def test_writing_may_end_anywhere(trail, tmp_path, monkeypatch, error) -> None:
    """Whichever step is the last one, the older checkpoint stands meanwhile, and trying again gives the same files."""
    trail.grown(250)
    earlier = trail.folder.checkpoint()
    fill(trail.url, 300)
    monkeypatch.setattr(publisher, "BATCH_EVENTS", 200)
    undisturbed = TrailFolder(tmp_path / "undisturbed")
    with monkeypatch.context() as patch:
        fate = Fate(patch)
        fate.error = error
        died = 0
        while True:
            fate.left = died
            try:
                trail.publisher().publish()
                break
            except (Died, OSError):
                checkpoint = trail.folder.checkpoint()
                assert checkpoint is not None
                assert checkpoints.opened(checkpoint, KEY.public).size in {250, 450}
                assert died > 0 or checkpoint == earlier
            died += 1
            assert died < 200, "every try comes further than the one before"
    assert died > 10
    assert_published(trail, 550)
    publishing = Publisher(undisturbed, KEY, trail.url)
    publishing.publish()
    publishing.close()
    full = {tile.path for tile in tiles_of(550)} | {"checkpoint"}
    files = trail.files()
    assert {path: files[path] for path in full} == {path: files_in(undisturbed)[path] for path in full}


PROGRAM = Path(__file__).parent / "publishing_program.py"


@pytest.mark.parametrize("kills", [3, pytest.param(150, marks=[pytest.mark.long, pytest.mark.timeout(3600)])])
def test_killed_at_any_moment(trail, tmp_path, kills) -> None:
    """Killed with -9 at random moments and run again, the publisher leaves the files of one that never was."""
    fill(trail.url, 3000)
    line = [sys.executable, str(PROGRAM), trail.url, str(trail.folder.path)]
    rng = random.Random(7)
    ended = 0
    for _ in range(kills):
        with subprocess.Popen(line, stdout=subprocess.PIPE) as program:
            assert program.stdout is not None
            program.stdout.readline()
            sleep(rng.uniform(0, 0.2))
            program.send_signal(signal.SIGKILL)
            ended += program.wait() == 0
        fill(trail.url, 5)
    assert ended < kills, "the moments are chosen so that some are in the midst of it"
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    assert_published(trail, 3000 + 5 * kills)


def test_an_event_is_covered_within_two_seconds(trail) -> None:
    """Beside the service, what is recorded is under a published checkpoint within two seconds."""
    with _followed(trail):
        _await_size(trail, 0, 10)
        longest = 0.0
        for size in range(1, 12):
            fill(trail.url, 1)
            longest = max(longest, _await_size(trail, size, 2))
            sleep(0.05 * (size % 3))
        assert longest < 2
    with psycopg.connect(trail.url) as connection:
        row = connection.execute("SELECT origin FROM knelpunt.registry").fetchone()
    assert row is not None
    checkpoint = trail.folder.checkpoint()
    assert checkpoint is not None
    assert checkpoint.decode().startswith(f"{row[0]}\n11\n")


def test_a_change_further_back_is_found_while_all_goes_on(trail, monkeypatch) -> None:
    """The patrol takes its steps where there is no second in which nothing is recorded."""
    monkeypatch.setattr(following, "POLL_SECONDS", 0.5)
    fill(trail.url, 1500)
    with _followed(trail):
        _await_size(trail, 1500, 10)
        tampered(trail.url, "UPDATE knelpunt.event SET version = version + 7000 WHERE position = 1200")
        began = monotonic()
        while trail.folder.halted() is None and monotonic() < began + 10:
            fill(trail.url, 1)
            sleep(0.02)
        assert "position 1200" in (trail.folder.halted() or "")


@contextmanager
def _followed(trail: Trail) -> Generator[None]:
    """Have the log published beside the block as it is beside the service."""
    stop = Signal()
    place = (trail.folder, trail.folder.path / "log.key", None, trail.url)
    program = Thread(target=following.follow, args=(*place, list[str]().append, stop))
    program.start()
    try:
        yield
    finally:
        stop.set()
        program.join()


def _await_size(trail: Trail, size: int, seconds: float) -> float:
    started = monotonic()
    while monotonic() < started + seconds:
        note = trail.folder.checkpoint()
        if note is not None and int(note.split(b"\n")[1]) >= size:
            return monotonic() - started
        sleep(0.01)
    raise AssertionError(f"{size} events are not covered after {seconds} s")


def test_a_lost_key_is_not_replaced(trail, caplog) -> None:
    """A log that was signed gets no new key by itself: the program says that it is missing and signs nothing."""
    trail.grown(2)
    key = trail.folder.path / "log.key"
    stop, made = Signal(), list[str]()
    program = Thread(target=following.follow, args=(trail.folder, key, None, trail.url, made.append, stop))
    program.start()
    deadline = monotonic() + 5
    while "is missing" not in caplog.text and monotonic() < deadline:
        sleep(0.01)
    stop.set()
    program.join()
    assert "is missing" in caplog.text
    assert not key.exists()
    assert made == []


def test_keys_are_for_their_owner_alone(trail) -> None:
    """A new key can be read by nobody else, and one that can is not used."""
    path = trail.folder.path / "log.key"
    made: list[str] = []
    following.publisher_for(trail.folder, path, "registry.example/log", trail.url, made.append).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert made == [existing_key(path).public.text]
    path.chmod(0o640)
    with pytest.raises(TrailError, match="open to other users"):
        following.publisher_for(trail.folder, path, None, trail.url, made.append)
    path.unlink()
    with pytest.raises(TrailError, match="no name for a key"):
        following.publisher_for(trail.folder, path, "two words", trail.url, made.append)
    assert len(made) == 1
    assert path.name == folders.KEY
