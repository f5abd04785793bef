"""Finding somebody by what they are known by, through GraphQL: by those who may, and on record."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from graph.given import Asked, Story
from knelpunt.domain.vocabulary import IdentityKind, Role
from knelpunt.infra.logbook.processing import Activity, readings
from knelpunt.infra.vault.identities import Identities, identity

BSN = "111222333"  # passes the test of eleven, and is given to nobody

KNOWN_BY = """query Q($kind: IdentityKind!, $identity: String!) {
    registry { subjectsKnownBy(kind: $kind, identity: $identity) { id cases { id } } } }"""


@pytest.fixture
def story(asked: Asked) -> Story:
    """A case of somebody whose number and name the vault keeps."""
    asked.organisations()
    story = Story(asked)
    identities = Identities(asked.vault)
    for kind, text in ((IdentityKind.BSN, BSN), (IdentityKind.NAME, "Jo de Vries")):
        identities.keep(UUID(story.subject), identity(kind, text))
    asked.project()
    return story


def test_intake_finds_somebody_and_it_is_on_record(story: Story) -> None:
    """By number and by name, however it is typed; and the privacy officer can tell who was looked up."""
    asked = story.asked
    intake = asked.asker(role=Role.INTAKE)
    for kind, text in (("BSN", "1112.22.333"), ("NAME", "jo  de VRIES")):
        (found,) = asked.ask(KNOWN_BY, intake, kind=kind, identity=text)["registry"]["subjectsKnownBy"]
        assert found["id"] == story.subject
    assert asked.ask(KNOWN_BY, intake, kind="NAME", identity="Niemand")["registry"]["subjectsKnownBy"] == []
    since = datetime.now(UTC) - timedelta(hours=1)
    records = readings(asked.url, asked.vault, since=since, most=10, subject=UUID(story.subject))
    assert [record.activity for record in records] == [Activity.IDENTITIES] * 2


@pytest.mark.parametrize("role", [Role.AGENCY, Role.AUDITOR, Role.ANALYST, Role.ADMINISTRATOR])
def test_nobody_else_may_ask(story: Story, role: Role) -> None:
    """One sentence that says who may; whether there is such a person is not told."""
    error = story.asked.error(KNOWN_BY, story.asked.asker(role=role), kind="BSN", identity=BSN)
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert error["message"] == "Who somebody is may be looked up by intake, an investigator or a solution team."


def test_what_is_no_number_is_said_so(story: Story) -> None:
    """A mistyped number is told from one that nobody has, and is not repeated."""
    error = story.asked.error(KNOWN_BY, story.asked.asker(role=Role.INTAKE), kind="BSN", identity="111222334")
    assert error["message"] == "This is no BSN, by its check digit: check what was typed."
