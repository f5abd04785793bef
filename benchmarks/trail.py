"""Rows: what a log of events costs those who check it: ``log fsck`` of all of it, and the proof of one entry.

The check derives every entry again from the database, hashes it, and compares it with the files. A proof reads the
published files alone; for it the log is made without a database, of entries that look like events.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Final

import psycopg

from knelpunt.domain.topics import VERSIONS
from knelpunt.infra.store import codec
from knelpunt.infra.trail import checkpoint as checkpoints
from knelpunt.infra.trail import verify
from knelpunt.infra.trail.checking import check_trail
from knelpunt.infra.trail.checkpoint import Checkpoint
from knelpunt.infra.trail.entry import entry
from knelpunt.infra.trail.folder import CHECKPOINT, TrailFolder
from knelpunt.infra.trail.merkle import leaf_hash
from knelpunt.infra.trail.note import ED25519, PrivateKey, new_key
from knelpunt.infra.trail.proving import Prover
from knelpunt.infra.trail.publisher import Publisher
from knelpunt.infra.trail.tiles import ENTRIES, WIDTH, GrowingHashes, Tile, entries_in, tile_at

from .generate import registry
from .laboratory import History, Laboratory, Registry
from .measuring import ROUNDS, Report, Row, alternate, percentile, rate

ORIGIN: Final = "registry.example/events"
PROOFS: Final = 500
ENTRIES_MADE: Final = 20_000
"""Entries that are made in full for the proofs; after them the same again, each with its own position before it."""

FILES_AT_ONCE: Final = 1024
"""How many files are put on disk together."""


def check(laboratory: Laboratory, given: Registry, report: Report, rounds: int = ROUNDS) -> Row:
    """Measure the check of a registry's log against hashing its entries."""
    report(f"fsck: publishing {given.events} entries")
    with tempfile.TemporaryDirectory(prefix="knelpunt-bench-trail-") as name:
        folder = TrailFolder(Path(name))
        key = _key()
        with closing(Publisher(folder, key, given.url)) as publisher:
            assert publisher.publish().size == given.events, "the whole log is published"
        laboratory.settle(given.url)
        _assert_noticed(folder, key, given)
        report(f"fsck: {given.events} entries, {rounds} rounds")
        entries = list(_published(folder, given.events))
        size = sum(map(len, entries))

        def ours() -> float:
            def checked() -> None:
                wrong = list(check_trail(folder, key.public, given.url))
                assert not wrong, wrong[0]

            return rate(given.events, checked)

        def hashed() -> float:
            return rate(given.events, lambda: [sha256(one).digest() for one in entries])

        checked, theirs = alternate((ours, hashed), rounds)
    row = Row(
        key="fsck",
        what="`log fsck`: every entry derived from the database again, hashed, and compared with the files",
        against="hashlib.sha256 over the same bytes in one loop",
        events=given.events,
        unit="entries/s",
        ours=checked,
        theirs=theirs,
        at_least=0.25,
        details={"bytes of an entry on average": size / given.events},
        meaning=(
            "Ours: reading the events, making the entry of each, its leaf and the tree over them, and comparing every "
            "bundle and tile with what was published, by all processors where the log is long. Theirs: one hash of "
            "each entry, made beforehand and in memory. A changed event and a changed file were found before."
        ),
    )
    row.limited, row.limited_value, row.limit, row.limit_unit = "the whole", given.events / row.ours_median, 60.0, "s"
    return row


def proof(events: int, report: Report, proofs: int = PROOFS) -> Row:
    """Measure the proof of one entry of a log of so many, from its files alone."""
    report(f"proof: making the files of a log of {events} entries")
    rng = Random(events)
    with tempfile.TemporaryDirectory(prefix="knelpunt-bench-trail-") as name:
        folder = TrailFolder(Path(name))
        asked = [rng.randrange(events) for _ in range(proofs)]
        root, leaves = _log(folder, events, set(asked))
        report(f"proof: {proofs} of them, each verified")
        samples: list[float] = []
        for index in asked:
            begun = perf_counter()
            found = Prover(folder).inclusion(index)
            samples.append((perf_counter() - begun) * 1000)
            assert found.leaf == leaves[index], "the proof is of another entry"
            assert verify.is_included(index, events, leaves[index], found.hashes, root), "the proof proves nothing"
    return Row(
        key="proof",
        what="one inclusion proof, from the published files alone",
        against="nobody: a limit of its own",
        events=events,
        unit="ms",
        ours=samples,
        theirs=[],
        limited="p99",
        limited_value=percentile(samples, 99),
        limit=5.0,
        meaning=(
            "Opening the published checkpoint and reading the hashes of a proof, for an entry drawn at random, with no "
            "database and nothing at hand from the proof before. Each was verified by the program for auditors, "
            "against a root that it computed itself."
        ),
    )


def _key() -> PrivateKey:
    return new_key(ORIGIN, ED25519, os.urandom(32))


def _published(folder: TrailFolder, size: int) -> Iterator[bytes]:
    """Yield the entries that stand in the files."""
    for number in range(-(-size // WIDTH)):
        tile = tile_at(ENTRIES, number, size)
        yield from entries_in(folder.read(tile), tile.width)


def _assert_noticed(folder: TrailFolder, key: PrivateKey, given: Registry) -> None:
    """Look whether the check finds what is wrong: a byte of a bundle, and a letter of an event."""
    path = folder.public / tile_at(ENTRIES, 0, given.events).path
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"id"', b'"di"', 1))
    assert any("position 0 " in sentence for sentence in check_trail(folder, key.public, given.url))
    path.write_bytes(whole)
    change = "UPDATE knelpunt.event SET recorded_at = recorded_at + %s * interval '1 microsecond' WHERE position = %s"
    middle = given.events // 2
    with psycopg.connect(given.url, autocommit=True) as admin:
        assert admin.execute(change, (1, middle)).rowcount == 1, "the server's owner can change an event"
        assert any(f"position {middle} " in sentence for sentence in check_trail(folder, key.public, given.url))
        admin.execute(change, (-1, middle))


def _log(folder: TrailFolder, events: int, kept: set[int]) -> tuple[bytes, dict[int, bytes]]:
    """Write and sign a log's hashes; return its root, as an auditor computes it, and the leaves of some entries."""
    few = [
        entry(
            event.position, event.recorded_at, event.stream, event.version, event.data.topic,
            VERSIONS[event.data.topic], codec.encode(event),
        )
        for event in History(registry(min(events, ENTRIES_MADE), 1), 1).events()
    ]  # fmt: skip
    growing, audited = GrowingHashes(), verify.Tree()
    leaves: dict[int, bytes] = {}
    waiting: list[tuple[Tile, bytes]] = []
    with folder.locked():
        for index in range(events):
            leaf = leaf_hash(few[index] if index < len(few) else b"%d %b" % (index, few[index % len(few)]))
            if index in kept:
                leaves[index] = leaf
            audited.add(leaf)
            waiting += growing.append_hash(leaf)
            if len(waiting) >= FILES_AT_ONCE:
                folder.store({tile.path: content for tile, content in waiting})
                waiting.clear()
        folder.store({tile.path: content for tile, content in (*waiting, *growing.edge())})
        root = audited.root()
        note = checkpoints.sign(Checkpoint(ORIGIN, events, root), _key())
        folder.replace(folder.public / CHECKPOINT, note)
    return root, leaves
