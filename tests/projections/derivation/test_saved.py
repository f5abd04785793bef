"""What late events go on from is saved; that rows come out the same, test_timelines.py holds."""

from datetime import timedelta
from random import Random

from msgspec.structs import replace

from histories.machine import is_mending, make_history
from knelpunt.projections.derivation.saved import LATE_EVENTS_MAX, Saves
from knelpunt.projections.derivation.timelines import case_timelines


def test_every_late_event_finds_its_state_saved():
    """After a history that mends nothing no state is wanted any more: each late event took the one saved for it."""
    wanted = 0
    for seed in range(60):
        history = [event for event in make_history(Random(seed)) if not is_mending(event)]
        saves = Saves(history)
        wanted += len(saves.wanted)
        timelines = case_timelines(history[0].stream, saves=saves)
        for event in history:
            timelines.record(event)
        assert saves.wanted == []
    assert wanted > 0


def test_nothing_is_saved_where_it_would_cost_more_than_it_spares():
    """A history told backwards wants states for as many late events as are allowed, and none for one more."""
    event = make_history(Random(1))[0]
    backwards = [
        replace(event, position=day, occurred_at=event.occurred_at - timedelta(days=day))
        for day in range(LATE_EVENTS_MAX + 2)
    ]
    assert len(Saves(backwards[:-1]).wanted) == LATE_EVENTS_MAX
    assert Saves(backwards).wanted == []
