"""Facts are stored under names that outlive classes, and old versions are lifted step by step."""

import re
from types import MappingProxyType

import pytest

from knelpunt.domain import topics
from knelpunt.domain.command import COMMANDS


def kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def test_every_fact_has_a_topic_of_its_own() -> None:
    """There are as many topics as facts, each named as its fact was when it was first written."""
    assert len(topics.FACTS) == len(COMMANDS) + len(topics.OWN)
    assert len(COMMANDS) == len(set(COMMANDS.values()))
    assert {topic: fact.__name__ for topic, fact in topics.FACTS.items()} == {
        kebab(fact.__name__): fact.__name__ for fact in (*COMMANDS.values(), *topics.OWN)
    }


def test_every_step_up_to_today_exists() -> None:
    """For each topic there is an upcaster from every old version to the next, and none beyond today's."""
    wanted = {(topic, version) for topic, today in topics.VERSIONS.items() for version in range(1, today)}
    assert set(topics.UPCASTERS) == wanted
    assert set(topics.VERSIONS) == set(topics.FACTS)


def test_todays_version_is_left_as_it_is() -> None:
    """A fact of today goes through no step."""
    fact = {"obstacle": "x"}
    assert topics.upcast("waiting-ended", topics.VERSIONS["waiting-ended"], fact) == {"obstacle": "x"}


def test_an_old_version_goes_through_every_step_in_order(monkeypatch) -> None:
    """Each step lifts by one version; a fact enters at the version in which it was written."""
    steps = {
        ("step-taken", version): (lambda fact, version=version: {**fact, "steps": [*fact["steps"], version]})
        for version in (1, 2, 3)
    }
    monkeypatch.setattr(topics, "VERSIONS", MappingProxyType({**topics.VERSIONS, "step-taken": 4}))
    monkeypatch.setattr(topics, "UPCASTERS", MappingProxyType(steps))
    assert topics.upcast("step-taken", 1, {"steps": []}) == {"steps": [1, 2, 3]}
    assert topics.upcast("step-taken", 3, {"steps": []}) == {"steps": [3]}


def test_a_missing_step_is_an_error(monkeypatch) -> None:
    """A version that nobody can lift is never taken for today's."""
    monkeypatch.setattr(topics, "VERSIONS", MappingProxyType({**topics.VERSIONS, "step-taken": 2}))
    with pytest.raises(KeyError):
        topics.upcast("step-taken", 1, {})
