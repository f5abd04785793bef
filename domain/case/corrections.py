"""Corrections and strikings, of the events of any stream, applied before anything else is judged.

Both reach back: they work at the place of the event that they mend, for whoever asks knowing of them. The old event
stays as it was recorded; what is derived sees the mended one. A correction may be struck, and so may a striking.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Any, Final, get_args
from uuid import UUID

import msgspec

from ..event import Event, Fact
from ..ids import EventId
from ..investigation.facts import InvestigationEventStruck, InvestigationFact, InvestigationFactCorrected
from ..learning.facts import LearningEventStruck, LearningFact, LearningFactCorrected
from ..organisation.facts import OrganisationEventStruck, OrganisationFact, OrganisationFactCorrected
from ..text import Sealed
from ..vocabulary import Precision
from .facts import AccountGiven, EventStruck, FactCorrected, GapAcknowledged, GapMark, Party

Correction = FactCorrected | OrganisationFactCorrected | InvestigationFactCorrected | LearningFactCorrected
Striking = EventStruck | OrganisationEventStruck | InvestigationEventStruck | LearningEventStruck


class Mended:
    """A history with its corrections applied.

    ``events`` are the events to be judged, as corrected, without the corrections and strikings themselves; those that
    are struck stand among them, for they may be spoken of. ``struck`` maps a struck event to the striking,
    ``corrected`` an event to its corrections; ``inert`` are corrections and strikings that cannot be applied, each
    with the event that it names.
    """

    __slots__ = ("corrected", "events", "inert", "struck")

    def __init__(
        self,
        events: list[Event],
        struck: dict[EventId, EventId],
        corrected: dict[EventId, list[EventId]],
        inert: list[tuple[EventId, EventId]],
    ) -> None:
        """Hold the parts."""
        self.events = events
        self.struck = struck
        self.corrected = corrected
        self.inert = inert


def is_mending(event: Event) -> bool:
    """Return whether the event corrects or strikes another, instead of standing in the history itself."""
    return event.data.mends


def mend(history: Sequence[Event]) -> Mended:
    """Return ``history`` (in order of position) as corrected; what cannot be applied is inert, never an error."""
    mendings = [event for event in history if is_mending(event)]
    if not mendings:
        return Mended(list(history), {}, {}, [])
    known = {event.id: event for event in history}
    struck: dict[EventId, EventId] = {}
    inert: list[tuple[EventId, EventId]] = []
    # From the last recorded back: a later striking decides whether an earlier one still stands.
    for event in reversed(mendings):
        if isinstance(event.data, Striking) and event.id not in struck:
            if event.data.event in known and event.data.event not in struck:
                struck[event.data.event] = event.id
            elif event.data.event not in known:
                inert.append((event.id, event.data.event))
    mended = {event.id: event for event in history if not is_mending(event)}
    corrected: dict[EventId, list[EventId]] = {}
    for event in mendings:
        if not isinstance(event.data, Correction) or event.id in struck:
            continue
        target = mended.get(event.data.event)
        fixed = corrected_event(target, event.data) if target else None
        if fixed is None:
            inert.append((event.id, event.data.event))
        else:
            mended[fixed.id] = fixed
            corrected.setdefault(fixed.id, []).append(event.id)
    return Mended(list(mended.values()), struck, corrected, inert)


def corrected_event(event: Event, correction: Correction) -> Event | None:
    """Return ``event`` with the correction applied, or none if its field or value does not fit."""
    try:
        if correction.field == "occurred_at":
            moment = msgspec.convert(correction.value, datetime)
            # A moment without an offset is nobody's moment.
            return msgspec.structs.replace(event, occurred_at=moment.astimezone(UTC)) if moment.tzinfo else None
        if correction.field == "precision":
            return msgspec.structs.replace(event, precision=msgspec.convert(correction.value, Precision))
        attribute, type_ = correctable_fields(type(event.data))[correction.field]
        if Sealed in get_args(type_):
            if correction.value is not None:
                return None
            value: Any = correction.content
        else:
            value = msgspec.convert(correction.value, type_)
        return msgspec.structs.replace(event, data=msgspec.structs.replace(event.data, **{attribute: value}))
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


@cache
def correctable_fields(fact: type[Fact]) -> dict[str, tuple[str, Any]]:
    """Return the fields of a fact that can be corrected: stored name to attribute and type."""
    fixed = next((fields for kind, fields in _FIXED.items() if issubclass(fact, kind)), frozenset[str]())
    # What an event of a learning stream is about, others name by its id.
    fixed_type = UUID if issubclass(fact, LearningFact) else None
    return {
        field.encode_name: (field.name, field.type)
        for field in msgspec.structs.fields(fact)
        if field.name not in fixed
        and field.type is not fixed_type
        and not {Party, GapMark} & {field.type, *get_args(field.type)}
    }


_FIXED: Final = MappingProxyType(
    {
        # By its organisation an event stands in one stream and not in another, and a strategy is known to others.
        OrganisationFact: frozenset({"organisation", "strategy"}),
        # Whom and what an investigation names others build on, and access hangs on it.
        InvestigationFact: frozenset({"user", "case", "dialogue", "finding", "follow_up"}),
        # Over whose cases a gap lies belongs to the gap, which cannot be corrected either.
        AccountGiven: frozenset({"subject"}),
        GapAcknowledged: frozenset({"subject"}),
    }
)
"""Fields that cannot be corrected, by the kind of fact."""
