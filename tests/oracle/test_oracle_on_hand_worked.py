"""The oracle gives exactly the answers that people worked out by hand from gaps.md."""

import pytest

from histories import hand_worked
from oracle.oracle import answer

HISTORIES = hand_worked.load() if hand_worked.available() else []


@pytest.mark.skipif(not HISTORIES, reason="the hand-worked histories (../shared/data/histories) are not here")
def test_every_history_is_here():
    """The file holds the sixteen histories and forty-seven questions that its own README counts."""
    assert (len(HISTORIES), sum(len(h.questions) for h in HISTORIES)) == (16, 47)


@pytest.mark.parametrize("history", HISTORIES, ids=lambda h: h.name)
def test_the_oracle_answers_as_worked_out_by_hand(history):
    """Segments, gaps and conflicts are the same at every question, in the same order."""
    for question in history.questions:
        given = answer(history.events, question.as_of, question.known_at, question.known_to)
        assert history.filed(given.segments, given.gaps, given.conflicts) == question.answer
