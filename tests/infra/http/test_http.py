"""The HTTP service: who may ask, how, and what operators see."""

import time
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from graph.given import SVB, Story
from infra.http.given import PLAIN

TOLD_SECONDS_MAX = 5.0

OPENED = "openCase(input: $%s) { ... on OpenCasePayload { position } }"
TWICE = f"""mutation Twice($first: OpenCaseInput!, $second: OpenCaseInput!) {{
    first: {OPENED % "first"} second: {OPENED % "second"} }}"""

ASK = {"query": "{ viewer { role organisation { name } } }"}


def test_asking(service):
    """A question with a token is answered, with security headers and without being kept."""
    reply = service.post(ASK)
    assert reply.status_code == 200
    assert reply.json() == {"data": {"viewer": {"role": "AGENCY", "organisation": {"name": "Gemeente Ergens"}}}}
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in reply.headers["content-security-policy"]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer niets", "Basic abc", "Bearer a.b.c"])
def test_without_a_token_that_counts(service, header):
    """No token, half a token and another's are 401, in one sentence and without asking anything."""
    import httpx

    headers = {} if header is None else {"Authorization": header}
    reply = httpx.post(f"http://{service.address}/graphql", json=ASK, headers=headers, verify=PLAIN)
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    error = reply.json()["errors"][0]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert error["message"].endswith(".")


def test_an_expired_token(service):
    """A token that has expired no longer counts, beyond the leeway of a minute."""
    reply = service.post(ASK, service.token(lifetime_seconds=-120))
    assert reply.status_code == 401
    assert "expired" in reply.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        ([ASK, ASK], 400),
        ({}, 400),
        ({"query": "{ viewer { role } }", "documentId": "sha256:0"}, 400),
        ({"query": ""}, 400),
        ({"query": 3}, 400),
        ({"query": "{ viewer { role } }", "variables": []}, 400),
        ({"query": "{ viewer { role } }" + " " * 66_000}, 413),
    ],
)
def test_what_is_no_request(service, body, status):
    """Bad JSON, batches, and too much of it are refused in a sentence."""
    reply = service.post(body)
    assert reply.status_code == status
    assert reply.json()["errors"][0]["message"].endswith(".")


def test_nothing_but_post(service):
    """Questions are not asked by GET, and there is no page to try them out on."""
    assert service.get("/graphql").status_code == 405
    assert service.get("/graphql?query=%7Bviewer%7Brole%7D%7D").status_code == 405
    for path in ("/docs", "/redoc", "/openapi.json", "/graphiql"):
        assert service.get(path).status_code == 404


def test_errors_are_masked(service, monkeypatch):
    """What goes wrong inside is logged, and the client gets a number and nothing of it."""
    from knelpunt.infra.http.reading import PostgresSession

    async def fail(*_):
        raise RuntimeError("the secret recipe")

    monkeypatch.setattr(PostgresSession, "rows", fail)
    reply = service.post({"query": "{ registry { gaps { totalCount } } }"})
    assert "secret" not in reply.text
    error = reply.json()["errors"][0]
    assert error["extensions"]["code"] == "INTERNAL"
    assert "logged as" in error["message"]


def test_a_database_that_is_away(service, postgres_server):
    """While the database is away, questions get one sentence and a code; when it is back, they are answered."""
    ask = {"query": "{ registry { position } }"}
    assert "data" in service.post(ask).json()
    first, second = ({"commandId": str(uuid4()), "theme": "zorg", "noticedBy": "SUBJECT"} for _ in range(2))
    name = service.asked.url.split("?")[0].rpartition("/")[2]
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        refused = service.post(ask)
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        error = refused.json()["errors"][0]
        assert error["extensions"]["code"] == "UNAVAILABLE"
        assert error["message"].endswith(".")
        began = time.monotonic()
        refused = service.post({"query": TWICE, "variables": {"first": first, "second": second}})
        assert time.monotonic() - began < TOLD_SECONDS_MAX
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        for error in refused.json()["errors"]:
            assert error["extensions"]["code"] == "UNAVAILABLE"
            assert "with the same commandId" in error["message"]
        assert service.get("/readyz").status_code == 503
        assert service.get("/healthz").status_code == 200
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))
    assert "data" in service.post(ask).json()
    assert service.get("/readyz").status_code == 200
    # Sent again with the same ids, each command has its effect once, whether or not it had it meanwhile.
    again = [service.post({"query": TWICE, "variables": {"first": first, "second": second}}).json() for _ in range(2)]
    assert again[0] == again[1]
    assert all(opened["position"] for opened in again[0]["data"].values())


def test_without_projections(service):
    """A registry whose read model was never built says what to start."""
    with psycopg.connect(service.asked.url, autocommit=True) as admin:
        admin.execute("DROP SCHEMA read CASCADE")
    error = service.post({"query": "{ registry { position } }"}).json()["errors"][0]
    assert error["extensions"]["code"] == "UNAVAILABLE"
    assert "knelpunt project" in error["message"]
    assert service.get("/readyz").status_code == 503


def test_what_operators_see(service):
    """Readiness tells how far the projections are, measures count answers, and a weakness has an address."""
    Story(service.asked)
    ready = service.get("/readyz").json()
    assert ready.pop("lagSeconds") > 0
    assert ready == {"ready": True, "position": 3, "projected": 2, "lag": 1}
    service.post(ASK)
    service.post({"query": "{ viewer { mood } }"})
    measures = service.get("/metrics").text
    assert 'knelpunt_graphql_answers_total{outcome="data"} 1.0' in measures
    assert 'knelpunt_graphql_answers_total{outcome="refused"} 1.0' in measures
    assert "knelpunt_projection_lag_events 1.0" in measures
    security = service.get("/.well-known/security.txt").text
    assert {"Contact", "Expires"} <= {line.partition(":")[0] for line in security.splitlines()}
    page = service.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "/graphql" in page.text


def test_a_mutation_over_http(service):
    """What is recorded over HTTP is recorded by whom the token says, and asked for at once by its position."""
    service.asked.project()
    query = """mutation { openCase(input: {theme: "zorg", noticedBy: SUBJECT}) {
        ... on OpenCasePayload { position case { id } event { actor { organisation { identifier } } } } } }"""
    opened = service.post({"query": query}, service.token(SVB)).json()["data"]["openCase"]
    assert opened["event"]["actor"]["organisation"]["identifier"] == SVB
    service.asked.project()
    asked = "query Q($p: Position!) { registry(atLeast: $p) { cases { totalCount } } }"
    reply = service.post({"query": asked, "variables": {"p": opened["position"]}}, service.token(SVB))
    assert reply.json()["data"]["registry"]["cases"]["totalCount"] == 1
