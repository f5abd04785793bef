"""knelpunt replay: one case as it went, at two times, and as one organisation knew it."""

import json

from infra.cli.conftest import KNELPUNT, CommandLine, InThisProcess
from infra.cli.pseudo_terminal import Terminal
from knelpunt.infra.demo.names import case_id, organisation_id

CASE = "DEMO-9TXC"
FIELDS = {
    *("id", "position", "type", "stream", "version", "occurredAt", "precision", "recordedAt", "inferred", "source"),
    *("actor", "knownTo", "data", "summary", "conflict", "struckBy", "correctedBy", "case"),
}


def replayed(demo_here: CommandLine, *arguments: str) -> list[dict]:
    """What the command prints for programs."""
    return json.loads(demo_here.done("replay", "--format", "json", *arguments))


def test_every_event_in_its_place(demo_here: InThisProcess) -> None:
    """In the order in which they occurred, each with the contract's fields; by reference and by id alike."""
    events = replayed(demo_here, CASE)
    assert len(events) == 29
    assert all(set(event) == FIELDS for event in events)
    assert [event["occurredAt"] for event in events] == sorted(event["occurredAt"] for event in events)
    assert {event["case"] for event in events} == {str(case_id("leerling"))}
    assert events[0]["type"] == "CaseOpened"
    assert events[0]["actor"]["organisation"] == organisation_id("leerplicht")
    assert events[0]["data"]["title"] == "Te slim voor speciaal, te druk voor gewoon"
    assert replayed(demo_here, str(case_id("leerling"))) == events


def test_for_people(demo: CommandLine, demo_here: InThisProcess) -> None:
    """Who, when and what, then the chain and its gaps; plain in a pipe, and in either language."""
    shown = demo.done("replay", CASE)
    assert "\x1b" not in shown
    assert "Te slim voor speciaal, te druk voor gewoon" in shown
    assert "Basisschool De Zilverreiger took the obstacle on." in shown
    assert "2025-04-07  2025-09-08  Basisschool De Zilverreiger" in shown
    assert "NOBODYS_JOB     109 days  to act: Basisschool De Zilverreiger" in shown
    assert "Basisschool De Zilverreiger nam het knelpunt op zich." in demo_here.done("replay", CASE, "--language", "nl")


def test_what_became_of_events(demo_here: InThisProcess) -> None:
    """Found late, struck, corrected and without effect: said beside the event, with the number of the other one."""
    shown = demo_here.done("replay", "DEMO-7K2M")
    assert "struck by event" in shown
    assert "days later" in shown
    assert "without effect: " in demo_here.done("replay", "DEMO-2LWB")
    assert "corrected by event" in demo_here.done("replay", "DEMO-0GMS")
    struck = [event for event in replayed(demo_here, "DEMO-7K2M") if event["struckBy"]]
    assert len(struck) == 1


def test_what_it_comes_from(demo_here: InThisProcess) -> None:
    """Below an obstacle stands its cause, whose that is, and whether its measure helped: one did not, one did."""
    failed, helped = demo_here.done("replay", "DEMO-2LWB"), demo_here.done("replay", "DEMO-8NDF")
    assert "comes from: " in failed
    assert "; did it stop: no" in failed
    assert "(removed, owned by " in helped
    assert "; did it stop: yes" in helped
    assert "did it stop" not in demo_here.done("replay", "DEMO-8NDF", "--as-of", "2025-01-01")


def test_at_another_moment(demo_here: InThisProcess) -> None:
    """At asOf what came later has not happened; at knownAt what was found later is not there; before both no case."""
    assert replayed(demo_here, CASE, "--as-of", "2025-01-20T09:00:00Z")[-1]["type"] == "SubjectReferred"
    then = ("--as-of", "2025-03-25")
    now_known = replayed(demo_here, "DEMO-7K2M", *then)
    then_known = replayed(demo_here, "DEMO-7K2M", *then, "--known-at", "2025-03-25")
    assert {event["id"] for event in then_known} < {event["id"] for event in now_known}
    assert f"No case {CASE} is known at that moment" in demo_here.fails("replay", CASE, "--as-of", "2024-12-31")


def test_as_one_organisation_knew_it(demo_here: InThisProcess) -> None:
    """The pension fund never heard that the town hall had taken it on."""
    then = ("DEMO-5HJR", "--as-of", "2024-07-01")
    everyone, fund = (
        demo_here.done("replay", *then),
        demo_here.done("replay", *then, "--known-to", organisation_id("pensioenfonds")),
    )
    assert "NEVER_TAKEN  77 days" in fund
    assert "NEVER_TAKEN  77 days" not in everyone


def test_who_and_what_is_not_there(demo_here: InThisProcess) -> None:
    """Each in one sentence."""
    assert "No case DEMO-0000 is known" in demo_here.fails("replay", "DEMO-0000")
    assert "No organisation urn:no:body was registered" in demo_here.fails("replay", CASE, "--known-to", "urn:no:body")


def test_step_by_step_in_plain_text(demo: CommandLine, demo_here: InThisProcess) -> None:
    """In a pipe --step changes nothing. A dumb terminal gets the same lines; Enter shows the next event, q stops."""
    then = (CASE, "--as-of", "2026-11-22", "--known-at", "2026-11-22")
    assert demo_here.done("replay", *then, "--step") == demo_here.done("replay", *then)
    environment = {**demo.environment(), "TERM": "dumb"}
    with Terminal([KNELPUNT, "replay", CASE, "--step"], environment, columns=120) as terminal:
        terminal.shows("opened case", "q: stop")
        terminal.send("\n")
        terminal.shows("A subject represents")
        terminal.send("q\n")
        assert terminal.ended() == 0
        assert "An obstacle met at" not in terminal.text()
        assert b"\x1b[?1049h" not in terminal.written
