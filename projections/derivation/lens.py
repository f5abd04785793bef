"""Which events an answer may rest on: the two times, and what one organisation knew.

``asOf`` is when something was so in the world, ``knownAt`` what the registry had recorded by then, ``knownTo`` what one
organisation knew. A lens picks the events; whatever is derived from them needs to know no more.
"""

from collections.abc import Container, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from ...domain.case import facts as f
from ...domain.case.corrections import Mended, mend
from ...domain.case.history import place
from ...domain.case.named import obstacles_of
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
        known = known_by(known_to, events, mended.struck, as_of)
        events = [event for event in events if event.id in known]
    return Seen(as_of, events, mended, recorded)


def known_by(organisation: str, events: Sequence[Event], struck: Container[UUID], as_of: datetime) -> set[UUID]:
    """Return the events that an organisation knew of at ``as_of``, those of the struck ones too.

    Who knows an event about an obstacle knows its report and the case's opening too, whatever those say themselves; a
    struck event tells nobody of them.
    """
    known = {event.id for event in events if _knows(organisation, event, as_of)}
    about = {
        obstacle
        for event in events
        if event.id in known and event.id not in struck
        for obstacle in obstacles_told(event, events, struck)
    }
    reports = {e.id for e in events if isinstance(e.data, f.ObstacleReported) and e.data.obstacle in about}
    openings = {e.id for e in events if isinstance(e.data, f.CaseOpened) and about}
    return known | reports | openings


def obstacles_told(event: Event, events: Sequence[Event], struck: Container[UUID]) -> set[UUID]:
    """Return the obstacles that knowing ``event`` tells of; an account tells of what it is about."""
    fact = event.data
    if isinstance(fact, f.AccountGiven) and fact.event is not None:
        # Without the account itself: two that are about each other, by a correction, tell of nothing.
        others = [other for other in events if other.id != event.id]
        return {
            obstacle for other in others if other.id == fact.event for obstacle in obstacles_told(other, others, struck)
        }
    return set(obstacles_of(fact, [other for other in events if other.id not in struck]))


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
