"""What proves a gap, read by itself or with the whole of its case."""

import asyncio

import pytest

from graph.given import GEMEENTE, SVB, Asked, Story
from knelpunt.infra.identity.development import DevelopmentIssuer


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
