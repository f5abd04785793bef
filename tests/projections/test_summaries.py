"""Every event in one plain sentence, in both languages."""

import re
from datetime import UTC, datetime
from enum import EnumType
from itertools import product
from typing import Any, get_args
from uuid import uuid4

import msgspec
import pytest

from knelpunt.domain.case import facts as f
from knelpunt.domain.event import Actor, Event
from knelpunt.domain.text import Clear
from knelpunt.domain.topics import FACTS
from knelpunt.domain.vocabulary import GapKind, Role
from knelpunt.projections.summaries import _LINES, _WORDS, Language, _variant, organisations_named, summary

NAMES = {"urn:org:a": "Gemeente Aa", "urn:org:b": "Dienst Bee"}
NO_ORGANISATIONS = {
    *("theme", "reference", "basis", "rule_departed_from", "field", "name", "programme"),
    *("slug", "barrier", "dutch", "english"),
}
"""Fields that hold a word which is no organisation."""

NOW = datetime(2024, 3, 4, 9, 0, tzinfo=UTC)


def values(fact: type, name: str, type_: Any) -> list[Any]:
    """Some values of a field: each member of an enumeration, there and not there, an organisation and a subject."""
    if get_args(type_) and type(None) in get_args(type_):
        rest = [each for each in get_args(type_) if each is not type(None)]
        return [None] if Clear in rest else [None, *values(fact, name, rest[0])]
    if type_ is f.Party:
        return [f.Party(organisation="urn:org:b"), f.Party(subject=uuid4())]
    if type_ is f.GapMark:
        return [f.GapMark(uuid4(), kind, uuid4(), NOW) for kind in GapKind]
    if type_ is datetime:
        return [NOW]
    if name == "days":
        return [1, 30]
    if name == "euros":
        return [0, 1_250_000]
    if type_ is bool:
        return [True, False]
    if isinstance(type_, EnumType):
        return list(type_)
    if "tuple" in str(type_):
        if name in {"organisations", "members"}:
            return [("urn:org:a", "urn:org:b")]
        return [(), ("urn:org:a", "urn:org:b")] if name in {"told", "partners"} else [(uuid4(), uuid4())]
    if "UUID" in str(type_):
        return [uuid4()]
    return ["X-1" if name in NO_ORGANISATIONS else "urn:org:b"]


def facts_of(fact: type) -> list[Any]:
    """A fact in many variants: every combination that may need words of its own."""
    fields = msgspec.structs.fields(fact)
    choices = [values(fact, field.name, field.type) for field in fields]
    found = []
    for chosen in product(*choices):
        try:
            found.append(fact(**dict(zip((field.name for field in fields), chosen, strict=True))))
        except ValueError:
            continue  # not both of two, for instance
    assert found
    return found


@pytest.mark.parametrize("topic", FACTS)
@pytest.mark.parametrize("language", Language)
def test_every_event_has_its_sentence(topic, language):
    """Whatever its fields hold, an event is one sentence without a hole, and calls organisations by their names."""
    for fact in facts_of(FACTS[topic]):
        actor = Actor("urn:org:a", Role.AGENCY, "somebody")
        event = Event(uuid4(), uuid4(), 1, 0, NOW, NOW, actor, uuid4(), fact)
        sentence = summary(event, language, lambda name: NAMES[name], asked="urn:org:b")
        assert re.fullmatch(r"[A-Z].*\.", sentence), sentence
        assert "urn:" not in sentence
        assert "{" not in sentence
        assert "None" not in sentence
        assert "  " not in sentence
        assert set(organisations_named(event)) <= set(NAMES)


@pytest.mark.parametrize("language", Language)
def test_nothing_is_left_unsaid_or_unused(language):
    """Every line is some fact's, and both languages have the same lines and words."""
    needed = {_variant(fact) for cls in FACTS.values() for fact in facts_of(cls)}
    assert set(_LINES[language]) == needed
    assert set(_WORDS[Language.NL]) == set(_WORDS[Language.EN])


def test_a_sentence_names_who_answered():
    """An answer to an offer names the organisation that was asked, not who recorded it."""
    actor = Actor("urn:org:a", Role.AGENCY, "somebody")
    event = Event(uuid4(), uuid4(), 1, 0, NOW, NOW, actor, uuid4(), f.HandoffAccepted(uuid4()))
    assert summary(event, Language.NL, NAMES.__getitem__, "urn:org:b") == "Dienst Bee nam het knelpunt over."
