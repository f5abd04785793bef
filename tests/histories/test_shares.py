"""Machine-made histories are hard: they hold every kind of gap, and everything that makes a derivation go wrong."""

from collections import Counter
from random import Random

import pytest

from histories.machine import end_of, has_late, has_tied, make_history, questions, shrunk
from knelpunt.domain.vocabulary import GapKind
from oracle.oracle import answer

COUNT = 400


@pytest.fixture(scope="module")
def made():
    """Some hundred histories, each with what the oracle finds when all is over."""
    histories = [make_history(Random(seed)) for seed in range(COUNT)]
    return [(history, answer(history, end_of(history))) for history in histories]


def test_every_kind_of_gap_lies_in_one_of_twenty(made):
    """Each kind of gap that a case can have is found in at least five histories of a hundred."""
    found = Counter(kind for _, given in made for kind in {gap.kind for gap in given.gaps})
    of_causes = {GapKind.CAUSE_UNOWNED, GapKind.ESCALATION_UNANSWERED, GapKind.MEASURE_OVERDUE}
    of_a_case = set(GapKind) - of_causes - {GapKind.UNCOORDINATED}  # which lies over all cases of a subject
    assert {kind.value: found[kind] for kind in of_a_case if found[kind] < COUNT / 20} == {}


def test_plans_for_deadlocks_that_are_late_occur(made):
    """In two histories of a hundred at least, some of them kept in the end."""
    late = [
        [gap for gap in given.gaps if gap.kind is GapKind.COMMITMENT_OVERDUE and gap.obstacle is None]
        for _, given in made
    ]
    assert sum(bool(gaps) for gaps in late) >= 0.02 * COUNT
    assert sum(any(not gap.open for gap in gaps) for gaps in late) >= 0.01 * COUNT


def test_late_corrected_struck_conflicting_and_tied_events_are_common(made):
    """Late events are in three histories of ten; corrected, struck, conflicting and tied ones in one of ten each."""
    late = sum(has_late(history) for history, _ in made)
    topics = Counter(topic for history, _ in made for topic in {e.data.topic for e in history})
    conflicting = sum(bool(given.conflicts) for _, given in made)
    tied = sum(has_tied(history) for history, _ in made)
    assert late >= 0.3 * COUNT
    assert min(topics["fact-corrected"], topics["event-struck"], conflicting, tied) >= 0.1 * COUNT


def test_histories_without_conflicts_are_common_too(made):
    """At least a quarter of the histories hold together: not everything may be noise."""
    assert sum(not given.conflicts for _, given in made) >= 0.25 * COUNT


def test_claims_knowers_several_obstacles_and_long_histories_occur(made):
    """Custody on another's word, known_to, several obstacles and a hundred events are there to be handled."""
    shares = Counter()
    for history, given in made:
        shares["claimed"] += any(segment.claimed for segment in given.segments)
        shares["known to others"] += any(e.known_to for e in history)
        shares["several obstacles"] += len(given.figures) > 1
        shares["inferred"] += any(e.inferred for e in history)
        shares["a hundred events"] += len(history) >= 100
    assert min(shares[what] for what in ("claimed", "known to others", "several obstacles", "inferred")) >= 0.1 * COUNT
    assert shares["a hundred events"] >= 0.01 * COUNT
    assert min(len(history) for history, _ in made) >= 4


def test_a_history_is_one_stream_in_order_of_recording(made):
    """Positions and versions have no holes, ids are unique, recorded_at strictly increases and follows occurred_at."""
    for history, _ in made:
        assert [(e.version, e.position) for e in history] == [(n + 1, n) for n in range(len(history))]
        assert len({e.id for e in history}) == len(history)
        assert len({e.stream for e in history}) == 1
        recorded = [e.recorded_at for e in history]
        assert recorded == sorted(set(recorded))
        assert all(e.occurred_at <= e.recorded_at for e in history)


def test_the_same_seed_makes_the_same_history_and_questions():
    """A failure that names its seed can be had again."""
    first, second = (make_history(Random(7)) for _ in range(2))
    assert first == second
    assert questions(Random(7), first) == questions(Random(7), second)


def test_shrinking_leaves_only_what_a_failure_needs():
    """What is left of a history that fails for two events is those two."""
    history = next(h for h in (make_history(Random(seed)) for seed in range(100)) if len(h) > 10)
    needed = {history[3].id, history[8].id}
    assert {e.id for e in shrunk(history, lambda part: needed <= {e.id for e in part})} == needed
