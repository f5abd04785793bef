"""The derivation gives exactly the answers that people worked out by hand from gaps.md."""

import pytest

from histories import hand_worked
from knelpunt.projections.derivation.answer import answer
from projections.derivation.plainly import plainly

HISTORIES = hand_worked.load() if hand_worked.available() else []


@pytest.mark.skipif(not HISTORIES, reason="the hand-worked histories (../shared/data/histories) are not here")
def test_there_is_something_to_answer():
    """Every history has a question, so that none passes by not being asked."""
    assert all(history.questions for history in HISTORIES)


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.name)
def test_the_derivation_answers_as_worked_out_by_hand(history):
    """Segments, gaps and conflicts are the same at every question, in the same order."""
    for question in history.questions:
        given = plainly(answer(history.events, question.as_of, question.known_at, question.known_to))
        assert history.filed(given.segments, given.gaps, given.conflicts) == question.answer
