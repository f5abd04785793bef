"""What stands in an event that somebody sees, and is not for them."""

from typing import Any

import pytest

from access.test_becoming_a_party import asker
from access.test_who_sees_what import raw
from graph.given import GEMEENTE, SVB, ZORG, Asked, Story
from infra.exporting.given import OWNER, export_from
from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.ports import Asker
from knelpunt.infra.exporting.export import Format
from knelpunt.infra.store.connection import DatabaseRole, pool

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


@pytest.fixture
def named_elsewhere(asked) -> tuple[Story, set[str]]:
    """A case whose obstacle was set off by one of another case and, as corrected, by one of a third; both ids."""
    asked.organisations()
    others = (Story(asked, opener=asker(Role.AGENCY, ZORG)) for _ in range(2))
    causes = [one.report(experiencedAt=ZORG, receivedBy=ZORG) for one in others]
    story = Story(asked, opener=asker(Role.AGENCY, SVB))
    report = story.done(
        "reportObstacle", 2, "event { id }", origin="UNKNOWN", experiencedAt=SVB, receivedBy=SVB, triggeredBy=causes[0]
    )
    story.done("correctFact", 3, event=report["event"]["id"], field="triggeredBy", value=causes[1])
    return story, {raw(one) for one in causes}


def test_an_obstacle_of_a_case_that_is_not_seen(asked, named_elsewhere):
    """Its id stands in no event that somebody sees who does not see that case, corrected or not."""
    story, named = named_elsewhere
    shown = str(told(asked, story.case, asker(Role.AGENCY, SVB)))
    assert "ObstacleReported" in shown
    assert "FactCorrected" in shown
    assert not {one for one in named if one in shown}
    shown = str(told(asked, story.case, asked.asker()))
    assert {one for one in named if one in shown} == named


@pytest.mark.parametrize("format_", [Format.CLOUDEVENTS, Format.OCEL2])
def test_an_obstacle_of_a_case_that_is_not_seen_is_not_exported(asked, named_elsewhere, tmp_path, format_):
    """Nor in an export; whoever sees all is told of it, as it was recorded and as it was corrected."""
    _, named = named_elsewhere
    asked.project()
    with pool(asked.url, DatabaseRole.READER, 2) as reader:
        for one, out in ((asker(Role.AGENCY, SVB), tmp_path / "theirs"), (OWNER, tmp_path / "all")):
            export_from(reader, asked.running.services.processing, asked.vault, out, format_, one)
    theirs, everything = ((tmp_path / name).read_text("utf-8") for name in ("theirs", "all"))
    assert not {one for one in named if one in theirs}
    assert {one for one in named if one in everything} == named
    if format_ is Format.CLOUDEVENTS:
        assert '"withheld"' in theirs
        assert '"withheld"' not in everything
