"""What stands in an event that somebody sees, and is not for them."""

from typing import Any

from access.test_becoming_a_party import asker
from access.test_who_sees_what import raw
from graph.given import GEMEENTE, SVB, ZORG, Asked, Story
from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.ports import Asker

TIMELINE = (
    "query($id: ID!) { registry { case(id: $id) { timeline { nodes { type data } } } events { nodes { type data } } } }"
)


def told(asked: Asked, case: str, who: Asker) -> list[Any]:
    """What the timeline of a case shows to somebody, and the log, in which what corrects an event stands as well."""
    asked.project()
    found = asked.ask(TIMELINE, who, id=case)["registry"]
    return [*found["case"]["timeline"]["nodes"], *found["events"]["nodes"]]


def test_a_corrected_note_is_a_note(asked):
    """What an organisation wrote for itself is not for the subject to read, nor what it should have written."""
    asked.organisations()
    story = Story(asked)
    obstacle = story.report()
    given: dict[str, Any] = {"obstacle": obstacle, "organisation": GEMEENTE, "kind": "NOTE", "note": "Eerste notitie"}
    step = story.done("takeStep", 2, "event { id }", **given)
    story.done("correctFact", 3, event=step["event"]["id"], field="note", content="Betere notitie")
    shown = str(told(asked, story.case, asker(Role.AGENCY, GEMEENTE)))
    assert "Betere notitie" in shown
    shown = str(told(asked, story.case, asker(Role.SUBJECT, subject=story.subject)))
    assert "notitie" not in shown
    assert "{'withheld': True}" in shown


def test_an_obstacle_of_a_case_that_is_not_seen(asked):
    """Its id stands in no event that somebody sees who does not see that case, corrected or not."""
    asked.organisations()
    other, elsewhere = (Story(asked, opener=asker(Role.AGENCY, ZORG)) for _ in range(2))
    causes = [one.report(experiencedAt=ZORG, receivedBy=ZORG) for one in (other, elsewhere)]
    story = Story(asked, opener=asker(Role.AGENCY, SVB))
    report = story.done(
        "reportObstacle", 2, "event { id }", origin="UNKNOWN", experiencedAt=SVB, receivedBy=SVB, triggeredBy=causes[0]
    )
    story.done("correctFact", 3, event=report["event"]["id"], field="triggeredBy", value=causes[1])
    named = {raw(one) for one in causes}
    shown = str(told(asked, story.case, asker(Role.AGENCY, SVB)))
    assert "ObstacleReported" in shown
    assert "FactCorrected" in shown
    assert not {one for one in named if one in shown}
    shown = str(told(asked, story.case, asked.asker()))
    assert {one for one in named if one in shown} == named
