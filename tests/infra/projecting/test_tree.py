"""The tree of organisations at two times, and figures rolled up along it, held to a walk over the events themselves."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from random import Random
from typing import Any

import psycopg

from histories.world import ONLOOKER, ORGANISATIONS
from infra.projecting.registries import fill, some_registry
from knelpunt.domain.event import Event
from knelpunt.domain.organisation.facts import OrganisationFact
from knelpunt.domain.organisation.standing import Standing, standing_at
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.store.connection import DatabaseRole, connect_as_registry
from knelpunt.projections.queries import interfaces, organisations, standings
from knelpunt.projections.queries.interfaces import InterfaceChoice, InterfaceOrder
from knelpunt.projections.queries.lens import Moment, Query

NAMES = (ONLOOKER, *ORGANISATIONS)
FIGURES = ("offers", "accepted", "refused", "withdrawn", "lapsed", "referrals", "arrived")


def asked(connection: psycopg.Connection, query: Query) -> list[tuple[Any, ...]]:
    return connection.execute(*query).fetchall()


def standings_at(log: Sequence[Event], moment: Moment) -> Mapping[str, Standing]:
    """What each organisation is, by the events recorded and occurred by then."""
    found: dict[str, Standing] = {}
    for name in NAMES:
        history = [
            event
            for event in log
            if isinstance(event.data, OrganisationFact) and event.data.organisation == name
            if event.recorded_at <= moment.known_at
        ]
        standing = standing_at(history, moment.as_of)
        if standing is not None:
            found[name] = standing
    return found


def above(standing: Standing) -> str | None:
    successor = standing.ended.into if standing.ended else None
    return successor or standing.parent


def top_of(tree: Mapping[str, Standing], name: str) -> str:
    """Under whom an organisation stands: the last in line that is registered; itself, in a circle."""
    seen = [name]
    while seen[-1] in tree:
        up = above(tree[seen[-1]])
        if up is None or up not in tree:
            return seen[-1]
        if up in seen:
            return name
        seen.append(up)
    return name


def below(tree: Mapping[str, Standing], name: str) -> set[str]:
    found = {name}
    while more := {one for one in tree if above(tree[one]) in found} - found:
        found |= more
    return found


def times(rng: Random, log: Sequence[Event]) -> tuple[datetime, datetime]:
    own = [event for event in log if isinstance(event.data, OrganisationFact)]
    return rng.choice(own).occurred_at, rng.choice(log[len(log) // 2 :]).recorded_at


def test_the_tree_and_figures_rolled_up(new_registry) -> None:
    """At random pairs of times: who is what, who stands below whom, every interface, and between top parents."""
    grown = 0
    for seed in range(4):
        rng = Random(seed)
        log = some_registry(seed, cases=8)
        url = new_registry()
        fill(url, log)
        with closing(Projector(url)) as projector:
            projector.catch_up()
        with closing(connect_as_registry(url, DatabaseRole.READER)) as connection:
            for _ in range(12):
                moment = Moment(*times(rng, log))
                tree = standings_at(log, moment)
                rows = map(organisations.row, asked(connection, organisations.named(moment, NAMES)))
                assert {
                    (row.identifier, row.name, row.parent, row.ended_at, row.merged_into, row.team) for row in rows
                } == {
                    (
                        name,
                        one.name,
                        one.parent,
                        one.ended.at if one.ended else None,
                        one.ended.into if one.ended else None,
                        one.team,
                    )
                    for name, one in tree.items()
                }
                received = asked(connection, standings.tasks_to(moment, NAMES))
                expected = {
                    (one.theme, standing.organisation): one
                    for standing in tree.values()
                    for one in standing.transfers
                    if one.since <= moment.as_of
                }
                assert set(received) == {(one.to, name, theme, one.since) for (theme, name), one in expected.items()}
                for name in NAMES:
                    assert {one for (one,) in asked(connection, standings.below(moment, [name]))} == below(tree, name)
                    grown += len(below(tree, name)) > 1
                units, rolled = (
                    [interfaces.row(row) for row in all_interfaces(connection, moment, choice)]
                    for choice in (InterfaceChoice(), InterfaceChoice(rolled_up=True))
                )
                sums: Counter[tuple[str, str, str]] = Counter()
                for row in units:
                    pair = top_of(tree, row.from_), top_of(tree, row.to)
                    if pair[0] != pair[1]:
                        for figure in FIGURES:
                            sums[*pair, figure] += getattr(row, figure)
                found = {(row.from_, row.to, figure): getattr(row, figure) for row in rolled for figure in FIGURES}
                assert found == dict(sums)
                lost = [
                    interfaces.row(row)
                    for row in asked(
                        connection, interfaces.query(moment, InterfaceChoice(), InterfaceOrder.LOST, len(units), 1)
                    )
                ]
                assert lost == sorted(units, key=lost_first)[1:]
    assert grown > 20


def lost_first(row: interfaces.InterfaceRow) -> tuple[int, int, str, str]:
    """Where an interface stands among those that lose the most people."""
    refused, lapsed, unanswered, referrals, offers, arrived = (
        getattr(row, name) for name in ("refused", "lapsed", "unanswered", "referrals", "offers", "arrived")
    )
    return arrived - refused - lapsed - unanswered - referrals, -referrals - offers, row.from_, row.to


def all_interfaces(connection: psycopg.Connection, moment: Moment, choice: InterfaceChoice) -> list[tuple[Any, ...]]:
    """Every interface at a moment, the busiest first."""
    return asked(connection, interfaces.query(moment, choice, InterfaceOrder.BUSIEST, interfaces.PAIRS_MAX))
