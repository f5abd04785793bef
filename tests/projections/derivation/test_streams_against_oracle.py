"""Dialogues, dossiers, networks and experiments that a machine made: against the oracle, and at two times."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from histories.recording import one_log
from histories.streams import KINDS, make_stream
from histories.world import START
from knelpunt.domain.event import Event
from knelpunt.domain.vocabulary import GapKind, LearningKind
from knelpunt.projections.derivation.learning import LearningAnswer, learning_answer
from knelpunt.projections.derivation.learning_kinds import DERIVATIONS
from oracle.commitments import Owed, overdue
from oracle.told import Correction, Striking, mend

DAY = timedelta(days=1)
OWING = (LearningKind.DIALOGUE, LearningKind.POLICY_DOSSIER)
MOMENTS = st.integers(-3, 260).map(lambda days: START + DAY * days)


@st.composite
def streams(draw: st.DrawFn, kinds=KINDS) -> tuple[LearningKind, list[Event]]:
    """Streams of a kind; now and then an event is left out."""
    kind = draw(st.sampled_from(kinds))
    made = make_stream(Random(draw(st.integers(0, 2**32 - 1))), kind)
    return kind, one_log([event for event in made if event is made[0] or draw(st.integers(0, 30)) > 0])


def derived(
    kind: LearningKind, history: list[Event], as_of: datetime, known_at: datetime | None = None
) -> LearningAnswer:
    return learning_answer(DERIVATIONS[kind], history, as_of, known_at)


@given(streams(OWING), MOMENTS, st.none() | MOMENTS)
def test_what_is_owed_is_what_the_oracle_says(made, as_of, known_at) -> None:
    """The gaps, whose they are, and the events without effect are those that follow from the definitions alone."""
    kind, history = made
    if known_at is not None and known_at < history[0].recorded_at:
        known_at = history[0].recorded_at
    found = derived(kind, history, as_of, known_at)
    owed, inert = overdue(history, as_of, known_at)
    assert {Owed(gap.begun_by, gap.from_, gap.until, gap.to_act[0]) for gap in found.gaps} == owed
    assert {gap.kind for gap in found.gaps} <= {GapKind.COMMITMENT_OVERDUE}
    mendings = {event.id for event in history if isinstance(event.data, Correction | Striking)}
    assert {conflict.event for conflict in found.conflicts} - mendings == inert


@given(streams(), MOMENTS, MOMENTS)
def test_the_answer_at_two_times_is_that_of_a_registry_that_knew_no_more(made, as_of, known_at) -> None:
    """What is so at (A, K) is what follows from the events recorded by K and occurred by A alone, asked at A."""
    kind, history = made
    recorded = [event for event in history if event.recorded_at <= known_at]
    if not recorded:
        return
    now = {event.id: event.occurred_at for event in mend(recorded)[0]}
    held = [event for event in recorded if isinstance(event.data, Correction | Striking) or now[event.id] <= as_of]
    whole, fresh = derived(kind, history, as_of, known_at), derived(kind, held, as_of)
    assert whole.state == fresh.state
    assert (whole.gaps, whole.timeline) == (fresh.gaps, fresh.timeline)
    hidden = {event.id for event in recorded} - {event.id for event in held}
    assert {one for one in whole.conflicts if one.event not in hidden} == set(fresh.conflicts)


@given(streams(), st.randoms(use_true_random=False))
def test_the_order_of_recording_makes_no_difference(made, rng) -> None:
    """Where moments differ, whatever is told in whatever order comes to the same in the end."""
    kind, history = made
    told = [event for event in history if not isinstance(event.data, Correction | Striking)]
    moments = Counter(event.occurred_at for event in told)
    plain = [event for event in told if moments[event.occurred_at] == 1]
    if not plain or plain[0].data.topic != history[0].data.topic:
        return
    recorded = sorted(event.recorded_at for event in plain)
    shuffled = one_log([
        replace(event, recorded_at=at) for event, at in zip(rng.sample(plain, len(plain)), recorded, strict=True)
    ])  # fmt: skip
    end = START + DAY * 400
    one, other = derived(kind, one_log(plain), end), derived(kind, shuffled, end)
    assert {(gap.begun_by, gap.from_, gap.until) for gap in one.gaps} == {
        (gap.begun_by, gap.from_, gap.until) for gap in other.gaps
    }
    assert {conflict.event for conflict in one.conflicts} == {conflict.event for conflict in other.conflicts}


def _recorded(event: Event, at: datetime) -> Event:
    from msgspec.structs import replace

    return replace(event, recorded_at=at)


@pytest.mark.parametrize("kind", KINDS)
def test_the_streams_are_hard(kind) -> None:
    """Many of the streams that the machine makes have late events, conflicts, mendings, ties, and gaps if any do."""
    made = [make_stream(Random(seed), kind) for seed in range(200)]
    end = START + DAY * 400
    answers = [derived(kind, history, end) for history in made]
    events = [event for history in made for event in history]
    late = [event for event in events if event.recorded_at - event.occurred_at > DAY]
    assert len(late) >= 0.25 * len(events)
    assert sum(bool(answer.conflicts) for answer in answers) >= 20
    assert sum(any(event.data.mends for event in history) for history in made) >= 60
    assert sum(len({event.occurred_at for event in history}) < len(history) for history in made) >= 20
    if kind in OWING:
        assert sum(bool(answer.gaps) for answer in answers) >= 60
        assert sum(any(gap.open for gap in answer.gaps) for answer in answers) >= 20
        said = [event for answer in answers for event, _ in answer.said]
        assert len(said) >= 20
