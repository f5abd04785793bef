"""The rule that decides correctness, held against databases that were given only the events in question."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from random import Random

import pytest

from histories.machine import NUDGES, TERMS
from infra.projecting.registries import fill, seen_at, some_registry, states_at
from knelpunt.domain.event import Event
from knelpunt.infra.projecting.projector import Projector


def catch_up(url: str) -> None:
    with closing(Projector(url)) as projector:
        projector.catch_up()


def pair_of_times(rng: Random, log: Sequence[Event]) -> tuple[datetime, datetime]:
    """Return two times that matter: at an event or a term after it, and at a moment of recording or beside it."""
    as_of = rng.choice(log).occurred_at + rng.choice((*TERMS, TERMS[0])) + rng.choice(NUDGES)
    return as_of, rng.choice(log[len(log) // 3 :]).recorded_at + rng.choice(NUDGES)


@pytest.mark.parametrize(
    "seeds",
    [
        *(pytest.param((seed,), id=str(seed)) for seed in range(6)),
        pytest.param(range(6, 200), id="many", marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
    ],
)
def test_the_answer_at_two_times_is_that_of_a_fresh_database(new_registry, seeds) -> None:
    """All rows at (A, K), in all columns but the windows, equal those of a registry of the events by A and K alone."""
    for seed in seeds:
        rng = Random(seed)
        log = some_registry(1_000 + seed, cases=rng.randint(3, 7))
        whole = new_registry()
        fill(whole, log)
        catch_up(whole)
        for _ in range(3):
            as_of, known_at = pair_of_times(rng, log)
            fresh = new_registry()
            held = seen_at(log, as_of, known_at)
            fill(fresh, held)
            catch_up(fresh)
            expected = states_at(fresh, as_of, known_at)
            assert states_at(whole, as_of, known_at) == expected, (seed, as_of, known_at)
            # Whoever asks a registry that holds no more need not say what was known.
            assert states_at(fresh, as_of, datetime.max.replace(tzinfo=as_of.tzinfo)) == expected
