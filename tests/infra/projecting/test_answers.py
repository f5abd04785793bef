"""The answers over many cases, in PostgreSQL: all as the oracle has them, at random pairs of times."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from random import Random
from uuid import UUID

import psycopg
import pytest

from histories.causes import asked_of
from histories.everything import make_everything
from histories.world import ORGANISATIONS
from infra.projecting.registries import PAST, fill
from infra.projecting.test_interfaces import moments
from knelpunt.domain.case.facts import CaseFact
from knelpunt.domain.event import Event
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.store.connection import DatabaseRole, Principal, connect, connect_as_registry, principal_text
from knelpunt.projections.queries import commitments, escalations, gaps, honesty, offenders, remedies, tellings
from knelpunt.projections.queries.commitments import CommitmentChoice, CommitmentRow, KeeperRow, Standing
from knelpunt.projections.queries.gaps import GapChoice, GapOrder
from knelpunt.projections.queries.honesty import ShareRow
from knelpunt.projections.queries.lens import Moment
from knelpunt.projections.queries.remedies import LeftOver, RemedyChoice
from oracle import answering
from oracle.answering import Asked, Everything

PAGE = 7
"""Small, so that most lists are read in several pages."""


class Told:
    """What PostgreSQL answers at one moment; every list is read page by page to its end."""

    def __init__(self, connection: psycopg.Connection, moment: Moment) -> None:
        """Ask nothing yet."""
        self._connection, self._moment = connection, moment

    def rows(self, query) -> list:
        return self._connection.execute(*query).fetchall()

    def number(self, query) -> int:
        return self.rows(query)[0][0]

    def paged(self, page, row, place) -> Iterator:
        after = None
        while found := [row(one) for one in self.rows(page(after))]:
            yield from found
            after = place(found[-1])

    def offenders(self, right: Asked) -> Counter[str]:
        """Repeat offenders, the worst first, with their obstacles; and the gaps behind them."""
        moment = self._moment
        found = list(self.paged(lambda after: offenders.page(moment, after, PAGE), offenders.row, offenders.place))
        assert [one.time for one in found] == sorted((one.time for one in found), reverse=True)
        assert len(found) == self.number(offenders.count(moment))
        shown = {
            one.cause: answering.Offender(
                one.time, frozenset((spent.obstacle, spent.time) for spent in one.worst), one.obstacles, one.people
            )
            for one in found
        }
        assert shown == right.offenders(), moment
        assert all(one.in_gaps == len(one.worst) for one in found)
        assert all(right.reported[spent.obstacle] == spent.case for one in found for spent in one.worst)
        for one in found[:2]:
            counted = self.number(gaps.count(moment, GapChoice(from_causes=[one.cause])))
            on = {spent.obstacle for spent in one.worst}
            # A gap that counts has lasted; so it lies on one of the obstacles that were in a gap for some time.
            lying = [g.gap for found_ in right.found.values() for g in found_ if g.gap.obstacle in on and g.gap.counts]
            assert counted == len(lying)
        return Counter(offenders=len(found), shared=sum(one.obstacles > 1 for one in found))

    def waits(self, right: Asked) -> Counter[str]:
        """Who waits for whom, the longest first; and the circles that they make."""
        moment = self._moment
        rows = self.paged(
            lambda after: escalations.page(moment, None, after, PAGE),
            escalations.row,
            lambda one: (one.respond_by, one.event),
        )
        found = list(rows)
        assert [one.respond_by for one in found] == sorted(one.respond_by for one in found)
        waits = right.waits()
        assert {one.event: (one.waiting, one.for_, one.respond_by) for one in found} == waits, moment
        assert self.number(escalations.count(moment, None)) == len(found)
        pairs = [escalations.pair(row) for row in self.rows(escalations.pairs(moment))]
        assert sum(one.answers for one in pairs) == len(found)
        for one in pairs:
            own = [since for waiting, for_, since in waits.values() if (waiting, for_) == (one.waiting, one.for_)]
            assert (one.answers, one.since) == (len(own), min(own))
        rings = escalations.circles([(one.waiting, one.for_) for one in pairs])
        assert set(rings) == answering.circles({(waiting, for_) for waiting, for_, _ in waits.values()})
        return Counter(waits=len(found), circles=len(rings))

    def remedies(self, right: Asked) -> Counter[str]:
        """What was solved for one and not for all, and what is left to be done."""
        moment = self._moment
        found: dict[UUID, frozenset[UUID]] = {}
        for left_over in LeftOver:
            choice = RemedyChoice(left_over)
            rows = self.paged(
                lambda after, choice=choice: remedies.page(moment, choice, after, PAGE),
                remedies.row,
                lambda one: (one.applied_at, one.event),
            )
            some = list(rows)
            assert len(some) == self.number(remedies.count(moment, choice))
            assert all((not one.causes) == (left_over is LeftOver.NO_CAUSE_NAMED) for one in some)
            assert [one.applied_at for one in some] == sorted((one.applied_at for one in some), reverse=True)
            assert all(one.applied_at == right.happened(one.event) for one in some)
            found |= {one.event: frozenset(one.causes) for one in some}
        assert found == right.remedies(), moment
        assert self.number(remedies.count(moment, RemedyChoice())) == len(found)
        return Counter(unmeasured=sum(map(bool, found.values())), unnamed=sum(not one for one in found.values()))

    def promises(self, right: Asked) -> Counter[str]:
        """What was promised and kept: each promise, by organisation and by network."""
        moment, everything = self._moment, CommitmentChoice()
        found = self.commitments()
        assert [one.due_at for one in found] == sorted(one.due_at for one in found)
        shown = [
            (one.event, one.kind.value, one.organisation, one.made_at, one.due_at, one.ended_at, one.standing.value)
            for one in found
        ]
        promised = [
            (one.event, one.kind, one.organisation, one.made, one.due, one.ended, one.standing(moment.as_of))
            for one in right.promises()
        ]
        # What was promised once about several obstacles is one promise, and there is but one of each event.
        assert sorted(shown, key=str) == sorted(promised, key=str), moment
        keepers = self.keepers(commitments.by_organisation)
        assert {one.who: standings(one) for one in keepers} == right.kept_by()
        assert self.number(commitments.count_organisations(moment, everything)) == len(keepers)
        members = self.keepers(commitments.by_network)
        assert {UUID(one.who): standings(one) for one in members} == right.kept_in()
        assert self.number(commitments.count_networks(moment, everything)) == len(members)
        for one in members[:2]:
            choice = CommitmentChoice(network=UUID(one.who), standings=[Standing.OVERDUE])
            assert self.number(commitments.count(moment, choice)) == one.overdue
            (alone,) = self.rows(commitments.by_network(moment, CommitmentChoice(network=UUID(one.who)), None, 2))
            assert commitments.keeper(alone) == one
        there = Counter(f"{one.kind} {one.standing}" for one in found)
        return there + Counter(networks=len(members), over_cases=sum(bool(one.cases) for one in found))

    def commitments(self) -> list[CommitmentRow]:
        """Every promise, the first due first."""
        pages = self.paged(
            lambda after: commitments.page(self._moment, CommitmentChoice(), after, PAGE),
            commitments.row,
            lambda one: (one.due_at, one.event),
        )
        return list(pages)

    def keepers(self, by) -> list[KeeperRow]:
        """Whoever promised something, most that is overdue first."""
        everything = CommitmentChoice()
        pages = self.paged(
            lambda after: by(self._moment, everything, after, PAGE), commitments.keeper, commitments.place
        )
        found = list(pages)
        assert [(one.overdue, one.made) for one in found] == sorted(
            ((one.overdue, one.made) for one in found), reverse=True
        )
        return found

    def shares(self) -> list[ShareRow]:
        """What each organisation noticed itself, that with most gaps first."""
        pages = self.paged(lambda after: honesty.page(self._moment, None, after, PAGE), honesty.row, honesty.place)
        found = list(pages)
        assert [one.gaps for one in found] == sorted((one.gaps for one in found), reverse=True)
        assert self.number(honesty.count(self._moment, None)) == len(found)
        return found

    def tellings(self, right: Asked) -> Counter[str]:
        """Whose story was told again how often, the worst first."""
        moment = self._moment
        found = list(self.paged(lambda after: tellings.page(moment, after, PAGE), tellings.row, tellings.place))
        assert [(one.retold, one.contacts) for one in found] == sorted(
            ((one.retold, one.contacts) for one in found), reverse=True
        )
        assert {one.obstacle: (one.contacts, one.retold) for one in found} == right.tellings(), moment
        sums = (len(found), sum(one.contacts for one in found), sum(one.retold for one in found))
        assert self.rows(tellings.sums(moment)) == [sums]
        return Counter(tellings=len(found))

    def honesty(self, right: Asked) -> Counter[str]:
        """What each organisation noticed itself; as many gaps stand in its lists."""
        moment = self._moment
        found = self.shares()
        assert {one.organisation: (one.gaps, one.noticed) for one in found} == right.honesty(), moment
        for one in found[:3]:
            (alone,) = self.rows(honesty.page(moment, [one.organisation], None, 2))
            assert honesty.row(alone) == one
            choice = GapChoice(to_act=[one.organisation], self_noticed=True, noticed_by=one.organisation)
            assert self.number(gaps.count(moment, choice)) == one.noticed
            (page,) = gaps.pages(moment, choice, GapOrder.HARM, None, one.noticed + 1)
            assert len(self.rows(page)) == one.noticed
        return Counter(noticed=sum(one.noticed for one in found), unnoticed=sum(one.gaps for one in found))


def reading_as(url: str, principal: Principal) -> psycopg.Connection:
    """A connection that reads for somebody in all it does."""
    connection = connect(url, DatabaseRole.READER)
    connection.execute("SELECT set_config('knelpunt.principal', %s, false)", (principal_text(principal),))
    return connection


def standings(keeper: commitments.KeeperRow) -> Counter[str]:
    """How many promises stand how, without what there is none of."""
    found = Counter({one.value: getattr(keeper, one.value.lower()) for one in Standing})
    assert found.total() == keeper.made
    return +found


def pairs_of_times(rng: Random, all_: Everything, count: int) -> Iterator[Moment]:
    """Pairs of times at and beside events and deadlines: of cases, and of what was learnt from them."""
    half = count // 2
    yield from moments(rng, all_.cases, count - half)
    learnt = list(all_.learnt.values())
    for _ in range(half):
        _, (as_of, known_at) = asked_of(rng, rng.choice(learnt), 1)
        yield Moment(as_of, known_at if rng.random() < 0.5 else datetime.max.replace(tzinfo=PAST.tzinfo))


def filled(url: str, rng: Random, cases: int) -> list[Event]:
    """Put a machine-made registry into an empty one, and project it; return its log."""
    events = make_everything(rng, cases, before=PAST)
    fill(url, events)
    with closing(Projector(url)) as projector:
        projector.catch_up()
    return events


def hold_to_the_oracle(url: str, seed: int, cases: int, pairs: int) -> Counter[str]:
    """Compare every answer at some pairs of times; return what there was to compare."""
    rng = Random(seed)
    all_ = Everything(filled(url, rng, cases))
    there: Counter[str] = Counter(cases=len(all_.cases.cases))
    with closing(connect_as_registry(url, DatabaseRole.READER)) as connection:
        for moment in pairs_of_times(rng, all_, pairs):
            told, right = Told(connection, moment), all_.at(moment.as_of, moment.known_at)
            for compare in (told.offenders, told.waits, told.remedies, told.promises, told.tellings, told.honesty):
                there += compare(right)
    return there


EVERY = (
    *("offenders", "shared", "waits", "circles", "unmeasured", "unnamed", "networks", "tellings", "noticed"),
    *("over_cases", "PLAN KEPT", "MEASURE OVERDUE", "STEP GIVEN_UP", "PROMISE OVERDUE", "FOLLOW_UP KEPT_LATE"),
)
"""What there must be something of, or nothing was tried."""


def test_answers_equal_the_oracle(new_registry: Callable[[], str]) -> None:
    """Every answer, with its list, in three registries of some forty cases each, at seven pairs of times."""
    there: Counter[str] = Counter()
    for seed in range(3):
        there += hold_to_the_oracle(new_registry(), seed, cases=40, pairs=7)
    assert [name for name in EVERY if not there[name]] == []


def test_an_agency_is_told_of_what_it_may_see_alone(new_registry: Callable[[], str]) -> None:
    """Its answers are those of a registry without the cases in which it has no part; an analyst's are empty."""
    url, rng = new_registry(), Random(7)
    events = filled(url, rng, cases=40)
    with (
        closing(reading_as(url, Principal("AGENCY", ORGANISATIONS[0], "clerk"))) as agency,
        closing(reading_as(url, Principal("ANALYST", ORGANISATIONS[0], "analyst"))) as analyst,
    ):
        seen = {case for (case,) in agency.execute("SELECT DISTINCT case_id FROM read.case_viewer")}
        own = Everything([e for e in events if not isinstance(e.data, CaseFact) or e.stream in seen])
        assert 5 < len(own.cases.cases) < 35
        there: Counter[str] = Counter()
        for moment in pairs_of_times(rng, own, 8):
            told, right = Told(agency, moment), own.at(moment.as_of, moment.known_at)
            for compare in (told.offenders, told.waits, told.remedies, told.tellings):
                there += compare(right)
            promised = {one.event for one in right.promises() if one.kind != "FOLLOW_UP" or right.published(one.event)}
            shown = told.commitments()
            assert {one.event for one in shown if not one.cases} <= promised, moment
            # What lies over several cases is told of where all of them may be seen: over fewer it may be another.
            over = {one.event for one in right.plans_over_cases()}
            assert promised - over <= {one.event for one in shown}, moment
            for one in told.shares():
                assert told.number(gaps.count(moment, GapChoice(to_act=[one.organisation]))) == one.gaps
            nothing = Told(analyst, moment)
            assert nothing.shares() == nothing.keepers(commitments.by_organisation) == []
            assert nothing.number(offenders.count(moment)) == nothing.number(escalations.count(moment, None)) == 0
            assert nothing.number(remedies.count(moment, RemedyChoice())) == 0
            assert nothing.commitments() == []
            assert nothing.rows(tellings.sums(moment)) == [(0, 0, 0)]
    assert [name for name in ("offenders", "waits", "unnamed", "tellings") if not there[name]] == []


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_answers_of_a_large_registry_equal_the_oracle(new_registry: Callable[[], str]) -> None:
    """The same in a registry of two thousand cases, at twenty pairs of times."""
    there = hold_to_the_oracle(new_registry(), 2026, cases=2_000, pairs=20)
    assert there["cases"] >= 2_000
    assert [name for name in (*EVERY, "STEP KEPT", "MEASURE KEPT", "MEASURE LAPSED") if not there[name]] == []


@pytest.mark.parametrize("seed", range(20))
def test_circles_are_the_shortest_on_which_a_wait_lies(seed: int) -> None:
    """Among up to six organisations that wait for each other in any way, themselves included."""
    rng = Random(seed)
    everybody = [f"urn:org:{number}" for number in range(rng.randint(2, 6))]
    for density in (0.1, 0.3, 0.6):
        waits = [(one, other) for one in everybody for other in everybody if rng.random() < density]
        assert set(escalations.circles(rng.sample(waits, len(waits)))) == answering.circles(set(waits))
