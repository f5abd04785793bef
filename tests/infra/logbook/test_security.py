"""What bears on security is on record: what was refused, what was done to keys and settings, and by whom."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from graph.given import GEMEENTE, Story
from infra.http.given import PLAIN, Service
from knelpunt.domain.vocabulary import Role
from knelpunt.infra.forgetting.erasing import Eraser, EraserError
from knelpunt.infra.logbook.security import Action, SecurityEvent, SecurityLog, SecurityRecord, security_records
from knelpunt.infra.store.connection import DatabaseRole, connect

WRITTEN_SECONDS_MAX = 10.0

RAISE = """mutation { changeTerm(input: {term: STANDSTILL, days: 30}) {
    __typename ... on Refused { code } ... on ChangeTermPayload { position } } }"""


def recorded(url: str, action: str | None = None) -> Sequence[SecurityRecord]:
    """The records of the last hour, the first ones first."""
    return security_records(url, since=datetime.now(UTC) - timedelta(hours=1), most=5000, action=action)[::-1]


def eventually(url: str, action: str, right: Callable[[Sequence[SecurityRecord]], bool]) -> Sequence[SecurityRecord]:
    """Records of an action, when they are what they should be: what is noted in passing comes a moment later."""
    deadline = time.monotonic() + WRITTEN_SECONDS_MAX
    while not right(found := recorded(url, action)):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def test_tokens_that_do_not_count(service: Service) -> None:
    """Fifty bad tokens are on record, by whence they came and why; the token itself is not."""
    for _ in range(25):
        assert service.post({"query": "{ __typename }"}, token="secret.of.mine").status_code == 401
        assert service.post({"query": "{ __typename }"}, token=service.token(lifetime_seconds=-600)).status_code == 401
    found = eventually(service.asked.url, "SIGN_IN", lambda rows: sum(row.count for row in rows) == 50)
    assert {(row.object, row.origin, row.actor) for row in found} == {("/graphql", "127.0.0.1", None)}
    assert {row.result for row in found} == {
        "REFUSED The token is not one that this registry accepts.",
        "REFUSED The token has expired; ask its issuer for a new one.",
    }
    assert "secret" not in str(found)


def test_an_address_that_no_text_can_hold(service: Service) -> None:
    """A request without a token whose address holds a NUL is on record by its route, and keeps no record of others."""
    assert service.get("/api/v1/exports/%00").status_code == 401
    assert service.post({"query": "{ __typename }"}, token="secret.of.mine").status_code == 401
    time.sleep(1)
    found = {row.object for row in recorded(service.asked.url, "SIGN_IN")}
    assert found == {"/api/v1/exports/{format}", "/graphql"}


def test_refused_and_changed(service: Service) -> None:
    """What a role may not do is refused on record with who it was, and what a role that may did is there too."""
    url = service.asked.url
    assert service.get("/log/tile/entries/000").status_code == 401
    assert with_token(service, "/log/tile/entries/000").status_code == 403
    (access,) = eventually(url, "ACCESS", lambda rows: len(rows) == 1)
    assert (access.object, access.actor) == ("/log/tile/entries", f"{GEMEENTE} development")
    answer = service.post({"query": RAISE}).json()
    assert answer["data"]["changeTerm"]["code"] == "NOT_PERMITTED"
    (command,) = eventually(url, "COMMAND", lambda rows: len(rows) == 1)
    assert (command.object, command.result) == ("term-changed", "REFUSED NOT_PERMITTED")
    administrator = service.issuer.token(Role.ADMINISTRATOR, GEMEENTE, "bea")
    assert "position" in service.post({"query": RAISE}, token=administrator).json()["data"]["changeTerm"]
    (setting,) = eventually(url, "SETTING", lambda rows: len(rows) == 1)
    assert (setting.object, setting.result, setting.actor) == ("term-changed", "DONE", f"{GEMEENTE} bea")


def with_token(service: Service, path: str) -> httpx.Response:
    return httpx.get(
        f"http://{service.address}{path}", headers={"Authorization": f"Bearer {service.token()}"}, verify=PLAIN
    )


def test_erasures_and_keys(service: Service) -> None:
    """Each step of an erasure is on record with who took it, and names no subject; what a hold refused is too."""
    asked = service.asked
    held, gone = (UUID(Story(asked).subject) for _ in range(2))
    with closing(Eraser(asked.url, asked.vault, asked.running.services.writer.submit, settling_seconds=0)) as eraser:
        hold = eraser.place_hold(held, "beroep", "anna")
        with pytest.raises(EraserError):
            eraser.request(held, "verzoek", "anna")
        request = eraser.request(gone, "verzoek", "anna")
        eraser.approve([request], "bert")
        eraser.lift_hold(hold, "bert")
    found = recorded(asked.url)
    said = [(row.action, row.object, row.result, row.actor) for row in found]
    for expected in (
        ("HOLD_PLACED", str(hold), "DONE", "anna"),
        ("ERASURE", str(hold), "REFUSED under this hold", "anna"),
        ("ERASURE_REQUESTED", str(request), "DONE", "anna"),
        ("ERASURE_APPROVED", str(request), "DONE", "bert"),
        ("SUBJECTS_FENCED", "vault.fence", "DONE", None),
        ("KEYS_DESTROYED", "vault.key", "DONE", None),
        ("ERASURE_COMPLETED", str(request), "DONE", "bert"),
        ("HOLD_LIFTED", str(hold), "DONE", "bert"),
        ("SECRET_MADE", "request-hash", "DONE", None),
    ):
        assert said.count(expected) == 1, expected
    assert sum(row.count for row in found if row.action == "KEYS_MADE") >= 2
    assert not any(str(one) in str(found) for one in (held, gone))


def test_keys_without_a_record(registry_url) -> None:
    """No key is destroyed, and nobody fenced, whose record cannot be written."""
    with connect(registry_url, DatabaseRole.OWNER) as owner:
        owner.execute("INSERT INTO vault.key VALUES (%s, 'casework', %s, '')", (uuid4(), uuid4()))
        owner.execute(
            "ALTER TABLE logbook.security ADD CHECK (action NOT LIKE 'KEYS%' AND action NOT LIKE 'SUB%') NOT VALID"
        )
        with pytest.raises(psycopg.errors.CheckViolation):
            owner.execute("DELETE FROM vault.key")
        with pytest.raises(psycopg.errors.CheckViolation):
            owner.execute("INSERT INTO vault.fence VALUES (%s)", (uuid4(),))
        assert owner.execute("SELECT count(*) FROM vault.key").fetchone() == (1,)


def test_a_flood_keeps_nobody_waiting_and_is_counted(registry_url) -> None:
    """Of more different records than there is room for, the number of those left out is on record."""
    log = SecurityLog(registry_url)
    began = time.monotonic()
    for number in range(3_000):
        log.note(SecurityEvent(Action.SIGN_IN, "/graphql", "REFUSED", f"10.0.{number // 250}.{number % 250}"))
    assert time.monotonic() - began < 1
    log.close()
    found = recorded(registry_url)
    assert sum(row.count for row in found) == 3_000
    assert any(row.action == "LOST" for row in found)


def test_what_is_alike_is_counted(registry_url) -> None:
    """Ten thousand refusals of one kind, in less than a second, are a few rows."""
    with closing(SecurityLog(registry_url)) as log:
        for _ in range(10_000):
            log.note(SecurityEvent(Action.SIGN_IN, "/graphql", "REFUSED", "10.0.0.1"))
    found = recorded(registry_url)
    assert sum(row.count for row in found) == 10_000
    assert len(found) < 20


def test_a_database_that_is_away_is_waited_for(registry_url, monkeypatch) -> None:
    """What is noted while the database refuses is written when it no longer does."""
    monkeypatch.setattr("knelpunt.infra.logbook.security.RETRY_SECONDS", 0.1)
    with connect(registry_url, DatabaseRole.OWNER) as owner:
        owner.execute("REVOKE INSERT ON logbook.security FROM knelpunt_logger")
        with closing(SecurityLog(registry_url)) as log:
            log.note(SecurityEvent(Action.SIGN_IN, "/graphql", "REFUSED", "10.0.0.1"))
            time.sleep(0.6)
            assert recorded(registry_url) == []
            owner.execute("GRANT INSERT ON logbook.security TO knelpunt_logger")
            eventually(registry_url, "SIGN_IN", lambda rows: len(rows) == 1)


def test_what_no_text_can_hold_is_replaced(registry_url) -> None:
    """A NUL, or half a pair of surrogates, in any text of a record does not keep it from being written."""
    with closing(SecurityLog(registry_url)) as log:
        log.note(SecurityEvent(Action.ACCESS, "/cases/\x00", "REFUSED \ud800", "10.0.0.1\x00", "anna \udfff"))
    (found,) = recorded(registry_url)
    assert (found.object, found.result, found.origin, found.actor) == (
        "/cases/\ufffd",
        "REFUSED \ufffd",
        "10.0.0.1\ufffd",
        "anna \ufffd",
    )


def test_a_record_that_the_database_refuses_is_left_out(registry_url, caplog) -> None:
    """What waits beside a record that can never be written is written, once, and the log of the program says so."""
    with connect(registry_url, DatabaseRole.OWNER) as owner:
        owner.execute("ALTER TABLE logbook.security ADD CHECK (object <> 'bad')")
    with closing(SecurityLog(registry_url)) as log:
        for what in ("before", "bad", "after"):
            log.note(SecurityEvent(Action.SIGN_IN, what, "REFUSED", "10.0.0.1"))
        time.sleep(0.6)
        log.note(SecurityEvent(Action.SIGN_IN, "later", "REFUSED", "10.0.0.1"))
    found = recorded(registry_url)
    assert sorted((row.object, row.count) for row in found) == [("after", 1), ("before", 1), ("later", 1)]
    assert "without a record" in caplog.text
