"""Which questions are let in: trusted documents only, where there are some, and no more than an asker's share."""

import msgspec
import pytest

from infra.http.given import Service, hear, say, serving
from knelpunt.infra.http import allowance
from knelpunt.infra.http.allowance import Allowance
from knelpunt.infra.http.documents import DocumentsUnavailable, document_id, trusted_documents
from knelpunt.infra.settings import WrongSetting, settings_from

WHO = "{ viewer { role } }"
CASES = "query Cases($n: Int) {\r\n  registry { cases(first: $n) { nodes { reference } } }\r\n}"


@pytest.fixture
def folder(tmp_path):
    """A folder of trusted documents."""
    within = tmp_path / "documents" / "people"
    within.mkdir(parents=True)
    (within / "who.graphql").write_text(WHO, "utf-8")
    (within.parent / "cases.graphql").write_bytes(CASES.encode())
    (within.parent / "notes.txt").write_text("{ registry { position } }", "utf-8")
    return within.parent


def test_only_trusted_documents_are_answered(service, folder):
    """By id or by their text, over HTTP and over a socket; no other, be it as harmless."""
    with serving(service.asked, documents=trusted_documents(folder)) as address:
        trusting = Service(service.asked, service.issuer, address)
        for body in ({"documentId": document_id(WHO)}, {"query": WHO}):
            assert trusting.post(body).json() == {"data": {"viewer": {"role": "AGENCY"}}}
        answer = trusting.post({"documentId": document_id(CASES), "variables": {"n": 5}}).json()
        assert answer == {"data": {"registry": {"cases": {"nodes": []}}}}
        for body in ({"query": WHO + " "}, {"documentId": document_id("{ registry { position } }")}):
            assert trusting.post(body).json()["errors"][0]["extensions"] == {"code": "UNKNOWN_DOCUMENT"}
        with trusting.socket() as socket:
            say(socket, type="subscribe", id="1", payload={"documentId": document_id(WHO)})
            assert hear(socket)["payload"] == {"data": {"viewer": {"role": "AGENCY"}}}
            assert hear(socket)["type"] == "complete"
            say(socket, type="subscribe", id="2", payload={"query": "{ registry { position } }"})
            assert hear(socket)["payload"][0]["extensions"] == {"code": "UNKNOWN_DOCUMENT"}


def test_a_document_that_became_wrong_is_told_of_when_asked_for(service, folder):
    """A registry whose schema has moved on serves all the others."""
    (folder / "old.graphql").write_text("{ viewer { shoeSize } }", "utf-8")
    with serving(service.asked, documents=trusted_documents(folder)) as address:
        trusting = Service(service.asked, service.issuer, address)
        assert "shoeSize" in trusting.post({"query": "{ viewer { shoeSize } }"}).json()["errors"][0]["message"]
        assert "data" in trusting.post({"query": WHO}).json()


def test_a_registry_without_trusted_documents_knows_no_ids(service):
    """It says that it wants the document itself."""
    error = service.post({"documentId": document_id(WHO)}).json()["errors"][0]
    assert error["extensions"] == {"code": "UNKNOWN_DOCUMENT"}
    assert "'query'" in error["message"]


def test_folders_that_cannot_be_used(tmp_path):
    """Each in one sentence that names the folder."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "a.graphql").write_bytes(b"\xff\xfe{")
    for name, says in (("none", "is no folder"), ("empty", "holds no .graphql file"), ("odd", "cannot be read")):
        with pytest.raises(DocumentsUnavailable, match=says) as refused:
            trusted_documents(tmp_path / name)
        assert str(tmp_path / name) in str(refused.value)


def test_who_asks_too_much_waits(service):
    """The second dear question is 429 with the seconds to wait; another person of the organisation is answered."""
    dear = {"query": CASES, "variables": {"n": 200}}
    with serving(service.asked, cost_per_minute=300) as address:
        limited = Service(service.asked, service.issuer, address)
        mine = limited.token()
        assert limited.post(dear, mine).status_code == 200
        refused = limited.post(dear, mine)
        assert refused.status_code == 429
        # 201 are needed, 99 are left, and five come in a second.
        assert 1 <= int(refused.headers["retry-after"]) <= 21
        error = refused.json()["errors"][0]
        assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfter": int(refused.headers["retry-after"])}
        assert limited.post({"query": WHO}, mine).status_code == 200
        assert limited.post(dear, limited.token("urn:org:svb")).status_code == 200
        with limited.socket(mine) as socket:
            say(socket, type="subscribe", id="1", payload=dear)
            assert hear(socket)["payload"][0]["extensions"]["code"] == "RATE_LIMITED"


def test_a_bucket_fills_evenly():
    """A minute fills it, half a minute fills half, and it never holds more than a minute's worth."""
    now = [0.0]
    bucket = Allowance(600, lambda: now[0])
    me = (None, "me")
    assert bucket.take(me, 600) == 0
    assert bucket.take(me, 100) == pytest.approx(10)
    now[0] += 10
    assert bucket.take(me, 100) == 0
    now[0] += 3600
    assert bucket.take(me, 600) == 0
    assert bucket.take(me, 1) == pytest.approx(0.1)


def test_what_costs_more_than_a_minute_is_paid_off():
    """It is let through once there is a whole minute's worth, and then nothing is until the debt is gone."""
    now = [0.0]
    bucket = Allowance(600, lambda: now[0])
    me = ("urn:org:a", "me")
    assert bucket.take(me, 900) == 0
    assert bucket.take(me, 60) == pytest.approx(36)
    now[0] += 36
    assert bucket.take(me, 60) == 0


def test_no_limit_and_many_askers(monkeypatch):
    """With 0 nobody waits; and of very many askers those who have been away the longest are forgotten."""
    unlimited = Allowance(0)
    assert all(unlimited.take((None, "me"), 10**9) == 0 for _ in range(3))
    monkeypatch.setattr(allowance, "ASKERS_KEPT", 2)
    bucket = Allowance(10, lambda: 0.0)
    assert [bucket.take((None, name), 10) for name in "abc"] == [0, 0, 0]
    assert bucket.take((None, "c"), 10) == 60
    assert bucket.take((None, "a"), 10) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KNELPUNT_COST_PER_MINUTE", "-1"),
        ("KNELPUNT_COST_PER_MINUTE", "veel"),
        ("KNELPUNT_COST_PER_MINUTE", "9" * 20),
        ("KNELPUNT_INTROSPECTION", "yes"),
    ],
)
def test_settings_that_mean_nothing(name, value):
    """Each is refused in a sentence that names the variable and what it may hold."""
    with pytest.raises(WrongSetting, match=name) as refused:
        settings_from({name: value})
    assert str(refused.value).endswith(".")


def test_settings():
    """What is set counts; what is not, or to nothing, has its default."""
    assert settings_from({"KNELPUNT_COST_PER_MINUTE": "0"}).cost_per_minute == 0
    assert settings_from({"KNELPUNT_COST_PER_MINUTE": ""}).cost_per_minute == allowance.COST_PER_MINUTE
    assert not settings_from({"KNELPUNT_INTROSPECTION": "off"}).introspection
    assert settings_from({}).introspection


def test_a_body_asks_for_one_thing():
    """A document or an id, and not both."""
    from knelpunt.infra.http.admission import Asked

    for body in ({}, {"query": "{a}", "documentId": "b"}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(body, Asked)
