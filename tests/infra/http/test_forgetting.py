"""No answer leaves with the texts of somebody who was erased while it was being made."""

from collections.abc import Callable, Iterable
from contextlib import closing
from uuid import UUID

import pytest
from websockets.exceptions import ConnectionClosed

from graph.given import Story
from infra.http.given import Service, hear, say
from knelpunt.domain.event import Event
from knelpunt.domain.vocabulary import Role
from knelpunt.infra.forgetting.erasing import Eraser

TITLE = "Een brief te veel"
DATA = "query { registry { cases { nodes { title timeline { nodes { data } } } } } }"
FOLLOWING = "subscription { events(after: -1, types: [CaseOpened]) { position data } }"


def erase(service: Service, subject: UUID) -> None:
    """Erase somebody, and wait for no other process."""
    asked = service.asked
    with closing(Eraser(asked.url, asked.vault, asked.running.services.writer.submit, settling_seconds=0)) as eraser:
        eraser.approve([eraser.request(subject, "verzoek", "anna")], "bert")


@pytest.fixture
def erased_meanwhile(service: Service, monkeypatch: pytest.MonkeyPatch) -> Callable[[UUID], None]:
    """Has somebody erased right after a text of theirs was next opened: while the answer is being made."""
    opening = service.asked.vault.open

    def arm(subject: UUID) -> None:
        left = [subject]

        def open_then_erase(events: Iterable[Event]):
            opened = opening(events)
            if left and opened:
                erase(service, left.pop())
            return opened

        monkeypatch.setattr(service.asked.vault, "open", open_then_erase)

    return arm


def test_an_answer_under_way(service, erased_meanwhile) -> None:
    """An answer that was being made is made again, and says that the text is gone; before that it was there."""
    story = Story(service.asked)
    service.asked.project()
    assert TITLE in service.post({"query": DATA}).text
    erased_meanwhile(UUID(story.subject))
    answer = service.post({"query": DATA})
    assert TITLE not in answer.text
    (case,) = answer.json()["data"]["registry"]["cases"]["nodes"]
    assert case["title"] is None
    assert case["timeline"]["nodes"][0]["data"]["title"] == {"erased": True}


@pytest.mark.usefixtures("projected")
def test_a_subscription_under_way(service, erased_meanwhile) -> None:
    """A subscription ends instead of showing the text; resumed, it shows that it is gone, and loses nothing."""
    story = Story(service.asked)
    erased_meanwhile(UUID(story.subject))
    with service.socket() as socket:
        say(socket, id="1", type="subscribe", payload={"query": FOLLOWING})
        with pytest.raises(ConnectionClosed) as closed:
            hear(socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    with service.socket() as socket:
        say(socket, id="1", type="subscribe", payload={"query": FOLLOWING})
        assert hear(socket)["payload"]["data"]["events"]["data"]["title"] == {"erased": True}


def test_the_log_tells_of_it(service) -> None:
    """The erasure is an event like others: in the stream, in words, of no case, and naming nobody."""
    story = Story(service.asked)
    erase(service, UUID(story.subject))
    service.asked.project()
    with service.socket(service.issuer.token(Role.AUDITOR, None)) as socket:
        query = "subscription { events(after: -1, types: [SubjectErased]) { summary(language: EN) case { id } data } }"
        say(socket, id="1", type="subscribe", payload={"query": query})
        event = hear(socket)["payload"]["data"]["events"]
        assert event["summary"] == "A subject was forgotten: texts about them cannot be read any more."
        assert event["case"] is None
        assert [receipt["step"] for receipt in event["data"]["receipts"]] == [
            *("FENCE", "KEYS", "IDENTITY", "CACHES", "PROJECTIONS")
        ]
        assert event["data"]["approvedBy"] == "bert"
