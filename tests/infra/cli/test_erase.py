"""knelpunt erase: two people forget a third, by the command line."""

import io
import json
import re
import sys
from uuid import uuid4

import pytest

from infra.cli.conftest import InThisProcess
from infra.forgetting.given import begin, readable, record, told_of
from infra.vault.test_identities import BSN
from knelpunt.infra.bootstrap import Parts, bootstrap
from knelpunt.infra.settings import settings_from


@pytest.fixture
def people(fresh_here: InThisProcess) -> dict[str, str]:
    """The tokens of two privacy officers and of somebody else."""

    def token(role: str, user: str) -> str:
        return fresh_here.done("token", "--role", role, "--user", user).strip()

    return {
        "anna": token("PRIVACY_OFFICER", "anna"),
        "bert": token("PRIVACY_OFFICER", "bert"),
        "carla": token("INVESTIGATOR", "carla"),
    }


def parts_of(command: InThisProcess):
    given = settings_from(command.settings)
    assert given.database_url is not None
    return bootstrap(given.database_url, given.master_key())


def test_from_request_to_the_end(fresh_here, people) -> None:
    """One asks, the same one is refused, another approves; then the texts are gone, and the list says who did it."""
    first, second = uuid4(), uuid4()
    with parts_of(fresh_here) as parts:
        assert isinstance(parts, Parts)
        begin(parts)
        record(parts, told_of(first, second, uuid4(), "kanarie"))
    asked = fresh_here.done("erase", "request", str(first), "--reason", "op verzoek", KNELPUNT_TOKEN=people["anna"])
    request = asked.strip()
    assert re.fullmatch(r"[0-9a-f-]{36}", request)
    said = fresh_here.fails("erase", "approve", request, KNELPUNT_TOKEN=people["anna"])
    assert "another person must" in said
    done = fresh_here.done("erase", "approve", request, KNELPUNT_TOKEN=people["bert"])
    assert done == f"Erased for good: {first}, told at position 4 of the log.\n"
    with parts_of(fresh_here) as parts:
        assert readable(parts) == ["kanarie tweede"]
    listed = json.loads(fresh_here.done("erase", "list", "--format", "json", KNELPUNT_TOKEN=people["bert"]))
    (shown,) = listed["requests"]
    assert (shown["state"], shown["requestedBy"], shown["approvedBy"]) == ("COMPLETE", "anna", "bert")
    assert shown["reason"] is None
    table = fresh_here.done("erase", "list", KNELPUNT_TOKEN=people["bert"])
    assert re.search(rf"{request} +{first} +COMPLETE +anna +bert", table)


def test_holds(fresh_here, people) -> None:
    """A hold refuses with its reason, until it is lifted; the refusal stays in the list."""
    subject = uuid4()
    anna = {"KNELPUNT_TOKEN": people["anna"]}
    hold = fresh_here.done("erase", "hold", str(subject), "--reason", "loopt nog een zaak", **anna).strip()
    said = fresh_here.fails("erase", "request", str(subject), "--reason", "verzoek", **anna)
    assert "loopt nog een zaak" in said
    fresh_here.done("erase", "lift", hold, **anna)
    fresh_here.done("erase", "request", str(subject), "--reason", "verzoek", **anna)
    listed = json.loads(fresh_here.done("erase", "list", "--format", "json", **anna))
    (shown,) = listed["holds"]
    assert (shown["reason"], shown["liftedBy"]) == ("loopt nog een zaak", "anna")
    assert [refused["askedBy"] for refused in shown["refused"]] == ["anna"]


def test_who_may_not(fresh_here, people) -> None:
    """Without a token, or with another role's, it is refused; so is what cannot be a pseudonym."""
    line = ("erase", "request", str(uuid4()), "--reason", "x")
    assert "Say who acts" in fresh_here.fails(*line)
    assert "privacy officer" in fresh_here.fails(*line, KNELPUNT_TOKEN=people["carla"])
    assert "UUID" in fresh_here.fails("erase", "request", "anna", "--reason", "x", status=2)
    unknown = fresh_here.fails("erase", "approve", str(uuid4()), KNELPUNT_TOKEN=people["anna"])
    assert "There is no request" in unknown


def test_identities(fresh_here, people, monkeypatch) -> None:
    """Read from a pipe, a number leads to its pseudonym and back; a privacy officer may not look."""
    subject = str(uuid4())
    token = fresh_here.done("token", "--role", "INTAKE", "--user", "dirk").strip()

    def piped(*line: str, text: str = BSN, **settings: str) -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{text}\n"))
        return fresh_here.done("identity", *line, **settings).strip()

    piped("keep", subject, "--kind", "BSN", KNELPUNT_TOKEN=token)
    assert piped("find", "--kind", "BSN", KNELPUNT_TOKEN=token) == subject
    assert piped("find", "--kind", "NAME", text="Jo", KNELPUNT_TOKEN=token) == ""
    assert piped("show", subject, KNELPUNT_TOKEN=token) == f"BSN: {BSN}"
    assert "it takes somebody of intake" in fresh_here.fails("identity", "show", subject, KNELPUNT_TOKEN=people["anna"])
