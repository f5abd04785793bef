"""The laws that gaps.md and style.md state for every answer, over machine-made histories."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from histories.machine import asked_histories, end_of, histories, is_mending
from histories.world import ONLOOKER, ORGANISATIONS
from knelpunt.domain.case.facts import HandoffOffered, ObstacleReopened, ObstacleReported
from knelpunt.domain.event import Event
from knelpunt.domain.vocabulary import GapKind
from knelpunt.projections.derivation.answer import NOBODY, CaseAnswer, answer
from knelpunt.projections.derivation.shapes import SegmentKind
from oracle.answers import OAnswer
from oracle.told import delivered_at, mend, told
from projections.derivation.plainly import differences, plainly

MICROSECOND = timedelta(microseconds=1)


def settlements_between(given_: CaseAnswer, obstacle, start: datetime, end: datetime) -> bool:
    """Whether something in the timeline closed and something reopened the obstacle between two moments."""
    return any(
        isinstance(told_.event.data, ObstacleReopened)
        and told_.event.data.obstacle == obstacle
        and told_.conflict is None
        and told_.struck_by is None
        and start <= told_.event.occurred_at <= end
        for told_ in given_.timeline
    )


@given(asked_histories())
def test_segments_tile_the_open_time(asked):
    """A chain begins with its report, has holes only where it was settled, and lasts as long as it was open."""
    history, (as_of, known_at, known_to) = asked
    given_ = answer(history, as_of, known_at, known_to)
    for one in given_.obstacles:
        chain = one.segments
        if not chain:
            # Nobody received it, and it was settled the moment it was reported: no stretch of any length.
            assert not one.open
            assert one.figures.open_for == timedelta()
            continue
        reported_at = one.report.occurred_at
        assert chain[0].from_ == reported_at or settlements_between(given_, one.obstacle, reported_at, chain[0].from_)
        for before, after in pairwise(chain):
            assert before.until is not None
            assert before.until <= after.from_
            if before.until < after.from_:
                assert settlements_between(given_, one.obstacle, before.until, after.from_)
        assert sum(((s.until or as_of) - s.from_ for s in chain), timedelta()) == one.figures.open_for
        assert one.open == (chain[-1].until is None)
        assert (chain[-1].until is None) == (one.settled_at is None)


@given(asked_histories())
def test_neighbouring_segments_differ(asked):
    """Nobody holds what somebody is said to hold, and one holder's custody is not cut in two without a settlement."""
    history, question = asked
    given_ = answer(history, *question)
    for one in given_.obstacles:
        for segment in one.segments:
            assert (segment.kind is SegmentKind.HELD) == (segment.organisation is not None)
            assert segment.organisation is not None or segment.from_ != segment.until
        for before, after in pairwise(one.segments):
            if before.organisation == after.organisation is not None:
                assert before.until is not None
                assert settlements_between(given_, one.obstacle, before.until, after.from_)


@given(asked_histories())
def test_the_rule_of_the_two_times(asked):
    """An answer through the lenses is that of a registry which holds only what they show, and every mending."""
    history, (as_of, known_at, known_to) = asked
    visible = {event.id for event in told(history, as_of, known_at, known_to).placed}
    recorded = [event for event in history if known_at is None or event.recorded_at <= known_at]
    registry = [event for event in recorded if is_mending(event) or event.id in visible]
    if registry:
        assert plainly(answer(history, as_of, known_at, known_to)) == plainly(answer(registry, as_of))
        assert answer(history, as_of, known_at, known_to).said == answer(registry, as_of).said
        assert answer(history, as_of, known_at, known_to).gaps == answer(registry, as_of).gaps


@given(asked_histories())
def test_nothing_in_an_answer_lies_after_the_question(asked):
    """No gap, segment or event lies after the moment asked for, and no gap counts that did not last."""
    history, (as_of, known_at, known_to) = asked
    given_ = answer(history, as_of, known_at, known_to)
    intervals = (*given_.segments, *given_.gaps)
    assert all(one.from_ <= as_of and (one.until is None or one.until <= as_of) for one in intervals)
    assert all(gap.lasted(as_of) > timedelta() for gap in given_.gaps if gap.counts(as_of))
    assert all(is_mending(one.event) or one.event.occurred_at <= as_of for one in given_.timeline)


@given(asked_histories())
def test_evidence_is_what_was_told_and_has_effect(asked):
    """A gap's evidence names events that are shown, not struck and not inert, each once and in order of occurrence."""
    history, question = asked
    given_ = answer(history, *question)
    place = {
        one.event.id: n
        for n, one in enumerate(given_.timeline)
        if one.conflict is None and one.struck_by is None and not is_mending(one.event)
    }
    for gap in given_.gaps:
        assert gap.begun_by in gap.evidence
        places = [place[event] for event in gap.evidence]
        assert places == sorted(set(places)), gap


def reordered(history: Sequence[Event], rng: Random) -> list[Event]:
    """Return the same facts recorded in another order; what occurred at one moment, and mendings, keep theirs."""
    stated = [with_stated_delivery(event) for event in history]
    now = {event.id: event.occurred_at for event in mend(stated)[0]}
    facts = [event for event in stated if not is_mending(event)]
    shuffled = rng.sample(facts, len(facts))
    tied: dict[datetime, list[Event]] = {}
    for event in facts:
        tied.setdefault(now[event.id], []).append(event)
    rows = {moment: iter(events) for moment, events in tied.items()}
    order = [next(rows[now[event.id]]) for event in shuffled]
    # Mendings come last: which of two corrections of a field was recorded last is part of what they say.
    return placed([*order, *(event for event in stated if is_mending(event))], end_of(history))


def with_stated_delivery(event: Event) -> Event:
    """Return an event whose delivery does not hang on when it was recorded."""
    if not isinstance(event.data, HandoffOffered):
        return event
    stated = msgspec.structs.replace(event.data, delivered_at=delivered_at(event))
    return msgspec.structs.replace(event, data=stated)


def placed(events: Iterable[Event], recorded_from: datetime) -> list[Event]:
    """Return events as if they had been recorded in this order."""
    return [
        msgspec.structs.replace(event, version=n + 1, position=n, recorded_at=recorded_from + n * MICROSECOND)
        for n, event in enumerate(events)
    ]


def without_tied_beginnings(given_: CaseAnswer) -> OAnswer:
    """Return an answer without what began a standstill: where a deadline and an event fall on one moment, the one that
    was recorded last is said to have begun it."""
    plain = plainly(given_)
    gaps = [replace(gap, begun_by=NOBODY) if gap.kind is GapKind.STANDSTILL else gap for gap in plain.gaps]
    return replace(plain, gaps=gaps)


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_recording_does_not_matter_in_the_end(history, rng):
    """The same facts recorded in any order give the same final answer."""
    as_of = end_of(history) + timedelta(days=100)
    straight = [*(e for e in history if not is_mending(e)), *(e for e in history if is_mending(e))]
    one = answer(placed([with_stated_delivery(event) for event in straight], end_of(history)), as_of)
    other = answer(reordered(history, rng), as_of)
    assert differences(without_tied_beginnings(one), without_tied_beginnings(other)) == {}


@given(asked_histories())
def test_what_somebody_knew_they_go_on_knowing(asked):
    """Whoever knew of an event at a moment knows of it at every later one, as long as no more is recorded."""
    history, (as_of, known_at, _) = asked
    for organisation in (ONLOOKER, *ORGANISATIONS):
        earlier, later = (
            {
                one.event.id
                for one in answer(history, moment, known_at, organisation).timeline
                if not is_mending(one.event)
            }
            for moment in (as_of, as_of + timedelta(days=40))
        )
        assert earlier <= later


@given(asked_histories())
def test_who_knows_of_an_obstacle_knows_its_report_and_the_opening(asked):
    """Through one organisation's eyes there is no chain without its report, and none in an unopened case."""
    history, (as_of, known_at, known_to) = asked
    whole = answer(history, as_of, known_at)
    given_ = answer(history, as_of, known_at, known_to or ORGANISATIONS[0])
    assert {one.obstacle for one in given_.obstacles} <= {one.obstacle for one in whole.obstacles}
    if given_.obstacles and whole.opened is not None:
        assert given_.opened == whole.opened
    reports = {one.event.id for one in given_.timeline if isinstance(one.event.data, ObstacleReported)}
    assert {one.report.id for one in given_.obstacles} <= reports


def test_an_empty_history_has_an_empty_answer():
    """Nothing recorded is nothing derived, and no error."""
    given_ = answer([], datetime.fromisoformat("2024-01-01T00:00:00+00:00"))
    assert (given_.opened, given_.obstacles, given_.gaps, given_.timeline) == (None, (), (), ())
