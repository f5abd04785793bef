"""What a fact names: obstacles, organisations, subjects and moments, read off its fields by their types."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, get_args
from uuid import UUID

import msgspec

from ..event import Event, Fact
from ..ids import OrganisationId, SubjectId
from . import facts as f


def obstacles_of(fact: Fact, history: Sequence[Event]) -> Iterator[UUID]:
    """Yield the obstacles that a fact is about."""
    if isinstance(fact, f.HandoffOffered | f.ObstacleFact):
        yield fact.obstacle
    elif isinstance(fact, f.ContactMade):
        yield from fact.obstacles
    elif isinstance(fact, f.HandoffFact):
        for event in history:
            if isinstance(event.data, f.HandoffOffered) and event.data.handoff == fact.handoff:
                yield event.data.obstacle
    elif isinstance(fact, f.GapAcknowledged | f.AccountGiven) and fact.gap and fact.gap.obstacle:
        yield fact.gap.obstacle


def obstacles_asked(fact: Fact) -> Iterator[UUID]:
    """Yield the obstacles of which deciding may ask the directory whether they are known outside the case."""
    if isinstance(fact, f.ObstacleReported):
        yield fact.obstacle
        if fact.triggered_by is not None:
            yield fact.triggered_by
    elif isinstance(fact, f.WaitingBegan) and fact.for_obstacle is not None:
        yield fact.for_obstacle


@cache
def _fields_of_type(fact: type[Fact], wanted: Any) -> tuple[str, ...]:
    """Return the fields of a fact that hold one or several of an id type."""
    return tuple(field.name for field in msgspec.structs.fields(fact) if wanted in (field.type, *get_args(field.type)))


@cache
def _organisation_fields(fact: type[Fact]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the fields of a fact that hold organisations, and those that hold a party."""
    return _fields_of_type(fact, OrganisationId), _fields_of_type(fact, f.Party)


def organisations_of(fact: Fact) -> list[str]:
    """Return every organisation that a fact names."""
    named: list[str] = []
    organisations, parties = _organisation_fields(type(fact))
    for name in organisations:
        value: str | tuple[str, ...] | None = getattr(fact, name)
        if type(value) is str:
            named.append(value)
        elif value:
            named.extend(value)
    for name in parties:
        party: f.Party | None = getattr(fact, name)
        if party is not None and party.organisation is not None:
            named.append(party.organisation)
    return named


def subjects_of(fact: Fact) -> Iterator[SubjectId]:
    """Yield the subjects that a fact names and that the case must know."""
    if isinstance(fact, f.ObstacleWithdrawn):
        yield fact.on_word_of
    elif isinstance(fact, f.SubjectRelated):
        yield fact.to
    for name in _fields_of_type(type(fact), f.Party):
        party: f.Party | None = getattr(fact, name)
        if party is not None and party.subject is not None:
            yield party.subject


@cache
def moments_of(fact: type[Fact]) -> tuple[tuple[str, str], ...]:
    """Return the fields of a fact that hold a moment, by attribute and as stored."""
    return tuple(
        (field.name, field.encode_name)
        for field in msgspec.structs.fields(fact)
        if datetime in (field.type, *get_args(field.type))
    )
