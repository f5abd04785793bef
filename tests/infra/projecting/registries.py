"""Machine-made registries of several cases, and everything that a read model holds, as text to compare."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID, uuid5

import msgspec
import psycopg
from psycopg import sql

from histories.machine import is_mending, make_history
from histories.recording import one_log
from histories.several import joined
from histories.world import ONLOOKER, ORGANISATIONS, START
from knelpunt.domain.event import Actor, Event
from knelpunt.domain.ids import NAMESPACE, organisation_stream_of
from knelpunt.domain.organisation.facts import (
    OrganisationDissolved,
    OrganisationEventStruck,
    OrganisationFact,
    OrganisationFactCorrected,
    OrganisationMerged,
    OrganisationRegistered,
    OrganisationRenamed,
    ParentChanged,
    SolutionTeamEstablished,
    StrategyAdopted,
    StrategyShared,
    TaskTransferred,
)
from knelpunt.domain.registry.facts import RegistryFact
from knelpunt.domain.text import Sealed
from knelpunt.domain.vocabulary import OrganisationKind, Origin, Role, StrikeReason, TeamMotive
from knelpunt.infra.store import reading
from knelpunt.infra.store.bulk import append_bulk, append_history
from knelpunt.infra.store.connection import DatabaseRole, connect
from knelpunt.projections.read_model.copying import COLUMNS
from oracle.told import mend

TABLES = (
    *COLUMNS,
    "case_viewer",
    "investigation_member",
    "investigation_case",
    "investigation_dialogue",
    "subject_organisation",
    "quarantined",
    "projected",
)
PAST = datetime(2025, 6, 1, tzinfo=UTC)
"""History that was recorded elsewhere lies in the past of whoever runs the tests; some machine-made cases run on."""


CASES_OF_THREE: Final = 14
"""How many cases three persons share, unless a test wants to have many persons."""


def some_registry(seed: int, cases: int = 5, cases_of_three: int = CASES_OF_THREE) -> list[Event]:
    """Return the events of several cases of three persons and of the organisations in them, as recorded.

    Of three persons for every so many cases: nobody has hundreds.
    """
    rng = Random(seed)
    histories: list[list[Event]] = []
    while len(histories) < cases:
        history = make_history(rng)
        if len(history) < 60 and history[-1].recorded_at < PAST:
            histories.append(history)
    several = [joined(rng, histories[begin : begin + cases_of_three]) for begin in range(0, cases, cases_of_three)]
    events = [event for part in several for history in part for event in history]
    return one_log([*events, *organisation_events(rng)])


def organisation_events(rng: Random) -> Iterator[Event]:
    """Yield the registrations of the organisations and what became of them, told in order and out of order."""
    for organisation in (ONLOOKER, *ORGANISATIONS):
        facts: list[OrganisationFact] = [
            OrganisationRegistered(organisation, f"{organisation} 1", OrganisationKind.MUNICIPALITY),
            *rng.choices(_doings(organisation, rng), k=rng.choice((0, 2, 5))),
        ]
        told: list[UUID] = []
        for _ in range(rng.choice((0, 0, 1, 2))):
            facts.append(_mending(organisation, facts, rng))
        for version, fact in enumerate(facts, start=1):
            if isinstance(fact, OrganisationFactCorrected | OrganisationEventStruck):
                fact = msgspec.structs.replace(fact, event=told[fact.event.int])  # noqa: PLW2901
            name = f"{organisation}/{version}/{rng.random()}"
            told.append(uuid5(NAMESPACE, name))
            yield Event(
                id=told[-1],
                stream=organisation_stream_of(organisation),
                version=version,
                position=0,
                occurred_at=START + timedelta(days=rng.choice((0, 10, 20, 60)) if version > 1 else 0),
                recorded_at=START + timedelta(days=60 * version),
                actor=Actor(ONLOOKER, Role.ADMINISTRATOR, "somebody"),
                command_id=uuid5(NAMESPACE, f"command/{name}"),
                data=fact,
            )


def _mending(organisation: str, facts: Sequence[OrganisationFact], rng: Random) -> OrganisationFact:
    """Return a correction or striking of an earlier event, which its number in the stream stands for."""
    number = rng.randrange(1, len(facts)) if len(facts) > 1 else 0
    if number and rng.random() < 0.5:
        return OrganisationEventStruck(organisation, UUID(int=number), StrikeReason.DUPLICATE)
    field, value = rng.choice((
        ("occurred_at", (START + timedelta(days=rng.choice((5, 15, 50)))).isoformat()),
        ("name", "Een betere naam"), ("themes", ("zorg", "wonen")), ("parent", ONLOOKER), ("into", ONLOOKER),
        ("to", ONLOOKER), ("colour", "red"),
    ))  # fmt: skip
    return OrganisationFactCorrected(organisation, UUID(int=number), field, value)


def _doings(organisation: str, rng: Random) -> list[OrganisationFact]:
    """Return what an organisation may do, or what may happen to it."""
    other = rng.choice([one for one in ORGANISATIONS if one != organisation])
    strategy = uuid5(NAMESPACE, f"strategy/{rng.randint(1, 3)}")
    return [
        OrganisationRenamed(organisation, f"{organisation} {rng.randint(2, 5)}"),
        ParentChanged(organisation, rng.choice((None, other))),
        OrganisationMerged(organisation, other),
        OrganisationDissolved(organisation),
        TaskTransferred(organisation, "schulden", other),
        TaskTransferred(organisation, "zorg", other, START + timedelta(days=rng.choice((60, 65, 90)))),
        TaskTransferred(organisation, "zorg", ONLOOKER, START + timedelta(days=70)),
        SolutionTeamEstablished(organisation, (TeamMotive.FAILURE_COSTS,)),
        StrategyShared(
            organisation,
            strategy,
            Sealed(strategy, strategy, b"sealed"),
            themes=tuple(rng.choices(("zorg", "schulden"), k=rng.randint(0, 2))),
            origins=tuple(rng.sample(list(Origin), k=rng.randint(0, 2))),
        ),
        StrategyAdopted(organisation, strategy, other),
    ]


def seen_at(log: Sequence[Event], as_of: datetime, known_at: datetime) -> list[Event]:
    """Return the events that a registry would hold in which only those recorded and occurred by then ever came in."""
    recorded = [event for event in log if event.recorded_at <= known_at]
    now = {}
    for stream in {event.stream for event in recorded}:
        now |= {event.id: event.occurred_at for event in mend([e for e in recorded if e.stream == stream])[0]}
    return one_log([e for e in recorded if is_mending(e) or isinstance(e.data, RegistryFact) or now[e.id] <= as_of])


def fill(url: str, log: Sequence[Event]) -> None:
    """Put a log into an empty registry, with its own moments of recording."""
    with connect(url, DatabaseRole.OWNER) as connection:
        append_history(connection, log, [event.id.bytes * 2 for event in log])


def record(connection: psycopg.Connection, events: Sequence[Event]) -> None:
    """Record events now, as an import does."""
    append_bulk(connection, events, [event.id.bytes * 2 for event in events])


def recorded(url: str) -> list[Event]:
    """Everything in a log, in order of position."""
    with connect(url, DatabaseRole.OWNER) as connection:
        query = f"SELECT {reading.COLUMNS} FROM knelpunt.event ORDER BY position"
        events, unreadable = reading.readable(reading.to_rows(connection.cursor(binary=True).execute(query)))
    assert not unreadable
    return events


def everything(url: str) -> dict[str, list[str]]:
    """Return every row of every table of the read model in use, in every column."""
    with psycopg.connect(url) as connection:
        return {
            table: [
                text
                for (text,) in connection.execute(
                    sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(sql.Identifier("read", table))
                )
            ]
            for table in TABLES
        }


def states_at(url: str, as_of: datetime, known_at: datetime) -> dict[str, list[str]]:
    """Return the rows that are the answer at two times, in all their columns but the windows and what tells of them."""
    query = sql.SQL(
        "SELECT (to_jsonb(t) - '{{as_of_from, as_of_until, known_from, until_known_from, known_until}}'::text[] "
        "- 'ahead' - 'long')::text "
        "FROM {} AS t "
        "WHERE as_of_from <= %(as_of)s AND (%(as_of)s < as_of_until OR %(known_at)s < until_known_from) "
        "AND known_from <= %(known_at)s AND %(known_at)s < known_until ORDER BY 1"
    )
    with psycopg.connect(url) as connection:
        return {
            table: [
                text
                for (text,) in connection.execute(
                    query.format(sql.Identifier("read", table)), {"as_of": as_of, "known_at": known_at}
                )
            ]
            for table in COLUMNS
        }
