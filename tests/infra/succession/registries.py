"""A registry in which two organisations hold many obstacles, and what its log says in the end."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import psycopg

from knelpunt.domain.case import facts as f
from knelpunt.domain.command import Command
from knelpunt.domain.event import Actor, Event, Fact
from knelpunt.domain.ids import NAMESPACE, event_id_of, organisation_stream_of, reference_of
from knelpunt.domain.organisation.facts import OrganisationFact, OrganisationRegistered
from knelpunt.domain.vocabulary import NoticedBy, OrganisationKind, Origin, Role
from knelpunt.infra.store.bulk import append_bulk
from knelpunt.infra.store.connection import DatabaseRole, connect

OLD, HEIR, OTHER = "urn:org:OLD", "urn:org:HEIR", "urn:org:OTHER"
BEGAN = datetime(2019, 1, 7, 9, tzinfo=UTC)
MERGED_AT = datetime(2022, 1, 1, tzinfo=UTC)
CLERK = Actor(OTHER, Role.AGENCY, "clerk")
DAY = timedelta(days=1)


def case_id(number: int) -> UUID:
    return uuid5(NAMESPACE, f"succession case {number}")


def obstacle_id(number: int) -> UUID:
    return uuid5(case_id(number), "obstacle")


def registered() -> list[Event]:
    """The three organisations."""
    return [
        event(organisation_stream_of(name), 1, OrganisationRegistered(name, name, OrganisationKind.OTHER), BEGAN)
        for name in (OLD, HEIR, OTHER)
    ]


def case(number: int) -> list[Event]:
    """A case whose obstacle the old organisation holds; of every fifth, it let go before it ended."""
    stream, obstacle, at = case_id(number), obstacle_id(number), BEGAN + number % 700 * DAY
    facts: list[Fact] = [
        f.CaseOpened(reference_of(stream), (uuid5(stream, "subject"),), "jeugdhulp", NoticedBy.PROFESSIONAL),
        f.ObstacleReported(obstacle, Origin.UNKNOWN, OTHER, received_by=OLD),
    ]
    if number % 5 == 0:
        facts.append(f.CustodyReleased(obstacle, OLD))
    return [event(stream, version, fact, at + version * DAY) for version, fact in enumerate(facts, 1)]


def event(stream: UUID, version: int, fact: Fact, at: datetime) -> Event:
    command = uuid5(stream, f"command {version}")
    return Event(event_id_of(command), stream, version, 0, at, at, CLERK, command, fact)


def fill(url: str, cases: int) -> None:
    """Record the organisations and so many cases."""
    record(url, [*registered(), *(one for number in range(cases) for one in case(number))])


def record(url: str, events: Sequence[Event]) -> None:
    with connect(url, DatabaseRole.APPENDER) as connection:
        append_bulk(connection, events, [each.id.bytes * 2 for each in events])


def about(fact: OrganisationFact, at: datetime) -> Command:
    """A command about an organisation."""
    id_ = uuid5(NAMESPACE, f"{fact.topic}/{fact.organisation}/{at}")
    return Command(id_, organisation_stream_of(fact.organisation), CLERK, fact, at)


def written(url: str) -> list[tuple[UUID, UUID, str]]:
    """What the log says, whatever the order in which and the moment at which it was recorded."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT stream_id, event_id, topic || ' ' || ((convert_from(state, 'UTF8')::jsonb) - 'known_to')::text "
            "FROM knelpunt.event ORDER BY 1, 2"
        ).fetchall()  # pyright: ignore[reportReturnType]
