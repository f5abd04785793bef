"""The derivation says what the slow and obvious oracle says, over machine-made histories and hard questions."""

from random import Random

import pytest
from hypothesis import given

from histories.machine import asked_histories, make_history, questions, shrunk
from histories.organisations import followed
from knelpunt.domain.event import Event
from knelpunt.projections.derivation.answer import answer
from oracle import oracle
from projections.derivation.plainly import differences, plainly, shown

SHARE = 50
"""Histories in a test: small enough that two cores have about the same to do."""

NORMAL, LONG = 1_000, 20_000


def differ(history: list[Event], question) -> dict:
    """Return in what the derivation and the oracle differ at a question."""
    derived, expected = answer(history, *question), oracle.answer(history, *question)
    found = differences(plainly(derived), expected)
    if found:
        return found
    # The oracle names gaps by a function of its own.
    names = {gap.id for gap in derived.gaps}, {gap.id_in(history[0].stream) for gap in expected.gaps}
    return {} if names[0] == names[1] else {"names": names}


def hold_to_the_oracle(seeds: range) -> None:
    for seed in seeds:
        rng = Random(seed)
        history = make_history(rng)
        for question in questions(rng, history):
            if differ(history, question):
                least = shrunk(history, lambda part, question=question: bool(differ(part, question)))
                pytest.fail(f"seed {seed}, asked {question}:\n{shown(least)}\n{differ(least, question)}")


@pytest.mark.parametrize("start", range(0, NORMAL, SHARE))
def test_the_derivation_equals_the_oracle(start):
    """Segments, gaps, conflicts, figures and names are the same in fifty histories, at six questions each."""
    hold_to_the_oracle(range(start, start + SHARE))


def hold_to_the_oracle_where_organisations_ended(seeds: range) -> None:
    for seed in seeds:
        rng = Random(seed)
        history = followed(rng, make_history(rng))
        for question in questions(rng, history):
            assert differ(history, question) == {}, f"seed {seed}, asked {question}:\n{shown(history)}"


def test_the_derivation_equals_the_oracle_where_organisations_ended():
    """The same in histories into which the registry wrote what mergers, dissolutions and transfers mean."""
    hold_to_the_oracle_where_organisations_ended(range(SHARE))


@pytest.mark.long
def test_the_derivation_equals_the_oracle_where_many_organisations_ended():
    """The same for nineteen hundred more."""
    hold_to_the_oracle_where_organisations_ended(range(SHARE, 2_000))


@pytest.mark.long
@pytest.mark.parametrize("start", range(NORMAL, LONG, 10 * SHARE))
def test_the_derivation_equals_the_oracle_in_many_more_histories(start):
    """The same for nineteen thousand histories beyond the first thousand."""
    hold_to_the_oracle(range(start, start + 10 * SHARE))


@given(asked_histories())
def test_the_derivation_equals_the_oracle_in_histories_with_holes(asked):
    """The same where events are missing, shrunk by Hypothesis to a smallest example if not."""
    history, question = asked
    assert differ(history, question) == {}
