"""Dialogues, dossiers, networks and experiments through GraphQL: every command once, one of each by id, and lists."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from graph.given import GEMEENTE, SVB, ZORG, Asked
from knelpunt.domain.dialogue.facts import COMMANDS as OF_DIALOGUES
from knelpunt.domain.dossier.facts import COMMANDS as OF_DOSSIERS
from knelpunt.domain.experiment.facts import COMMANDS as OF_EXPERIMENTS
from knelpunt.domain.network.facts import COMMANDS as OF_NETWORKS
from knelpunt.infra.identity.development import DevelopmentIssuer

COMMANDS = {**OF_DIALOGUES, **OF_DOSSIERS, **OF_NETWORKS, **OF_EXPERIMENTS}
EVENT = "event { id type data summary(language: EN) actor { organisation { identifier } } conflict { code } }"
START = datetime.now(UTC) - timedelta(days=200)

REPORT = """status theme problem convener { name } begunAt firstPartClosedAt concludedAt lesson
    participants { id role name organisation { identifier } }
    experiences { text participant { name role } }
    bottlenecks { id statement causes { statement } }
    views { text participant { name } }
    options { id proposal participant { name } bottlenecks { statement } }
    actionTeam { organisations { identifier } participants { name } options { proposal } plan }
    steps { id description expectedEffect due overdue status outcome settledAt organisation { identifier }
            progress { note } experiment { hypothesis } }
    causes { statement } policyDossiers { title } conflicts { code } gaps { kind open toAct { identifier } }
    timeline(first: 100) { totalCount nodes { type summary } }"""
"""All that a dialogue's report on one page may want, in one question."""


def day(days: float) -> str:
    return (START + timedelta(days=days)).isoformat()


class Told:
    """A registry in which one dialogue, dossier, network and experiment live their whole lives."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.done: dict[str, Any] = {}
        asked.organisations()
        self.cause = asked.done(
            "identifyCause", {"locus": "LAW", "statement": "Twee regels", "occurredAt": day(0)}, "cause { id }"
        )["cause"]["id"]
        self.citizen, self.clerk, self.minister = (str(uuid4()) for _ in range(3))
        self.experiment = self.do("StartExperiment", 1, organisations=[GEMEENTE, SVB], theme="schulden",
                                  hypothesis="Een gesprek scheelt een brief", place="Waterrijk", professionals=3,
                                  citizens=5, causes=[self.cause])["experiment"]["id"]  # fmt: skip
        self._dialogue()
        self._network()
        self._dossier()
        self._experiment()

    def do(self, name: str, at: float, by: str = GEMEENTE, /, **given: Any) -> dict[str, Any]:
        """A command has its effect on a day; what it says of its stream and its event."""
        kind = COMMANDS[name].stream_kind.lower().split("_")  # type: ignore[attr-defined]
        noun = kind[0] + "".join(word.capitalize() for word in kind[1:])
        mutation = name[0].lower() + name[1:]
        self.done[name] = self.asked.done(
            mutation, {"occurredAt": day(at), **given}, f"{noun} {{ id }} {EVENT}", self.asked.asker(by)
        )
        return self.done[name]

    def _dialogue(self) -> None:
        opened = self.do("ConveneDialogue", 2, theme="schulden", problem="Brieven die niemand leest")
        self.dialogue = opened["dialogue"]["id"]

        def do(name: str, at: float, by: str = GEMEENTE, /, **given: Any) -> dict[str, Any]:
            return self.do(name, at, by, dialogue=self.dialogue, **given)["event"]["data"]

        do("JoinDialogue", 3, participant=self.citizen, role="CITIZEN", name="Anna")
        do("JoinDialogue", 3.1, participant=self.clerk, role="PRACTITIONER", name="Bert", organisation=SVB)
        do("JoinDialogue", 3.2, participant=self.minister, role="POLICYMAKER", name="Clara")
        do("ShareExperience", 4, participant=self.citizen, experience="Ik kreeg negen brieven")
        bottleneck = do("NameBottleneck", 4.5, statement="Niemand belt", causes=[self.cause])["bottleneck"]
        do("CloseFirstPart", 5)
        do("GiveView", 6, participant=self.minister, view="Bellen mag niet")
        option = do("ProposeOption", 7, proposal="Wel bellen", participant=self.clerk, bottlenecks=[bottleneck])
        do("FormActionTeam", 8, organisations=[GEMEENTE, SVB], participants=[self.citizen, self.clerk],
           options=[option["option"]], plan="Een maand bellen")  # fmt: skip
        self.step = do("ChooseFirstStep", 9, organisation=SVB, due=day(40), description="Tien mensen bellen",
                       expectedEffect="Minder brieven", experiment=self.experiment)["step"]  # fmt: skip
        self.other = do("ChooseFirstStep", 9.5, organisation=GEMEENTE, due=day(30), description="Een lijst maken")
        do("ReportProgress", 20, SVB, step=self.step, note="Vijf gebeld")
        do("ConcludeDialogue", 21, lesson="Eerst luisteren")
        do("GiveUpStep", 45, step=self.other["step"], reason="De lijst bestond al")
        self.asked.project()
        gap = self.report(42)["gaps"][0]
        assert gap["kind"] == "COMMITMENT_OVERDUE"
        id_ = self.asked.registry(
            f'dialogue(id: "{self.dialogue}") {{ gaps {{ id toAct {{ identifier }} }} }}', f'(asOf: "{day(50)}")'
        )["dialogue"]["gaps"]
        late = next(one["id"] for one in id_ if one["toAct"] == [{"identifier": SVB}])
        do("AcknowledgeDialogueGap", 50, SVB, gap=late, plan="Volgende week", due=day(55))
        do("CompleteStep", 60, SVB, step=self.step, effect="Acht brieven minder")
        wrong = self.done["ReportProgress"]["event"]["id"]
        do("CorrectDialogueFact", 61, event=wrong, field="note", content="Zes gebeld")
        twice = do("NameBottleneck", 4.6, statement="Niemand belt")
        assert twice
        do("StrikeDialogueEvent", 62, event=self.done["NameBottleneck"]["event"]["id"], reason="DUPLICATE")

    def _network(self) -> None:
        founded = self.do("FoundNetwork", 5, name="Samen Wijzer", members=[GEMEENTE, SVB], purpose="Leren")
        self.network = founded["network"]["id"]

        def do(name: str, at: float, by: str = GEMEENTE, /, **given: Any) -> dict[str, Any]:
            return self.do(name, at, by, network=self.network, **given)["event"]["data"]

        do("JoinNetwork", 10, organisation=ZORG)
        do("AdoptTheme", 11, theme="schulden")
        self.signal = do("RaiseSignal", 20, to=ZORG, members=[GEMEENTE, SVB], causes=[self.cause],
                         message="Deze regels botsen", respondBy=day(40))["signal"]  # fmt: skip
        do("AnswerSignal", 50, ZORG, signal=self.signal, reply="TAKES_UP", answer="Wij passen ze aan")
        challenge = do("SetChallenge", 51, description="Bel een week lang")["challenge"]
        do("TakeUpChallenge", 52, SVB, organisation=SVB, challenge=challenge, note="Doen we")
        asked = do("AskHelp", 53, question="Wie heeft een belscript?")["help"]
        do("OfferHelp", 54, SVB, organisation=SVB, asked=asked, offer="Wij")
        do("OfferHelp", 55, offer="Koffie")
        do("LeaveNetwork", 60, organisation=ZORG)
        joined = self.done["JoinNetwork"]["event"]["id"]
        do("CorrectNetworkFact", 61, event=joined, field="occurredAt", value=day(12))
        left = self.do("LeaveNetwork", 62, organisation=SVB, network=self.network)["event"]["id"]
        do("StrikeNetworkEvent", 63, event=left, reason="NEVER_HAPPENED")

    def _dossier(self) -> None:
        opened = self.do("OpenPolicyDossier", 30, theme="schulden", title="Brieven")
        self.dossier = opened["policyDossier"]["id"]

        def do(name: str, at: float, by: str = GEMEENTE, /, **given: Any) -> dict[str, Any]:
            return self.do(name, at, by, policyDossier=self.dossier, **given)["event"]["data"]

        do("AnswerQuestion", 31, question="PROBLEM", answer="Te veel brieven", behaviour="Mensen lezen ze niet")
        do("AnswerQuestion", 32, question="PROBLEM", answer="Te veel moeilijke brieven")
        for question in ("STAKEHOLDERS", "GOAL", "OPTIONS", "CONSEQUENCES"):
            do("AnswerQuestion", 33, question=question, answer="Ja")
        do("InvolveCitizens", 34, stage="PROBLEM", how="DIALOGUE", influence="COPRODUCED", note="Negen burgers")
        do("MeetBarrier", 35, barrier="empathy", note="Eerst niet")
        self.promise = do("MakePromise", 36, SVB, due=day(70), kind="good-stories", promised="Een verhaal")["promise"]
        do("MakePromise", 36.5, due=day(80), promised="Een tweede")
        do("KeepPromise", 75, SVB, promise=self.promise, note="Verteld")
        do("LinkDossier", 37, cause=self.cause)
        do("LinkDossier", 37, dialogue=self.dialogue)
        do("LinkDossier", 51, network=self.network, signal=self.signal)
        do("AnswerQuestion", 76, question="PREFERRED_OPTION", answer="Bellen")
        met = self.done["MeetBarrier"]["event"]["id"]
        do("CorrectPolicyDossierFact", 77, event=met, field="barrier", value="time-and-timing")
        gap = self.asked.registry(f'policyDossier(id: "{self.dossier}") {{ gaps {{ id open }} }}')["policyDossier"]
        late = next(one["id"] for one in gap["gaps"] if one["open"])
        do("AcknowledgePolicyDossierGap", 90, gap=late, plan="Morgen")
        again = self.do("MeetBarrier", 35, policyDossier=self.dossier, barrier="empathy")["event"]["id"]
        do("StrikePolicyDossierEvent", 91, event=again, reason="DUPLICATE")

    def _experiment(self) -> None:
        def do(name: str, at: float, by: str = GEMEENTE, /, **given: Any) -> dict[str, Any]:
            return self.do(name, at, by, experiment=self.experiment, **given)["event"]["data"]

        do("MakeObservation", 25, observation="Wie gebeld wordt, betaalt")
        do("ConcludeExperiment", 61, finding="UNDECIDED", lesson="Bel op dinsdag")
        concluded = self.done["ConcludeExperiment"]["event"]["id"]
        do("CorrectExperimentFact", 62, event=concluded, field="finding", value="WORKS")
        do("AdoptFromExperiment", 63, ZORG, organisation=ZORG)
        seen = self.do("MakeObservation", 26, experiment=self.experiment, observation="x")["event"]["id"]
        do("StrikeExperimentEvent", 64, event=seen, reason="DUPLICATE")

    def one(self, field: str, id_: str, selection: str, at: float | None = None, known_at: str | None = None) -> Any:
        """One thing by its id, as it was on a day and as known at a moment."""
        lens = [f'asOf: "{day(at)}"'] if at is not None else []
        lens += [f'knownAt: "{known_at}"'] if known_at is not None else []
        found = self.asked.registry(f'{field}(id: "{id_}") {{ {selection} }}', f"({', '.join(lens)})" if lens else "")
        return found[field]

    def report(self, at: float | None = None) -> Any:
        return self.one("dialogue", self.dialogue, REPORT, at)


@pytest.fixture(scope="module")
def told(shared_registry_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The registry, told once for the tests of this module: none of them adds what another would see."""
    with asyncio.Runner() as runner:
        asked = Asked(shared_registry_url, DevelopmentIssuer.at(tmp_path_factory.mktemp("issuer")), runner)
        yield Told(asked)
        asked.close()


def test_every_command_once(told):
    """Each command answers with its event, in a sentence that names organisations by their names."""
    assert set(told.done) == set(COMMANDS)
    for name, found in told.done.items():
        assert found["event"]["type"] == COMMANDS[name].__name__
        assert found["event"]["summary"].endswith(".")
        assert "urn:" not in found["event"]["summary"]
        assert found["event"]["conflict"] is None


def test_a_dialogues_report_is_one_question(told):
    """All that was said in both parts, who said it, and what came of it."""
    found = told.report()
    assert (found["status"], found["problem"], found["lesson"]) == (
        "CONCLUDED", "Brieven die niemand leest", "Eerst luisteren",
    )  # fmt: skip
    assert [(one["name"], one["role"]) for one in found["participants"]] == [
        ("Anna", "CITIZEN"), ("Bert", "PRACTITIONER"), ("Clara", "POLICYMAKER"),
    ]  # fmt: skip
    assert found["experiences"] == [
        {"text": "Ik kreeg negen brieven", "participant": {"name": "Anna", "role": "CITIZEN"}}
    ]
    assert [one["statement"] for one in found["bottlenecks"]] == ["Niemand belt"]
    assert found["bottlenecks"][0]["causes"] == [{"statement": "Twee regels"}] == found["causes"]
    assert found["views"] == [{"text": "Bellen mag niet", "participant": {"name": "Clara"}}]
    assert found["options"][0]["bottlenecks"] == [{"statement": "Niemand belt"}]
    assert found["actionTeam"] == {
        "organisations": [{"identifier": GEMEENTE}, {"identifier": SVB}],
        "participants": [{"name": "Anna"}, {"name": "Bert"}],
        "options": [{"proposal": "Wel bellen"}],
        "plan": "Een maand bellen",
    }
    done, given_up = found["steps"]
    assert (done["status"], done["outcome"], done["overdue"]) == ("DONE", "Acht brieven minder", False)
    assert done["progress"] == [{"note": "Zes gebeld"}]
    assert done["experiment"] == {"hypothesis": "Een gesprek scheelt een brief"}
    assert (given_up["status"], given_up["outcome"]) == ("GIVEN_UP", "De lijst bestond al")
    assert found["policyDossiers"] == [{"title": "Brieven"}]
    assert found["conflicts"] == []
    assert {(one["kind"], one["open"]) for one in found["gaps"]} == {("COMMITMENT_OVERDUE", False)}
    # The step given up, the step done, and the plan that was due before that.
    assert [one["toAct"][0]["identifier"] for one in found["gaps"]] == [GEMEENTE, SVB, SVB]


def test_a_dialogue_at_each_moment(told):
    """What had not happened by a moment is not told; a step is overdue from when it is due until it is settled."""
    assert told.report(1) is None
    early, late = told.report(4.7), told.report(42)
    assert (early["status"], early["views"], early["actionTeam"], early["steps"]) == ("FIRST_PART", [], None, [])
    assert len(early["experiences"]) == 1
    assert [(one["status"], one["overdue"]) for one in late["steps"]] == [("RUNNING", True), ("RUNNING", True)]
    assert [one["open"] for one in late["gaps"]] == [True, True]
    assert [(one["status"], one["overdue"]) for one in told.report(35)["steps"]] == [
        ("RUNNING", False), ("RUNNING", True),
    ]  # fmt: skip


def test_commitments_stand_in_the_list_of_gaps(told):
    """A step or promise that is late is a gap like others, with who has to act; it says which stream it is about."""
    select = """gaps(filter: { kinds: [COMMITMENT_OVERDUE] }, orderBy: OLDEST) {
        totalCount nodes { open from until days toAct { identifier } case { id } subject: evidence { type } } }"""
    found = told.asked.registry(select, f'(asOf: "{day(85)}")')["gaps"]
    assert [(one["toAct"][0]["identifier"], one["open"]) for one in found["nodes"]] == [
        (GEMEENTE, False), (SVB, False), (SVB, False), (SVB, False), (GEMEENTE, True),
    ]  # fmt: skip
    assert [one["subject"][0]["type"] for one in found["nodes"]] == [
        "FirstStepChosen", "FirstStepChosen", "DialogueGapAcknowledged", "PromiseMade", "PromiseMade",
    ]  # fmt: skip
    assert all(one["case"] is None for one in found["nodes"])
    before = told.asked.registry(select, f'(asOf: "{day(32)}")')["gaps"]
    assert [(one["toAct"][0]["identifier"], one["days"]) for one in before["nodes"]] == [(GEMEENTE, 2.0)]


def test_a_dossier_keeps_every_answer(told):
    """The last answer stands, all are kept; questions are open until they are answered."""
    select = """status title openQuestions questions { question answer { text behaviour } versions { text } }
        involvements { stage how influence note } barriersMet { barrier { name(language: EN) } note }
        promises { promised status overdue keptAt note kind { slug } organisation { identifier } }
        causes { statement } dialogues { problem } signals { message reply }"""
    found = told.one("policyDossier", told.dossier, select)
    assert (found["status"], found["openQuestions"]) == ("COMPLETE", [])
    assert found["questions"][0]["answer"] == {"text": "Te veel moeilijke brieven", "behaviour": None}
    assert [one["text"] for one in found["questions"][0]["versions"]] == [
        "Te veel brieven", "Te veel moeilijke brieven",
    ]  # fmt: skip
    assert found["involvements"] == [
        {"stage": "PROBLEM", "how": "DIALOGUE", "influence": "COPRODUCED", "note": "Negen burgers"}
    ]
    assert found["barriersMet"] == [{"barrier": {"name": "too little time, and bad timing"}, "note": "Eerst niet"}]
    kept, broken = found["promises"]
    assert (kept["status"], kept["overdue"], kept["note"], kept["kind"]) == (
        "KEPT", False, "Verteld", {"slug": "good-stories"},
    )  # fmt: skip
    assert (broken["status"], broken["overdue"], broken["kind"]) == ("PENDING", True, None)
    assert (found["causes"], found["dialogues"], found["signals"]) == (
        [{"statement": "Twee regels"}],
        [{"problem": "Brieven die niemand leest"}],
        [{"message": "Deze regels botsen", "reply": "TAKES_UP"}],
    )
    early = told.one("policyDossier", told.dossier, select, 31.5)
    assert early["questions"][0]["answer"] == {"text": "Te veel brieven", "behaviour": "Mensen lezen ze niet"}
    assert early["openQuestions"] == ["STAKEHOLDERS", "GOAL", "OPTIONS", "CONSEQUENCES", "PREFERRED_OPTION"]
    assert (early["status"], early["signals"], early["promises"]) == ("INCOMPLETE", [], [])


def test_a_network_knows_who_was_a_member_then(told):
    """Members at a moment, whoever ever was one, signals with their answers, and how alive it is."""
    select = """name purpose status themes members { identifier } memberships { organisation { identifier } leftAt }
        signals { to { identifier } members { identifier } message reply answer answeredAt causes { statement } }
        challenges { description organisation { identifier } takenUp { note organisation { identifier } } }
        helpAsked { question offers { offer } } helpOffered { offer }
        vitality { lastDoneAt activeMembers members }"""

    def members(at: float) -> set[str]:
        return {one["identifier"] for one in told.one("network", told.network, select, at)["members"]}

    # Its joining was corrected to the twelfth day; one leaving was struck.
    assert [members(at) for at in (5, 11, 12, 59, 63)] == [
        {GEMEENTE, SVB}, {GEMEENTE, SVB}, {GEMEENTE, SVB, ZORG}, {GEMEENTE, SVB, ZORG}, {GEMEENTE, SVB},
    ]  # fmt: skip
    found = told.one("network", told.network, select)
    assert (found["name"], found["purpose"], found["themes"]) == ("Samen Wijzer", "Leren", ["schulden"])
    assert [bool(one["leftAt"]) for one in found["memberships"]] == [False, False, True]
    assert found["signals"][0]["reply"] == "TAKES_UP"
    assert found["signals"][0]["answer"] == "Wij passen ze aan"
    assert found["signals"][0]["causes"] == [{"statement": "Twee regels"}]
    assert found["challenges"][0]["takenUp"] == [{"note": "Doen we", "organisation": {"identifier": SVB}}]
    assert found["helpAsked"] == [{"question": "Wie heeft een belscript?", "offers": [{"offer": "Wij"}]}]
    assert found["helpOffered"] == [{"offer": "Koffie"}]
    assert (found["vitality"]["activeMembers"], found["vitality"]["members"]) == (2, 2)
    unanswered = told.one("network", told.network, select, 30)
    assert (unanswered["signals"][0]["reply"], unanswered["vitality"]["activeMembers"]) == (None, 2)


def test_an_experiment_tells_what_was_learnt_and_who_adopted_it(told):
    """What was tried, seen and found, as corrected; and as it was known before it was corrected."""
    select = """status hypothesis place professionals citizens finding lesson runBy { identifier } causes { statement }
        observations { text } adoptions { organisation { identifier } occurredAt } conflicts { code }"""
    found = told.one("experiment", told.experiment, select)
    assert (found["status"], found["finding"], found["lesson"]) == ("CONCLUDED", "WORKS", "Bel op dinsdag")
    assert (found["hypothesis"], found["place"]) == ("Een gesprek scheelt een brief", "Waterrijk")
    assert (found["professionals"], found["citizens"]) == (3, 5)
    assert [one["text"] for one in found["observations"]] == ["Wie gebeld wordt, betaalt"]
    assert [one["organisation"]["identifier"] for one in found["adoptions"]] == [ZORG]
    recorded = told.asked.registry(
        f'experiment(id: "{told.experiment}") {{ timeline(first: 50) {{ nodes {{ type recordedAt }} }} }}'
    )["experiment"]["timeline"]["nodes"]
    concluded = next(one["recordedAt"] for one in recorded if one["type"] == "ExperimentConcluded")
    assert told.one("experiment", told.experiment, select, known_at=concluded)["finding"] == "UNDECIDED"


@pytest.mark.parametrize(
    ("field", "filter_", "at", "count"),
    [
        ("dialogues", "", None, 1),
        ("dialogues", "", 1, 0),
        ("dialogues", "statuses: [FIRST_PART]", 4, 1),
        ("dialogues", "statuses: [FIRST_PART]", 6, 0),
        ("dialogues", 'themes: ["schulden"], withActionTeam: true, conveners: ["urn:org:gemeente"]', None, 1),
        ("dialogues", "withActionTeam: true", 7, 0),
        ("dialogues", "steps: [RUNNING]", 44, 1),
        ("dialogues", "steps: [RUNNING]", None, 0),
        ("dialogues", 'organisations: ["urn:org:zorg"]', None, 0),
        ("dialogues", "causes: [CAUSE]", None, 1),
        ("dialogues", "causes: [CAUSE]", 4.2, 0),
        ("policyDossiers", "statuses: [COMPLETE]", None, 1),
        ("policyDossiers", "openQuestions: [GOAL]", 32, 1),
        ("policyDossiers", "openQuestions: [GOAL]", 40, 0),
        ("policyDossiers", 'barriers: ["time-and-timing"], promises: [PENDING]', None, 1),
        ("policyDossiers", 'barriers: ["empathy"]', None, 0),
        ("policyDossiers", "causes: [CAUSE], dialogues: [DIALOGUE]", None, 1),
        ("policyDossiers", 'owners: ["urn:org:svb"]', None, 0),
        ("networks", 'members: ["urn:org:zorg"]', 30, 1),
        ("networks", 'members: ["urn:org:zorg"]', None, 0),
        ("networks", 'organisations: ["urn:org:zorg"], themes: ["schulden"]', None, 1),
        ("networks", "withUnansweredSignals: true", 30, 1),
        ("networks", "withUnansweredSignals: true", None, 0),
        ("networks", "causes: [CAUSE], statuses: [ACTIVE]", None, 1),
        ("experiments", "findings: [WORKS], adopted: true", None, 1),
        ("experiments", "findings: [UNDECIDED]", None, 0),
        ("experiments", 'runBy: ["urn:org:svb"], causes: [CAUSE]', None, 1),
        ("experiments", "statuses: [RUNNING]", 30, 1),
    ],
)
def test_lists_are_chosen_from(told, field, filter_, at, count):
    """Lists hold what the conditions ask for, as it was at the moment asked for."""
    given = filter_.replace("CAUSE]", f'"{told.cause}"]').replace("DIALOGUE]", f'"{told.dialogue}"]')
    lens = "" if at is None else f'(asOf: "{day(at)}")'
    chosen = f"(filter: {{ {given} }})" if given else ""
    found = told.asked.registry(f"{field}{chosen} {{ totalCount nodes {{ id status }} }}", lens)[field]
    assert found["totalCount"] == len(found["nodes"]) == count


def test_a_stream_is_found_by_its_global_id(told):
    """Each kind answers to node, and to its own field only."""
    for type_, field, id_ in (
        ("Dialogue", "dialogue", told.dialogue),
        ("PolicyDossier", "policyDossier", told.dossier),
        ("Network", "network", told.network),
        ("Experiment", "experiment", told.experiment),
    ):
        found = told.asked.ask(f'{{ node(id: "{id_}") {{ __typename id ... on {type_} {{ status }} }} }}')["node"]
        assert (found["__typename"], found["id"]) == (type_, id_)
        other = "network" if field != "network" else "dialogue"
        error = told.asked.error(f'{{ registry {{ {other}(id: "{id_}") {{ id }} }} }}')
        assert error["extensions"]["code"] == "BAD_INPUT"


@pytest.mark.parametrize(
    ("mutation", "given", "code"),
    [
        ("giveView", {"participant": "citizen", "view": "x"}, "CONCLUDED"),
        ("shareExperience", {"participant": str(uuid4()), "experience": "x"}, "UNKNOWN_PART"),
        ("chooseFirstStep", {"organisation": ZORG, "due": day(300)}, "WRONG_PARTY"),
        ("completeStep", {"step": "step"}, "STEP_SETTLED"),
        ("closeFirstPart", {}, "CONCLUDED"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_the_method_forbids_is_refused(told, mutation, given, code):
    """A refusal of the domain comes out as one: with its code and a sentence."""
    named = {"participant": {"citizen": told.citizen}, "step": {"step": told.step}}
    said = {name: named.get(name, {}).get(value, value) for name, value in given.items()}
    refused = told.asked.refused(mutation, {"dialogue": told.dialogue, **said})
    assert refused["code"] == code
    assert refused["message"].endswith(".")
