"""What the pages answer, as a browser without JavaScript gets it."""

import re
import subprocess
import sys
import tarfile
from io import BytesIO

import httpx
import pytest
from tinyhtml5.parser import HTMLParser

from infra.http.given import PLAIN
from infra.pages.learnt import CAUSE, LISTS, ONES
from infra.pages.visiting import csrf_of
from knelpunt.graphql.schema import SCHEMA, sdl

LONGEST = "DEMO-7K2M"

HTML = {"Accept": "text/html"}

PARAGRAPH = re.compile("<p>([^<]*)</p>")

NOTHING = {"Er is geen gat open.", "Er is niemand doorgegeven.", "Zo'n gat is er niet."}

ADDRESSES = (
    "/", "/?q=jeugd", "/gaps", "/gaps?kind=CAROUSEL&state=all&order=OLDEST", "/interfaces", "/interfaces?rolledUp=1",
    "/interfaces?period=all",
    f"/cases/{LONGEST}", f"/cases/{LONGEST}?step=20",
    f"/cases/{LONGEST}?asOf=2024-06-01&knownTo=urn:knelpunt:demo:wijkteam",
    f"/cases/{LONGEST}/moment?at=2024-06-01", f"/cases/{LONGEST}/difference?thenAsOf=2024-06-01",
    "/learning", *LISTS, *ONES, f"{CAUSE}?asOf=2025-07-01&knownAt=2025-07-01",
    f"/record/evaluateMeasure?cause={CAUSE.rpartition('/')[2]}",
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("language", ["nl", pytest.param("en", marks=pytest.mark.long)])
def test_pages_are_valid_html(site, address, language):
    """Each page answers in both languages with HTML that a strict parser takes, one heading first, ids used once."""
    with site.visitor() as visitor:
        visitor.get(f"/language/{language}")
        answer = visitor.get(address)
    assert answer.status_code == 200, answer.text
    assert f'<html lang="{language}">' in answer.text
    parser = HTMLParser()
    parser.parse(answer.text)
    assert parser.errors == []
    assert answer.text.count("<h1") == 1
    ids = re.findall(r'\sid="([^"]+)"', answer.text)
    assert len(ids) == len(set(ids))
    assert "style=" not in answer.text
    assert "<style" not in answer.text
    assert not re.search(r"<script(?![^>]* src=)", answer.text)
    assert not re.search(r'\son[a-z]+="', answer.text)


def test_nobody_sees_anything_before_signing_in(site):
    """Who is not signed in is sent to sign in and comes back to where they were going; a link leads nowhere else."""
    with httpx.Client(base_url=site.address, timeout=60, verify=PLAIN) as stranger:
        assert "DEMO-" not in stranger.get("/").text
        sent = stranger.get("/gaps?state=all")
        assert (sent.status_code, sent.headers["location"]) == (303, "/signin?back=%2Fgaps%3Fstate%3Dall")
        form = stranger.get(sent.headers["location"]).text
        assert 'name="back" value="/gaps?state=all"' in form
        for away in ("//evil.example/", "https://evil.example/", "/\\evil.example"):
            given = {"csrf": csrf_of(stranger.get("/signin").text), "role": "AUDITOR", "back": away}
            assert stranger.post("/signin", data=given).headers["location"] == "/"


def test_a_large_registry_compares_a_year_of_handovers_at_most(site, monkeypatch):
    """Where there is too much for longer periods the last year is shown instead, and the page says so."""
    notice, option = "wordt hooguit een jaar in één keer vergeleken", 'value="all"'
    with site.visitor() as visitor:
        whole = visitor.get("/interfaces?period=all").text
        assert notice not in whole
        assert option in whole
        monkeypatch.setattr("knelpunt.infra.pages.interfaces.LONG_EVENTS_MAX", 0)
        short = visitor.get("/interfaces?period=all").text
        assert notice in short
        assert option not in short
        assert 'value="365" selected' in short
        assert notice not in visitor.get("/interfaces?period=365").text


@pytest.mark.parametrize(
    "header", [("Host", "registry.example"), ("X-Forwarded-For", "192.0.2.7"), ("Via", "1.1 proxy")]
)
def test_only_who_is_here_chooses_whom_to_be(site, header):
    """By a name that is not this machine's own, or through a proxy, nobody gets a token of the built-in issuer."""
    with httpx.Client(base_url=site.address, headers=[header], timeout=60, verify=PLAIN) as other:
        assert other.get("/signin").status_code == 403
        csrf = csrf_of(httpx.get(f"{site.address}/signin", timeout=60, verify=PLAIN).text)
        assert other.post("/signin", data={"csrf": csrf, "role": "ADMINISTRATOR"}).status_code == 403


def test_a_form_of_another_site_is_refused(site):
    """A form without the token of this very session has no effect, and neither has one with an older session's."""
    with site.visitor() as visitor:
        token = csrf_of(visitor.get("/").text)
        assert visitor.post("/signout", data={"csrf": "guessed"}).status_code == 403
        assert "Uitloggen" in visitor.get("/").text
        with site.visitor() as other:
            assert other.post("/signout", data={"csrf": token}).status_code == 403
        assert visitor.post("/signout", data={"csrf": token}).status_code == 200
        assert "Uitloggen" not in visitor.get("/").text


def test_the_cookie_is_for_the_registry_alone(site):
    """No script can read it, no other site sends it, and one that was tampered with is no session."""
    with site.visitor() as visitor:
        cookie = visitor.cookies["knelpunt-session"]
        again = httpx.get(f"{site.address}/signin", timeout=60, verify=PLAIN)
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(again.headers["set-cookie"].split("; "))
        changed = cookie[:-8] + ("A" if cookie[-8] != "A" else "B") + cookie[-7:]
        stranger = httpx.get(f"{site.address}/gaps", cookies={"knelpunt-session": changed}, timeout=60, verify=PLAIN)
        assert stranger.status_code == 303
        assert b"." not in cookie.encode()  # nothing of the token can be read in it


def test_headers_forbid_what_pages_do_not_need(site):
    """No page may run a script or load a style but our own files, or be framed."""
    with site.visitor() as visitor:
        policy = visitor.get("/").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))


def test_the_overview_shows_what_the_schema_answers(site):
    """Counts by kind, the longest gaps and the worst handovers are those that GraphQL answers."""
    asked = site.asked.registry(
        "gapCounts(filter: {open: true}) { kind count } gaps(filter: {open: true}, orderBy: DAYS, first: 1) "
        "{ totalCount nodes { cases { reference } } }"
    )
    assert sum(one["count"] for one in asked["gapCounts"]) == asked["gaps"]["totalCount"] > 10
    with site.visitor() as visitor:
        page = visitor.get("/").text
        for one in asked["gapCounts"]:
            assert f'/gaps?kind={one["kind"]}"' in page
        assert page.index(asked["gaps"]["nodes"][0]["cases"][0]["reference"]) > 0
        drawn = visitor.get("/charts/gaps-by-kind.svg").text
    assert all(f">{one['count']}<" in drawn for one in asked["gapCounts"])


@pytest.mark.parametrize(
    ("form", "begins"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")], ids=["svg", "png", "pdf"]
)
def test_drawings_to_take_along(site, form, begins):
    """Charts and swimlanes come in each form, and only for who is signed in."""
    with site.visitor() as visitor:
        for name in ("/charts/gaps-by-kind", "/charts/interfaces", f"/cases/{LONGEST}/lanes"):
            assert visitor.get(f"{name}.{form}").content.lstrip().startswith(begins)
    assert httpx.get(f"{site.address}/charts/interfaces.{form}", timeout=60, verify=PLAIN).status_code == 303


def test_charts_that_browsers_draw_lead_to_their_lists(site):
    """Each mark of a chart in the form for browsers says what it is, and the list that it leads to is there."""
    with site.visitor() as visitor:
        for name in ("gaps-by-kind", "interfaces"):
            marks = visitor.get(f"/charts/{name}.json?period=all").json()["data"]["values"]
            assert all(mark["tip"] for mark in marks)
            assert visitor.get(marks[0]["to"]).url.path == "/gaps"


def test_a_chart_for_telephones_is_narrow(site):
    """The browser finds a picture of its own for each width; the narrow one fits into 320 pixels, numbers and all."""
    with site.visitor() as visitor:
        page = visitor.get("/").text
        address = re.search(r'srcset="([^"]+)" media="screen and \(max-width: 45rem\)"', page)
        assert address is not None
        wide, narrow = (visitor.get(one).text for one in ("/charts/gaps-by-kind.svg", address[1]))
    widths = [float(re.findall(r'<svg[^>]* width="([\d.]+)"', drawn)[0]) for drawn in (wide, narrow)]
    assert widths[1] <= 320 < widths[0]
    assert re.findall(r">(\d+)<", narrow) == re.findall(r">(\d+)<", wide)


def test_the_graph_shows_what_was_split_off(site):
    """Obstacles that another was split into hang on it by a line of their own, and the list says so too."""
    with site.visitor() as visitor:
        page = visitor.get(f"/cases/{LONGEST}").text
    graph = page[page.index('class="graph"') :]
    assert graph.count('class="edge split"') == 2
    for part in (4, 5):
        assert f"Knelpunt {part} is afgesplitst van knelpunt 2." in graph


def test_the_band_says_for_whom_a_visitor_acts(site):
    """By name, also where the page is none; who acts for no registered organisation sees what they gave."""
    with site.visitor() as visitor:
        for address in ("/gaps", "/cases/NONE-0000", "/nothing"):
            assert (
                '<li class="who">Onderzoeker, Stichting Tussen Wal en Schip</li>'
                in visitor.get(address, headers=HTML).text
            )
    with site.visitor("AGENCY", "urn:example:nobody") as visitor:
        assert '<span class="id">urn:example:nobody</span>' in visitor.get("/gaps").text


def test_who_sees_no_cases_is_told_so(site):
    """An empty list is not said to be all there is to those whose role sees no cases; others are told nothing."""
    for role, said in (
        ("ANALYST", "minder dan tien mensen"), ("PRIVACY_OFFICER", "ziet u geen casussen"),
        ("ADMINISTRATOR", "ziet u geen casussen"), ("INVESTIGATOR", ""),
    ):  # fmt: skip
        with site.visitor(role) as visitor:
            for address in ("/", "/gaps", "/interfaces", "/?q=jeugd"):
                page = visitor.get(address).text
                assert said in page
                assert not (said and NOTHING & set(PARAGRAPH.findall(page))), (role, address)
                assert ('class="notice"' in page) == bool(said), (role, address)


def test_every_type_can_be_looked_up(site):
    """From the page of all types each is reached; a type leads to those of its fields and to where it is met."""
    with site.visitor() as visitor:
        page = visitor.get("/ask/schema").text
        assert not re.search(r"<dl[^>]*></dl>", page)
        names = re.findall(r'href="/ask/schema/(\w+)"', page)
        assert sorted(names) == sorted(name for name in SCHEMA.type_map if not name.startswith("__"))
        for name in ("Query", "Gap", "GapKind", "GapFilter", "Node", "DateTime"):
            page = visitor.get(f"/ask/schema/{name}").text
            assert f'<h1 class="code">{name}</h1>' in page
        assert 'href="/ask/schema/GapKind"' in visitor.get("/ask/schema/Gap").text
        assert "It was reported, and nobody took it on." in visitor.get("/ask/schema/GapKind").text
        assert visitor.get("/ask/schema/Nothing").status_code == 404
        assert visitor.get("/ask/schema.graphql").text == sdl()
        assert visitor.get("/ask/schema.json").json()["Gap"]["case"] == ["Case", {}]


def test_a_step_is_the_case_at_that_moment(site):
    """What a step shows of who held what is what the registry answers at the moment of its event."""
    with site.visitor() as visitor:
        page = visitor.get(f"/cases/{LONGEST}?step=20").text
    at = re.search(r'<li id="event-20" data-at="([^"]+)"', page)
    assert at is not None
    found = site.asked.registry(
        f'case(reference: "{LONGEST}") {{ obstacles {{ holder {{ name }} }} }}', f'(asOf: "{at[1]}")'
    )
    state = page[page.index('id="state"') :]
    state = state[: state.index("</section>")]
    for obstacle in found["case"]["obstacles"]:
        assert obstacle["holder"]["name"] in state
    assert state.count('<th scope="row">') == len(found["case"]["obstacles"])


def test_what_is_not_there(site):
    """An unknown case, a step that is no number and a date that is none get a sentence, not a fault."""
    with site.visitor() as visitor:
        for address, status in (
            ("/cases/NONE-0000", 404), (f"/cases/{LONGEST}?step=x", 404), ("/gaps?asOf=yesterday", 400),
            ("/gaps?minDays=many", 400), ("/charts/none.svg", 404), ("/static/../visit.py", 404),
            ("/static/none.css", 404),
        ):  # fmt: skip
            answer = visitor.get(address)
            assert answer.status_code == status, address
            assert "Traceback" not in answer.text


def own_gaps(page: str) -> int:
    """How many gaps a page lists of what it is about."""
    section = page[page.index('aria-labelledby="gaps-h"') :]
    return section[: section.index("</section>")].count('class="kind ')


def test_a_cause_and_its_ladder_at_both_times(site):
    """The ladder says who was asked and what came of it, at any moment; before the cause began it is not there."""
    with site.visitor() as visitor:
        now = visitor.get(CAUSE).text
        ladder = now[now.index('<ol class="ladder">') : now.index("</ol>", now.index('<ol class="ladder">'))]
        assert ladder.index("de wetgever") < ladder.index("het ministerie") < ladder.index("het team")
        assert "geen antwoord op tijd" in ladder
        assert "Wat nu:" in now
        then = visitor.get(f"{CAUSE}?asOf=2026-09-01").text
        assert "wacht op antwoord" in then
        assert own_gaps(then) == own_gaps(now) - 1 == 3
        assert visitor.get(f"{CAUSE}?asOf=2024-01-01").status_code == 404
        assert visitor.get("/causes/none").status_code == 404


def test_what_is_linked_leads_there_and_back(site):
    """From a case to the cause of its obstacle and back, and from the gaps of a cause to the cause."""
    with site.visitor() as visitor:
        assert f'href="{CAUSE}"' in visitor.get(f"/cases/{LONGEST}").text
        cause = visitor.get(CAUSE).text
        assert f'href="/cases/{LONGEST}"' in cause
        gaps = visitor.get("/gaps?kind=ESCALATION_UNANSWERED").text
        assert f'href="{CAUSE}"' in gaps
        of_cause = visitor.get(f"/gaps?cause={CAUSE.rpartition('/')[2]}&state=all").text
        assert of_cause.count("<tr") > gaps.count("<tr")


def test_lists_of_what_was_learnt_are_filtered_by_links(site):
    """Each filter is a link that keeps the others, and leaves what is like that."""
    with site.visitor() as visitor:
        every = visitor.get("/causes").text
        owned = visitor.get("/causes?status=OWNED").text
        assert 'href="/causes?status=OWNED"' in every
        assert 'href="/causes?status=OWNED&amp;locus=LAW"' in owned.replace(
            "locus=LAW&amp;status=OWNED", "status=OWNED&amp;locus=LAW"
        )
        assert every.count('<th scope="row">') == 3
        assert owned.count('<th scope="row">') == 1
        assert "Zo is er geen." in visitor.get("/causes?locus=MONEY").text


def test_what_is_withheld_is_said_to_be(site):
    """A text that somebody may not read is said to be there: by an investigator who is not on the case."""
    told = "(niet voor u bestemd)"
    with site.visitor(user="another") as other, site.visitor() as own:
        seen = other.get(f"/cases/{LONGEST}").text
        assert seen.count(told) > 50
        assert f"<h1>Casus {LONGEST}</h1>" in seen
        assert f'Titel: <span class="quiet">{told}</span>' in seen
        assert told not in own.get(f"/cases/{LONGEST}").text


def test_the_whole_log_is_verified_by_what_comes_with_it(site, tmp_path):
    """The tar file holds a verifier that finds all of it well, alone, and not once a byte of it is another."""
    with site.visitor() as visitor:
        assert visitor.get("/trail/bundle").status_code == 403
    with site.visitor("AUDITOR") as auditor:
        answer = auditor.get("/trail/bundle")
    with tarfile.open(fileobj=BytesIO(answer.content)) as tar:
        tar.extractall(tmp_path, filter="data")
    verify = [sys.executable, "-I", "-S", tmp_path / "verify.py"]
    found = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "whole and as signed" in found.stdout
    tile = next(path for path in (tmp_path / "tile" / "entries").rglob("*") if path.is_file())
    content = tile.read_bytes()
    tile.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    assert subprocess.run(verify, capture_output=True, check=False).returncode == 1
