"""Whose cases are which, what lies over them, and what was linked, in PostgreSQL: all as the oracle has it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from random import Random
from uuid import UUID

import psycopg
import pytest

from histories.registry import make_registry
from infra.projecting.registries import PAST, fill
from infra.projecting.test_interfaces import moments
from knelpunt.domain.event import Event
from knelpunt.domain.ids import gap_id_of
from knelpunt.domain.vocabulary import CaseRelation
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.store.connection import DatabaseRole, connect_as_registry
from knelpunt.projections.derivation.subjects import cross_chains
from knelpunt.projections.queries import gaps as gap_queries
from knelpunt.projections.queries import subjects as queries
from knelpunt.projections.queries.gaps import GapRow
from knelpunt.projections.queries.lens import Moment
from oracle import subjects as oracle
from oracle.registry import Log
from oracle.subjects import OSubjectGap, Stories
from projections.derivation.test_subjects_against_oracle import chain_said, same_gap


class Told:
    """What PostgreSQL says of a registry at one moment."""

    def __init__(self, connection: psycopg.Connection, moment: Moment) -> None:
        """Ask nothing yet."""
        self._connection, self._moment = connection, moment

    def cases(self, subjects: Sequence[UUID]) -> dict[UUID, set[UUID]]:
        """Whose cases are which."""
        found: dict[UUID, set[UUID]] = {}
        for subject, case in self._connection.execute(*queries.cases_of(self._moment, subjects)):
            found.setdefault(subject, set()).add(case)
        return found

    def gaps(self, cases: Sequence[UUID]) -> dict[UUID, list[GapRow]]:
        """What lies over several of these cases, by subject; each once, though it is found from each of its cases."""
        rows: dict[tuple[UUID, UUID], GapRow] = {}
        for case, *columns in self._connection.execute(*queries.over(self._moment, cases)):
            gap = gap_queries.row(tuple(columns))
            assert case in gap.cases
            assert rows.setdefault((gap.case, gap.id), gap) == gap
        found: dict[UUID, list[GapRow]] = {}
        for (subject, _), gap in rows.items():
            found.setdefault(subject, []).append(gap)
        return found

    def links(self, cases: Sequence[UUID]) -> set[tuple[UUID, UUID, CaseRelation]]:
        """Which cases were linked with which."""
        rows = self._connection.execute(*queries.links(self._moment, cases))
        return {(case, to, CaseRelation(relation)) for case, to, relation, _ in rows}


def in_words_of_the_oracle(gap: GapRow, begun_by: frozenset[UUID]) -> OSubjectGap:
    """A row as the oracle's gap. Its id is a name made of what began it, so it does not say by itself what that was."""
    named = {event for event in begun_by if gap_id_of(gap.case, gap.kind.value, event) == gap.id}
    return OSubjectGap(
        kind=gap.kind.value,
        from_=gap.from_,
        until=gap.until,
        counts=gap.counts,
        lasted=gap.lasted,
        to_act=frozenset(gap.to_act),
        involved=frozenset(gap.involved),
        obstacles=frozenset(),
        cases=frozenset(gap.cases),
        begun_by=frozenset(named),
    )


def is_told(row: GapRow, right: OSubjectGap) -> bool:
    """Whether a row is this gap of the oracle's."""
    said = in_words_of_the_oracle(row, right.begun_by)
    return row.open == (right.until is None) and bool(said.begun_by) and same_gap(said, right)


def over_several(subject: UUID, stories: Stories, moment: Moment, log: Log) -> Iterator[OSubjectGap]:
    """What lies on the subject: a deadlock within one case lies on that case."""
    for gap in oracle.subject_gaps(stories, moment.as_of, moment.known_at, log.organisations, subject):
        if gap.kind != "DEADLOCK" or len(gap.cases) > 1:
            yield gap


def compare(told: Told, moment: Moment, log: Log) -> Counter[str]:
    """Hold all that is told at a moment to the oracle; return what there was to compare."""
    stories = log.stories(moment.as_of, moment.known_at)
    people = oracle.by_subject(stories)
    assert told.cases(list(people)) == {subject: own.keys() for subject, own in people.items()}, moment
    assert told.links(list(log.cases)) == oracle.linked_cases(stories), moment
    there: Counter[str] = Counter(links=len(oracle.linked_cases(stories)))
    rows = told.gaps(list(log.cases))
    telling = oracle.told_of(stories)
    assert rows.keys() <= telling.keys(), moment
    for subject, own in telling.items():
        right = list(over_several(subject, own, moment, log))
        mine = rows.get(subject, [])
        agree = len(mine) == len(right) and all(any(is_told(row, gap) for row in mine) for gap in right)
        assert agree, (moment, subject, mine, right)
        there.update(gap.kind for gap in right)
    return there + compare_chains(people, moment, log)


def compare_chains(people: dict[UUID, dict[UUID, list[Event]]], moment: Moment, log: Log) -> Counter[str]:
    """Hold the cross-chains over the cases that are a subject's, as recorded by then, to the oracle."""
    count = 0
    for own in people.values():
        right = {chain for chain in oracle.cross_chains(own, moment.as_of) if len(chain.cases) > 1}
        if right:
            recorded = {case: [e for e in log.cases[case] if e.recorded_at <= moment.known_at] for case in own}
            said = {chain_said(chain) for chain in cross_chains(recorded, moment.as_of)}
            assert right <= said, moment
            count += len(right)
    return Counter(chains=count)


def hold_to_the_oracle(url: str, seed: int, cases: int, pairs: int) -> Counter[str]:
    """Compare everything at some pairs of times."""
    rng = Random(seed)
    events = make_registry(rng, cases, before=PAST)
    fill(url, events)
    with closing(Projector(url)) as projector:
        projector.catch_up()
    log = Log(events)
    there: Counter[str] = Counter()
    with closing(connect_as_registry(url, DatabaseRole.READER)) as connection:
        for moment in moments(rng, log, pairs):
            there += compare(Told(connection, moment), moment, log)
    return there


def test_what_lies_over_cases_equals_the_oracle(new_registry: Callable[[], str]) -> None:
    """Whose cases are which, gaps, cross-chains and links, at eight pairs of times each in two registries."""
    there: Counter[str] = Counter()
    for seed in range(2):
        there += hold_to_the_oracle(new_registry(), seed, cases=20, pairs=8)
    assert min(there[what] for what in ("UNCOORDINATED", "DEADLOCK", "chains", "links")) > 0


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_what_lies_over_many_cases_equals_the_oracle(new_registry: Callable[[], str]) -> None:
    """The same in a registry of two thousand cases, at fifty pairs of times."""
    there = hold_to_the_oracle(new_registry(), 2026, cases=2_000, pairs=50)
    assert min(there[what] for what in ("UNCOORDINATED", "DEADLOCK", "chains", "links")) > 1_000
