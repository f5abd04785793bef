"""Who reads what was said at a table: those who sat there, and those on an investigation that it is part of."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from graph.given import GEMEENTE, SVB, ZORG, Asked
from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.ports import Asker
from knelpunt.infra.identity.development import DevelopmentIssuer

WIJK = "urn:org:wijk"
SAID = {
    "Mevrouw A.",
    "De heer B.",
    "Ik kreeg negen brieven",
    "Wij lezen ze ook niet",
    "Er was geen geld",
    "Bel eens op",
}
"""What participants said, and what they are called."""
TABLE = {"Brieven die niemand leest", "Niemand weet wie stuurt", "Wij bellen voortaan", "Honderd gezinnen bellen"}
"""What is nobody's in particular."""

QUESTION = """query($id: ID!) { registry { dialogue(id: $id) {
    problem status participants { role name organisation { identifier } } experiences { text participant { name } }
    bottlenecks { statement } views { text } options { proposal participant { name } }
    actionTeam { plan participants { name } } steps { description } timeline(first: 50) { nodes { type data } }
} } }"""


class Table:
    """A dialogue that the municipality convened, at which the SVB sat and the care office did not."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        asked.organisations()
        given = {"organisation": WIJK, "name": "Wijkteam", "kind": "UNIT", "parent": GEMEENTE}
        asked.done("registerOrganisation", given | {"occurredAt": "2020-01-01T00:00:00Z"})
        self.at = datetime.now(UTC) - timedelta(days=90)
        opened = self.do("conveneDialogue", "dialogue { id }", theme="schulden", problem="Brieven die niemand leest")
        self.id = opened["dialogue"]["id"]
        self.citizen = self.joins("CITIZEN", "Mevrouw A.")
        clerk = self.joins("PRACTITIONER", "De heer B.", organisation=SVB)
        minister = self.joins("POLICYMAKER", None, organisation=WIJK)
        self.do("shareExperience", participant=self.citizen, experience="Ik kreeg negen brieven")
        shared = self.do("shareExperience", participant=clerk, experience="Wij lezen ze")
        self.do("nameBottleneck", statement="Niemand weet wie stuurt")
        self.do("closeFirstPart")
        self.do("giveView", participant=minister, view="Er was geen geld")
        option = self.do("proposeOption", "event { data }", participant=self.citizen, proposal="Bel eens op")
        self.do("formActionTeam", organisations=[GEMEENTE, ZORG], participants=[clerk], plan="Wij bellen voortaan",
                options=[option["event"]["data"]["option"]])  # fmt: skip
        due = (datetime.now(UTC) + timedelta(days=30)).isoformat()
        self.do("chooseFirstStep", organisation=ZORG, due=due, description="Honderd gezinnen bellen")
        mended = {"event": shared["event"]["id"], "field": "experience", "content": "Wij lezen ze ook niet"}
        self.do("correctDialogueFact", **mended)
        asked.project()

    def do(self, mutation: str, selection: str = "event { id data }", **given: Any) -> Any:
        """Something happens in the dialogue, each a day after the other."""
        self.at += timedelta(days=1)
        of_it = {} if mutation == "conveneDialogue" else {"dialogue": self.id}
        return self.asked.done(
            mutation, of_it | {"occurredAt": self.at.isoformat()} | given, selection, who(Role.AGENCY, GEMEENTE)
        )

    def joins(self, role: str, name: str | None, **given: Any) -> str:
        """Somebody sits down; their pseudonym."""
        told = {"role": role} | ({"name": name} if name else {}) | given
        return self.do("joinDialogue", **told)["event"]["data"]["participant"]

    def shown(self, asker: Asker) -> str | None:
        """All that is shown of the dialogue to somebody, none if they are told that there is none."""
        found = self.asked.ask(QUESTION, asker, id=self.id)["registry"]["dialogue"]
        return None if found is None else str(found)


def who(role: Role, organisation: str, user: str = "somebody", **more: Any) -> Asker:
    return Asker(organisation, role, user, datetime.now(UTC) + timedelta(hours=1), **more)


@pytest.fixture(scope="module")
def table(shared_registry_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    """The registry that the tests of this module share."""
    with asyncio.Runner() as runner:
        asked = Asked(shared_registry_url, DevelopmentIssuer.at(tmp_path_factory.mktemp("issuer")), runner)
        try:
            yield Table(asked)
        finally:
            asked.close()


@pytest.mark.parametrize(
    ("asker", "hears"),
    [
        pytest.param(who(Role.AGENCY, GEMEENTE), SAID, id="who convened it"),
        pytest.param(who(Role.SOLUTION_TEAM, SVB), SAID, id="whose clerk sat there"),
        pytest.param(who(Role.AGENCY, WIJK), SAID, id="whose policymaker sat there"),
        pytest.param(who(Role.AGENCY, ZORG), set(), id="who has a step to take"),
        pytest.param(who(Role.INVESTIGATOR, GEMEENTE), set(), id="an investigator of who convened it"),
        pytest.param(who(Role.AUDITOR, GEMEENTE), set(), id="an auditor"),
    ],
)
def test_words_are_read_at_the_table(table, asker, hears) -> None:
    """Who sat there reads all of it; whoever else knows of the dialogue reads what is nobody's, and that words fell."""
    shown = table.shown(asker)
    assert shown is not None
    assert {text for text in SAID if text in shown} == hears
    assert {text for text in TABLE if text in shown} == TABLE
    assert "'role': 'CITIZEN'" in shown
    assert ("{'withheld': True}" in shown) is (hears != SAID)


@pytest.mark.parametrize("role", [Role.ANALYST, Role.INTAKE, Role.PRIVACY_OFFICER, Role.ADMINISTRATOR, Role.SUBJECT])
def test_who_has_nothing_to_do_with_cases_or_causes_knows_of_no_dialogue(table, role) -> None:
    """Nothing of it is shown to them, were they the participant themselves."""
    assert table.shown(who(role, GEMEENTE, subject=table.citizen)) is None


def test_who_investigates_reads_what_was_said(table) -> None:
    """Attaching a dialogue to an investigation shows its words to who is on it, until it is struck; to nobody else."""
    anna, bob = (who(Role.INVESTIGATOR, ZORG, name) for name in ("anna", "bob"))
    asked = table.asked
    opened = asked.done("openInvestigation", {"question": "Waarom?"}, "investigation { id }", anna)
    inquiry = {"investigation": opened["investigation"]["id"]}
    attached = asked.done("attachDialogue", inquiry | {"dialogue": table.id}, "event { id }", anna)["event"]["id"]
    asked.project()
    assert all(text in table.shown(anna) for text in SAID)
    assert not any(text in table.shown(bob) for text in SAID)
    asked.done("strikeInvestigationEvent", inquiry | {"event": attached, "reason": "DUPLICATE"}, asker=anna)
    asked.project()
    assert not any(text in table.shown(anna) for text in SAID)


def test_who_reads_words_is_on_record(table) -> None:
    """For each participant whose words were shown there is a record of it; none for whom nothing was shown."""

    def records() -> int:
        with psycopg.connect(table.asked.url) as connection:
            row = connection.execute("SELECT count(*) FROM logbook.processing").fetchone()
        assert row is not None
        return row[0]

    before = records()
    table.shown(who(Role.AGENCY, ZORG, "reads-nothing-of-anybody"))
    between = records()
    table.shown(who(Role.AGENCY, SVB, "reads-three"))
    # The dialogue itself, under whose key the table's words are, is noted as any key's owner; and three who spoke.
    assert (between - before, records() - between) == (1, 4)


def test_nobody_seats_themselves(table) -> None:
    """A stranger to the dialogue is refused a seat, and reads as little as before."""
    zorg = who(Role.AGENCY, ZORG)
    seat = {"dialogue": table.id, "role": "EXPERT", "organisation": ZORG}
    assert table.asked.refused("joinDialogue", seat, zorg)["code"] == "NOT_PERMITTED"
    table.asked.project()
    shown = table.shown(zorg)
    assert shown is not None
    assert not {text for text in SAID if text in shown}
