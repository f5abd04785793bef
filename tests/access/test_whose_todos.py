"""To-dos about what the registry learns by: told to whoever may know of it, and to nobody else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.given import GEMEENTE, SVB, Asked, Story
from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.ports import Asker

TODOS = """{ registry { todos { totalCount edges { cursor node {
    kind since organisation { name } case { id } event { id type } } } } } }"""

SEE_LEARNT = {Role.AGENCY, Role.SOLUTION_TEAM, Role.INVESTIGATOR, Role.AUDITOR}


def as_(role: Role, organisation: str = GEMEENTE, user: str = "somebody") -> Asker:
    return Asker(organisation, role, user, datetime.now(UTC) + timedelta(hours=1))


def todos(asked: Asked, asker: Asker) -> list[str]:
    """The types of the events that somebody's to-dos are about; none where that is not for them to see."""
    found: Any = asked.ask(TODOS, asker)["registry"]["todos"]
    assert found["totalCount"] == len(found["edges"])
    return [edge["node"]["event"] and edge["node"]["event"]["type"] for edge in found["edges"]]


@pytest.fixture
def story(asked: Asked) -> Story:
    """A case whose days those of everything else here are counted by."""
    asked.organisations()
    return Story(asked)


def test_in_a_dialogue(asked, story):
    """A view of before the first part was closed, told late, is to be seen to by those who may know of dialogues."""

    def do(mutation, day, **given):
        return asked.done(mutation, {"occurredAt": story.day(day)} | given, "event { stream data }")["event"]

    talk = do("conveneDialogue", 1, theme="zorg", problem="Niemand belt")["stream"]
    person = do("joinDialogue", 2, dialogue=talk, role="POLICYMAKER", name="Clara")["data"]["participant"]
    do("closeFirstPart", 10, dialogue=talk)
    do("giveView", 5, dialogue=talk, participant=person, view="Bellen mag niet")
    asked.project()
    for role in Role:
        assert todos(asked, as_(role)) == (["ViewGiven"] if role in SEE_LEARNT else []), role


def test_in_an_investigation(asked, story):
    """Before it is published an investigation's to-dos are for those who are on it, and for who sees the log."""
    anna = as_(Role.INVESTIGATOR, user="anna")

    def do(mutation, day, **given):
        return asked.done(mutation, {"occurredAt": story.day(day)} | given, "event { stream data }", anna)["event"]

    inquiry = do("openInvestigation", 1, question="Waarom?")["stream"]
    asked.project()
    planned = do("planFollowUp", 10, investigation=inquiry, due=story.day(50), organisation=SVB)["data"]["followUp"]
    do("doFollowUp", 5, investigation=inquiry, followUp=planned, note="Beter.")
    asked.project()
    assert todos(asked, anna) == ["FollowUpDone"]
    for role in Role:
        assert todos(asked, as_(role, user="bob")) == (["FollowUpDone"] if role is Role.AUDITOR else []), role


def test_about_a_case_of_others(asked, story):
    """Whoever may know of a cause, and not of the case that an inert link names, is told of no event."""
    obstacle = story.report()
    cause = {"locus": "LAW", "statement": "Twee regels", "occurredAt": story.day(10)}
    given = {"cause": asked.done("identifyCause", cause, "cause { id }")["cause"]["id"], "obstacle": obstacle}
    asked.project()
    asked.done("linkObstacle", given | {"occurredAt": story.day(5)})
    asked.project()
    assert todos(asked, as_(Role.AGENCY)) == ["ObstacleLinked"]
    assert todos(asked, as_(Role.AGENCY, SVB)) == [None]


def test_of_an_organisation(asked, story):
    """What is to be seen to about an organisation is everybody's to know who may know what is derived."""
    asked.done("dissolveOrganisation", {"organisation": SVB, "occurredAt": "2023-01-01T00:00:00Z"})
    late = {"organisation": SVB, "name": "SVB en meer", "occurredAt": "2024-01-01T00:00:00Z"}
    asked.done("renameOrganisation", late)
    asked.project()
    for role in Role:
        assert todos(asked, as_(role)) == ([] if role is Role.INTAKE else ["OrganisationRenamed"]), role
