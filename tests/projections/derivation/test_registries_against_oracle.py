"""The derivation says what the oracle says of whole registries: persons with several cases, organisations that go."""

from random import Random

import pytest

from histories.machine import questions
from histories.registry import make_registry
from knelpunt.domain.event import Event
from oracle.registry import Log
from projections.derivation.plainly import shown
from projections.derivation.test_against_oracle import differ


def hold_cases_to_the_oracle(log: Log, rng: Random, count: int) -> None:
    """Ask every case some questions, through all three lenses."""
    for history in log.cases.values():
        for question in questions(rng, history, count):
            assert differ(history, question) == {}, f"asked {question}:\n{shown(history)}"


def registry(seed: int, cases: int) -> tuple[list[Event], Random]:
    rng = Random(seed)
    return make_registry(rng, cases), rng


def test_every_case_of_a_registry_equals_the_oracle() -> None:
    """Segments, gaps, conflicts, figures and names, with what mergers and transfers wrote, in some fifty cases."""
    for seed in range(4):
        events, rng = registry(seed, 12)
        hold_cases_to_the_oracle(Log(events), rng, 4)


@pytest.mark.long
@pytest.mark.parametrize("start", range(100, 1_100, 50))
def test_every_case_of_many_registries_equals_the_oracle(start: int) -> None:
    """The same in some twenty thousand cases."""
    for seed in range(start, start + 50):
        events, rng = registry(seed, 20)
        hold_cases_to_the_oracle(Log(events), rng, 6)
