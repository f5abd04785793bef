"""The rows over both times say what the derivation answers at any two moments, however they came about."""

import gc
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import combinations
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from histories.machine import asked_histories, histories, is_mending, make_history, questions
from knelpunt.domain.case.facts import (
    AccountGiven,
    CaseLinked,
    CustodyTaken,
    EventStruck,
    FactCorrected,
    GapAcknowledged,
    HandoffAccepted,
    HandoffOffered,
    HandoffRefused,
    HandoffWithdrawn,
    ObstacleReopened,
    ObstacleReported,
    ObstacleResolved,
    RemedyApplied,
    StepTaken,
    SubjectReferred,
)
from knelpunt.domain.case.named import organisations_of
from knelpunt.domain.event import Event
from knelpunt.domain.settings import DEFAULTS
from knelpunt.domain.vocabulary import Stance
from knelpunt.projections.derivation.answer import CaseAnswer, answer
from knelpunt.projections.derivation.answer_facets import (
    CommitmentFacet,
    CommitmentKind,
    CommitmentOutcome,
    NoticeFacet,
    TellingFacet,
)
from knelpunt.projections.derivation.belonging import LinkFacet, RemedyFacet, SubjectFacet
from knelpunt.projections.derivation.chain import Chain
from knelpunt.projections.derivation.facets import (
    FOR_EVER,
    CaseFacet,
    ChainFacet,
    Facet,
    GapFacet,
    HandoffFacet,
    HandoffKind,
    HandoffOutcome,
    PartyFacet,
)
from knelpunt.projections.derivation.fold import CaseFold
from knelpunt.projections.derivation.shapes import StatedHarm
from knelpunt.projections.derivation.timelines import Row, case_timelines, rows_of
from knelpunt.projections.derivation.todos import TodoFacet, TodoKind
from knelpunt.projections.read_model.copying import name_of, table_of
from oracle.answering import plans
from oracle.oracle import answer as oracle_answer
from oracle.story import holder, is_open, offer_end, settlement
from oracle.told import delivered_at, respond_by, told

HISTORIES, SHARE = 300, 25


def at(rows: list[Row], as_of: datetime, known_at: datetime) -> list[Facet]:
    """Return the states that are the answer at two times."""
    return [
        row.state
        for row in rows
        if row.as_of_from <= as_of
        and (row.as_of_until is None or as_of < row.as_of_until or known_at < end_known_from(row))
        and row.known_from <= known_at
        and (row.known_until is None or known_at < row.known_until)
    ]


def end_known_from(row: Row) -> datetime:
    """Return from when the end of a row's state was known; every row that was made in this session says so."""
    assert row.until_known_from is not None
    return row.until_known_from


def expected(history: list[Event], as_of: datetime, known_at: datetime) -> set[Facet]:
    """Return the states that an answer amounts to; handoffs are told by the oracle."""
    given_ = answer(history, as_of, known_at)
    theme = given_.fact.theme if given_.fact else ""
    facets: set[Facet] = set(handoffs(history, as_of, known_at))
    if given_.opened is not None and given_.fact is not None:
        reference = given_.fact.reference
        facets.add(CaseFacet(history[0].stream, reference, theme, given_.opened.occurred_at, given_.closed_at))
        facets |= {SubjectFacet(subject, place) for place, subject in enumerate(given_.fact.subjects)}
    for one in given_.timeline:
        if isinstance(one.event.data, CaseLinked) and one.conflict is None and one.struck_by is None:
            facets.add(LinkFacet(one.event.id, one.event.data.case, one.event.data.relation))
        if isinstance(one.event.data, RemedyApplied) and one.conflict is None and one.struck_by is None:
            said = one.event.data
            facets.add(RemedyFacet(one.event.id, said.obstacle, said.organisation, said.rule_departed_from))
    facets |= {PartyFacet(organisation) for organisation in parties(given_)}
    facets |= {
        notice for one in given_.timeline if one.conflict is None for notice in noticed(one.event, one.struck_by)
    }
    facets |= {
        TellingFacet(one.obstacle, one.figures.contacts, one.figures.story_retold)
        for one in given_.obstacles
        if one.figures.contacts
    }
    facets |= promised(history, as_of, known_at)
    harms = {one.obstacle: one.figures.harms for one in given_.obstacles}
    every_harm = tuple(harm for stated in harms.values() for harm in stated)
    for one in given_.obstacles:
        kinds, until = summed_up(one.figures.harms)
        facets.add(
            ChainFacet(
                obstacle=one.obstacle,
                reported_at=one.report.occurred_at,
                settled_at=one.settled_at,
                holder=one.holder,
                claimed=one.claimed,
                organisations=one.figures.organisations,
                harms=kinds,
                harm_until=until,
                theme=theme,
            )
        )
    facets |= todos(history, as_of, known_at)
    for gap in given_.gaps:
        kinds, until = summed_up(every_harm if gap.obstacle is None else harms[gap.obstacle])
        facets.add(GapFacet(gap, kinds, until, theme))
    return facets


def summed_up(harms: tuple[StatedHarm, ...]):
    """Return the kinds of harm in alphabetical order, and until when one lasts."""
    return tuple(sorted({harm.harm for harm in harms})), max((harm.until or FOR_EVER for harm in harms), default=None)


def noticed(event: Event, struck_by: object):
    """Yield what an organisation says of a gap by an event that has effect."""
    fact = event.data
    if struck_by is not None or not isinstance(fact, AccountGiven | GapAcknowledged) or fact.gap is None:
        return
    confirms = isinstance(fact, GapAcknowledged) or fact.stance is Stance.CONFIRMS
    by = fact.organisation if isinstance(fact, GapAcknowledged) else fact.by.organisation
    if confirms and by is not None:
        lies_on = fact.subject or fact.gap.obstacle or event.stream
        yield NoticeFacet(event.id, by, event.occurred_at, fact.gap.id, fact.gap.kind, lies_on, fact.gap.since)


def promised(history: list[Event], as_of: datetime, known_at: datetime) -> set[Facet]:
    """Return what was promised about gaps of obstacles, as the oracle tells it."""
    found: set[Facet] = set()
    for one in plans(history, as_of, known_at):
        outcome = CommitmentOutcome.RUNNING if one.ended is None else CommitmentOutcome.DONE
        kind = CommitmentKind.PLAN
        found.add(CommitmentFacet(one.event, kind, one.organisation, one.made, one.due, one.ended, outcome))
    return found


def parties(given_: CaseAnswer) -> set[str]:
    """Return who is named by an event that has effect."""
    events = [one.event for one in given_.timeline if one.conflict is None and one.struck_by is None]
    return {organisation for event in events if not is_mending(event) for organisation in organisations_of(event.data)}


def handoffs(history: list[Event], as_of: datetime, known_at: datetime) -> list[HandoffFacet]:
    """Return every offer and referral, and what became of it, from the story as the oracle tells it."""
    inert = {conflict.event for conflict in answer(history, as_of, known_at).conflicts}
    seen = told(history, as_of, known_at, None)
    story = [event for event in seen.placed if event.id not in inert and event.id not in seen.struck]
    found = []
    for n, event in enumerate(story):
        fact = event.data
        if isinstance(fact, HandoffOffered):
            end = offer_end(story, n)
            outcome, ground = (
                outcome_of(story[end], fact.handoff) if end is not None else (HandoffOutcome.PENDING, None)
            )
            times = (event.occurred_at, delivered_at(event), respond_by(event, DEFAULTS))
            ended = None if end is None else story[end].occurred_at
            identity = (fact.handoff, HandoffKind.OFFER)
        elif isinstance(fact, SubjectReferred):
            end = arrival(story, n)
            outcome, ground = (HandoffOutcome.PENDING if end is None else HandoffOutcome.ARRIVED), None
            times = (event.occurred_at, event.occurred_at, None)
            ended = None if end is None else story[end].occurred_at
            identity = (event.id, HandoffKind.REFERRAL)
        else:
            continue
        found.append(HandoffFacet(*identity, fact.obstacle, fact.from_, fact.to, *times, outcome, ground, ended))
    return found


def todos(history: list[Event], as_of: datetime, known_at: datetime) -> set[Facet]:
    """Return what is to be done about the record, from the story as the oracle tells it."""
    case = history[0].stream
    plain = oracle_answer(history, as_of, known_at)
    seen = told(history, as_of, known_at, None)
    story = [event for event in seen.placed if event.id not in plain.conflicts and event.id not in seen.struck]
    recorded = {event.id: event for event in history}
    found: set[Facet] = set()
    for segment in plain.segments:
        if segment.claimed and segment.until is None:
            kind, by = TodoKind.CUSTODY_UNCONFIRMED, segment.entered_by
            found.add(TodoFacet(kind, by, segment.from_, segment.organisation, case, segment.obstacle))
    for obstacle in {e.data.obstacle for e in story if isinstance(e.data, ObstacleReported)}:
        last = None if is_open(story, obstacle) else settlement(story, obstacle)
        if last is not None and isinstance(last.data, ObstacleResolved):
            due, by = last.occurred_at + timedelta(days=28), last.data.organisation
            if due <= as_of:
                found.add(TodoFacet(TodoKind.NO_CAUSE_NAMED, last.id, due, by, case, obstacle))
    placed = {event.id: event.occurred_at for event in seen.placed}
    for event in (recorded[id_] for id_ in plain.conflicts):
        fact = event.data
        at_ = placed[fact.event if isinstance(fact, FactCorrected | EventStruck) else event.id]
        found.add(TodoFacet(TodoKind.IN_CONFLICT, event.id, at_, event.actor.organisation, case))
    return found


def outcome_of(end: Event, handoff) -> tuple[HandoffOutcome, str | None]:
    """Return what an event that ended an offer made of it."""
    match end.data:
        case HandoffAccepted(handoff=answered) if answered == handoff:
            return HandoffOutcome.ACCEPTED, None
        case HandoffRefused(handoff=answered, ground=ground) if answered == handoff:
            return HandoffOutcome.REFUSED, ground
        case HandoffWithdrawn(handoff=answered) if answered == handoff:
            return HandoffOutcome.WITHDRAWN, None
    return HandoffOutcome.LAPSED, None


def arrival(story: list[Event], n: int) -> int | None:
    """Return the place at which the one referred to took custody after the referral."""
    fact = story[n].data
    assert isinstance(fact, SubjectReferred)
    for later in range(n + 1, len(story)):
        if not isinstance(story[later].data, HandoffAccepted | CustodyTaken | StepTaken | ObstacleReopened):
            continue
        before, after = holder(story[:later], fact.obstacle), holder(story[: later + 1], fact.obstacle)
        if before != after == fact.to:
            return later
    return None


def comparable(facets) -> set[Facet]:
    """Return states with harms in alphabetical order: which of two was stated first is not asked here."""
    return {
        msgspec.structs.replace(one, harms=tuple(sorted(one.harms))) if isinstance(one, ChainFacet | GapFacet) else one
        for one in facets
    }


def differences(history: list[Event], rows: list[Row], question) -> tuple[set[Facet], set[Facet]]:
    """Return the states that only the rows have, and those that only the answer has."""
    as_of, known_at, _ = question
    known_at = known_at or history[-1].recorded_at
    chosen = at(rows, as_of, known_at)
    assert len(chosen) == len({(table_of(state), name_of(state)) for state in chosen}), "a thing in two states at once"
    shown, wanted = comparable(chosen), comparable(expected(history, as_of, known_at))
    return shown - wanted, wanted - shown


@pytest.mark.parametrize("start", range(0, HISTORIES, SHARE))
def test_rows_at_two_times_are_the_answer(start):
    """Gaps, chains, case, parties and handoffs are those of the answer at every pair of times asked for."""
    for seed in range(start, start + SHARE):
        rng = Random(seed)
        history = make_history(rng)
        rows = rows_of(history[0].stream, history)
        for question in questions(rng, history):
            assert differences(history, rows, question) == (set(), set()), (seed, question)


@pytest.mark.long
@pytest.mark.parametrize("start", range(HISTORIES, 6_000, 10 * SHARE))
def test_rows_of_many_more_histories_are_the_answer(start):
    """The same for thousands of further histories."""
    for seed in range(start, start + 10 * SHARE):
        rng = Random(seed)
        history = make_history(rng)
        rows = rows_of(history[0].stream, history)
        for question in questions(rng, history):
            assert differences(history, rows, question) == (set(), set()), (seed, question)


@given(asked_histories())
def test_rows_of_histories_with_holes_are_the_answer(asked):
    """The same where events are missing, shrunk by Hypothesis."""
    history, question = asked
    assert differences(history, rows_of(history[0].stream, history), question) == (set(), set())


@given(histories())
def test_rows_of_one_thing_never_overlap(history):
    """At any two times there is at most one row of a thing, and no row is the answer nowhere."""
    things: dict[object, list[Row]] = defaultdict(list)
    for row in rows_of(history[0].stream, history):
        assert row.as_of_until is None or row.as_of_from < row.as_of_until
        assert row.known_until is None or row.known_from < row.known_until
        assert row.known_from <= end_known_from(row)
        assert row.known_until is None or end_known_from(row) < row.known_until
        things[table_of(row.state), name_of(row.state)].append(row)
    for rows in things.values():
        for one, other in combinations([window for row in rows for window in windows(row)], 2):
            apart_in_the_world = ends_before(one[1], other[0]) or ends_before(other[1], one[0])
            apart_in_the_record = ends_before(one[3], other[2]) or ends_before(other[3], one[2])
            assert apart_in_the_world or apart_in_the_record


def windows(row: Row) -> list[tuple[datetime, datetime | None, datetime, datetime | None]]:
    """Return the rectangles that a row is the answer in: without an end before that was known, with one after."""
    ended = (row.as_of_from, row.as_of_until, end_known_from(row), row.known_until)
    if ended[2] == row.known_from:
        return [ended]
    return [(row.as_of_from, None, row.known_from, ended[2]), ended]


def ends_before(until: datetime | None, from_: datetime) -> bool:
    """Whether a window has ended when another begins."""
    return until is not None and until <= from_


def change_stored(stored: dict[tuple, tuple], changed: list[Row]) -> None:
    """Change stored rows; of each thing exactly one that is still the answer begins at the moment that is named."""
    for row in changed:
        name = (table_of(row.state), name_of(row.state), row.as_of_from)
        (key,) = [key for key, value in stored.items() if key[:3] == name and value[3] is None]
        state, _, until_known_from, _ = stored[key]
        stored[key] = (state, row.as_of_until, row.until_known_from or until_known_from, row.known_until)


def stored_in_batches(history: list[Event], sizes) -> dict[tuple, tuple]:
    """Return what is stored if timelines start again from what was recorded before, batch by batch."""
    stored: dict[tuple, tuple] = {}
    done = 0
    while done < len(history):
        timelines = case_timelines(history[0].stream, history[:done])
        batch = history[done : done + next(sizes)]
        for event in batch:
            timelines.record(event)
        rows, changed = timelines.take()
        change_stored(stored, changed)
        add(stored, rows)
        done += len(batch)
    return stored


def add(stored: dict[tuple, tuple], rows: list[Row]) -> None:
    """Put rows under their primary key; none may be there."""
    for row in rows:
        key = (table_of(row.state), name_of(row.state), row.as_of_from, row.known_from)
        assert key not in stored
        stored[key] = (row.state, row.as_of_until, row.until_known_from, row.known_until)


@given(histories(), st.randoms(use_true_random=False))
def test_incremental_equals_rebuilt(history, rng):
    """Timelines that start anew from what was stored, after one, two or seven events, store what one run stores."""
    rebuilt: dict[tuple, tuple] = {}
    add(rebuilt, rows_of(history[0].stream, history))
    assert stored_in_batches(history, iter(lambda: rng.choice((1, 2, 7)), None)) == rebuilt


@given(histories())
def test_timelines_kept_at_hand_store_the_same(history):
    """Timelines that are asked after every event, without starting anew, store what one run stores."""
    timelines = case_timelines(history[0].stream)
    stored: dict[tuple, tuple] = {}
    for event in history:
        timelines.record(event)
        rows, changed = timelines.take()
        change_stored(stored, changed)
        add(stored, rows)
    rebuilt: dict[tuple, tuple] = {}
    add(rebuilt, rows_of(history[0].stream, history))
    assert stored == rebuilt
    assert len(timelines) == len(history)


def test_a_folded_case_is_gone_at_once():
    """A case that was folded, with late events among its own, is gone at once: a rebuild looks for no cycles."""

    def folds() -> int:
        return sum(isinstance(one, CaseFold | Chain) for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = folds()
        for seed in range(20):
            history = make_history(Random(seed))
            rows_of(history[0].stream, history)
        assert folds() == before
    finally:
        gc.enable()
