"""Asking at two times: pages, filters, things by id, and how many statements that takes."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from graph.given import GEMEENTE, LONG_AGO, SVB, ZORG, Asked, Story
from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.ports import Asker
from knelpunt.infra.http import reading
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.projections.queries import gaps

PAGE = "query Page($first: Int, $after: String, $order: GapOrder!, $asOf: DateTime) { registry(asOf: $asOf) { \
 gaps(first: $first, after: $after, orderBy: $order, filter: {counts: null}) { \
 totalCount pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor node { id days from open } } } } }"


@pytest.fixture(scope="module")
def told(shared_registry_url, tmp_path_factory):
    """Nine stories, for tests that only read."""
    issuer = DevelopmentIssuer.at(tmp_path_factory.mktemp("issuer"))
    with asyncio.Runner() as runner:
        asked = Asked(shared_registry_url, issuer, runner)
        yield nine_stories(asked)
        asked.close()


@pytest.fixture
def told_anew(asked):
    """Nine stories, for a test that goes on telling."""
    return nine_stories(asked)


def nine_stories(asked):
    """Gaps that run and gaps that ended, with harm and without, of one length and of many."""
    asked.organisations()
    stories = []
    for number in range(9):
        story = Story(asked, days_ago=60 + 10 * (number // 2), theme="zorg" if number % 2 else "schulden")
        obstacle = story.report(1, receivedBy=None, told=[SVB])
        if number % 3 == 0:
            story.done("takeCustody", 20 + number, obstacle=obstacle, organisation=GEMEENTE)
        if number % 4 == 0:
            story.done("stateHarm", 2, obstacle=obstacle, harm="INCOME", since=story.day(1))
        stories.append(story)
    asked.project()
    return asked, stories


def pages(asked, order, first, moving=False, asker=None):
    """All gaps, page by page; ``moving``: each page is asked for at a later moment than the one before."""
    found, after, more, total = [], None, True, None
    as_of = datetime.now(UTC)
    while more:
        page = asked.ask(PAGE, asker, first=first, after=after, order=order, asOf=as_of.isoformat())["registry"]["gaps"]
        assert len(page["edges"]) <= first
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        found += [edge["node"] for edge in page["edges"]]
        after, more, total = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"], page["totalCount"]
        if moving:
            as_of += timedelta(hours=7)
    return found, total


@pytest.mark.parametrize("moving", [False, True])
def test_pages_hold_every_gap_once(told, moving):
    """Pages of any size have each gap once, in the order of one long page, even while running gaps grow."""
    asked, _ = told
    for order in ("HARM", "DAYS", "NEWEST", "OLDEST"):
        whole, total = pages(asked, order, 200)
        for first in (1, 2, 7):
            found, counted = pages(asked, order, first, moving)
            assert sorted(gap["id"] for gap in found) == sorted(gap["id"] for gap in whole)
            assert counted == total == len(whole)
            if not moving:
                assert [gap["id"] for gap in found] == [gap["id"] for gap in whole]


@pytest.mark.parametrize("order", ["HARM", "DAYS", "NEWEST", "OLDEST"])
def test_who_sees_many_cases_gets_the_same_pages(told, order, monkeypatch):
    """An agency that is asked to look along the list finds what one finds that looks case by case."""
    asked, stories = told
    agency = Asker(GEMEENTE, Role.AGENCY, "somebody", datetime.now(UTC) + timedelta(hours=1))
    case_by_case, total = pages(asked, order, 4, asker=agency)
    assert len(case_by_case) >= len(stories)
    asked_in_vain = []
    passed_on = gaps.passed_on
    monkeypatch.setattr(gaps, "passed_on", lambda found: asked_in_vain.append(passed_on(found)) or asked_in_vain[-1])
    monkeypatch.setattr(gaps, "_FEW_MAX", 0)
    monkeypatch.setattr(gaps, "_FEW_BY_MOMENT_MAX", 0)
    along_the_list, counted = pages(asked, order, 4, asker=agency)
    assert [gap["id"] for gap in along_the_list] == [gap["id"] for gap in case_by_case]
    assert counted == total
    assert asked_in_vain[:2] == [True, False]


def test_orders(told):
    """Gaps whose harm lasts come first, then by length; or by length alone; or by when they began."""
    asked, stories = told
    harmed = set()
    for story in stories:
        case = asked.registry(
            "case(id: $id) { obstacles { harms { harm } } gaps(counts: null) { id } }",
            declared="($id: ID!)",
            id=story.case,
        )["case"]
        if case["obstacles"][0]["harms"]:
            harmed |= {gap["id"] for gap in case["gaps"]}
    by_harm, _ = pages(asked, "HARM", 200)
    assert by_harm == sorted(by_harm, key=lambda gap: (gap["id"] not in harmed, -gap["days"]))
    by_days, _ = pages(asked, "DAYS", 200)
    assert [gap["days"] for gap in by_days] == sorted((gap["days"] for gap in by_days), reverse=True)
    newest, _ = pages(asked, "NEWEST", 200)
    oldest, _ = pages(asked, "OLDEST", 200)
    assert [gap["from"] for gap in newest] == sorted((gap["from"] for gap in newest), reverse=True)
    # By their ids: the second list is asked for a little later, and running gaps have grown by then.
    assert [gap["id"] for gap in oldest] == [gap["id"] for gap in newest][::-1]


@pytest.mark.parametrize("chosen", [
    "{}", "{open: true}", "{open: false}", "{counts: null}", "{counts: false}", "{kinds: [STANDSTILL]}",
    '{toAct: ["urn:org:gemeente"]}', '{involved: ["urn:org:svb"]}', '{involved: ["urn:org:zorg"]}', "{minDays: 70}",
    "{harms: [INCOME]}", "{harms: [HOME]}", '{themes: ["zorg"]}', "{themes: []}",
    '{overlaps: {from: "2019-01-01T00:00:00Z", until: "2019-02-01T00:00:00Z"}}',
    '{overlaps: {from: "2019-01-01T00:00:00Z"}}',
])  # fmt: skip
def test_filters(told, chosen):
    """A filter finds what it says, counted against every gap there is."""
    asked, _ = told
    every = asked.registry(
        "gaps(first: 200, filter: {counts: null}) { nodes { id kind open counts days toAct { identifier } "
        "involved { identifier } case { theme } obstacle { harms { harm } } } }"
    )["gaps"]["nodes"]
    tests = {
        "open: true": lambda gap: gap["open"],
        "open: false": lambda gap: not gap["open"],
        "kinds": lambda gap: gap["kind"] == "STANDSTILL",
        "toAct": lambda gap: {"identifier": GEMEENTE} in gap["toAct"],
        "svb": lambda gap: {"identifier": SVB} in gap["involved"],
        'zorg"]}': lambda gap: "themes" in chosen and gap["case"]["theme"] == "zorg",
        "minDays": lambda gap: gap["days"] >= 70,
        "INCOME": lambda gap: gap["obstacle"]["harms"] != [],
        "HOME": lambda gap: False,
        "[]": lambda gap: False,
        "until": lambda gap: False,
    }  # fmt: skip
    wanted = [
        gap["id"]
        for gap in every
        if ("counts: null" in chosen or gap["counts"] is ("counts: false" not in chosen))
        and all(test(gap) for word, test in tests.items() if word in chosen)
    ]
    found = asked.registry(f"gaps(first: 200, filter: {chosen}) {{ totalCount nodes {{ id }} }}")["gaps"]
    assert sorted(gap["id"] for gap in found["nodes"]) == sorted(wanted)
    assert found["totalCount"] == len(wanted)


@pytest.mark.parametrize("number", ["9" * 5000, "-" + "9" * 5000, "1e400", "-1e400", "9" * 5000 + ".5", "0", "-3"])
def test_numbers_beyond_all_measure(told, number):
    """Whatever number a filter gets, it is an answer or a mistake of the client's, and none of the registry's."""
    asked, _ = told
    found = asked.response(f"{{ registry {{ gaps(filter: {{minDays: {number}}}) {{ totalCount }} }} }}")
    codes = {error["extensions"]["code"] for error in found.get("errors", ())}
    assert codes <= {"BAD_INPUT", "INVALID"}, found


def test_what_happened_before_the_case_was_opened(asked):
    """At a moment before the opening no case is listed; the obstacle is, with its gap, and they name the case to be."""
    asked.organisations()
    story = Story(asked, days_ago=100)
    obstacle = story.report(-20, receivedBy=None, told=[SVB])
    asked.project()
    found = asked.ask(
        """query Before($asOf: DateTime) { registry(asOf: $asOf) {
            cases(first: 5) { totalCount }
            chains(first: 5) {
                nodes { daysOpen obstacle { triggered { id } report { type } case { reference openedAt subjects } } }
            }
            gaps(first: 5, filter: {counts: null}) {
                nodes { kind obstacle { id } case { reference title theme status timeline(first: 5) { totalCount } } }
            }
        } }""",
        asOf=story.day(-5),
    )["registry"]
    assert found["cases"]["totalCount"] == 0
    (chain,) = found["chains"]["nodes"]
    assert chain["daysOpen"] == pytest.approx(15)
    assert chain["obstacle"]["report"]["type"] == "ObstacleReported"
    assert chain["obstacle"]["case"]["reference"] == story.reference
    assert chain["obstacle"]["case"]["subjects"] == [story.subject]
    (gap,) = found["gaps"]["nodes"]
    assert (gap["kind"], gap["obstacle"]["id"]) == ("NEVER_TAKEN", obstacle)
    assert (gap["case"]["reference"], gap["case"]["title"]) == (story.reference, "Een brief te veel")
    assert gap["case"]["timeline"]["totalCount"] == 1


def test_no_page_holds_more_than_200(told):
    """A page that is too large, a cursor of another list and a period backwards are refused in a sentence."""
    asked, _ = told
    backwards = '{from: "2024-02-01T00:00:00Z", until: "2024-01-01T00:00:00Z"}'
    for ask, says in (
        ("gaps(first: 201) { totalCount }", "200"),
        ("gaps(first: -1) { totalCount }", "between 0 and 200"),
        ('gaps(after: "niets") { totalCount }', "no cursor"),
        ('cases(after: "eyJhIjoxfQ") { totalCount }', "no cursor"),
        ('gaps(filter: {toAct: ["de gemeente"]}) { totalCount }', "names no organisation"),
        (f"gaps(filter: {{overlaps: {backwards}}}) {{ totalCount }}", "overlaps: it ends before it begins"),
        (f"interfaces(filter: {{period: {backwards}}}) {{ offers }}", "period: it ends before it begins"),
        ("case { id }", "either its id or its reference"),
        ('case(id: "K-1") { id }', "no id of a case"),
    ):
        error = asked.error(f"{{ registry {{ {ask} }} }}")
        assert says in error["message"]
        assert error["extensions"]["code"] == "BAD_INPUT"


def test_cases_chains_and_organisations(told):
    """The other lists page and filter likewise."""
    asked, stories = told
    for name, filters in (
        ("cases", ["{status: OPEN}", '{themes: ["zorg"]}', '{organisations: ["urn:org:svb"]}', "{status: CLOSED}"]),
        ("chains", ["{status: OPEN}", "{held: false}", '{holder: ["urn:org:gemeente"]}', "{fellBetweenTheCracks: true}",
                    "{fellBetweenTheCracks: false}", "{harms: [INCOME]}", '{organisations: ["urn:org:gemeente"]}']),
        ("organisations", ["{kinds: [MUNICIPALITY]}", '{name: "GEMEENTE"}', "{parent: []}"]),
    ):  # fmt: skip
        key = "obstacle { id }" if name == "chains" else "id"
        sizes = {}
        for chosen in ["{}", *filters]:
            whole = asked.registry(f"{name}(first: 200, filter: {chosen}) {{ totalCount nodes {{ {key} }} }}")[name]
            found, after, more = [], "null", True
            while more:
                page = asked.registry(
                    f"{name}(first: 2, after: {after}, filter: {chosen}) "
                    f"{{ pageInfo {{ hasNextPage endCursor }} nodes {{ {key} }} }}"
                )[name]
                found += page["nodes"]
                more, after = page["pageInfo"]["hasNextPage"], f'"{page["pageInfo"]["endCursor"]}"'
            assert found == whole["nodes"]
            assert whole["totalCount"] == len(found)
            sizes[chosen] = len(found)
        assert sizes["{}"] == (3 if name == "organisations" else len(stories))
        if name == "chains":
            assert sizes["{held: false}"] == 6
            assert sizes['{holder: ["urn:org:gemeente"]}'] == 3
            assert sizes["{fellBetweenTheCracks: true}"] == 9
            assert sizes["{harms: [INCOME]}"] == 3
        if name == "cases":
            assert sizes['{themes: ["zorg"]}'] == 4
            assert sizes['{organisations: ["urn:org:svb"]}'] == 9
            assert sizes["{status: CLOSED}"] == 0
        if name == "organisations":
            assert sizes["{kinds: [MUNICIPALITY]}"] == sizes['{name: "GEMEENTE"}'] == 1


def test_things_by_their_ids(told):
    """Whatever has a global id is found again by it, and by the bare id where the schema takes one."""
    asked, stories = told
    case = asked.registry(
        "case(reference: $r) { id reference obstacles { id } gaps { id } timeline { nodes { id } } "
        "organisations { id identifier } }", declared="($r: String!)", r=stories[0].reference,
    )["case"]  # fmt: skip
    assert case["id"] == stories[0].case
    things = [case, *case["obstacles"], *case["gaps"], *case["timeline"]["nodes"], *case["organisations"]]
    for thing in things:
        found = asked.ask("query N($id: ID!) { node(id: $id) { id __typename } }", id=thing["id"])["node"]
        assert found["id"] == thing["id"]
    unknown = "Q2FzZTo4YjYwMzQyZS0zYjM4LTQ4MDItOTc1Zi1iYzQ5NGNkOTRmNjM="
    assert asked.ask("query N($id: ID!) { node(id: $id) { id } }", id=unknown)["node"] is None
    assert asked.error('{ node(id: "K-1") { id } }')["extensions"]["code"] == "BAD_INPUT"
    assert asked.registry('organisation(identifier: "urn:org:svb") { name }')["organisation"]["name"].startswith(
        "Sociale"
    )
    assert asked.registry('organisation(identifier: "urn:org:x") { name }')["organisation"] is None


def test_before_it_was_registered_an_organisation_has_no_name(told_anew):
    """Organisations too are as they were at the two times."""
    asked, _ = told_anew
    assert (
        asked.registry("organisations { totalCount }", '(asOf: "2018-01-01T00:00:00Z")')["organisations"]["totalCount"]
        == 0
    )
    asked.done("renameOrganisation", {"organisation": SVB, "name": "SVB"})
    ask = 'organisation(identifier: "urn:org:svb") { name }'
    assert asked.registry(ask)["organisation"]["name"] == "SVB"
    assert asked.registry(ask, f'(asOf: "{LONG_AGO}")')["organisation"]["name"] == "Sociale Verzekeringsbank"


def test_self_noticed(told_anew):
    """A gap is marked as noticed once an organisation that has to act says so itself, not by another's word."""
    asked, _ = told_anew
    story = Story(asked, days_ago=90)
    obstacle = story.report(1)
    story.done("referSubject", 2, obstacle=obstacle, to=SVB, released=True)
    ask = (
        "gaps(filter: {case: $id}) { nodes { id kind selfNoticed toAct { identifier } "
        "acknowledgements { plan due organisation { identifier } } accounts { stance text by { identifier } } } }"
    )
    gap = asked.registry(ask, declared="($id: ID!)", id=story.case)["gaps"]["nodes"][0]
    assert (gap["kind"], gap["selfNoticed"], gap["toAct"]) == ("LOST_REFERRAL", False, [{"identifier": GEMEENTE}])
    story.done("giveAccount", 50, asker=asked.asker(SVB), gap=gap["id"], stance="CONFIRMS", account="Niets ontvangen")
    gap = asked.registry(ask, declared="($id: ID!)", id=story.case)["gaps"]["nodes"][0]
    assert gap["selfNoticed"] is False
    assert gap["accounts"] == [{"stance": "CONFIRMS", "text": "Niets ontvangen", "by": {"identifier": SVB}}]
    story.done("acknowledgeGap", 60, gap=gap["id"], plan="Wij bellen", due=story.day(80))
    gap = asked.registry(ask, declared="($id: ID!)", id=story.case)["gaps"]["nodes"][0]
    assert gap["selfNoticed"] is True
    assert gap["acknowledgements"][0]["plan"] == "Wij bellen"


def test_interfaces(asked):
    """What went from one organisation to another is counted, timed and rolled up to parents."""
    asked.organisations()
    for name in ("a", "b"):
        given = {"organisation": f"urn:org:wijk-{name}", "name": f"Wijk {name}", "kind": "UNIT", "parent": GEMEENTE}
        asked.done("registerOrganisation", given | {"occurredAt": LONG_AGO})
    story = Story(asked, days_ago=200)
    obstacle = story.report(1, receivedBy="urn:org:wijk-a")
    wijk = asked.asker("urn:org:wijk-a")

    def offer(day, asker=wijk, to=SVB, **given):
        found = story.done(
            "offerHandoff", day, "handoff", asker, obstacle=obstacle, to=to, deliveredAt=story.day(day), **given
        )
        return found["handoff"]

    story.done("refuseHandoff", 12, handoff=offer(2), ground="NO_CAPACITY", asker=asked.asker(SVB))
    story.done("refuseHandoff", 14, handoff=offer(12), ground="NO_CAPACITY", asker=asked.asker(SVB))
    story.done("withdrawHandoff", 20, asker=wijk, handoff=offer(15))
    story.done("acceptHandoff", 34, handoff=offer(30), asker=asked.asker(SVB))
    story.done("acceptHandoff", 60, handoff=offer(50, asked.asker(SVB), "urn:org:wijk-a"), asker=wijk)
    story.done("referSubject", 70, asker=wijk, obstacle=obstacle, to=ZORG)
    offer(80, to="urn:org:wijk-b")
    offer(81)
    figures = (
        "from { identifier } to { identifier } offers accepted refused withdrawn lapsed unanswered pending "
        "referrals arrived responseTimeMedianDays responseTimeP90Days refusalGrounds { ground count } cameBackShare"
    )
    found = asked.registry(f'interfaces(filter: {{from: "urn:org:wijk-a", to: "{SVB}"}}) {{ {figures} }}')["interfaces"]
    assert found == [{
        "from": {"identifier": "urn:org:wijk-a"}, "to": {"identifier": SVB}, "offers": 5, "accepted": 1, "refused": 2,
        "withdrawn": 1, "lapsed": 0, "unanswered": 1, "pending": 0, "referrals": 0, "arrived": 0,
        "responseTimeMedianDays": 4.0, "responseTimeP90Days": 8.8,
        "refusalGrounds": [{"ground": "NO_CAPACITY", "count": 2}], "cameBackShare": 1.0,
    }]  # fmt: skip
    assert len(asked.registry(f"interfaces {{ {figures} }}")["interfaces"]) == 4
    rolled = asked.registry(f"interfaces(filter: {{rolledUp: true}}) {{ {figures} }}")["interfaces"]
    assert {(one["from"]["identifier"], one["to"]["identifier"]) for one in rolled} == {
        (GEMEENTE, SVB), (SVB, GEMEENTE), (GEMEENTE, ZORG),
    }  # fmt: skip
    assert [one["cameBackShare"] for one in rolled if one["to"]["identifier"] == SVB] == [1.0]
    period = f'{{from: "{story.day(40)}"}}'
    assert (
        len(
            asked.registry(f'interfaces(filter: {{organisation: "{SVB}", period: {period}}}) {{ offers }}')[
                "interfaces"
            ]
        )
        == 2
    )
    assert asked.registry("interfaces { offers }", f'(asOf: "{story.day(1.5)}")')["interfaces"] == []


def test_two_times(asked):
    """What was found late is there for who asks now, and was not for who asked then; each case in its own words."""
    asked.organisations()
    story = Story(asked, days_ago=50)
    obstacle = story.report(1, receivedBy=None)
    asked.project()
    before = asked.ask("{ registry { knownAt position } }")["registry"]
    story.done("takeCustody", 3, obstacle=obstacle)
    ask = (
        "position gaps(filter: {counts: null, kinds: [NEVER_TAKEN]}) { nodes { open until } } "
        "case(id: $id) { gaps { kind } }"
    )
    then = asked.registry(ask, f'(knownAt: "{before["knownAt"]}")', declared="($id: ID!)", id=story.case)
    now = asked.registry(ask, declared="($id: ID!)", id=story.case)
    assert then["gaps"]["nodes"][0]["open"] is True
    assert now["gaps"]["nodes"][0]["open"] is False
    assert (then["position"], now["position"]) == (before["position"], before["position"] + 1)
    assert then["case"]["gaps"] == [{"kind": "NEVER_TAKEN"}]
    early = asked.registry(ask, f'(asOf: "{story.day(2)}")', declared="($id: ID!)", id=story.case)
    assert early["gaps"]["nodes"] == [{"open": True, "until": None}]
    assert asked.registry(ask, f'(knownAt: "{LONG_AGO}")', declared="($id: ID!)", id=story.case)["position"] == -1
    assert asked.error('{ registry(asOf: "2024-01-01T00:00:00") { position } }')["extensions"]["code"] == "BAD_INPUT"


def test_known_to(asked):
    """A case as one organisation knew it: what it never heard of is not there."""
    asked.organisations()
    story = Story(asked, days_ago=50)
    obstacle = story.report(1)
    story.done("takeStep", 5, obstacle=obstacle, kind="DECISION")
    story.done("offerHandoff", 8, obstacle=obstacle, to=SVB, deliveredAt=story.day(10))
    ask = "case(id: $id, knownTo: $o) { timeline { nodes { type } } obstacles { chain { segments { kind } } } }"
    for who, types in (
        (GEMEENTE, ["CaseOpened", "ObstacleReported", "StepTaken", "HandoffOffered"]),
        (SVB, ["CaseOpened", "ObstacleReported", "HandoffOffered"]),
    ):
        case = asked.registry(ask, declared="($id: ID!, $o: ID)", id=story.case, o=who)["case"]
        assert [event["type"] for event in case["timeline"]["nodes"]] == types
    assert asked.registry(ask, declared="($id: ID!, $o: ID)", id=story.case, o=ZORG)["case"] is None


def test_what_i_wrote_is_what_i_read(asked, monkeypatch):
    """``atLeast`` waits until the projections have come there, and says so when they do not in time."""
    asked.organisations()
    story = Story(asked, days_ago=50)
    story.report(1)

    async def project_soon():
        await asyncio.sleep(0.2)
        await asyncio.to_thread(asked.project)

    async def both():
        query = "query Q($p: Position!) { registry(atLeast: $p) { position cases { totalCount } } }"
        asking = asked.running.ask(asked.asker(), query, {"p": story.position})
        return (await asyncio.gather(asking, project_soon()))[0]

    registry = asked.run(both())["data"]["registry"]
    assert registry["position"] >= story.position
    assert registry["cases"]["totalCount"] == 1
    monkeypatch.setattr(reading, "REACH_SECONDS_MAX", 0.1)
    error = asked.error("{ registry(atLeast: 1000000) { position } }")
    assert error["extensions"]["code"] == "NOT_YET"


EVIDENCE = "id evidence { id position occurredAt data summary conflict { code } struckBy { id } correctedBy { id } }"


def test_evidence_in_a_list_is_that_of_the_case(told_anew):
    """A list, which derives no case, shows the same events as the case does: as corrected, and with their texts."""
    asked, stories = told_anew
    for story in stories[:3]:
        report = asked.registry("case(id: $id) { obstacles { report { id } } }", declared="($id: ID!)", id=story.case)[
            "case"
        ]["obstacles"][0]["report"]["id"]
        story.done("correctFact", 50, event=report, field="occurredAt", value=story.day(0.5))
    asked.project()
    listed = asked.registry(f"gaps(first: 200, filter: {{counts: null}}) {{ nodes {{ {EVIDENCE} }} }}")["gaps"]["nodes"]
    derived = [
        gap
        for story in stories
        for gap in asked.registry(
            f"case(id: $id) {{ gaps(counts: null) {{ {EVIDENCE} }} }}", declared="($id: ID!)", id=story.case
        )["case"]["gaps"]
    ]
    assert {gap["id"]: gap["evidence"] for gap in listed} == {gap["id"]: gap["evidence"] for gap in derived}
    assert any(event["correctedBy"] for gap in listed for event in gap["evidence"])


def test_evidence_that_cannot_be_read_fails_its_own_gaps_only(told_anew):
    """One case of a page that holds an unreadable event takes no other gap's evidence away."""
    asked, stories = told_anew
    query = "{ registry { gaps(first: 200, filter: {counts: null}) { nodes { case { id } evidence { id } } } } }"
    whole = asked.ask(query)["registry"]["gaps"]["nodes"]
    with psycopg.connect(asked.url, autocommit=True) as login:
        login.execute("UPDATE knelpunt.event SET topic_version = 99 WHERE position = %s", (stories[0].position,))
    answer = asked.run(asked.running.ask(asked.asker(), query, {}))
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"UNREADABLE"}
    assert {error["path"][-1] for error in answer["errors"]} == {"evidence"}
    assert len(answer["errors"]) == sum(gap["case"]["id"] == stories[0].case for gap in whole)


@pytest.fixture
def statements(monkeypatch):
    """Every statement that a session sends."""
    sent = []
    fetched = reading._fetched

    async def counting(connection, query, values):
        sent.append(query)
        return await fetched(connection, query, values)

    monkeypatch.setattr(reading, "_fetched", counting)
    return sent


WIDE = """gaps(first: 50) { nodes { toAct { name } involved { name kind } evidence { id summary } selfNoticed
    case { reference title theme } obstacle { chain { segments { enteredBy { type } } } } } }"""
DEEP = """cases(first: 50) { nodes { title timeline { nodes { data } } gaps { kind evidence { type } }
    obstacles { holder { name } chain { daysOpen organisations { name } } } } }"""

FOUND = """search(text: "zorg") { edges { value node { ... on Case { reference theme status } ... on Gap { kind days }
    ... on Organisation { name } } } }"""


@pytest.mark.parametrize(
    ("ask", "most"),
    [
        ("gaps(first: 50) { nodes { id } }", 1),
        ("gaps(first: 50) { totalCount nodes { id } }", 2),
        ("gaps(first: 50) { nodes { evidence { id type data } } }", 2),
        (WIDE, 4),
        ("cases(first: 50) { nodes { id reference theme status openedAt } }", 1),
        (DEEP, 5),  # which of the texts may be read is asked along
        ("chains(first: 50) { nodes { obstacle { triggeredBy { id } } segments { organisation { name } } } }", 3),
        ("organisations { nodes { name kind } }", 1),
        ("interfaces { from { name } to { name } offers }", 2),
        (FOUND, 1),
    ],
)  # fmt: skip
def test_one_statement_a_level(told, statements, ask, most):
    """However many things stand on a level of a question, the level costs one statement, and what is at hand none."""
    asked, _ = told
    asked.registry(ask)
    assert len(statements) <= most, statements


def test_one_snapshot_a_request(told, statements):
    """All fields of one request see one moment of the database, whatever is recorded meanwhile."""
    asked, _ = told
    ask = '{ a: registry { position gaps { totalCount } } b: registry(asOf: "2020-01-01T00:00:00Z") { position } }'
    found = asked.ask(ask)
    assert found["a"]["position"] == found["b"]["position"]
