"""knelpunt webhook: subscriptions by those who run the registry, and what the doctor says of them."""

import json
import subprocess
import sys
from uuid import uuid4

import psycopg
import pytest

from infra.cli.conftest import InThisProcess
from infra.cli.test_erase import parts_of
from infra.cli.test_serve import wait_until
from infra.store.given import CLERK, open_case, recorded
from infra.webhooks.given import Receiver

URL = "http://127.0.0.1:9/events"
INSIDE = {"KNELPUNT_WEBHOOK_NETWORKS": "127.0.0.0/8"}


@pytest.fixture
def here(fresh_here: InThisProcess) -> InThisProcess:
    return InThisProcess(fresh_here.settings | INSIDE)


def token(command: InThisProcess, role: str) -> str:
    return command.done("token", "--role", role, "--organisation", CLERK.organisation).strip()


def added(command: InThisProcess, role: str = "AGENCY", *more: str, url: str = URL) -> tuple[str, str]:
    """The id and the secret of a new subscription."""
    webhook, secret = command.done("webhook", "add", url, *more, KNELPUNT_TOKEN=token(command, role)).split()
    return webhook, secret


def listed(command: InThisProcess) -> list[dict[str, object]]:
    return json.loads(command.done("webhook", "list", "--format", "json"))


def test_from_beginning_to_end(here: InThisProcess) -> None:
    """What is made is listed, paused, resumed, given a new secret and ended; each change is in the security log."""
    webhook, secret = added(here, "AGENCY", "--type", "case-opened", "--after", "-1")
    assert secret.startswith("whsec_")
    (row,) = listed(here)
    assert row == {
        "webhook": webhook, "url": URL, "role": "AGENCY", "organisation": CLERK.organisation,
        "topics": ["case-opened"], "position": -1, "state": "sending", "waiting": 0, "delivered": 0, "dead": 0,
    }  # fmt: skip
    here.done("webhook", "pause", webhook)
    assert listed(here)[0]["state"] == "paused"
    here.done("webhook", "resume", webhook)
    assert listed(here)[0]["state"] == "sending"
    assert here.done("webhook", "rotate", webhook).strip() not in {secret, ""}
    here.done("webhook", "replay", webhook, "--after", "-1")
    assert here.done("webhook", "resend", webhook) == "0 will be sent again.\n"
    assert json.loads(here.done("webhook", "dead", webhook, "--format", "json")) == []
    here.done("webhook", "end", webhook)
    assert listed(here)[0]["state"] == "ended"
    assert "has ended" in here.fails("webhook", "resume", webhook)
    assert webhook in here.done("webhook", "list")
    assert here.done("webhook", "list", "--format", "csv").startswith("webhook,url,role,")
    auditor = token(here, "AUDITOR")
    log = json.loads(here.done("logbook", "security", "--format", "json", KNELPUNT_TOKEN=auditor))
    noted = {row["object"] for row in log if row["action"] == "OPERATION"}
    assert {f"webhook {name}" for name in ("add", "pause", "resume", "rotate", "replay", "resend", "end")} <= noted
    assert secret not in json.dumps(log)


def test_what_is_refused(here: InThisProcess, fresh_here: InThisProcess) -> None:
    """Without a token, for a role that sees nothing, to an address that is none or private, nothing is made."""
    agency = token(here, "AGENCY")
    assert here.fails("webhook", "add", URL).startswith("Say for whom: set KNELPUNT_TOKEN")
    for role in ("ANALYST", "ADMINISTRATOR", "PRIVACY_OFFICER"):
        said = here.fails("webhook", "add", URL, KNELPUNT_TOKEN=token(here, role))
        assert said.startswith(f"{role} is sent no events:")
    assert "not public" in fresh_here.fails("webhook", "add", URL, KNELPUNT_TOKEN=agency)
    assert "no URL" in here.fails("webhook", "add", "receiver.example", KNELPUNT_TOKEN=agency)
    said = here.fails("webhook", "add", "https://no.such.name.invalid/", KNELPUNT_TOKEN=agency)
    assert said == "no.such.name.invalid is not known: check the address."
    said = here.fails("webhook", "add", URL, "--type", "CaseOpened", status=2, KNELPUNT_TOKEN=agency)
    assert said == "--type: 'CaseOpened' is no kind of event, such as case-opened."
    assert "no subscription" in here.fails("webhook", "end", str(uuid4()))
    assert "no id" in here.fails("webhook", "end", "first", status=2)
    said = here.fails("webhook", "list", KNELPUNT_WEBHOOK_NETWORKS="inside")
    assert said.startswith("KNELPUNT_WEBHOOK_NETWORKS is 'inside'")
    assert listed(here) == []


def test_what_the_doctor_says(here: InThisProcess) -> None:
    """Dead letters are worth knowing, and what should have been sent long ago is wrong."""

    def said() -> str:
        (line,) = (line for line in here.run("doctor").stdout.splitlines() if line[4:].startswith("webhooks"))
        return line

    assert "0 subscriptions, and nothing is overdue" in said()
    webhook, _ = added(here)
    assert "1 subscriptions, and nothing is overdue" in said()
    with psycopg.connect(here.settings["KNELPUNT_DATABASE_URL"], autocommit=True) as admin:
        admin.execute(
            "INSERT INTO knelpunt.webhook_delivery SELECT %s, 0, gen_random_uuid(), gen_random_uuid(), 'DEAD', 12, "
            "now(), 'The receiver answered 500.', now()",
            (webhook,),
        )
        assert "1 dead letters" in said()
        admin.execute("UPDATE knelpunt.webhook_delivery SET state = 'WAITING', next_at = now() - interval '1 hour'")
    assert said().startswith("!!")
    assert "should have been sent" in said()


def test_the_program_beside_the_service(here: InThisProcess) -> None:
    """It sends what is recorded while it runs, and ends with its standard input."""
    here.done("project", "--once")
    with Receiver().listening() as receiver:
        added(here, "AUDITOR", url=receiver.url)
        program = subprocess.Popen(
            [sys.executable, "-m", "knelpunt.infra.serving.webhooks"], env=here.environment(), stdin=subprocess.PIPE
        )
        assert program.stdin is not None
        with parts_of(here) as parts:
            recorded(parts.writer.submit(open_case(uuid4())).result(30))
        wait_until(lambda: receiver.got)
        program.stdin.close()
        assert program.wait(30) == 0
    (got,) = receiver.got
    assert got.event["type"] == "nl.knelpunt.case-opened.v1"
    assert got.event["source"].startswith("urn:uuid:")
