"""Terms and graces, asked for and changed by an administrator."""

from datetime import UTC, datetime, timedelta

import pytest

from graph.given import GEMEENTE, SVB, ZORG, Story
from knelpunt.domain.vocabulary import Role

SETTINGS = "settings { terms { term days } graces { kind days } }"


@pytest.fixture
def admin(asked):
    """An administrator of a registry with organisations."""
    asked.organisations()
    return asked.asker(role=Role.ADMINISTRATOR)


def in_force(asked, lens=""):
    """The terms and the graces, by name."""
    found = asked.registry(SETTINGS, lens)["settings"]
    return {one["term"]: one["days"] for one in found["terms"]}, {one["kind"]: one["days"] for one in found["graces"]}


def test_what_a_registry_begins_with(asked):
    """Terms and graces are there without anybody having set them."""
    terms, graces = in_force(asked)
    assert terms == {"RESPOND_BY": 14, "STANDSTILL": 56, "CONFIRM_BY": 14, "NAME_CAUSE": 28}
    assert {kind: days for kind, days in graces.items() if days} == {
        **dict.fromkeys(("NEVER_TAKEN", "LOST_REFERRAL", "RELEASED", "CAROUSEL"), 7),
        "MOVED": 14,
        "UNCOORDINATED": 28,
        "CAUSE_UNOWNED": 28,
    }


def test_an_administrator_changes_them(asked, admin):
    """A change is in force from when it is recorded; before that, and for who knew nothing of it, all is as ever."""
    asked.project()
    before = asked.ask("{ registry { knownAt } }")["registry"]["knownAt"]
    asked.done("changeTerm", {"term": "STANDSTILL", "days": 42}, asker=admin)
    payload = asked.done(
        "changeGrace", {"kind": "UNANSWERED", "days": 3}, "event { type summary(language: EN) }", asker=admin
    )
    assert payload["event"] == {
        "type": "GraceChanged",
        "summary": "A gap (unanswered) now counts once it has lasted longer than 3 days.",
    }
    for lens, standstill, unanswered in (
        ("", 42, 3), (f'(knownAt: "{before}")', 56, 0), (f'(asOf: "{before}")', 56, 0),
    ):  # fmt: skip
        terms, graces = in_force(asked, lens)
        assert (terms["STANDSTILL"], graces["UNANSWERED"]) == (standstill, unanswered)


@pytest.mark.parametrize(
    ("input_", "code", "message"),
    [
        pytest.param({"days": 56}, "ALREADY_EXISTS", "The term STANDSTILL is 56 days already.", id="no change"),
        pytest.param({"days": 0}, "MALFORMED", "days: Expected `int` >= 1.", id="none"),
        pytest.param({"days": 100_000}, "MALFORMED", "days: Expected `int` <= 3650.", id="too long"),
        pytest.param(
            {"days": 5, "occurredAt": "2024-01-01T00:00:00Z"},
            "MALFORMED",
            "What is changed here is in force from when it is recorded; leave out when it occurred.",
            id="told late",
        ),
    ],
)
def test_what_cannot_be_set_is_refused(asked, admin, input_, code, message):
    """Each with one sentence; nothing is recorded."""
    refused = asked.refused("changeTerm", {"term": "STANDSTILL"} | input_, asker=admin)
    assert (refused["code"], refused["message"]) == (code, message)


def test_what_lies_over_several_cases_goes_by_its_own_grace(asked, admin):
    """What nobody coordinates from before the change goes by the old grace, what begins after it by the new one."""
    old = Story(asked, days_ago=20)
    for holder in (GEMEENTE, SVB, ZORG):
        old.report(1, receivedBy=holder)
    asked.done("changeGrace", {"kind": "UNCOORDINATED", "days": 3}, asker=admin)
    new = Story(asked, days_ago=20)
    now = datetime.now(UTC).isoformat()
    for holder in (GEMEENTE, SVB, ZORG):
        new.report(occurredAt=now, receivedBy=holder)

    def counted(days: float) -> set[str]:
        moment = (datetime.now(UTC) + timedelta(days=days)).isoformat()
        nodes = asked.registry("gaps(filter: {kinds: [UNCOORDINATED]}) { nodes { subject } }", f'(asOf: "{moment}")')
        return {node["subject"] for node in nodes["gaps"]["nodes"]}

    assert counted(2) == set()
    assert counted(4) == {new.subject}
    assert counted(10) == {old.subject, new.subject}


def test_nobody_else_changes_them(asked, admin):
    """An agency is told who may."""
    refused = asked.refused("changeGrace", {"kind": "MOVED", "days": 3})
    assert refused["code"] == "NOT_PERMITTED"
    assert refused["message"] == "Only an administrator changes the registry's terms, graces and catalogue."


def test_a_gap_goes_by_what_was_in_force_when_it_began(asked, admin):
    """A gap from before a longer grace counts; lists and the case itself say the same at any moment to come."""
    story = Story(asked, days_ago=20)
    old = story.report(1, receivedBy=None)
    asked.done("changeGrace", {"kind": "NEVER_TAKEN", "days": 30}, asker=admin)
    new = story.report(occurredAt=datetime.now(UTC).isoformat(), receivedBy=None)
    later = (datetime.now(UTC) + timedelta(days=25)).isoformat()
    found = asked.registry(
        "gaps(filter: {kinds: [NEVER_TAKEN], counts: null}, orderBy: OLDEST) { nodes { counts obstacle { id } } } "
        f'case(id: "{story.case}") {{ gaps(counts: null) {{ kind counts obstacle {{ id }} }} }}',
        f'(asOf: "{later}")',
    )
    assert found["gaps"]["nodes"] == [
        {"counts": True, "obstacle": {"id": old}},
        {"counts": False, "obstacle": {"id": new}},
    ]
    in_case = [{key: gap[key] for key in ("counts", "obstacle")} for gap in found["case"]["gaps"]]
    assert sorted(in_case, key=str) == sorted(found["gaps"]["nodes"], key=str)
