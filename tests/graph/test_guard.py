"""Documents that cost too much are refused before they cost anything, however they are folded up."""

from time import process_time

import pytest
from graphql import get_introspection_query, parse

from knelpunt.graphql.engine import Engine, Refusal
from knelpunt.graphql.guard import cost_with, weigh
from knelpunt.graphql.nodes import FIRST_DEFAULT
from knelpunt.graphql.problems import Problem


def nested(levels: int) -> str:
    return "{ viewer { organisation " + "{ parent " * levels + "{ name }" + " }" * levels + " } }"


def folded(fragments: int, each: int = 2) -> str:
    """A document whose fragments spread the next one several times: a few hundred bytes, exponential when expanded."""
    parts = [
        f"fragment F{n} on Organisation {{ {' '.join(f'a{k}: parent {{ ...F{n + 1} }}' for k in range(each))} }}"
        for n in range(fragments - 1)
    ]
    last = f"fragment F{fragments - 1} on Organisation {{ name }}"
    return "{ viewer { organisation { ...F0 } } } " + " ".join([*parts, last])


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (nested(15), "levels of fields"),
        (folded(10), "fields"),
        (folded(20, 3), "fields"),
        ("{ " + " ".join(f"a{n}: viewer {{ role }}" for n in range(6)) + " }", "root fields"),
        ("{ viewer { " + " ".join(f"a{n}: role" for n in range(16)) + " } }", "aliases"),
        ("{ viewer { role " + "@include(if: true) " * 6 + "} }", "directives"),
        ("{ viewer { " + "role " * 501 + "} }", "fields"),
        ("{ viewer { ...F0 } } " + " ".join(f"fragment F{n} on Viewer {{ role }}" for n in range(21)), "fragments"),
        ("{ registry { cases(first: 200) { nodes { timeline(first: 200) { nodes { id } } } } } }", "items"),
        ("{ registry { cases(first: 99) { nodes { timeline { nodes { case { timeline { nodes { id }}}}}}}}}", "items"),
    ],
)  # fmt: skip
def test_what_costs_too_much(document, says):
    """Each limit refuses what is beyond it, at once, and names itself."""
    started = process_time()
    with pytest.raises(Refusal) as caught:
        Engine(introspection=True).prepare(document)
    assert process_time() - started < 1
    assert says in caught.value.errors[0]["message"]
    assert caught.value.errors[0]["extensions"]["code"] == "TOO_COMPLEX"


@pytest.mark.parametrize(
    "document",
    [
        "{ viewer { " + "role " * 1200 + "} }",
        "{" * 400 + "}" * 400,
        "{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }",
        "{ viewer { mood } }",
        "{ viewer { role ",
    ],
)
def test_what_is_no_question(document):
    """Too many tokens, too deep a nesting, a fragment within itself, unknown fields and half a document are refused."""
    with pytest.raises(Refusal) as caught:
        Engine(introspection=True).prepare(document)
    assert caught.value.errors[0]["extensions"]["code"] in {"INVALID", "TOO_COMPLEX"}


def test_a_page_s_size_may_come_in_a_variable():
    """The cost is worked out with the values of variables, and a variable that is left out counts as a default page."""
    document = parse(
        "query Q($n: Int) { registry { cases(first: $n) { nodes { timeline(first: 100) { nodes { id } } } } } }"
    )
    assert weigh(document).cost is None
    assert cost_with(document, {"n": 50}) == 50 * (1 + 100)
    assert cost_with(document, {}) == FIRST_DEFAULT * (1 + 100)
    with pytest.raises(Problem, match="items"):
        cost_with(document, {"n": 200})


def test_tools_may_ask_for_the_schema_where_that_is_allowed():
    """The question that tools ask of every schema passes, unless introspection is off."""
    Engine(introspection=True).prepare(get_introspection_query())
    with pytest.raises(Refusal):
        Engine(introspection=False).prepare(get_introspection_query())
    Engine(introspection=False).prepare("{ __typename viewer { __typename role } }")


def test_a_document_is_prepared_once():
    """The same document again is the one that is kept."""
    engine = Engine(introspection=True)
    assert engine.prepare("{ viewer { role } }").document is engine.prepare("{ viewer { role } }").document
