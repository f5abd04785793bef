"""Investigations from the first command on: recorded, sealed, projected past."""

from datetime import UTC, datetime, timedelta

from graph.given import SVB, Story
from knelpunt.domain.command import COMMANDS
from knelpunt.domain.investigation.facts import InvestigationFact
from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.ports import Asker


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


INVESTIGATION = """id status question programme publishedAt reportTitle cases { id } dialogues { problem }
    findings { statement removed causes { statement status } }
    followUps { due plan doneAt note organisation { identifier } }"""


def test_what_became_of_each_finding(asked):
    """An investigation is found by its programme; what was found is followed to whether its cause is gone."""
    asked.organisations()
    story = Story(asked)
    anna = asked.asker(role=Role.INVESTIGATOR)

    def do(name, day, asker=anna, selection="", **given):
        return asked.done(name, {"occurredAt": story.day(day)} | given, selection, asker)

    cause = do("identifyCause", 1, selection="cause { id }", locus="LAW", statement="Een regel")["cause"]["id"]
    opened = do("openInvestigation", 2, selection="investigation { id }", question="Waarom?", programme="kafka-zorg")
    inquiry = {"investigation": opened["investigation"]["id"]}
    talk = do("conveneDialogue", 3, selection="dialogue { id }", theme="zorg", problem="Niemand belt")["dialogue"]["id"]
    do("includeCase", 4, **inquiry, case=story.case)
    do("attachDialogue", 5, **inquiry, dialogue=talk)
    do("recordFinding", 6, **inquiry, statement="Er is een regel te veel", causes=[cause])
    report = inquiry | {"occurredAt": story.day(7), "title": "Te veel"}
    assert asked.refused("publishReport", report, anna)["code"] == "NO_CONCLUDED_DIALOGUE"
    do("closeFirstPart", 8, dialogue=talk)
    concluded = do("concludeDialogue", 9, dialogue=talk, selection="event { id }")["event"]["id"]
    # A conclusion that is struck concludes nothing.
    struck = do("strikeDialogueEvent", 10, dialogue=talk, event=concluded, reason="DUPLICATE", selection="event { id }")
    assert asked.refused("publishReport", report, anna)["code"] == "NO_CONCLUDED_DIALOGUE"
    do("strikeDialogueEvent", 11, dialogue=talk, event=struck["event"]["id"], reason="NEVER_HAPPENED")

    def found(asker, lens=""):
        asked.project()
        list_ = 'investigations(filter: { programmes: ["kafka-zorg"] }) { totalCount nodes { id } }'
        one = f'investigation(id: "{inquiry["investigation"]}") {{ {INVESTIGATION} }}'
        answer = asked.ask(f"{{ registry{lens} {{ {list_} {one} }} }}", asker)["registry"]
        return answer["investigations"]["totalCount"], answer["investigation"]

    stranger = Asker(SVB, Role.AGENCY, "zoe", asked.asker().expires_at)
    assert (found(anna)[0], found(stranger)) == (1, (0, None))
    do("publishReport", 12, **inquiry, title="Te veel", location="https://voorbeeld.invalid")
    planned = do("planFollowUp", 13, **inquiry, due=story.day(60), plan="Nabellen", selection="event { data }")
    count, shown = found(stranger)
    assert (count, shown["status"], shown["reportTitle"]) == (1, "PUBLISHED", "Te veel")
    assert shown["dialogues"] == [{"problem": "Niemand belt"}]
    assert shown["findings"] == [
        {
            "statement": "Er is een regel te veel",
            "removed": False,
            "causes": [{"statement": "Een regel", "status": "UNOWNED"}],
        }
    ]
    do("removeCause", 50, cause=cause)
    do("doFollowUp", 61, **inquiry, followUp=planned["event"]["data"]["followUp"], note="Het is weg")
    later = found(anna)[1]
    assert later["findings"][0]["removed"] is True
    assert (later["followUps"][0]["plan"], later["followUps"][0]["note"]) == ("Nabellen", "Het is weg")
    assert [one["id"] for one in later["cases"]] == [story.case]
    before = found(anna, f'(asOf: "{story.day(40)}")')[1]
    assert (before["findings"][0]["removed"], before["followUps"][0]["doneAt"]) == (False, None)
    assert found(anna, f'(asOf: "{story.day(1)}")') == (0, None)


PROGRAMME = """name begunAt investigationCount investigations { question } cases { reference } dialogues { problem }
    findings { statement removed } causes { statement status } followUps { plan doneAt }"""


def test_a_programme_tells_what_its_investigations_hold_and_what_became_of_it(asked):
    """What several investigations include and found stands together, for who may know of them, at both times."""
    asked.organisations()
    story = Story(asked)
    anna = asked.asker(role=Role.INVESTIGATOR)

    def do(name, day, selection="event { id }", **given):
        return asked.done(name, {"occurredAt": story.day(day)} | given, selection, anna)

    causes = [
        do("identifyCause", 1, "cause { id }", locus="LAW", statement=one)["cause"]["id"] for one in ("Een", "Twee")
    ]
    talk = do("conveneDialogue", 2, "dialogue { id }", theme="zorg", problem="Niemand belt")["dialogue"]["id"]
    inquiries = [
        do("openInvestigation", day, "investigation { id }", question=question, programme=programme)["investigation"][
            "id"
        ]
        for day, question, programme in (
            (3, "Waarom?", "kafka-zorg"),
            (4, "En hoe?", "kafka-zorg"),
            (5, "x", "kafka-a"),
        )
    ]
    for day, inquiry, cause in zip((6, 7), inquiries, causes, strict=False):
        do("includeCase", day, investigation=inquiry, case=story.case)
        do("attachDialogue", day, investigation=inquiry, dialogue=talk)
        do("recordFinding", day, investigation=inquiry, statement=f"Bevinding {day}", causes=[causes[0], cause])
    do("planFollowUp", 8, investigation=inquiries[1], due=story.day(60), plan="Nabellen")
    do("removeCause", 9, cause=causes[0])

    def found(lens="", asker=anna):
        asked.project()
        query = (
            f"{{ registry{lens} {{ programmes {{ totalCount nodes {{ name investigationCount }} }} "
            f'programme(name: "kafka-zorg") {{ {PROGRAMME} }} }} }}'
        )
        answer = asked.ask(query, asker)["registry"]
        assert answer["programmes"]["totalCount"] == len(answer["programmes"]["nodes"])
        return {one["name"]: one["investigationCount"] for one in answer["programmes"]["nodes"]}, answer["programme"]

    counts, shown = found()
    assert counts == {"kafka-a": 1, "kafka-zorg": 2}
    assert shown == {
        "name": "kafka-zorg",
        "begunAt": shown["begunAt"],
        "investigationCount": 2,
        "investigations": [{"question": "Waarom?"}, {"question": "En hoe?"}],
        "cases": [{"reference": story.reference}],
        "dialogues": [{"problem": "Niemand belt"}],
        "findings": [{"statement": "Bevinding 6", "removed": True}, {"statement": "Bevinding 7", "removed": False}],
        "causes": [{"statement": "Een", "status": "REMOVED"}, {"statement": "Twee", "status": "UNOWNED"}],
        "followUps": [{"plan": "Nabellen", "doneAt": None}],
    }
    assert datetime.fromisoformat(shown["begunAt"]) == datetime.fromisoformat(story.day(3))
    counts, before = found(f'(asOf: "{story.day(3.5)}")')
    assert (counts, before["findings"], before["cases"]) == ({"kafka-zorg": 1}, [], [])
    assert found(f'(asOf: "{story.day(2)}")') == ({}, None)
    assert found(asker=Asker(SVB, Role.AGENCY, "zoe", asked.asker().expires_at)) == ({}, None)
    page = asked.ask("{ registry { programmes(first: 1) { nodes { name } pageInfo { endCursor } } } }", anna)
    after = page["registry"]["programmes"]["pageInfo"]["endCursor"]
    rest = asked.ask(f'{{ registry {{ programmes(first: 1, after: "{after}") {{ nodes {{ name }} }} }} }}', anna)
    assert rest["registry"]["programmes"]["nodes"] == [{"name": "kafka-zorg"}]
