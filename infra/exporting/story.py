"""A case as exports tell it: what happened, as it is known now, in the order in which it happened. Pure.

Corrections are applied and what was struck is left out, so that the other program sees what this one derives its
answers from; what has no effect stands there and says so. Texts and subjects are left out whoever asks (ADR 0036).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from ...domain.case import facts as f
from ...domain.case import state
from ...domain.case.named import obstacle_elsewhere, organisations_by_field
from ...domain.defaults import offer_of
from ...domain.event import Event, Fact
from ...domain.ids import SubjectId
from ...domain.settings import Course
from ...domain.topics import VERSIONS
from ...projections.derivation.fold import CaseFold
from ...projections.derivation.lens import see
from ..trail.entry import in_clear
from ..vault.texts import sealed_texts

WITHHELD: Final = {"withheld": True}
"""What stands for a text, as in GraphQL where it is not for the reader."""


class Line(Struct, frozen=True):
    """One event. ``organisation`` is whose doing it was, as the fact says; ``recorded_by`` who told the registry.

    ``from_`` and ``to`` are the organisations of a handoff, a referral or a move; ``named`` all organisations in the
    fact, each after its field. ``fact`` is what the fact says in clear, as JSON values. ``inert``: it contradicts what
    the record says for its place, and has no effect.
    """

    id: UUID
    activity: str
    at: datetime
    precision: str
    recorded_at: datetime
    position: int
    organisation: str | None
    from_: str | None
    to: str | None
    obstacles: tuple[UUID, ...]
    handoff: UUID | None
    named: tuple[tuple[str, str], ...]
    fact: dict[str, Any]
    recorded_by: str
    role: str
    source: str
    inferred: bool
    inert: bool


class Offer(Struct, frozen=True):
    """A handoff: from whom to whom, when the other could know of it, and by when an answer is due."""

    id: UUID
    obstacle: UUID
    from_: str
    to: str
    at: datetime
    delivered_at: datetime
    respond_by: datetime


class Report(Struct, frozen=True):
    """An obstacle, and what set it off or what it was split into, of what the reader may see."""

    id: UUID
    at: datetime
    origin: str
    triggered_by: UUID | None
    into: tuple[UUID, ...] = ()


class Story(Struct, frozen=True):
    """A case. ``reference`` and ``theme`` are none for somebody who may not see its opening, and ``subjects`` nobody.

    Those are names as ``persons`` makes them: they tell which cases are of one person, and not of whom.
    """

    case: UUID
    at: datetime
    reference: str | None
    theme: str | None
    subjects: tuple[str, ...]
    lines: tuple[Line, ...]
    obstacles: tuple[Report, ...]
    offers: tuple[Offer, ...]
    links: tuple[tuple[UUID, str], ...]


def story_of(
    history: Sequence[Event],
    now: datetime,
    settings: Course,
    whose: Mapping[SubjectId, str] = MappingProxyType({}),
    lies_in: Mapping[UUID, UUID] = MappingProxyType({}),
) -> Story | None:
    """Return the story of a case, whose events are given in order of position; none if all of it was struck.

    ``whose`` names its subjects, ``lies_in`` says in which cases the obstacles lie that it names.
    """
    seen = see(history, now)
    fold = CaseFold(history[0].stream, settings)
    for event in seen.events:
        fold.show(event, struck=event.id in seen.mended.struck)
    events = [event for event in seen.events if event.id not in seen.mended.struck]
    if not events:
        return None
    offers = {
        event.data.handoff: offer_of(event, event.data, settings)
        for event in reversed(events)  # of two offers of one handoff the first counts
        if isinstance(event.data, f.HandoffOffered)
    }
    opened = next((event.data for event in events if isinstance(event.data, f.CaseOpened)), None)
    into = {event.data.obstacle: event.data.into for event in events if isinstance(event.data, f.ObstacleSplit)}
    reports = {
        event.data.obstacle: Report(
            event.data.obstacle,
            event.occurred_at,
            event.data.origin,
            event.data.triggered_by,
            into.get(event.data.obstacle, ()),
        )
        for event in reversed(events)
        if isinstance(event.data, f.ObstacleReported)
    }
    return Story(
        case=history[0].stream,
        at=events[0].occurred_at,
        reference=opened.reference if opened else None,
        theme=opened.theme if opened else None,
        subjects=_named(opened.subjects if opened else (), whose),
        lines=tuple(_line(event, offers, whose, lies_in, inert=event.id in fold.conflicts) for event in events),
        obstacles=tuple(reversed(reports.values())),
        offers=tuple(
            Offer(one.handoff, one.obstacle, one.from_, one.to, one.offered_at, one.delivered_at, one.respond_by)
            for one in reversed(offers.values())
        ),
        links=tuple((event.data.case, event.data.relation) for event in events if isinstance(event.data, f.CaseLinked)),
    )


def _named(subjects: Iterable[SubjectId], whose: Mapping[SubjectId, str]) -> tuple[str, ...]:
    return tuple(whose[subject] for subject in subjects if subject in whose)


def _beside(event: Event, whose: Mapping[SubjectId, str], lies_in: Mapping[UUID, UUID]) -> dict[str, Any]:
    """Return what is told beside a fact's own fields: who is one person, and in which cases other obstacles lie."""
    fact = event.data
    told: dict[str, Any] = {}
    if isinstance(fact, f.CaseOpened):
        told["subjects"] = _named(fact.subjects, whose)
    elif isinstance(fact, f.GapAcknowledged | f.AccountGiven) and fact.subject is not None and fact.subject in whose:
        told["subject"] = whose[fact.subject]
    other = obstacle_elsewhere(fact)
    if other is not None:
        name, obstacle = other
        case = lies_in.get(obstacle, event.stream)
        if case != event.stream:
            told["elsewhere"] = {name: str(case)}
    return told


def _line(
    event: Event,
    offers: Mapping[UUID, state.Offer],
    whose: Mapping[SubjectId, str],
    lies_in: Mapping[UUID, UUID],
    *,
    inert: bool,
) -> Line:
    fact = event.data
    offer = offers.get(fact.handoff) if isinstance(fact, f.HandoffOffered | f.HandoffFact) else None
    passes = offer or (fact if isinstance(fact, f.SubjectReferred | f.ResponsibilityMoved) else None)
    told = in_clear(fact.topic, VERSIONS[fact.topic], msgspec.to_builtins(fact))
    # That something was said in words may matter, as a plan does; what was said is told nobody here.
    told |= {name: WITHHELD for name, _ in sealed_texts(fact)}
    told |= _beside(event, whose, lies_in)
    if isinstance(fact, f.HandoffOffered) and offer is not None:
        # What hangs on when an offer was recorded, or on this registry's terms, no other program could work out.
        times = {"delivered_at": offer.delivered_at, "respond_by": offer.respond_by}
        told |= {name: written(at) for name, at in times.items()}
    return Line(
        id=event.id,
        activity=fact.topic,
        at=event.occurred_at,
        precision=event.precision,
        recorded_at=event.recorded_at,
        position=event.position,
        organisation=_doer(fact, offer),
        from_=passes.from_ if passes else None,
        to=passes.to if passes else None,
        obstacles=_obstacles(fact, offer),
        handoff=fact.handoff if isinstance(fact, f.HandoffOffered | f.HandoffFact) else None,
        named=tuple(dict.fromkeys(organisations_by_field(fact))),
        fact=told,
        recorded_by=event.actor.organisation,
        role=event.actor.role,
        source=event.source,
        inferred=event.inferred,
        inert=inert,
    )


def _doer(fact: Fact, offer: state.Offer | None) -> str | None:
    match fact:
        case f.HandoffOffered() | f.SubjectReferred() | f.ResponsibilityMoved():
            return fact.from_
        case f.HandoffAccepted() | f.HandoffRefused():
            return offer.to if offer else None
        case f.HandoffWithdrawn():
            return offer.from_ if offer else None
        case f.ObstacleReported():
            return fact.received_by
        case f.RulingGiven():
            return fact.body
        case f.AccountGiven() | f.ResolutionContested():
            return fact.by.organisation
        case _:
            return getattr(fact, "organisation", None)


def _obstacles(fact: Fact, offer: state.Offer | None) -> tuple[UUID, ...]:
    match fact:
        case f.HandoffOffered() | f.ObstacleFact():
            return (fact.obstacle,)
        case f.HandoffFact():
            return (offer.obstacle,) if offer else ()
        case f.ContactMade():
            return fact.obstacles
        case f.GapAcknowledged() | f.AccountGiven() if fact.gap and fact.gap.obstacle:
            return (fact.gap.obstacle,)
        case _:
            return ()


def written(at: datetime) -> str:
    """Return a moment as exports write it: RFC 3339, in UTC."""
    return at.isoformat().replace("+00:00", "Z")
