"""The machine that makes whole registries with all that is learnt from their cases: what answers over many cases need.

Causes are linked with obstacles of the cases, and are those of organisations that hold them; dialogues, dossiers,
networks and experiments stand beside them, and investigations whose follow-ups are planned and done in any order.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import msgspec

from histories.causes import make_cause
from histories.recording import one_log
from histories.registry import make_registry
from histories.streams import make_streams
from histories.world import ORGANISATIONS, START
from knelpunt.domain.case.facts import ObstacleReported
from knelpunt.domain.cause.facts import ObstacleLinked
from knelpunt.domain.event import Actor, Event
from knelpunt.domain.ids import event_id_of
from knelpunt.domain.investigation import facts as i
from knelpunt.domain.learning.facts import LearningFact
from knelpunt.domain.vocabulary import Role

DAY = timedelta(days=1)


def make_everything(rng: Random, cases: int, before: datetime | None = None) -> list[Event]:
    """Return a log of so many cases and of what was learnt from them; ``before``: no case is recorded later."""
    log = make_registry(rng, cases, before)
    obstacles = [event.data.obstacle for event in log if isinstance(event.data, ObstacleReported)]
    learnt = make_streams(rng, max(8, cases // 6))
    for _ in range(max(4, cases // 5)):
        learnt += linked(make_cause(rng), rng.sample(obstacles, min(4, len(obstacles))))
    for _ in range(max(2, cases // 20)):
        learnt += list(make_investigation(rng))
    return one_log([*log, *learnt])


def linked(cause: list[Event], obstacles: list[UUID]) -> list[Event]:
    """Return a cause whose links are with these obstacles, each of its own with another one."""
    own = dict.fromkeys(event.data.obstacle for event in cause if isinstance(event.data, ObstacleLinked))
    instead = dict(zip(own, obstacles, strict=False))
    return [
        msgspec.structs.replace(event, data=ObstacleLinked(instead.get(event.data.obstacle, event.data.obstacle)))
        if isinstance(event.data, ObstacleLinked)
        else event
        for event in cause
    ]


def make_investigation(rng: Random) -> Iterator[Event]:
    """Yield the events of an investigation with some follow-ups: in time, late, twice, unplanned and not done."""
    stream = UUID(int=rng.getrandbits(128), version=4)
    follow_ups = [UUID(int=rng.getrandbits(128), version=4) for _ in range(3)]
    told: list[tuple[LearningFact, int]] = [(i.InvestigationOpened(), 0)]
    for follow_up in follow_ups:
        planned, due = rng.randint(1, 80), START + DAY * rng.choice((60, 100, 150))
        whose = rng.choice((None, *ORGANISATIONS))
        told += [(i.FollowUpPlanned(follow_up, due, whose), planned)] * rng.choice((1, 1, 2))
        told += [(i.FollowUpDone(follow_up), planned + rng.choice((-5, 20, 90)))] * rng.choice((0, 1, 1, 2))
    if rng.random() < 0.5:
        told.append((i.ReportPublished(), 90))
    for fact, day in told:
        command = UUID(int=rng.getrandbits(128), version=4)
        at = START + DAY * day
        late = DAY * rng.choice((0, 0, 0, 10, 40)) if fact is not told[0][0] else DAY * 0
        actor = Actor(rng.choice(ORGANISATIONS), Role.INVESTIGATOR, "somebody")
        yield Event(event_id_of(command), stream, 0, 0, at, at + late, actor, command, fact)
