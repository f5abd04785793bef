"""Changes of terms and graces, as an administrator makes them in the course of a history."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from uuid import UUID, uuid5

from histories.world import ONLOOKER
from knelpunt.domain.event import Actor, Event
from knelpunt.domain.ids import NAMESPACE
from knelpunt.domain.registry.facts import STREAM, GraceChanged, TermChanged
from knelpunt.domain.vocabulary import GapKind, Role, Term

TICK = timedelta(microseconds=1)


def change(id_: UUID, recorded_at: datetime, what: Term | GapKind, days: int, position: int = -1) -> Event:
    """One change; it occurred when it was recorded."""
    return Event(
        id=id_,
        stream=STREAM,
        version=1,
        position=position,
        occurred_at=recorded_at,
        recorded_at=recorded_at,
        actor=Actor(ONLOOKER, Role.ADMINISTRATOR, "somebody"),
        command_id=uuid5(id_, "command"),
        data=TermChanged(what, days) if isinstance(what, Term) else GraceChanged(what, days),
    )


def changes_within(history: Sequence[Event], rng: Random, count: int) -> list[Event]:
    """Changes right after events of a history, in order; each has the position of the event that it follows."""
    after = sorted(rng.sample(range(len(history)), min(count, len(history))))
    of_causes = {GapKind.CAUSE_UNOWNED, GapKind.ESCALATION_UNANSWERED, GapKind.MEASURE_OVERDUE}
    kinds = [*Term, *(kind for kind in GapKind if kind not in of_causes)]
    return [
        change(
            uuid5(NAMESPACE, f"change/{rng.random()}"),
            history[index].recorded_at + TICK,
            rng.choice(kinds),
            rng.choice((1, 2, 5, 20, 90)),
            history[index].position,
        )
        for index in after
    ]
