"""What lies over the cases of one subject, asked through GraphQL: lists, cases, subjects, chains, links, for whom."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from graph.given import GEMEENTE, SVB, ZORG, Asked, Story

GAP = """kind from until open counts days subject toAct { identifier } involved { identifier } obstacle { id }
    case { id } cases { id } evidence { type stream } accounts { stance } acknowledgements { due } selfNoticed"""


@pytest.fixture
def two(asked: Asked) -> tuple[Asked, Story, Story, list[str]]:
    """Two cases of one subject: three organisations hold a part, and the first two obstacles wait for each other."""
    asked.organisations()
    first = Story(asked, days_ago=100)
    second = Story(asked, days_ago=100, theme="zorg", subjects=[first.subject])
    one = first.report(1)
    two_ = second.report(2, receivedBy=SVB, triggeredBy=one)
    three = second.report(3, receivedBy=ZORG)
    first.done("beginWaiting", 10, obstacle=one, organisation=GEMEENTE, ground="OTHER_OBSTACLE", forObstacle=two_)
    second.done("beginWaiting", 20, obstacle=two_, organisation=SVB, ground="OTHER_OBSTACLE", forObstacle=one)
    asked.project()
    return asked, first, second, [one, two_, three]


def over(nodes: list[dict]) -> dict[str, dict]:
    """The gaps over several cases among those found, by kind."""
    return {node["kind"]: node for node in nodes if node["subject"]}


def test_lists_cases_and_the_subject_tell_of_the_same(two) -> None:
    """They stand in the list of all gaps, in both cases and at their subject, field for field alike."""
    asked, first, second, _ = two
    found = asked.registry(
        f"""gaps {{ totalCount nodes {{ {GAP} }} }} a: case(id: "{first.case}") {{ gaps {{ {GAP} }} }}
        b: case(id: "{second.case}") {{ gaps {{ {GAP} }} }}
        inFirst: gaps(filter: {{case: "{first.case}"}}) {{ totalCount nodes {{ {GAP} }} }}
        subject(id: "{first.subject}") {{ id cases {{ id }} gaps {{ {GAP} }} }}"""
    )
    listed = over(found["gaps"]["nodes"])
    assert set(listed) == {"DEADLOCK", "UNCOORDINATED"}
    assert found["gaps"]["totalCount"] == len(found["gaps"]["nodes"])
    for where in (found["a"]["gaps"], found["b"]["gaps"], found["inFirst"]["nodes"], found["subject"]["gaps"]):
        assert over(where) == listed
    assert found["subject"]["id"] == first.subject
    assert [case["id"] for case in found["subject"]["cases"]] == [first.case, second.case]
    deadlock, uncoordinated = listed["DEADLOCK"], listed["UNCOORDINATED"]
    for gap in listed.values():
        assert (gap["case"], gap["obstacle"], gap["until"], gap["open"]) == (None, None, None, True)
        assert [case["id"] for case in gap["cases"]] == [first.case, second.case]
        assert gap["subject"] == first.subject
    assert [one["identifier"] for one in deadlock["toAct"]] == [GEMEENTE, SVB]
    assert [one["identifier"] for one in uncoordinated["involved"]] == [GEMEENTE, SVB, ZORG]
    assert [event["type"] for event in deadlock["evidence"]] == ["WaitingBegan"] * 2
    assert [event["type"] for event in uncoordinated["evidence"]] == ["ObstacleReported"] * 3
    assert datetime.fromisoformat(deadlock["from"]) == datetime.fromisoformat(second.day(20))


def test_filters_find_them_by_theme_kind_and_organisation(two) -> None:
    """By the theme of any of the cases, by kind, by who has to act or is involved; and not by other themes."""
    asked, *_ = two

    def kinds(filter_: str) -> set[str]:
        nodes = asked.registry(f"gaps(filter: {{{filter_}}}) {{ nodes {{ kind subject }} }}")["gaps"]["nodes"]
        return set(over(nodes))

    both = {"DEADLOCK", "UNCOORDINATED"}
    assert kinds('themes: ["zorg"]') == kinds('themes: ["schulden"]') == both
    assert kinds('themes: ["onderwijs"]') == set()
    assert kinds("kinds: [UNCOORDINATED]") == {"UNCOORDINATED"}
    assert kinds(f'toAct: ["{SVB}"]') == {"DEADLOCK"}
    assert kinds(f'involved: ["{ZORG}"]') == {"UNCOORDINATED"}


def test_each_is_found_again_by_its_id_and_by_search(two) -> None:
    """A node by its global id, and by the words for its kind."""
    asked, *_ = two
    nodes = asked.registry("gaps { nodes { id kind subject } }")["gaps"]["nodes"]
    for gap in over(nodes).values():
        found = asked.ask("query N($id: ID!) { node(id: $id) { id ... on Gap { kind cases { id } } } }", id=gap["id"])
        assert (found["node"]["id"], found["node"]["kind"], len(found["node"]["cases"])) == (gap["id"], gap["kind"], 2)
    search = 'search(text: "regie schulden zorg") { edges { node { ... on Gap { kind } } } }'
    assert [edge["node"]["kind"] for edge in asked.registry(search)["search"]["edges"]] == ["UNCOORDINATED"]


def test_they_are_as_they_were_at_other_times(two) -> None:
    """Before the second waiting there was no circle; named late, a coordinator was there before for who asks now."""
    asked, first, second, _ = two

    def at(day: float, known: str | None = None) -> set[str]:
        lens = f'(asOf: "{first.day(day)}"{f", knownAt: {known!r}" if known else ""})'.replace("'", '"')
        nodes = asked.registry("gaps(filter: {counts: null}) { nodes { kind subject } }", lens)["gaps"]["nodes"]
        return set(over(nodes))

    assert at(2.5) == set()
    assert at(15) == {"UNCOORDINATED"}
    assert at(50) == {"UNCOORDINATED", "DEADLOCK"}
    before = datetime.now(UTC).isoformat()
    second.done("nameCoordinator", 2, organisation=SVB)
    assert at(15) == set()
    assert at(15, before) == {"UNCOORDINATED"}


def test_what_was_just_recorded_is_told_with_it(two) -> None:
    """A mutation's own answer takes in what it recorded, before any projection has."""
    asked, first, _, _ = two
    selection = f"event {{ case {{ gaps {{ {GAP} }} }} }}"
    found = first.done("nameCoordinator", 60, selection, organisation=GEMEENTE)
    uncoordinated = over(found["event"]["case"]["gaps"])["UNCOORDINATED"]
    assert datetime.fromisoformat(uncoordinated["until"]) == datetime.fromisoformat(first.day(60))
    listed = over(asked.registry(f"gaps {{ nodes {{ {GAP} }} }}")["gaps"]["nodes"])["UNCOORDINATED"]
    assert listed == uncoordinated


def test_it_can_be_owned_up_to_and_disputed(two) -> None:
    """What is said of it in any of its cases stands beside it wherever it is told of, and follows it if it moves."""
    asked, first, second, _ = two
    listed = over(asked.registry("gaps { nodes { id kind subject } }")["gaps"]["nodes"])
    gap = listed["DEADLOCK"]["id"]
    given = {"gap": gap, "organisation": GEMEENTE, "plan": "We bellen elkaar.", "due": first.day(40)}
    first.done("acknowledgeGap", 30, **given)
    svb = asked.asker(SVB)
    account = {"case": second.case, "gap": gap, "stance": "DISPUTES", "account": "Wij wachten op niemand."}
    asked.done("giveAccount", account | {"occurredAt": second.day(31)}, asker=svb)
    told = """kind subject obstacle { id } selfNoticed accounts { stance text by { identifier } event { case { id } } }
        acknowledgements { plan organisation { identifier } event { case { id } } }"""
    found = asked.registry(
        f'gaps {{ nodes {{ {told} }} }} a: case(id: "{first.case}") {{ gaps {{ {told} }} }} '
        f'subject(id: "{first.subject}") {{ gaps {{ {told} }} }}'
    )
    for nodes in (found["gaps"]["nodes"], found["a"]["gaps"], found["subject"]["gaps"]):
        deadlock = over(nodes)["DEADLOCK"]
        assert deadlock["selfNoticed"] is True
        (said,), (owned,) = deadlock["accounts"], deadlock["acknowledgements"]
        assert (said["stance"], said["text"], said["by"]["identifier"]) == (
            "DISPUTES", "Wij wachten op niemand.", SVB,
        )  # fmt: skip
        assert (owned["plan"], owned["organisation"]["identifier"]) == ("We bellen elkaar.", GEMEENTE)
        assert (said["event"]["case"]["id"], owned["event"]["case"]["id"]) == (second.case, first.case)
        other = over(nodes)["UNCOORDINATED"]
        assert (other["accounts"], other["acknowledgements"], other["selfNoticed"]) == ([], [], False)
    late = over(found["gaps"]["nodes"])["COMMITMENT_OVERDUE"]
    assert (late["subject"], late["obstacle"]) == (first.subject, None)
    # Found late: the second waiting began earlier, so that the circle closed earlier and goes by another name.
    second.done("beginWaiting", 15, obstacle=two[3][1], organisation=SVB, ground="OTHER", until=second.day(16))
    second.done("strikeEvent", 60, event=_waiting(asked, second), reason="NEVER_HAPPENED")
    waits = {"obstacle": two[3][1], "organisation": SVB, "ground": "OTHER_OBSTACLE", "forObstacle": two[3][0]}
    second.done("beginWaiting", 18, **waits)
    moved = over(asked.registry(f"gaps {{ nodes {{ id {told} }} }}")["gaps"]["nodes"])["DEADLOCK"]
    assert moved["id"] != gap
    assert [one["plan"] for one in moved["acknowledgements"]] == ["We bellen elkaar."]


def test_a_plan_for_a_deadlock_within_one_case_falls_due(asked: Asked) -> None:
    """It is a gap of the case, on no obstacle of it, in the list and in the case alike; and found by its own id."""
    asked.organisations()
    story = Story(asked, days_ago=100)
    one, two_ = story.report(1), story.report(2, receivedBy=SVB)
    waits: dict[str, Any] = {"organisation": GEMEENTE, "ground": "OTHER_OBSTACLE", "obstacle": one, "forObstacle": two_}
    story.done("beginWaiting", 10, **waits)
    waits |= {"organisation": SVB, "obstacle": two_, "forObstacle": one}
    story.done("beginWaiting", 11, **waits)
    asked.project()
    ask = f"gaps(filter: {{kinds: [%s]}}) {{ nodes {{ id {GAP} }} }}"
    (deadlock,) = asked.registry(ask % "DEADLOCK")["gaps"]["nodes"]
    plan = {"gap": deadlock["id"], "organisation": GEMEENTE, "plan": "We bellen elkaar.", "due": story.day(20)}
    story.done("acknowledgeGap", 12, **plan)
    moment = datetime.now(UTC).isoformat()
    at = f'(asOf: "{moment}", knownAt: "{moment}")'  # one moment for both questions: it lasts longer at each
    (late,) = asked.registry(ask % "COMMITMENT_OVERDUE", at)["gaps"]["nodes"]
    assert (late["subject"], late["obstacle"], late["case"]["id"]) == (None, None, story.case)
    assert datetime.fromisoformat(late["from"]) == datetime.fromisoformat(story.day(20))
    own = asked.registry(f'case(id: "{story.case}") {{ gaps {{ id {GAP} }} }}', at)["case"]["gaps"]
    assert [gap for gap in own if gap["kind"] == "COMMITMENT_OVERDUE"] == [late]
    node = asked.ask("query N($id: ID!) { node(id: $id) { id ... on Gap { kind } } }", id=late["id"])["node"]
    assert node == {"id": late["id"], "kind": "COMMITMENT_OVERDUE"}


def _waiting(asked: Asked, story: Story) -> str:
    """The event with which a case's waiting for another obstacle began."""
    query = f'case(id: "{story.case}") {{ timeline {{ nodes {{ id type data }} }} }}'
    nodes = asked.registry(query)["case"]["timeline"]["nodes"]
    return next(one["id"] for one in nodes if one["type"] == "WaitingBegan" and "OTHER_OBSTACLE" in str(one["data"]))


def test_what_is_said_of_it_belongs_to_one_of_its_cases(two) -> None:
    """In another case of anybody's it is refused, as is a gap over cases that was not there then."""
    asked, first, *_ = two
    other = Story(asked, days_ago=50)
    gap = over(asked.registry("gaps { nodes { id kind subject } }")["gaps"]["nodes"])["DEADLOCK"]["id"]
    given = {"gap": gap, "organisation": GEMEENTE, "occurredAt": other.day(10)}
    refused = asked.refused("acknowledgeGap", {"case": other.case} | given)
    assert (refused["code"], refused["message"]) == ("MALFORMED", "gap: this gap lies in other cases.")
    refused = asked.refused("acknowledgeGap", {"case": first.case} | given | {"occurredAt": first.day(5)})
    assert refused["code"] == "UNKNOWN_GAP"


def test_to_one_organisation_only_what_it_knew(two) -> None:
    """Through the eyes of one, there is no circle that it knows half of, and nobody whom it does not know to hold."""
    asked, first, second, _ = two
    ask = """case(id: "%s", knownTo: "%s") { gaps(counts: null) { kind subject } crossChains { obstacles { id } } }"""
    assert asked.registry(ask % (first.case, SVB))["case"] is None
    told = asked.registry(ask % (first.case, GEMEENTE))["case"]
    assert set(over(told["gaps"])) == {"UNCOORDINATED", "DEADLOCK"}  # GEMEENTE recorded all of it
    assert len(told["crossChains"][0]["obstacles"]) == 2
    assert over(asked.registry(ask % (second.case, ZORG))["case"]["gaps"]) == {}


def test_cross_chains_links_and_what_was_set_off(two) -> None:
    """One cross-chain over both cases, seen from either; a link seen from both sides, with who says so."""
    asked, first, second, (one, two_, _) = two
    linked = asked.done(
        "linkCase", {"from": first.case, "case": second.case, "relation": "SAME_STORY", "occurredAt": first.day(30)}
    )
    asked.project()
    chain = "crossChains { obstacles { id } cases { id } contacts storyRetold daysOpen gaps(counts: null) { kind } }"
    case = f"{chain} linkedCases {{ relation linking case {{ id }} event {{ position }} }}"
    found = asked.registry(
        f"""a: case(id: "{first.case}") {{ {case} obstacles {{ id triggered {{ id case {{ id }} }} }} }}
        b: case(id: "{second.case}") {{ {case} obstacles {{ triggeredBy {{ id }} }} }}
        subject(id: "{first.subject}") {{ {chain} }}"""
    )
    (whole,) = found["a"]["crossChains"]
    assert found["b"]["crossChains"] == found["subject"]["crossChains"] == [whole]
    assert [obstacle["id"] for obstacle in whole["obstacles"]] == [one, two_]
    assert [case["id"] for case in whole["cases"]] == [first.case, second.case]
    assert found["a"]["obstacles"][0]["triggered"] == [{"id": two_, "case": {"id": second.case}}]
    assert found["b"]["obstacles"][0]["triggeredBy"] == {"id": one}
    event = {"position": linked["position"]}
    same = {"relation": "SAME_STORY", "event": event}
    assert found["a"]["linkedCases"] == [same | {"linking": False, "case": {"id": second.case}}]
    assert found["b"]["linkedCases"] == [same | {"linking": True, "case": {"id": first.case}}]


def test_what_was_split_off_says_from_what(asked) -> None:
    """An obstacle knows what was split into it, until that split is struck; the parts stand in one cross-chain."""
    asked.organisations()
    story = Story(asked, days_ago=100)
    one, two_, three = story.report(1), story.report(2), story.report(3)
    split = story.done("splitObstacle", 4, "event { id }", obstacle=one, into=[two_, three])
    asked.project()
    ask = f'case(id: "{story.case}") {{ obstacles {{ id splitFrom {{ id }} }} crossChains {{ obstacles {{ id }} }} }}'
    found = asked.registry(ask)["case"]
    assert found["obstacles"] == [
        {"id": one, "splitFrom": None}, {"id": two_, "splitFrom": {"id": one}}, {"id": three, "splitFrom": {"id": one}}
    ]  # fmt: skip
    assert found["crossChains"] == [{"obstacles": [{"id": one}, {"id": two_}, {"id": three}]}]
    story.done("strikeEvent", 5, event=split["event"]["id"], reason="NEVER_HAPPENED")
    asked.project()
    found = asked.registry(ask)["case"]
    assert [obstacle["splitFrom"] for obstacle in found["obstacles"]] == [None] * 3
    assert found["crossChains"] == []


def test_who_may_not_see_every_case_sees_nothing_over_them(two) -> None:
    """Where a rule hides one of the cases, whatever lies over it is in no list, count, case or search."""
    asked, first, *_ = two
    with psycopg.connect(asked.url) as admin:
        # As the access rules will: one case is hidden, and with it all that is said of it.
        admin.execute("""
            CREATE POLICY hidden ON read.case_state AS RESTRICTIVE FOR SELECT TO knelpunt_reader
                USING (theme <> 'zorg');
            CREATE POLICY hidden ON read.case_subject AS RESTRICTIVE FOR SELECT TO knelpunt_reader
                USING (EXISTS (SELECT FROM read.case_state s WHERE s.case_id = case_subject.case_id));
        """)
    found = asked.registry(
        f"""gaps(filter: {{counts: null}}) {{ totalCount nodes {{ kind subject }} }}
        case(id: "{first.case}") {{ gaps(counts: null) {{ kind subject }} }}
        subject(id: "{first.subject}") {{ cases {{ id }} gaps(counts: null) {{ kind }} }}
        search(text: "regie") {{ totalCount }}"""
    )
    assert over(found["gaps"]["nodes"]) == over(found["case"]["gaps"]) == {}
    assert found["gaps"]["totalCount"] == len(found["gaps"]["nodes"]) > 0
    assert found["subject"] == {"cases": [{"id": first.case}], "gaps": []}
    assert found["search"]["totalCount"] == 0


def test_there_is_no_subject_without_cases(two) -> None:
    """A pseudonym that no case names is nobody's, and what is no id is refused."""
    asked, *_ = two
    nobody = "0d6f6c3e-5b0a-4c55-9a53-5a4b1d7f0009"
    assert asked.registry(f'subject(id: "{nobody}") {{ id }}') == {"subject": None}
    assert "no UUID" in asked.error('{ registry { subject(id: "somebody") { id } } }')["message"]


def test_a_reorganisation_is_proof_too(asked: Asked) -> None:
    """Where a unit was set apart, the organisation's own event stands among the evidence."""
    asked.organisations()
    asked.done("registerOrganisation", {
        "organisation": "urn:org:unit", "name": "Loket", "kind": "UNIT", "parent": SVB,
        "occurredAt": "2019-02-01T00:00:00Z",
    })  # fmt: skip
    story = Story(asked, days_ago=90)
    for holder in (GEMEENTE, SVB, "urn:org:unit"):
        story.report(1, receivedBy=holder)
    apart = (datetime.now(UTC) - timedelta(days=40)).isoformat()
    asked.done("changeParent", {"organisation": "urn:org:unit", "occurredAt": apart})
    (gap,) = over(asked.registry(f"gaps {{ nodes {{ {GAP} }} }}")["gaps"]["nodes"]).values()
    assert datetime.fromisoformat(gap["from"]) == datetime.fromisoformat(apart)
    assert [event["type"] for event in gap["evidence"]][-1] == "ParentChanged"
    assert gap["case"] == {"id": story.case}
