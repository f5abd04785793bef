"""The reactor against PostgreSQL: all is written once, wherever it is killed, and facts found late are followed."""

import secrets
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from uuid import UUID

import psycopg
import pytest

from infra.succession.registries import (
    DAY,
    HEIR,
    MERGED_AT,
    OLD,
    OTHER,
    about,
    case,
    case_id,
    event,
    fill,
    obstacle_id,
    record,
    written,
)
from knelpunt.domain.case import facts as f
from knelpunt.domain.case.facts import EventStruck, ResponsibilityMoved
from knelpunt.domain.ids import event_id_of
from knelpunt.domain.organisation.facts import (
    OrganisationDissolved,
    OrganisationEventStruck,
    OrganisationFact,
    OrganisationFactCorrected,
    OrganisationMerged,
    OrganisationRenamed,
    TaskTransferred,
)
from knelpunt.domain.vocabulary import StrikeReason
from knelpunt.infra.bootstrap import Parts, bootstrap
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.store.batch import Recorded
from knelpunt.infra.store.connection import REGISTRY
from knelpunt.infra.store.reading import events_of
from knelpunt.infra.succession import reactor as reacting
from knelpunt.infra.succession.reactor import Reactor
from knelpunt.projections.derivation.answer import answer

MASTER = b"m" * 32
PROGRAM = Path(__file__).parent / "reacting_program.py"


@pytest.fixture
def parts(registry_url: str) -> Iterator[Parts]:
    with bootstrap(registry_url, MASTER) as found:
        yield found


def told(parts: Parts, fact, at=MERGED_AT) -> None:
    assert isinstance(parts.writer.submit(about(fact, at)).result(30), Recorded)


def follow(parts: Parts) -> None:
    """Project all that is recorded, and have all written that is due."""
    with closing(Projector(parts.url)) as projector, closing(Reactor(parts.url, parts.writer.submit)) as reactor:
        position = projector.catch_up()
        assert reactor.catch_up() == position
        projector.catch_up()
        reactor.catch_up()


def topics(parts: Parts) -> Counter[str]:
    return Counter(text.split()[0] for _, _, text in written(parts.url))


@pytest.mark.parametrize("batch", [1, 7, 200])
def test_a_merger_moves_what_is_held(parts, monkeypatch, batch) -> None:
    """Each obstacle that the organisation held moves once, in batches of any size; doing it again writes nothing."""
    monkeypatch.setattr(reacting, "BATCH_CASES", batch)
    monkeypatch.setattr(reacting, "BATCH_EVENTS", 3 * batch)
    fill(parts.url, 20)
    follow(parts)
    told(parts, OrganisationMerged(OLD, HEIR))
    follow(parts)
    assert topics(parts)[ResponsibilityMoved.topic] == 16
    before = written(parts.url)
    with psycopg.connect(parts.url) as connection:
        connection.execute("UPDATE knelpunt.succession SET position = -1")
    follow(parts)
    assert written(parts.url) == before


def holders(parts: Parts, cases: int) -> Counter[str | None]:
    """Who is responsible for how many obstacles in the end: their holders, or to whom they were moved."""
    found: Counter[str | None] = Counter()
    for number in range(cases):
        history = events_of(parts.registry.reader, REGISTRY, [case_id(number)])
        given = answer(history, datetime.now(UTC))
        assert given.conflicts == ()
        (one,) = given.obstacles
        moved = [told.event.data.to for told in given.timeline
                 if isinstance(told.event.data, ResponsibilityMoved) and told.struck_by is None]  # fmt: skip
        assert one.holder is None or not moved
        found[one.holder or (moved[-1] if moved else None)] += 1
    return found


def event_told(fact: OrganisationFact, at: datetime = MERGED_AT) -> UUID:
    """The event of a fact that was told."""
    return event_id_of(about(fact, at).id)


def test_a_merger_that_never_happened_is_undone(parts) -> None:
    """Every move that followed from it is struck; once the striking is struck too, all moves again."""
    fill(parts.url, 10)
    told(parts, OrganisationMerged(OLD, HEIR))
    follow(parts)
    assert holders(parts, 10) == {HEIR: 8, None: 2}
    strike = OrganisationEventStruck(OLD, event_told(OrganisationMerged(OLD, HEIR)), StrikeReason.NEVER_HAPPENED)
    told(parts, strike)
    follow(parts)
    assert holders(parts, 10) == {OLD: 8, None: 2}
    assert topics(parts)[EventStruck.topic] == 8
    told(parts, OrganisationEventStruck(OLD, event_told(strike), StrikeReason.NEVER_HAPPENED), MERGED_AT + DAY)
    follow(parts)
    assert holders(parts, 10) == {HEIR: 8, None: 2}
    before = written(parts.url)
    with psycopg.connect(parts.url) as connection:
        connection.execute("UPDATE knelpunt.succession SET position = -1")
    follow(parts)
    assert written(parts.url) == before


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        pytest.param("into", OTHER, {OTHER: 8, None: 2}, id="another successor"),
        pytest.param("occurred_at", "2023-01-01T00:00:00Z", {HEIR: 8, None: 2}, id="later"),
        pytest.param("occurred_at", "2021-01-01T00:00:00Z", {HEIR: 8, None: 2}, id="earlier"),
    ],
)
def test_a_merger_is_corrected(parts, field, value, expected) -> None:
    """What followed from it as it was told is struck, and what follows from it as it was is written."""
    fill(parts.url, 10)
    told(parts, OrganisationMerged(OLD, HEIR))
    follow(parts)
    told(parts, OrganisationFactCorrected(OLD, event_told(OrganisationMerged(OLD, HEIR)), field, value))
    follow(parts)
    assert holders(parts, 10) == expected
    assert (topics(parts)[ResponsibilityMoved.topic], topics(parts)[EventStruck.topic]) == (16, 8)


def test_a_line_of_heirs_is_mended(parts) -> None:
    """Obstacles that went past an organisation to its heir come back to it when its own merger is struck."""
    fill(parts.url, 10)
    told(parts, OrganisationMerged(HEIR, OTHER), MERGED_AT - DAY)
    told(parts, OrganisationMerged(OLD, HEIR))
    follow(parts)
    assert holders(parts, 10) == {OTHER: 8, None: 2}
    first = event_told(OrganisationMerged(HEIR, OTHER), MERGED_AT - DAY)
    told(parts, OrganisationEventStruck(HEIR, first, StrikeReason.DUPLICATE))
    follow(parts)
    assert holders(parts, 10) == {HEIR: 8, None: 2}


def test_a_mended_name_is_no_matter_of_cases(parts) -> None:
    """Nothing is swept, and nothing written, where nothing can follow for a case."""
    fill(parts.url, 5)
    told(parts, OrganisationRenamed(OLD, "Oud"))
    told(parts, OrganisationEventStruck(OLD, event_told(OrganisationRenamed(OLD, "Oud")), StrikeReason.DUPLICATE))
    before = written(parts.url)
    follow(parts)
    assert written(parts.url) == before


def test_without_projections_it_waits(parts) -> None:
    """Before anything was projected there is nothing to look at, and that is no failure."""
    with closing(Reactor(parts.url, parts.writer.submit)) as reactor:
        assert reactor.catch_up() == -1


def test_late_facts_are_followed(parts) -> None:
    """What is found late about an organisation that has ended moves when it is found; what did not hold is struck."""
    fill(parts.url, 10)
    told(parts, OrganisationMerged(OLD, HEIR))
    follow(parts)
    late = case(11)
    record(parts.url, late)
    # Found late: the obstacle of case 1 was let go of two years before the merger.
    stream = case_id(1)
    record(parts.url, [event(stream, 4, f.CustodyReleased(obstacle_id(1), OLD), MERGED_AT.replace(year=2020))])
    follow(parts)
    found = Counter(topics(parts))
    assert found[ResponsibilityMoved.topic] == 8 + 1
    assert found[EventStruck.topic] == 1
    history = events_of(parts.registry.reader, REGISTRY, [stream])
    assert answer(history, history[-1].recorded_at).conflicts == ()


def test_organisations_of_one_line(parts) -> None:
    """What moved to an heir that is dissolved later, and that nobody took, waits with nobody; other tasks stay."""
    fill(parts.url, 4)
    told(parts, TaskTransferred(OLD, "jeugdhulp", HEIR), MERGED_AT)
    told(parts, OrganisationMerged(HEIR, OTHER), MERGED_AT.replace(year=2023))
    told(parts, OrganisationDissolved(OLD), MERGED_AT.replace(year=2024))
    follow(parts)
    history = events_of(parts.registry.reader, REGISTRY, [case_id(1)])
    moves = [one.data for one in history if isinstance(one.data, ResponsibilityMoved)]
    assert [(move.from_, move.to, move.basis) for move in moves] == [
        (OLD, HEIR, "TASK_TRANSFER"), (HEIR, OTHER, "SUCCESSION"),
    ]  # fmt: skip


def test_two_at_once_write_everything_once(parts, monkeypatch) -> None:
    """Two that run beside a projector, while people record, do the work of one."""
    monkeypatch.setattr(reacting, "BATCH_CASES", 3)
    fill(parts.url, 30)
    stopping = threading.Event()
    submit = parts.writer.submit
    runs: list[Callable[[threading.Event], None]] = [
        Projector(parts.url).run,
        Reactor(parts.url, submit).run,
        Reactor(parts.url, submit).run,
    ]
    threads = [threading.Thread(target=run, args=(stopping,)) for run in runs]
    for thread in threads:
        thread.start()
    try:
        told(parts, OrganisationMerged(OLD, HEIR))
        record(parts.url, [one for number in range(30, 40) for one in case(number)])
        deadline = time.monotonic() + 30
        while topics(parts)[ResponsibilityMoved.topic] < 32:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        stopping.set()
        for thread in threads:
            thread.join(30)
    follow(parts)
    assert topics(parts)[ResponsibilityMoved.topic] == 32


def killed_and_not(new_registry, cases: int, kills: int, batch: int) -> None:
    """Check that a merger whose writing is killed at random moments ends as one that was not."""
    seed = secrets.randbits(32)
    print(f"{kills} kills at the moments of seed {seed}")  # shown if the test fails
    rng = Random(seed)
    one, other = new_registry(), new_registry()
    for url in (one, other):
        fill(url, cases)
        with bootstrap(url, MASTER) as parts:
            told(parts, OrganisationMerged(OLD, HEIR))
            with closing(Projector(url)) as projector:
                projector.catch_up()
    struck = 0
    for kill in range(kills):
        with subprocess.Popen(
            [sys.executable, PROGRAM, one, MASTER.hex(), str(batch)], stdout=subprocess.PIPE, text=True
        ) as program:
            assert program.stdout is not None
            # Each takes its part of what is left, so that there is something left for the last one.
            for _ in range(rng.randint(1, max(2, cases // kills))):
                line = program.stdout.readline()
                if line in {"done\n", ""}:
                    break
            time.sleep(rng.random() * 0.02)
            struck += program.poll() is None
            program.kill()
        with closing(Projector(one)) as projector:
            # Somebody records meanwhile, late: about an obstacle of the old organisation.
            record(one, case(cases + kill))
            projector.catch_up()
    assert struck == kills
    record(other, [each for kill in range(kills) for each in case(cases + kill)])
    for url in (one, other):
        with bootstrap(url, MASTER) as parts:
            follow(parts)
    assert written(one) == written(other)
    held = [number for number in range(cases + kills) if number % 5]
    assert sum(text.startswith(ResponsibilityMoved.topic) for _, _, text in written(one)) == len(held)


def test_killed_anywhere(new_registry) -> None:
    """A merger that is killed at random moments and goes on ends as one that was not."""
    killed_and_not(new_registry, cases=150, kills=3, batch=4)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_ten_thousand_obstacles_killed_twenty_times(new_registry) -> None:
    """The same of 10,000 obstacles and 20 kills."""
    killed_and_not(new_registry, cases=12_500, kills=20, batch=200)
