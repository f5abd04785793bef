"""Answers over many cases through GraphQL: a small registry in which each of them has something to tell."""

from datetime import UTC, datetime, timedelta

import pytest

from graph.given import GEMEENTE, SVB, Story
from graph.test_causes import Life
from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.ports import Asker


class Told(Life):
    """Two persons whose obstacles stand still at the municipality, and two causes that nobody answers about."""

    def __init__(self, asked) -> None:
        super().__init__(asked)
        self.done("linkObstacle", 3, obstacle=self.obstacle)
        self.other = Story(asked, 100)
        self.second, self.third = self.other.report(5), self.other.report(6)
        self.done("escalateCause", 4, to=SVB, level="CHAIN", respondBy=self.story.day(20))
        said = {"locus": "CHAIN", "statement": "Ieder wacht op de ander", "occurredAt": self.story.day(7)}
        self.first_cause = self.cause
        self.cause = asked.done("identifyCause", said, "cause { id }")["cause"]["id"]
        self.done("linkObstacle", 8, obstacle=self.second)
        self.done("escalateCause", 9, by=SVB, to=GEMEENTE, level="CHAIN", respondBy=self.story.day(30))
        self.done("proposeOwner", 10, owner=SVB)
        self.done("acceptOwnership", 11, by=SVB)
        self.done("commitMeasure", 12, by=SVB, due=self.story.day(40), plan="Eén loket")
        for obstacle in (self.second, self.third):
            self.other.done("applyRemedy", 13, obstacle=obstacle, organisation=GEMEENTE, ruleDepartedFrom="awb:4:5")
        self.story.done("applyRemedy", 13, obstacle=self.obstacle, organisation=GEMEENTE)
        for day, retold in ((14, True), (15, False)):
            self.other.done(
                "makeContact",
                day,
                obstacles=[self.third],
                organisation=SVB,
                initiatedBy="SUBJECT",
                channel="PHONE",
                storyRetold=retold,
            )


@pytest.fixture
def told(asked):
    """The registry, told."""
    return Told(asked)


def paged(asked, field: str, selection: str) -> list:
    """All that a list holds, one on each page."""
    found, after = [], "null"
    while True:
        page = asked.registry(
            f"{field}(first: 1, after: {after}) {{ pageInfo {{ hasNextPage endCursor }} {selection} }}"
        )
        found += page[field]["nodes"]
        if not page[field]["pageInfo"]["hasNextPage"]:
            return found
        after = f'"{page[field]["pageInfo"]["endCursor"]}"'


def test_each_answer_has_its_list(told):
    """Whoever may see the cases is told each number with what it is made of."""
    asked = told.asked
    offenders = asked.registry("repeatOffenders(first: 5) { totalCount nodes { cause { id } people obstacles } }")
    assert offenders["repeatOffenders"]["totalCount"] == 2
    assert {(one["cause"]["id"], one["people"]) for one in offenders["repeatOffenders"]["nodes"]} == {
        (told.first_cause, 1),
        (told.cause, 1),
    }
    waits = asked.registry("whoWaitsForWhom { circles { organisations { identifier } } waits { totalCount } }")
    assert waits["whoWaitsForWhom"] == {
        "circles": [{"organisations": [{"identifier": GEMEENTE}, {"identifier": SVB}]}],
        "waits": {"totalCount": 2},
    }
    solved = paged(asked, "solvedForOne", "nodes { leftOver obstacle { id } causes { id } }")
    assert {(one["leftOver"], one["obstacle"]["id"]) for one in solved} == {
        ("NO_MEASURE", told.obstacle),
        ("NO_CAUSE_NAMED", told.third),
    }
    kept = asked.registry("promisesKept { byOrganisation { nodes { organisation { identifier } overdue shareKept } } }")
    assert kept["promisesKept"]["byOrganisation"]["nodes"] == [
        {"organisation": {"identifier": SVB}, "overdue": 1, "shareKept": 0.0}
    ]
    (retold,) = paged(asked, "storiesRetold", "nodes { contacts storyRetold obstacle { id } chain { contacts } }")
    assert retold == {"contacts": 2, "storyRetold": 1, "obstacle": {"id": told.third}, "chain": {"contacts": 2}}


def test_who_acknowledges_a_gap_has_noticed_it(told):
    """Its share grows, and the gap stands in that list; what somebody else acknowledges it has not noticed itself."""
    asked = told.asked

    def shares() -> dict[str, tuple[int, int, int]]:
        found = asked.registry(
            "whatHonestyCosts { nodes { organisation { identifier } gapsToAct selfNoticed "
            "gaps(selfNoticed: true) { totalCount } } }"
        )["whatHonestyCosts"]["nodes"]
        return {
            one["organisation"]["identifier"]: (one["gapsToAct"], one["selfNoticed"], one["gaps"]["totalCount"])
            for one in found
        }

    before = shares()[GEMEENTE]
    (gap,) = asked.registry(f'gaps(filter: {{case: "{told.story.case}"}}) {{ nodes {{ id toAct {{ identifier }} }} }}')[
        "gaps"
    ]["nodes"]
    assert gap["toAct"] == [{"identifier": GEMEENTE}]
    told.story.done("acknowledgeGap", 95, gap=gap["id"], organisation=SVB, asker=asked.asker(SVB))
    assert shares()[GEMEENTE] == before == (before[0], 0, 0)
    told.story.done("acknowledgeGap", 96, gap=gap["id"], organisation=GEMEENTE)
    assert shares()[GEMEENTE] == (before[0], 1, 1)
    noticed = asked.registry("gaps(filter: {selfNoticed: true}) { nodes { id selfNoticed } }")["gaps"]["nodes"]
    assert noticed == [{"id": gap["id"], "selfNoticed": True}]


def test_who_may_see_no_case_is_told_nothing(told):
    """An analyst's answers are empty; a cursor of another list is refused in a sentence."""
    asked = told.asked
    asked.project()
    empty = {"totalCount": 0, "nodes": []}
    analyst = Asker(SVB, Role.ANALYST, "analyst", datetime.now(UTC) + timedelta(hours=1))
    lists = " ".join(
        f"{field} {{ totalCount nodes {{ __typename }} }}"
        for field in ("repeatOffenders", "solvedForOne", "storiesRetold", "whatHonestyCosts")
    )
    question = f"{{ registry {{ {lists} promisesKept {{ byOrganisation {{ nodes {{ made }} }} }} }} }}"
    assert asked.ask(question, analyst)["registry"] == {
        **dict.fromkeys(("repeatOffenders", "solvedForOne", "storiesRetold", "whatHonestyCosts"), empty),
        "promisesKept": {"byOrganisation": {"nodes": []}},
    }
    wrong = asked.error('{ registry { repeatOffenders(after: "WzFd") { totalCount } } }')
    assert wrong["message"] == "after: this is no cursor of this list; take endCursor from the page before."
