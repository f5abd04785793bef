"""The machine that makes hard histories of one case, and hard questions to ask of them.

``make_history`` takes plain randomness (fast, for thousands of runs from a seed); ``histories`` gives the same to
Hypothesis, which shrinks by leaving events out, and so also makes histories with holes in them.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final

import msgspec
from hypothesis import strategies as st

from knelpunt.domain.case.facts import HandoffOffered, ResolutionContested, TermSet, WaitingBegan
from knelpunt.domain.event import Event

from .plots import PLOTS, anything, something
from .recording import record
from .world import ONLOOKER, ORGANISATIONS, World

SIZES: Final = ((4, 8), (8, 16), (8, 16), (12, 24), (12, 24), (16, 40), (16, 40), (24, 40))
LARGE: Final = (100, 140)
LARGE_SHARE: Final = 0.03

Question = tuple[datetime, datetime | None, str | None]
"""``as_of``, ``known_at`` and ``known_to``."""

TERMS: Final = tuple(timedelta(days=n) for n in (0, 7, 14, 21, 28, 56, 70))
"""What deadlines lie after an event by: graces, terms, and one after the other."""

NUDGES: Final = (timedelta(0),) * 4 + tuple(timedelta(microseconds=n) for n in (-1, 1)) + (timedelta(hours=30),)


def make_history(rng: Random, size: int | None = None) -> list[Event]:
    """Return the events of one case in order of recording: 4 to 40 of them, in 3 % of the histories 100 or more."""
    if size is None:
        size = rng.randint(*(LARGE if rng.random() < LARGE_SHARE else rng.choice(SIZES)))
    world = World(rng)
    oddity = rng.choice((0.0, 0.0, 0.05, 0.2))
    for _ in range(rng.choice((1, 1, 2, 3))):
        world.report(world.other() if world.chance(0.55) else None)
        world.pass_time()
    while len(world.drafts) < size:
        draw = rng.random()
        if draw < oddity:
            anything(world)
        elif draw < 0.3 + oddity and size - len(world.drafts) > 3:
            rng.choice(PLOTS)(world)
        else:
            something(world)
    return record(world, rng)


def end_of(history: Sequence[Event]) -> datetime:
    """Return a moment when all of a history had occurred and was recorded, and some terms had passed since."""
    return max(max(e.occurred_at, e.recorded_at) for e in history) + timedelta(days=21)


def questions(rng: Random, history: Sequence[Event], count: int = 6) -> list[Question]:
    """Return questions at events and deadlines, on the dot and a microsecond beside it; the first asks for all."""
    return [(end_of(history), None, None), *(_question(rng, history) for _ in range(count - 1))]


def _question(rng: Random, history: Sequence[Event]) -> Question:
    """Return one question."""
    as_of = rng.choice([*_moments(rng.choice(history)), end_of(history)]) + rng.choice(NUDGES)
    known_at = rng.choice(history).recorded_at + rng.choice(NUDGES) if rng.random() < 0.4 else None
    known_to = rng.choice((ONLOOKER, *ORGANISATIONS)) if rng.random() < 0.3 else None
    return as_of, known_at, known_to


def _moments(e: Event) -> Iterator[datetime]:
    """Yield the moments at which something may begin because of an event."""
    yield from (e.occurred_at + term for term in TERMS)
    yield e.recorded_at
    match e.data:
        case HandoffOffered(delivered_at=delivered, respond_by=deadline):
            yield from (t for t in (deadline, delivered, e.recorded_at + timedelta(days=14)) if t is not None)
        case TermSet(due=due) | ResolutionContested(answer_due=due) | WaitingBegan(until=due):
            yield from () if due is None else (due, due + timedelta(days=7), due + timedelta(days=56))


def renumbered(events: Sequence[Event]) -> list[Event]:
    """Return events as a stream of their own: versions from 1 and positions from 0, without holes."""
    return [msgspec.structs.replace(e, version=n + 1, position=n) for n, e in enumerate(events)]


def shrunk(history: Sequence[Event], still_fails: Callable[[list[Event]], bool]) -> list[Event]:
    """Return a smallest part of a history that still fails, leaving out events one by one until none can be missed."""
    kept = list(history)
    while True:
        for n in reversed(range(len(kept))):
            fewer = renumbered(kept[:n] + kept[n + 1 :])
            if fewer and still_fails(fewer):
                kept = fewer
                break
        else:
            return kept


@st.composite
def histories(draw: st.DrawFn, max_size: int = 40) -> list[Event]:
    """Histories for Hypothesis, of about ``max_size`` events at most; about one event in fifty is left out."""
    rng = Random(draw(st.integers(0, 2**32 - 1)))
    made = make_history(rng, rng.randint(4, max_size))
    kept = [e for e in made if draw(st.integers(0, 50)) > 0]
    return renumbered(kept or made[:1])


@st.composite
def asked_histories(draw: st.DrawFn, max_size: int = 40) -> tuple[list[Event], Question]:
    """Histories with one question each, for Hypothesis."""
    history = draw(histories(max_size))
    rng = Random(draw(st.integers(0, 2**32 - 1)))
    return history, draw(st.sampled_from(questions(rng, history)))


def has_late(history: Sequence[Event]) -> bool:
    """Whether an event was recorded after one that occurred later; mendings have no time of their own."""
    facts = [e for e in history if not is_mending(e)]
    return any(a.occurred_at > b.occurred_at for n, b in enumerate(facts) for a in facts[:n])


def has_tied(history: Sequence[Event]) -> bool:
    """Whether two facts occurred at the same moment, the opening aside."""
    times = [e.occurred_at for e in history[1:] if not is_mending(e)]
    return len(set(times)) < len(times)


def is_mending(e: Event) -> bool:
    """Whether an event corrects or strikes another."""
    return e.data.mends
