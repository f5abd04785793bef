"""What a fact names: obstacles, organisations, subjects and moments, read off its fields by their types."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any, Final, get_args
from uuid import UUID

import msgspec

from ..event import Event, Fact
from ..ids import OrganisationId, SubjectId
from ..learning.facts import LearningFact, LearningFactCorrected
from ..text import Clear, Sealed
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


def obstacle_elsewhere(fact: Fact) -> tuple[str, UUID] | None:
    """Return the obstacle that a fact names and that may be of another case, after the field that holds it."""
    match fact:
        case f.ObstacleReported(triggered_by=UUID() as obstacle):
            return "triggered_by", obstacle
        case f.WaitingBegan(for_obstacle=UUID() as obstacle):
            return "for_obstacle", obstacle
        case f.FactCorrected(field="triggered_by" | "for_obstacle", value=str() as named):
            return "value", UUID(named)
        case _:
            return None


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


def organisations_by_field(fact: Fact) -> Iterator[tuple[str, str]]:
    """Yield every organisation that a fact names, after the field in which it does, by its stored name."""
    organisations, parties = _organisation_fields(type(fact))
    for name in organisations:
        value: str | tuple[str, ...] | None = getattr(fact, name)
        for one in (value,) if type(value) is str else value or ():
            yield name.rstrip("_"), one
    for name in parties:
        party: f.Party | None = getattr(fact, name)
        if party is not None and party.organisation is not None:
            yield name.rstrip("_"), party.organisation


def subjects_of(fact: Fact) -> Iterator[SubjectId]:
    """Yield the subjects that a fact names and that the case must know."""
    if isinstance(fact, f.ObstacleWithdrawn):
        yield fact.on_word_of
    elif isinstance(fact, f.SubjectRelated):
        yield fact.to
    elif isinstance(fact, f.GapAcknowledged | f.AccountGiven) and fact.subject is not None:
        yield fact.subject
    for name in _fields_of_type(type(fact), f.Party):
        party: f.Party | None = getattr(fact, name)
        if party is not None and party.subject is not None:
            yield party.subject


def about_by_default(event: Event, first_subject: SubjectId | None, history: Iterable[Event] = ()) -> SubjectId | None:
    """Return whom a text of an event is about unless it says so; ``first_subject`` is that of its case, if it has one.

    Texts of other streams are about no person, but they are sealed all the same: under a key of the stream's own, save
    for a person's words, which are under that person's. What a correction says is about whom it was that the corrected
    text was about: ``history`` holds the events of the stream before it.
    """
    fact = event.data
    if isinstance(fact, f.FactCorrected | LearningFactCorrected):
        for earlier in history:
            if earlier.id == fact.event:
                text = getattr(earlier.data, fact.field, None)
                about = text.about if isinstance(text, Clear | Sealed) else None
                return about or about_by_default(earlier, first_subject)
    if isinstance(fact, f.CaseFact):
        return first_subject
    return (fact.speaker if isinstance(fact, LearningFact) else None) or event.stream


def subjects_told_of(fact: Fact) -> Iterator[SubjectId]:
    """Yield every subject that a fact says something about by naming them, texts apart."""
    if isinstance(fact, f.CaseOpened):
        yield from fact.subjects
    elif isinstance(fact, f.SubjectRelated):
        yield fact.subject
    elif isinstance(fact, LearningFact):
        yield from fact.persons
    if isinstance(fact, f.FactCorrected | LearningFactCorrected) and fact.field in _CORRECTABLE_SUBJECTS:
        for value in fact.value if isinstance(fact.value, tuple) else (fact.value,):
            with suppress(ValueError):
                yield UUID(str(value))
    yield from subjects_of(fact)


_CORRECTABLE_SUBJECTS: Final = frozenset({"subjects", "subject", "to", "on_word_of", "participant", "participants"})
"""Fields that a correction may change and that hold subjects; one of them holds an organisation in other facts."""


@cache
def moments_of(fact: type[Fact]) -> tuple[tuple[str, str], ...]:
    """Return the fields of a fact that hold a moment, by attribute and as stored."""
    return tuple(
        (field.name, field.encode_name)
        for field in msgspec.structs.fields(fact)
        if datetime in (field.type, *get_args(field.type))
    )
