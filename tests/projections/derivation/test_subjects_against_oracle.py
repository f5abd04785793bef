"""What lies over the cases of one subject is what the slow and obvious oracle says, over machine-made registries.

The oracle finds circles and chains within one case too; those are the case's own, and are left out here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings

from histories.machine import end_of, questions
from histories.registry import asked_registries, make_registry
from histories.several import day, named
from knelpunt.domain.case.facts import CaseOpened, FactCorrected
from knelpunt.domain.event import Event
from knelpunt.domain.vocabulary import GapKind
from knelpunt.projections.derivation import subjects as derivation
from knelpunt.projections.derivation.cross_chains import CrossChain
from knelpunt.projections.derivation.shapes import Gap
from oracle import subjects as oracle
from oracle.answers import OFigures
from oracle.registry import Log
from oracle.subjects import OCrossChain, OSubjectGap
from oracle.tale import Tale
from projections.derivation.plainly import shown

CASES = 10


def gap_said(gap: Gap, as_of: datetime) -> OSubjectGap:
    """A derived gap in the oracle's form; of its obstacles it says nothing, and it names one event that began it."""
    return OSubjectGap(
        kind=gap.kind.value,
        from_=gap.from_,
        until=gap.until,
        counts=gap.counts(as_of),
        lasted=gap.lasted(as_of),
        to_act=frozenset(gap.to_act),
        involved=frozenset(gap.involved),
        obstacles=frozenset(),
        cases=frozenset(gap.cases),
        begun_by=frozenset({gap.begun_by}),
    )


def same_gap(said: OSubjectGap, right: OSubjectGap) -> bool:
    """Whether they agree; where several events at one moment may have begun it, it is one of them.

    A gap may name more cases than those in which something was held: those in which its evidence lies.
    """
    own = replace(right, obstacles=frozenset(), begun_by=said.begun_by, cases=said.cases)
    return said.begun_by <= right.begun_by and right.cases <= said.cases and said == own


def chain_said(chain: CrossChain) -> OCrossChain:
    """A derived cross-chain in the oracle's form; what is counted by obstacle is added up, as whoever shows it does."""
    each = [one.figures for one in chain.obstacles]
    return OCrossChain(
        obstacles=frozenset(one.obstacle for one in chain.obstacles),
        cases=frozenset(one.report.stream for one in chain.obstacles),
        figures=OFigures(
            organisations=len(chain.organisations),
            offered=sum(figures.handoffs_offered for figures in each),
            accepted=sum(figures.handoffs_accepted for figures in each),
            refused=sum(figures.handoffs_refused for figures in each),
            referrals=sum(figures.referrals for figures in each),
            contacts=chain.contacts,
            story_retold=chain.story_retold,
            days_open=chain.open_for,
            days_in_gap=chain.in_a_gap,
            longest_gap=chain.longest_gap,
            fell=any(figures.fell_between_the_cracks for figures in each),
        ),
        harms=frozenset(
            (one.obstacle, harm.harm, harm.since, harm.until) for one in chain.obstacles for harm in one.figures.harms
        ),
    )


def whose(log: Log) -> dict[UUID, set[UUID]]:
    """The cases that ever named a subject, whether or not it stayed so."""
    found: dict[UUID, set[UUID]] = {}
    for case, history in log.cases.items():
        for event in history:
            match event.data:
                case CaseOpened(subjects=subjects):
                    named: Sequence[UUID] = subjects
                case FactCorrected(field="subjects", value=tuple() as values):
                    named = [UUID(str(value)) for value in values]
                case _:
                    continue
            for subject in named:
                found.setdefault(subject, set()).add(case)
    return found


class Asked:
    """A registry, and what both sides say of it at two times."""

    def __init__(self, log: Sequence[Event], rng: Random) -> None:
        """Take a registry's log."""
        self.rng = rng
        self.log = Log(log)
        self.whose = whose(self.log)

    def moments(self, count: int) -> Iterator[tuple[datetime, datetime]]:
        """Pairs of times at and beside events and deadlines of any case; the first takes in everything."""
        every = [event for history in self.log.cases.values() for event in history]
        end = end_of(every)
        yield end, end
        for _ in range(count - 1):
            ((_, _, _), (as_of, known_at, _)) = questions(self.rng, every, 2)
            yield as_of, known_at or max(end, as_of)

    def recorded(self, subject: UUID, known_at: datetime) -> Mapping[UUID, list[Event]]:
        """What was recorded by then of the subject's cases, of those of whoever shares one, and of organisations."""
        own = self.whose[subject]
        near = {case for cases in self.whose.values() if not own.isdisjoint(cases) for case in cases}
        histories = {case: self.log.cases[case] for case in near}
        for event in self.log.organisations:
            histories.setdefault(event.stream, []).append(event)
        return {stream: [e for e in events if e.recorded_at <= known_at] for stream, events in histories.items()}

    def hold_gaps(self, as_of: datetime, known_at: datetime) -> Counter[str]:
        """Compare the gaps over every subject's cases; return what there was."""
        there: Counter[str] = Counter()
        told = oracle.told_of(self.log.stories(as_of, known_at))
        for subject in self.whose:
            given = derivation.subject_gaps(self.recorded(subject, known_at), as_of, subject=subject)
            said = [gap_said(gap, as_of) for gap in given]
            right = [
                gap
                for gap in oracle.subject_gaps(told.get(subject, {}), as_of, known_at, self.log.organisations, subject)
                if gap.kind != "DEADLOCK" or len(gap.cases) > 1
            ]
            agree = len(said) == len(right) and all(any(same_gap(one, other) for one in said) for other in right)
            assert agree, self.difference(subject, as_of, known_at, said, right)
            there.update(gap.kind for gap in right)
            for gap in given:
                self.hold_evidence(gap, as_of, known_at)
        return there

    def hold_evidence(self, gap: Gap, as_of: datetime, known_at: datetime) -> None:
        """Evidence lies in the gap's cases and in organisations, is shown and has effect; it is in order, each once."""
        stories = self.log.stories(as_of, known_at)
        shown_ = [event for case in gap.cases for event in stories[case]]
        shown_ += [e for e in self.log.organisations if e.recorded_at <= known_at and e.occurred_at <= as_of]
        order = [event.id for event in sorted(shown_, key=lambda event: (event.occurred_at, event.position))]
        assert set(gap.evidence) <= set(order), ("evidence", gap)
        places = [order.index(event) for event in gap.evidence]
        assert places == sorted(set(places)), gap
        assert gap.begun_by in gap.evidence

    def hold_chains(self, as_of: datetime, known_at: datetime) -> Counter[str]:
        """Compare all cross-chains over several cases; one that is two people's is one."""
        recorded = {
            case: [event for event in events if event.recorded_at <= known_at]
            for case, events in self.log.cases.items()
        }
        said = Counter(chain_said(chain) for chain in derivation.cross_chains(recorded, as_of))
        right = {
            chain
            for stories in oracle.by_subject(self.log.stories(as_of, known_at)).values()
            for chain in oracle.cross_chains(stories, as_of)
            if len(chain.cases) > 1
        }
        assert said == Counter(right), (as_of, known_at)
        return Counter({"chains": len(right)})

    def difference(
        self, subject: UUID, as_of: datetime, known_at: datetime, said: list[OSubjectGap], right: list[OSubjectGap]
    ) -> str:
        """What somebody needs to see who looks for a mistake."""
        cases = "\n\n".join(shown(self.log.cases[case]) for case in self.whose[subject])
        lines = [f"of {subject}, asOf {as_of}, knownAt {known_at}", cases, shown(self.log.organisations)]
        return "\n".join([*lines, "derived:", *map(repr, said), "oracle:", *map(repr, right)])


def hold_to_the_oracle(seeds: range, cases: int, pairs: int) -> Counter[str]:
    """Compare everything over several cases in some registries; return what there was to compare."""
    there: Counter[str] = Counter()
    for seed in seeds:
        rng = Random(seed)
        asked = Asked(make_registry(rng, cases), rng)
        for moment in asked.moments(pairs):
            there += asked.hold_gaps(*moment)
            there += asked.hold_chains(*moment)
    return there


def test_what_lies_over_cases_equals_the_oracle() -> None:
    """Gaps and cross-chains over the cases of every person, in eight registries, at three pairs of times each."""
    there = hold_to_the_oracle(range(8), CASES, 3)
    assert min(there[what] for what in ("UNCOORDINATED", "DEADLOCK", "COMMITMENT_OVERDUE", "chains")) > 10


@given(asked_registries())
@settings(max_examples=20)
def test_what_lies_over_cases_with_holes_in_them_equals_the_oracle(
    asked: tuple[list[Event], datetime, datetime],
) -> None:
    """The same where events are missing, shrunk by Hypothesis to a smallest example if not."""
    log, as_of, known_at = asked
    both = Asked(log, Random(0))
    both.hold_gaps(as_of, known_at)
    both.hold_chains(as_of, known_at)


def three_held() -> Tale:
    """Three organisations hold something in one case of two people from day 0; the first of them has another case."""
    tale = Tale()
    tale.opens("A", 0, "payer", "receiver")
    tale.opens("B", 0, "payer")
    for organisation in ("GEM", "UWV", "SVB"):
        tale.reports("A", f"with {organisation}", 0, f"urn:org:{organisation}")
    return tale


def test_a_gap_is_told_of_whoever_has_it() -> None:
    """The payer's other case is coordinated, and something is held in it; the receiver has none but the first case."""
    tale = three_held()
    tale.reports("B", "held too", 0, "urn:org:GEM")
    tale.coordinates("B", 0)
    payer, receiver = (
        derivation.subject_gaps(tale.histories(), day(40), subject=named(one)) for one in ("payer", "receiver")
    )
    assert payer == []
    assert [(gap.kind, gap.from_) for gap in receiver] == [(GapKind.UNCOORDINATED, day(0))]


def test_the_cases_of_a_gap_are_those_of_its_evidence() -> None:
    """Until day 30 something is held in a case that is coordinated; that it is settled then begins the gap."""
    tale = three_held()
    tale.reports("B", "held too", 0, "urn:org:GEM")
    tale.coordinates("B", 0)
    settled = tale.resolves("B", "held too", 30, "urn:org:GEM")
    (gap,) = derivation.subject_gaps(tale.histories(), day(60), subject=named("payer"))
    assert (gap.from_, gap.begun_by) == (day(30), settled.id)
    assert set(gap.cases) == {named("A"), named("B")}


@pytest.mark.long
@pytest.mark.parametrize("start", range(1_000, 3_000, 100))
def test_what_lies_over_many_cases_equals_the_oracle(start: int) -> None:
    """The same in two thousand registries."""
    hold_to_the_oracle(range(start, start + 100), CASES, 5)
