"""Takes figures of docs/reliability.md: ``python -m benchmarks.reliability [fsck] [readings] [covered] [--events N]``.

``fsck`` makes a registry of so many events, publishes its log and checks it as ``knelpunt log fsck`` does. ``readings``
tells what recording whom a request reads of adds to its answer; ``covered``, how long after an event was recorded a
checkpoint covers it, at a hundred a second. The other figures there are taken by long tests.
"""

import argparse
import asyncio
import os
import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from statistics import median, quantiles
from threading import Event as Signal
from threading import Thread
from time import perf_counter
from typing import Final
from uuid import uuid4

from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.logbook.processing import ProcessingLog, Reading
from knelpunt.infra.trail.checking import check_trail
from knelpunt.infra.trail.folder import TrailFolder
from knelpunt.infra.trail.following import follow
from knelpunt.infra.trail.note import ED25519, new_key
from knelpunt.infra.trail.publisher import Publisher
from knelpunt.infra.vault.vault import Vault

from .commands import as_sent
from .generate import registrations
from .laboratory import Laboratory, laboratory
from .latency import sent, waits, watched
from .measuring import percentile

FIGURES: Final = ("fsck", "readings", "covered")
EVENTS: Final = 1_000_000
REQUESTS: Final = 500
RATE: Final = 100
SECONDS: Final = 60.0


def main() -> None:
    """Take the figures that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability")
    parser.add_argument("figures", nargs="*", choices=FIGURES, default=FIGURES)
    parser.add_argument("--events", type=int, default=EVENTS)
    arguments = parser.parse_args()
    with laboratory() as place:
        if "readings" in arguments.figures:
            readings(place)
        if "covered" in arguments.figures:
            covered(place)
        if "fsck" in arguments.figures:
            fsck(place, arguments.events)


def fsck(place: Laboratory, events: int) -> None:
    """Say how long publishing so many events takes, and checking them."""
    url = place.registry("fsck", events).url
    folder = TrailFolder(Path(tempfile.mkdtemp(prefix="knelpunt-trail-")))
    try:
        key = new_key("registry.example/events", ED25519, os.urandom(32))
        began = perf_counter()
        with closing(Publisher(folder, key, url)) as publisher:
            publisher.publish()
        print(f"published {events:,} entries in {perf_counter() - began:.1f} s", flush=True)
        place.settle(url)
        began, cpu = perf_counter(), _cpu_seconds()
        found = list(check_trail(folder, key.public, url))
        assert found == [], found
        used = f"with {_cpu_seconds() - cpu:.1f} s of {os.cpu_count()} cores, the database's own not counted"
        print(f"checked {events:,} entries in {perf_counter() - began:.1f} s, {used}", flush=True)
    finally:
        shutil.rmtree(folder.path, ignore_errors=True)


def _cpu_seconds() -> float:
    """Return what this process and those that it ended have used of all cores."""
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system


def readings(place: Laboratory) -> None:
    """Say how long it takes to record that a request read of one person, and of twenty."""
    url = place.migrated("readings")
    with closing(Vault(url, os.urandom(32))) as vault, closing(ProcessingLog(url, vault)) as log:
        everybody = [uuid4() for _ in range(1_000)]
        for people in (1, 20):
            seconds: list[float] = []
            for number in range(REQUESTS):
                whom = [everybody[(number * people + one) % len(everybody)] for one in range(people)]
                reading = Reading(actor="somebody", role="AGENCY", organisation="urn:org:agency", name="graphql")
                began = perf_counter()
                log.note(reading, whom)
                seconds.append(perf_counter() - began)
            p99 = quantiles(seconds, n=100)[98]
            print(
                f"recorded a reading of {people}: median {median(seconds) * 1000:.2f} ms, p99 {p99 * 1000:.2f} ms",
                flush=True,
            )


def covered(place: Laboratory) -> None:
    """Say how long after they were recorded events are covered by a checkpoint, at a hundred of them a second."""
    url = place.migrated("covered")
    folder = TrailFolder(Path(tempfile.mkdtemp(prefix="knelpunt-trail-")))
    stop = Signal()
    where = (folder, folder.path / "log.key", None, url, lambda what: print(what, flush=True), stop)
    publisher = Thread(target=follow, args=where, name="bench-publisher")

    def position() -> int:
        note = folder.checkpoint()
        return -1 if note is None else int(note.split(b"\n")[1]) - 1

    try:
        with bootstrap(url, os.urandom(32)) as parts:
            for answer in [parts.writer.submit(as_sent(command)) for command in registrations()]:
                answer.result()
            publisher.start()
            with watched(position) as seen:
                answered: list[tuple[int, float]] = []
                behind = asyncio.run(sent(parts, RATE, SECONDS, lambda position, at: answered.append((position, at))))
                waited = waits(seen, answered)
    finally:
        stop.set()
        if publisher.is_alive():
            publisher.join()
        shutil.rmtree(folder.path, ignore_errors=True)
    print(
        f"{len(waited)} events at {len(waited) / SECONDS:.0f}/s (sent {behind * 1000:.0f} ms late at most) were "
        f"covered by a checkpoint within {median(waited):.0f} ms, p99 {percentile(waited, 99):.0f} ms",
        flush=True,
    )


if __name__ == "__main__":
    main()
