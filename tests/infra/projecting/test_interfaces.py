"""Every figure of every interface in PostgreSQL is the oracle's, at random pairs of times, of units and rolled up."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid5

import psycopg
import pytest
from msgspec.structs import replace

from histories.machine import end_of, questions
from histories.recording import one_log
from histories.registry import make_registry
from histories.world import ONLOOKER, ORGANISATIONS, START
from infra.projecting.registries import PAST, fill, some_registry
from knelpunt.domain.case.facts import HandoffOffered
from knelpunt.domain.event import Actor, Event
from knelpunt.domain.ids import NAMESPACE, event_id_of, organisation_stream_of
from knelpunt.domain.organisation.facts import OrganisationFact, OrganisationRegistered, ParentChanged
from knelpunt.domain.settings import DEFAULTS
from knelpunt.domain.vocabulary import OrganisationKind, Role
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.store.connection import DatabaseRole, connect_as_registry
from knelpunt.projections.queries import interfaces as queries
from knelpunt.projections.queries.interfaces import InterfaceChoice, InterfaceOrder, InterfaceRow
from knelpunt.projections.queries.lens import Moment
from oracle.interfaces import OInterface, Pair, interfaces, tops
from oracle.registry import Log
from oracle.told import respond_by

NEARLY = 1e-9
"""Days: PostgreSQL counts in microseconds, the oracle in fractions of a day."""


def moments(rng: Random, log: Log, count: int) -> Iterator[Moment]:
    """Pairs of times at and beside events and deadlines of some case; the first takes in everything."""
    cases = list(log.cases.values())
    last = end_of([event for events in cases for event in events])
    deadlines = [
        respond_by(event, DEFAULTS) for events in cases for event in events if isinstance(event.data, HandoffOffered)
    ]
    yield Moment(last, last)
    for _ in range(count - 1):
        _, (as_of, known_at, _) = questions(rng, rng.choice(cases), count=2)
        yield Moment(rng.choice((as_of, rng.choice(deadlines))), known_at or last)


def periods(rng: Random, log: Log) -> tuple[datetime | None, datetime | None]:
    """A period of which either end may be missing, each at an event's very moment."""
    ends = [rng.choice(rng.choice(list(log.cases.values()))).occurred_at for _ in range(2)]
    begin, end = sorted(ends)
    return rng.choice(((None, None), (begin, None), (None, end), (begin, end)))


def uprooted() -> Iterator[Event]:
    """Two organisations one above the other, below a third that is not registered until later."""
    third, kind = "urn:org:LATER", OrganisationKind.OTHER
    told: Sequence[tuple[OrganisationFact, int, int]] = (
        (ParentChanged(ORGANISATIONS[0], third), 0, 300),
        (ParentChanged(ORGANISATIONS[1], ORGANISATIONS[0]), 0, 300),
        (OrganisationRegistered(third, "later", kind), 60, 350),
    )
    for number, (fact, occurred, recorded) in enumerate(told):
        stream = organisation_stream_of(fact.organisation)
        command = uuid5(NAMESPACE, f"uprooted/{number}")
        actor = Actor(ONLOOKER, Role.ADMINISTRATOR, "somebody")
        at, known = (START + timedelta(days=days) for days in (occurred, recorded))
        yield Event(event_id_of(command), stream, 1, 0, at, known, actor, command, fact)


def told(count: int | None) -> int:
    """A count, which nobody but analysts is refused."""
    assert count is not None
    return count


def plainly(row: InterfaceRow) -> OInterface:
    return OInterface(
        offers=told(row.offers),
        accepted=told(row.accepted),
        refused=told(row.refused),
        withdrawn=told(row.withdrawn),
        lapsed=told(row.lapsed),
        unanswered=told(row.unanswered),
        pending=told(row.pending),
        referrals=told(row.referrals),
        arrived=told(row.arrived),
        median=row.median_days,
        p90=row.p90_days,
        grounds=dict(row.grounds),
        came_back=row.came_back_share,
    )


def asked(connection: psycopg.Connection, moment: Moment, choice: InterfaceChoice) -> dict[Pair, OInterface]:
    rows = [
        queries.row(row)
        for row in connection.execute(*queries.query(moment, choice, InterfaceOrder.BUSIEST, queries.PAIRS_MAX))
    ]
    busy = [told(row.offers) + told(row.referrals) for row in rows]
    assert busy == sorted(busy, reverse=True)
    assert all(row.grounds == tuple(sorted(row.grounds, key=lambda one: (-one[1], one[0]))) for row in rows)
    return {(row.from_, row.to): plainly(row) for row in rows}


def nearly(figures: OInterface) -> dict[str, Any]:
    times = {name: pytest.approx(value, abs=NEARLY) for name in ("median", "p90") if (value := getattr(figures, name))}
    return asdict(figures) | times


def chosen(expected: dict[Pair, OInterface], choice: InterfaceChoice, tree: dict[str, str]) -> dict[Pair, OInterface]:
    """What is left of the answer by a choice; a unit that it names stands for its top."""
    from_, to, either = (
        None if one is None else tree.get(one, one) for one in (choice.from_, choice.to, choice.organisation)
    )
    return {
        pair: figures
        for pair, figures in expected.items()
        if from_ in {None, pair[0]} and to in {None, pair[1]} and either in {None, *pair}
    }


def hold_to_the_oracle(url: str, rng: Random, events: Sequence[Event], pairs: int) -> Counter[str]:
    """Compare every figure at some pairs of times; return what there was to compare."""
    fill(url, events)
    with closing(Projector(url)) as projector:
        projector.catch_up()
    log = Log(events)
    compared: Counter[str] = Counter()
    with closing(connect_as_registry(url, DatabaseRole.READER)) as connection:
        for moment in moments(rng, log, pairs):
            period = periods(rng, log)
            tree = tops(log.organisations, moment.as_of, moment.known_at)
            found = log.passages(moment.as_of, moment.known_at)
            one, other = rng.sample(ORGANISATIONS, 2)
            compared["moved up"] += sum(name != top for name, top in tree.items())
            for top_of in ({}, tree):
                choice = InterfaceChoice(period_from=period[0], period_until=period[1], rolled_up=top_of is tree)
                expected = interfaces(found, period, top_of)
                for some in (
                    choice,
                    replace(choice, from_=one),
                    replace(choice, to=one),
                    replace(choice, organisation=one),
                    replace(choice, from_=one, to=other),
                ):
                    answer = asked(connection, moment, some)
                    right = chosen(expected, some, top_of)
                    assert answer.keys() == right.keys(), (moment, some)
                    for pair, figures in right.items():
                        assert asdict(answer[pair]) == nearly(figures), (moment, some, pair)
                for figures in expected.values():
                    compared.update(name for name, value in asdict(figures).items() if value)
    return compared


def with_odd_organisations(seed: int, cases: int) -> list[Event]:
    """Cases of different persons, and organisations that do anything, told in any order."""
    return one_log([*some_registry(seed, cases, cases_of_three=7), *uprooted()])


def persons_and_their_organisations(seed: int, cases: int) -> list[Event]:
    """Persons with several cases, and what mergers, ends and transfers did to them."""
    return make_registry(Random(seed), cases, before=PAST)


def test_interfaces_equal_the_oracle(new_registry: Callable[[], str]) -> None:
    """Every figure, of units and rolled up, in periods and for chosen organisations, in two registries."""
    compared: Counter[str] = Counter()
    compared += hold_to_the_oracle(new_registry(), Random(0), with_odd_organisations(0, cases=20), pairs=5)
    events = persons_and_their_organisations(4, cases=20)
    compared += hold_to_the_oracle(new_registry(), Random(4), events, pairs=5)
    assert {"moved up", *(field.name for field in fields(OInterface))} <= compared.keys()


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("make", [with_odd_organisations, persons_and_their_organisations])
def test_interfaces_of_a_large_registry_equal_the_oracle(
    new_registry: Callable[[], str], make: Callable[[int, int], list[Event]]
) -> None:
    """The same in registries of two thousand cases, at fifty pairs of times."""
    assert hold_to_the_oracle(new_registry(), Random(2026), make(2026, 2_000), pairs=50)["came_back"] > 0
