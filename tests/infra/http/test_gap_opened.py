"""gapOpened over WebSocket: each gap once, when it opens, whatever opened it and whoever restarts meanwhile."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest

from graph.given import GEMEENTE, SVB, ZORG, Story
from infra.http.given import Service, hear, say, serving
from infra.store.given import append, event
from knelpunt.domain.case.facts import HandoffRefused
from knelpunt.domain.vocabulary import RefusalGround
from knelpunt.graphql.ids import CASE, parse
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.store.connection import DatabaseRole, connect

GAP_OPENED = """subscription G($organisations: [ID!], $kinds: [GapKind!], $after: GapCursor) {
  gapOpened(organisations: $organisations, kinds: $kinds, after: $after) {
    cursor at gap { id kind from open counts days toAct { identifier } involved { identifier }
                    case { id gaps { id } } evidence { type } } }
}"""
TICK = timedelta(microseconds=1)


@pytest.fixture
def projector(service: Service) -> Iterator[None]:
    """A projector at work beside the service."""
    stopping = threading.Event()
    with closing(Projector(service.asked.url)) as projector:
        thread = threading.Thread(target=projector.run, args=(stopping,))
        thread.start()
        yield
        stopping.set()
        thread.join(20)


def subscribe(socket, **variables):
    say(socket, id="1", type="subscribe", payload={"query": GAP_OPENED, "variables": variables})


def heard(socket, count=1) -> list[dict[str, Any]]:
    messages = [hear(socket) for _ in range(count)]
    assert all(message["type"] == "next" and "errors" not in message["payload"] for message in messages), messages
    return [message["payload"]["data"]["gapOpened"] for message in messages]


def moment(text):
    return datetime.fromisoformat(text)


def offered(service: Service, seconds: float) -> datetime:
    """Offer a new obstacle to the SVB, to be answered in so many seconds; return by when."""
    story = Story(service.asked, days_ago=5)  # too short ago to have stood still
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    story.done("offerHandoff", 2, obstacle=story.report(), to=SVB, respondBy=deadline.isoformat())
    return deadline


def cursor_now(service: Service) -> str:
    return service.asked.registry("gapCursor")["gapCursor"]


def test_time_alone_opens_a_gap(service, projector):
    """An offer that nobody answers is told at its deadline, with nothing recorded, as it is at that moment."""
    with service.socket() as socket:
        subscribe(socket, kinds=["UNANSWERED"])
        deadline = offered(service, 1.0)
        (opened,) = heard(socket)
        assert timedelta(0) < datetime.now(UTC) - deadline < timedelta(seconds=1)
    gap = opened["gap"]
    assert moment(opened["at"]) == deadline + TICK
    assert (gap["kind"], moment(gap["from"]), gap["open"], gap["counts"], gap["days"]) == (
        "UNANSWERED", deadline, True, True, 0,
    )  # fmt: skip
    assert gap["toAct"] == [{"identifier": SVB}]
    assert gap["involved"] == [{"identifier": GEMEENTE}]
    assert gap["evidence"] == [{"type": "HandoffOffered"}]
    assert gap["id"] in [each["id"] for each in gap["case"]["gaps"]]


def test_a_late_fact_opens_a_gap(service, projector):
    """A gap that lies in the past is told when what proves it is recorded, and as what was recorded by then."""
    with service.socket() as socket:
        subscribe(socket, kinds=["STANDSTILL", "CAROUSEL"])
        story = Story(service.asked)
        obstacle = story.report()
        (still,) = heard(socket)
        assert (still["gap"]["kind"], still["gap"]["open"]) == ("STANDSTILL", True)
        assert 40 < still["gap"]["days"] < 44
        story.done("releaseCustody", 50, obstacle=obstacle, organisation=GEMEENTE)
        story.done("takeCustody", 51, obstacle=obstacle, organisation=ZORG)
        story.done("releaseCustody", 52, obstacle=obstacle, organisation=ZORG)
        story.done("takeCustody", 70, obstacle=obstacle, organisation=GEMEENTE)
        (carousel,) = heard(socket)
        assert (carousel["gap"]["kind"], carousel["gap"]["days"]) == ("CAROUSEL", 20)
        # What was recorded since stands in nobody's way: resumed, the same is told again, as it was.
        subscribe_again = {"kinds": ["STANDSTILL", "CAROUSEL"], "after": still["cursor"]}
    with service.socket() as socket:
        subscribe(socket, **subscribe_again)
        assert heard(socket) == [carousel]


def heard_until(socket, until: datetime) -> list[dict[str, Any]]:
    """Hear what is told up to a moment."""
    found: list[dict[str, Any]] = []
    while (left := (until - datetime.now(UTC)).total_seconds()) > 0:
        with suppress(TimeoutError):
            found.append(msgspec.json.decode(socket.recv(timeout=left))["payload"]["data"]["gapOpened"])
    return found


def test_restarts_at_the_very_moment(service, projector):
    """Deadlines pass while the service stops, is away, and starts: each is told once and in order to who resumes."""
    seen: list[dict[str, Any]] = [{"cursor": cursor_now(service)}]
    deadlines = [offered(service, 2.5 + number * 0.1) for number in range(16)]
    end = deadlines[-1] + timedelta(seconds=1)
    for until in (deadlines[3], deadlines[8], deadlines[12], end):
        with serving(service.asked) as address, Service(service.asked, service.issuer, address).socket() as socket:
            subscribe(socket, kinds=["UNANSWERED"], after=seen[-1]["cursor"])
            seen += heard_until(socket, until)
    assert [moment(each["at"]) for each in seen[1:]] == [deadline + TICK for deadline in deadlines]
    assert len({each["gap"]["id"] for each in seen[1:]}) == len(deadlines)


def test_resuming_anywhere_gives_the_rest(service, projector):
    """From any cursor on exactly those come that came after it; two who listen are told the same."""
    start = cursor_now(service)
    for number in range(4):
        offered(service, 0.5 + number * 0.1)
    with service.socket() as one, service.socket() as other:
        subscribe(one, after=start)
        subscribe(other, after=start)
        seen = heard(one, 4)
        assert heard(other, 4) == seen
    for number, each in enumerate(seen[:-1]):
        with service.socket() as socket:
            subscribe(socket, after=each["cursor"])
            assert heard(socket, len(seen) - number - 1) == seen[number + 1 :]


def test_an_answer_that_is_being_recorded_at_the_deadline(service, projector):
    """What was recorded before a deadline and committed after it counts: who answered in time is told to nobody."""
    story = Story(service.asked)
    deadline = datetime.now(UTC) + timedelta(seconds=1.5)
    handoff = story.done("offerHandoff", 2, "handoff", obstacle=story.report(), to=SVB, respondBy=deadline.isoformat())[
        "handoff"
    ]
    with service.socket() as socket, connect(service.asked.url, DatabaseRole.APPENDER) as appender:
        subscribe(socket, kinds=["UNANSWERED"])
        say(socket, type="ping")
        assert hear(socket) == {"type": "pong"}
        case = parse(story.case, CASE, "case").id
        refused = event(case, 4, HandoffRefused(UUID(handoff), RefusalGround.NO_CAPACITY))
        refused = msgspec.structs.replace(refused, occurred_at=datetime.now(UTC))
        with appender.transaction():
            (answer,) = append(appender, [refused])
            assert answer.recorded_at is not None
            assert answer.recorded_at < deadline
            time.sleep((deadline - datetime.now(UTC)).total_seconds() + 0.5)
        later = offered(service, 0.7)
        assert [moment(each["at"]) for each in heard(socket)] == [later + TICK]


def test_an_answer_that_is_not_projected_at_the_deadline(service):
    """While projections lag nothing is told that what is recorded already denies."""
    start = cursor_now(service)
    story = Story(service.asked)
    deadline = datetime.now(UTC) + timedelta(seconds=0.8)
    handoff = story.done("offerHandoff", 2, "handoff", obstacle=story.report(), to=SVB, respondBy=deadline.isoformat())[
        "handoff"
    ]
    service.asked.project()
    asker = service.asked.asker(SVB)
    story.asked.done(
        "refuseHandoff",
        {"case": story.case, "handoff": handoff, "ground": "NO_CAPACITY", "occurredAt": datetime.now(UTC).isoformat()},
        asker=asker,
    )
    other = offered(service, 0.5)
    with service.socket() as socket:
        subscribe(socket, kinds=["UNANSWERED"], after=start)
        assert heard_until(socket, deadline + timedelta(seconds=0.5)) == []
        service.asked.project()
        assert [moment(each["at"]) for each in heard(socket)] == [other + TICK]
        assert heard_until(socket, datetime.now(UTC) + timedelta(seconds=0.3)) == []


def test_from_now_on_and_from_an_answer_on(service, projector):
    """Without a cursor nothing comes of what opened before; from the cursor of an answer all that came after it."""
    start = cursor_now(service)
    before = offered(service, 0.3)
    with service.socket() as socket:
        subscribe(socket, kinds=["UNANSWERED"], after=start)
        assert [moment(each["at"]) for each in heard(socket)] == [before + TICK]
    with service.socket() as late, service.socket() as all_:
        subscribe(late, kinds=["UNANSWERED"])
        subscribe(all_, kinds=["UNANSWERED"], after=start)
        after = offered(service, 0.7)
        assert [moment(each["at"]) for each in heard(late)] == [after + TICK]
        assert [moment(each["at"]) for each in heard(all_, 2)] == [before + TICK, after + TICK]


def test_choices_and_mistakes(service, projector):
    """Only chosen kinds and organisations come; what is no cursor, and no organisation, is refused with a sentence."""
    start = cursor_now(service)
    Story(service.asked).report()  # it has stood still for weeks
    deadline = offered(service, 0.3)
    for choice, kinds in (
        ({"organisations": [SVB]}, ["UNANSWERED"]),
        ({"organisations": [GEMEENTE], "kinds": ["STANDSTILL", "UNANSWERED"]}, ["STANDSTILL", "UNANSWERED"]),
        ({"kinds": ["STANDSTILL"], "organisations": [GEMEENTE, SVB]}, ["STANDSTILL"]),
    ):
        with service.socket() as socket:
            subscribe(socket, after=start, **choice)
            until = max(deadline, datetime.now(UTC)) + timedelta(seconds=0.5)
            assert [each["gap"]["kind"] for each in heard_until(socket, until)] == kinds
    for variables, word in (({"after": "niets"}, "cursor"), ({"organisations": ["x"]}, "organisations")):
        with service.socket() as socket:
            subscribe(socket, **variables)
            refused = hear(socket)
            assert refused["type"] == "error"
            assert word in refused["payload"][0]["message"]


def test_the_database_goes_away_at_the_deadline(service, projector):
    """Connections that break keep nobody from being told, once there are new ones."""
    with service.socket() as socket:
        subscribe(socket, kinds=["UNANSWERED"])
        deadline = offered(service, 1.0)
        time.sleep(0.6)
        with psycopg.connect(service.asked.url, autocommit=True) as admin:
            while datetime.now(UTC) < deadline:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                time.sleep(0.1)
        assert [moment(each["at"]) for each in heard(socket)] == [deadline + TICK]
