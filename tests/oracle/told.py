"""What there is to judge: the events as corrected, and as far as the three lenses show them.

gaps.md, "History, in order" (corrections and strikings first) and "Three lenses".
"""

# pyright: reportAttributeAccessIssue=false
# A fact found by its kind in a list has that kind's fields, which a type checker cannot follow.

import typing
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from knelpunt.domain.case.facts import (
    AccountGiven,
    CaseOpened,
    ContactMade,
    EventStruck,
    FactCorrected,
    GapAcknowledged,
    GapMark,
    HandoffFact,
    HandoffOffered,
    ObstacleFact,
    ObstacleReported,
    Party,
)
from knelpunt.domain.event import Event
from knelpunt.domain.learning.facts import LearningEventStruck, LearningFact, LearningFactCorrected
from knelpunt.domain.organisation.facts import OrganisationEventStruck, OrganisationFactCorrected
from knelpunt.domain.settings import DELIVERY_WINDOW, Settings
from knelpunt.domain.text import Clear
from knelpunt.domain.vocabulary import Precision

Correction = FactCorrected | OrganisationFactCorrected | LearningFactCorrected
Striking = EventStruck | OrganisationEventStruck | LearningEventStruck


@dataclass(frozen=True)
class Told:
    """What a question shows, corrected and in order, the struck ones too; ``unfit``: bad corrections of it."""

    placed: list[Event]
    struck: set[UUID]
    unfit: set[UUID]


def told(events: Sequence[Event], as_of: datetime, known_at: datetime | None, known_to: str | None) -> Told:
    """Return what of ``events`` a question sees. Corrections and strikings are filtered by ``known_at`` alone."""
    recorded = [e for e in events if known_at is None or e.recorded_at <= known_at]
    mended, struck, unfit = mend(recorded)
    facts = [e for e in mended if not isinstance(e.data, Correction | Striking)]
    placed = sorted((e for e in facts if e.occurred_at <= as_of), key=lambda e: (e.occurred_at, e.position))
    if known_to is not None:
        placed = known(placed, struck, known_to, as_of)
    hidden = {e.id for e in facts} - {e.id for e in placed}
    return Told(placed, struck, {correction for correction, target in unfit.items() if target not in hidden})


def mend(recorded: Sequence[Event]) -> tuple[list[Event], set[UUID], dict[UUID, UUID]]:
    """Return the events as corrected, the ids of the struck ones, and the corrections that do not fit their target.

    R11: from the last recorded back, so that what is itself struck or corrected is known before it is applied. A
    mending of what is not there (R28) does nothing.
    """
    now = {e.id: e for e in recorded}
    struck: set[UUID] = set()
    unfit: dict[UUID, UUID] = {}
    done: set[tuple[UUID, str]] = set()
    for this in reversed(recorded):
        data = now[this.id].data
        if this.id in struck or not isinstance(data, Correction | Striking):
            continue
        target = now.get(data.event)
        if target is None or target.position >= this.position:
            continue
        if isinstance(data, Striking):
            struck.add(target.id)
            continue
        better = corrected(target, data)
        if better is None:
            unfit[this.id] = target.id
        elif (better.id, data.field) not in done:
            done.add((better.id, data.field))
            now[better.id] = better
    return [now[e.id] for e in recorded], struck, unfit


def corrected(event: Event, by: Correction) -> Event | None:
    """Return ``event`` with one field set right; none if the correction does not fit it."""
    try:
        if by.field == "occurred_at" and by.content is None:
            return msgspec.structs.replace(event, occurred_at=_converted(by.value, datetime))
        if by.field == "precision" and by.content is None:
            return msgspec.structs.replace(event, precision=_converted(by.value, Precision))
        field = {f.encode_name: f for f in msgspec.structs.fields(event.data)}[by.field]
        kinds = {field.type, *typing.get_args(field.type)}
        if Party in kinds or GapMark in kinds or (isinstance(event.data, LearningFact) and field.type is UUID):
            return None
        if Clear in kinds:
            if by.value is not None:
                return None
            value = by.content
        elif by.content is not None:
            return None
        else:
            value = _converted(by.value, field.type)
        return msgspec.structs.replace(event, data=msgspec.structs.replace(event.data, **{field.name: value}))
    except (KeyError, ValueError):  # msgspec's ValidationError is a ValueError
        return None


def _converted(value: object, kind: object) -> object:
    """Return a JSON value as the type of a field; moments without an offset do not fit."""
    converted = msgspec.convert(value, kind, strict=False)
    if not isinstance(converted, datetime):
        return converted
    if converted.tzinfo is None:
        raise ValueError(value)
    return converted.astimezone(UTC)


def known(placed: list[Event], struck: set[UUID], who: str, as_of: datetime) -> list[Event]:
    """Return those of ``placed`` that ``who`` knew of at ``as_of`` (R12)."""
    by_itself = {e.id for e in placed if _told_of(e, who, as_of)}
    obstacles: set[UUID] = set()
    for e in placed:
        if e.id in by_itself and e.id not in struck:
            obstacles |= about(e, placed, struck)
    reports = {e.id for e in placed if isinstance(e.data, ObstacleReported) and e.data.obstacle in obstacles}
    openings = {e.id for e in placed if isinstance(e.data, CaseOpened) and obstacles}
    return [e for e in placed if e.id in by_itself | reports | openings]


def _told_of(e: Event, who: str, as_of: datetime) -> bool:
    """Whether ``who`` recorded the event, is known to know it, or is one whom it was told to."""
    if e.actor.organisation == who or any(k.organisation == who and k.since <= as_of for k in e.known_to):
        return True
    match e.data:
        case HandoffOffered(to=to):
            return to == who and delivered_at(e) <= as_of
        case ObstacleReported(told=others, received_by=receiver):
            return who in others or who == receiver
    return False


def about(e: Event, placed: Sequence[Event], struck: set[UUID]) -> set[UUID]:
    """Return the obstacles that an event is about; that of an answer to an offer is the offer's."""
    match e.data:
        case HandoffOffered(obstacle=obstacle) | ObstacleFact(obstacle=obstacle):
            return {obstacle}
        case HandoffFact(handoff=handoff):
            offers = [o for o in placed if isinstance(o.data, HandoffOffered) and o.id not in struck]
            return {o.data.obstacle for o in offers if o.data.handoff == handoff}
        case ContactMade(obstacles=obstacles):
            return set(obstacles)
        case AccountGiven(gap=None, event=event):
            earlier = [o for o in placed if o.id == event and o.id != e.id]
            return about(earlier[0], [o for o in placed if o.id != e.id], struck) if earlier else set()
        case AccountGiven(gap=GapMark() as mark) | GapAcknowledged(gap=mark):
            return set() if mark.obstacle is None else {mark.obstacle}
    return set()


def delivered_at(offer: Event) -> datetime:
    """Return when an offer reached whom it was made to: nobody is late before they could know."""
    if offer.data.delivered_at is not None:
        return offer.data.delivered_at
    if offer.inferred or offer.recorded_at <= offer.occurred_at + DELIVERY_WINDOW:
        return offer.occurred_at
    return offer.recorded_at


def respond_by(offer: Event, settings: Settings) -> datetime:
    """Return until when an offer may be answered without it being a gap."""
    return offer.data.respond_by or delivered_at(offer) + settings.respond_by
