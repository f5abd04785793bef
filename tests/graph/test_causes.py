"""Causes through GraphQL: the whole life of one, at two times, with its gaps, refusals and lists."""

import pytest

from graph.given import GEMEENTE, SVB, ZORG, Story
from knelpunt.domain.vocabulary import Role

CAUSE = """id status locus theme begunAt endedAt statement barrier { slug name(language: EN) } owner { identifier }
    organisations { identifier } proposals { owner { identifier } accepted }
    links { obstacle { id } linkedBy { identifier } }
    failureCosts { euros per organisation { identifier } }
    measures { id due implementedAt plan evaluations { stopped partners { identifier } } }"""


class Life:
    """A cause that an obstacle of a case comes from, told day by day."""

    def __init__(self, asked, days_ago=100):
        asked.organisations()
        self.asked = asked
        self.story = Story(asked, days_ago)
        self.obstacle = self.story.report()
        found = self.done(
            "identifyCause",
            2,
            "cause { id }",
            locus="LAW",
            statement="Twee regels sluiten elkaar uit",
            theme="schulden",
            barrier="system-too-complex",
        )
        self.cause = found["cause"]["id"]

    def done(self, mutation, day, selection="", by=GEMEENTE, **given):
        cause = {"cause": self.cause} if hasattr(self, "cause") else {}
        said = cause | {"occurredAt": self.story.day(day)} | given
        return self.asked.done(mutation, said, selection, self.asked.asker(by))

    def refused(self, mutation, day, by=GEMEENTE, **given):
        said = {"cause": self.cause, "occurredAt": self.story.day(day)} | given
        return self.asked.refused(mutation, said, self.asked.asker(by))["code"]

    def ask(self, selection=CAUSE, day=None):
        lens = "" if day is None else f'(asOf: "{self.story.day(day)}")'
        return self.asked.registry(f'cause(id: "{self.cause}") {{ {selection} }}', lens)["cause"]


@pytest.fixture
def life(asked):
    """A cause just identified."""
    return Life(asked)


def test_a_cause_is_identified_owned_and_removed(life):
    """One cause from its identification to its removal, and what it was at each moment between."""
    life.done("linkObstacle", 3, obstacle=life.obstacle)
    life.done("proposeOwner", 5, owner=SVB)
    life.done("proposeOwner", 6, owner=ZORG)
    life.done("declineOwnership", 10, by=ZORG, ground="NOT_COMPETENT")
    life.done("acceptOwnership", 40, by=SVB)
    life.done("estimateFailureCost", 41, by=SVB, euros=1200, per="OBSTACLE", basis="uren maal tarief")
    measure = life.done(
        "commitMeasure", 42, "cause { measures { id } }", by=SVB, due=life.story.day(60), plan="De brief vervalt"
    )["cause"]["measures"][0]["id"]
    life.done("implementMeasure", 70, by=SVB, measure=measure)
    life.done("evaluateMeasure", 80, by=SVB, measure=measure, stopped="YES", partners=[GEMEENTE, ZORG])
    life.done("removeCause", 90, by=SVB)

    found = life.ask()
    assert (found["status"], found["locus"], found["theme"]) == ("REMOVED", "LAW", "schulden")
    assert found["statement"] == "Twee regels sluiten elkaar uit"
    assert found["barrier"] == {"slug": "system-too-complex", "name": "a system of execution too complex for it"}
    assert found["owner"] == {"identifier": SVB}
    assert [one["accepted"] for one in found["proposals"]] == [True, False]
    assert [one["obstacle"]["id"] for one in found["links"]] == [life.obstacle]
    assert found["failureCosts"] == [{"euros": 1200.0, "per": "OBSTACLE", "organisation": {"identifier": SVB}}]
    assert found["measures"][0]["plan"] == "De brief vervalt"
    assert found["measures"][0]["evaluations"] == [
        {"stopped": "YES", "partners": [{"identifier": GEMEENTE}, {"identifier": ZORG}]}
    ]
    assert {one["identifier"] for one in found["organisations"]} == {GEMEENTE, SVB, ZORG}

    def status(day):
        found = life.ask("status owner { identifier }", day)
        return found and (found["status"], found["owner"] and found["owner"]["identifier"])

    assert [status(day) for day in (1, 2, 39, 40, 89, 90)] == [
        None,
        ("UNOWNED", None),
        ("UNOWNED", None),
        ("OWNED", SVB),
        ("OWNED", SVB),
        ("REMOVED", SVB),
    ]


def test_gaps_about_a_cause(life):
    """Unowned, unanswered and overdue: each gap is in the lists, names the cause, and lies on no case."""
    life.done("proposeOwner", 5, owner=SVB)
    escalation = life.done("escalateCause", 10, "event { data }", to=ZORG, level="CHAIN", respondBy=life.story.day(20))
    life.done("acceptOwnership", 40, by=SVB)
    measure = life.done("commitMeasure", 42, "cause { measures { id } }", by=SVB, due=life.story.day(60))
    ask = """gaps(orderBy: OLDEST, filter: {open: null, kinds: [CAUSE_UNOWNED, ESCALATION_UNANSWERED,
        MEASURE_OVERDUE]}) { totalCount nodes { id kind days open toAct { identifier } involved { identifier }
        cause { id } case { id } cases { id } obstacle { id } subject evidence { type } } }"""
    found = life.asked.registry(ask)["gaps"]
    assert [(one["kind"], round(one["days"]), one["open"]) for one in found["nodes"]] == [
        ("CAUSE_UNOWNED", 38, False),
        ("ESCALATION_UNANSWERED", 80, True),
        ("MEASURE_OVERDUE", 40, True),
    ]
    for one in found["nodes"]:
        assert one["cause"] == {"id": life.cause}
        assert (one["case"], one["cases"], one["obstacle"], one["subject"]) == (None, [], None, None)
    assert [one["type"] for one in found["nodes"][0]["evidence"]] == [
        "CauseIdentified",
        "OwnerProposed",
        "OwnerAccepted",
    ]
    assert found["nodes"][0]["involved"] == [{"identifier": SVB}]
    assert [one["toAct"] for one in found["nodes"][1:]] == [[{"identifier": ZORG}], [{"identifier": SVB}]]
    again = life.asked.ask("query N($id: ID!) { node(id: $id) { ... on Gap { kind cause { id } } } }",
                           id=found["nodes"][1]["id"])  # fmt: skip
    assert again["node"] == {"kind": "ESCALATION_UNANSWERED", "cause": {"id": life.cause}}
    assert life.ask("gaps { id }")["gaps"] == [{"id": one["id"]} for one in found["nodes"]]
    life.done("answerEscalation", 95, by=ZORG, escalation=escalation["event"]["data"]["escalation"], answer="TAKES_UP")
    life.done("implementMeasure", 95, by=SVB, measure=measure["cause"]["measures"][0]["id"])
    assert [one["open"] for one in life.asked.registry(ask)["gaps"]["nodes"]] == [False, False, False]


def test_a_gap_of_a_cause_is_acknowledged_by_its_plan(life):
    """Who has to act owns up, with a plan; late with that, it is overdue until the gap ends."""
    life.done("proposeOwner", 3, owner=SVB)
    life.done("acceptOwnership", 4, by=SVB)
    measure = life.done("commitMeasure", 5, "cause { measures { id } }", by=SVB, due=life.story.day(10))
    life.asked.project()
    gap = life.ask("gaps { id kind }")["gaps"][0]["id"]
    life.done("acknowledgeCauseGap", 20, by=SVB, gap=gap, plan="Volgende maand", due=life.story.day(50))
    ask = "gaps { kind days open selfNoticed toAct { identifier } acknowledgements { plan due } }"
    found = life.ask(ask)["gaps"]
    assert [(one["kind"], round(one["days"]), one["open"]) for one in found] == [
        ("MEASURE_OVERDUE", 90, True),
        ("COMMITMENT_OVERDUE", 50, True),
    ]
    assert found[0]["selfNoticed"]
    assert found[0]["acknowledgements"][0]["plan"] == "Volgende maand"
    assert found[1]["toAct"] == [{"identifier": SVB}]
    life.done("implementMeasure", 80, by=SVB, measure=measure["cause"]["measures"][0]["id"])
    found = life.ask(ask)["gaps"]
    assert [(one["kind"], round(one["days"]), one["open"]) for one in found] == [
        ("MEASURE_OVERDUE", 70, False),
        ("COMMITMENT_OVERDUE", 30, False),
    ]


def test_a_late_fact_changes_the_past_of_a_cause(life):
    """What is found late changes the answer, and who asks for what was known before gets the one before."""
    life.done("proposeOwner", 5, owner=SVB)
    life.asked.project()
    before = life.asked.ask("{ registry { knownAt } }")["registry"]["knownAt"]
    life.done("acceptOwnership", 20, by=SVB)
    assert life.ask("status gaps(counts: null) { days }") == {"status": "OWNED", "gaps": [{"days": 18.0}]}
    then = life.asked.registry(
        f'cause(id: "{life.cause}") {{ status gaps {{ days }} }} '
        "causes(filter: {statuses: [UNOWNED]}) { totalCount }",
        f'(knownAt: "{before}")',
    )
    assert then["cause"]["status"] == "UNOWNED"
    assert round(then["cause"]["gaps"][0]["days"]) == 98
    assert then["causes"]["totalCount"] == 1


def test_what_has_no_effect_stands_as_a_conflict(life):
    """A late fact that contradicts the record is kept without effect, listed as to be set right, and can be struck."""
    late = life.done("acceptOwnership", 20, "event { id }", by=ZORG)
    found = life.ask(
        "status conflicts { code message event { id type } } timeline { nodes { type conflict { code } } }"
    )
    assert found["status"] == "UNOWNED"
    assert [(one["code"], one["event"]["type"]) for one in found["conflicts"]] == [("NOT_PENDING", "OwnerAccepted")]
    assert found["timeline"]["nodes"][-1] == {"type": "OwnerAccepted", "conflict": {"code": "NOT_PENDING"}}
    todos = "todos(filter: {kinds: [IN_CONFLICT]}) { nodes { kind organisation { identifier } event { type } } }"
    assert life.asked.registry(todos)["todos"]["nodes"] == [
        {"kind": "IN_CONFLICT", "organisation": {"identifier": ZORG}, "event": {"type": "OwnerAccepted"}}
    ]
    life.done("strikeCauseEvent", 21, by=ZORG, event=late["event"]["id"], reason="NEVER_HAPPENED")
    assert life.ask("conflicts { code }")["conflicts"] == []
    assert life.asked.registry(todos)["todos"]["nodes"] == []


def test_a_correction_reaches_back(life):
    """A correction of a cause's event works at its place, and a text can be given anew."""
    proposed = life.done("proposeOwner", 5, "event { id }", owner=SVB)
    life.done("correctCauseFact", 6, event=proposed["event"]["id"], field="owner", value=ZORG)
    assert life.ask("proposals { owner { identifier } }")["proposals"] == [{"owner": {"identifier": ZORG}}]
    begun = life.ask("begunBy { id }")["begunBy"]["id"]
    life.done("correctCauseFact", 7, event=begun, field="statement", content="Drie regels")
    assert life.ask("statement")["statement"] == "Drie regels"


def test_causes_are_listed_by_what_they_are(life):
    """Filters by locus, barrier, theme, owner, part, obstacle and status; page by page, newest or oldest first."""
    life.done("linkObstacle", 3, obstacle=life.obstacle)
    others = [
        life.asked.done(
            "identifyCause",
            {"locus": "CHAIN", "statement": "x", "occurredAt": life.story.day(10 + n)},
            "cause { id }",
            life.asked.asker(ZORG),
        )["cause"]["id"]
        for n in range(3)
    ]

    def listed(**chosen):
        life.asked.project()
        found = life.asked.ask(
            "query C($f: CauseFilter) { registry { causes(filter: $f) { totalCount nodes { id } } } }", f=chosen
        )["registry"]["causes"]
        assert found["totalCount"] == len(found["nodes"])
        return [one["id"] for one in found["nodes"]]

    every = [*reversed(others), life.cause]
    assert listed() == every
    assert listed(loci=["LAW"]) == listed(barriers=["system-too-complex", "empathy"]) == [life.cause]
    assert listed(themes=["schulden"]) == listed(obstacles=[life.obstacle]) == [life.cause]
    assert listed(organisations=[ZORG]) == listed(loci=["CHAIN"]) == every[:3]
    assert listed(owners=[ZORG]) == listed(levels=["MINISTRY"]) == listed(statuses=["REMOVED"]) == []
    assert listed(begun={"from": life.story.day(11)}) == every[:2]
    first = life.asked.registry("causes(first: 3, orderBy: BEGUN_OLDEST) { nodes { id } pageInfo { endCursor } }")
    more = f'causes(first: 3, orderBy: BEGUN_OLDEST, after: "{first["causes"]["pageInfo"]["endCursor"]}")'
    rest = life.asked.registry(f"{more} {{ nodes {{ id }} pageInfo {{ hasNextPage }} }}")["causes"]
    assert [one["id"] for one in (*first["causes"]["nodes"], *rest["nodes"])] == every[::-1]
    assert not rest["pageInfo"]["hasNextPage"]


def test_barriers_and_promises_are_a_catalogue_that_grows(asked):
    """Both lists ship with the registry; its administrator adds to them, and causes may then name what was added."""
    asked.organisations()
    ask = "barriers { slug place name } promises { slug name(language: EN) }"
    assert [len(one) for one in asked.registry(ask).values()] == [13, 5]
    said = {"locus": "MONEY", "statement": "x", "barrier": "shame"}
    assert asked.refused("identifyCause", said)["code"] == "UNKNOWN_BARRIER"
    barrier = {"slug": "shame", "place": "EXECUTION", "dutch": "schaamte", "english": "shame"}
    assert asked.refused("addBarrier", barrier)["code"] == "NOT_PERMITTED"
    administrator = asked.asker(role=Role.ADMINISTRATOR)
    asked.done("addBarrier", barrier, asker=administrator)
    assert asked.refused("addBarrier", barrier, administrator)["code"] == "ALREADY_EXISTS"
    asked.done("addPromise", {"slug": "time", "dutch": "tijd", "english": "time"}, asker=administrator)
    cause = asked.done("identifyCause", said, "cause { barrier { name place } }")
    assert cause["cause"]["barrier"] == {"name": "schaamte", "place": "EXECUTION"}
    assert [len(one) for one in asked.registry(ask).values()] == [14, 6]


def test_an_obstacle_knows_its_causes(life):
    """What an obstacle comes from is told from either side, and gaps, chains and cases are found by their cause."""
    link = life.done("linkObstacle", 3, "event { id }", obstacle=life.obstacle)
    other = life.story.report(2)
    ask = f'case(id: "{life.story.case}") {{ obstacles {{ id causes {{ id }} }} }}'
    assert life.asked.registry(ask)["case"]["obstacles"] == [
        {"id": life.obstacle, "causes": [{"id": life.cause}]},
        {"id": other, "causes": []},
    ]
    found = life.asked.registry(
        f'gaps(filter: {{causes: ["{life.cause}"], counts: null}}) {{ nodes {{ kind }} }} '
        f'chains(filter: {{causes: ["{life.cause}"]}}) {{ nodes {{ obstacle {{ id }} }} }} '
        f'cases(filter: {{causes: ["{life.cause}"]}}) {{ totalCount }}'
    )
    assert sorted(one["kind"] for one in found["gaps"]["nodes"]) == ["CAUSE_UNOWNED", "STANDSTILL"]
    assert [one["obstacle"]["id"] for one in found["chains"]["nodes"]] == [life.obstacle]
    assert found["cases"]["totalCount"] == 1
    life.done("strikeCauseEvent", 90, event=link["event"]["id"], reason="WRONG_CASE")
    assert life.asked.registry(ask)["case"]["obstacles"][0]["causes"] == []


def test_a_cause_named_is_a_to_do_less(life):
    """Four weeks after it was resolved an obstacle without a cause is a to-do, until one is linked; at both times."""
    life.story.done("resolveObstacle", 10, obstacle=life.obstacle, outcome="REMOVED")
    ask = "todos(filter: {kinds: [NO_CAUSE_NAMED]}) { totalCount nodes { obstacle { id } } }"
    assert life.asked.registry(ask)["todos"] == {"totalCount": 1, "nodes": [{"obstacle": {"id": life.obstacle}}]}
    before = life.asked.ask("{ registry { knownAt } }")["registry"]["knownAt"]
    life.done("linkObstacle", 60, obstacle=life.obstacle)
    assert life.asked.registry(ask)["todos"] == {"totalCount": 0, "nodes": []}
    assert life.asked.registry(ask, f'(knownAt: "{before}")')["todos"]["totalCount"] == 1
    assert life.asked.registry(ask, f'(asOf: "{life.story.day(50)}")')["todos"]["totalCount"] == 1


def test_the_ladder_says_who_is_next(life):
    """Who was asked at which level, what they answered, and who comes next each time an answer fails to come."""
    life.done("linkObstacle", 3, obstacle=life.obstacle)
    for identifier, kind, parent in (("urn:org:minszw", "MINISTRY", None), ("urn:org:kantoor", "UNIT", SVB)):
        given = {"organisation": identifier, "name": identifier, "kind": kind, "occurredAt": "2019-02-01T00:00:00Z"}
        life.asked.done("registerOrganisation", given | ({"parent": parent} if parent else {}))
    changed = {"organisation": SVB, "parent": "urn:org:minszw", "occurredAt": "2019-03-01T00:00:00Z"}
    life.asked.done("changeParent", changed)

    def escalate(day, to, level, days):
        given = {"to": to, "level": level, "respondBy": life.story.day(day + days)}
        found = life.done("escalateCause", day, "cause { ladder { escalations { id to { identifier } } } }", **given)
        every = [one for rung in found["cause"]["ladder"] for one in rung["escalations"]]
        return next(one["id"] for one in every if one["to"]["identifier"] == to)

    ask = "nextStep { level because candidates { identifier } after { to { identifier } } }"

    def next_step(day):
        found = life.ask(ask, day)["nextStep"]
        return found and (found["level"], found["because"], [one["identifier"] for one in found["candidates"]])

    assert next_step(4) is None
    escalate(5, "urn:org:kantoor", "TEAM", 5)
    assert next_step(9) is None
    assert next_step(10) == ("ORGANISATION", "UNANSWERED", [SVB])
    passed = escalate(11, SVB, "ORGANISATION", 10)
    life.done("answerEscalation", 12, by=SVB, escalation=passed, answer="PASSES_ON", suggests=ZORG)
    assert next_step(13) == ("ORGANISATION", "PASSES_ON", [ZORG])
    refused = escalate(14, ZORG, "ORGANISATION", 10)
    assert next_step(15) is None
    life.done("answerEscalation", 16, by=ZORG, escalation=refused, answer="REFUSES")
    assert next_step(17) == ("CHAIN", "REFUSES", [GEMEENTE])
    taken = escalate(20, GEMEENTE, "CHAIN", 10)
    assert next_step(30) == ("MINISTRY", "UNANSWERED", ["urn:org:minszw"])
    life.done("answerEscalation", 40, by=GEMEENTE, escalation=taken, answer="TAKES_UP")
    assert next_step(41) is None
    escalate(50, "urn:org:minszw", "LEGISLATOR", 10)
    assert next_step(61) == (None, "UNANSWERED", [])
    rungs = life.ask("ladder { level escalations { to { identifier } answer suggests { identifier } } }")["ladder"]
    assert [rung["level"] for rung in rungs] == ["TEAM", "ORGANISATION", "CHAIN", "MINISTRY", "LEGISLATOR"]
    assert [[one["answer"] for one in rung["escalations"]] for rung in rungs] == [
        ["UNANSWERED"],
        ["PASSES_ON", "REFUSES"],
        ["TAKES_UP"],
        [],
        ["UNANSWERED"],
    ]


def test_recurrence_tells_whether_obstacles_stopped(asked):
    """Obstacles by month, and before and after each measure: one that fails and one that works, as of any moment."""
    life = Life(asked, days_ago=400)
    life.done("proposeOwner", 3, owner=SVB)
    life.done("acceptOwnership", 4, by=SVB)
    for day in (10, 60, 110, 160, 180):
        life.done("linkObstacle", day + 5, obstacle=life.story.report(day))
    for day, at in ((20, 100), (210, 220)):
        measure = life.done("commitMeasure", day, "cause { measures { id } }", by=SVB, due=life.story.day(300))
        life.done("implementMeasure", at, by=SVB, measure=measure["cause"]["measures"][-1]["id"])
    ask = "measures { recurrence { days before after stopped } } months { obstacles }"

    def found(day):
        told = life.ask(ask, day)
        rows = [one["recurrence"] for one in told["measures"]]
        figures = [one and (round(one["days"]), one["before"], one["after"], one["stopped"]) for one in rows]
        return figures, told["months"]

    rows, months = found(210)
    assert rows == [(110, 2, 3, False), None]
    assert sum(one["obstacles"] for one in months) == 5
    assert len(months) >= 7
    rows, _ = found(300)
    assert rows == [(200, 2, 3, False), (80, 2, 0, True)]
    assert found(150)[0] == [(50, 1, 1, False)]


def test_failure_costs_are_added_up(life):
    """Each organisation's last estimate counts, by what it is for."""
    life.done("estimateFailureCost", 5, euros=100, per="YEAR")
    life.done("estimateFailureCost", 6, euros=300, per="YEAR")
    life.done("estimateFailureCost", 7, by=SVB, euros=50, per="YEAR")
    life.done("estimateFailureCost", 8, by=SVB, euros=7, per="OBSTACLE")
    assert life.ask("failureCostTotals { per euros }")["failureCostTotals"] == [
        {"per": "YEAR", "euros": 350.0},
        {"per": "OBSTACLE", "euros": 7.0},
    ]


def test_candidates_are_suggested_with_reasons(life):
    """Obstacles with as much in common are suggested, each with why; those linked already and those unlike are not."""
    life.done("linkObstacle", 3, obstacle=life.obstacle)

    def refused(story, obstacle, day):
        found = story.done("offerHandoff", day, "handoff", obstacle=obstacle, to=ZORG)
        given = {"handoff": found["handoff"], "ground": "NO_CAPACITY"}
        story.done("refuseHandoff", day + 1, asker=life.asked.asker(ZORG), **given)

    refused(life.story, life.obstacle, 5)
    alike = Story(life.asked, 100)
    first = alike.report(1)
    refused(alike, first, 5)
    unlike = Story(life.asked, 100, theme="wonen")
    unlike.report(1, receivedBy=ZORG, experiencedAt=ZORG)
    found = life.ask("candidates { obstacle { id } sameOrganisations { identifier } sameTheme sameGrounds sameGaps }")
    assert found["candidates"] == [
        {
            "obstacle": {"id": first},
            "sameOrganisations": [{"identifier": GEMEENTE}],
            "sameTheme": "schulden",
            "sameGrounds": ["NO_CAPACITY"],
            "sameGaps": ["STANDSTILL"],
        }
    ]
    life.done("linkObstacle", 50, obstacle=first)
    assert life.ask("candidates { obstacle { id } }")["candidates"] == []


def test_a_cause_passes_to_whom_its_owner_went_up_in(life):
    """By hand too: nobody passes on what its owner still holds, nor to another than the heir; then the heir owns it."""
    life.done("proposeOwner", 5, owner=SVB)
    life.done("acceptOwnership", 10, by=SVB)
    assert life.refused("passOwnership", 20, organisation=SVB, to=ZORG) == "WRONG_PARTY"
    life.asked.done("mergeOrganisation", {"organisation": SVB, "into": ZORG, "occurredAt": life.story.day(20)})
    assert life.refused("passOwnership", 21, organisation=SVB) == "WRONG_PARTY"
    passed = life.done("passOwnership", 21, "event { summary(language: EN) }", organisation=SVB, to=ZORG)
    assert passed["event"]["summary"] == "Sociale Verzekeringsbank is no more; Zorgkantoor now owns the cause."
    assert life.ask("status owner { identifier }") == {"status": "OWNED", "owner": {"identifier": ZORG}}
    assert life.ask("owner { identifier }", day=20.5) == {"owner": {"identifier": SVB}}
