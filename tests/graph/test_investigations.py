"""Investigations from the first command on: recorded, sealed, projected past."""

from datetime import UTC, datetime, timedelta

from graph.given import SVB, Story
from knelpunt.domain.command import COMMANDS
from knelpunt.domain.investigation.facts import InvestigationFact
from knelpunt.domain.vocabulary import Role


def test_every_command_has_its_effect(asked):
    """Each command that needs no dialogue is recorded; what stands in its event is what was said."""
    asked.organisations()
    story = Story(asked)
    anna = asked.asker(role=Role.INVESTIGATOR)
    made = asked.done("openInvestigation", {"question": "Waarom?"}, "event { id stream }", asker=anna)
    stream = made["event"]["stream"]
    done = {"OpenInvestigation"}

    def do(name, **given):
        mutation = name[0].lower() + name[1:]
        found = asked.done(mutation, {"investigation": stream} | given, "event { id type data }", asker=anna)
        assert found["event"]["type"] == COMMANDS[name].__name__
        done.add(name)
        return found["event"]

    do("AssignInvestigator", user="bob")
    do("ReleaseInvestigator", user="bob")
    included = do("IncludeCase", case=story.case)
    do("StrikeInvestigationEvent", event=included["id"], reason="WRONG_CASE")
    assert do("RecordFinding", statement="Niemand belt terug.")["data"]["statement"] == "Niemand belt terug."
    planned = do("PlanFollowUp", due="2030-01-01T00:00:00Z", organisation=SVB, plan="Nabellen")
    do("CorrectInvestigationFact", event=planned["id"], field="due", value="2031-01-01T00:00:00Z", reason="Te vroeg")
    do("DoFollowUp", followUp=planned["data"]["followUp"], note="Beter.")
    of_investigations = {name for name, fact in COMMANDS.items() if issubclass(fact, InvestigationFact)}
    assert done == of_investigations - {"AttachDialogue", "PublishReport"}


def test_an_investigation_is_recorded(asked):
    """An investigator opens an investigation over a case; what it asks comes back as it was said."""
    asked.organisations()
    story = Story(asked)
    investigator = asked.asker(role=Role.INVESTIGATOR)
    given = {"question": "Waarom antwoordt niemand?", "programme": "kafka-schulden"}
    opened = asked.done("openInvestigation", given, "event { stream data summary }", asker=investigator)
    event = opened["event"]
    assert event["data"] == {"question": given["question"], "programme": "kafka-schulden"}
    assert event["summary"] == "Gemeente Ergens begon een onderzoek binnen het programma kafka-schulden."
    inquiry = {"investigation": event["stream"]}
    asked.done("includeCase", inquiry | {"case": story.case}, asker=investigator)
    due = (datetime.now(UTC) + timedelta(days=90)).isoformat()
    planned = asked.done("planFollowUp", inquiry | {"due": due}, "event { data }", asker=investigator)
    done = inquiry | {"followUp": planned["event"]["data"]["followUp"], "note": "Beter."}
    last = asked.done("doFollowUp", done, asker=investigator)
    assert asked.refused("publishReport", inquiry, asker=investigator)["code"] == "NO_CONCLUDED_DIALOGUE"
    assert asked.refused("includeCase", inquiry | {"case": story.case})["code"] == "NOT_PERMITTED"
    assert asked.project() == last["position"]
