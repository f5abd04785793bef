"""What is left to do about the record: whose it is, since when, and as known by when."""

import psycopg
import pytest

from graph.given import GEMEENTE, LONG_AGO, SVB, ZORG, Story


class Told(Story):
    """A case and two of its obstacles."""

    claimed: str
    resolved: str


@pytest.fixture
def story(asked):
    """A case with custody that only another claims, one obstacle resolved without a cause, and an inert event."""
    asked.organisations()
    story = Told(asked, days_ago=100)
    story.claimed = story.report(1, receivedBy=SVB)
    story.resolved = story.report(2)
    story.done("resolveObstacle", 10, obstacle=story.resolved, organisation=GEMEENTE, outcome="REMOVED")
    story.done("endWaiting", 20, asker=asked.asker(ZORG), obstacle=story.claimed)
    return story


def listed(asked, arguments="", lens=""):
    """The to-dos of a list, each as its kind and whose it is."""
    found = asked.registry(f"todos{arguments} {{ totalCount nodes {{ kind organisation {{ identifier }} }} }}", lens)
    assert found["todos"]["totalCount"] == len(found["todos"]["nodes"])
    return [(one["kind"], one["organisation"]["identifier"]) for one in found["todos"]["nodes"]]


CLAIMED, INERT, NO_CAUSE = ("CUSTODY_UNCONFIRMED", SVB), ("IN_CONFLICT", ZORG), ("NO_CAUSE_NAMED", GEMEENTE)


def test_what_is_to_be_done_and_by_whom(asked, story):
    """Each to-do names its kind, whose it is and since when; lists choose by kind, organisation and case."""
    other = Story(asked, days_ago=50)
    assert listed(asked) == [CLAIMED, INERT, NO_CAUSE]
    assert listed(asked, "(orderBy: NEWEST)") == [NO_CAUSE, INERT, CLAIMED]
    assert listed(asked, "(filter: {kinds: [IN_CONFLICT, QUARANTINED]})") == [INERT]
    assert listed(asked, f'(filter: {{organisations: ["{SVB}", "{GEMEENTE}"]}})') == [CLAIMED, NO_CAUSE]
    assert listed(asked, f'(filter: {{case: "{story.case}"}})') == [CLAIMED, INERT, NO_CAUSE]
    assert listed(asked, f'(filter: {{case: "{other.case}"}})') == []


def test_a_to_do_shows_its_event_case_and_obstacle(asked, story):
    """What a to-do is about can be asked for below it, and why an event has no effect."""
    below = "since case { id } obstacle { id } event { type conflict { code } } position reason"
    claimed, inert, no_cause = asked.registry(f"todos {{ nodes {{ {below} }} }}")["todos"]["nodes"]
    assert claimed["event"] == {"type": "ObstacleReported", "conflict": None}
    assert claimed["obstacle"]["id"] == story.claimed
    assert inert["event"] == {"type": "WaitingEnded", "conflict": {"code": "NOT_WAITING"}}
    assert inert["obstacle"] is None
    assert no_cause["obstacle"]["id"] == story.resolved
    assert no_cause["since"][:10] == story.day(38)[:10]
    assert {one["case"]["id"] for one in (claimed, inert, no_cause)} == {story.case}
    assert {(one["position"], one["reason"]) for one in (claimed, inert, no_cause)} == {(None, None)}


def test_to_dos_end_when_they_are_done(asked, story):
    """A confirmation, a reopening and a striking take them away, for whoever asks knowing of it."""
    asked.project()
    known_at = asked.ask("{ registry { knownAt } }")["registry"]["knownAt"]
    story.done("takeStep", 90, asker=asked.asker(SVB), obstacle=story.claimed, organisation=SVB, kind="INQUIRY")
    story.done("reopenObstacle", 91, obstacle=story.resolved, organisation=GEMEENTE)
    event = asked.registry("todos(filter: {kinds: [IN_CONFLICT]}) { nodes { event { id } } }")["todos"]["nodes"][0]
    story.done("strikeEvent", 95, event=event["event"]["id"], reason="NEVER_HAPPENED")
    assert listed(asked) == []
    assert listed(asked, lens=f'(knownAt: "{known_at}")') == [CLAIMED, INERT, NO_CAUSE]
    assert listed(asked, lens=f'(asOf: "{story.day(80)}")') == [CLAIMED, NO_CAUSE]
    assert listed(asked, lens=f'(asOf: "{story.day(30)}", knownAt: "{known_at}")') == [CLAIMED, INERT]
    assert listed(asked, lens=f'(asOf: "{story.day(5)}", knownAt: "{known_at}")') == [CLAIMED]


def test_pages_of_to_dos(asked, story):
    """Pages go on after a cursor, whatever the order, and say how many there are in all."""
    for order in ("OLDEST", "NEWEST"):
        whole = listed(asked, f"(orderBy: {order})")
        found, after = [], ""
        while True:
            page = asked.registry(
                f"todos(first: 1, orderBy: {order}{after}) "
                "{ totalCount nodes { kind organisation { identifier } } pageInfo { hasNextPage endCursor } }"
            )["todos"]
            assert page["totalCount"] == 3
            found += [(one["kind"], one["organisation"]["identifier"]) for one in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = f', after: "{page["pageInfo"]["endCursor"]}"'
        assert found == whole


def test_to_dos_rolled_up(asked, story):
    """An organisation's list may hold those of the units below it."""
    team = "urn:org:team"
    given = {"organisation": team, "name": "Team", "kind": "UNIT", "parent": SVB, "occurredAt": LONG_AGO}
    asked.done("registerOrganisation", given)
    story.report(3, receivedBy=team)
    assert listed(asked, f'(filter: {{organisations: ["{SVB}"]}})') == [CLAIMED]
    below = f'(filter: {{organisations: ["{SVB}"], rolledUp: true}})'
    assert listed(asked, below) == [CLAIMED, ("CUSTODY_UNCONFIRMED", team)]


def test_an_organisation_s_own_event_in_conflict(asked):
    """What an organisation is said to have done after its end is to be seen to by whoever recorded it."""
    asked.organisations()
    asked.done("dissolveOrganisation", {"organisation": ZORG, "occurredAt": "2023-01-01T00:00:00Z"})
    late = {"organisation": ZORG, "name": "Zorg en meer", "occurredAt": "2024-01-01T00:00:00Z"}
    asked.done("renameOrganisation", late)
    (todo,) = asked.registry("todos { nodes { kind case { id } event { type conflict { code } } } }")["todos"]["nodes"]
    assert todo == {
        "kind": "IN_CONFLICT",
        "case": None,
        "event": {"type": "OrganisationRenamed", "conflict": {"code": "ORGANISATION_ENDED"}},
    }


def test_an_event_in_conflict_before_its_case_was_opened(asked, story):
    """At a moment before the opening there is no case to show, and the event can still be read."""
    story.done("endWaiting", -5, asker=asked.asker(ZORG), obstacle=story.claimed)
    (todo,) = asked.registry(
        "todos { nodes { kind case { id } event { type conflict { code } } } }", f'(asOf: "{story.day(-1)}")'
    )["todos"]["nodes"]
    assert (todo["kind"], todo["case"], todo["event"]["type"]) == ("IN_CONFLICT", None, "WaitingEnded")
    assert todo["event"]["conflict"] is not None


def test_an_event_that_cannot_be_read(asked, story):
    """It is up to whoever recorded it, with its place in the log and why it cannot be read."""
    spoilt = story.done("takeStep", 90, obstacle=story.claimed, organisation=SVB, kind="NOTE")["position"]
    with psycopg.connect(asked.url) as connection:
        connection.execute(
            "UPDATE knelpunt.event SET state = convert_to(replace(convert_from(state, 'UTF8'), %s, %s), 'UTF8') "
            "WHERE position = %s",
            ('"NOTE"', '"POEM"', spoilt),
        )
    below = "kind organisation { identifier } event { id } position reason"
    (todo,) = asked.registry(f"todos(filter: {{kinds: [QUARANTINED]}}) {{ nodes {{ {below} }} }}")["todos"]["nodes"]
    assert (todo["organisation"]["identifier"], todo["event"], todo["position"]) == (GEMEENTE, None, spoilt)
    assert "step-taken" in todo["reason"]
