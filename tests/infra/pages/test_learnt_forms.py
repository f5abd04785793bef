"""The forms of what is learnt: each sent with what is wrong, which loses nothing, and with what is right."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from graph.given import GEMEENTE, SVB, ZORG, Story
from infra.pages.visiting import Site, csrf_of
from knelpunt.domain.command import COMMANDS as RECORDED
from knelpunt.domain.learning.facts import LearningFact

FIRST, LAST = "the first that is offered", "the last that is offered"
BEGUN = "the event that began it"
LATEST = "the event that was recorded last"
BEGIN = date(2020, 1, 1)
FAR = "2999-01-01T09:00"

Told = tuple[str, str, dict[str, Any]]
"""Who records (an organisation), which command, and what stands in its form."""

STORIES: dict[str, tuple[str, str, Sequence[Told]]] = {
    "network": (
        "AGENCY", "network",
        (
            (GEMEENTE, "foundNetwork", {"name": "Samen", "members": [GEMEENTE, SVB], "purpose": "Leren"}),
            (ZORG, "joinNetwork", {"organisation": ZORG}),
            (GEMEENTE, "adoptTheme", {"theme": "wonen"}),
            (GEMEENTE, "raiseSignal", {"to": ZORG, "members": [GEMEENTE], "message": "Luister eens"}),
            (ZORG, "answerSignal", {"signal": FIRST, "reply": "NOTED", "answer": "Gehoord"}),
            (GEMEENTE, "setChallenge", {"description": "Bel eerst"}),
            (SVB, "takeUpChallenge", {"challenge": FIRST, "note": "Wij ook"}),
            (GEMEENTE, "askHelp", {"question": "Wie weet dit?"}),
            (SVB, "offerHelp", {"asked": FIRST, "offer": "Wij"}),
            (GEMEENTE, "correctNetworkFact", {"event": BEGUN, "field": "purpose", "content": "Beter"}),
            (ZORG, "leaveNetwork", {"organisation": ZORG}),
            (GEMEENTE, "strikeNetworkEvent", {"event": LATEST, "reason": "NEVER_HAPPENED"}),
        ),
    ),
    "experiment": (
        "AGENCY", "experiment",
        (
            (GEMEENTE, "startExperiment", {"organisations": [GEMEENTE], "theme": "wonen", "hypothesis": "Het helpt"}),
            (GEMEENTE, "makeObservation", {"observation": "Zij nemen op"}),
            (GEMEENTE, "concludeExperiment", {"finding": "WORKS", "lesson": "Bel eerst"}),
            (SVB, "adoptFromExperiment", {"organisation": SVB}),
            (GEMEENTE, "correctExperimentFact", {"event": BEGUN, "field": "hypothesis", "content": "Beter"}),
            (GEMEENTE, "strikeExperimentEvent", {"event": LATEST, "reason": "NEVER_HAPPENED"}),
        ),
    ),
    "policyDossier": (
        "AGENCY", "policyDossier",
        (
            (GEMEENTE, "openPolicyDossier", {"theme": "wonen", "title": "Brieven"}),
            (GEMEENTE, "answerQuestion", {"question": "PROBLEM", "answer": "Te veel", "behaviour": "Weggooien"}),
            (GEMEENTE, "involveCitizens", {"stage": "PROBLEM", "how": "DIALOGUE", "influence": "CONSULTED"}),
            (GEMEENTE, "meetBarrier", {"barrier": "barrier", "note": "Tellen"}),
            (GEMEENTE, "makePromise", {"due": "2020-01-20T09:00", "promised": "Wij bellen"}),
            (GEMEENTE, "acknowledgePolicyDossierGap", {"gap": FIRST, "plan": "Nu", "occurredAt": "2025-01-01T09:00"}),
            (GEMEENTE, "keepPromise", {"promise": FIRST, "note": "Gedaan", "occurredAt": "2025-02-01T09:00"}),
            (GEMEENTE, "linkDossier", {"cause": "cause"}),
            (GEMEENTE, "correctPolicyDossierFact", {"event": BEGUN, "field": "title", "content": "Beter"}),
            (GEMEENTE, "strikePolicyDossierEvent", {"event": LATEST, "reason": "NEVER_HAPPENED"}),
        ),
    ),
    "cause": (
        "AGENCY", "cause",
        (
            (GEMEENTE, "identifyCause", {"locus": "LAW", "statement": "De wet vergeet het", "theme": "wonen"}),
            (GEMEENTE, "linkObstacle", {"obstacle": "obstacle", "reason": "Dit", "occurredAt": "2026-06-01T09:00"}),
            (GEMEENTE, "proposeOwner", {"owner": SVB, "occurredAt": "2022-01-01T09:00"}),
            (SVB, "declineOwnership", {"ground": "NO_CAPACITY", "occurredAt": "2022-01-02T09:00"}),
            (GEMEENTE, "proposeOwner", {"owner": GEMEENTE, "occurredAt": "2022-01-03T09:00"}),
            (GEMEENTE, "acceptOwnership", {"occurredAt": "2022-01-04T09:00"}),
            (GEMEENTE, "acknowledgeCauseGap", {"gap": FIRST, "plan": "Sneller", "occurredAt": "2022-01-05T09:00"}),
            (GEMEENTE, "escalateCause", {"to": ZORG, "level": "CHAIN", "occurredAt": "2022-01-06T09:00"}),
            (ZORG, "answerEscalation", {"escalation": FIRST, "answer": "REFUSES", "occurredAt": "2022-01-07T09:00"}),
            (GEMEENTE, "estimateFailureCost", {"euros": "100", "per": "OBSTACLE"}),
            (GEMEENTE, "commitMeasure", {"due": "2023-01-01T09:00", "plan": "Bel", "occurredAt": "2022-01-08T09:00"}),
            (GEMEENTE, "implementMeasure", {"measure": FIRST, "occurredAt": "2022-02-01T09:00"}),
            (GEMEENTE, "evaluateMeasure", {"measure": FIRST, "stopped": "NO", "occurredAt": "2022-03-01T09:00"}),
            (GEMEENTE, "correctCauseFact", {"event": BEGUN, "field": "statement", "content": "Beter"}),
            (GEMEENTE, "acceptCauseAsIs", {"reason": "Het kan niet anders", "occurredAt": "2026-07-01T09:00"}),
            (GEMEENTE, "strikeCauseEvent", {"event": LATEST, "reason": "NEVER_HAPPENED"}),
            (GEMEENTE, "removeCause", {"occurredAt": "2026-07-03T09:00"}),
        ),
    ),
    "dialogue": (
        "AGENCY", "dialogue",
        (
            (GEMEENTE, "conveneDialogue", {"theme": "wonen", "problem": "Negen brieven"}),
            (GEMEENTE, "joinDialogue", {"role": "CITIZEN", "name": "Een moeder"}),
            (GEMEENTE, "joinDialogue", {"role": "POLICYMAKER", "organisation": GEMEENTE, "name": "Een beleidsmaker"}),
            (GEMEENTE, "shareExperience", {"participant": FIRST, "experience": "Ik las ze niet meer"}),
            (GEMEENTE, "nameBottleneck", {"statement": "Niemand belt"}),
            (GEMEENTE, "closeFirstPart", {}),
            (GEMEENTE, "giveView", {"participant": LAST, "view": "Wij tellen brieven"}),
            (GEMEENTE, "proposeOption", {"proposal": "Bel eerst", "bottlenecks": [FIRST]}),
            (GEMEENTE, "formActionTeam", {"organisations": [GEMEENTE], "options": [FIRST], "plan": "Bellen"}),
            (GEMEENTE, "chooseFirstStep", {"due": "2020-02-01T09:00", "organisation": GEMEENTE, "description": "Een"}),
            (GEMEENTE, "acknowledgeDialogueGap", {"gap": FIRST, "plan": "Nu", "occurredAt": "2025-01-01T09:00"}),
            (GEMEENTE, "reportProgress", {"step": FIRST, "note": "Bijna"}),
            (GEMEENTE, "completeStep", {"step": FIRST, "effect": "Zij nemen op", "occurredAt": "2025-01-02T09:00"}),
            (GEMEENTE, "chooseFirstStep", {"due": "2021-02-01T09:00", "organisation": GEMEENTE, "description": "Twee"}),
            (GEMEENTE, "giveUpStep", {"step": LAST, "reason": "Geen tijd"}),
            (GEMEENTE, "concludeDialogue", {"lesson": "Bel", "occurredAt": "2025-01-03T09:00"}),
            (GEMEENTE, "correctDialogueFact", {"event": BEGUN, "field": "problem", "content": "Beter"}),
            (GEMEENTE, "strikeDialogueEvent", {"event": LATEST, "reason": "NEVER_HAPPENED"}),
        ),
    ),
    "investigation": (
        "INVESTIGATOR", "investigation",
        (
            (GEMEENTE, "openInvestigation", {"question": "Waarom?"}),
            (GEMEENTE, "assignInvestigator", {"user": "anna"}),
            (GEMEENTE, "includeCase", {"case": "case", "occurredAt": "2026-06-01T09:00"}),
            (GEMEENTE, "recordFinding", {"statement": "Niemand belt"}),
            (GEMEENTE, "attachDialogue", {"dialogue": "dialogue", "occurredAt": "2026-06-02T09:00"}),
            (GEMEENTE, "publishReport", {"title": "Negen brieven", "occurredAt": "2026-06-03T09:00"}),
            (GEMEENTE, "planFollowUp", {"due": "2020-05-01T09:00", "plan": "Terugkomen"}),
            (GEMEENTE, "doFollowUp", {"followUp": FIRST, "note": "Gedaan"}),
            (GEMEENTE, "releaseInvestigator", {"user": "anna"}),
            (GEMEENTE, "correctInvestigationFact", {"event": BEGUN, "field": "question", "content": "Beter"}),
            (GEMEENTE, "strikeInvestigationEvent", {"event": LATEST, "reason": "NEVER_HAPPENED"}),
        ),
    ),
}  # fmt: skip
"""Each kind: in which role it is told, by which field a command names one, and what is recorded in order."""


@dataclass
class Telling:
    """A story that is being told through forms."""

    site: Site
    named: str
    known: dict[str, str]
    stream: str | None = None
    days: Iterator[int] = field(default_factory=lambda: iter(range(1_000)))

    def tell(self, clerk: httpx.Client, command: str, given: dict[str, Any]) -> None:
        """Send a form first with a moment in the future, and then as it should be."""
        about = {} if self.stream is None else {self.named: self.stream}
        form = clerk.get(f"/record/{command}", params=about).text
        when = f"{BEGIN + timedelta(days=next(self.days))}T09:00"
        filled = {name: self.chosen(form, name, value) for name, value in given.items()}
        sent = {"csrf": csrf_of(form), "commandId": "", **about, "occurredAt": when, **filled}
        refused = clerk.post(f"/record/{command}", data={**sent, "occurredAt": FAR}, follow_redirects=False)
        assert refused.status_code == 422, (command, refused.headers.get("location"))
        assert "dit moment ligt in de toekomst" in refused.text, command
        for name, value in (filled | {"occurredAt": FAR}).items():
            for one in value if isinstance(value, list) else [value]:
                assert one in unescape(refused.text), (command, name)
        answer = clerk.post(f"/record/{command}", data=sent, follow_redirects=False)
        assert answer.status_code == 303, (command, alert_of(answer.text))
        self.site.asked.project()
        page = clerk.get(answer.headers["location"])
        assert page.status_code == 200, command
        if self.stream is None:
            found = re.search(r"/([0-9a-f-]{36})\?", answer.headers["location"])
            assert found is not None, answer.headers["location"]
            self.stream = found[1]

    def chosen(self, form: str, name: str, value: Any) -> Any:
        """What is filled in: a choice that the form offers, or as it stands."""
        if isinstance(value, list):
            return [self.chosen(form, name, one) for one in value]
        if value in {FIRST, LAST}:
            select = re.search(rf'<select id="f-{name}".*?</select>', form, re.DOTALL)
            assert select is not None, name
            offered = re.findall(r'<option value="([^"]+)"', select[0])
            assert offered, name
            return unescape(offered[0 if value == FIRST else -1])
        if value == BEGUN:
            kind = f'{self.named}(id: "{self.stream}") {{ begunBy {{ id }} }}'
            return self.site.asked.registry(kind)[self.named]["begunBy"]["id"]
        if value == LATEST:
            kind = f'{self.named}(id: "{self.stream}") {{ timeline(first: 200) {{ nodes {{ id position }} }} }}'
            events = self.site.asked.registry(kind)[self.named]["timeline"]["nodes"]
            return max(events, key=lambda event: event["position"])["id"]
        return self.known.get(value, value)


def alert_of(html: str) -> str:
    """What a page says went wrong."""
    found = re.search(r'role="alert".*?</div>', html, re.DOTALL)
    return html[:500] if found is None else found[0]


@pytest.fixture(scope="module")
def known(bare_site) -> dict[str, str]:
    """Things that the stories name, in a registry of their own: a case, an obstacle, a cause and so on."""
    bare_site.asked.organisations()
    story = Story(bare_site.asked, 300)
    obstacle = story.report(1)
    said = {"occurredAt": story.day(1)}
    done = bare_site.asked.done
    cause = done("identifyCause", said | {"locus": "LAW", "statement": "Een regel"}, "cause { id }")["cause"]["id"]
    begun = said | {"theme": "wonen", "problem": "Niemand belt"}
    dialogue = done("conveneDialogue", begun, "dialogue { id }")["dialogue"]["id"]
    for command in ("closeFirstPart", "concludeDialogue"):
        done(command, said | {"dialogue": dialogue})
    bare_site.asked.project()
    barrier = bare_site.asked.ask("{ registry { barriers { slug } } }")["registry"]["barriers"][0]["slug"]
    return {"case": story.reference, "obstacle": obstacle, "barrier": barrier, "cause": cause, "dialogue": dialogue}


def test_no_command_is_left_out(bare_site, known):
    """The stories hold every command about what is learnt; one takes an owner that is no more, and says so."""
    with bare_site.visitor("AGENCY", "", user="somebody", other=GEMEENTE) as clerk:
        form = clerk.get("/record/passOwnership", params={"cause": known["cause"]}).text
        sent = {"csrf": csrf_of(form), "commandId": "", "cause": known["cause"], "organisation": ZORG, "to": SVB}
        refused = clerk.post("/record/passOwnership", data=sent, follow_redirects=False)
        assert refused.status_code == 422
        assert f'<option value="{SVB}" selected>' in refused.text
    told = {command for _, _, story in STORIES.values() for _, command, _ in story}
    learnt = {name for name, fact in RECORDED.items() if issubclass(fact, LearningFact)}
    assert told | {"passOwnership"} == {f"{name[0].lower()}{name[1:]}" for name in learnt}


QUICK = "experiment"
"""The shortest, for the quick run."""


@pytest.mark.parametrize(
    "kind", [QUICK, *(pytest.param(name, marks=pytest.mark.long) for name in STORIES if name != QUICK)]
)
def test_what_is_learnt_is_told_by_forms(bare_site, known, kind):
    """Each form refuses a moment in the future in Dutch and keeps all that was typed; then it records, and shows it."""
    role, named, told = STORIES[kind]
    telling = Telling(bare_site, named, known)
    for organisation, command, given in told:
        with bare_site.visitor(role, "", user="somebody", other=organisation) as clerk:
            telling.tell(clerk, command, given)
