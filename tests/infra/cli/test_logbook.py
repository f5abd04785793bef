"""knelpunt logbook: what the command line shows of people goes on record, and who may sees it there."""

import json
import os
from pathlib import Path
from uuid import uuid4

import psycopg
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


def test_a_token_is_on_record_before_anybody_has_it(fresh_here, people) -> None:
    """Each says whom it names, whence and by whose hand, and never whose chain it opens; no record, no token."""
    subject = str(uuid4())
    fresh_here.done("token", "--role", "SUBJECT", "--subject", subject, "--user", "sam")
    made = logbook(fresh_here, people["dora"], "security", "--action", "TOKEN_MADE")
    assert [(row["object"], row["result"]) for row in made] == [
        ("token of SUBJECT sam", "DONE"),
        (f"token of AUDITOR {CLERK.organisation} dora", "DONE"),
        (f"token of AGENCY {CLERK.organisation} carla", "DONE"),
        (f"token of PRIVACY_OFFICER {CLERK.organisation} anna", "DONE"),
    ]
    by = f"user {os.getuid()} of the machine"
    assert {(row["origin"], row["actor"], row["count"]) for row in made} == {("command line", by, 1)}
    assert subject not in json.dumps(made)
    with psycopg.connect(fresh_here.settings["KNELPUNT_DATABASE_URL"]) as admin:
        admin.execute("REVOKE INSERT ON logbook.security FROM knelpunt_logger")
    outcome = fresh_here.run("token", "--role", "AUDITOR")
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert "permission denied" in outcome.stderr


def test_the_making_of_the_logs_key_is_on_record(fresh_here, people) -> None:
    """Once, with its public half, before it lies there; where it cannot be recorded there is no key."""
    data = Path(fresh_here.settings["KNELPUNT_DATA_DIR"])
    with psycopg.connect(fresh_here.settings["KNELPUNT_DATABASE_URL"], autocommit=True) as admin:
        admin.execute("REVOKE INSERT ON logbook.security FROM knelpunt_logger")
        fresh_here.fails("log", "checkpoint")
        assert not list(data.rglob("*key*"))
        admin.execute("GRANT INSERT ON logbook.security TO knelpunt_logger")
    fresh_here.done("log", "checkpoint")
    fresh_here.done("log", "checkpoint")
    (made,) = logbook(fresh_here, people["dora"], "security", "--action", "KEY_MADE")
    public = next(data.rglob("log.vkey")).read_text(encoding="utf-8").strip()
    assert (made["object"], made["origin"], made["count"]) == (public, "command line", 1)


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
