"""Forgetting somebody who took part in a dialogue: their words go, wherever they stand, and it stays whole."""

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg

from graph.given import GEMEENTE, Asked
from infra.forgetting.given import ANNA, BERT
from infra.projecting.registries import everything, recorded
from knelpunt.domain.erasure import ErasureStep, SubjectErased
from knelpunt.infra.forgetting.erasing import Eraser
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.trail.entry import entry

TABLE = """query($id: ID!) { registry { dialogue(id: $id) {
    status problem participants { role name } experiences { text participant { role name } } bottlenecks { statement }
    options { proposal } actionTeam { plan participants { name } } conflicts { code }
    timeline(first: 50) { nodes { type data } }
} cause(id: "CAUSE") { statement failureCosts { event { data } } } } }"""


class Told:
    """A dialogue of a citizen and a clerk, who both spoke, and what was said of the citizen elsewhere."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        asked.organisations()
        self.start = datetime.now(UTC) - timedelta(days=60)
        self.citizen, self.clerk = str(uuid4()), str(uuid4())
        opened = self.do("conveneDialogue", 1, "dialogue { id }", theme="schulden", problem="Brieven die niemand leest")
        self.dialogue = opened["dialogue"]["id"]
        of_it = {"dialogue": self.dialogue}
        self.do("joinDialogue", 2, **of_it, role="CITIZEN", name="Mevrouw A.", participant=self.citizen)
        self.do("joinDialogue", 2, **of_it, role="PRACTITIONER", name="De heer B.", participant=self.clerk)
        shared = self.do("shareExperience", 3, **of_it, participant=self.citizen, experience="Negen briefen")
        self.shared = shared["event"]["id"]
        mended = {"event": self.shared, "field": "experience", "content": "Negen brieven"}
        self.do("correctDialogueFact", 4, **of_it, **mended, reason="Zij zei brieven")
        self.do("shareExperience", 4, **of_it, participant=self.clerk, experience="Wij lezen ze ook niet")
        said = "Mevrouw A. zei het eerst: niemand belt"
        self.do("nameBottleneck", 5, **of_it, statement=said, statementAbout=self.citizen)
        self.do("closeFirstPart", 6, **of_it)
        option = self.do("proposeOption", 7, **of_it, participant=self.citizen, proposal="Bel eens op")["event"]["data"]
        team = {"organisations": [GEMEENTE], "participants": [self.citizen, self.clerk], "options": [option["option"]]}
        self.do("formActionTeam", 8, **of_it, **team, plan="Wij bellen voortaan")
        self.do("concludeDialogue", 9, **of_it)
        cause = self.do("identifyCause", 10, "cause { id }", locus="CULTURE", statement="Niemand belt")
        self.cause = cause["cause"]["id"]
        costs = {"organisation": GEMEENTE, "euros": 900, "per": "OBSTACLE", "basis": "Wat mevrouw A. betaalde"}
        self.do("estimateFailureCost", 11, cause=self.cause, **costs, basisAbout=self.citizen)
        asked.project()

    def do(self, mutation: str, day: float, selection: str = "event { id data }", /, **given: Any) -> Any:
        """Something happens on a day."""
        return self.asked.done(
            mutation, {"occurredAt": (self.start + timedelta(days=day)).isoformat()} | given, selection
        )

    def shown(self) -> dict[str, Any]:
        """What is shown of the dialogue and the cause."""
        self.asked.project()
        return self.asked.ask(TABLE.replace("CAUSE", self.cause), id=self.dialogue)["registry"]


def entries(url: str) -> list[bytes]:
    """The published entry of every event, by its stored bytes."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT position, recorded_at, stream_id, version, topic, topic_version, state FROM knelpunt.event "
            "ORDER BY position"
        ).fetchall()
    return [entry(*row) for row in rows]


def rows(url: str) -> dict[str, list[str]]:
    """Every row of the read model, but for how far it has come."""
    return {table: found for table, found in everything(url).items() if table != "projected"}


def forget(asked: Asked, subject: str) -> dict[ErasureStep, int]:
    """Erase somebody, asked for by one and approved by another; the receipts that the log tells of."""
    with closing(Eraser(asked.url, asked.vault, asked.writer.submit, settling_seconds=0)) as eraser:
        (done,) = eraser.approve([eraser.request(UUID(subject), "op verzoek", ANNA)], BERT)
    assert done.completed_at is not None
    asked.project()
    (told,) = (event.data for event in recorded(asked.url) if isinstance(event.data, SubjectErased))
    return {receipt.step: receipt.count for receipt in told.receipts}


def test_a_participant_is_forgotten_and_the_dialogue_stays(registry_url: str, tmp_path: Path) -> None:
    """Name, words, what corrected them and what others said of them are gone; the rest stays as it was."""
    with asyncio.Runner() as runner, closing(Asked(registry_url, DevelopmentIssuer.at(tmp_path), runner)) as asked:
        told = Told(asked)
        before, published = told.shown(), entries(registry_url)
        read_model = rows(registry_url)
        assert before["dialogue"]["experiences"][0]["text"] == "Negen brieven"
        receipts = forget(asked, told.citizen)
        assert list(receipts) == list(ErasureStep)
        # The key of their words, and that under which it stands who read them.
        assert receipts[ErasureStep.KEYS] == 2
        after = told.shown()
        text = str(after)
        for gone in ("Mevrouw A.", "Negen", "zei", "Bel eens op", "betaalde"):
            assert gone in str(before)
            assert gone not in text, gone
        for kept in ("De heer B.", "Wij lezen ze ook niet", "Wij bellen voortaan", "Brieven die niemand leest"):
            assert kept in text
        dialogue = after["dialogue"]
        assert dialogue["status"] == before["dialogue"]["status"] == "CONCLUDED"
        assert dialogue["conflicts"] == []
        assert [one["role"] for one in dialogue["participants"]] == ["CITIZEN", "PRACTITIONER"]
        assert dialogue["participants"][0]["name"] is None
        assert [one["type"] for one in dialogue["timeline"]["nodes"]] == [
            one["type"] for one in before["dialogue"]["timeline"]["nodes"]
        ]
        assert text.count("{'erased': True}") == 7
        assert after["cause"]["statement"] == "Niemand belt"
        # What was published of it is byte for byte the same, and what the log tells anew names nobody.
        told_now = entries(registry_url)
        assert told_now[: len(published)] == published
        assert len(told_now) == len(published) + 1
        assert told.citizen.encode() not in b"".join(told_now)
        # Nothing that the registry derives hangs on who they were: live rows are as before, and so are rebuilt ones.
        assert rows(registry_url) == read_model
        assert told.citizen not in str(read_model)
        rebuild(registry_url, workers=1)
        assert rows(registry_url) == read_model


def test_nothing_new_about_a_participant_who_was_forgotten(registry_url: str, tmp_path: Path) -> None:
    """Neither their seat at another table, nor words about them anywhere, nor other words in the place of theirs."""
    with asyncio.Runner() as runner, closing(Asked(registry_url, DevelopmentIssuer.at(tmp_path), runner)) as asked:
        told = Told(asked)
        forget(asked, told.citizen)
        other = told.do("conveneDialogue", 20, "dialogue { id }", theme="schulden", problem="Nog eens")["dialogue"]
        new, old = {"dialogue": other["id"]}, {"dialogue": told.dialogue}
        words = {"event": told.shared, "field": "experience", "content": "Tien brieven"}
        refused = [
            ("joinDialogue", new | {"role": "CITIZEN", "name": "Mevrouw A.", "participant": told.citizen}),
            ("joinDialogue", new | {"role": "CITIZEN", "participant": told.citizen}),
            ("nameBottleneck", new | {"statement": "Mevrouw A. weer", "statementAbout": told.citizen}),
            ("correctDialogueFact", old | words),
            ("identifyCause", {"locus": "LAW", "statement": "Van mevrouw A.", "statementAbout": told.citizen}),
        ]
        codes = {(mutation, asked.refused(mutation, given)["code"]) for mutation, given in refused}
        assert codes == {(mutation, "SUBJECT_ERASED") for mutation, _ in refused}
        # The table goes on without them.
        told.do("joinDialogue", 21, **new, role="CITIZEN", name="Mevrouw C.")
        told.do("strikeDialogueEvent", 22, **old, event=told.shared, reason="DUPLICATE")
