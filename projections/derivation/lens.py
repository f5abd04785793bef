"""Which events an answer may rest on: the two times, and what one organisation knew.

``asOf`` is when something was so in the world, ``knownAt`` what the registry had recorded by then, ``knownTo`` what one
organisation knew. A lens picks the events; whatever is derived from them needs to know no more.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from ...domain.case import facts as f
from ...domain.case.corrections import Mended, mend
from ...domain.case.decide import obstacles_of, place
from ...domain.defaults import delivered_at
from ...domain.event import Event


class Seen(Struct, frozen=True):
    """What a lens lets through.

    ``events`` are mended and in the order in which they occurred, none later than ``as_of``, those struck among them;
    ``mended`` says what was struck, corrected or could not be; ``recorded`` is all that was recorded by then.
    """

    as_of: datetime
    events: list[Event]
    mended: Mended
    recorded: list[Event]


def see(
    history: Sequence[Event], as_of: datetime, known_at: datetime | None = None, known_to: str | None = None
) -> Seen:
    """Return what of ``history`` (one case, in order of position) is seen at the two times, by all or by one."""
    recorded = [event for event in history if known_at is None or event.recorded_at <= known_at]
    mended = mend(recorded)
    events = [event for event in place(mended.events) if event.occurred_at <= as_of]
    if known_to is not None:
        known = known_by(known_to, [event for event in events if event.id not in mended.struck], as_of)
        events = [event for event in events if event.id in known]
    return Seen(as_of, events, mended, recorded)


def known_by(organisation: str, events: Sequence[Event], as_of: datetime) -> set[UUID]:
    """Return the events that an organisation knew of at ``as_of``.

    Who knows an event about an obstacle knows its report and the case's opening too, whatever those say themselves.
    """
    known = {event.id for event in events if _knows(organisation, event, as_of)}
    about = {obstacle for event in events if event.id in known for obstacle in obstacles_told(event, events)}
    for event in events:
        fact = event.data
        tells = (
            fact.obstacle in about if isinstance(fact, f.ObstacleReported) else isinstance(fact, f.CaseOpened) and about
        )
        if tells:
            known.add(event.id)
    return known


def obstacles_told(event: Event, events: Sequence[Event]) -> set[UUID]:
    """Return the obstacles that knowing ``event`` tells of; an account tells of what it is about."""
    fact = event.data
    if isinstance(fact, f.AccountGiven) and fact.event is not None:
        return {
            obstacle
            for other in events
            if other.id == fact.event and other.id != event.id
            for obstacle in obstacles_of(other.data, events)
        }
    return set(obstacles_of(fact, events))


def _knows(organisation: str, event: Event, as_of: datetime) -> bool:
    """Return whether the event itself says that the organisation knew of it at ``as_of``."""
    fact = event.data
    if event.actor.organisation == organisation:
        return True
    if isinstance(fact, f.HandoffOffered) and fact.to == organisation and delivered_at(event, fact) <= as_of:
        return True
    if isinstance(fact, f.ObstacleReported) and organisation in (*fact.told, fact.received_by):
        return True
    return any(knower.organisation == organisation and knower.since <= as_of for knower in event.known_to)
