"""The oracle keeps the laws that gaps.md states as such, over machine-made histories."""

from itertools import pairwise

from hypothesis import given

from histories.machine import asked_histories, is_mending
from oracle.oracle import answer
from oracle.told import told


@given(asked_histories())
def test_segments_tile_the_open_time(asked):
    """Segments of an obstacle never overlap, and together last as long as it was open."""
    history, (as_of, known_at, known_to) = asked
    given = answer(history, as_of, known_at, known_to)
    for obstacle, figures in given.figures.items():
        chain = [s for s in given.segments if s.obstacle == obstacle]
        assert all(before.until is not None and before.until <= after.from_ for before, after in pairwise(chain))
        assert sum(((s.until or as_of) - s.from_ for s in chain[1:]), (chain[0].until or as_of) - chain[0].from_) == (
            figures.days_open
        )


@given(asked_histories())
def test_nothing_in_an_answer_lies_after_the_question(asked):
    """No gap or segment begins or ends after the moment asked for, and no gap counts that did not last."""
    history, (as_of, known_at, known_to) = asked
    given = answer(history, as_of, known_at, known_to)
    assert all(x.from_ <= as_of and (x.until is None or x.until <= as_of) for x in (*given.segments, *given.gaps))
    assert all(gap.lasted for gap in given.gaps if gap.counts)


@given(asked_histories())
def test_the_rule_that_decides_correctness(asked):
    """An answer through the lenses is that of a registry which holds only what they show, and every mending."""
    history, (as_of, known_at, known_to) = asked
    shown = {e.id for e in told(history, as_of, known_at, known_to).placed}
    recorded = [e for e in history if known_at is None or e.recorded_at <= known_at]
    registry = [e for e in recorded if is_mending(e) or e.id in shown]
    assert answer(registry, as_of) == answer(history, as_of, known_at, known_to)
