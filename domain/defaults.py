"""What an offer's times are where nobody stated them.

Computed from the event as corrected, never stored: a correction of when an offer was made moves what hangs on it.
"""

from datetime import datetime

from .case.facts import HandoffOffered
from .case.state import Offer
from .event import Event
from .settings import DELIVERY_WINDOW, Course


def delivered_at(event: Event, offer: HandoffOffered) -> datetime:
    """Return when the organisation asked could know of the offer.

    As stated; else when it was made, if it was recorded within a day of that or comes from an import; else when it was
    recorded.
    """
    return known_from(event) if offer.delivered_at is None else offer.delivered_at


def known_from(event: Event) -> datetime:
    """Return when whoever an event asks something of could know of it: nobody is late before that."""
    if event.inferred or event.recorded_at - event.occurred_at <= DELIVERY_WINDOW:
        return event.occurred_at
    return event.recorded_at


def offer_of(event: Event, offered: HandoffOffered, settings: Course) -> Offer:
    """Return the offer that an event made, with its times filled in."""
    delivered = delivered_at(event, offered)
    return Offer(
        handoff=offered.handoff,
        obstacle=offered.obstacle,
        from_=offered.from_,
        to=offered.to,
        event=event.id,
        position=event.position,
        offered_at=event.occurred_at,
        delivered_at=delivered,
        respond_by=offered.respond_by or delivered + settings.at(delivered).respond_by,
    )
