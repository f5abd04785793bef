"""Subscriptions over WebSocket: every event once, from any position, to whoever may ask."""

import threading
import time
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from graph.given import GEMEENTE, SVB, ZORG, Story
from infra.http.given import hear, say
from knelpunt.graphql.problems import Problem, ProblemCode
from knelpunt.infra.http import graphql_ws, reading

pytestmark = pytest.mark.usefixtures("projected")

EVENTS = """subscription E($after: Position, $types: [EventType!], $organisations: [ID!]) {
  events(after: $after, types: $types, organisations: $organisations) { position type summary data case { id } }
}"""


def subscribe(socket, **variables):
    say(socket, id="1", type="subscribe", payload={"query": EVENTS, "variables": variables})


def heard(socket, count, seconds=15):
    messages = [hear(socket, seconds) for _ in range(count)]
    assert all(message["type"] == "next" for message in messages), messages
    return [message["payload"]["data"]["events"] for message in messages]


def test_every_event_from_the_first(service):
    """From before the first event on, each comes once and in order: those recorded, and those to come."""
    Story(service.asked).report()
    with service.socket() as socket:
        subscribe(socket, after=-1)
        assert [event["position"] for event in heard(socket, 5)] == [0, 1, 2, 3, 4]
        story = Story(service.asked)
        event = heard(socket, 1)[0]
        assert (event["type"], event["case"]["id"]) == ("CaseOpened", story.case)
        assert event["summary"].startswith("Gemeente Ergens opende")
        assert event["data"]["title"] == "Een brief te veel"


def test_resuming_loses_and_repeats_nothing(service):
    """Whoever reconnects after the last position that they saw misses nothing, while others go on recording."""
    stories = threading.Thread(target=lambda: [Story(service.asked).report() for _ in range(6)])
    stories.start()
    seen = []
    while len(seen) < 15:
        with service.socket() as socket:
            subscribe(socket, after=seen[-1] if seen else -1)
            seen += [event["position"] for event in heard(socket, 3)]
    stories.join()
    assert seen == list(range(15))


def between(monkeypatch, refused=0):
    """Have so many of the first statements that read events fail; return which positions each looks through."""
    looked = []
    fetched = reading.PostgresSession._fetched

    async def fetching(session, query, values):
        if query == reading.BETWEEN:
            looked.append((values[0], values[1]))
            if len(looked) <= refused:
                raise Problem(ProblemCode.TIMEOUT, "The database took too long over this: ask for less at once.")
        return await fetched(session, query, values)

    monkeypatch.setattr(reading.PostgresSession, "_fetched", fetching)
    return looked


def test_what_could_not_be_read_comes_afterwards(service, monkeypatch):
    """Where reading events fails although it is known where the log ends, they come once it succeeds."""
    Story(service.asked).report()
    looked = between(monkeypatch, refused=2)
    began = time.monotonic()
    with service.socket() as socket:
        subscribe(socket, after=-1)
        assert [event["position"] for event in heard(socket, 5)] == [0, 1, 2, 3, 4]
    assert time.monotonic() - began > 1, "it asks again without a pause"
    assert {after for after, _ in looked[:3]} == {-1}


def test_who_sees_little_is_not_kept_from_it(service, monkeypatch):
    """The log is looked through a stretch at a time, one at once after the other, however little of it is theirs."""
    monkeypatch.setattr(reading, "FOLLOWED_POSITIONS", 3)
    for _ in range(5):
        Story(service.asked).report()
    last = Story(service.asked, opener=service.asked.asker(ZORG)).position
    looked = between(monkeypatch)
    began = time.monotonic()
    with service.socket(service.token(ZORG)) as socket:
        subscribe(socket, after=-1, types=["CaseOpened"])
        assert [event["position"] for event in heard(socket, 1)] == [last]
    assert time.monotonic() - began < 2, "it pauses between the stretches"
    assert all(0 <= upto - after <= 3 for after, upto in looked)
    assert len(looked) >= last // 3


def test_from_now_on(service):
    """Without a position, only what is recorded from now on comes."""
    Story(service.asked)
    with service.socket() as socket:
        subscribe(socket)
        say(socket, type="ping")
        assert hear(socket) == {"type": "pong"}
        # What is recorded before the subscription has looked where the log ends is not from now on.
        positions = []
        while not positions:
            story = Story(service.asked)
            with suppress(TimeoutError):  # then nothing came of it
                positions = [event["position"] for event in heard(socket, 1, seconds=1)]
        assert 3 < positions[0] <= story.position


def test_filters(service):
    """Only events of the types and organisations asked for come, and the others keep nobody waiting."""
    story = Story(service.asked)
    obstacle = story.report()
    story.done("offerHandoff", 2, obstacle=obstacle, to=SVB)
    story.done("takeStep", 3, obstacle=obstacle, kind="LETTER")
    story.done("takeStep", 4, asker=service.asked.asker(SVB), obstacle=obstacle, kind="LETTER", organisation=GEMEENTE)
    with service.socket() as socket:
        subscribe(socket, after=-1, types=["HandoffOffered", "StepTaken"], organisations=[SVB])
        assert [event["position"] for event in heard(socket, 2)] == [5, 7]


def test_several_and_completing(service):
    """A connection runs several operations, questions among them, and ends each when told to."""
    with service.socket() as socket:
        subscribe(socket, after=-1, types=["CaseOpened"])
        say(socket, id="2", type="subscribe", payload={"query": "{ viewer { role } }"})
        assert hear(socket) == {"id": "2", "type": "next", "payload": {"data": {"viewer": {"role": "AGENCY"}}}}
        assert hear(socket) == {"id": "2", "type": "complete"}
        say(socket, id="3", type="subscribe", payload={"query": "subscription { moods }"})
        error = hear(socket)
        assert (error["id"], error["type"]) == ("3", "error")
        say(socket, id="1", type="complete")
        Story(service.asked)
        say(socket, id="1", type="subscribe", payload={"query": "{ viewer { user } }"})
        assert hear(socket)["payload"]["data"]["viewer"]["user"] == "development"


def closes(socket, code):
    def hear_out():
        while True:
            hear(socket)

    with pytest.raises(ConnectionClosed) as closed:
        hear_out()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code
    assert closed.value.rcvd.reason


def test_who_says_nothing_or_lies(service, monkeypatch):
    """Without a token that counts, in the first message and in time, a connection ends."""
    monkeypatch.setattr(graphql_ws, "INIT_SECONDS_MAX", 0.5)
    with service.socket(init=False) as socket:
        subscribe(socket)
        closes(socket, 4401)
    with service.socket(init=False) as socket:
        say(socket, type="connection_init", payload={"Authorization": "Bearer niets"})
        closes(socket, 4403)
    with service.socket(init=False) as socket:
        closes(socket, 4408)


def test_the_token_s_end_is_the_connection_s(service):
    """When the token expires the connection ends, whatever is being listened to."""
    with service.socket(service.token(lifetime_seconds=2)) as socket:
        subscribe(socket)
        closes(socket, 4403)


def test_misbehaving(service):
    """Too many operations, one id twice, a message too long and one that is none end the connection."""
    with service.socket() as socket:
        subscribe(socket)
        subscribe(socket)
        closes(socket, 4409)
    with service.socket() as socket:
        for number in range(11):
            say(socket, id=str(number), type="subscribe", payload={"query": EVENTS})
        closes(socket, 4430)
    with service.socket() as socket:
        socket.send('{"type": "ping", "payload": {"x": "' + "x" * 70_000 + '"}}')
        closes(socket, 1009)
    with service.socket() as socket:
        socket.send("hallo")
        closes(socket, 4400)
