"""knelpunt logbook: what the command line shows of people goes on record, and who may sees it there."""

import json
from uuid import uuid4

import pytest

from infra.cli.conftest import InThisProcess
from infra.cli.test_erase import parts_of
from infra.forgetting.given import begin, record, told_of
from infra.store.given import CLERK


@pytest.fixture
def people(fresh_here: InThisProcess) -> dict[str, str]:
    """The tokens of a privacy officer, an agency's employee, and an auditor."""
    return {
        user: fresh_here.done("token", "--role", role, "--user", user, "--organisation", CLERK.organisation).strip()
        for user, role in (("anna", "PRIVACY_OFFICER"), ("carla", "AGENCY"), ("dora", "AUDITOR"))
    }


def logbook(command: InThisProcess, token: str, *arguments: str) -> list[dict[str, object]]:
    return json.loads(command.done("logbook", *arguments, "--format", "json", KNELPUNT_TOKEN=token))


def test_what_the_command_line_shows(fresh_here, people) -> None:
    """A replay that shows texts, and a list of requests with their reasons, are readings; the officer sees of whom."""
    subject, other, case = uuid4(), uuid4(), uuid4()
    with parts_of(fresh_here) as parts:
        begin(parts)
        record(parts, told_of(subject, other, case, "kanarie"))
    fresh_here.done("project", "--once")
    assert logbook(fresh_here, people["anna"], "readings") == []
    assert "kanarie" in fresh_here.done("replay", str(case), KNELPUNT_TOKEN=people["carla"])
    found = logbook(fresh_here, people["anna"], "readings", "--actor", "carla")
    assert {row["subject"] for row in found} == {str(subject), str(other)}
    assert {(row["role"], row["status"], len(str(row["traceId"]))) for row in found} == {("AGENCY", "OK", 32)}
    fresh_here.done("erase", "request", str(subject), "--reason", "verzoek", KNELPUNT_TOKEN=people["anna"])
    assert "verzoek" in fresh_here.done("erase", "list", KNELPUNT_TOKEN=people["anna"])
    (row,) = logbook(fresh_here, people["anna"], "readings", "--actor", "anna")
    assert (row["subject"], row["activity"]) == (str(subject), "urn:knelpunt:activity:erasures")
    assert str(subject) in fresh_here.done(
        "logbook", "readings", "--subject", str(subject), KNELPUNT_TOKEN=people["anna"]
    )


def test_who_may_see_it(fresh_here, people) -> None:
    """Nobody but the privacy officer sees readings; who tries is on record, and so is who looks."""
    said = fresh_here.fails("logbook", "readings", KNELPUNT_TOKEN=people["carla"])
    assert said == "AGENCY may not do this: it takes a privacy officer."
    fresh_here.fails("logbook", "readings", KNELPUNT_TOKEN=people["dora"])
    fresh_here.fails("logbook", "security", KNELPUNT_TOKEN=people["carla"])
    fresh_here.fails("logbook", "security", KNELPUNT_TOKEN="no.such.token")
    rows = logbook(fresh_here, people["dora"], "security")
    said = [(row["action"], row["object"], row["actor"]) for row in rows]
    assert ("ACCESS", "logbook readings", f"{CLERK.organisation} carla") in said
    assert ("ACCESS", "logbook readings", f"{CLERK.organisation} dora") in said
    assert ("ACCESS", "logbook security", f"{CLERK.organisation} carla") in said
    assert ("SIGN_IN", "logbook security", None) in said
    assert ("LOGBOOK_READ", "logbook security", f"{CLERK.organisation} dora") in said
    assert logbook(fresh_here, people["dora"], "security", "--action", "SETTING") == []
