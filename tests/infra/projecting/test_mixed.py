"""The property tests of the spine over everything at once: cases beside causes, dialogues and all else that is learnt.

Made from seeds with their own moments of recording, and by a machine that records now, in whatever order it likes,
projects in batches of any size in between, and asks at two times of what came of it.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from random import Random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from histories.machine import NUDGES, TERMS
from histories.mixed import in_another_order, make_mixed, told_at_different_moments
from infra.projecting.registries import (
    PAST,
    everything,
    fill,
    organisation_events,
    record,
    recorded,
    seen_at,
    states_at,
)
from knelpunt.domain.event import Event
from knelpunt.domain.registry.facts import RegistryFact
from knelpunt.infra.projecting import projector as projecting
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store.connection import DatabaseRole, connect

FAR = datetime(2026, 1, 1, tzinfo=UTC)
"""After all that machines tell of, terms and graces included."""
FOR_EVER = datetime.max.replace(tzinfo=UTC)
LEARNT = ("stream_state", "stream_link", "gap_state", "todo_state", "investigation_member", "investigation_dialogue")

BATCHES = (1, 7, 1_000)


def catch_up(url: str, batch: int | None = None) -> None:
    with pytest.MonkeyPatch.context() as patched, closing(Projector(url)) as projector:
        if batch is not None:
            patched.setattr(projecting, "BATCH_EVENTS", batch)
        projector.catch_up()


def mixed(seed: int, cases: int = 2) -> tuple[Random, list[Event]]:
    rng = Random(f"mixed {seed}")
    return rng, make_mixed(rng, organisation_events(rng), PAST, cases)


def assert_same(found: dict[str, list[str]], expected: dict[str, list[str]], told: object) -> None:
    """Two read models hold the same; what they do not have in common is shown."""
    apart = {
        table: (sorted(set(found[table]) - set(rows)), sorted(set(rows) - set(found[table])))
        for table, rows in expected.items()
        if found[table] != rows
    }
    assert not apart, (told, apart)


def assert_same_as_a_fresh_one(
    new_registry: Callable[[], str], url: str, log: Sequence[Event], as_of: datetime, known_at: datetime
) -> None:
    """The rows at two times are those of a registry that was given only what was recorded and had happened by then."""
    fresh = new_registry()
    fill(fresh, [replace(event, source="a test") for event in seen_at(log, as_of, known_at)])
    catch_up(fresh)
    expected = states_at(fresh, as_of, known_at)
    found = states_at(url, as_of, known_at)
    assert_same(found, expected, (as_of, known_at))
    assert_same(states_at(fresh, as_of, FOR_EVER), expected, (as_of, known_at))


def pair_of_times(rng: Random, log: Sequence[Event]) -> tuple[datetime, datetime]:
    """Two times that matter: at an event or a term after it, and at a moment of recording or beside it."""
    event = rng.choice(log)
    stated = [getattr(event.data, name, None) for name in ("due", "respond_by")]
    moments = [event.occurred_at + term for term in (*TERMS, TERMS[0])] + [one for one in stated if one is not None]
    return rng.choice(moments) + rng.choice(NUDGES), rng.choice(log[len(log) // 3 :]).recorded_at + rng.choice(NUDGES)


FEW_AND_MANY = [
    *(pytest.param((seed,), id=str(seed)) for seed in range(2)),
    pytest.param(range(2, 60), id="many", marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
]


@pytest.mark.parametrize("seeds", FEW_AND_MANY)
def test_the_answer_at_two_times_is_that_of_a_fresh_database(new_registry, seeds) -> None:
    """All rows at (A, K), in all columns but the windows, equal those of a registry of the events by A and K alone."""
    for seed in seeds:
        rng, log = mixed(seed)
        whole = new_registry()
        fill(whole, log)
        catch_up(whole)
        for _ in range(3):
            assert_same_as_a_fresh_one(new_registry, whole, log, *pair_of_times(rng, log))


@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param((102,), id="102"),
        pytest.param(range(101, 130), id="many", marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
def test_batches_of_any_size_equal_a_rebuild(new_registry, seeds) -> None:
    """Live rows equal rebuilt ones in every column of every table, whatever came in one transaction."""
    told: set[str] = set()
    for seed in seeds:
        _, log = mixed(seed, cases=1)
        for batch in BATCHES:
            url = new_registry()
            fill(url, log)
            catch_up(url, batch)
            live = everything(url)
            rebuild(url, workers=1)
            assert_same(everything(url), live, (seed, batch))
            told |= {table for table, rows in live.items() if rows}
    assert told >= {*LEARNT, "case_state", "chain_state"}


@pytest.mark.parametrize(
    "seeds",
    [
        *(pytest.param((seed,), id=str(seed)) for seed in range(200, 202)),
        pytest.param(range(202, 260), id="many", marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
def test_any_order_of_recording_comes_to_the_same(new_registry, seeds) -> None:
    """Where moments differ, the final rows hang on what happened and not on when it was told."""
    for seed in seeds:
        rng, log = mixed(seed)
        first, again = new_registry(), new_registry()
        straight = told_at_different_moments(log)
        fill(first, straight)
        fill(again, in_another_order(rng, straight, PAST))
        catch_up(first)
        catch_up(again)
        assert_same(states_at(again, FAR, FOR_EVER), states_at(first, FAR, FOR_EVER), seed)


class RecordingNow(RuleBasedStateMachine):
    """A registry to which what happened is told stream by stream, late as can be, while it is projected and asked."""

    def __init__(self, new_registry: Callable[[], str]) -> None:
        """Make registries by ``new_registry``."""
        super().__init__()
        self.new_registry = new_registry
        self.url = ""
        self.waiting: dict[UUID, list[Event]] = {}
        self.versions: dict[UUID, int] = {}

    @initialize(seed=st.integers(0, 2**32 - 1), shuffled=st.booleans())
    def begin(self, seed: int, shuffled: bool) -> None:
        """Start with an empty registry, and with all that is there to be told of each stream."""
        self.rng, log = mixed(seed)
        for event in log:
            # What says how long is long goes by when it is recorded: commands tell of it at once.
            if not isinstance(event.data, RegistryFact):
                self.waiting.setdefault(event.stream, []).append(event)
        if shuffled:
            for events in self.waiting.values():
                facts = [event for event in events[1:] if not event.data.mends]
                # No command mends what has not been recorded; and which of two was told last is what they say.
                events[1:] = [*self.rng.sample(facts, len(facts)), *(one for one in events if one.data.mends)]
        self.url = self.new_registry()

    @precondition(lambda self: self.waiting)
    @rule(streams=st.integers(1, 4), count=st.sampled_from((1, 3, 30)))
    def tell(self, streams: int, count: int) -> None:
        """Record some events of some streams, in one go."""
        told: list[Event] = []
        for stream in self.rng.sample(sorted(self.waiting), min(streams, len(self.waiting))):
            events = self.waiting[stream]
            for event in events[:count]:
                self.versions[stream] = version = self.versions.get(stream, 0) + 1
                told.append(replace(event, version=version))
            del events[:count]
            if not events:
                del self.waiting[stream]
        with connect(self.url, DatabaseRole.APPENDER) as connection:
            record(connection, told)

    @rule(batch=st.sampled_from(BATCHES))
    def project(self, batch: int) -> None:
        """Bring the read model to the end of the log."""
        catch_up(self.url, batch)

    @precondition(lambda self: self.versions)
    @rule()
    def ask(self) -> None:
        """Ask at two times."""
        catch_up(self.url)
        log = recorded(self.url)
        as_of, known_at = pair_of_times(self.rng, log)
        assert_same_as_a_fresh_one(self.new_registry, self.url, log, min(as_of, known_at), known_at)

    def teardown(self) -> None:
        """In the end, what was projected step by step is what is projected all at once."""
        if not self.url:
            return
        catch_up(self.url)
        live = everything(self.url)
        rebuild(self.url, workers=1)
        assert_same(everything(self.url), live, "in the end")


@pytest.mark.parametrize(
    ("examples", "steps"),
    [
        pytest.param(2, 8, id="few"),
        pytest.param(80, 15, id="many", marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
def test_a_registry_that_is_told_in_any_order_while_it_is_asked(new_registry, examples, steps) -> None:
    """Whatever is told, projected and asked in whatever order: two times, and incremental equals rebuilt, always."""
    run_state_machine_as_test(
        # A machine is made by calling this; that it need not be a class, the types of Hypothesis do not know.
        lambda: RecordingNow(new_registry),  # pyright: ignore[reportArgumentType]
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            # Databases are made for each example: shrinking by hundreds of them would take hours.
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
            derandomize=True,
        ),
    )
