"""The oracle keeps the laws that gaps.md states as such, over machine-made histories."""

from itertools import pairwise

from hypothesis import given, settings

from histories.machine import asked_histories, is_mending
from histories.registry import asked_registries
from knelpunt.domain.case.facts import CaseFact
from oracle.oracle import answer
from oracle.registry import Log
from oracle.subjects import by_subject, cross_chains, linked_cases, subject_gaps
from oracle.told import told

REGISTRIES = settings(max_examples=20)
"""A registry takes ten times as long as a history."""


@given(asked_histories())
def test_segments_tile_the_open_time(asked):
    """Segments of an obstacle never overlap, and together last as long as it was open."""
    history, (as_of, known_at, known_to) = asked
    given = answer(history, as_of, known_at, known_to)
    for obstacle, figures in given.figures.items():
        chain = [s for s in given.segments if s.obstacle == obstacle]
        assert all(before.until is not None and before.until <= after.from_ for before, after in pairwise(chain))
        assert sum(((s.until or as_of) - s.from_ for s in chain[1:]), (chain[0].until or as_of) - chain[0].from_) == (
            figures.days_open
        )


@given(asked_histories())
def test_nothing_in_an_answer_lies_after_the_question(asked):
    """No gap or segment begins or ends after the moment asked for, and no gap counts that did not last."""
    history, (as_of, known_at, known_to) = asked
    given = answer(history, as_of, known_at, known_to)
    assert all(x.from_ <= as_of and (x.until is None or x.until <= as_of) for x in (*given.segments, *given.gaps))
    assert all(gap.lasted for gap in given.gaps if gap.counts)


@given(asked_histories())
def test_the_rule_that_decides_correctness(asked):
    """An answer through the lenses is that of a registry which holds only what they show, and every mending."""
    history, (as_of, known_at, known_to) = asked
    shown = {e.id for e in told(history, as_of, known_at, known_to).placed}
    recorded = [e for e in history if known_at is None or e.recorded_at <= known_at]
    registry = [e for e in recorded if is_mending(e) or e.id in shown]
    assert answer(registry, as_of) == answer(history, as_of, known_at, known_to)


@given(asked_registries())
@REGISTRIES
def test_the_rule_that_decides_correctness_over_the_cases_of_a_subject(asked):
    """What lies over several cases at two times is what a registry of only what they show would say at that moment."""
    log, as_of, known_at = asked
    whole = Log(log)
    shown = {event.id for event in whole.organisations if event.occurred_at <= as_of}
    shown |= {event.id for case in whole.cases.values() for event in told(case, as_of, known_at, None).placed}
    recorded = [event for event in log if event.recorded_at <= known_at]
    registry = Log([e for e in recorded if e.id in shown or (isinstance(e.data, CaseFact) and is_mending(e))])
    stories, seen = whole.stories(as_of, known_at), registry.stories(as_of, log[-1].recorded_at)
    assert by_subject(stories).keys() == by_subject(seen).keys()
    assert linked_cases(stories) == linked_cases(seen)
    for subject, own in by_subject(stories).items():
        again = by_subject(seen)[subject]
        assert own.keys() == again.keys()
        assert subject_gaps(own, as_of, known_at, whole.organisations, subject) == (
            subject_gaps(again, as_of, log[-1].recorded_at, registry.organisations, subject)
        )
        assert {(c.obstacles, c.figures) for c in cross_chains(own, as_of)} == (
            {(c.obstacles, c.figures) for c in cross_chains(again, as_of)}
        )


@given(asked_registries())
@REGISTRIES
def test_intervals_over_the_cases_of_a_subject_are_maximal(asked):
    """Two stretches in which nobody coordinates, or of one circle, neither overlap nor touch; none lies to come."""
    log, as_of, known_at = asked
    whole = Log(log)
    for own in by_subject(whole.stories(as_of, known_at)).values():
        gaps = subject_gaps(own, as_of, known_at, whole.organisations)
        assert all(gap.from_ <= as_of and (gap.until is None or gap.from_ < gap.until <= as_of) for gap in gaps)
        for name in {(gap.kind, gap.obstacles if gap.kind == "DEADLOCK" else None) for gap in gaps}:
            mine = [gap for gap in gaps if (gap.kind, gap.obstacles if gap.kind == "DEADLOCK" else None) == name]
            times = sorted((gap.from_, gap.until or as_of) for gap in mine)
            assert all(before[1] < after[0] for before, after in pairwise(times))


@given(asked_registries())
@REGISTRIES
def test_cross_chains_share_no_obstacle_and_last_as_long_as_any_of_theirs(asked):
    """An obstacle is in one cross-chain of a subject at most, which is open at least as long as it and not too long."""
    log, as_of, known_at = asked
    whole = Log(log)
    for own in by_subject(whole.stories(as_of, known_at)).values():
        chains = cross_chains(own, as_of)
        assert sum(len(chain.obstacles) for chain in chains) == len({o for chain in chains for o in chain.obstacles})
        single = [answer(whole.cases[case], as_of, known_at).figures for case in own]
        open_for = {obstacle: one.days_open for figures in single for obstacle, one in figures.items()}
        for chain in chains:
            each = [open_for[obstacle] for obstacle in chain.obstacles]
            assert max(each) <= chain.figures.days_open <= sum(each[1:], each[0])
            assert chain.figures.longest_gap <= chain.figures.days_in_gap
