"""What the registry writes of mergers, ends and tasks that pass on leaves every obstacle where a plain oracle has it.

The oracle never sees what the registry wrote: it is given what people recorded and what became of organisations.
"""

from collections.abc import Sequence
from datetime import datetime
from random import Random
from uuid import UUID

import pytest

from histories.machine import make_history
from histories.organisations import TICK, changes_by, due, some_ends, streams_of
from histories.persons import make_person
from histories.registry import followed, make_organisations
from knelpunt.domain.case.facts import ObstacleReported
from knelpunt.domain.event import Event
from knelpunt.domain.organisation.succession import is_written_by_registry
from oracle.interfaces import story_of
from oracle.story import segments
from oracle.succession import changes_of, succeeded


def chains(story: list[Event]) -> dict[UUID, list[tuple[str | None, datetime, datetime | None]]]:
    """Who held each obstacle, from when until when."""
    obstacles = [event.data.obstacle for event in story if isinstance(event.data, ObstacleReported)]
    return {o: [(s.holder, s.from_, s.until) for s in segments(story, o)] for o in obstacles}


def hold_to_the_oracle(written: Sequence[Event], organisations: Sequence[Event], now: datetime) -> bool:
    """Compare a case with what was written into it to the oracle's; return whether anything was."""
    people = [event for event in written if not is_written_by_registry(event)]
    asked = written[-1].recorded_at + TICK
    right = chains(succeeded(people, changes_of(organisations), now))
    assert chains(story_of(written, max(now, asked), max(now, asked))) == right
    return len(people) < len(written)


def in_the_end(history: Sequence[Event]) -> datetime:
    return max(max(event.occurred_at, event.recorded_at) for event in history)


def look_once(seed: int) -> bool:
    """Have the registry look when everything is recorded: often, something ended in the middle of the case."""
    rng = Random(seed)
    history = make_history(rng)
    now = in_the_end(history)
    organisations = streams_of(*some_ends(rng, history))
    return hold_to_the_oracle([*history, *due(history, changes_by(organisations), now)], organisations, now)


def look_now_and_then(seed: int) -> bool:
    """Have the registry look in between, on what was recorded by then, in each of a person's cases."""
    rng = Random(seed)
    organisations = make_organisations(rng)
    moved = False
    for history in make_person(rng):
        now = in_the_end(history)
        known = [event for event in organisations if event.recorded_at <= now]
        moved |= hold_to_the_oracle(followed(rng, history, organisations), known, now)
    return moved


def test_everything_lies_where_the_oracle_has_it() -> None:
    """In forty cases and those of fifty persons, in a good part of which something moved."""
    assert sum(look_once(seed) for seed in range(40)) > 10
    assert sum(look_now_and_then(seed) for seed in range(50)) > 10


@pytest.mark.long
@pytest.mark.parametrize("start", range(1_000, 21_000, 1_000))
def test_everything_lies_where_the_oracle_has_it_in_many_more(start: int) -> None:
    """The same for ten thousand cases and those of ten thousand persons."""
    assert sum(look_once(seed) for seed in range(start, start + 500)) > 100
    assert sum(look_now_and_then(seed) for seed in range(start + 500, start + 1_000)) > 60
