"""Registries in which cases, what became of organisations, and all kinds of learning streams hang together.

The histories are those of the other machines; here their ids are exchanged for one another's, so that causes are linked
with obstacles that were reported, dialogues name bottlenecks of those causes, dossiers take in those dialogues, and so
on. Some are named before they began, or never begin at all: a history need not be valid.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID, uuid5

from msgspec.structs import replace

from histories.causes import make_cause
from histories.machine import make_history
from histories.recording import one_log
from histories.several import joined
from histories.streams import make_stream, some
from histories.world import ONLOOKER, START
from knelpunt.domain.case.facts import CaseFact, HandoffOffered, ObstacleReported
from knelpunt.domain.cause.facts import CauseEscalated, ObstacleLinked
from knelpunt.domain.event import Actor, Event, Fact
from knelpunt.domain.ids import NAMESPACE
from knelpunt.domain.learning.facts import LearningFact
from knelpunt.domain.registry.facts import STREAM, GraceChanged, TermChanged
from knelpunt.domain.vocabulary import GapKind, LearningKind, Role, Term

KINDS: Final = tuple(LearningKind)
CASE_EVENTS_MAX: Final = 40
MICROSECOND: Final = timedelta(microseconds=1)


def make_mixed(rng: Random, organisations: Iterable[Event], before: datetime, cases: int = 2) -> list[Event]:
    """Return a log of so many cases, two causes, a stream of each other kind, and ``organisations``, as recorded.

    None of it is recorded at ``before`` or later.
    """
    histories: list[list[Event]] = []
    while len(histories) < cases:
        made = make_history(rng)
        if len(made) < CASE_EVENTS_MAX and made[-1].recorded_at < before:
            histories.append(made)
    histories = joined(rng, histories)
    causes = [make_cause(rng) for _ in range(2)]
    others = {kind: make_stream(rng, kind) for kind in KINDS if kind is not LearningKind.CAUSE}
    names = _names(rng, histories, causes, others)
    learnt = [rewired(event, names) for stream in (*causes, *others.values()) for event in stream]
    log = [*(event for history in histories for event in history), *learnt, *organisations, *_changes(rng)]
    return one_log([event for event in log if event.recorded_at < before])


def _names(
    rng: Random,
    histories: Sequence[Sequence[Event]],
    causes: Sequence[Sequence[Event]],
    others: Mapping[LearningKind, Sequence[Event]],
) -> dict[UUID, UUID]:
    """Return what stands for what: ids that the machines made up, and those of things that are in this registry."""
    streams = {kind: [made[0].stream] for kind, made in others.items()} | {
        LearningKind.CAUSE: [made[0].stream for made in causes]
    }
    names = {some(kind.lower(), number): of[number % len(of)] for kind, of in streams.items() for number in range(2)}
    names |= {some("case", number): history[0].stream for number, history in enumerate(histories)}
    reported = [e.data.obstacle for made in histories for e in made if isinstance(e.data, ObstacleReported)]
    linked = dict.fromkeys(e.data.obstacle for made in causes for e in made if isinstance(e.data, ObstacleLinked))
    # One in five links is with an obstacle that nobody ever reported.
    return names | {made_up: rng.choice(reported) for made_up in linked if rng.random() < 0.8}


def rewired(event: Event, names: Mapping[UUID, UUID]) -> Event:
    """Return an event whose fact names other things, wherever it names one of ``names``."""
    fact: Fact = event.data
    changed: dict[str, Any] = {}
    for field in fact.__struct_fields__:
        value = getattr(fact, field)
        if isinstance(value, UUID) and value in names:
            changed[field] = names[value]
        elif isinstance(value, tuple):
            changed[field] = tuple(names.get(one, one) for one in value)
    return replace(event, data=replace(fact, **changed))


def _changes(rng: Random) -> list[Event]:
    """Return changes of terms and graces in the midst of it all."""
    facts = (GraceChanged(GapKind.CAUSE_UNOWNED, 3), TermChanged(Term.RESPOND_BY, 30))
    actor = Actor(ONLOOKER, Role.ADMINISTRATOR, "somebody")
    changes: list[Event] = []
    for number, fact in enumerate(facts):
        at = START + timedelta(days=rng.randint(1, 90), microseconds=number)
        id_ = uuid5(NAMESPACE, f"mixed change {number}")
        changes.append(Event(id_, STREAM, number + 1, 0, at, at, actor, id_, fact))
    return changes


def told_at_different_moments(log: Sequence[Event]) -> list[Event]:
    """Return the facts of cases and learning streams, each a microsecond or more beside any other, nothing mended.

    Whatever hangs on when something was recorded is stated: an offer's delivery, and by when a cause's escalation is to
    be answered. The registry's own events and those
    of organisations stay as they are.
    """
    kept: list[Event] = []
    for number, event in enumerate(event for event in log if not event.data.mends):
        told = event
        if isinstance(event.data, CaseFact | LearningFact):
            told = replace(event, occurred_at=event.occurred_at + number * MICROSECOND)
        if isinstance(event.data, HandoffOffered):
            told = replace(told, data=replace(event.data, delivered_at=told.occurred_at))
        if isinstance(event.data, CauseEscalated) and event.data.respond_by is None:
            told = replace(told, data=replace(event.data, respond_by=told.occurred_at + timedelta(days=14)))
        kept.append(told)
    return one_log(kept)


def in_another_order(rng: Random, log: Sequence[Event], before: datetime) -> list[Event]:
    """Return the same events, of which cases and learning streams are told in another order, after what began them.

    All that they have of recording changes, and they end at ``before``; nobody changes the registry's settings or
    tells of organisations another way.
    """
    first: dict[UUID, Event] = {}
    for event in log:
        first.setdefault(event.stream, event)
    opening = {event.id for event in first.values()}
    fixed = [e for e in log if e.id in opening or not isinstance(e.data, CaseFact | LearningFact)]
    told = {event.id for event in fixed}
    others = [event for event in log if event.id not in told]
    since = before - (len(others) + 1) * MICROSECOND
    shuffled = rng.sample(others, len(others))
    return one_log([*fixed, *(replace(e, recorded_at=since + n * MICROSECOND) for n, e in enumerate(shuffled))])
