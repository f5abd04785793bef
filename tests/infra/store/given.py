"""Commands to record and events to append, as small as the domain lets them be."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from knelpunt.domain.case.facts import CaseOpened, ObstacleReported, StepTaken
from knelpunt.domain.command import Command
from knelpunt.domain.event import Actor, Event, Fact
from knelpunt.domain.ids import event_id_of, organisation_stream_of
from knelpunt.domain.organisation.facts import OrganisationRegistered
from knelpunt.domain.text import Text, clear
from knelpunt.domain.vocabulary import NoticedBy, OrganisationKind, Origin, Role, StepKind
from knelpunt.infra.store import appending
from knelpunt.infra.store.appending import Answer
from knelpunt.infra.store.batch import Recorded
from knelpunt.infra.store.connection import REGISTRY
from knelpunt.infra.store.mapper import EventMapper
from knelpunt.infra.store.reading import events_after
from knelpunt.infra.store.registry import Registry

OFFICE = "00000000000000000042"
CLERK = Actor(OFFICE, Role.AGENCY, "clerk")
MOMENT = datetime(2024, 3, 4, 9, 0, tzinfo=UTC)


def command(stream: UUID, fact: Fact, **fields) -> Command:
    return Command(fields.pop("id", None) or uuid4(), stream, CLERK, fact, **fields)


def register_office() -> Command:
    fact = OrganisationRegistered(OFFICE, "Gemeente Ergens", OrganisationKind.MUNICIPALITY)
    return command(organisation_stream_of(OFFICE), fact)


def open_case(case: UUID, title: Text | None = None, subject: UUID | None = None, **fields) -> Command:
    fact = CaseOpened("CASE-01", (subject or uuid4(),), "schulden", NoticedBy.SUBJECT, title)
    return command(case, fact, **fields)


def report(case: UUID, obstacle: UUID, story: str | None = None, **fields) -> Command:
    told = clear(story) if story is not None else None
    return command(case, ObstacleReported(obstacle, Origin.UNKNOWN, OFFICE, told, received_by=OFFICE), **fields)


def step(case: UUID, obstacle: UUID, **fields) -> Command:
    return command(case, StepTaken(obstacle, OFFICE, StepKind.LETTER), **fields)


def event(stream: UUID, version: int, fact: Fact | None = None, *, command_id: UUID | None = None, **fields) -> Event:
    """An event as it is before the log gives it a position."""
    command_id = command_id or uuid4()
    return Event(
        id=event_id_of(command_id),
        stream=stream,
        version=version,
        position=0,
        occurred_at=MOMENT + timedelta(hours=version),
        recorded_at=fields.pop("recorded_at", MOMENT),
        actor=CLERK,
        command_id=command_id,
        data=fact or StepTaken(stream, OFFICE, StepKind.LETTER),
        **fields,
    )


def append(connection, events: Sequence[Event], hashes: Sequence[bytes] | None = None) -> list[Answer]:
    """Append in a transaction of its own."""
    stored = [EventMapper().to_stored_event(one) for one in events]
    return appending.append(connection, stored, hashes or [b"h" * 32] * len(stored))


def moment_of(answer: Answer) -> datetime:
    assert answer.recorded_at is not None
    return answer.recorded_at


def recorded(answer: object) -> Recorded:
    assert isinstance(answer, Recorded), answer
    return answer


def log(registry: Registry, after: int = -1) -> list[Event]:
    """All events beyond a position, each of which must be readable."""
    found = events_after(registry.reader, REGISTRY, after, 1_000_000)
    events = [one for one in found if isinstance(one, Event)]
    assert len(events) == len(found)
    return events


def outcomes(answers: Sequence[Answer]) -> list[str]:
    return [answer.outcome.value for answer in answers]
