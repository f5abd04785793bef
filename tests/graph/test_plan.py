"""A planned query answers as graphql-core does: the same data in the same order, the same errors in the same places."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from graph.given import GEMEENTE, SVB, Asked, Story
from knelpunt.graphql.asking import Asking
from knelpunt.graphql.engine import Engine
from knelpunt.infra.http.origin import Origin
from knelpunt.infra.identity.development import DevelopmentIssuer

EVENT = "fragment Told on Event { __typename id type position occurredAt summary actor { organisation { name } role } }"
CASE = (
    "case(reference: $r) { reference title status timeline(first: 3) { totalCount nodes { ...Told } } obstacles { "
    "chain { segments { kind from organisation { name identifier } enteredBy { ...Told } } gaps { kind toAct { name } "
    "} } } }"
)
QUERIES = {
    "a case": (f"query Q($r: String!) {{ registry {{ {CASE} }} }} {EVENT}", True),
    "gaps with what proves them": (
        f"""{{ registry {{ gaps(first: 5, orderBy: NEWEST) {{ totalCount pageInfo {{ endCursor }}
        nodes {{ kind from days evidence {{ ...Told }} }} }} }} }} {EVENT}""",
        True,
    ),
    "gaps with what proves them alone": (
        "{ registry { gaps(orderBy: OLDEST) { nodes { id evidence { id occurredAt data } } } } }",
        True,
    ),
    "aliases, merged selections and a thing of any type": (
        """query Q($id: ID!) { a: node(id: $id) { id ... on Case { reference } } a: node(id: $id) { __typename
        ... on Case { theme } ... on Gap { kind } ... { id } } viewer { role role } v: viewer { mayRecord } }""",
        True,
    ),
    "an error in a place that may be null": (
        '{ registry { case(id: "nonsense") { reference } gaps(first: 2) { nodes { kind } } } }',
        True,
    ),
    "an error in a place that may not": (
        "{ registry { cases(first: 1) { nodes { reference } } gaps(first: 999) { nodes { kind } } } viewer { role } }",
        True,
    ),
    "variables that do not fit": ("query Q($n: Int) { registry { gaps(first: $n) { nodes { kind } } } }", True),
    "a directive": ("query Q($r: String!) { registry { case(reference: $r) { title @skip(if: true) theme } } }", False),
    "introspection": ("{ __schema { queryType { name } } viewer { role } }", False),
    "two operations": ("query Q { viewer { role } } query R { viewer { user } }", False),
}


@pytest.fixture(scope="module")
def told(shared_registry_url, tmp_path_factory):
    """A case that was handed over and corrected, and others beside it, which tests here only read."""
    issuer = DevelopmentIssuer.at(tmp_path_factory.mktemp("issuer"))
    with asyncio.Runner() as runner:
        asked = Asked(shared_registry_url, issuer, runner)
        asked.organisations()
        for days in (100, 80, 60):
            story = Story(asked, days_ago=days)
            obstacle = story.report(1, receivedBy=None, told=[SVB])
            taken = story.done("takeCustody", 30, "event { id }", obstacle=obstacle, organisation=GEMEENTE)
        story.done("correctFact", 31, event=taken["event"]["id"], field="occurredAt", value=story.day(29))
        asked.project()
        yield asked, story
        asked.close()


@pytest.mark.parametrize("name", QUERIES)
def test_a_plan_answers_as_graphql_core(told, name):
    """Data, their order, errors and their paths are the same; what a plan has no way with is left to graphql-core."""
    asked, story = told
    query, planned = QUERIES[name]
    variables = {"r": story.reference, "id": story.case, "n": "many"}
    asker = asked.asker()
    engine = Engine(introspection=True)
    prepared = engine.prepare(query, variables)
    assert (prepared.plan is not None) is planned
    operation = "Q" if "query Q" in query else None

    async def answered(how):
        async with asked.running.session(asker, Origin("a test")) as session:
            asking = Asking(session, asker)
            asking._now = story.start + timedelta(days=55)
            return await engine.answer(how, operation, asking)

    ours, theirs = asked.run(answered(prepared)), asked.run(answered(replace(prepared, plan=None)))
    assert ours == theirs
    assert str(ours) == str(theirs)
    assert ("errors" in ours) is ("error" in name or "variables" in name)


def test_what_proves_a_gap_is_the_same_alone_and_with_its_case(told):
    """Where only the proving events are read, they are shown as corrected, like where their whole cases are."""
    asked, story = told
    asking = "{{ registry {{ gaps(filter: {{counts: null}}) {{ nodes {{ id {} evidence {{ id occurredAt }} }} }} }} }}"
    alone = asked.ask(asking.format(""))["registry"]["gaps"]["nodes"]
    whole = asked.ask(asking.format("case { id }"))["registry"]["gaps"]["nodes"]
    assert [gap["evidence"] for gap in alone] == [gap["evidence"] for gap in whole]
    moments = {event["occurredAt"][:10] for gap in alone for event in gap["evidence"]}
    assert story.day(29)[:10] in moments
    assert story.day(30)[:10] not in moments
