"""Organisations over both times: the tree and its figures, what passed on to whom, and what contradicts itself."""

from contextlib import closing

import pytest

from graph.given import GEMEENTE, LONG_AGO, SVB, ZORG, Story
from knelpunt.infra.succession.reactor import Reactor

WIJK, REGIO = "urn:org:wijk", "urn:org:regio"


@pytest.fixture
def tree(asked):
    """A municipality with a unit, which moves under a region long after; and the municipality goes up in the region."""
    asked.organisations()
    for identifier, name, parent in ((WIJK, "Wijkteam", GEMEENTE), (REGIO, "Regio", None)):
        given = {"organisation": identifier, "name": name, "kind": "UNIT", "occurredAt": LONG_AGO}
        asked.done("registerOrganisation", given | ({"parent": parent} if parent else {}))
    return asked


def identifiers(found):
    return [one["identifier"] for one in found]


def test_the_tree_as_it_stood(tree):
    """Units, successors and predecessors are told as of any moment, and as known by any."""
    tree.project()
    before = tree.ask("{ registry { knownAt } }")["registry"]["knownAt"]
    tree.done("mergeOrganisation", {"organisation": GEMEENTE, "into": REGIO, "occurredAt": "2022-01-01T00:00:00Z"})
    tree.done("changeParent", {"organisation": WIJK, "parent": REGIO, "occurredAt": "2023-01-01T00:00:00Z"})
    ask = (
        f'organisation(identifier: "{REGIO}") {{ units {{ identifier }} predecessors {{ identifier }} }} '
        "ended: organisations(filter: {ended: true}) { nodes { identifier } totalCount }"
    )

    def found(lens=""):
        told = tree.registry(ask, lens)
        one = told["organisation"]
        return identifiers(one["units"]), identifiers(one["predecessors"]), identifiers(told["ended"]["nodes"])

    assert found() == ([WIJK], [GEMEENTE], [GEMEENTE])
    assert found('(asOf: "2022-06-01T00:00:00Z")') == ([], [GEMEENTE], [GEMEENTE])
    assert found('(asOf: "2021-06-01T00:00:00Z")') == ([], [], [])
    assert found(f'(knownAt: "{before}")') == ([], [], [])


def test_lists_are_rolled_up_to_all_below(tree):
    """An organisation stands for its units and for those that went up in it, at the moment asked for."""
    story = Story(tree, days_ago=100)
    story.report(1, asker=tree.asker(WIJK), receivedBy=WIJK)
    day = story.day(50)
    tree.done("mergeOrganisation", {"organisation": GEMEENTE, "into": REGIO, "occurredAt": day})

    def counts(organisation, rolled, lens=""):
        rolled = f"rolledUp: {str(rolled).lower()}"
        found = tree.registry(
            f'gaps(filter: {{toAct: ["{organisation}"], {rolled}}}) {{ totalCount }} '
            f'chains(filter: {{holder: ["{organisation}"], {rolled}}}) {{ totalCount nodes {{ daysOpen }} }} '
            f'cases(filter: {{organisations: ["{organisation}"], {rolled}}}) {{ totalCount }}',
            lens,
        )
        return tuple(found[name]["totalCount"] for name in ("gaps", "chains", "cases"))

    assert counts(WIJK, rolled=False) == (1, 1, 1)
    assert counts(GEMEENTE, rolled=False) == (0, 0, 1)  # the obstacle was met there
    assert counts(GEMEENTE, rolled=True) == (1, 1, 1)
    assert counts(REGIO, rolled=True) == (1, 1, 1)
    assert counts(REGIO, rolled=False) == (0, 0, 0)
    earlier = f'(asOf: "{story.day(40)}")'
    assert counts(REGIO, True, earlier) == (0, 0, 0)
    assert counts(GEMEENTE, True, f'(asOf: "{story.day(99)}")') == (1, 1, 1)


def test_interfaces_follow_the_tree(tree):
    """Rolled up, what a unit offered is its parent's, and its parent's successor's from the merger on."""
    story = Story(tree, days_ago=100)
    obstacle = story.report(1, receivedBy=WIJK)
    story.done("offerHandoff", 10, asker=tree.asker(WIJK), obstacle=obstacle, to=SVB)
    tree.done("mergeOrganisation", {"organisation": GEMEENTE, "into": REGIO, "occurredAt": story.day(50)})

    def pairs(chosen, lens=""):
        found = tree.registry(f"interfaces(filter: {{{chosen}}}) {{ from {{ identifier }} to {{ identifier }} }}", lens)
        return [(one["from"]["identifier"], one["to"]["identifier"]) for one in found["interfaces"]]

    earlier = f'(asOf: "{story.day(40)}")'
    assert pairs("rolledUp: false") == [(WIJK, SVB)]
    assert pairs("rolledUp: true", earlier) == [(GEMEENTE, SVB)]
    assert pairs("rolledUp: true") == [(REGIO, SVB)]
    assert pairs(f'rolledUp: true, from: "{WIJK}"') == [(REGIO, SVB)]
    assert pairs(f'rolledUp: true, from: "{ZORG}"') == []
    assert pairs(f'rolledUp: true, organisation: "{SVB}"') == [(REGIO, SVB)]


def test_tasks_teams_and_strategies(tree):
    """Who has whose task, what a team may do and who works in its way is told by either side."""
    given = {"organisation": GEMEENTE, "theme": "jeugdhulp", "to": REGIO, "occurredAt": "2022-01-01T00:00:00Z"}
    tree.done("transferTask", given | {"since": "2023-01-01T00:00:00Z"})
    tree.done("establishSolutionTeam", {"organisation": ZORG, "motives": ["SENSE_OF_JUSTICE"], "mandate": "Doorpakken"})
    strategy = tree.done(
        "shareStrategy", {"organisation": ZORG, "title": "Een gezicht"}, "organisation { strategiesShared { id } }"
    )["organisation"]["strategiesShared"][0]["id"]
    for name in (SVB, REGIO):
        tree.done("adoptStrategy", {"organisation": name, "strategy": strategy, "sharedBy": ZORG})
    found = tree.registry(
        f'to: organisation(identifier: "{REGIO}") {{ tasksReceived {{ theme from {{ identifier }} since }} }} '
        "teams: organisations(filter: {solutionTeam: true}) { nodes { identifier solutionTeam { mandate } "
        "strategiesShared { title adoptedBy { organisation { identifier } } } } }"
    )
    assert found["to"]["tasksReceived"] == [
        {"theme": "jeugdhulp", "from": {"identifier": GEMEENTE}, "since": "2023-01-01T00:00:00Z"}
    ]
    (team,) = found["teams"]["nodes"]
    assert (team["identifier"], team["solutionTeam"]) == (ZORG, {"mandate": "Doorpakken"})
    (shared,) = team["strategiesShared"]
    assert shared["title"] == "Een gezicht"
    assert {one["organisation"]["identifier"] for one in shared["adoptedBy"]} == {SVB, REGIO}
    before = tree.registry(
        f'organisation(identifier: "{REGIO}") {{ tasksReceived {{ theme }} }}', '(asOf: "2022-06-01T00:00:00Z")'
    )
    assert before["organisation"]["tasksReceived"] == []


def test_what_has_no_effect_says_so(tree):
    """An organisation's event that its history contradicts is shown as a conflict, with what it contradicts."""
    tree.done("dissolveOrganisation", {"organisation": ZORG, "occurredAt": "2022-01-01T00:00:00Z"})
    late = {"organisation": ZORG, "name": "Zorgkantoor Nieuw", "occurredAt": "2022-06-01T00:00:00Z"}
    recorded = tree.done("renameOrganisation", late, "event { conflict { code contradictedBy { type } } }")
    assert recorded["event"]["conflict"] == {
        "code": "ORGANISATION_ENDED", "contradictedBy": [{"type": "OrganisationDissolved"}],
    }  # fmt: skip
    found = tree.registry(f'organisation(identifier: "{ZORG}") {{ name events {{ type conflict {{ code }} }} }}')
    assert found["organisation"]["name"] == "Zorgkantoor"
    assert [(one["type"], one["conflict"] is None) for one in found["organisation"]["events"]] == [
        ("OrganisationRegistered", True), ("OrganisationDissolved", True), ("OrganisationRenamed", False),
    ]  # fmt: skip


def test_a_merger_in_a_case(tree):
    """What a merger moved is told in the case in a sentence, is a gap of the heir, and is the registry's word."""
    story = Story(tree, days_ago=100)
    story.report(1, receivedBy=GEMEENTE)
    tree.done("mergeOrganisation", {"organisation": GEMEENTE, "into": REGIO, "occurredAt": story.day(50)})
    tree.project()
    with closing(Reactor(tree.url, tree.writer.submit)) as reactor:
        reactor.catch_up()
    found = tree.registry(
        "case(id: $id) { conflicts { code } gaps { kind toAct { identifier } involved { identifier } } "
        "timeline { nodes { type summary(language: EN) source actor { organisation { identifier } } } } }",
        declared="($id: ID!)",
        id=story.case,
    )["case"]
    assert found["conflicts"] == []
    moved = found["timeline"]["nodes"][-1]
    assert moved["type"] == "ResponsibilityMoved"
    assert moved["summary"] == ("Responsibility moved from Gemeente Ergens to Regio: the organisation was succeeded.")
    assert moved["source"].startswith("succession/")
    assert moved["actor"]["organisation"]["identifier"] == "urn:knelpunt:registry"
    assert {"kind": "MOVED", "toAct": [{"identifier": REGIO}], "involved": [{"identifier": GEMEENTE}]} in found["gaps"]


def test_what_was_mended_is_shown_as_it_was(tree):
    """An event as corrected or struck, with what did so; before that was recorded, as it was told first."""
    name = {"organisation": WIJK, "occurredAt": "2021-01-01T00:00:00Z"}
    first = tree.done("renameOrganisation", name | {"name": "Wijkteem"}, "event { id }")["event"]["id"]
    second = tree.done("renameOrganisation", name | {"name": "Buurtteam"}, "event { id }")["event"]["id"]
    tree.project()
    before = tree.ask("{ registry { knownAt } }")["registry"]["knownAt"]
    mending = {"organisation": WIJK, "reason": "Tikfout"}
    tree.done("correctOrganisationFact", mending | {"event": first, "field": "name", "value": "Wijkteam"})
    tree.done("strikeOrganisationEvent", mending | {"event": second, "reason": "NEVER_HAPPENED"})
    ask = (
        f'organisation(identifier: "{WIJK}") {{ name events {{ type data struckBy {{ type }} '
        "correctedBy { type } conflict { code } } }"
    )
    found = tree.registry(ask)["organisation"]
    assert found["name"] == "Wijkteam"
    registered, renamed, struck, correction, striking = found["events"]
    assert (renamed["data"]["name"], renamed["correctedBy"]) == ("Wijkteam", [{"type": "OrganisationFactCorrected"}])
    assert struck["struckBy"] == {"type": "OrganisationEventStruck"}
    assert (registered["struckBy"], registered["correctedBy"]) == (None, [])
    assert (correction["type"], striking["type"]) == ("OrganisationFactCorrected", "OrganisationEventStruck")
    assert {one["conflict"] for one in found["events"]} == {None}
    assert correction["data"]["reason"] == "Tikfout"
    earlier = tree.registry(ask, f'(knownAt: "{before}")')["organisation"]
    assert (earlier["name"], len(earlier["events"])) == ("Buurtteam", 3)


def test_a_solution_team_counts_the_rules_departed_from(tree):
    """A team tells its motives, its cases and remedies, and the rule that most often had to be departed from."""
    given = {"organisation": WIJK, "motives": ["SENSE_OF_JUSTICE"], "occurredAt": "2020-01-01T00:00:00Z"}
    tree.done("establishSolutionTeam", given)
    stories = [Story(tree, days_ago=100) for _ in range(3)]
    for story, rules in zip(stories, (("awb:4:15", "awb:4:13", None), ("awb:4:15",), ("pw:11",)), strict=True):
        obstacle = story.report(1, told=[] if story is stories[2] else [WIJK])
        for day, rule in enumerate(rules, 2):
            story.done("applyRemedy", day, obstacle=obstacle, ruleDepartedFrom=rule)
    ask = (
        f'organisation(identifier: "{WIJK}") {{ solutionTeam {{ motives caseCount remedyCount '
        "rulesDepartedFrom { rule remedies cases } } } rulesDepartedFrom { rule remedies cases organisations } "
        'none: rulesDepartedFrom(filter: {themes: ["wonen"]}) { rule }'
    )
    found = tree.registry(ask)
    assert found["organisation"]["solutionTeam"] == {
        "motives": ["SENSE_OF_JUSTICE"],
        "caseCount": 2,
        "remedyCount": 4,
        "rulesDepartedFrom": [
            {"rule": "awb:4:15", "remedies": 2, "cases": 2},
            {"rule": "awb:4:13", "remedies": 1, "cases": 1},
        ],
    }
    assert [one["rule"] for one in found["rulesDepartedFrom"]] == ["awb:4:15", "awb:4:13", "pw:11"]
    assert found["none"] == []
    assert tree.registry(ask, f'(asOf: "{stories[0].day(1)}")')["rulesDepartedFrom"] == []


def test_strategies_are_found_by_what_they_worked_for(tree):
    """By theme, origin, who shares them and whether anybody adopted them, at both times; experiments count too."""

    def share(title, **given):
        shared = tree.done(
            "shareStrategy",
            {"organisation": ZORG, "title": title, "occurredAt": "2022-01-01T00:00:00Z"} | given,
            "event { id data }",
        )
        return shared["event"]["id"], shared["event"]["data"]["strategy"]

    _, face = share("Een gezicht", themes=["jeugdhulp", "schulden"], origins=["SUM_OF_ACTIONS"])
    event, table = share("Aan tafel", themes=["zorg"], origins=["NO_CATEGORY", "SUM_OF_ACTIONS"])
    share("Zomaar", organisation=GEMEENTE, occurredAt="2023-01-01T00:00:00Z")
    tree.done("adoptStrategy", {"organisation": SVB, "strategy": face, "sharedBy": ZORG})
    given = {"theme": "zorg", "occurredAt": "2022-02-01T00:00:00Z"}
    started = {"organisations": [REGIO], "hypothesis": "Aan tafel", "place": "Ergens", "professionals": 1}
    experiment = tree.done("startExperiment", given | started | {"citizens": 1}, "experiment { id }")
    id_ = experiment["experiment"]["id"]
    tree.done("concludeExperiment", {"experiment": id_, "finding": "WORKS", "occurredAt": "2022-03-01T00:00:00Z"})
    adopted = {"experiment": id_, "organisation": GEMEENTE, "strategy": table, "sharedBy": ZORG}
    tree.done("adoptFromExperiment", adopted | {"occurredAt": "2022-04-01T00:00:00Z"})
    tree.project()
    before = tree.ask("{ registry { knownAt } }")["registry"]["knownAt"]
    tree.done(
        "correctOrganisationFact", {"organisation": ZORG, "event": event, "field": "themes", "value": ["zorg", "wonen"]}
    )

    def titles(chosen, lens=""):
        found = tree.registry(f"strategies(filter: {{{chosen}}}) {{ totalCount nodes {{ title }} }}", lens)
        listed = found["strategies"]
        assert listed["totalCount"] == len(listed["nodes"])
        return {one["title"] for one in listed["nodes"]}

    assert titles('themes: ["schulden"]') == {"Een gezicht"}
    assert titles("origins: [SUM_OF_ACTIONS]") == {"Een gezicht", "Aan tafel"}
    assert titles("origins: [NO_CATEGORY, UNKNOWN]") == {"Aan tafel"}
    assert titles('origins: [SUM_OF_ACTIONS], themes: ["wonen"]') == {"Aan tafel"}
    assert titles('themes: ["wonen"]', f'(knownAt: "{before}")') == set()
    assert titles(f'sharedBy: ["{GEMEENTE}"]') == {"Zomaar"}
    assert titles(f'sharedBy: ["{GEMEENTE}"]', '(asOf: "2022-06-01T00:00:00Z")') == set()
    assert titles("adopted: true") == {"Een gezicht", "Aan tafel"}
    assert titles("adopted: true", '(asOf: "2022-06-01T00:00:00Z")') == {"Aan tafel"}
    assert titles("adopted: false", '(asOf: "2022-03-15T00:00:00Z")') == {"Een gezicht", "Aan tafel"}
    one = tree.registry(
        f'strategy(id: "{table}") {{ themes origins sharedBy {{ identifier }} adoptedBy {{ at organisation '
        "{ identifier } experiment { id hypothesis } } }"
    )["strategy"]
    assert (one["themes"], one["origins"]) == (["wonen", "zorg"], ["NO_CATEGORY", "SUM_OF_ACTIONS"])
    (adoption,) = one["adoptedBy"]
    assert adoption["organisation"]["identifier"] == GEMEENTE
    assert adoption["experiment"] == {"id": id_, "hypothesis": "Aan tafel"}
    first = tree.registry("strategies(first: 2) { nodes { title } pageInfo { endCursor hasNextPage } }")["strategies"]
    assert first["nodes"][0] == {"title": "Zomaar"}
    rest = tree.registry(f'strategies(first: 2, after: "{first["pageInfo"]["endCursor"]}") {{ nodes {{ title }} }}')
    shown = [one["title"] for one in (*first["nodes"], *rest["strategies"]["nodes"])]
    assert sorted(shown) == ["Aan tafel", "Een gezicht", "Zomaar"]
    assert tree.registry(f'strategy(id: "{id_and(table)}") {{ title }}')["strategy"] is None


def id_and(strategy):
    """The id of a strategy that nobody shares."""
    return strategy[:-1] + ("0" if strategy[-1] != "0" else "1")
