"""Every event of the streams that the registry learns by has all that belongs to it; a new one cannot leave any out."""

import ast
from pathlib import Path
from typing import Any

import pytest
from graphql import get_named_type

from knelpunt.domain.command import COMMANDS
from knelpunt.domain.learning.facts import LearningFact
from knelpunt.domain.topics import UPCASTERS, VERSIONS
from knelpunt.domain.vocabulary import LearningKind
from knelpunt.graphql.schema import SCHEMA

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
OF_ALL = {name: fact for name, fact in COMMANDS.items() if issubclass(fact, LearningFact)}
FOLDERS = {
    LearningKind.CAUSE: ("cause", "test_causes.py"),
    LearningKind.DIALOGUE: ("dialogue", "test_dialogue.py"),
    LearningKind.INVESTIGATION: ("investigation", "test_investigation.py"),
    LearningKind.POLICY_DOSSIER: ("dossier", "test_dossier.py"),
    LearningKind.NETWORK: ("network", "test_network.py"),
    LearningKind.EXPERIMENT: ("experiment", "test_experiment.py"),
}
"""Where the rules of each kind of stream stand, and where they are tested given/when/then."""


def codes_in(path: Path) -> set[str]:
    """The codes of refusals that a module names."""
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in {"RefusalCode", "R"}
    }


def names_in(path: Path) -> set[str]:
    """Every name and attribute in a module."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return attributes | {node.id for node in nodes if isinstance(node, ast.Name)}


@pytest.mark.parametrize("command", OF_ALL)
def test_an_event_has_all_that_belongs_to_it(command: str) -> None:
    """Golden files of its bytes and of its log entry in every version, and a mutation."""
    topic = OF_ALL[command].topic
    versions = range(1, VERSIONS[topic] + 1)
    for version in versions:
        assert (TESTS / "domain/golden" / f"{topic}.v{version}.json").exists()
        assert (TESTS / "infra/trail/golden" / f"{topic}.v{version}.entry.json").exists()
        assert version == VERSIONS[topic] or (topic, version) in UPCASTERS
    assert SCHEMA.mutation_type is not None
    mutation = SCHEMA.mutation_type.fields[command[0].lower() + command[1:]]
    answers: Any = get_named_type(mutation.type)
    assert {one.name for one in answers.types} == {f"{command}Payload", "Refused"}


@pytest.mark.parametrize("kind", LearningKind)
def test_every_command_and_refusal_of_a_kind_is_tested(kind: LearningKind) -> None:
    """The tests of a kind tell each of its facts, and name every code by which its rules refuse something."""
    folder, module = FOLDERS[kind]
    tests = TESTS / "domain" / module
    facts = {fact.__name__ for fact in OF_ALL.values() if fact.stream_kind is kind}
    assert facts
    assert facts - names_in(tests) == set()
    refused = {code for path in (ROOT / "domain" / folder).glob("*.py") for code in codes_in(path)}
    assert refused
    assert refused - codes_in(tests) == set()


def test_every_refusal_that_kinds_share_is_tested() -> None:
    """What the one decider of all kinds refuses is tested with one of them at least."""
    shared = {code for path in (ROOT / "domain/learning").glob("*.py") for code in codes_in(path)}
    tested = {code for _, module in FOLDERS.values() for code in codes_in(TESTS / "domain" / module)}
    assert shared - tested == set()
    assert {f"UNKNOWN_{kind}" for kind in LearningKind if kind is not LearningKind.INVESTIGATION} - tested == set()


@pytest.mark.parametrize("kind", LearningKind)
def test_every_kind_is_asked_for_by_id_and_by_filter_with_both_times(kind: LearningKind) -> None:
    """The registry at two times has a field for one, by its id, and one for many, by a filter."""
    assert SCHEMA.query_type is not None
    registry = SCHEMA.query_type.fields["registry"]
    assert {"asOf", "knownAt"} <= registry.args.keys()
    fields: Any = get_named_type(registry.type)
    first, *rest = kind.lower().split("_")
    one = first + "".join(word.capitalize() for word in rest)
    assert "id" in fields.fields[one].args
    assert {"filter", "first", "after"} <= fields.fields[f"{one}s"].args.keys()
