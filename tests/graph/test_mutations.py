"""Every command as a mutation: recorded once, by whom the token says, or refused in a sentence."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from graph.given import GEMEENTE, LONG_AGO, SVB, ZORG, Story
from knelpunt.domain.command import COMMANDS
from knelpunt.domain.learning.facts import LearningFact
from knelpunt.domain.registry.facts import BarrierAdded, PromiseAdded
from knelpunt.domain.vocabulary import Role
from knelpunt.infra.http.origin import Origin

EVENT = (
    "event { id type version occurredAt data summary actor { organisation { identifier name } role user } case { id } }"
)


def test_every_command_once(asked):
    """A life of a case in which every command has its effect: each answers with its event, as it was asked for."""
    done: dict[str, dict] = {}
    asked.organisations()
    done["RegisterOrganisation"] = asked.done(
        "registerOrganisation",
        {
            "organisation": "urn:org:unit",
            "name": "Wijkteam",
            "kind": "UNIT",
            "parent": GEMEENTE,
            "occurredAt": LONG_AGO,
        },
        f"organisation {{ identifier name kind parent {{ name }} }} {EVENT}",
    )
    assert done["RegisterOrganisation"]["organisation"] == {
        "identifier": "urn:org:unit", "name": "Wijkteam", "kind": "UNIT", "parent": {"name": "Gemeente Ergens"},
    }  # fmt: skip
    done["RenameOrganisation"] = asked.done(
        "renameOrganisation", {"organisation": "urn:org:unit", "name": "Buurtteam"}, f"organisation {{ name }} {EVENT}"
    )
    assert done["RenameOrganisation"]["organisation"] == {"name": "Buurtteam"}
    done |= organisations_doings(asked)
    other = Story(asked)
    story = Story(asked, noticedBy="SOLUTION_TEAM")
    done["OpenCase"] = asked.done("openCase", {"theme": "zorg", "noticedBy": "OTHER"}, EVENT)
    svb = asked.asker(SVB)
    partner = str(uuid4())

    def do(name, day, asker=None, **given):
        mutation = name[0].lower() + name[1:]
        done[name] = story.done(mutation, day, f"case {{ id }} {EVENT}", asker, **given)
        assert done[name]["case"]["id"] == story.case
        return done[name]

    do("RelateSubject", 1, subject=partner, to=story.subject, relation="HOUSEHOLD")
    do("NameCoordinator", 2, organisation=GEMEENTE)
    obstacle = story.report(3, story="Zij kreeg geen antwoord", need="Een besluit", told=[SVB])
    done["ReportObstacle"] = story.done(
        "reportObstacle",
        3,
        EVENT,
        origin="SUM_OF_ACTIONS",
        experiencedAt=SVB,
        receivedBy=GEMEENTE,
        triggeredBy=obstacle,
    )
    second = done["ReportObstacle"]["event"]["data"]["obstacle"]
    do("StateHarm", 4, obstacle=obstacle, harm="INCOME", since=story.day(3), note="Geen geld", noteAbout=partner)
    do("SetTerm", 5, obstacle=obstacle, due=story.day(30), basis="awb:4:13")
    do("BeginWaiting", 6, obstacle=obstacle, ground="ADVICE", **{"for": {"organisation": SVB}})
    do("EndWaiting", 7, obstacle=obstacle)
    do("TakeStep", 8, obstacle=obstacle, kind="LETTER", note="Een brief gestuurd")
    do("MakeContact", 9, obstacles=[obstacle], initiatedBy="SUBJECT", channel="PHONE", storyRetold=True)
    do("ApplyRemedy", 10, obstacle=obstacle, ruleDepartedFrom="awb:4:15")
    offered = do("OfferHandoff", 11, obstacle=obstacle, to=SVB, reason="Dit hoort bij u")
    do("RefuseHandoff", 12, svb, handoff=offered["event"]["data"]["handoff"], ground="NOT_COMPETENT", suggests=ZORG)
    offered = do("OfferHandoff", 13, obstacle=obstacle, to=SVB)
    do("WithdrawHandoff", 14, handoff=offered["event"]["data"]["handoff"])
    offered = do("OfferHandoff", 15, obstacle=obstacle, to=SVB)
    do("AcceptHandoff", 16, svb, handoff=offered["event"]["data"]["handoff"], fileReceived=True)
    do("ReferSubject", 17, svb, obstacle=obstacle, to=ZORG)
    do("ReleaseCustody", 18, svb, obstacle=obstacle, ground="NO_CAPACITY")
    gap = asked_gap(asked, story, "RELEASED")
    do("GiveAccount", 30, gap=gap, stance="DISPUTES", account="Wij wisten van niets")
    do("AcknowledgeGap", 31, svb, gap=gap, plan="Wij nemen het weer op", due=story.day(40))
    do("TakeCustody", 32, obstacle=obstacle)
    do("MoveResponsibility", 33, obstacle=obstacle, to=ZORG, basis="RELOCATION")
    do("TakeCustody", 34, asked.asker(ZORG), obstacle=obstacle)
    do("ResolveObstacle", 35, asked.asker(ZORG), obstacle=obstacle, outcome="REJECTED")
    do("ContestResolution", 36, obstacle=obstacle, by={"subject": story.subject}, answerDue=story.day(50))
    do("UpholdResolution", 37, asked.asker(ZORG), obstacle=obstacle)
    do("ContestResolution", 38, obstacle=obstacle, by={"organisation": GEMEENTE}, answerDue=story.day(50))
    do("WithdrawContest", 39, obstacle=obstacle)
    do("GiveRuling", 40, obstacle=obstacle, body=SVB, binding=True, annuls=True)
    do("ReopenObstacle", 41, obstacle=obstacle, organisation=GEMEENTE)
    third = story.report(42)
    do("SplitObstacle", 43, obstacle=obstacle, into=[third])
    do("WithdrawObstacle", 44, obstacle=third, ground="GAVE_UP", onWordOf=story.subject, statement="Ik kan niet meer")
    do("CloseCase", 45, ground="Klaar")
    do("ReopenCase", 46)
    step = done["TakeStep"]["event"]["id"]
    do("CorrectFact", 47, event=step, field="occurredAt", value=story.day(8.5), reason="Verkeerde datum")
    do("StrikeEvent", 48, event=step, reason="DUPLICATE")
    done["LinkCase"] = asked.done(
        "linkCase", {"from": story.case, "case": other.case, "relation": "RELATED"}, f"case {{ id }} {EVENT}"
    )
    assert done["LinkCase"]["case"]["id"] == story.case
    # Those of learning streams and of the catalogue have tests of their own.
    elsewhere = (LearningFact, BarrierAdded, PromiseAdded)
    assert set(done) == {name for name, fact in COMMANDS.items() if not issubclass(fact, elsewhere)}
    for name, found in done.items():
        event = found["event"]
        assert event["type"] == COMMANDS[name].__name__
        assert event["actor"]["role"] == "AGENCY"
        assert event["actor"]["user"] == "somebody"
        assert event["summary"].endswith(".")
        assert "urn:" not in event["summary"]
    assert done["StateHarm"]["event"]["data"]["note"] == "Geen geld"
    assert done["ReportObstacle"]["event"]["data"]["triggeredBy"] is not None
    assert second
    told = asked.registry(
        "case(id: $id) { conflicts { event { type } code } timeline(first: 200) { nodes { type struckBy { type } } } }",
        declared="($id: ID!)", id=story.case,
    )["case"]  # fmt: skip
    assert told["conflicts"] == []
    struck = [one for one in told["timeline"]["nodes"] if one["struckBy"]]
    assert [one["type"] for one in struck] == ["StepTaken"]


def organisations_doings(asked) -> dict[str, dict]:
    """What becomes of organisations that no case is about: each command has its effect."""
    for name in ("oud", "nieuw", "weg"):
        given = {"organisation": f"urn:org:{name}", "name": f"Dienst {name.title()}", "kind": "EXECUTING_AGENCY"}
        asked.done("registerOrganisation", given | {"occurredAt": LONG_AGO})
    done: dict[str, dict] = {}

    def do(name, selection="", organisation="urn:org:oud", **given):
        mutation = name[0].lower() + name[1:]
        done[name] = asked.done(
            mutation,
            {"organisation": organisation, "occurredAt": "2020-01-01T00:00:00Z"} | given,
            f"organisation {{ identifier {selection} }} {EVENT}",
        )
        assert done[name]["event"]["case"] is None
        return done[name]["organisation"]

    assert do("ChangeParent", "parent { name }", parent=GEMEENTE)["parent"] == {"name": "Gemeente Ergens"}
    transfer = "tasksTransferred { theme to { name } since }"
    since = "2021-01-01T00:00:00Z"
    assert do("TransferTask", transfer, theme="jeugdhulp", to="urn:org:nieuw", since=since, basis="BWBR0034925")[
        "tasksTransferred"
    ] == [{"theme": "jeugdhulp", "to": {"name": "Dienst Nieuw"}, "since": since}]
    team = do(
        "EstablishSolutionTeam",
        "solutionTeam { motives mandate contact establishedAt }",
        motives=["FAILURE_COSTS"],
        mandate="Mag van regels afwijken",
        contact="Bel de balie",
    )["solutionTeam"]
    assert team == {
        "motives": ["FAILURE_COSTS"], "mandate": "Mag van regels afwijken", "contact": "Bel de balie",
        "establishedAt": "2020-01-01T00:00:00Z",
    }  # fmt: skip
    shared = do("ShareStrategy", "strategiesShared { id title }", title="Samen aan tafel", description="Met iedereen")
    assert shared["strategiesShared"][0]["title"] == "Samen aan tafel"
    strategy = shared["strategiesShared"][0]["id"]
    adopted = do(
        "AdoptStrategy",
        "strategiesAdopted { title description sharedBy { name } }",
        organisation="urn:org:nieuw",
        strategy=strategy,
        sharedBy="urn:org:oud",
    )
    assert adopted["strategiesAdopted"] == [
        {"title": "Samen aan tafel", "description": "Met iedereen", "sharedBy": {"name": "Dienst Oud"}}
    ]
    at = "2022-01-01T00:00:00Z"
    merged = do("MergeOrganisation", "endedAt mergedInto { name }", into="urn:org:nieuw", occurredAt=at)
    assert merged == {"identifier": "urn:org:oud", "endedAt": at, "mergedInto": {"name": "Dienst Nieuw"}}
    gone = do("DissolveOrganisation", "endedAt mergedInto { name }", organisation="urn:org:weg", occurredAt=at)
    assert gone == {"identifier": "urn:org:weg", "endedAt": at, "mergedInto": None}
    event = done["MergeOrganisation"]["event"]["id"]
    better = do("CorrectOrganisationFact", "mergedInto { name }", event=event, field="into", value=GEMEENTE,
                occurredAt="2022-06-01T00:00:00Z", reason="Verkeerde opvolger")  # fmt: skip
    assert better["mergedInto"] == {"name": "Gemeente Ergens"}
    back = do("StrikeOrganisationEvent", "endedAt", event=event, reason="NEVER_HAPPENED")
    assert back["endedAt"] is None
    for name, given in (("ChangeTerm", {"term": "CONFIRM_BY"}), ("ChangeGrace", {"kind": "MOVED"})):
        mutation = name[0].lower() + name[1:]
        done[name] = asked.done(mutation, given | {"days": 3}, EVENT, asked.asker(role=Role.ADMINISTRATOR))
        done[name]["event"]["actor"]["role"] = "AGENCY"
    return done


def asked_gap(asked, story, kind):
    found = asked.registry(
        "gaps(filter: {case: $case, counts: null}, first: 200) { nodes { id kind } }",
        declared="($case: ID!)",
        case=story.case,
    )["gaps"]["nodes"]
    return next(gap["id"] for gap in found if gap["kind"] == kind)


@pytest.fixture
def story(asked):
    asked.organisations()
    return Story(asked)


def test_a_retry_gets_the_first_answer(asked, story):
    """The same command id with the same request has one effect, whatever was left for the registry to fill in."""
    given = {
        "case": story.case, "origin": "UNKNOWN", "experiencedAt": SVB, "commandId": str(uuid4()), "story": "Zo ging het"
    }  # fmt: skip
    first = asked.done("reportObstacle", given, "version recordedAt obstacle { id } event { id }")
    again = asked.done("reportObstacle", given, "version recordedAt obstacle { id } event { id }")
    assert first == again
    assert first["commandId"] == given["commandId"]
    other = asked.refused("reportObstacle", given | {"story": "Zo ging het niet"})
    assert other["code"] == "COMMAND_REUSED"


def test_an_account_sent_again_is_the_same_account(asked, story):
    """What is said of a gap is the same request when it is sent again, even if the gap has moved since."""
    obstacle = story.report(1, receivedBy=None)
    gap = asked_gap(asked, story, "NEVER_TAKEN")
    given = {
        "case": story.case,
        "gap": gap,
        "stance": "CONFIRMS",
        "commandId": str(uuid4()),
        "occurredAt": story.day(50),
    }
    first = asked.done("giveAccount", given)
    story.done("takeCustody", 40, obstacle=obstacle)
    report = asked.registry(
        "case(id: $id) { obstacles { report { id } } }", declared="($id: ID!)", id=story.case
    )["case"]["obstacles"][0]["report"]["id"]  # fmt: skip
    story.done("correctFact", 60, event=report, field="occurredAt", value=story.day(0.5))
    assert asked.done("giveAccount", given) == first


def test_new_ids_may_be_given(asked):
    """Who makes ids of new things keeps them; what is answered is global, and either form names the thing later."""
    asked.organisations()
    case, obstacle = str(uuid4()), str(uuid4())
    asked.done("openCase", {"case": case, "theme": "zorg", "noticedBy": "SUBJECT", "subjects": [str(uuid4())]})
    given = {"case": case, "obstacle": obstacle, "origin": "UNKNOWN", "experiencedAt": SVB, "receivedBy": GEMEENTE}
    reported = asked.done("reportObstacle", given, "case { id } obstacle { id }")
    for named in (obstacle, reported["obstacle"]["id"]):
        asked.done("takeStep", {"case": reported["case"]["id"], "obstacle": named, "kind": "LETTER"})


def test_the_actor_comes_from_the_token(asked, story):
    """Organisation, role and user are the token's, and who speaks for another records a claim."""
    obstacle = story.report(1, receivedBy=None)
    claimed = story.done(
        "takeCustody", 2,
        "event { actor { organisation { identifier } role } } obstacle { holder { identifier } claimed }",
        asked.asker(ZORG, Role.INVESTIGATOR), obstacle=obstacle, organisation=SVB,
    )  # fmt: skip
    assert claimed["event"]["actor"] == {"organisation": {"identifier": ZORG}, "role": "INVESTIGATOR"}
    assert claimed["obstacle"] == {"holder": {"identifier": SVB}, "claimed": True}


def test_who_acts_for_no_organisation_only_reads(asked, story):
    """A token without an organisation asks, and records nothing."""
    auditor = asked.asker(None, Role.AUDITOR)
    error = asked.error(
        "mutation M($input: OpenCaseInput!) { openCase(input: $input) { __typename } }",
        auditor,
        input={"theme": "zorg", "noticedBy": "SUBJECT"},
    )
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert asked.ask("{ viewer { organisation { id } mayRecord } }", auditor)["viewer"] == {
        "organisation": None, "mayRecord": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("mutation", "given", "code", "names"),
    [
        ("takeStep", {"obstacle": str(uuid4()), "kind": "NOTE"}, "UNKNOWN_OBSTACLE", "obstacle"),
        ("takeStep", {"obstacle": "niets", "kind": "NOTE"}, "MALFORMED", "obstacle"),
        ("takeStep", {"obstacle": None, "case": str(uuid4()), "kind": "NOTE"}, "UNKNOWN_CASE", "case"),
        ("takeStep", {"obstacle": None, "case": "K-1", "kind": "NOTE"}, "MALFORMED", "case"),
        ("takeStep", {"obstacle": None, "kind": "NOTE", "note": "x" * 5000}, "MALFORMED", "note"),
        ("takeStep", {"obstacle": None, "kind": "NOTE", "organisation": "de gemeente"}, "MALFORMED", "organisation"),
        ("takeStep", {"obstacle": None, "kind": "NOTE", "organisation": "urn:x"}, "UNKNOWN_ORGANISATION", "urn:x"),
        ("takeStep", {"obstacle": None, "kind": "NOTE", "expectedVersion": 1}, "VERSION_CONFLICT", "moved on"),
        ("takeStep", {"obstacle": None, "kind": "NOTE", "commandId": "eerste"}, "MALFORMED", "commandId"),
        ("resolveObstacle", {"obstacle": None, "organisation": SVB, "outcome": "REMOVED"}, "NOT_HOLDER", "held"),
        ("endWaiting", {"obstacle": None}, "NOT_WAITING", "wait"),
        ("acceptHandoff", {"handoff": str(uuid4())}, "UNKNOWN_HANDOFF", "handoff"),
        ("acknowledgeGap", {"gap": str(uuid4())}, "UNKNOWN_GAP", "gap"),
        ("giveAccount", {"event": str(uuid4()), "stance": "CONFIRMS"}, "UNKNOWN_EVENT", "event"),
        ("giveAccount", {"stance": "CONFIRMS"}, "MALFORMED", "account"),
        ("contestResolution", {"obstacle": None, "by": {}, "answerDue": LONG_AGO}, "MALFORMED", "by"),
        ("setTerm", {"obstacle": None, "due": LONG_AGO, "basis": "artikel 4 lid 13"}, "MALFORMED", "basis"),
        ("withdrawObstacle", {"obstacle": None, "ground": "DIED", "onWordOf": str(uuid4())}, "UNKNOWN_SUBJECT", "sub"),
    ],
)  # fmt: skip
def test_refusals(asked, story, mutation, given, code, names):
    """What cannot be is refused with its code, in a sentence that names what is wrong, and nothing is recorded."""
    obstacle = story.report(1)
    before = asked.run(head(asked))
    filled = {"case": story.case} | {key: obstacle if key == "obstacle" and value is None else value
                                    for key, value in given.items()}  # fmt: skip
    found = asked.refused(mutation, filled)
    assert found["code"] == code
    assert names in found["message"]
    assert found["message"].endswith(".")
    assert asked.run(head(asked)) == before


async def head(asked):
    async with asked.running.session(asked.asker(), Origin("test")) as session:
        return await session.head()


def test_the_future_is_refused(asked, story):
    """What is recorded must have happened, and the refusal says what was given and what time it is."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    found = asked.refused("closeCase", {"case": story.case, "occurredAt": tomorrow})
    assert found["code"] == "FUTURE"
    assert {fact["name"] for fact in found["facts"]} == {"occurredAt", "now"}


def test_a_gap_of_another_case_is_refused(asked, story):
    """A gap's id says in which case it lies."""
    Story.report(story, 1, receivedBy=None)
    gap = asked_gap(asked, story, "NEVER_TAKEN")
    other = Story(asked)
    assert asked.refused("acknowledgeGap", {"case": other.case, "gap": gap})["code"] == "MALFORMED"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"theme": "zorg", "noticedBy": "MIJ"}, "NoticedBy"),
        ({"theme": "zorg", "noticedBy": "SUBJECT", "occurredAt": "2024-03-04T09:00:00"}, "needs its offset from UTC"),
        ({"theme": "zorg", "noticedBy": "SUBJECT", "occurredAt": "gisteren"}, "is no moment"),
        ({"theme": "zorg"}, "noticedBy"),
        ({"theme": "zorg", "noticedBy": "SUBJECT", "mood": "sad"}, "mood"),
    ],
)
def test_bad_input_is_an_error_with_a_code(asked, given, says):
    """What GraphQL itself cannot read is an error before anything runs: one clear sentence, and a code."""
    query = "mutation M($input: OpenCaseInput!) { openCase(input: $input) { __typename } }"
    error = asked.error(query, input=given)
    assert says in error["message"]
    assert error["extensions"]["code"] in {"BAD_INPUT", "INVALID"}


def test_texts_are_sealed_and_opened_for_readers(asked, story):
    """A text is in clear in the answer, and nowhere in the stored event; one that was erased says so."""
    story.report(1, story="Zij belde zeven keer")
    stored = asked.run(event_states(asked))
    assert not any(b"zeven keer" in state for state in stored)
    query = "query Q($id: ID!) { registry { case(id: $id) { title timeline { nodes { type data } } } } }"

    def story_told():
        asked.project()
        case = asked.ask(query, id=story.case)["registry"]["case"]
        return case["title"], case["timeline"]["nodes"][1]["data"]["story"]

    assert story_told() == ("Een brief te veel", "Zij belde zeven keer")
    asked.destroy_keys()
    assert story_told() == (None, {"erased": True})


async def event_states(asked):
    async with asked.running.session(asked.asker(), Origin("test")) as session:
        return [bytes(row[0]) for row in await session.rows("SELECT state FROM knelpunt.event", {})]
