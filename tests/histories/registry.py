"""The machine that makes whole registries: persons with several cases, and organisations that come, merge and go.

What a merger, a dissolution or a task that passes on does to obstacles is written into the cases as the registry writes
it, each time on what was recorded by then, so that late facts are followed too. All of it is one log.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final

import msgspec
from hypothesis import strategies as st

from knelpunt.domain.event import Event
from knelpunt.domain.organisation.facts import (
    OrganisationDissolved,
    OrganisationFact,
    OrganisationMerged,
    OrganisationRegistered,
    ParentChanged,
    TaskTransferred,
)
from knelpunt.domain.organisation.succession import Changes
from knelpunt.domain.vocabulary import OrganisationKind

from .machine import questions
from .organisations import HEIR, LAST, changes_by, due, organisation_event
from .persons import make_person
from .recording import TICK, one_log
from .world import ONLOOKER, ORGANISATIONS, START, THEME

PARENTS: Final = ("urn:org:GROUP", "urn:org:STATE")
DAY: Final = timedelta(days=1)
WRITES: Final = 0.2
"""After which share of the events the registry looks whether something is due; it always does in the end."""


def make_organisations(rng: Random) -> list[Event]:
    """Return the events of all organisations: some are units from the start, some become one, merge, end or pass on."""
    events: list[Event] = []
    for name in (*PARENTS, HEIR, LAST, ONLOOKER, *ORGANISATIONS):
        parent = rng.choice(PARENTS) if name not in PARENTS and rng.random() < 0.25 else None
        facts: list[tuple[OrganisationFact, datetime]] = [
            (OrganisationRegistered(name, name, OrganisationKind.OTHER, parent), START - 100 * DAY)
        ]
        if name in ORGANISATIONS:
            facts += sorted(_doings(name, rng), key=lambda doing: doing[1])
        known = START - 90 * DAY
        for n, (fact, at) in enumerate(facts):
            known = max(known + TICK, at + rng.choice((0, 0, 0, 1, 30, 100)) * DAY) if n else known
            made = organisation_event(fact, at, n)
            events.append(msgspec.structs.replace(made, recorded_at=known))
    return events


def _doings(name: str, rng: Random) -> Iterator[tuple[OrganisationFact, datetime]]:
    """Yield what may become of an organisation, and when."""
    other = rng.choice([one for one in (HEIR, *ORGANISATIONS) if one != name])
    options: Sequence[tuple[OrganisationFact, float]] = (
        (ParentChanged(name, rng.choice((None, *PARENTS, other))), 0.3),
        (ParentChanged(name, rng.choice((None, *PARENTS))), 0.1),
        (OrganisationMerged(name, other), 0.18),
        (OrganisationDissolved(name), 0.1),
        (TaskTransferred(name, THEME, rng.choice((LAST, other))), 0.15),
        (TaskTransferred(name, "zorg", other), 0.1),
    )
    for fact, share in options:
        if rng.random() < share:
            # Some at the very moment at which the cases begin, most on another second than anything in them.
            yield fact, START + rng.choice((0, 30, 90, 180, 300)) * DAY + timedelta(seconds=rng.choice((0, 7, 1000)))


def make_registry(rng: Random, cases: int, before: datetime | None = None) -> list[Event]:
    """Return a log of so many cases, or one or two more; ``before``: none of them is recorded later than that."""
    organisations = make_organisations(rng)
    histories: list[list[Event]] = []
    while len(histories) < cases:
        person = make_person(rng)
        if before is None or all(history[-1].recorded_at < before for history in person):
            histories += [followed(rng, history, organisations) for history in person]
    return one_log([*organisations, *(event for history in histories for event in history)])


def followed(rng: Random, history: Sequence[Event], organisations: Sequence[Event]) -> list[Event]:
    """Return a case in which the registry wrote, now and then, what was known to have become of organisations."""
    now = max(max(event.occurred_at, event.recorded_at) for event in history)
    events: list[Event] = []
    for event in history:
        at = max(event.recorded_at, events[-1].recorded_at + TICK) if events else event.recorded_at
        n = len(events)
        events.append(msgspec.structs.replace(event, version=n + 1, position=n, recorded_at=at))
        if rng.random() < WRITES:
            events.extend(due(events, changes_known(organisations, at), at))
    events.extend(due(events, changes_known(organisations, now), now))
    return events


def changes_known(organisations: Sequence[Event], at: datetime) -> Changes:
    """Return what became of organisations, as far as it was recorded by a moment."""
    return changes_by(event for event in organisations if event.recorded_at <= at)


@st.composite
def asked_registries(draw: st.DrawFn, cases: int = 5) -> tuple[list[Event], datetime, datetime]:
    """Registries of a few cases for Hypothesis, about one event in fifty left out, and two times at which to ask."""
    rng = Random(draw(st.integers(0, 2**32 - 1)))
    made = make_registry(rng, draw(st.integers(1, cases)))
    log = one_log([event for event in made if draw(st.integers(0, 50)) > 0] or made)
    facts = [event for event in log if not isinstance(event.data, OrganisationFact)] or log
    as_of, known_at, _ = draw(st.sampled_from(questions(rng, facts, 4)))
    return log, as_of, known_at or max(as_of, log[-1].recorded_at)
