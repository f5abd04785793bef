"""The REST interface: what each role gets at each address, and what is said of requests that cannot be answered."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import validator_for

from graph.given import GEMEENTE, SVB, ZORG
from infra.http.given import serving
from infra.rest.conftest import World
from knelpunt.domain.vocabulary import Role
from knelpunt.infra.rest import openapi
from knelpunt.infra.rest.resources import BASE, RESOURCES
from knelpunt.infra.store.connection import DatabaseRole, connect_as_registry

ROLES = (
    (Role.INVESTIGATOR, GEMEENTE),
    (Role.AUDITOR, None),
    (Role.AGENCY, GEMEENTE),
    (Role.AGENCY, SVB),
    (Role.AGENCY, ZORG),
    (Role.SUBJECT, None),
    (Role.INTAKE, GEMEENTE),
    (Role.ANALYST, None),
    (Role.PRIVACY_OFFICER, None),
)
SEES_SHARED = {(Role.INVESTIGATOR, GEMEENTE), (Role.AUDITOR, None), (Role.AGENCY, GEMEENTE), (Role.AGENCY, SVB)}
SEES_SHARED |= {(Role.SUBJECT, None)}
SEES_OTHER = {(Role.INVESTIGATOR, GEMEENTE), (Role.AUDITOR, None), (Role.AGENCY, ZORG)}
READS_TITLE = {(Role.AGENCY, GEMEENTE), (Role.SUBJECT, None)}


def conforms(name: str, content: Any) -> None:
    """Fail unless an answer is as the description says."""
    document = openapi.document()
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    validator_for(schema).validate(content)


@pytest.fixture(scope="module")
def paths(world: World) -> dict[str, str]:
    """Each operation with an address of something that there is."""
    gap = world.found(f"/cases/{world.shared.reference}/gaps")["items"][0]["id"]
    event = world.found(f"/cases/{world.shared.reference}/events")["items"][0]["id"]
    ids = {"getGap": gap, "getEvent": event}
    return {
        one.operation: one.path.replace("{reference}", world.shared.reference).replace(
            "{id}", ids.get(one.operation, "")
        )
        for one in RESOURCES
    }


@pytest.mark.parametrize(("role", "organisation"), ROLES, ids=[f"{role}-{at}" for role, at in ROLES])
def test_each_address_as_each_role(world: World, paths, role, organisation) -> None:
    """Lists hold the cases that a role sees, and what belongs to a hidden case is as if it were not there."""
    token, who = world.token(role, organisation), (role, organisation)
    visible = {
        story.reference for story, seers in ((world.shared, SEES_SHARED), (world.other, SEES_OTHER)) if who in seers
    }
    for resource in RESOURCES:
        path = paths[resource.operation]
        answer = world.get(path, token)
        listed = path in {"/cases", "/gaps", "/events"}
        if answer.status_code != 200:
            assert answer.status_code == 403 if role is Role.ANALYST and listed else answer.status_code == 404, path
            assert answer.headers["content-type"] == "application/problem+json"
            conforms("Problem", answer.json())
            assert world.shared.reference not in visible or not listed
            continue
        assert listed or world.shared.reference in visible, path
        found = answer.json()
        conforms(resource.answer, found)
        if path == "/cases":
            assert {case["reference"] for case in found["items"]} == visible
        elif path in {"/gaps", "/events"}:
            named = [one.get("cases", [one.get("case")]) for one in found["items"]]
            assert {each for several in named for each in several if each} == visible
        if resource.operation == "getCase":
            assert (found["title"] is not None) == (who in READS_TITLE)


def test_without_a_token(world: World, paths) -> None:
    """Without a token, or with one that does not count, nothing is told but the description."""
    for path in paths.values():
        for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic bm9ib2R5"}):
            answer = world.client.get(f"http://{world.address}{BASE}{path}", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            conforms("Problem", answer.json())
    described = world.client.get(
        f"http://{world.address}{BASE}/openapi.json", headers={"Origin": "https://elsewhere.example"}
    )
    assert described.headers["access-control-allow-origin"] == "*"
    assert described.json() == openapi.document()


BAD = {
    "/cases?colour=red": "There is no such parameter here; there are: asOf, knownAt, status",
    "/cases?status=open": "status: it must be one of OPEN, CLOSED.",
    "/cases?status=": "status: it must be one of OPEN, CLOSED.",
    "/cases?status=OPEN&status=CLOSED": "status: it may be given once.",
    "/cases?asOf=yesterday": "asOf: it must be a moment, as 2024-03-04T09:00:00Z.",
    "/cases?asOf=2024-03-04T09:00:00": "asOf: it must be a moment",
    "/cases?asOf=2024-03-04T09:00:00+01:00": "asOf: it must be a moment",
    "/cases?pageSize=0": "pageSize: it must be a whole number from 1 to 200.",
    "/cases?pageSize=201": "pageSize: it must be a whole number from 1 to 200.",
    "/cases?pageSize=%D9%A3": "pageSize: it must be a whole number",
    "/cases?after=nonsense": "after: this is no place in this list: follow the link 'next' of the page before.",
    "/cases?organisation=nobody": "organisation: it must be an OIN (twenty digits) or a URI.",
    "/cases?theme=A%00B": "theme: it must be a theme",
    "/cases?" + "&".join("theme=a" for _ in range(51)): "theme: it may be given 50 times at most.",
    "/gaps?open=yes": "open: it must be true or false.",
    "/gaps?kind=HOLE": "kind: it must be one of NEVER_TAKEN,",
    "/gaps?minDays=1.5": "minDays: it must be a whole number from 0 to 100000.",
    "/events?after=-2": "after: it must be a whole number from -1 to 9007199254740991.",
    "/events?type=Nothing": "type: it must be one of CaseOpened,",
}


@pytest.mark.parametrize("path", BAD, ids=range(len(BAD)))
def test_what_cannot_be(world: World, path) -> None:
    """Each kind of bad input gets status 400 and one sentence that says what it may be."""
    answer = world.get(path)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    conforms("Problem", answer.json())
    assert answer.json()["detail"].startswith(BAD[path])
    assert answer.json()["title"] == "Bad Request"


@pytest.mark.parametrize(
    "path",
    [
        *("/cases/", "/cases/NO-SUCH", "/cases/NO-SUCH/events", "/cases/NO-SUCH/gaps", "/cases/%00"),
        *("/gaps/", "/gaps/nonsense", "/events/nonsense", "/", "/x/y"),
    ],
    ids=range(10),
)
def test_what_is_not_there(world: World, path) -> None:
    """What is not there is told in the same form; an address that ends in a slash is not there either."""
    answer = world.get(path)
    assert answer.status_code == 404, answer.text
    conforms("Problem", answer.json())
    assert world.get("/api").status_code == world.get("/api/v2/cases").status_code == 404


def test_only_reading(world: World, paths) -> None:
    """Every other method is refused, and told which there are."""
    for path in (*paths.values(), "/openapi.json", "/nothing"):
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            answer = world.client.request(method, f"http://{world.address}{BASE}{path}", content=b"{}")
            assert answer.status_code == 405
            assert answer.headers["allow"] == "GET, HEAD"
            conforms("Problem", answer.json())


def test_only_json(world: World) -> None:
    """Who takes no JSON is told that there is nothing else."""
    assert world.get("/cases", accept="text/html").status_code == 406
    for accepted in ("*/*", "text/html, application/*;q=0.5", "application/json; charset=utf-8"):
        assert world.get("/cases", accept=accepted).status_code == 200


def test_headers(world: World) -> None:
    """Every answer, good or bad, names the version in full and has the headers that the rules ask for."""
    for path in ("/cases", "/cases/NO-SUCH", "/cases?x=1", "/openapi.json"):
        headers = world.get(path).headers
        assert headers["api-version"] == openapi.document()["info"]["version"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "strict-transport-security" in headers


def test_pages_follow_each_other(world: World) -> None:
    """Following the link to the next page gives everything once, whatever was asked, and keeps to what was asked."""
    for path in ("/cases", "/events", f"/cases/{world.shared.reference}/events", "/gaps?sort=OLDEST&open=true"):
        parted = "&" if "?" in path else "?"
        whole = world.found(f"{path}{parted}pageSize=200")
        assert "next" not in whole["_links"]
        seen, page = [], world.found(f"{path}{parted}pageSize=1")
        while True:
            seen += page["items"]
            if "next" not in page["_links"]:
                break
            page = world.found(page["_links"]["next"]["href"])
        assert [one["id"] for one in seen] == [one["id"] for one in whole["items"]]
        assert len(seen) > 1


def test_filters(world: World) -> None:
    """Each filter leaves what it names, several of a kind are either of them, and different ones are all of them."""
    gaps = world.found("/gaps")["items"]
    kinds = {gap["kind"] for gap in gaps}
    for kind in kinds:
        assert {gap["kind"] for gap in world.found(f"/gaps?kind={kind}")["items"]} == {kind}
    both = "&".join(f"kind={kind}" for kind in kinds)
    assert len(world.found(f"/gaps?{both}")["items"]) == len(gaps)
    assert {one["cases"][0] for one in world.found(f"/gaps?toAct={ZORG}")["items"]} == {world.other.reference}
    assert not world.found(f"/gaps?toAct={ZORG}&involved={SVB}")["items"]
    assert not world.found("/gaps?minDays=1000")["items"]
    assert not world.found("/cases?status=CLOSED")["items"]
    assert not world.found("/cases?theme=wonen")["items"]
    assert [one["reference"] for one in world.found(f"/cases?organisation={SVB}")["items"]] == [world.shared.reference]
    assert {one["type"] for one in world.found("/events?type=CaseOpened&type=CustodyReleased")["items"]} == {
        "CaseOpened",
        "CustodyReleased",
    }


def test_both_times(world: World) -> None:
    """Before it happened, or was recorded, it is not told; links within an answer keep to its times."""
    reference = world.shared.reference
    early = world.shared.day(5).replace("+00:00", "Z")
    then = world.found(f"/cases/{reference}/events?asOf={early}")
    now = world.found(f"/cases/{reference}/events")
    assert len(then["items"]) == len(now["items"]) - 1
    assert f"asOf={early[:10]}" in then["items"][0]["_links"]["self"]["href"]
    event = now["items"][-1]["id"]
    assert world.get(f"/events/{event}").status_code == 200
    gone = world.get(f"/cases/{reference}?knownAt=2020-01-01T00:00:00Z")
    assert gone.status_code == 404
    feed = world.found("/events?pageSize=200")
    assert [one["position"] for one in feed["items"]] == list(range(feed["position"] + 1))
    assert feed["until"] == feed["position"]
    assert not world.found(f"/events?after={feed['until']}")["items"]
    assert not world.found("/events?knownAt=2020-01-01T00:00:00Z")["items"]


def test_nothing_changed(world: World) -> None:
    """At two given times the same is answered, and who has it already gets 304 without a body."""
    lens = f"asOf={world.shared.day(5).replace('+00:00', 'Z')}&knownAt=2050-01-01T00:00:00Z"
    path = f"/cases/{world.shared.reference}/events?{lens}"
    first = world.get(path)
    again = world.get(path, **{"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert world.get(path, **{"If-None-Match": '"other"'}).status_code == 200


def test_texts_are_put_on_record(world: World) -> None:
    """Whoever reads a text about somebody here is on record, as with GraphQL; who reads none is not."""

    def noted() -> int:
        with connect_as_registry(world.asked.url, DatabaseRole.OVERSEER) as connection:
            row = connection.execute("SELECT count(*) FROM logbook.processing").fetchone()
        assert row is not None
        return row[0]

    path, before = f"/cases/{world.shared.reference}/events", noted()
    world.found(path, world.token(Role.AUDITOR, None))
    assert noted() == before
    found = world.found(path, world.token(Role.AGENCY, GEMEENTE))
    assert found["items"][1]["data"]["story"] == "Niemand belt terug"
    assert noted() == before + 1


def test_who_asks_too_much_waits(world: World) -> None:
    """REST has its askers' allowance in common with GraphQL: who has had it waits as long as is said."""
    with serving(world.asked, cost_per_minute=250) as address:
        given = {"Authorization": f"Bearer {world.token()}"}
        answers = [world.client.get(f"http://{address}{BASE}/cases?pageSize=200", headers=given) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert int(answers[1].headers["retry-after"]) > 0
    conforms("Problem", answers[1].json())


def test_the_committed_description() -> None:
    """The description in the repository is that of the code: make schema writes it."""
    committed = Path(openapi.__file__).with_name("openapi.json").read_bytes()
    assert committed == openapi.written(), "run make schema"
    assert json.loads(committed)["servers"] == [{"url": BASE}]


def test_the_rules_for_the_description() -> None:
    """What the NL API Design Rules test of a description holds: paths, versions, methods, names, contact."""
    document = openapi.document()
    assert document["info"]["contact"]["url"]
    assert document["info"]["version"].count(".") == 2
    assert document["servers"][0]["url"].endswith("/v" + document["info"]["version"].partition(".")[0])
    for path, item in document["paths"].items():
        assert not path.endswith("/")
        # Nothing but an export can be asked for or thrown away.
        assert set(item) == ({"get", "put", "delete"} if path == "/exports/{format}" else {"get"})
        assert path.split("/")[1] == path.split("/")[1].lower()
        for parameter in item["get"]["parameters"]:
            assert parameter["name"].isalpha()
            assert parameter["name"][0].islower()
            assert parameter["description"]
