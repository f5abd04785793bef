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
