"""Who reads a text about somebody is on record before they have it, and whoever cannot be recorded reads nothing."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from graph.given import GEMEENTE, Story
from infra.http.given import Service, hear, say
from knelpunt.infra.forgetting.erasing import Eraser
from knelpunt.infra.logbook.processing import Activity, NotNoted, ProcessingLog, Reading, Record, readings
from knelpunt.infra.store.connection import DatabaseRole, connect

TITLES = "query { registry { cases { nodes { title } } } }"
REFERENCES = "query { registry { cases { nodes { reference status } } } }"
FOLLOWING = "subscription { events(after: -1, types: [CaseOpened]) { position data } }"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def recorded(service: Service, subject: UUID | None = None) -> Sequence[Record]:
    """The records of the last hour."""
    since = datetime.now(UTC) - timedelta(hours=1)
    return readings(service.asked.url, service.asked.vault, since=since, most=1000, subject=subject)


def as_owner(service: Service, statement: str) -> None:
    with connect(service.asked.url, DatabaseRole.OWNER) as owner:
        owner.execute(statement.encode())


def test_one_record_for_each_person(service) -> None:
    """An answer with texts about three people leaves three records with all their fields; one without texts, none."""
    stories = [Story(service.asked) for _ in range(3)]
    service.asked.project()
    before = recorded(service)
    assert service.post({"query": REFERENCES}).json()["data"]["registry"]["cases"]["nodes"]
    assert recorded(service) == before
    began = datetime.now(UTC)
    answer = service.post({"query": TITLES}, traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
    assert answer.text.count("Een brief te veel") == 3
    found = [one for one in recorded(service) if one not in before]
    assert {one.subject for one in found} == {UUID(story.subject) for story in stories}
    assert len({one.span for one in found}) == len(found) == 3
    for one in found:
        assert (one.trace, one.status, one.name) == (UUID(TRACE), "OK", "graphql")
        assert began <= one.started_at <= one.ended_at <= datetime.now(UTC)
        assert (one.activity, one.subject_type) == (Activity.CASEWORK, "urn:knelpunt:subject")
        assert (one.organisation, one.role) == (GEMEENTE, "AGENCY")
    (only,) = [one for one in recorded(service, UUID(stories[0].subject)) if one not in before]
    assert only in found


def test_no_record_no_answer(service) -> None:
    """While no record can be written, answers with texts are an error and nothing else; others are as ever."""
    Story(service.asked)
    service.asked.project()
    as_owner(service, "REVOKE INSERT ON logbook.processing FROM knelpunt_logger")
    refused = service.post({"query": TITLES})
    assert "Een brief" not in refused.text
    assert "data" not in refused.json()
    (error,) = refused.json()["errors"]
    assert error["extensions"]["code"] == "NOT_LOGGED"
    assert error["message"].endswith("ask again.")
    assert "errors" not in service.post({"query": REFERENCES}).json()
    with service.socket() as socket:
        say(socket, id="1", type="subscribe", payload={"query": FOLLOWING})
        told = hear(socket)
        assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", "NOT_LOGGED")
    as_owner(service, "GRANT INSERT ON logbook.processing TO knelpunt_logger")
    assert "Een brief" in service.post({"query": TITLES}).text


@pytest.mark.usefixtures("projected")
def test_a_subscription_records_whom_it_shows(service) -> None:
    """Events that follow each other about one person make one record, those about two people two."""
    stories = [Story(service.asked), Story(service.asked)]
    before = recorded(service)
    with service.socket() as socket:
        query = "subscription { events(after: -1, types: [CaseOpened, ObstacleReported]) { data } }"
        stories[0].report(story="Loopt vast.")
        say(socket, id="1", type="subscribe", payload={"query": query})
        for _ in range(3):
            assert "data" in hear(socket)["payload"]
    found = [one.subject for one in recorded(service) if one not in before]
    assert sorted(found, key=str) == sorted((UUID(story.subject) for story in stories), key=str)


def test_an_erased_person_is_in_no_record(service) -> None:
    """After an erasure the records are still there, and nobody can tell any more of whom; others can be told."""
    gone, other = Story(service.asked), Story(service.asked)
    service.asked.project()
    assert service.post({"query": TITLES}).status_code == 200
    asked = service.asked
    count = len(recorded(service))
    with closing(Eraser(asked.url, asked.vault, asked.running.services.writer.submit, settling_seconds=0)) as eraser:
        eraser.approve([eraser.request(UUID(gone.subject), "verzoek", "anna")], "bert")
    after = recorded(service)
    assert len(after) == count
    assert {one.subject for one in after} == {None, UUID(other.subject)}
    assert recorded(service, UUID(gone.subject)) == []
    with connect(asked.url, DatabaseRole.OWNER) as owner:
        rows = owner.execute("SELECT p::text FROM logbook.processing p").fetchall()
        assert len(rows) == count
        assert not any(gone.subject in text or UUID(gone.subject).hex in text for (text,) in rows)


def test_a_record_carried_elsewhere_is_found_out(service) -> None:
    """Whoever moves a record's box to another reading, to have somebody seen reading of another, is found out."""
    Story(service.asked)
    service.asked.project()
    service.post({"query": TITLES})
    as_owner(service, "UPDATE logbook.processing SET trace_id = decode(repeat('00', 16), 'hex')")
    with pytest.raises(Exception, match="not what was sealed"):
        recorded(service)


def test_a_restart_of_the_database_is_not_noticed(service) -> None:
    """Connections that a restart broke are replaced; a database that stays away is the typed error."""
    story = Story(service.asked)
    log = service.asked.running.services.processing
    reading = Reading(actor="somebody", role="AGENCY", organisation=None, name="test")
    log.note(reading, [UUID(story.subject)])
    with psycopg.connect(service.asked.url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%%logbook%%'"
        )
    log.note(reading, [UUID(story.subject)])
    assert sum(one.trace == reading.trace for one in recorded(service)) == 2
    away = ProcessingLog("postgresql://nobody@127.0.0.1:1/none", service.asked.vault)
    away._connections.timeout = 0.2
    with closing(away), pytest.raises(NotNoted):
        away.note(reading, [UUID(story.subject)])
